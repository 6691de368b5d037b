"""The configuration that a daemon runs: not what its files say where one is younger than its last reading.

When a daemon read its files is told by the start of its process, as the kernel shows it, or by a file of its
own that it writes anew at each reading. A process that stays the same while its files are read again, and
leaves no such trace, counts from its start: that is a false alarm at worst.

A file counts from its last change, of content (mtime) or of anything else (ctime): what was put in its
place by `mv` or had its time set back has a young ctime. A directory counts like a file, as one may be gone
from it; in the place of what is absent stands the directory above.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_aisec.facts.core.answers import problem
from pytest_aisec.facts.core.formats import is_number, reads
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["read_stale", "stale"]

_NOTHING: Mapping[str, Sequence[str]] = MappingProxyType({})
_TICK = 0.01
"""Seconds: in which Linux states the start of a process."""
_SLACK = 0.05
"""Seconds by which a start may be later than it is taken to be: no daemon has read its files sooner."""
_AT_ONCE = 10
"""Ticks after its own start within which a daemon starts children without having read its files again."""
_BEHIND = 19
"""The place of a process's start behind its name; see proc(5)."""
_NOW = 'date +%%s.%%N; (read -r s </proc/self/stat; echo "${s##*) }"); date +%%s.%%N; '
"""The clock, before and after the start of a process of ours, and when that started in ticks.

Time since the boot of the machine, which a container may be told wrongly, plays no part.
"""
_PROCESS = 'sed -n "\\$s/.*) /%s /p" /proc/%s/stat; '
_FILE = (
    'f=%s; until stat -c \'%%y|%%z|%%n\' -- "${f:-/}" || test -z "$f"; do f=${f%%/*}; done; '
    "stat -L -c '%%y|%%z|%%n' -- \"${f:-/}\"; "
)
_IF_THERE = "if test -e %s; then stat -L -c '%%y|%%z|%%n' -- %s; fi; "
_MARK = "if test -f %s; then head -c 20 -- %s | tr '\\n' '|'; stat -L -c '%%y' -- %s; fi; "
_TIME = re.compile(r"(?P<second>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?P<fraction>\.\d{1,9})? (?P<zone>[+-]\d{4})")
_ABSENT = re.compile(r"No such file or directory|Not a directory")


def stale(
    host: Host,
    pid: int,
    files: Sequence[str],
    *,
    what: str,
    mark: str = "",
    children: Sequence[int] = (),
    directories: Mapping[str, Sequence[str]] = _NOTHING,
) -> Unobservable | None:
    """Return why a process may run something else than `files` say; `None` where it has read them since.

    Args:
        host: where it runs.
        pid: the process that reads the files.
        files: files, programs and directories, each by an absolute path.
        what: how the daemon is called, for people.
        mark: a file that the daemon writes its process id to whenever it reads its files, if there is one.
        children: processes that, where they are its children, it has started after it read its files.
        directories: in which it looks for files, which count where they are there → names of what it puts
            there itself.

    """
    if any(not path.startswith("/") for path in (*files, *directories, mark or "/")):
        return Unobservable("unreadable", f"{what} names a file by a relative path")
    own = [f"{path}/{name}" for path, names in directories.items() for name in names]
    question = [
        (_NOW, ()),
        ("echo =processes; ", ()),
        *((_PROCESS, (str(one), str(one))) for one in (pid, *children)),
        ("echo =files; ", ()),
        *((_FILE, (path,)) for path in files),
        *((_IF_THERE, (path, path)) for path in (*directories, *own)),
        ("echo =mark; ", ()),
        *([(_MARK, (mark, mark, mark))] if mark else []),
        ("echo =end", ()),
    ]
    command = "".join(part for part, _ in question)
    arguments = [one for _, given in question for one in given]
    try:
        answer = host.run(command, *arguments)
        return read_stale(answer.stdout, answer.stderr, pid=pid, what=what, directories=directories)
    except Unobservable as fault:
        return fault


