"""Load every control from the content roots into a catalog."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import sys
import threading
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.abc import Loader
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, MappingProxyType, ModuleType
from typing import Any

from pytest_aisec.catalog.content import ContentRoot, content_root
from pytest_aisec.catalog.control import CONTROL_ID, Control, control_of
from pytest_aisec.catalog.index import NAME, Index, Indexed
from pytest_aisec.errors import AisecError, UsageProblem

_BEGINS = re.compile(rf"""^@control\(\s*["']({CONTROL_ID.pattern})["']""", re.MULTILINE)
_CALLS = re.compile(r"\bcontrol\b\s*(?:\(|as\b)")
"""What may make a control, or give `@control` another name."""
_TESTS = re.compile(r"^[ \t]*(?:(?:async[ \t]+)?def[ \t]+test_|test_\w*[ \t]*[:=])", re.MULTILINE)
"""What may be a control: pytest collects no other names."""
_EXECUTED = "__aisec_executed__"
"""Where a module keeps what it was made of: the digest of its file, and whether assertions were rewritten."""
_EXECUTING = threading.RLock()
"""Held while a file is executed because of one of its controls."""


class ControlLoader(Loader):
    """Executes control files in place of Python's own loader."""

    rewrites = False
    """Whether it changes what it executes."""


class _Compiler(SourceFileLoader):
    """Executes a file as it is now: compiled ones are told apart by seconds and sizes alone."""

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 - what the base takes
        code: CodeType = self.source_to_code(self.get_data(self.path), self.path)
        return code


class Catalog(Mapping[str, Control]):
    """All known controls by id, sorted; a file of ours is executed when a function of its controls is needed.

    What the index does not know of a control is taken from its file when the control is looked up.
    """

    def __init__(
        self,
        found: Mapping[str, Control],
        unread: Mapping[str, Path] = MappingProxyType({}),
        loader: ControlLoader | None = None,
        entries: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
    ) -> None:
        self._found = dict(found)
        self._unread = dict(unread)
        self._files: dict[Path, list[str]] = {}
        """What is unread, by file."""
        for control_id, path in unread.items():
            self._files.setdefault(path, []).append(control_id)
        self._loader = loader
        self._entries = entries
        self._indexed: dict[str, Indexed] = {}

    def __getitem__(self, control_id: str) -> Control:
        """Return a control.

        Raises:
            KeyError: for an unknown one.
            UsageProblem: when its file cannot be imported, or does not hold what its text says.

        """
        known = self.indexed(control_id)
        return self.executed(control_id) if known is None else known.control

    def __contains__(self, control_id: object) -> bool:
        return control_id in self._found or control_id in self._unread

    def __iter__(self) -> Iterator[str]:
        return iter(sorted([*self._found, *self._unread]))

    def __len__(self) -> int:
        return len(self._found) + len(self._unread)

    @property
    def unread(self) -> frozenset[Path]:
        """The files that are not executed: nobody has needed a control of theirs."""
        return frozenset(self._files)

    def unread_in(self, path: Path) -> Sequence[str]:
        """Return the ids of a file's controls while it is not executed, in their order; none afterwards."""
        return self._files.get(path, ())

    def indexed(self, control_id: str) -> Indexed | None:
        """Return a control as the index has it; None where it does not count, or is needed no more."""
        if control_id in self._unread and control_id in self._entries and control_id not in self._indexed:
            self._indexed[control_id] = Indexed.of(
                self._entries[control_id], self._unread[control_id], self.executed
            )
        return self._indexed.get(control_id)

    def executed(self, control_id: str) -> Control:
        """Return a control as its file has it, which is executed for that.

        Raises:
            KeyError: for an unknown one.
            UsageProblem: as when a control is looked up; also for a control of which the index is wrong.

        """
        with _EXECUTING:
            if control_id in self._unread:
                self._read(self._unread[control_id])
        return self._found[control_id]

    def _read(self, path: Path) -> None:
        expected = self._files[path]
        controls, problems = read_controls([path], self._loader)
        if set(expected) != set(controls):
            told = problems.get(path) or f"{path}:1: holds other controls than its text declares"
            raise UsageProblem(told)
        for control in controls.values():
            known = self._indexed.get(control.id)
            # Values that are equal may still differ: 1 equals True, and a table one in another order.
            if known is not None and repr(known.control) != repr(control):
                raise UsageProblem(
                    f"{path}:{control.line}: {control.id} is not what {NAME} beside the controls says of it: "
                    "make that file anew, or remove it"
                )
        self._found |= controls
        for control_id in expected:
            del self._unread[control_id]
        del self._files[path]


def control_files(roots: Iterable[ContentRoot]) -> list[Path]:
    """Return the control files (`test_*.py` below `controls/`) of all roots, sorted within each."""
    return [path for root in roots for path in sorted(root.controls.rglob("test_*.py"))]


def control_ids(roots: Iterable[ContentRoot]) -> list[str]:
    """Return the ids that the control files seem to define, sorted, without executing any of them."""
    texts = (path.read_text(encoding="utf-8", errors="replace") for path in control_files(roots))
    return sorted({found[1] for text in texts for found in _BEGINS.finditer(text)})


def _declared(content: bytes) -> list[str]:
    """Return the ids of a file's controls as its text declares them; none where that need not be all."""
    text = content.decode("utf-8", "replace")
    ids = [found[1] for found in _BEGINS.finditer(text)]
    numbers = {len(ids), len(set(ids)), len(_CALLS.findall(text)), len(_TESTS.findall(text))}
    return ids if len(numbers) == 1 else []


def load_catalog(roots: Iterable[ContentRoot], loader: ControlLoader | None = None) -> Catalog:
    """Return the controls by id; control files are executed, our own only when they are needed.

    Args:
        roots: where control files lie.
        loader: executes a module in place of Python's own loader.

    Raises:
        UsageProblem: for every file that cannot be imported or holds a malformed control, and for every two
            controls of one id, a line each.

    """
    files, ours = control_files(roots), content_root().controls
    index = Index(ours)
    contents = {path: _content(path) for path in files if path.is_relative_to(ours)}
    known = {path: index.of(path, content) for path, content in contents.items()}
    declared = {path: [*known[path]] or _declared(content) for path, content in contents.items()}
    unread = {control_id: path for path, ids in declared.items() for control_id in ids}
    found, problems = read_controls((path for path in files if not declared.get(path)), loader)
    if not found.keys().isdisjoint(unread) or len(unread) < sum(map(len, declared.values())):
        unread = {}
        found, problems = read_controls(files, loader)
    if problems:
        raise UsageProblem("\n".join(problems.values()))
    return Catalog(
        found, unread, loader, {key: item for items in known.values() for key, item in items.items()}
    )


def _content(path: Path) -> bytes:
    """Return what a file holds; nothing where it cannot be read, which its execution will say."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def read_controls(
    files: Iterable[Path], loader: ControlLoader | None = None
) -> tuple[Mapping[str, Control], Mapping[Path, str]]:
    """Import control files; return the controls by id, and for each wrong file what is wrong with it."""
    found: dict[str, Control] = {}
    problems: dict[Path, str] = {}
    for path in files:
        try:
            module = _import(path, loader)
        except AisecError as problem:
            problems[path] = str(problem)
            continue
        for item in vars(module).values():
            control = control_of(item)
            if control is None or control.path != path:
                continue
            other = found.setdefault(control.id, control)
            if other is not control:
                problems[path] = (
                    f"{path}:{control.line}: control {control.id} is already at {other.path}:{other.line}"
                )
    return MappingProxyType(dict(sorted(found.items()))), problems


def loaded(path: Path) -> ModuleType | None:
    """Return the module that was last made of a control file, if any."""
    return sys.modules.get(_name(path))


def _name(path: Path) -> str:
    return f"_aisec_control_{hashlib.sha256(str(path).encode()).hexdigest()[:12]}_{path.stem}"


def _import(path: Path, loader: ControlLoader | None) -> ModuleType:
    """Execute a control file, or return its module when the same text has been executed in the same way."""
    name = _name(path)
    try:
        text = path.read_bytes()
    except OSError as error:
        raise UsageProblem(f"{path}:1: the control file cannot be loaded: {error!r}") from error
    executed = (hashlib.sha256(text).hexdigest(), loader is not None and loader.rewrites)
    known = sys.modules.get(name)
    if known is not None and getattr(known, _EXECUTED, None) == executed:
        return known
    by: Loader | None = loader
    if loader is None and known is not None:
        by = _Compiler(name, str(path))
    spec = importlib.util.spec_from_file_location(name, path, loader=by)
    if spec is None or spec.loader is None:  # a file that ends in .py always has a loader
        raise UsageProblem(f"{path}: cannot be imported as Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except AisecError:
        del sys.modules[name]
        raise
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        # Also what is no Exception: a file that skips or exits must not end the run as if all were well.
        del sys.modules[name]
        line = _line(error, module) or getattr(error, "lineno", None) or 1
        raise UsageProblem(f"{path}:{line}: the control file cannot be loaded: {error!r}") from error
    setattr(module, _EXECUTED, executed)
    return module


def _line(error: BaseException, module: ModuleType) -> int | None:
    """Return the line of the module in which `error` came up, if it came up in one.

    Code is known by its names: that of a file which was moved may still say where it lay.
    """
    frames = traceback.walk_tb(error.__traceback__)
    lines = [line for frame, line in frames if frame.f_globals is vars(module)]
    return lines[-1] if lines else None
