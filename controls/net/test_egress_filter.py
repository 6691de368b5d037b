import ipaddress
from collections.abc import Iterator, Sequence

from pytest_aisec import Host, Unobservable, control, not_applicable
from pytest_aisec.facts.core.formats import is_number
from pytest_aisec.facts.network.filter_rules import BaseChain, Condition, Flow, paths
from pytest_aisec.facts.network.firewall import PacketFilter, packet_filter
from pytest_aisec.facts.network.origin import STAYS
from pytest_aisec.facts.system.sockets import Port

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_WITHIN = [ipaddress.ip_network(net) for net in ("224.0.0.0/4", "fc00::/7", "fe80::/10", "ff00::/8")]
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_NAMES = {"ip": "IPv4", "ip6": "IPv6"}
_SERVICES = {
    "domain": 53,
    "https": 443,
    "ntp": 123,
    "bootps": 67,
    "dhcpv6-server": 547,
    "ssh": 22,
    "http": 80,
}


@control(
    "AISEC-NET-02",
    severity="high",
    needs_running=True,
    objectives=["limited_egress"],
    remediation=(
        "for t in iptables ip6tables; do $t -I OUTPUT -o lo -j ACCEPT; $t -I OUTPUT -m conntrack "
        "--ctstate ESTABLISHED,RELATED -j ACCEPT; $t -P OUTPUT DROP; $t -P FORWARD DROP; done  # then "
        "-A OUTPUT -d NETWORK -j ACCEPT for each destination that is needed, no other ACCEPT, and none "
        "by which containers reach everything (DOCKER-USER ends in DROP)"
    ),
)
def test_egress_is_denied_by_default(
    host: Host,
    *,
    require_forward: bool = True,
    external_firewall: str = "",
    any_destination_ports: list[Port] = [53, 67, 123, 443, 547],
    any_destination_accounts: list[str] = ["0", "root", "_apt"],
    any_destination_ifaces: list[str] = [],
) -> None:
    """Egress is denied by default.

    Where everything may leave, so may weights, prompts and keys. For IPv4 and IPv6, a chain must end in a
    denial that only narrow rules come before: for destinations, replies, or what the parameters name.
    """
    seen = packet_filter(host)
    open_ways: dict[str, list[str]] = {}
    unread: list[str] = []
    for hook, family in _ways_out(seen, require_forward=require_forward):
        verdicts = [
            _judged(chain, family, any_destination_ports, {*any_destination_accounts}, any_destination_ifaces)
            for chain in seen.at(hook, family)
        ]
        if any(not wide and not unknown for wide, unknown in verdicts):
            continue
        where = f"{_NAMES[family]} {hook}"
        if any(not wide for wide, _ in verdicts):
            unread += [f"{where}: {text}" for wide, unknown in verdicts if not wide for text in unknown]
        else:
            open_ways[where] = [text for wide, _ in verdicts for text in wide] or ["no chain filters it"]
    if external_firewall and (open_ways or unread):
        not_applicable(
            f"denied by {external_firewall}, as declared; the host itself lets {', '.join(open_ways)} out"
        )
    if open_ways and seen.gaps:
        raise seen.gaps[0]
    if unread and not open_ways:
        raise Unobservable(
            "parse", f"what these decide cannot be told from the rules: {'; '.join(unread[:3])}"
        )
    assert open_ways == {}


def _ways_out(seen: PacketFilter, *, require_forward: bool) -> Iterator[tuple[str, str]]:
    for family in seen.families:
        yield "output", family
        if require_forward and family in seen.forwards:
            yield "forward", family


def _judged(
    chain: BaseChain, family: str, ports: Sequence[int], accounts: set[str], interfaces: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Return what the chain lets out too widely, and what cannot be told."""
    found = paths(chain, family)
    wide: list[str] = []
    unknown: list[str] = []
    destinations: list[Network] = []
    for flow in [*found.accepted, *found.unknown]:
        if any(_is_narrow(one, ports, accounts, interfaces) for one in flow):
            continue
        nets = [_networks(one) for one in flow if one.kind == "destination" and not one.is_negated]
        if any(net is not None and not _is_wide(net) for net in nets):
            destinations += next(net for net in nets if net is not None and not _is_wide(net))
        elif flow in found.unknown or any(one.kind == "unknown" for one in flow) or None in nets:
            unknown.append(f"{chain.name}: {_text(flow)}")
        else:
            wide.append(f"{chain.name} lets out {_text(flow)}")
    if _is_wide(destinations):
        wide.append(f"{chain.name} lets out to {len(destinations)} networks that are nearly all there are")
    return wide, unknown


def _text(flow: Flow) -> str:
    return " ".join(sorted(one.text for one in flow)) or "everything"


def _is_narrow(one: Condition, ports: Sequence[int], accounts: set[str], interfaces: Sequence[str]) -> bool:
    """Tell whether `one` by itself keeps packets from going where their sender likes."""
    if one.is_negated:
        return False
    values = set(one.values)
    if one.kind == "out":
        return all(STAYS.fullmatch(value) or value in interfaces for value in values)
    if one.kind == "state":
        return values <= {"established", "related"}
    if one.kind == "owner":
        return values <= accounts
    if one.kind == "kind of address":
        return values <= {"local", "broadcast", "multicast", "anycast", "blackhole"}
    if one.kind == "port":
        return all((_SERVICES.get(value) or _number(value)) in ports for value in values)
    return one.kind == "icmp" or (one.kind == "ipsec" and values == {"ipsec"})


def _number(text: str) -> int:
    return int(text) if is_number(text) else 0


def _networks(one: Condition) -> list[Network] | None:
    """Return the destinations that a condition names; `None` when one of them is in no known form."""
    found: list[Network] = []
    try:
        for value in one.values:
            first, dash, last = value.partition("-")
            if dash:
                found += ipaddress.summarize_address_range(
                    ipaddress.ip_address(first),
                    ipaddress.ip_address(last),
                )
            else:
                found.append(ipaddress.ip_network(value, strict=False))
    except (ValueError, TypeError):
        return None
    return found


def _is_wide(networks: Sequence[Network]) -> bool:
    """Tell whether a large part of all addresses is among `networks`."""
    joined: list[Network] = [
        *ipaddress.collapse_addresses(net for net in networks if isinstance(net, ipaddress.IPv4Network)),
        *ipaddress.collapse_addresses(net for net in networks if isinstance(net, ipaddress.IPv6Network)),
    ]
    for net in joined:
        if any(net.version == other.version and net.subnet_of(other) for other in _WITHIN):  # type: ignore[arg-type]
            continue
        if net.prefixlen < (8 if net.version == 4 else 16):
            return True
        if isinstance(net, ipaddress.IPv6Network) and net.overlaps(_NAT64) and net.prefixlen < 104:
            return True
    return False
