"""Sockets of the host's own network namespace: who listens, and who talks to whom."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from pytest_aisec.facts.core.formats import is_number, reads
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = [
    "PROC_QUESTION",
    "Address",
    "Port",
    "Socket",
    "SocketTable",
    "addresses_of",
    "parse_netstat",
    "parse_proc",
    "parse_ss",
    "socket_table",
]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Port = Annotated[int, Field(ge=1, le=65535)]

_STATES = {
    "ESTAB": "ESTABLISHED", "UNCONN": "UNCONNECTED", "FIN-WAIT1": "FIN-WAIT-1", "FIN-WAIT2": "FIN-WAIT-2",
}  # fmt: skip
_SYNCHRONISED = frozenset({"ESTABLISHED", "CLOSE-WAIT", "FIN-WAIT-1", "FIN-WAIT-2", "LAST-ACK", "CLOSING"})
_USER = re.compile(r'\("(?P<name>[^"]*)",pid=(?P<pid>\d+),fd=\d+\)')
_USERS = re.compile(r'users:\((?:\("[^"]*",pid=\d+,fd=\d+\),?)+\)\s*')
"""ss writes the names of processes as they are, of 15 letters at most: too few to feign a holder more."""
_PROC_STATES = {
    "01": "ESTABLISHED", "02": "SYN-SENT", "03": "SYN-RECV", "04": "FIN-WAIT-1", "05": "FIN-WAIT-2",
    "06": "TIME-WAIT", "07": "UNCONNECTED", "08": "CLOSE-WAIT", "09": "LAST-ACK", "0A": "LISTEN",
    "0B": "CLOSING", "0C": "SYN-RECV",
}  # fmt: skip
_IPV6 = "/proc/net/if_inet6"
_LITTLE_ENDIAN = re.compile(r"x86_64|i\d86|aarch64|armv\w+l|riscv64|ppc64le|loongarch64")
PROC_QUESTION = (
    "uname -m; stat -L -c %F /proc/self; "
    "for t in tcp tcp6 udp udp6; do echo table $t; cat /proc/net/$t || echo absent; done; "
    "ls -d /proc/net/if_inet6; echo holders; "
    "for p in /proc/[0-9]*; do stat -L -c '%i %F %n' $p/fd/*; done; "
    "grep -aH '' /proc/[0-9]*/comm; echo end"
)
"""Asks the kernel itself. No line of the answer can hold a name that a user chose, but behind `/comm:`."""
_PROC_SOCKET = re.compile(
    r"\s*\d+: (?P<local>[0-9A-F]+:[0-9A-F]{4}) (?P<peer>[0-9A-F]+:[0-9A-F]{4}) (?P<state>[0-9A-F]{2})"
    r" \S+ \S+ \S+ +\d+ +\d+ (?P<inode>\d+)(?: .*)?"
)
_NOT_ROOT = re.compile(
    r"^\(Not all processes could be identified|^ ?will not be shown, you would have to be root"
)


@dataclass(frozen=True, kw_only=True)
class Socket:
    """One TCP or UDP socket."""

    protocol: str
    """`tcp` or `udp`, for IPv4 and IPv6 alike."""
    state: str
    """As in `netstat`, with hyphens: `LISTEN`, `ESTABLISHED`, `CLOSE-WAIT`; `UNCONNECTED` for open UDP."""
    local: Address | None
    """`None` is the wildcard of all families."""
    local_port: int
    peer: Address | None
    """`None` where there is none."""
    peer_port: int
    processes: tuple[str, ...]
    """Names of the processes that hold it; empty where they could not be seen or the kernel holds it."""
    pids: tuple[int, ...] = ()
    """Their ids."""

    @property
    def is_listener(self) -> bool:
        """Whether anybody may talk to it: listening TCP, and UDP without a peer."""
        return self.state in {"LISTEN", "UNCONNECTED"}

    @property
    def is_connection(self) -> bool:
        """Whether a connection was established and data may still flow or did."""
        return self.state in _SYNCHRONISED and self.peer is not None

    @property
    def is_loopback(self) -> bool:
        """Whether only this host can reach it."""
        return self.local is not None and self.local.is_loopback

    @property
    def is_wildcard(self) -> bool:
        """Whether it is bound to every address."""
        return self.local is None or self.local.is_unspecified

    @property
    def where(self) -> str:
        """Protocol, address and port, for people."""
        local = "*" if self.local is None else str(self.local)
        if ":" in local:
            local = f"[{local}]"
        return f"{self.protocol} {local}:{self.local_port}"

    def accepts_for(self, other: Socket) -> bool:
        """Tell whether `other`, a connection, may have come in through this listener."""
        return (
            self.is_listener
            and self.protocol == other.protocol
            and self.local_port == other.local_port
            and (self.is_wildcard or self.local == other.local)
        )


@dataclass(frozen=True, kw_only=True)
class SocketTable:
    """All TCP and UDP sockets at one moment."""

    sockets: tuple[Socket, ...]

    @property
    def listeners(self) -> tuple[Socket, ...]:
        """Sockets that anybody may talk to."""
        return tuple(socket for socket in self.sockets if socket.is_listener)

    @property
    def outbound(self) -> tuple[Socket, ...]:
        """Connections that were not taken in by any listener of this host."""
        listeners = self.listeners
        return tuple(
            socket
            for socket in self.sockets
            if socket.is_connection and not any(listener.accepts_for(socket) for listener in listeners)
        )


def _address(text: str) -> Address | None:
    bare = text.strip("[]").partition("%")[0].rstrip("]")
    if bare in {"*", ""}:
        return None
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        raise Unobservable("parse", f"not an address in the table of sockets: {text!r}") from None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address


def _endpoint(text: str) -> tuple[Address | None, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not (port == "*" or is_number(port)):
        raise Unobservable("parse", f"not an address and port in the table of sockets: {text!r}")
    return _address(host), 0 if port == "*" else int(port)


def _socket(protocol: str, state: str, local: str, peer: str, holders: Sequence[tuple[str, str]]) -> Socket:
    state = state.replace("_", "-")
    own, own_port = _endpoint(local)
    other, other_port = _endpoint(peer)
    if other_port == 0:
        other = None
    return Socket(
        protocol=protocol,
        state=_STATES.get(state, state),
        local=own,
        local_port=own_port,
        peer=other,
        peer_port=other_port,
        processes=tuple(sorted({name for name, _ in holders})),
        pids=tuple(sorted({int(pid) for _, pid in holders})),
    )


@lru_cache(maxsize=8)
@reads
def parse_ss(text: str) -> SocketTable:
    """Read what `ss -tunap` printed, heading included.

    A name with a quotation mark could stand for another holder: who holds that socket is then not told.

    Raises:
        Unobservable: `parse`, when the heading is missing or a line is not a socket.

    """
    lines = [line for line in text.split("\n") if line.strip()]
    if not lines or not lines[0].startswith("Netid"):
        raise Unobservable("parse", "ss printed no table")
    found = []
    for line in lines[1:]:
        fields = line.split(None, 6)
        if len(fields) < 6 or fields[0] not in {"tcp", "udp"}:
            raise Unobservable("parse", f"not a socket: {line!r}")
        users = fields[6] if len(fields) > 6 else ""
        told = _USER.finditer(users) if _USERS.fullmatch(users) else ()
        holders = [(match["name"], match["pid"]) for match in told]
        found.append(_socket(fields[0], fields[1], fields[4], fields[5], holders))
    return SocketTable(sockets=tuple(found))


@reads
def parse_netstat(text: str) -> SocketTable:
    """Read what `netstat -tunapW` printed, heading included.

    Raises:
        Unobservable: `parse`, when the heading is missing or a line is not a socket.

    """
    lines = [line for line in text.splitlines() if line.strip()]
    if not any(line.startswith("Proto") for line in lines):
        raise Unobservable("parse", "netstat printed no table")
    found = []
    for line in lines:
        if line.startswith(("Active ", "Proto")):
            continue
        match = re.fullmatch(
            r"(?P<protocol>tcp|udp)6?\s+\d+\s+\d+\s+(?P<local>\S+)\s+(?P<peer>\S+)"
            r"(?:\s+(?P<state>[A-Z][A-Z_0-9]+))?(?:\s+(?:-|(?P<pid>\d+)/(?P<name>.*)))?\s*",
            line,
        )
        if match is None:
            raise Unobservable("parse", f"not a socket: {line!r}")
        state = match["state"] or ("UNCONNECTED" if match["protocol"] == "udp" else "UNKNOWN")
        name = (match["name"] or "").strip().partition(":")[0]
        found.append(
            _socket(
                match["protocol"],
                state,
                match["local"],
                match["peer"],
                [(name, match["pid"])] if name else [],
            )
        )
    return SocketTable(sockets=tuple(found))


@reads
def parse_proc(text: str) -> SocketTable:
    """Read what the kernel's own tables in `/proc/net` said, and which processes hold the sockets.

    The kernel does not say there whether a listener on `::` takes IPv4, too: it counts as one that does.

    Raises:
        Unobservable: when a table is missing or a line is not a socket.

    """
    tables, mark, holders = text.partition("\nholders\n")
    head, *parts = tables.split("\ntable ")
    machine, _, kind = head.partition("\n")
    if not mark or not holders.endswith("end\n") or len(parts) != 4:
        raise Unobservable("parse", "the tables of sockets in /proc/net are not whole")
    if kind != "directory":
        raise Unobservable("tool_missing", "stat cannot tell which process holds a socket; install iproute2")
    if not _LITTLE_ENDIAN.fullmatch(machine):
        raise Unobservable(
            "parse", f"/proc/net is not read on {machine or 'an unknown machine'}; install iproute2"
        )
    held = _holders(holders)
    found = []
    for part in parts:
        name, *lines = part.splitlines()
        if lines[:1] == ["absent"] and name.endswith("6") and _IPV6 not in parts[-1].splitlines():
            continue
        if not lines or not lines[0].lstrip().startswith("sl "):
            raise Unobservable("unreadable", f"/proc/net/{name} is not shown; install iproute2")
        for line in lines[1:]:
            if line == _IPV6:
                continue
            match = _PROC_SOCKET.fullmatch(line.rstrip())
            if match is None or match["state"] not in _PROC_STATES:
                raise Unobservable("parse", f"/proc/net/{name}: not a socket: {line[:120]!r}")
            local, peer = _from_hex(match["local"]), _from_hex(match["peer"])
            state = _PROC_STATES[match["state"]]
            found.append(_socket(name[:3], state, local, peer, held.get(match["inode"], ())))
    return SocketTable(sockets=tuple(found))


def _holders(text: str) -> dict[str, list[tuple[str, str]]]:
    """Return name and id of the processes that hold each inode."""
    names = dict(re.findall(r"^/proc/(\d+)/comm:(.*)$", text, re.MULTILINE))
    held: dict[str, list[tuple[str, str]]] = {}
    for inode, pid in re.findall(r"^(\d+) socket /proc/(\d+)/fd/\d+$", text, re.MULTILINE):
        held.setdefault(inode, []).append((names.get(pid, ""), pid))
    return {inode: [one for one in processes if one[0]] for inode, processes in held.items()}


def _from_hex(text: str) -> str:
    """Return `address:port` of an endpoint that a little-endian kernel printed."""
    digits, _, port = text.partition(":")
    if len(digits) not in {8, 32}:
        raise Unobservable("parse", f"not an address in the table of sockets: {text!r}")
    words = [bytes.fromhex(digits[place : place + 8])[::-1] for place in range(0, len(digits), 8)]
    address = ipaddress.ip_address(b"".join(words))
    if address.version == 6 and address.is_unspecified:
        return f"*:{int(port, 16)}"
    return f"[{address}]:{int(port, 16)}"


def socket_table(host: Host) -> SocketTable:
    """Return the TCP and UDP sockets of the host's own network namespace.

    Asks `ss`; where there is none, `netstat`; and where that is missing or cannot name processes, as that of
    BusyBox, `/proc/net`. Every user sees all sockets; only root sees the processes of others.

    Raises:
        Unobservable: `tool_missing`, `unreadable` or `parse` when no table is whole.

    """
    try:
        result = host.run("ss -tunap")
    except Unobservable as fault:
        if fault.reason != "tool_missing":
            raise
    else:
        if result.rc != 0 or result.stderr.strip():
            raise Unobservable("unreadable", f"ss: {result.stderr.strip() or f'exit status {result.rc}'}")
        return parse_ss(result.stdout)
    try:
        result = host.run("netstat -tunapW")
    except Unobservable as fault:
        if fault.reason != "tool_missing":
            raise
        return parse_proc(host.run(PROC_QUESTION).stdout)
    complaints = [line for line in result.stderr.splitlines() if line.strip() and not _NOT_ROOT.search(line)]
    if any(re.search(r"(?:invalid|unrecognized) option", line) for line in complaints):
        return parse_proc(host.run(PROC_QUESTION).stdout)
    if result.rc != 0 or complaints:
        raise Unobservable("unreadable", f"netstat: {'; '.join(complaints) or f'exit status {result.rc}'}")
    return parse_netstat(result.stdout)


def addresses_of(host: Host, name: str) -> frozenset[Address] | None:
    """Return the addresses that `name` has for the host, now; `None` when it has none there."""
    result = host.run("getent ahosts %s", name)
    if result.rc == 2:
        return None
    if result.rc != 0:
        raise Unobservable(
            "unreadable", f"getent ahosts {name}: {result.stderr.strip() or f'exit status {result.rc}'}"
        )
    found = {_address(line.split()[0]) for line in result.stdout.splitlines() if line.strip()}
    return frozenset(address for address in found if address is not None)
