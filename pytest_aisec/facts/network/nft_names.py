"""Names in what `nft -j list ruleset` prints, in the terms of `filter_rules`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

__all__ = [
    "ENDS_WELL",
    "FAMILIES",
    "GOES_ON",
    "KNOWN_FAMILIES",
    "LIMITS",
    "METAS",
    "MOST",
    "NFPROTO",
    "OTHER",
    "PAYLOADS",
    "PROTOCOLS",
    "REJECTS",
    "SPANS",
    "VERDICTS",
]

KNOWN_FAMILIES = frozenset({"ip", "ip6", "inet", "arp", "bridge", "netdev"})
FAMILIES = {"ip": ("ip",), "ip6": ("ip6",), "inet": ("ip", "ip6")}
VERDICTS = {"accept": "accept", "drop": "drop", "queue": "queue", "return": "return"}
GOES_ON = frozenset(
    {
        "comment",
        "ct expectation",
        "ct helper",
        "ct timeout",
        "dup",
        "flow",
        "last",
        "map",
        "mangle",
        "notrack",
        "secmark",
        "set",
        "tproxy",
    }
)
ENDS_WELL = frozenset({"dnat", "snat", "masquerade", "redirect"})
LIMITS = frozenset({"limit", "quota", "ct count", "connlimit", "meter"})
PAYLOADS = {
    "daddr": "destination",
    "saddr": "source",
    "dport": "port",
    "sport": "other port",
    "protocol": "protocol",
    "nexthdr": "protocol",
}
METAS = {
    "oif": "out",
    "oifname": "out",
    "iif": "in",
    "iifname": "in",
    "l4proto": "protocol",
    "skuid": "owner",
    "skgid": "owner",
    "pkttype": "kind of address",
}
PROTOCOLS = frozenset({"icmp", "icmpv6", "ipv6-icmp", "igmp", "1", "2", "58"})
MOST = {"port": 65535, "other port": 65535, "owner": 2**32 - 1}
SPANS: Mapping[str, Callable[[int], tuple[int, int | None]]] = {
    "<": lambda number: (0, number - 1),
    "<=": lambda number: (0, number),
    ">": lambda number: (number + 1, None),
    ">=": lambda number: (number, None),
}
"""First and last of the numbers that an operator means; `None` stands for the last that there is."""
NFPROTO = {"ipv4": "ip", "ipv6": "ip6", "2": "ip", "10": "ip6", "ip": "ip", "ip6": "ip6"}
OTHER = {"ip": "ip6", "ip6": "ip"}
REJECTS = {"icmp": "ip", "icmpv6": "ip6", "icmpx": "", "": ""}
"""Family whose packets alone a statement `reject` rejects. nft shows no other condition for it."""
