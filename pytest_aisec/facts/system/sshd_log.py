"""Log of the SSH server, and the log-ins that failed."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from pytest_aisec.facts.core.formats import reads
from pytest_aisec.observe.faults import Unobservable

__all__ = ["LoginEvents", "SshdLine", "login_events", "parse_journal", "parse_syslog"]

_FAR_FUTURE = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class SshdLine:
    """One message of the SSH server."""

    at: datetime
    process: str
    """Process id as written in the log, empty where it is not."""
    message: str
    times: int = 1
    """More than 1 where the log daemon folded repetitions."""


_TAG = r"(?P<tag>sshd(?:-session|-auth)?)(?:\[(?P<pid>\d+)\])?: (?P<message>.*)"
_UNIX = re.compile(r"(?P<at>\d+\.\d+) \S+ " + _TAG)
_PRIORITY = r"(?:<\d{1,3}>)?"
_FACILITY = r"(?:<?[a-z][a-z0-9]+\.[a-z]+>? )?"
_HOST = rf"{_FACILITY}(?:\S*[^\s:] )?{_FACILITY}"
"""Not all write it. FreeBSD writes facility and level before it, BusyBox behind it."""
_PROGRAM = r"(?P<tag>[^\s:\[]+)(?:\[(?P<pid>[^\]\s]*)\])?: ?(?P<message>.*)"
_RFC3164 = re.compile(
    rf"{_PRIORITY}(?P<at>[A-Z][a-z]{{2}} [ \d]\d (?P<year>\d{{4}} )?\d\d:\d\d:\d\d)(?:\.\d+)? "
    rf"{_HOST}{_PROGRAM}"
)
_RFC5424 = re.compile(
    rf"{_PRIORITY}1 (?P<at>\d{{4}}-\d\d-\d\dT\S+) \S+ (?P<tag>\S+) (?P<pid>\S+) \S+ "
    r'(?:-|(?:\[(?:[^"\]]|"(?:\\.|[^"\\])*")*\])+)(?: \ufeff?(?P<message>.*))?'
)
_RFC3339 = re.compile(rf"{_PRIORITY}(?P<at>\d{{4}}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*) {_HOST}{_PROGRAM}")
_OF_SSHD = re.compile(r"\bsshd(?:-session|-auth)?(?:\[\d+\]:| \d+ )")
_SOLARIS = re.compile(r"\[ID \d+ \w+\.\w+\] ")
_REPEATED = re.compile(r"message repeated (?P<times>\d+) times: \[ ?(?P<message>.*?)\]?")


def _line(at: datetime, match: re.Match[str]) -> SshdLine:
    message = _SOLARIS.sub("", match["message"] or "", count=1).strip()
    repeated = _REPEATED.fullmatch(message)
    times = int(repeated["times"]) if repeated else 1
    process = match["pid"] or ""
    return SshdLine(
        at=at,
        process="" if process == "-" else process,
        message=repeated["message"].strip() if repeated else message,
        times=times,
    )


@reads
def parse_syslog(text: str, *, now: datetime, zone: timezone) -> list[SshdLine]:
    """Return the SSH server's messages from a syslog file, in the formats of RFC 3164, 5424 and 3339.

    Args:
        text: lines of the file, which need not be of one format.
        now: gives the year, which the oldest format leaves out: a date after now is of the year before.
        zone: the host's offset from UTC, which formats may leave out, too.

    Raises:
        Unobservable: `parse`, when a line that names the SSH server is in none of these.

    """
    found = []
    for line in text.splitlines():
        match = _RFC5424.match(line) or _RFC3339.match(line) or _RFC3164.match(line)
        if match is None:
            if _OF_SSHD.search(line):
                raise Unobservable("parse", f"a line of the SSH server in no known form: {line[:80]!r}")
            continue
        if posixpath.basename(match["tag"]) in {"sshd", "sshd-session", "sshd-auth"}:
            found.append(_line(_time(match, now, zone), match))
    return found


def _time(match: re.Match[str], now: datetime, zone: timezone) -> datetime:
    if match.re is _RFC3164:
        return with_year(match["at"], now, zone, year=match["year"])
    try:
        stated = datetime.fromisoformat(match["at"])
    except ValueError:
        raise Unobservable("parse", f"not a time: {match['at']!r}") from None
    return stated if stated.tzinfo else stated.replace(tzinfo=zone)


def with_year(text: str, now: datetime, zone: timezone, *, year: str | None) -> datetime:
    """Return a time in the oldest form of syslog, which may leave out the year.

    Raises:
        Unobservable: `parse`, when it is none.

    """
    if year is not None:
        try:
            return datetime.strptime(text, "%b %d %Y %H:%M:%S").replace(tzinfo=zone)
        except ValueError:
            raise Unobservable("parse", f"not a time: {text!r}") from None
    for number in (now.year + 1, now.year, now.year - 1, now.year - 2, now.year - 3):
        try:
            at = datetime.strptime(f"{number} {text}", "%Y %b %d %H:%M:%S").replace(tzinfo=zone)
        except ValueError:
            continue
        if at <= now + _FAR_FUTURE:
            return at
    raise Unobservable("parse", f"not a time: {text!r}")


@reads
def parse_journal(text: str) -> list[SshdLine]:
    """Return the SSH server's messages from `journalctl -o short-unix`."""
    matches = filter(None, map(_UNIX.match, text.splitlines()))
    return [_line(datetime.fromtimestamp(float(match["at"]), UTC), match) for match in matches]


