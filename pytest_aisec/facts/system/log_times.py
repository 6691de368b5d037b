"""When a line of a log was written, in the forms that syslog daemons and the journal use."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from pytest_aisec.facts.system.sshd_log import with_year
from pytest_aisec.observe.faults import Unobservable

__all__ = ["line_time"]

_FORMS = re.compile(
    r"(?:<\d{1,3}>)?(?:1 )?(?:(?P<iso>\d{4}-\d\d-\d\dT[^ ]{5,40})"
    r"|(?P<old>[A-Z][a-z]{2} [ \d]\d (?P<year>\d{4} )?\d\d:\d\d:\d\d)"
    r"|(?P<unix>\d{9,11}(?:\.\d{1,9})?))(?: |$)"
)


def line_time(line: str, now: datetime) -> datetime | None:
    """Return when a line says that it was written; `None` where it does not.

    Args:
        line: as it stands in the log, or as `journalctl -o short-unix` prints it.
        now: gives the year, which the oldest form leaves out. Where no offset is given, it is UTC's: a few
            hours more or less do not matter to who asks for days.

    """
    match = _FORMS.match(line)
    if match is None:
        return None
    try:
        if match["unix"]:
            return datetime.fromtimestamp(float(match["unix"]), UTC)
        if match["old"]:
            return with_year(match["old"], now, UTC, year=match["year"])
        stated = datetime.fromisoformat(match["iso"])
    except (ValueError, Unobservable):
        return None
    return stated if stated.tzinfo else stated.replace(tzinfo=UTC)
