"""Waivers by state, without a run: as text for a terminal, and as JSON."""

from __future__ import annotations

import itertools
import json
import textwrap
from collections.abc import Iterator, Sequence
from datetime import date

from pytest_aisec.judge.waivers.status import STATES, Standing, State
from pytest_aisec.report.text import visible

Line = tuple[str, str]
"""Text, and the colour of a terminal, or the empty string."""
_COLOURS: dict[State, str] = {
    "unknown_control": "red",
    "expired": "red",
    "expiring": "yellow",
    "not_yet_approved": "yellow",
    "active": "green",
}


def as_json(standings: Sequence[Standing]) -> str:
    """Return a list with an object for each waiver."""
    found = [
        {
            **item.waiver.model_dump(mode="json"),
            "state": item.state,
            "days_left": item.days_left,
            "note": item.note,
            **_where(item.place),
        }
        for item in standings
    ]
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def _where(place: str) -> dict[str, str | int]:
    path, line, column = place.rsplit(":", 2)
    return {"file": path, "line": int(line), "column": int(column)}


def as_text(standings: Sequence[Standing], today: date, *, width: int = 80) -> Iterator[Line]:
    """Yield lines for a terminal: a heading for each state, the waivers below it, and a sum at the end."""
    for state, items in itertools.groupby(standings, key=lambda item: item.state):
        yield state.replace("_", " "), _COLOURS[state]
        for item in items:
            yield from ((visible(line), "") for line in _waiver(item, width))
        yield "", ""
    counts = {state: sum(item.state == state for item in standings) for state in STATES}
    parts = [f"{count} {state.replace('_', ' ')}" for state, count in counts.items() if count]
    count = f"{len(standings)} waiver{'s' * (len(standings) != 1)} on {today}, UTC"
    for line in _wrapped(f"{count}{': ' * bool(parts)}{', '.join(parts)}", width, 0):
        yield line, ""


def _waiver(item: Standing, width: int) -> Iterator[str]:
    waiver = item.waiver
    yield from _wrapped(f"{waiver.id}  {waiver.control}  {_when(item)}", width, 2)
    yield from _wrapped(f"on {', '.join(waiver.hosts)}", width, 4)
    yield from _wrapped(waiver.reason, width, 4)
    ticket = f", {waiver.ticket}" if waiver.ticket else ""
    yield from _wrapped(f"{waiver.approved_by} on {waiver.approved_on}{ticket}", width, 4)
    yield from _wrapped(item.note, width, 4)
    yield from _wrapped(item.place, width, 4)


def _when(item: Standing) -> str:
    waiver, left = item.waiver, item.days_left
    if left < 0:
        return f"until {waiver.expires}, {_days(-left)} ago"
    if item.state == "not_yet_approved":
        return f"from {waiver.approved_on} until {waiver.expires}"
    return f"until {waiver.expires}, {f'{_days(left)} left' if left else 'its last day'}"


def _days(count: int) -> str:
    return f"{count} day{'s' * (count != 1)}"


def _wrapped(text: str, width: int, indent: int) -> list[str]:
    margin = " " * indent
    return textwrap.wrap(
        text, width, initial_indent=margin, subsequent_indent=margin + "  ", break_on_hyphens=False
    )
