"""Waivers: dated, approved excuses for failed controls. An overlay, which never replaces an outcome."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import ValidationInfo, field_validator

from pytest_aisec.catalog.profile import NonEmpty
from pytest_aisec.judge.outcome import Outcome
from pytest_aisec.judge.run import Result, WaiverInfo, WaiverState
from pytest_aisec.judge.waivers import statement
from pytest_aisec.judge.waivers.statement import Dated, Day, Given

OPTION = "--aisec-waivers"


class Waiver(Dated):
    """An excuse for one control that fails on some hosts, with an owner and an end."""

    reason: NonEmpty
    approved_by: NonEmpty
    approved_on: Day
    """From this day on it holds."""
    expires: Day
    """The last day on which it holds, to its end in UTC."""
    ticket: str = ""

    @field_validator("expires")
    @classmethod
    def _after_approval(cls, value: date, info: ValidationInfo) -> date:
        return statement.check_order(info.data.get("approved_on"), value, "approved_on")

    def holds(self, today: date) -> bool:
        """Tell whether it excuses anything on `today`."""
        return self.approved_on <= today <= self.expires


def load(paths: Iterable[Path], known: Collection[str] | None, *, option: str = OPTION) -> Given[Waiver]:
    """Read the waivers of files or directories.

    Args:
        paths: files and directories.
        known: the ids of all known controls; `None` lets a waiver be for any.
        option: that named the paths, for messages.

    Raises:
        UsageProblem: with one line for every mistake in any of the files.

    """
    return statement.load(paths, Waiver, option, known)


def apply(
    results: Sequence[Result], waivers: Sequence[Waiver], hosts: Sequence[str], today: date
) -> tuple[list[Result], tuple[WaiverInfo, ...]]:
    """Lay the waivers over the results.

    Of several that cover a result, one that holds comes before one that does not, and then the one for the
    fewest hosts. Only `failed` can be excused: of an `error` nothing is known.

    Args:
        results: of all hosts.
        waivers: those that were given.
        hosts: the names of the run's hosts.
        today: the day of the run's start, UTC.

    Returns:
        The results, each with the waiver that covers it, and what became of each waiver, by id.

    """
    by_control: dict[str, list[Waiver]] = {}
    for waiver in waivers:
        by_control.setdefault(waiver.control, []).append(waiver)
    laid = [_lay(item, by_control.get(item.control, []), hosts, today) for item in results]
    return laid, tuple(
        _info(waiver, laid, hosts, today) for waiver in sorted(waivers, key=lambda item: item.id)
    )


def _lay(result: Result, waivers: Sequence[Waiver], hosts: Sequence[str], today: date) -> Result:
    meant = [item for item in waivers if item.is_for(result.control, result.host) and _begun(item, today)]
    if not meant or result.outcome not in {Outcome.FAILED, Outcome.PASSED}:
        return result
    chosen = statement.narrowest([item for item in meant if item.holds(today)] or meant, hosts)
    state: Literal["active", "expired", "stale"] = "active" if chosen.holds(today) else "expired"
    if result.outcome is Outcome.PASSED:
        if state == "expired":
            return result
        state = "stale"
    return replace(result, waiver=WaiverState(id=chosen.id, state=state))


def _begun(waiver: Waiver, today: date) -> bool:
    return waiver.approved_on <= today


def _info(waiver: Waiver, results: Sequence[Result], hosts: Sequence[str], today: date) -> WaiverInfo:
    covered = [item for item in results if item.waiver is not None and item.waiver.id == waiver.id]
    excuses = sum(item.outcome is Outcome.FAILED for item in covered)
    passes = len(covered) - excuses
    left = statement.days_left(waiver.expires, today)
    state = statement.state_of(left, is_used=bool(covered))
    return WaiverInfo(
        id=waiver.id,
        control=waiver.control,
        hosts=tuple(waiver.hosts),
        reason=waiver.reason,
        approved_by=waiver.approved_by,
        approved_on=waiver.approved_on.isoformat(),
        expires=waiver.expires.isoformat(),
        ticket=waiver.ticket,
        state="stale" if state in {"active", "expiring"} and not excuses else state,
        excuses=excuses,
        passes=passes,
        note="; ".join(_notes(waiver, results, hosts, today, passes)),
    )


def _notes(
    waiver: Waiver, results: Sequence[Result], hosts: Sequence[str], today: date, passes: int
) -> Iterator[str]:
    meant = [item for item in results if waiver.is_for(item.control, item.host)]
    if not any(waiver.is_for(waiver.control, host) for host in hosts):
        yield f"no host of the run is named {' or '.join(waiver.hosts)}"
    elif not meant:
        yield "the run does not contain this control"
    if not _begun(waiver, today):
        yield f"approved only on {waiver.approved_on}, after the run"
    if passes:
        yield f"passes on {_hosts(item for item in meant if item.outcome is Outcome.PASSED)}"
    errors = [item for item in meant if item.outcome is Outcome.ERROR]
    if errors:
        yield f"error on {_hosts(errors)}, which no waiver excuses: nothing is known there"
    others = sorted({item.waiver.id for item in meant if item.waiver and item.waiver.id != waiver.id})
    if others:
        yield f"{' and '.join(others)} takes its place on {_hosts(_other(meant, waiver))}"
    left = [item for item in meant if item.outcome not in {Outcome.FAILED, Outcome.PASSED, Outcome.ERROR}]
    if left and len(left) == len(meant):
        yield f"neither passed nor failed on {_hosts(left)}"


def _other(meant: Iterable[Result], waiver: Waiver) -> Iterator[Result]:
    return (item for item in meant if item.waiver and item.waiver.id != waiver.id)


def _hosts(results: Iterable[Result]) -> str:
    names = [item.host for item in results]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
