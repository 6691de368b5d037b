"""Settings of journald and rsyslog: where they keep the kernel log, and for how long."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pytest_aisec.observe.faults import Unobservable

__all__ = ["FORWARDED", "Place", "forwarding", "journal_of", "reads_kernel", "written_files"]

_SPANS = {
    "": 1 / 86400,
    "s": 1 / 86400,
    "sec": 1 / 86400,
    "m": 1 / 1440,
    "min": 1 / 1440,
    "h": 1 / 24,
    "hr": 1 / 24,
    "hour": 1 / 24,
    "hours": 1 / 24,
    "d": 1,
    "day": 1,
    "days": 1,
    "w": 7,
    "week": 7,
    "weeks": 7,
    "month": 30.44,
    "months": 30.44,
    "y": 365.25,
    "year": 365.25,
    "years": 365.25,
}

_PART = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)[ \t]*([A-Za-z]*)")
_NO = frozenset({"no", "n", "false", "f", "0", "off"})

_NOTED = {"*", "debug", "info", "notice", "warning", "warn"}
"""Priorities whose rules take a warning, which is what LOG rules write by default."""


FORWARDED = "forwarded by rsyslog"
"""How the name of a place begins that lies on another machine."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Place in which entries of the kernel are kept."""

    name: str
    """A file such as `/var/log/kern.log`, `journal`, or where they are forwarded to."""
    days: float
    """How long, by its configuration; infinite where nothing ends it."""
    why: str
    """What ends it, for people."""

    @property
    def is_elsewhere(self) -> bool:
        """Whether entries are only handed on to there."""
        return self.name.startswith(FORWARDED)


_STORAGES = frozenset({"auto", "none", "persistent", "volatile"})


def _in_force(settings: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return what journald takes: it passes over a value that is none, and keeps the one before."""
    return {
        key: value for key, value in settings if value and not (key == "Storage" and value not in _STORAGES)
    }


def reads_kernel(journald: Sequence[tuple[str, str]]) -> bool:
    """Tell whether journald takes what the kernel says, by the settings of `[Journal]`."""
    return _in_force(journald).get("ReadKMsg", "yes").lower() not in _NO


def journal_of(journald: Sequence[tuple[str, str]]) -> Place | None:
    """Return the journal, where it is kept on disk; for how long the settings of `[Journal]` say.

    Raises:
        Unobservable: `parse` for a span of time in no known form.

    """
    settings = _in_force(journald)
    if settings.get("Storage", "auto") in {"volatile", "none"}:
        return None
    sized = [name for name in ("SystemMaxUse", "SystemMaxFiles", "SystemKeepFree") if settings.get(name)]
    if sized:
        return Place(
            name="journal",
            days=0,
            why=f"kept by size ({sized[0]}={settings[sized[0]]}), so for no certain time",
        )
    span = settings.get("MaxRetentionSec", "")
    if span in {"", "0", "infinity"}:
        return Place(name="journal", days=math.inf, why="no MaxRetentionSec")
    parts = _PART.findall(span)
    if _PART.sub("", span).strip(" \t") or any(unit not in _SPANS for _, unit in parts):
        raise Unobservable("parse", f"MaxRetentionSec={span} of journald")
    days = sum(float(number) * _SPANS[unit] for number, unit in parts)
    return Place(name="journal", days=days, why=f"MaxRetentionSec={span}")


def _actions(rsyslog: str) -> Iterator[tuple[str, str]]:
    """Yield selector and action of every line in the old form."""
    for line in rsyslog.splitlines():
        words = line.strip().split(maxsplit=1)
        if len(words) == 2 and re.fullmatch(r"[\w*,!=.;]+", words[0]) and "." in words[0][1:-1]:
            yield words[0], words[1]


def _takes_kernel(selector: str) -> bool:
    taken = False
    for part in selector.split(";"):
        facilities, _, priority = part.rpartition(".")
        if not {"*", "kern"} & set(facilities.split(",")):
            continue
        if priority == "none" or priority.startswith("!"):
            taken = False
        elif priority.lstrip("=") in _NOTED and not (priority[0] == "=" and "warn" not in priority):
            taken = True
    return taken


def _has_input(rsyslog: str) -> bool:
    return bool(
        re.search(
            r'(?m)^[^\S\n]*(module\(\s*load="(imklog|imjournal)"|\$ModLoad\s+(imklog|imjournal))', rsyslog
        )
    )


def written_files(rsyslog: str) -> Iterator[str]:
    """Yield the files that rsyslog writes what the kernel says to."""
    if _has_input(rsyslog):
        for selector, action in _actions(rsyslog):
            if action.lstrip("-").startswith("/var/log/") and _takes_kernel(selector):
                yield action.lstrip("-").split(";")[0]


def forwarding(rsyslog: str) -> list[Place]:
    """Return the machines that rsyslog hands what the kernel says to."""
    if not _has_input(rsyslog):
        return []
    found = [
        action for selector, action in _actions(rsyslog) if action.startswith("@") and _takes_kernel(selector)
    ]
    for selector, action in _actions(rsyslog):
        if re.match(r'action\(.*type="(omfwd|omrelp)"', action) and _takes_kernel(selector):
            found.append("action of " + selector)
    return [Place(name=f"{FORWARDED} ({one})", days=math.inf, why="kept elsewhere") for one in found]
