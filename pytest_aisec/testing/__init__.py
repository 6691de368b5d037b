"""Names that the author of a control imports to test it; the fixture is in `pytest_aisec.testing.fixtures`.

Names are loaded on first use: the lab's helpers are small processes that import this package, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_aisec.testing.tables import Answer, Judge, Judged, UnansweredError

__all__ = ["Answer", "Judge", "Judged", "UnansweredError"]


def __getattr__(name: str) -> object:
    """Import `name` when it is first asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from pytest_aisec.testing import tables  # noqa: PLC0415 - see above

    return getattr(tables, name)
