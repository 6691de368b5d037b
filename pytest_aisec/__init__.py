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
    from pytest_aisec.catalog.types import Mode
    from pytest_aisec.facts.core.together import raise_unless, together
    from pytest_aisec.observe.backend import foresee
    from pytest_aisec.observe.faults import Unobservable

__all__ = [
    "Host",
    "Mode",
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
    "Host": ("testinfra.host", "Host"),
    "Mode": ("pytest_aisec.catalog.types", "Mode"),
    "Unobservable": ("pytest_aisec.observe.faults", "Unobservable"),
    "control": ("pytest_aisec.catalog.control", "control"),
    "facts": ("pytest_aisec.facts", None),
    "foresee": ("pytest_aisec.observe.backend", "foresee"),
    "is_active": ("pytest_aisec.catalog.context", "is_active"),
    "is_declared": ("pytest_aisec.catalog.context", "is_declared"),
    "not_applicable": ("pytest_aisec.catalog.control", "not_applicable"),
    "not_reviewed": ("pytest_aisec.catalog.control", "not_reviewed"),
    "now": ("pytest_aisec.catalog.context", "now"),
    "raise_unless": ("pytest_aisec.facts.core.together", "raise_unless"),
    "together": ("pytest_aisec.facts.core.together", "together"),
}


def __getattr__(name: str) -> object:
    """Import `name` when it is first asked for."""
    import importlib  # noqa: PLC0415 - an idle plugin imports nothing it does not use

    try:
        module, attribute = _HOMES[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    loaded = importlib.import_module(module)
    value: object = loaded if attribute is None else getattr(loaded, attribute)
    globals()[name] = value
    return value
