"""Running processes, as `/proc` shows them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from pytest_aisec.observe.backend import foresee
from pytest_aisec.observe.directory import nothing_runs
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["QUESTIONS", "Process", "helpers", "is_renamed", "processes"]

_COMM, _LIMITS, _CMDLINE = QUESTIONS = (
    "grep -aH '' /proc/[0-9]*/comm",
    "grep -aH '^Max core file size' /proc/[0-9]*/limits",
    (
        'p=$$; while test "$p" -gt 1 && read -r s </proc/$p/stat; '
        "do printf '/proc/%s/asks:\\000' $p; s=${s##*) ? }; p=${s%% *}; done 2>/dev/null; "
        "exec grep -azH '' /proc/[0-9]*/cmdline"
    ),
)
"""What `processes` asks, to be foreseen by whoever asks something else first.

The last names its own process and those above it, too: they live as long as it does, so that none of their
numbers can be another process's by then.
"""
_SHELLS = {"ash", "bash", "busybox", "dash", "ksh", "sh"}

_GONE = re.compile(r"No such (file or directory|process)")


@dataclass(frozen=True, kw_only=True)
class Process:
    """One running process."""

    pid: int
    name: str
    """As in `/proc/PID/comm`: at most 15 characters, and what the process calls itself."""
    arguments: tuple[str, ...]
    """Empty for threads of the kernel."""
    core_limit: str
    """Soft limit of a core file: bytes, or `unlimited`; empty where the process ended meanwhile."""


def _read(host: Host, command: str) -> str:
    result = host.run(command)
    problems = [line for line in result.stderr.splitlines() if line.strip() and not _GONE.search(line)]
    if any("ermission denied" in line for line in problems):
        raise Unobservable("privilege", problems[0])
    if problems or result.rc not in {0, 1, 2} or not result.stdout:
        raise Unobservable("unreadable", problems[0] if problems else f"exit status {result.rc}")
    return str(result.stdout)


def _is_script(arguments: Sequence[str]) -> bool:
    """Tell whether a process is a shell that was given a script as an argument."""
    program = arguments[0].rpartition("/")[2] if arguments else ""
    return program in _SHELLS and "-c" in arguments


def processes(host: Host) -> tuple[Process, ...]:
    """Return all processes of the host, but for shells above the one that asks, whose script was an argument.

    Such a script holds every question. They are known by who asks, never by what they look like. In a
    directory there are none.

    Raises:
        Unobservable: `privilege` where only the asking user's own processes are shown.

    """
    return () if nothing_runs(host) else _running(host)


def _running(host: Host) -> tuple[Process, ...]:
    foresee(host, *QUESTIONS)
    return _table(_read(host, _COMM), _read(host, _LIMITS), _read(host, _CMDLINE))


@lru_cache(maxsize=8)
def _table(comm: str, core_limits: str, cmdline: str) -> tuple[Process, ...]:
    """Read what the questions printed; every control that asks for processes has the same answers."""
    names: dict[int, str] = {}
    limits: dict[int, str] = {}
    arguments: dict[int, list[str]] = {}
    for line in comm.splitlines():
        if match := re.fullmatch(r"/proc/(\d+)/comm:(.*)", line):
            names.setdefault(int(match[1]), match[2])
    for line in core_limits.splitlines():
        match = re.fullmatch(r"/proc/(\d+)/limits:Max core file size\s+(\d+|unlimited)\s+.*", line)
        if match is None:
            raise Unobservable("parse", f"grep printed {line[:120]!r} of the limits of a process")
        limits[int(match[1])] = match[2]
    asking: set[int] = set()
    for item in cmdline.split("\0"):
        if match := re.fullmatch(r"/proc/(\d+)/asks:", item):
            asking.add(int(match[1]))
        if match := re.fullmatch(r"/proc/(\d+)/cmdline:(.*)", item, re.DOTALL):
            arguments.setdefault(int(match[1]), []).append(match[2])
    if 1 not in names:
        raise Unobservable("privilege", "only the processes of the asking user are shown")
    if not arguments:
        raise Unobservable("unreadable", "no process shows its arguments")
    return tuple(
        Process(pid=pid, name=name, arguments=tuple(arguments.get(pid, ())), core_limit=limits.get(pid, ""))
        for pid, name in sorted(names.items())
        if pid not in asking or not _is_script(arguments.get(pid, ()))
    )


def is_renamed(arguments: Sequence[str]) -> bool:
    """Tell whether a process has put a title in the place of its arguments, as `VLLM::EngineCore` has."""
    return bool(arguments) and re.match(r"[A-Za-z]+::", arguments[0]) is not None


def helpers(running: Sequence[Process]) -> tuple[int, ...]:
    """Return the processes that say by their title that a model server started them, by id."""
    return tuple(process.pid for process in running if is_renamed(process.arguments))
