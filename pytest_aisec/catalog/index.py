"""Index of our own controls: what `@control` says of them, so that their files need not be executed.

An entry counts only as long as its file, and what else the entry was made of, have the digests that it names.
Whoever changes one of them makes the index anew (`python tests/check_index.py --write`); until then the file
is executed, as that of any other pack.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pytest_aisec.catalog.control import ATTRIBUTE, Control, Parameter

NAME = "index.json"
"""Of the file, below the directory of controls."""
_PACKAGE = Path(__file__).resolve().parents[1]
_ALL_REST_ON = ("catalog/control.py", "catalog/objectives.py", "catalog/types.py")
"""What turns the text of any control into what is known of it; below the package."""
_HOOKS = ("pytest_", "pytestmark", "setup", "teardown", "Test")
"""How names begin that mean something to pytest, beside the tests themselves."""


@dataclass(frozen=True, kw_only=True)
class Indexed:
    """A control as the index knows it."""

    control: Control
    """Its function and the types of its parameters come from its file, which is executed for that."""
    name: str
    """Of its function."""
    doc: str

    @classmethod
    def of(cls, entry: Mapping[str, Any], path: Path, executed: Callable[[str], Control]) -> Indexed:
        """Return the control of an entry; `executed` gives it by its id from its executed file."""
        control_id = entry["id"]
        control = Control(
            **{key: entry[key] for key in _TEXTS},
            platforms=tuple(entry["platforms"]),
            frameworks=MappingProxyType({key: tuple(ids) for key, ids in entry["frameworks"].items()}),
            parameters=MappingProxyType(
                {given["name"]: _parameter(given, control_id, executed) for given in entry["parameters"]}
            ),
            source=lambda: executed(control_id).function,
            path=path,
        )
        return cls(control=control, name=entry["function"], doc=entry["doc"])

    def stand_in(self) -> Callable[..., None]:
        """Return a function that is collected like the control's own, and calls that."""
        control = self.control

        def test(host: object, **params: object) -> None:
            control.function(host, **params)

        test.__name__ = test.__qualname__ = self.name
        test.__doc__ = self.doc
        test.__code__ = test.__code__.replace(
            co_filename=str(control.path), co_firstlineno=control.line, co_name=self.name
        )
        setattr(test, ATTRIBUTE, control)
        return test


class Index:
    """Entries of the controls in a directory; none, where no index lies in it."""

    def __init__(self, controls: Path) -> None:
        self._controls = controls
        self._files: Mapping[str, Any] = {}
        self._digests: dict[str, str | None] = {}
        """Of files of the package, below which they are named; None for one that is not there."""
        try:
            data = json.loads((controls / NAME).read_bytes())
            if self._hold(data["rests_on"]):
                self._files = data["files"]
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return

    def of(self, path: Path, content: bytes) -> Mapping[str, Mapping[str, Any]]:
        """Return the entries of a file with that content, by id; none where they need not be right."""
        known = self._files.get(path.relative_to(self._controls).as_posix())
        if known is None or known["sha256"] != _digest(content) or not self._hold(known["rests_on"]):
            return {}
        return {item["id"]: item for item in known["controls"]}

    def _hold(self, digests: Mapping[str, str]) -> bool:
        return all(self._digest_of(name) == digest for name, digest in digests.items())

    def _digest_of(self, name: str) -> str | None:
        if name not in self._digests:
            try:
                self._digests[name] = _digest((_PACKAGE / name).read_bytes())
            except OSError:
                self._digests[name] = None
        return self._digests[name]


_TEXTS = (
    "id",
    "title",
    "rationale",
    "severity",
    "remediation",
    "remediation_is_words",
    "line",
    "speculate",
    "needs_running",
)
"""Fields of a control that are in the index as they are."""


def _parameter(given: Mapping[str, Any], control_id: str, executed: Callable[[str], Control]) -> Parameter:
    def hint() -> Any:
        return executed(control_id).parameters[given["name"]].hint()

    return Parameter(**given, hint=hint)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def make(controls: Path, found: Iterable[Control]) -> str:
    """Return the text of the index of a directory, from its executed controls: one line a control.

    Files of which more matters to pytest than their controls, and defaults that are no JSON, are left out.
    """
    by_path: dict[Path, list[Control]] = {}
    for control in found:
        by_path.setdefault(control.path, []).append(control)
    files = []
    for path, those in sorted(by_path.items()):
        content = path.read_bytes()
        tree = ast.parse(content)
        if not _is_plain(tree) or not all(map(_is_json, those)):
            continue
        name = json.dumps(path.relative_to(controls).as_posix())
        lines = [json.dumps(_entry(item)) for item in sorted(those, key=lambda it: it.line)]
        head = f'{name}: {{"sha256": "{_digest(content)}", "rests_on": {_rests_on(tree)}, "controls": ['
        files.append(head + "\n" + ",\n".join(lines) + "\n]}")
    rests_on = json.dumps({name: _digest((_PACKAGE / name).read_bytes()) for name in _ALL_REST_ON})
    return f'{{"rests_on": {rests_on}, "files": {{\n' + ",\n".join(files) + "\n}}\n"


def _entry(control: Control) -> dict[str, Any]:
    return {
        **{key: getattr(control, key) for key in _TEXTS},
        "platforms": control.platforms,
        "frameworks": dict(control.frameworks),
        "parameters": [
            {"name": item.name, "type_name": item.type_name, "default": item.default, "value": item.value}
            for item in control.parameters.values()
        ],
        "function": control.function.__name__,
        "doc": inspect.getdoc(control.function),
    }


def _is_json(control: Control) -> bool:
    """Tell whether the defaults come out of JSON as they went in, types and all."""
    values = [value for item in control.parameters.values() for value in (item.default, item.value)]
    try:
        return repr(json.loads(json.dumps(values))) == repr(values)
    except (TypeError, ValueError):
        return False


def _is_plain(tree: ast.Module) -> bool:
    """Tell whether nothing but its controls matters to pytest: no fixture, mark, hook or class of tests."""
    decorators = [
        ast.unparse(item)
        for node in tree.body
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        for item in node.decorator_list
    ]
    if any("fixture" in text or text.startswith("pytest.") for text in decorators):
        return False
    return not any(name.startswith(_HOOKS) for node in tree.body for name in _bound(node))


def _bound(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield node.name
    else:
        names = (item for item in ast.walk(node) if isinstance(item, ast.Name))
        yield from (item.id for item in names if isinstance(item.ctx, ast.Store))
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from (item.asname or item.name for item in node.names)


def _rests_on(tree: ast.Module) -> str:
    """Return, as JSON, the digests of our modules from which decorators or defaults of a file take names."""
    used = {
        item.id
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        for part in (*node.decorator_list, *node.args.kw_defaults)
        if part is not None
        for item in ast.walk(part)
        if isinstance(item, ast.Name)
    }
    modules = {
        name
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for item in node.names
        if (item.asname or item.name) in used
        for name in (str(node.module), f"{node.module}.{item.name}")
    }
    names = [f"{name.removeprefix('pytest_aisec.').replace('.', '/')}.py" for name in sorted(modules)]
    return json.dumps(
        {name: _digest((_PACKAGE / name).read_bytes()) for name in names if (_PACKAGE / name).is_file()}
    )
