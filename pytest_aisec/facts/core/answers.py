"""Answers of several commands, each of which may be missing or refused without ending the reading."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_aisec.observe.backend import foresee
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["Answer", "answers", "check_search", "problem"]

MISSING = 127
"""Exit status of a command whose tool is not installed."""
_PACKAGES = {
    "conntrack": "conntrack",
    "dmsetup": "dmsetup",
    "findmnt": "util-linux",
    "ip": "iproute2",
    "iptables-save": "iptables",
    "lsattr": "e2fsprogs",
    "lsblk": "util-linux",
    "nft": "nftables",
}
"""Tool → the package that has it."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Output of one command."""

    stdout: str
    stderr: str
    status: int
    """Exit status."""

    @property
    def is_missing(self) -> bool:
        """Whether there is no such tool."""
        return self.status == MISSING

    @property
    def complaint(self) -> str:
        """The first line on stderr, empty where there is none."""
        return self.stderr.strip().partition("\n")[0]

    def fault(self, what: str) -> Unobservable | None:
        """Return why this is no whole answer; `None` where the command ended well and in silence."""
        if self.is_missing:
            if what in _PACKAGES:
                return Unobservable(
                    "tool_missing", f"{what} is missing: install {_PACKAGES[what]} on the host"
                )
            return Unobservable("tool_missing", f"{what}: {self.complaint or 'not installed'}")
        if self.status == 0 and not self.complaint:
            return None
        return problem(f"{what}: {self.complaint or f'exit status {self.status}'}")


def problem(text: str) -> Unobservable:
    """Return what a complaint of a tool means: `privilege` or `unreadable`."""
    denied = re.search(r"[Pp]ermission denied|not permitted|must be root|superuser", text)
    return Unobservable("privilege" if denied else "unreadable", text)


def check_search(status: int, stdout: str, tool: str = "grep") -> None:
    """Refuse a search that found something, by its exit status, and printed nothing.

    Raises:
        Unobservable: `unreadable`.

    """
    if status == 0 and not stdout:
        raise Unobservable("unreadable", f"{tool} found something and printed nothing")


def answers(host: Host, *commands: str | tuple[str, ...]) -> tuple[Answer, ...]:
    """Ask `commands`, all at once, and return what each answered.

    Args:
        host: the host to ask.
        commands: as for `host.run`; those with arguments as tuples.

    Raises:
        Unobservable: for every reason but a missing tool.

    """
    foresee(host, *commands)
    return tuple(_answer(host, command) for command in commands)


def _answer(host: Host, command: str | tuple[str, ...]) -> Answer:
    try:
        result = host.run(command) if isinstance(command, str) else host.run(*command)
    except Unobservable as fault:
        if fault.reason != "tool_missing":
            raise
        return Answer(stdout="", stderr=fault.detail, status=MISSING)
    return Answer(stdout=result.stdout, stderr=result.stderr, status=result.rc)
