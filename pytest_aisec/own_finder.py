"""Imports of this package while it audits: by Python itself, whatever pytest does with those of tests."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType


class OwnFinder(MetaPathFinder):
    """Finds modules of this package as Python does, past pytest's hook: no assertion in them is rewritten.

    The hook reads and keeps a compiled file of its own for each, which takes as long again. Controls in the
    package go past this one: their assertions are rewritten.
    """

    @classmethod
    def find_spec(
        cls, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return how a module is loaded; None for what is not ours."""
        is_ours = fullname.startswith("pytest_aisec.") and not fullname.startswith("pytest_aisec.testing.")
        return PathFinder.find_spec(fullname, path, target) if is_ours else None

    @classmethod
    def install(cls) -> None:
        """Come first; again is harmless."""
        if cls not in sys.meta_path:
            sys.meta_path.insert(0, cls)

    @classmethod
    def remove(cls) -> None:
        """Undo `install`; again is harmless."""
        if cls in sys.meta_path:
            sys.meta_path.remove(cls)
