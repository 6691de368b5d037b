"""Load every control from the content roots into a catalog."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import sys
import traceback
from collections.abc import Iterable, Mapping
from importlib.abc import Loader
from pathlib import Path
from types import MappingProxyType, ModuleType

from pytest_aisec.catalog.content import ContentRoot
from pytest_aisec.catalog.control import CONTROL_ID, Control, control_of
from pytest_aisec.errors import AisecError, UsageProblem

Catalog = Mapping[str, Control]
"""All known controls by id, sorted."""
_EXECUTED = "__aisec_executed__"
"""Where a module keeps what it was made of: the digest of its file, and whether assertions were rewritten."""


class ControlLoader(Loader):
    """Executes control files in place of Python's own loader."""

    rewrites = False
    """Whether it changes what it executes."""


def control_files(roots: Iterable[ContentRoot]) -> list[Path]:
    """Return the control files (`test_*.py` below `controls/`) of all roots, sorted within each."""
    return [path for root in roots for path in sorted(root.controls.rglob("test_*.py"))]


def control_ids(roots: Iterable[ContentRoot]) -> list[str]:
    """Return the ids that the control files seem to define, sorted, without executing any of them."""
    begins = re.compile(rf"""^@control\(\s*["']({CONTROL_ID.pattern})["']""", re.MULTILINE)
    texts = (path.read_text(encoding="utf-8", errors="replace") for path in control_files(roots))
    return sorted({found[1] for text in texts for found in begins.finditer(text)})


def load_catalog(roots: Iterable[ContentRoot], loader: ControlLoader | None = None) -> Catalog:
    """Import every control file and return the controls by id.

    Args:
        roots: where control files lie.
        loader: executes a module in place of Python's own loader.

    Raises:
        UsageProblem: for every file that cannot be imported or holds a malformed control, and for every two
            controls of one id, a line each.

    """
    catalog, problems = read_controls(control_files(roots), loader)
    if problems:
        raise UsageProblem("\n".join(problems.values()))
    return catalog


def read_controls(
    files: Iterable[Path], loader: ControlLoader | None = None
) -> tuple[Catalog, Mapping[Path, str]]:
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
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
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
