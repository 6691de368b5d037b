"""Origins of this host's packets, and ways out: addresses, interfaces, accounts."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_aisec.facts.core.answers import Answer, answers
from pytest_aisec.facts.core.formats import reads
from pytest_aisec.facts.system.sockets import Address
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["STAYS", "Origin", "origin", "owners_of", "read_origin"]

STAYS = re.compile(r"lo|docker0|docker_gwbridge|(cni-)?podman\d+|cni0|virbr\d+|br-[0-9a-f]{12}|veth.+")
"""Interfaces by which packets reach this host and its containers alone."""

_COMMANDS = (
    "cat /proc/net/fib_trie",
    "cat /proc/net/if_inet6",
    'for d in /sys/class/net/*; do read -r f < "$d/flags" && echo "${d##*/} $f"; done; echo end',
)
_OWNERS = (
    'for n in {names}; do getent passwd "$n"; getent group "$n"; done; cat /etc/passwd /etc/group; '
    "grep -ahE '^(Uid|Gid):' /proc/[0-9]*/status"
)
_UP = 1


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Addresses and interfaces with which packets can leave the host."""

    addresses: frozenset[Address]
    """All but loopback."""
    interfaces: frozenset[str]
    """Those that are up and lead out of the host."""


def origin(host: Host) -> Origin:
    """Return what packets of the host can leave with.

    Raises:
        Unobservable: `unreadable` or `parse`, where /proc or /sys does not say so.

    """
    return read_origin(answers(host, *_COMMANDS))


@reads
def read_origin(printed: Sequence[Answer]) -> Origin:
    """Read what the commands of `origin` printed."""
    trie, inet6, links = printed
    for answer, what in ((trie, "/proc/net/fib_trie"), (links, "/sys/class/net")):
        if (fault := answer.fault(what)) is not None:
            raise fault
    found: set[Address] = {
        ipaddress.ip_address(text) for text in re.findall(r"\|-- (\S+)\n\s+/32 host LOCAL", trie.stdout)
    }
    if not found:
        raise Unobservable("parse", "/proc/net/fib_trie shows no address, not even that of loopback")
    found |= {ipaddress.IPv6Address(int(line.split()[0], 16)) for line in inet6.stdout.splitlines() if line}
    *lines, end = links.stdout.splitlines() or [""]
    flags = dict(line.rsplit(" ", 1) for line in lines)
    if end != "end" or "lo" not in flags:
        raise Unobservable("parse", "/sys/class/net does not show all interfaces, not even that of loopback")
    up = {name for name, value in flags.items() if int(value, 16) & _UP and name != "lo"}
    return Origin(
        addresses=frozenset(one for one in found if not one.is_loopback),
        interfaces=frozenset(name for name in up if not STAYS.fullmatch(name)) or frozenset(up),
    )


def owners_of(host: Host, names: Sequence[str]) -> dict[str, frozenset[int]]:
    """Return the numbers of accounts (`uid`) and groups (`gid`) that exist or that something runs as.

    A name among `names`, which rules may have in place of a number, is a key as well: `uid NAME`.

    Raises:
        Unobservable: `unreadable`, where no account is shown.

    """
    wanted = [name for name in names if re.fullmatch(r"[\w.@-]+", name)]
    (answer,) = answers(host, (_OWNERS.replace("{names}", " ".join("%s" for _ in wanted)), *wanted))
    found: dict[str, set[int]] = {"uid": set(), "gid": set()}
    for line in answer.stdout.splitlines():
        kind, *numbers = line.split()
        if kind in {"Uid:", "Gid:"}:
            found[kind[:3].lower()] |= {int(one) for one in numbers}
            continue
        fields = line.split(":")
        if len(fields) >= 4 and fields[2].isdecimal():
            key = "uid" if len(fields) == 7 else "gid"
            found[key].add(int(fields[2]))
            found.setdefault(f"{key} {fields[0]}", set()).add(int(fields[2]))
    if not found["uid"]:
        raise answer.fault("/etc/passwd") or Unobservable("parse", "/etc/passwd names no account")
    return {key: frozenset(numbers) for key, numbers in found.items()}
