"""Modules of controls: executed once, as pytest would, for the catalog and for pytest's collection."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

from pytest_aisec.catalog.content import ContentRoot
from pytest_aisec.catalog.control import control_of
from pytest_aisec.catalog.load import Catalog, ControlLoader, load_catalog, loaded
from pytest_aisec.catalog.plan import Plan
from pytest_aisec.session.keys import REWRITER


class Rewriter(ControlLoader):
    """Executes control files with pytest's assertions, and keeps their warnings for pytest's collection.

    Args:
        execute: what executes a module and rewrites its assertions: `exec_module` of pytest's hook; None
            with `--assert=plain`.

    """

    def __init__(self, execute: Callable[[ModuleType], None] | None) -> None:
        self._execute = execute
        self.rewrites = execute is not None
        self._catalog = Catalog({})
        self._warnings: dict[Path, list[warnings.WarningMessage]] = {}

    def load_catalog(self, roots: Iterable[ContentRoot]) -> Catalog:
        """Load the catalog, and keep in mind which files nobody needs; see `catalog.load`."""
        self._catalog = load_catalog(roots, self)
        return self._catalog

    def exec_module(self, module: ModuleType) -> None:
        """Execute a module; with `--assert=plain`, as Python does."""
        path = str(module.__file__)
        execute = self._execute or SourceFileLoader(module.__name__, path).exec_module
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            execute(module)
        self._warnings[Path(path)] = caught

    def gives_nothing(self, path: Path, plan: Plan) -> bool:
        """Tell whether collecting a file would be in vain."""
        if unread := self._catalog.unread_in(path):
            return not any(map(plan.holds, unread))
        executed = loaded(path)
        if executed is None or hasattr(executed, "pytest_plugins") or self._warnings.get(path):
            return False
        return not _holds(executed, plan)

    def execute(self, plans: Iterable[Plan]) -> None:
        """Execute the files of all planned controls, where that has not been done."""
        for control_id in {item.id for plan in plans for item in plan.controls}:
            self._catalog.executed(control_id)

    def stand_in(self, path: Path) -> ModuleType | None:
        """Return a module with what the index knows of a file that nobody has executed; None for others."""
        found = [self._catalog.indexed(control_id) for control_id in self._catalog.unread_in(path)]
        known = [item for item in found if item is not None]
        if not known:
            return None
        module = ModuleType(path.stem)
        module.__file__ = str(path)
        for item in known:
            setattr(module, item.name, item.stand_in())
        return module

    def warn(self, path: Path) -> None:
        """Say once, under the filters of now, what Python warned of when the file was executed."""
        for item in self._warnings.pop(path, ()):
            warnings.warn_explicit(
                item.message, item.category, item.filename, item.lineno, source=item.source
            )


class Module(pytest.Module):
    """A control file, collected from the module that the catalog has made of it, or from the index."""

    executed: ModuleType
    plan: Plan

    @classmethod
    def of(cls, path: Path, parent: pytest.Collector, plan: Plan) -> Module | None:
        """Return the collector of a control file, or None for a file that is not in the catalog."""
        executed = parent.config.stash[REWRITER].stand_in(path) or loaded(path)
        if executed is None:
            return None
        made: Module = cls.from_parent(parent, path=path)
        made.executed, made.plan = executed, plan
        return made

    def _getobj(self) -> ModuleType:
        return self.executed

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        """Collect the controls of the plan."""
        self.config.stash[REWRITER].warn(self.path)
        self.config.pluginmanager.consider_module(self.executed)
        return super().collect() if _holds(self.executed, self.plan) else []


def _holds(executed: ModuleType, plan: Plan) -> bool:
    controls = filter(None, map(control_of, vars(executed).values()))
    return any(plan.holds(control.id) for control in controls)
