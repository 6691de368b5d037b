"""Names that the author of a control imports, and nothing else.

Names are loaded on first use, so that an installed but idle plugin costs a pytest run nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from testinfra.host import Host

    from pytest_aisec import facts
    from pytest_aisec.catalog.context import is_active, is_declared, now
    from pytest_aisec.catalog.control import control, not_applicable, not_reviewed
    from pytest_aisec.catalog.types import AbsolutePath, Mode, Reason
    from pytest_aisec.facts.core.together import raise_unless, together
    from pytest_aisec.observe.backend import foresee
    from pytest_aisec.observe.faults import Unobservable

__all__ = [
    "AbsolutePath",
    "Host",
    "Mode",
    "Reason",
    "Unobservable",
    "control",
    "facts",
    "foresee",
    "is_active",
    "is_declared",
    "not_applicable",
    "not_reviewed",
    "now",
    "raise_unless",
    "together",
]

_HOMES = {
    "testinfra.host": ("Host",),
    "pytest_aisec.catalog.context": ("is_active", "is_declared", "now"),
    "pytest_aisec.catalog.control": ("control", "not_applicable", "not_reviewed"),
    "pytest_aisec.catalog.types": ("AbsolutePath", "Mode", "Reason"),
    "pytest_aisec.facts.core.together": ("raise_unless", "together"),
    "pytest_aisec.observe.backend": ("foresee",),
    "pytest_aisec.observe.faults": ("Unobservable",),
}


def __getattr__(name: str) -> object:
    """Import `name` when it is first asked for."""
    import importlib  # noqa: PLC0415 - an idle plugin imports nothing it does not use

    if name == "facts":
        return importlib.import_module("pytest_aisec.facts")
    home = next((module for module, names in _HOMES.items() if name in names), None)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value