_FROM = r"from (?P<source>\S+)(?: (?:port \d+|on \S+|via \S+))*"
_END = r"(?: ssh\d*)?(?: \[preauth\])?"
_STRANGER = r"(?:invalid|illegal) user .*"
"""A name that anybody chose: it may hold all that stands behind names."""
_ENDED = r"(?:Connection (?:closed|reset) by|Disconnected from|Disconnecting)"
_PROVES_NOTHING = ("pam_", "Server listening on ", "Received signal ")
"""Messages that also come where the server's own log level hides failures."""

_ATTEMPTS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"Failed (?!none )\S+ for (?!invalid user |illegal user )\S+ {_FROM}(?: ssh\d*)?(?:: .*)?",
        rf"Failed (?!none )\S+ for {_STRANGER} {_FROM}(?: ssh\d*)?(?:: .*)?",
    )
)
_OF_PAM = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?:(?:error|fatal): )?(?:PAM: )?authentication (?:failure|error|failed) for .* {_FROM}{_END}",
        rf"(?:(?:error|fatal): )?PAM: (?>.*? for ).* {_FROM}{_END}",
        rf"User not known to the underlying authentication module for .* {_FROM}{_END}",
    )
)
"""What PAM says of an attempt of which the server may say something, too."""
_IMPLIED = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?:error: )?maximum authentication attempts exceeded for .* {_FROM}{_END}",
        rf"Disconnecting: Too many authentication failures for .* {_FROM}{_END}",
        rf"(?:Invalid|Illegal) user .*{_FROM}{_END}",
        rf"User \S+ {_FROM} not allowed because .*",
        r"(?:ROOT|\S+) LOGIN REFUSED FROM (?P<source>\S+)(?: port \d+)?",
        rf"{_ENDED} authenticating user \S+ (?P<source>\S+) port \d+.*",
        rf"{_ENDED} invalid user .* (?P<source>\S+) port \d+(?:: Too many authentication failures)?{_END}",
        (
            r"Disconnecting invalid user (?P<user>.*) (?P<source>\S+) port \d+: "
            r"Change of username or service not allowed: \((?P=user),.*"
        ),
        rf"Received disconnect {_FROM}: ?3: .*: Auth (?:fail|cancel){_END}",
    )
)
_MAPPED = re.compile(r"::ffff:(?=\d+\.\d+\.\d+\.\d+$)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class LoginEvents:
    """Messages of the SSH server about log-ins in a span of time."""

    failures: Mapping[str, int]
    """Failed attempts by source address."""
    newest: datetime | None
    """When the SSH server last said anything about a connection."""


def login_events(lines: Iterable[SshdLine], *, since: datetime) -> LoginEvents:
    """Count failed log-ins by source.

    A connection whose failures are only implied ("Invalid user", "Connection closed by authenticating
    user") counts once; where single attempts are logged too, these are what counts.
    """
    kinds = ((_ATTEMPTS, Counter[tuple[str, str]]()), (_OF_PAM, Counter[tuple[str, str]]()))
    implied: Counter[tuple[str, str]] = Counter()
    newest: datetime | None = None
    for line in lines:
        if line.at < since:
            continue
        if not line.message.startswith(_PROVES_NOTHING):
            newest = line.at if newest is None else max(newest, line.at)
        for patterns, attempts in kinds:
            if key := _key(line, patterns):
                attempts[key] += line.times
                break
        else:
            if key := _key(line, _IMPLIED):
                implied[key] = max(implied[key], 1 if line.process else line.times)
    counts = [*(attempts for _, attempts in kinds), implied]
    failures: Counter[str] = Counter()
    for key in set().union(*counts):
        failures[key[0]] += max(count[key] for count in counts)
    return LoginEvents(failures=failures, newest=newest)


def _key(line: SshdLine, patterns: Sequence[re.Pattern[str]]) -> tuple[str, str] | None:
    """Return source and connection of a failure; `None` where the line tells of none."""
    match = next(filter(None, (pattern.fullmatch(line.message) for pattern in patterns)), None)
    return match and (_MAPPED.sub("", match["source"]), line.process or line.at.isoformat())
