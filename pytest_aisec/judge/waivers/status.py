"""Waivers by themselves: where each stands on a day, whatever a run would make of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Literal, get_args

from pytest_aisec.errors import nearest
from pytest_aisec.judge.waivers import statement
from pytest_aisec.judge.waivers.host_patterns import overlap
from pytest_aisec.judge.waivers.statement import Given
from pytest_aisec.judge.waivers.waiver import Waiver

State = Literal["unknown_control", "expired", "expiring", "not_yet_approved", "active"]
STATES: tuple[State, ...] = get_args(State)
"""Order of states: what needs action comes first."""
WRONG: frozenset[State] = frozenset({"unknown_control", "expired"})
"""A waiver in one of these states excuses nothing, and never will again."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One waiver on one day."""

    waiver: Waiver
    place: str
    """`file:line:column` of the entry."""
    state: State
    days_left: int
    """Days after this one on which it holds; negative when it is over."""
    note: str = ""
    """How an unknown control may be meant."""


def standings(given: Given[Waiver], known: Collection[str], today: date) -> list[Standing]:
    """Return where each waiver stands: what needs somebody first, then by the day on which it ends.

    Args:
        given: the waivers, read without asking for known controls.
        known: the ids of all controls.
        today: the day that counts, UTC.

    """
    found = [
        Standing(
            waiver=waiver,
            place=place,
            state=_state(waiver, known, today),
            days_left=statement.days_left(waiver.expires, today),
            note="" if waiver.control in known else nearest(waiver.control, known),
        )
        for waiver, place in zip(given.items, given.places, strict=True)
    ]
    return sorted(
        found, key=lambda item: (STATES.index(item.state), item.waiver.expires, item.waiver.id, item.place)
    )


def _state(waiver: Waiver, known: Collection[str], today: date) -> State:
    left = statement.days_left(waiver.expires, today)
    if waiver.control not in known:
        return "unknown_control"
    if left < 0:
        return "expired"
    if today < waiver.approved_on:
        return "not_yet_approved"
    return "expiring" if left <= statement.EXPIRING_DAYS else "active"


def overlapping(waiver: Waiver, others: Given[Waiver]) -> list[tuple[Waiver, str]]:
    """Return those of `others` that excuse the same control on some host on some day, with their places."""
    return [
        (other, place)
        for other, place in zip(others.items, others.places, strict=True)
        if other.control == waiver.control
        and other.approved_on <= waiver.expires
        and waiver.approved_on <= other.expires
        and any(overlap(one, two) for one in waiver.hosts for two in other.hosts)
    ]
