"""Sets of packets that leave a host, and which of them a chain of filter rules lets through or logs."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import Any

from pytest_aisec.facts.core.formats import is_number
from pytest_aisec.facts.network.filter_rules import BaseChain, Condition, LogRule, Rule
from pytest_aisec.facts.network.ordinary import SOME, UNCLEAR, Hold, ordinarily
from pytest_aisec.facts.network.origin import Origin
from pytest_aisec.observe.faults import Unobservable

__all__ = ["Sender", "reached_logs"]

_DEEPEST = 32
"""Jumps within jumps; the kernel allows 16."""
_MOST_WORK = 3_000_000
"""Ranges that are looked at before a rule set is too tangled to be judged."""
_STAYING = {
    "ip": ("0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/3"),
    "ip6": ("::/127", "ff00::/8"),
}
"""Where no packet goes that leaves for a host elsewhere."""
_BITS = {"ip": 32, "ip6": 128}
_NAMED_PORTS = {"ssh": "22", "domain": "53", "http": "80", "https": "443"}
_ALL_ADDRESSES = {"unspec", "unicast"}

Ranges = tuple[tuple[int, int], ...]
"""Addresses as numbers: first and last, sorted, none touching another."""


def _joined(ranges: Sequence[tuple[int, int]]) -> Ranges:
    found: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return tuple(found)


def _without(ranges: Ranges, taken: Ranges) -> Ranges:
    edges = [(-2, -2), *taken, (1 << 129, 1 << 129)]
    gaps = tuple((one[1] + 1, other[0] - 1) for one, other in pairwise(edges))
    return _common(ranges, gaps)


def _common(one: Ranges, other: Ranges) -> Ranges:
    found: list[tuple[int, int]] = []
    i = j = 0
    while i < len(one) and j < len(other):
        first, last = max(one[i][0], other[j][0]), min(one[i][1], other[j][1])
        if first <= last:
            found.append((first, last))
        if one[i][1] < other[j][1]:
            i += 1
        else:
            j += 1
    return tuple(found)


@dataclass(frozen=True, kw_only=True)
class Sender:
    """Properties of packets on their way out."""

    origin: Origin
    owners: Mapping[str, frozenset[int]]
    """As `owners_of` returns them; empty where no rule asks for them."""
    ports: frozenset[int]
    """To which a TCP connection is worth a log."""


@dataclass(frozen=True)
class _Packets:
    """All packets with one value of each."""

    to: Ranges
    rest: Mapping[str, frozenset[Any]]

    @property
    def key(self) -> frozenset[tuple[str, frozenset[Any]]]:
        return frozenset(self.rest.items())

    @property
    def in_doubt(self) -> _Packets:
        """The same packets, of which nobody can tell whether there are any."""
        return _Packets(self.to, {**self.rest, "sure": frozenset({False})})


_UNPRIVILEGED: Ranges = ((1024, 65535),)
"""Ports that a connection may leave from."""
Part = tuple[str, Ranges | frozenset[Any]]
"""What of packets a condition is about, and the values for which it holds."""


@dataclass
class _Walk:
    """Follows packets of one family through base chains."""

    family: str
    sender: Sender
    logs: list[LogRule] = field(default_factory=list)
    work: int = 0
    every: list[_Packets] = field(default_factory=list)
    """All that can leave the host."""

    def __post_init__(self) -> None:
        version = 4 if self.family == "ip" else 6
        own = frozenset(one for one in self.sender.origin.addresses if one.version == version)
        staying = [*map(ipaddress.ip_network, _STAYING[self.family]), *map(ipaddress.ip_network, own)]
        inside = _joined([(int(one[0]), int(one[-1])) for one in staying])
        to = _without(((0, (1 << _BITS[self.family]) - 1),), inside)
        rest: dict[str, frozenset[Any]] = {
            "source": frozenset(own),
            "out": frozenset(self.sender.origin.interfaces),
            "port": frozenset(self.sender.ports),
            "state": frozenset({"new", "established"}),
            "uid": self.sender.owners.get("uid", frozenset({0})),
            "gid": self.sender.owners.get("gid", frozenset({0})),
            "sure": frozenset({True}),
        }
        self.every = [_Packets(to, rest)] if all(rest.values()) else []

    def through(self, base: BaseChain, name: str, packets: list[_Packets], depth: int = 0) -> _Ways:
        """Follow packets through a chain."""
        if depth > _DEEPEST:
            raise Unobservable("parse", f"{base.name}: chains jump in a circle")
        ways = _Ways()
        for rule in base.chains.get(name, ()):
            if not packets:
                break
            self.work += sum(len(one.to) for one in packets)
            if self.work > _MOST_WORK:
                raise Unobservable("parse", f"{base.name} has too many branches to be judged")
            hits, left = self._split(packets, rule)
            if rule.log is not None and hits:
                is_sure = any(True in one.rest["sure"] for one in hits)
                self.logs.append(replace(rule.log, is_doubtful=not is_sure))
            if hits and rule.verdict:
                packets = self._after(base, rule, hits, left, packets, ways, depth)
        ways.back = _merged([*ways.back, *packets])
        return ways

    def _after(
        self,
        base: BaseChain,
        rule: Rule,
        hits: list[_Packets],
        left: list[_Packets],
        packets: list[_Packets],
        ways: _Ways,
        depth: int,
    ) -> list[_Packets]:
        """Return those of the packets that go on behind a rule, which applies to `hits` and not to `left`."""
        if rule.verdict in {"jump", "goto"}:
            inner = self.through(base, rule.target, hits, depth + 1)
            ways.accepted += inner.accepted
            if rule.verdict == "jump" and inner.back == _merged(hits):
                return packets
            if rule.verdict == "jump":
                return _merged([*left, *inner.back])
            ways.back += inner.back
        elif rule.verdict == "return":
            ways.back += hits
        elif rule.verdict != "drop":
            ways.accepted += hits
        return _merged(left)

    def _split(self, packets: list[_Packets], rule: Rule) -> tuple[list[_Packets], list[_Packets]]:
        """Return the packets to which a rule may apply, and those to which it may not."""
        if rule.family not in {"", self.family}:
            return [], packets
        parts: list[Part] = []
        held: list[Hold] = []
        for condition in rule.conditions:
            meant = self._meaning(condition)
            if meant is False:
                return [], packets
            if isinstance(meant, Hold):
                held.append(meant)
            elif meant is not True:
                parts.append(meant)
        hits: list[_Packets] = []
        left: list[_Packets] = []
        for one in packets:
            hit, rest = _cut(one, parts)
            if hit:
                hits.append(hit if all(hold.some_do for hold in held) else hit.in_doubt)
            left += rest
            if hit and held:
                left.append(hit if any(hold.some_do_not for hold in held) else hit.in_doubt)
        return hits, left

    def _meaning(self, one: Condition) -> Part | Hold | bool:  # noqa: C901 - one branch a kind
        """Return for which packets a condition holds: for all, for none, or how far that can be told."""
        if one.kind == "family":
            return True
        if one.kind == "protocol":
            return _is_any(one, {"tcp", "6", "all", "0"})
        if one.kind == "icmp":
            return one.is_negated
        if one.kind == "in":  # what this host sends came in by none
            return one.is_negated
        if one.kind in {"destination", "source"}:
            return self._addresses(one)
        if one.kind == "out":
            names = [re.sub(r"\+$", "*", value) for value in one.values]
            return self._part("out", one, lambda name: any(fnmatchcase(str(name), value) for value in names))
        if one.kind == "state":
            return self._part("state", one, lambda state: state in one.values)
        if one.kind == "owner":
            return self._owner(one)
        if one.kind in {"port", "other port"}:
            return self._port(one)
        if one.kind == "kind of address":
            return _is_any(one, _ALL_ADDRESSES)
        return ordinarily(one)

    def _part(self, kind: str, one: Condition, holds: Callable[[Any], bool]) -> Part:
        return kind, frozenset(value for value in self.every[0].rest[kind] if holds(value) != one.is_negated)

    def _addresses(self, one: Condition) -> Part | Hold:
        found: list[tuple[int, int]] = []
        for value in one.values:
            try:
                first, _, last = value.partition("-")
                nets = [ipaddress.ip_network(text, strict=False) for text in (first, last) if text]
            except ValueError:
                return UNCLEAR
            if nets[0].version == (4 if self.family == "ip" else 6):
                found.append((int(nets[0][0]), int(nets[-1][-1])))
        ranges = _joined(found)
        if one.kind == "destination":
            return "to", _without(((0, 1 << 129),), ranges) if one.is_negated else ranges
        return self._part(
            "source", one, lambda address: bool(_common(((int(address), int(address)),), ranges))
        )

    def _owner(self, one: Condition) -> Part | Hold:
        if not self.sender.owners:
            return UNCLEAR
        kind = "gid" if re.search(r"gid", one.text) else "uid"
        wanted: set[int] = set()
        for value in one.values:
            first, _, last = value.partition("-")
            if is_number(first) and (is_number(last) or not last):
                wanted |= {n for n in self.sender.owners[kind] if int(first) <= n <= int(last or first)}
            else:
                wanted |= self.sender.owners.get(f"{kind} {value}", frozenset())
        return self._part(kind, one, lambda number: number in wanted)

    def _port(self, one: Condition) -> Part | Hold | bool:
        if re.search(r'"protocol": "(udp|udplite|sctp|dccp)"', one.text):
            return False
        spans: list[tuple[int, int]] = []
        for value in one.values:
            first, _, last = re.sub(r"[a-z]+", lambda m: str(_NAMED_PORTS.get(m[0], m[0])), value).partition(
                "-"
            )
            if not is_number(first) or not is_number(last or first):
                return UNCLEAR
            spans.append((int(first), int(last or first)))
        if one.kind == "port" or "--ports" in one.text:
            return self._part("port", one, lambda port: any(first <= port <= last for first, last in spans))
        own = _joined(spans)
        meant = _without(_UNPRIVILEGED, own) if one.is_negated else _common(_UNPRIVILEGED, own)
        return meant == _UNPRIVILEGED or (SOME if meant else False)


@dataclass
class _Ways:
    """Fates of packets in one chain."""

    accepted: list[_Packets] = field(default_factory=list)
    back: list[_Packets] = field(default_factory=list)
    """Those about which it did not decide."""


def _is_any(one: Condition, values: set[str]) -> bool:
    return bool(values & {value.lower() for value in one.values}) != one.is_negated


def _cut(one: _Packets, parts: Sequence[Part]) -> tuple[_Packets | None, list[_Packets]]:
    """Split packets into those with all the parts, and the others."""
    whole, others = one, list[_Packets]()
    for kind, values in parts:
        if isinstance(values, tuple):
            outside = _without(one.to, values)
            if outside:
                others.append(_Packets(outside, one.rest))
            one = _Packets(_common(one.to, values), one.rest)
            if not one.to:
                return None, [whole]
        else:
            if beside := one.rest[kind] - values:
                others.append(_Packets(one.to, {**one.rest, kind: beside}))
            one = _Packets(one.to, {**one.rest, kind: one.rest[kind] & values})
            if not one.rest[kind]:
                return None, [whole]
    return one, others


def _merged(packets: Sequence[_Packets]) -> list[_Packets]:
    """Join what differs in its destinations alone."""
    if len(packets) < 2:
        return list(packets)
    groups: dict[frozenset[tuple[str, frozenset[Any]]], list[_Packets]] = {}
    for one in packets:
        groups.setdefault(one.key, []).append(one)
    return [
        group[0]
        if len(group) == 1
        else _Packets(_joined([each for one in group for each in one.to]), group[0].rest)
        for group in groups.values()
    ]


def reached_logs(chains: Sequence[BaseChain], family: str, sender: Sender) -> list[LogRule]:
    """Return the log rules that some TCP packet on its way out of the host gets to.

    Args:
        chains: those of one hook.
        family: `ip` or `ip6`.
        sender: where packets come from.

    Raises:
        Unobservable: `parse`, when a rule set is too tangled.

    """
    walk = _Walk(family, sender)
    packets = walk.every
    for priority in sorted({base.priority for base in chains}):
        level = [base for base in chains if base.priority == priority]
        for base in level[1:]:  # which of them comes first is not known
            walk.through(base, base.chain, packets)
        for base in level:
            ways = walk.through(base, base.chain, packets)
            packets = _merged([*ways.accepted, *(ways.back if base.policy != "drop" else [])])
    return walk.logs
