"""Log files and the journal: what was written in a span of time."""

from __future__ import annotations

import json
import math
import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from pytest_aisec.facts.core.answers import check_search
from pytest_aisec.facts.core.formats import reads
from pytest_aisec.facts.system.find_forms import lacks_printf
from pytest_aisec.facts.system.listings import SWALLOWS_LINES
from pytest_aisec.facts.system.sshd_log import (
    LoginEvents,
    SshdLine,
    login_events,
    parse_journal,
    parse_syslog,
)
from pytest_aisec.observe.backend import foresee
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = [
    "LogFile",
    "LoginEvents",
    "SshdLine",
    "json_entries",
    "log_files",
    "login_events",
    "moment",
    "parse_journal",
    "parse_syslog",
    "read_log",
    "ssh_logins",
]

TAIL_BYTES = 6 * 1024 * 1024
"""The most that is read of one file, from its end."""

_COMMON = re.compile(r"\d{1,2}/[A-Z][a-z]{2}/\d{4}:")
"""How nginx's `$time_local` and the Common Log Format begin."""
_OPEN = (
    'f=%s p=$f o=; own() {{ case $1 in 0) ;; "${{o:-$1}}") o=$1;; *) o=x;; esac; }}; '
    's=$(stat -c %%u -- "$f") || exit; own "$s"; '
    'while test "$p"; do p=${{p%%/*}}; s=$(stat -L -c %%a:%%u -- "${{p:-/}}") || exit; '
    "case ${{s%%:*}} in 1???) ;; *[2367]|*[2367]?) o=x;; esac; own ${{s#*:}}; done; "
    'test "$(id -u)" = 0 || o=; test -f "$f" || {{ echo "$f: not a plain file" >&2; exit 1; }}; '
    '{{ test -z "$o" || test "$o" = "$(stat -L -c %%u /proc/self/fd/3)" || '
    'test "$(readlink /proc/self/fd/3)" = "$f" || '
    '{{ echo "$f: another account could have placed the link: Permission denied" >&2; exit 1; }}; '
    '{read}; }} 3<"$f"'
)
"""Opens a log, for `{read}` to read from 3.

Where an account could have put a link on the way, root follows it to files of the same account alone.
"""
_LISTED = re.compile(r"(?P<changed>\d+(?:\.\d+)?) (?P<size>\d+) (?P<path>/.*)")


@dataclass(frozen=True, kw_only=True)
class LogFile:
    """A log file or one of its rotated predecessors."""

    path: str
    size: int
    """Bytes."""
    changed: datetime
    """When it was last written to."""


def log_files(host: Host, directory: str, names: Sequence[str], *, since: datetime) -> list[LogFile] | None:
    """Return the files in `directory` whose names begin with one of `names`, written to since then.

    Returns:
        `None` where no such file exists, however old.

    Raises:
        Unobservable: `privilege` or `unreadable`, when the directory cannot be listed.

    """
    tests = " -o ".join("-name %s" for _ in names)
    question = f"find -L %s -maxdepth 1 -type f \\( {tests} \\) -printf '%%T@ %%s %%p\\n'"
    values = [re.sub(r"([*?\[\\])", r"\\\1", name) + "*" for name in names]
    result = host.run(question, f"{directory.rstrip('/')}/", *values)
    if lacks_printf(result.stderr):
        head = question.partition("-printf")[0]
        result = host.run(
            f"{head}-exec stat -L -c '%%Y %%s %%n' {{}} +", f"{directory.rstrip('/')}/", *values
        )
    problem = result.stderr.strip().partition("\n")[0]
    if "No such file or directory" in problem and f"{directory.rstrip('/')}/" in problem:
        return None
    if "ermission denied" in problem:
        raise Unobservable("privilege", problem)
    if result.rc != 0 or problem:
        raise Unobservable("unreadable", problem or f"find: exit status {result.rc}")
    found = []
    for line in result.stdout.splitlines():
        match = _LISTED.fullmatch(line)
        if match is None:
            raise Unobservable("parse", f"find printed {line[:120]!r}")
        changed = datetime.fromtimestamp(float(match["changed"]), UTC)
        found.append(LogFile(path=match["path"], size=int(match["size"]), changed=changed))
    if not found:
        return None
    return sorted((file for file in found if file.changed >= since), key=lambda file: file.changed)


