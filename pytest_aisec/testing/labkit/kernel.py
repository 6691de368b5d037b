"""The few system calls that Python 3.11 does not offer, and readings of ``/proc``."""

from __future__ import annotations

import ctypes
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

CLONE_NEWNET = 0x40000000
MNT_DETACH = 2

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mount.argtypes = [*[ctypes.c_char_p] * 3, ctypes.c_ulong, ctypes.c_char_p]
_libc.umount2.argtypes = [ctypes.c_char_p, ctypes.c_int]
_libc.setns.argtypes = [ctypes.c_int, ctypes.c_int]

_OWN_NETWORK = f"/proc/{os.getpid()}/fd/{os.open('/proc/thread-self/ns/net', os.O_RDONLY | os.O_CLOEXEC)}"
"""The network namespace that this process came up in."""


def _check(status: int, subject: object) -> None:
    if status != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(subject))


def mount(source: str, target: Path, kind: str, options: str = "") -> None:
    """Mount the file system ``kind`` on ``target``; raises OSError."""
    status = _libc.mount(source.encode(), bytes(target), kind.encode(), 0, options.encode() or None)
    _check(status, target)


def detach(target: Path) -> None:
    """Unmount ``target`` now for everyone who looks, later for those who still use it; raises OSError."""
    _check(_libc.umount2(bytes(target), MNT_DETACH), target)


@contextmanager
def inside_network(namespace: Path) -> Iterator[None]:
    """Move the calling thread into a network namespace and back again.

    Threads and processes that it starts meanwhile are born there; other threads stay where they are.
    Sockets stay for ever in the namespace that they were made in.
    """
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        there = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _check(_libc.setns(there, CLONE_NEWNET), namespace)
        finally:
            os.close(there)
        try:
            yield
        finally:
            _check(_libc.setns(before, CLONE_NEWNET), "the way back")
    finally:
        os.close(before)


def outside_network() -> AbstractContextManager[None]:
    """Move the calling thread to the machine's own network for a while, wherever it is."""
    return inside_network(Path(_OWN_NETWORK))


def started_at(pid: int) -> int | None:
    """When the process started, in clock ticks since boot: with the pid, a name that is never used twice.

    None when there is no such process, or only what is left of one that ended.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    state, *fields = text.rpartition(")")[2].split()
    return None if state in "ZX" else int(fields[18])


def mount_points(below: Path) -> list[Path]:
    """Every mount point at or below a directory, in the order in which they can be unmounted."""
    found = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        point = Path(line.split(" ")[4].replace("\\040", " "))
        if point.is_relative_to(below):
            found.append(point)
    return found[::-1]


def cgroup_hierarchies() -> list[Path]:
    """Places where cgroup hierarchies are mounted, of version 1 or 2."""
    return [point for point, _ in _cgroup_mounts()]


def systemd_hierarchies() -> list[Path]:
    """Places of the hierarchies that a systemd puts processes in: version 2, its own, both."""
    return [point for point, controllers in _cgroup_mounts() if controllers in ("", "name=systemd")]


def _cgroup_mounts() -> list[tuple[Path, str]]:
    """Mount points, each with its controllers, which version 2 does not name here."""
    found = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(" ", 2)
        if kind in {"cgroup", "cgroup2"}:
            named = [option for option in options.split(",") if option == "name=systemd"]
            controllers = "" if kind == "cgroup2" else ",".join(named) or options
            found.append((Path(before.split(" ")[4]), controllers))
    return found
