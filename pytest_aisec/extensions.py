"""Extensions: frameworks, report formats and transports that other packages register as entry points."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points
from typing import Any, Literal

from pytest_aisec.errors import UsageProblem

Kind = Literal["frameworks", "reports", "transports"]


@cache
def names(kind: Kind) -> tuple[str, ...]:
    """Return the names under which installed packages register extensions of a kind."""
    return tuple(sorted({point.name for point in entry_points(group=f"pytest_aisec.{kind}")}))


def load(kind: Kind, name: str) -> Any:
    """Return the object that an installed package registers under a name.

    Raises:
        UsageProblem: when it cannot be loaded, or several packages register the name.

    """
    found = {point.value: point for point in entry_points(group=f"pytest_aisec.{kind}", name=name)}
    if len(found) != 1:
        raise UsageProblem(
            f"entry point {name!r} of pytest_aisec.{kind} is registered {len(found)} times: "
            f"{', '.join(sorted(found))}"
        )
    ((value, point),) = found.items()
    try:
        return point.load()
    except (ImportError, AttributeError) as error:
        raise UsageProblem(
            f"entry point {name!r} of pytest_aisec.{kind}, {value}, cannot be loaded: {error}"
        ) from None
