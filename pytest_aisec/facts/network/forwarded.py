"""Connections that a host passes on for others, such as its containers, as connection tracking knows them."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_aisec.facts.core.answers import Answer, answers
from pytest_aisec.facts.network.interfaces import read_interfaces
from pytest_aisec.facts.system.sockets import Address
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["Forwarded", "Passing", "forwarded", "read_forwarded"]

_COMMANDS = (
    "cat /proc/sys/net/ipv4/conf/*/forwarding /proc/sys/net/ipv6/conf/*/forwarding",
    "conntrack -L -o extended",
    "conntrack -L -f ipv6 -o extended",
    "cat /proc/net/nf_conntrack",
    "ip -o addr show",
)
_SHOWN = re.compile(r"\d flow entries have been shown|^$")
_FLOW = re.compile(
    r"(?P<family>ipv[46]) +\d+ (?P<protocol>\S+) +\d+ (?:\d+ )?(?P<state>[A-Z_]+ )?"
    r"src=(?P<source>\S+) dst=(?P<goal>\S+) (?:sport=\d+ dport=(?P<port>\d+) )?.*"
)


@dataclass(frozen=True, kw_only=True)
class Passing:
    """One connection of somebody else, through this host."""

    protocol: str
    source: Address
    """Who opened it."""
    peer: Address
    """Where to, before any translation."""
    peer_port: int
    """0 where the protocol has none."""


@dataclass(frozen=True, kw_only=True)
class Forwarded:
    """Traffic that a host passes on."""

    flows: tuple[Passing, ...]
    fault: Unobservable | None = None
    """Why there may be more."""
    is_untracked: bool = False
    """Whether connections may pass and none at all is tracked, not even the host's own."""


def forwarded(host: Host) -> Forwarded:
    """Return established connections that the host passes on; none where it forwards nothing.

    A host forwards where a switch says so and it has more than one interface beside lo.

    Asks conntrack, and reads `/proc/net/nf_conntrack` where there is none; only root sees either.

    Raises:
        Unobservable: `parse`, when an entry is in no known form.

    """
    return read_forwarded(answers(host, *_COMMANDS))


def read_forwarded(printed: tuple[Answer, ...]) -> Forwarded:
    """Read what the commands of `forwarded` printed.

    Raises:
        Unobservable: as `forwarded`.

    """
    switches, four, six, table, addresses = printed
    values = switches.stdout.split()
    if not values or not set(values) <= {"0", "1", "2"}:
        unread = switches.fault("/proc/sys/net") or Unobservable("parse", "no switch of forwarding")
        return Forwarded(flows=(), fault=unread)
    if set(values) == {"0"}:
        return Forwarded(flows=())
    if fault := addresses.fault("ip"):
        return Forwarded(flows=(), fault=fault)
    interfaces = read_interfaces(addresses.stdout)
    if len([one for one in interfaces if one.name != "lo"]) < 2:
        return Forwarded(flows=())
    texts = []
    if four.is_missing:
        if fault := table.fault("neither conntrack nor /proc/net/nf_conntrack"):
            missing = Unobservable("tool_missing", f"the host forwards; {fault.detail}")
            return Forwarded(flows=(), fault=fault if fault.reason == "privilege" else missing)
        texts.append(table.stdout)
    for answer in () if four.is_missing else (four, six):
        wrong = [line for line in answer.stderr.splitlines() if not _SHOWN.search(line)]
        if answer.status != 0 or wrong:
            return Forwarded(flows=(), fault=answer.fault("conntrack"))
        texts.append(answer.stdout)
    own = {address for one in interfaces for address in one.addresses}
    flows = [flow for text in texts for line in text.splitlines() if (flow := _flow(line)) is not None]
    return Forwarded(
        flows=tuple(
            dict.fromkeys(
                flow
                for flow in flows
                if not {flow.source, flow.peer} & own
                and not (flow.peer.is_multicast or flow.peer.is_loopback or flow.peer.is_link_local)
            )
        ),
        is_untracked=not any(text.strip() for text in texts),
    )


def _flow(line: str) -> Passing | None:
    if not line.strip():
        return None
    match = _FLOW.fullmatch(line)
    if match is None:
        raise Unobservable("parse", f"not an entry of connection tracking: {line[:120]!r}")
    if "[UNREPLIED]" in line or (match["state"] or "ESTABLISHED ").strip() != "ESTABLISHED":
        return None
    return Passing(
        protocol=match["protocol"],
        source=ipaddress.ip_address(match["source"]),
        peer=ipaddress.ip_address(match["goal"]),
        peer_port=int(match["port"] or 0),
    )