def _complain(problem: str, rc: int) -> None:
    if "ermission denied" in problem:
        raise Unobservable("privilege", problem.strip().partition("\n")[0])
    if rc != 0 or problem.strip():
        raise Unobservable("unreadable", problem.strip().partition("\n")[0] or f"exit status {rc}")


def read_log(host: Host, file: LogFile, *, containing: str = "") -> tuple[str, bool]:
    """Return the text of a log file, and whether it begins with the file's first line.

    Args:
        host: where it lies.
        file: a plain or gzip-compressed file.
        containing: where given, only lines with this text, and always from the first line.

    Raises:
        Unobservable: `privilege`, `unreadable` for other compressions, `truncated` when redaction may have
            taken lines with it.

    """
    if re.search(r"\.(xz|bz2|zst|lz4?|Z)$", file.path):
        raise Unobservable("unreadable", f"{file.path}: only plain and gzip-compressed logs can be read")
    packed = file.path.endswith(".gz")
    if containing:
        found = 'grep -a -F -e %s; echo "end $?"'
        question = f"gzip -cd <&3 | {{ {found}; }}" if packed else f"{{ {found}; }} <&3"
        result = host.run(_OPEN.format(read=question), file.path, containing)
        _complain(result.stderr, result.rc)
        text, end, status = result.stdout.rpartition("end ")
        if not end or status not in {"0\n", "1\n"} or (text and not text.endswith("\n")):
            raise Unobservable("unreadable", f"{file.path}: grep ended without saying how")
        check_search(int(status), text)
        if SWALLOWS_LINES.search(text):
            raise _swallowed(file.path)
        return text, True
    whole = True
    if packed:
        result = host.run(_OPEN.format(read="gzip -cd <&3"), file.path)
        _complain(result.stderr, result.rc)
    else:
        whole = file.size < TAIL_BYTES
        result = host.run(_OPEN.format(read="tail -c %s <&3"), file.path, str(TAIL_BYTES))
        _complain(result.stderr, result.rc)
        whole = whole and len(result.stdout_bytes) < TAIL_BYTES
        if file.size and not result.stdout_bytes:
            raise Unobservable("unreadable", f"{file.path}: nothing came of {file.size} bytes")
    if SWALLOWS_LINES.search(result.stdout):
        raise _swallowed(file.path)
    return str(result.stdout), whole


def _swallowed(path: str) -> Unobservable:
    return Unobservable("truncated", f"{path} holds a credential, and redaction may have taken lines with it")


def moment(value: object) -> datetime:
    """Return the time that a JSON log states: ISO 8601 (UTC without an offset), Common Log Format, or Unix.

    Numbers beyond the year 5000 are taken for milliseconds, microseconds or nanoseconds.

    Raises:
        ValueError: for anything else.

    """
    if isinstance(value, bool) or value is None:
        raise ValueError(f"not a time: {value!r}")
    if isinstance(value, str) and _COMMON.match(value):
        return datetime.strptime(value, "%d/%b/%Y:%H:%M:%S %z")
    if isinstance(value, str) and not re.fullmatch(r"\d+(\.\d+)?", value):
        stated = datetime.fromisoformat(value[:100])
        return stated if stated.tzinfo else stated.replace(tzinfo=UTC)
    if not isinstance(value, int | float | str):
        raise ValueError(f"not a time: {value!r}")
    try:
        seconds = float(value)
    except OverflowError as error:
        raise ValueError("not a time: a number beyond all") from error
    if not math.isfinite(seconds):
        raise ValueError(f"not a time: {value!r}")
    while seconds > 1e11:
        seconds /= 1000
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError) as error:
        raise ValueError(f"not a time: {value!r}") from error


