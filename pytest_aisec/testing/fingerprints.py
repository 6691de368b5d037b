"""Digests of what a recorded proof rests on: when one of them changes, the recording is out of date."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest_aisec
from pytest_aisec.catalog.control import Control
from pytest_aisec.testing.scenarios import WAITING, Scenario

_PACKAGE = Path(pytest_aisec.__file__).parent
_FOLLOWED = ("facts", "advisories")
"""Subpackages that a control reads through: changes of these count."""
_ASKING = (
    "backend",
    *(f"script/{name}" for name in ("posix", "powershell")),
    *(
        f"redaction/{name}"
        for name in ("redact", "patterns", "shape", "vendors", "blocks", "encodings", "families")
    ),
)
"""Modules of `observe` that decide what is asked and what is kept of an answer."""


def of_scenario(scenario: Scenario, control: Control, image: str) -> dict[str, str]:
    """Return what a recording of `scenario` rests on: part → digest.

    Args:
        scenario: script, libraries, double, and the other files of its directory.
        control: its file, and the facts that it reads.
        image: digest of what the host is made from.

    """
    return {
        "script": of_files([scenario.path]),
        "libraries": of_files([WAITING, *scenario.libraries]),
        "double": of_files([scenario.double] if scenario.double else []),
        "inputs": of_files(_inputs(scenario.path.parent)),
        "image": image,
    } | of_control(control)


def of_control(control: Control) -> dict[str, str]:
    """Return the parts that every recording of a control has in common: part → digest."""
    return dict(_of_file(Path(control.path)))


def modules(control: Control) -> set[Path]:
    """Return the files that have a part in a control's verdicts: its own, and the facts that it reads."""
    path = Path(control.path)
    return {path, *_facts(path)}


def changed(recorded: Mapping[str, str], present: Mapping[str, str]) -> list[str]:
    """Return which parts of two fingerprints differ."""
    return sorted(part for part in {*recorded, *present} if recorded.get(part, "") != present.get(part, ""))


def of_files(paths: Iterable[Path]) -> str:
    """Return the digest of names and contents, in this order; empty where there is no file."""
    found = [(path.name, path.read_bytes()) for path in paths]
    return _digest(repr(found)) if found else ""


def _inputs(directory: Path) -> list[Path]:
    """Return the files that scenarios name with `{here}` or `# advisories:`."""
    return sorted(
        path
        for path in directory.rglob("*")
        if path.is_file() and not (path.parent == directory and path.suffix in {".sh", ".json"})
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


@cache
def _of_file(control: Path) -> Mapping[str, str]:
    return {
        "control": _of_module(control),
        "facts": _joined(_facts(control)),
        "observe": _joined(_asking()),
    }


def _joined(modules: Iterable[Path]) -> str:
    return _digest("\n".join(f"{path.stem} {_of_module(path)}" for path in sorted(modules)))


def _asking() -> list[Path]:
    return [_PACKAGE / "observe" / f"{name}.py" for name in _ASKING]


def _facts(control: Path) -> set[Path]:
    """Return the modules that a control file reads through, directly or not."""
    found: set[Path] = set()
    waiting = [*_imports(control)]
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            waiting += _imports(module)
    return found


def _of_module(path: Path) -> str:
    """Return the digest of a module's code without comments and docstrings, the same on every Python."""
    return _read(path)[0]


def _imports(path: Path) -> tuple[Path, ...]:
    return _read(path)[1]


@cache
def _read(path: Path) -> tuple[str, tuple[Path, ...]]:
    tree = ast.parse(path.read_bytes())
    return _digest("".join(_code(tree))), tuple(_imported(tree))


def _imported(tree: ast.AST) -> Iterator[Path]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{item.name}" for item in node.names)]
        elif isinstance(node, ast.Import):
            names = [item.name for item in node.names]
        else:
            continue
        for name in names:
            yield from _files(name)


def _files(module: str) -> Iterator[Path]:
    package, *parts = module.split(".")
    if package != _PACKAGE.name or not parts or parts[0] not in _FOLLOWED:
        return
    path = _PACKAGE.joinpath(*parts)
    for file in (path.with_suffix(".py"), path / "__init__.py"):
        if file.is_file():
            yield file


_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def _code(node: ast.AST) -> Iterator[str]:
    yield f"({type(node).__name__}"
    for name, value in ast.iter_fields(node):
        if name in {"ctx", "kind", "type_ignores", "type_comment"} or value is None or value == []:
            continue
        yield f" {name}="
        if name == "body" and isinstance(node, _DOCUMENTED) and isinstance(value, list):
            value = [item for item in value if not _is_text(item)]  # noqa: PLW2901 - docstrings judge nothing
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, ast.AST):
                yield from _code(item)
            else:
                yield repr(item)
    yield ")"


def _is_text(node: object) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
