"""Network interfaces that have an address."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_aisec.facts.core.answers import answers
from pytest_aisec.facts.system.sockets import Address
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["Interface", "interfaces", "read_interfaces"]


@dataclass(frozen=True, kw_only=True)
class Interface:
    """A network interface."""

    name: str
    addresses: tuple[Address, ...]


def interfaces(host: Host) -> tuple[Interface, ...]:
    """Return the interfaces that have an address.

    Raises:
        Unobservable: when there is no `ip`, or it prints something else.

    """
    (answer,) = answers(host, "ip -o addr show")
    if fault := answer.fault("ip"):
        raise fault
    return read_interfaces(answer.stdout)


def read_interfaces(text: str) -> tuple[Interface, ...]:
    """Read what `ip -o addr show` printed.

    Raises:
        Unobservable: `parse`, when a line is in no known form.

    """
    found: dict[str, list[Address]] = {}
    for line in text.splitlines():
        match = re.match(r"\d+:\s+(?P<name>\S+)\s+(?:inet|inet6)\s+(?P<address>[0-9a-f.:]+)[/ ]", line)
        if match is None:
            raise Unobservable("parse", f"ip: {line[:120]!r}")
        found.setdefault(match["name"].partition("@")[0], []).append(ipaddress.ip_address(match["address"]))
    if "lo" not in found:
        raise Unobservable("parse", "ip shows no interface lo")
    return tuple(Interface(name=name, addresses=tuple(addresses)) for name, addresses in found.items())