@reads
def json_entries(text: str, *, path: str, whole: bool = True) -> list[Mapping[str, Any] | Unobservable]:
    """Return the objects of a log with one JSON object per line, and why any other line is none.

    A last line without its line end is still being written: it counts when it is whole, and is passed over
    when it is not. Each `parse` names the line.
    """
    lines = text.split("\n")
    if not whole:
        lines = lines[1:]
    entries: list[Mapping[str, Any] | Unobservable] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            if number < len(lines):
                entries.append(Unobservable("parse", f"{path}: line {number} is not JSON"))
            continue
        is_object = isinstance(entry, dict)
        entries.append(
            entry if is_object else Unobservable("parse", f"{path}: line {number} is not a JSON object")
        )
    return entries


_JOURNAL = "journalctl --no-pager -o short-unix --since=%s -t sshd -t sshd-session -t sshd-auth"
_BY_ROOT = f"{_JOURNAL} -n 1000 _UID=0"
"""What anybody may write under the name of the server, the journal tells apart."""


def _journal(host: Host, days: int, question: str = _JOURNAL) -> list[SshdLine] | None:
    """Return what sshd wrote in the last `days` by the host's clock: the same question on every day."""
    try:
        result = host.run(question, f"-{days}days")
    except Unobservable as fault:
        if fault.reason == "tool_missing":
            return None
        raise
    problem = result.stderr.strip()
    if (
        "not seeing messages" in problem
        or "nsufficient permissions" in problem
        or "ermission denied" in problem
    ):
        raise Unobservable("privilege", problem.partition("\n")[0])
    if "No journal files were found" in problem:
        return None
    if result.rc != 0 or problem:
        raise Unobservable("unreadable", problem.partition("\n")[0] or f"journalctl: exit status {result.rc}")
    if SWALLOWS_LINES.search(result.stdout):
        raise _swallowed("the journal")
    return parse_journal(result.stdout)


def ssh_logins(host: Host, *, now: datetime, since: datetime) -> LoginEvents | None:
    """Return failed SSH log-ins from the journal and from `/var/log/auth.log*` or `secure*`.

    The same failure usually stands in both: of the two numbers for a source, the greater counts. What any
    account writes in the name of the server does not make its log a living one: where there is a journal,
    what root's server wrote there tells when it was last heard of.

    Returns:
        `None` where there is neither a journal nor such a file.

    Raises:
        Unobservable: when a source that exists cannot be read whole.

    """
    days = (now - since).days + 2
    foresee(host, "date +%z")
    foresee(host, (_BY_ROOT, f"-{days}days"))
    readings: list[LoginEvents] = []
    entries = _journal(host, days)
    if entries is not None:
        readings.append(login_events(entries, since=since))
    files = log_files(host, "/var/log", ["auth.log", "secure"], since=since)
    if files is not None:
        offset = host.run("date +%z").stdout.strip()
        match = re.fullmatch(r"([+-])(\d\d)(\d\d)", offset)
        if match is None:
            raise Unobservable("parse", f"not an offset from UTC: {offset!r}")
        shift = timedelta(hours=int(match[2]), minutes=int(match[3]))
        zone = timezone(-shift if match[1] == "-" else shift)
        lines = [
            line
            for file in files
            for line in parse_syslog(read_log(host, file, containing="sshd")[0], now=now, zone=zone)
        ]
        readings.append(login_events(lines, since=since))
    if not readings:
        return None
    sources = {source for reading in readings for source in reading.failures}
    by_root = _journal(host, days, _BY_ROOT) if entries is not None else None
    if by_root and not entries:
        raise Unobservable("unreadable", "the journal shows what root's sshd wrote, and then that none wrote")
    heard = readings if by_root is None else [login_events(by_root, since=since)]
    times = [reading.newest for reading in heard if reading.newest is not None]
    return LoginEvents(
        failures={source: max(reading.failures.get(source, 0) for reading in readings) for source in sources},
        newest=max(times, default=None),
    )


def companions(path: str) -> tuple[str, str]:
    """Return the directory of a log file and the name with which its rotated predecessors begin."""
    return posixpath.dirname(path) or "/", posixpath.basename(path)
