import ipaddress
from collections.abc import Iterator, Sequence

from pytest_aisec import Host, Unobservable, control, not_applicable, raise_unless, together
from pytest_aisec.facts.network.fabric import Member, Network, admits, members
from pytest_aisec.facts.network.firewall import packet_filter
from pytest_aisec.facts.network.interfaces import Interface, interfaces
from pytest_aisec.facts.system.sockets import Address, Port, Socket, socket_table

_STORES = {"redis-server", "valkey-server"}


@control(
    "AISEC-NET-06",
    severity="high",
    needs_running=True,
    objectives=["authenticated_access"],
    nist_800_53=["SC-8"],
    iso_27001=["A.8.22"],
    cis_v8_1=["3.12", "12.2"],
    remediation=(
        "iptables -I INPUT -p tcp --dport PORT ! -s NETWORK -j DROP; ip6tables -I INPUT -p tcp --dport "
        "PORT -j DROP  # better: bind it to an address in {fabric_cidrs} (ray start --node-ip-address, "
        "VLLM_HOST_IP, NCCL_SOCKET_IFNAME and GLOO_SOCKET_IFNAME of {fabric_ifaces}); "
        "torch.distributed can only listen on all"
    ),
)
def test_the_fabric_is_confined_to_private_interfaces(
    host: Host,
    *,
    fabric_cidrs: list[str] = ["10.0.0.0/8"],
    fabric_ifaces: list[str] = ["ib0", "eth1"],
    fabric_ports: list[Port] = [6379, 8265, 10001, 14579, 29400, 29500],
    api_ports: list[Port] = [22, 80, 443, 8000, 8080],
) -> None:
    """Training and multi-node inference fabric is confined to private interfaces.

    Stores and collectives ask nobody for a password: whoever reaches them runs code in the job or reads its
    tensors.
    """
    trusted = [ipaddress.ip_network(cidr, strict=False) for cidr in fabric_cidrs]
    table, seen, ports = together(lambda: socket_table(host), lambda: members(host), lambda: interfaces(host))
    pids = {member.pid for member in seen.members}
    listeners = [
        socket
        for socket in table.listeners
        if socket.protocol == "tcp"
        and not socket.is_loopback
        and (
            (socket.local_port in fabric_ports and not _STORES & set(socket.processes))
            or (pids & set(socket.pids) and socket.local_port not in api_ports)
        )
    ]
    exposed = dict(_settings(seen.members, trusted, fabric_ifaces))
    wide = []
    for socket in listeners:
        if socket.is_wildcard:
            wide.append(socket)
        elif not _is_private(socket.local, trusted, ports, fabric_ifaces):
            exposed[socket.where] = ", ".join(socket.processes) or "process not visible"
    unsure = []
    for socket in wide if not exposed or host.run("id -u").stdout.strip() == "0" else ():
        ways = _ways(host, socket, trusted, [one for one in ports if one.name not in {"lo", *fabric_ifaces}])
        through = [name for name, admitted in ways if admitted]
        unsure += [f"{socket.where} through {name}" for name, admitted in ways if admitted is None]
        if through:
            holder = ", ".join(socket.processes) or "process not visible"
            exposed[socket.where] = f"{holder}, reached through {', '.join(through)}"
    raise_unless(exposed, seen.faults)
    if not exposed and unsure:
        raise Unobservable("parse", f"rules decide in a way that is not understood: {'; '.join(unsure)}")
    if not seen.members and not listeners:
        not_applicable("no process of distributed training or inference, and nothing on its ports")
    assert exposed == {}


def _is_private(
    address: Address | None, trusted: Sequence[Network], ports: Sequence[Interface], names: Sequence[str]
) -> bool:
    return any(address in network for network in trusted) or any(
        address in port.addresses and port.name in names for port in ports
    )


def _ways(
    host: Host, socket: Socket, trusted: Sequence[Network], ports: Sequence[Interface]
) -> list[tuple[str, bool | None]]:
    """Return the interfaces by which others may reach a socket on all addresses, and whether they do."""
    seen = packet_filter(host)
    only_four = isinstance(socket.local, ipaddress.IPv4Address)
    found = []
    for port in ports:
        families = {"ip" if address.version == 4 else "ip6" for address in port.addresses}
        for family in sorted(families & ({"ip"} if only_four else {"ip", "ip6"})):
            admitted = admits(seen, socket.local_port, family=family, through=port.name, trusted=trusted)
            if admitted and seen.gaps:
                raise seen.gaps[0]
            found.append((f"{port.name} ({'IPv4' if family == 'ip' else 'IPv6'})", admitted))
    return found


def _settings(
    found: Sequence[Member], trusted: Sequence[Network], names: Sequence[str]
) -> Iterator[tuple[str, str]]:
    for member in found:
        for setting, value in sorted(member.settings.items()):
            if setting.endswith("_IFNAME"):
                chosen = [one.strip().removeprefix("=") for one in value.split(",")]
                if not set(chosen) <= {*names, "lo"}:
                    yield f"{setting}={value}", member.command
            elif setting in {"MASTER_ADDR", "VLLM_HOST_IP"}:
                try:
                    address = ipaddress.ip_address(value)
                except ValueError:
                    continue
                if not address.is_loopback and not any(address in network for network in trusted):
                    yield f"{setting}={value}", member.command
        if member.is_vllm_of_many and not member.settings.get("VLLM_HOST_IP"):
            yield "VLLM_HOST_IP is not set", member.command
