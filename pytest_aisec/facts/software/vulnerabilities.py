"""The index of advisories that this run compares with, on the controlling machine."""

from __future__ import annotations

from pytest_aisec.advisories.index import Index, IndexProblem, default_path, open_index
from pytest_aisec.catalog.context import advisories, now
from pytest_aisec.observe.faults import Unobservable

__all__ = ["fresh_index"]


def fresh_index(max_age_days: float) -> Index:
    """Return the index that `--aisec-advisories` names, or that of the user's cache directory.

    Raises:
        Unobservable: `stale`, when there is none, or when its data was older at the start of the run.

    """
    path = advisories() or default_path()
    try:
        index = open_index(path)
    except IndexProblem as problem:
        raise Unobservable("stale", f"{problem}; make it with: aisec advisories update") from None
    age = index.age_days(now())
    if age > max_age_days:
        raise Unobservable(
            "stale",
            f"the advisories are as of {index.as_of:%Y-%m-%d}, {age:.0f} days old; at most {max_age_days:g} "
            "are allowed; renew them with: aisec advisories update",
        )
    return index
