"""Running processes, as `/proc` shows them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_aisec.observe.backend import foresee
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["QUESTIONS", "Process", "processes"]

_COMM, _LIMITS, _CMDLINE = QUESTIONS = (
    "grep -aH '' /proc/[0-9]*/comm",
    "grep -aH '^Max core file size' /proc/[0-9]*/limits",
    "grep -azH '' /proc/[0-9]*/cmdline",
)
"""What `processes` asks, to be foreseen by whoever asks something else first."""

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


def processes(host: Host) -> tuple[Process, ...]:
    """Return all processes of the host, those that ask it among them: no question is in their arguments.

    None is left out. A process that could look like the audit's own would not be seen.

    Raises:
        Unobservable: `privilege` where only the asking user's own processes are shown.

    """
    foresee(host, *QUESTIONS)
    names: dict[int, str] = {}
    limits: dict[int, str] = {}
    arguments: dict[int, list[str]] = {}
    for line in _read(host, _COMM).splitlines():
        if match := re.fullmatch(r"/proc/(\d+)/comm:(.*)", line):
            names.setdefault(int(match[1]), match[2])
    for line in _read(host, _LIMITS).splitlines():
        match = re.fullmatch(r"/proc/(\d+)/limits:Max core file size\s+(\d+|unlimited)\s+.*", line)
        if match is None:
            raise Unobservable("parse", f"grep printed {line[:120]!r} of the limits of a process")
        limits[int(match[1])] = match[2]
    for item in _read(host, _CMDLINE).split("\0"):
        if match := re.fullmatch(r"/proc/(\d+)/cmdline:(.*)", item, re.DOTALL):
            arguments.setdefault(int(match[1]), []).append(match[2])
    if 1 not in names:
        raise Unobservable("privilege", "only the processes of the asking user are shown")
    return tuple(
        Process(pid=pid, name=name, arguments=tuple(arguments.get(pid, ())), core_limit=limits.get(pid, ""))
        for pid, name in sorted(names.items())
    )