@reads
def read_stale(
    stdout: str, stderr: str, *, pid: int, what: str, directories: Mapping[str, Sequence[str]] = _NOTHING
) -> Unobservable | None:
    """Judge what the question of `stale` printed.

    Raises:
        Unobservable: when it cannot be told.

    """
    lines = [line for line in stderr.splitlines() if line.strip()]
    for line in lines:
        if f"/proc/{pid}/" in line and _ABSENT.search(line):
            raise Unobservable("unreadable", f"{what} ({pid}) has ended meanwhile")
        if line.endswith("not found"):
            raise Unobservable("tool_missing", line)
        if not _ABSENT.search(line):
            raise problem(f"whether {what} runs as configured: {line}")
    clock, _, rest = stdout.partition("=processes\n")
    processes, _, rest = rest.partition("=files\n")
    files, _, mark = rest.rpartition("=mark\n")
    times = clock.splitlines()
    if len(times) != 3 or not (files or directories) or not mark.endswith("=end\n"):
        raise Unobservable("parse", f"whether {what} runs as configured: {stdout[-120:]!r}")
    before, fresh, after = times
    start, is_after = _start(processes, pid)
    age = (_ticks(fresh) - start) * _TICK
    earliest = _clock(before, latest=False) - age - _TICK
    now = _clock(after, latest=True)
    loaded = earliest if is_after else min(now - age + _TICK, earliest + _SLACK)
    if (marked := _marked(mark.removesuffix("=end\n"), pid)) is not None and marked >= earliest:
        loaded = marked
    last, path = _youngest(files, directories)
    if last <= loaded:
        return None
    if last > now:
        return Unobservable("stale", f"{path} has a time in the future: {_shown(last)}")
    return Unobservable(
        "stale",
        f"{what} ({pid}) has read its configuration at {_shown(loaded)}, and {path} is of {_shown(last)}: "
        "it runs something else than the files say until it is reloaded or restarted",
    )


def _clock(printed: str, *, latest: bool) -> float:
    """Return what `date` printed; of a whole second where it knows no fractions, the end or the beginning."""
    second, _, fraction = printed.partition(".")
    if not is_number(second):
        raise Unobservable("parse", f"date printed {printed[:60]!r} for a time")
    return float(f"{second}.{fraction}") if is_number(fraction) else int(second) + float(latest)


def _ticks(stat: str) -> int:
    """Return the start of a process, from what stands behind its name in its `/proc/PID/stat`."""
    words = stat.split()
    if len(words) <= _BEHIND or not is_number(words[_BEHIND]):
        raise Unobservable("parse", f"/proc shows {stat[:60]!r} of a process")
    return int(words[_BEHIND])


def _start(processes: str, pid: int) -> tuple[int, bool]:
    """Return when a process had read its files, or began to, and whether it had.

    That is the start of the oldest child that is shown; of the process itself where its children started at
    once, or are none.
    """
    shown = dict(line.split(" ", 1) for line in processes.splitlines() if " " in line)
    own = _ticks(shown.get(str(pid), ""))
    children = [_ticks(stat) for stat in shown.values() if stat.split()[1:2] == [str(pid)]]
    oldest = min(children, default=own)
    return (own if oldest - own <= _AT_ONCE else oldest), bool(children)


def _marked(mark: str, pid: int) -> float | None:
    """Return when the process wrote its number; `None` where it did not."""
    holder, _, time = mark.partition("|")
    return _seconds(time.strip("|\n"), latest=False) if holder.strip() == str(pid) else None


def _youngest(files: str, directories: Mapping[str, Sequence[str]]) -> tuple[float, str]:
    """Return when one of the files has changed last, and which.

    A directory that has not changed since the daemon itself put something there does not count.
    """
    found: dict[str, float] = {}
    for line in files.splitlines():
        changed, _, rest = line.partition("|")
        altered, _, path = rest.partition("|")
        time = max(_seconds(changed, latest=True), _seconds(altered, latest=True))
        found[path] = max(time, found.get(path, 0.0))
    for directory, names in directories.items():
        written = max((found.pop(f"{directory}/{name}", 0.0) for name in names), default=0.0)
        if found.get(directory, 0.0) <= written + _SLACK:
            found.pop(directory, None)
    return max(((time, path) for path, time in found.items()), default=(0.0, ""))


def _seconds(shown: str, *, latest: bool) -> float:
    """Return a time as `stat` shows it; where it shows whole seconds, the end or the beginning of one."""
    match = _TIME.fullmatch(shown)
    if match is None:
        raise Unobservable("parse", f"stat printed {shown[:60]!r} for a time")
    whole = datetime.strptime(f"{match['second']} {match['zone']}", "%Y-%m-%d %H:%M:%S %z").timestamp()
    return whole + (float(match["fraction"]) if match["fraction"] else float(latest))


def _shown(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(sep=" ", timespec="milliseconds")
