import ipaddress
from typing import Annotated, Literal, NotRequired

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

from pytest_aisec import Host, Unobservable, control, together
from pytest_aisec.facts.network.forwarded import Passing, forwarded
from pytest_aisec.facts.system.sockets import Port, Socket, addresses_of, socket_table


@with_config(ConfigDict(extra="forbid"))
class AllowedListener(TypedDict):
    """A service that may listen; what is left out may be anything."""

    port: Port
    protocol: NotRequired[Literal["tcp", "udp"]]
    process: NotRequired[str]
    address: NotRequired[str]


@control(
    "AISEC-NET-01",
    severity="high",
    needs_running=True,
    objectives=["limited_egress"],
    nist_800_53=["SI-4(4)"],
    cis_v8_1=["13.6"],
    atlas_techniques=["AML.T0072"],
    remediation=(
        "Find its process with `ss -tunap`, stop it or declare its destination, and deny the rest; "
        "allowed are {allow_cidrs}, and {allow_hosts} on ports {allow_ports}"
    ),
    remediation_is_words="whether a connection is meant is to be found out first",
)
def test_outbound_connections_stay_inside_the_allowlist(
    host: Host,
    *,
    allow_cidrs: list[str] = [
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "127.0.0.0/8",
        "::1/128",
        "fd00::/8",
    ],
    allow_hosts: list[str] = [],
    allow_ports: list[Port] = [22, 53, 123, 443],
) -> None:
    """Established outbound connections stay inside the egress allowlist.

    A connection to elsewhere is how weights and prompts leave, and how a backdoor is steered. One snapshot
    of the host's sockets and, where it forwards for containers, of connection tracking; short flows are
    for egress filters.
    """
    networks = [ipaddress.ip_network(cidr, strict=False) for cidr in allow_cidrs]
    passing, table = together(lambda: forwarded(host), lambda: socket_table(host))
    found: list[Socket | Passing] = [*table.outbound, *passing.flows]
    outside = [one for one in found if not any(one.peer in network for network in networks)]
    resolved = {name: addresses_of(host, name) for name in allow_hosts}
    allowed = {address for addresses in resolved.values() for address in addresses or ()}
    unlisted = [
        socket for socket in outside if socket.peer not in allowed or socket.peer_port not in allow_ports
    ]
    unresolved = sorted(name for name, addresses in resolved.items() if addresses is None)
    if unlisted and unresolved and all(socket.peer_port in allow_ports for socket in unlisted):
        raise Unobservable(
            "unreadable",
            f"{', '.join(unresolved)} cannot be resolved on the host, so whether it may talk to "
            f"{', '.join(sorted({str(socket.peer) for socket in unlisted}))} is not known",
        )
    unexpected = {
        f"{one.protocol} {one.peer} port {one.peer_port}": f"passed on for {one.source}"
        if isinstance(one, Passing)
        else ", ".join(one.processes) or "process not visible"
        for one in unlisted
    }
    if not unexpected and passing.fault:
        raise passing.fault
    if not unexpected and passing.is_untracked and any(one.is_connection for one in table.sockets):
        raise Unobservable("unreadable", "the host forwards, and its kernel does not track connections")
    assert unexpected == {}


def _is_declared_by(socket: Socket, entry: AllowedListener) -> bool | None:
    """Tell whether `entry` allows `socket`; `None` when only the unseen process could tell."""
    if socket.local_port != entry["port"] or socket.protocol != entry.get("protocol", "tcp"):
        return False
    address = entry.get("address")
    if address is not None and not (
        socket.is_wildcard
        if address == "*"
        else not socket.is_wildcard and str(socket.local) == str(ipaddress.ip_address(address))
    ):
        return False
    if "process" not in entry:
        return True
    if not socket.processes:
        return None
    return entry["process"] in socket.processes


@control(
    "AISEC-NET-05",
    severity="high",
    needs_running=True,
    objectives=["authenticated_access", "secure_configuration"],
    nist_800_53=["CM-7"],
    nist_csf=["ID.AM-03"],
    cis_v8_1=["12.2"],
    soc2=["CC7.1"],
    atlas_techniques=["AML.T0006"],
    remediation="Stop the service, bind it to 127.0.0.1, or declare it in the inventory: {allowed}",
    remediation_is_words="whether a service is meant is to be found out first",
)
def test_listening_sockets_match_the_inventory(
    host: Host,
    *,
    allowed: list[AllowedListener] = [{"port": 22, "process": "sshd"}],
    ignore_udp_from_port: Annotated[int, Field(ge=1, le=65536)] = 65536,
) -> None:
    """Listening sockets match the declared service inventory.

    A forgotten notebook, metrics port or model server is a way in that nobody watches or patches.
    Judges the host's own network namespace; ports that only a NAT rule publishes are not sockets.
    """
    undeclared: dict[str, str] = {}
    unseen: list[str] = []
    for socket in socket_table(host).listeners:
        if socket.is_loopback or (socket.protocol == "udp" and socket.local_port >= ignore_udp_from_port):
            continue
        answers = [_is_declared_by(socket, entry) for entry in allowed]
        if True in answers:
            continue
        if None in answers:
            unseen.append(socket.where)
        else:
            undeclared[socket.where] = ", ".join(socket.processes) or "process not visible"
    if unseen and host.run("id -u").stdout.strip() == "0":
        undeclared.update(dict.fromkeys(unseen, "held by no process that root sees"))
    if unseen and not undeclared:
        raise Unobservable(
            "privilege", f"only root sees which process listens on {', '.join(sorted(unseen))}"
        )
    assert undeclared == {}
