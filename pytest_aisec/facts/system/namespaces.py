"""Looks at all processes at once, and which live apart, with a network or a root directory of their own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_aisec.facts.core.answers import check_search
from pytest_aisec.observe.directory import nothing_runs
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["ROOTS", "contained", "differing", "look", "networked"]

_NETWORKS = "stat -L -c '%i %n' /proc/self/ns/net /proc/[0-9]*/ns/net"
ROOTS = "stat -L -c '%d:%i %n' /proc/self/root /proc/[0-9]*/root"
_GONE = re.compile(r"No such (file or directory|process)")
_DENIED = re.compile(r"/proc/(\d+)/(?:\w++/?){0,4}+'?: Permission denied")


def look(host: Host, command: str) -> tuple[str, frozenset[int]]:
    """Return what a look at all processes printed, and of which it was not allowed to."""
    result = host.run(command)
    problems = [line for line in result.stderr.splitlines() if line.strip() and not _GONE.search(line)]
    denied = frozenset(int(match[1]) for line in problems if (match := _DENIED.search(line)))
    others = [line for line in problems if not _DENIED.search(line)]
    if others or result.rc not in {0, 1, 2}:
        raise Unobservable("unreadable", others[0] if others else f"exit status {result.rc}: {command[:60]}")
    check_search(result.rc, result.stdout, command.split(" ", 1)[0])
    return str(result.stdout), denied


def networked(host: Host) -> frozenset[int]:
    """Return the processes that are seen to have another network namespace than the asking one."""
    return _differing(host, _NETWORKS, "ns/net")


def contained(host: Host) -> frozenset[int]:
    """Return the processes that are seen to have another root directory than the asking one."""
    return _differing(host, ROOTS, "root")


def _differing(host: Host, command: str, what: str) -> frozenset[int]:
    if nothing_runs(host):
        return frozenset()
    text, _ = look(host, command)
    return differing(text, what)


def differing(text: str, what: str) -> frozenset[int]:
    """Return the processes whose `what` is another than that of the asking one.

    Raises:
        Unobservable: when that of the asking one is not shown.

    """
    own = re.search(rf"^(\S+) /proc/self/{what}$", text, re.MULTILINE)
    if own is None:
        raise Unobservable("unreadable", f"{what} of the asking process cannot be told")
    matches = re.finditer(rf"^(\S+) /proc/(\d+)/{what}$", text, re.MULTILINE)
    return frozenset(int(match[2]) for match in matches if match[1] != own[1])
