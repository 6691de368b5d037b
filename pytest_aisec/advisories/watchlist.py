"""Versions of AI infrastructure with exploited or critical holes: a list that ships with the package."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pytest_aisec.advisories.osv import Advisory

__all__ = ["WatchList", "Watched", "builtin", "watched"]


@dataclass(frozen=True, kw_only=True)
class Watched:
    """One entry of the list."""

    component: str
    """A Python distribution, or a name of `facts.components`."""
    advisory: Advisory
    source: str


@dataclass(frozen=True, kw_only=True)
class WatchList:
    """The list and the day of its newest source."""

    as_of: str
    entries: tuple[Watched, ...]


def watched(
    component: str,
    *,
    ids: tuple[str, ...],
    events: tuple[tuple[str, str], ...],
    source: str,
    cvss: float | None = None,
) -> Watched:
    """Return an entry; its versions are a range of OSV events."""
    advisory = Advisory(id=ids[0], package=component, aliases=ids[1:], score=cvss, ranges=(events,))
    return Watched(component=component, advisory=advisory, source=source)


@cache
def builtin() -> WatchList:
    """Return the list of this package."""
    lines = Path(__file__).with_name("watchlist.jsonl").read_text(encoding="utf-8").splitlines()
    head, *entries = map(json.loads, lines)
    return WatchList(
        as_of=head["as_of"],
        entries=tuple(
            watched(
                one["component"],
                ids=tuple(one["ids"]),
                events=tuple((kind, text) for kind, text in one["events"]),
                source=one["source"],
                cvss=one["cvss"],
            )
            for one in entries
        ),
    )
