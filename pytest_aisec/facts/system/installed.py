"""Installed programs that processes run, by the kernel and by who owns the files, not by their own word.

Any account can give a process any name and any arguments. What it runs is the file that the kernel shows,
and that is an installed program where root alone could have put it in its place.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from pytest_aisec.facts.system.processes import Process
from pytest_aisec.facts.system.programs import runs_itself, script_of

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["EXECUTABLES", "files_of_root", "installed"]

EXECUTABLES = (
    "stat -c %N /proc/[0-9]*/exe; stat -L -c 'user %i %n' /proc/self/ns/user /proc/[0-9]*/ns/user; true"
)
_LINKED = re.compile(
    r"""^\W?/proc/(?P<pid>\d+)/exe\W? -> \W(?P<path>/[\w@%+=:,./-]*)(?: \(deleted\))?\W$""", re.MULTILINE
)
_NAMESPACE = re.compile(r"^user (?P<inode>\d+) /proc/(?P<pid>\d+|self)/ns/user$", re.MULTILINE)
_ENTRY = re.compile(
    r"^(?P<uid>\d+):(?P<gid>\d+):(?P<mode>[0-9a-f]+) (?P<path>/[\w@%+=:,./-]*)$", re.MULTILINE
)


def installed(host: Host, pids: Collection[int], *, apart: Collection[int] = ()) -> dict[int, str]:
    """Return the name of the file that processes run, of those alone that run an installed program.

    Whoever has a user namespace of its own mounts what it likes under any name: of that nothing is told. A
    program that was replaced since its process began counts by what has its place now.

    Args:
        host: where they run.
        pids: the processes that matter.
        apart: those that have a root directory of their own, as in a container.

    """
    if not pids:
        return {}
    shown = host.run(EXECUTABLES).stdout
    namespaces = {match["pid"]: match["inode"] for match in _NAMESPACE.finditer(shown)}
    ours = {pid for pid in pids if namespaces and namespaces.get(str(pid), "") == namespaces.get("self")}
    files: dict[int, set[str]] = {}
    for match in _LINKED.finditer(shown):
        files.setdefault(int(match["pid"]), set()).add(match["path"])
    ways = {
        pid: tuple(_way(path, f"/proc/{pid}/root" if pid in apart else ""))
        for pid in sorted(ours)
        for path in files.get(pid, ())
        if len(files[pid]) == 1 and path == posixpath.normpath(path)
    }
    return {pid: posixpath.basename(ways[pid][-1]) for pid in _whole(host, ways)}


def files_of_root(
    host: Host, running: Iterable[Process], programs: Mapping[int, str], *, apart: Collection[int]
) -> frozenset[int]:
    """Return the processes whose arguments name the installed file that runs, or Python's script of root's.

    Args:
        host: where they run.
        running: the processes that matter.
        programs: what `installed` says of them.
        apart: those that have a root directory of their own.

    """
    named, ways = set(), {}
    for process in running:
        script = script_of(process.arguments)
        if process.pid in programs and runs_itself(process.arguments, programs[process.pid]):
            named.add(process.pid)
        elif process.pid in programs and script and script == posixpath.normpath(script):
            ways[process.pid] = tuple(
                _way(script, f"/proc/{process.pid}/root" if process.pid in apart else "")
            )
    return frozenset(named) | _whole(host, ways)


def _whole(host: Host, ways: Mapping[int, tuple[str, ...]]) -> frozenset[int]:
    if not ways:
        return frozenset()
    places = sorted({place for way in ways.values() for place in way})
    answer = host.run(f"stat -c '%%u:%%g:%%f %%n' --{' %s' * len(places)}; true", *places)
    found = {match["path"] for match in _ENTRY.finditer(answer.stdout) if _is_of_root(match)}
    return frozenset(pid for pid, way in ways.items() if found.issuperset(way))


def _way(path: str, root: str) -> Iterator[str]:
    """Yield the directories that lead to a file, from the root directory on, and the file."""
    yield f"{root}/."
    for match in re.finditer(r"/[^/]+", path):
        yield root + path[: match.end()]


def _is_of_root(match: re.Match[str]) -> bool:
    mode = int(match["mode"], 16)
    by_others = mode & 0o002 or (mode & 0o020 and match["gid"] != "0")
    return match["uid"] == "0" and not by_others and (mode >> 12) in {0o04, 0o10}
