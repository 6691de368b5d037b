"""Packet filter rules in terms that iptables and nftables share: chains, conditions, verdicts."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from pytest_aisec.observe.faults import Unobservable

__all__ = ["BaseChain", "Condition", "Flow", "Known", "LogRule", "Paths", "Rule", "paths"]

HOOKS = {"INPUT": "input", "OUTPUT": "output", "FORWARD": "forward"}
_DEEPEST = 32
"""Jumps within jumps; the kernel allows 16."""
_MOST_STEPS = 20_000
"""Rules times ways that are followed before a rule set is too tangled to be judged."""
_MOST_DECIDED = 500
_OF_ONE_THING = frozenset({"destination", "source", "out", "in", "state", "port", "protocol"})
"""Not such as `owner`, which is a user or a group."""


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One thing that a packet has to be for a rule to apply."""

    kind: str
    """`destination`, `port`, `out`, `in`, `state`, `owner`, `icmp`, `kind of address`, `ipsec`, `protocol`,
    `source`, `limit`, `other port`, `family`, `known` (understood, and of no interest), or `unknown`."""
    values: tuple[str, ...] = ()
    is_negated: bool = False
    text: str
    """As its tool shows it."""
    family: str = field(default="", compare=False)
    """`ip` or `ip6` where packets of the other family are never meant."""

    @property
    def opposite(self) -> Condition:
        """The condition that holds exactly where this one does not, for packets of its family."""
        return replace(self, is_negated=not self.is_negated, text=f"not ({self.text})")

    @property
    def _key(self) -> tuple[str, tuple[str, ...]]:
        return self.kind, self.values

    def contradicts(self, other: Condition) -> bool:
        """Tell whether no packet is both: where the values of a kind can only be of one thing."""
        return self.kind in _OF_ONE_THING and self._key == other._key and self.is_negated != other.is_negated

    def implies(self, other: Condition) -> bool:
        """Tell whether every packet that is this is the other, too, as far as addresses tell."""
        if self == other:
            return True
        if self.kind != other.kind or self.kind not in {"destination", "source"} or self.is_negated:
            return False
        own, wanted = _networks(self.values), _networks(other.values)
        if not own or not wanted:
            return False
        if other.is_negated:
            return not any(one.overlaps(net) for one in own for net in wanted)
        return all(any(_is_within(one, net) for net in wanted) for one in own)


Flow = frozenset[Condition]
"""Packets for which all of these hold."""
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@lru_cache(maxsize=4096)
def _networks(values: tuple[str, ...]) -> tuple[Network, ...]:
    """Return the networks that are named; none where one of them is in no known form."""
    try:
        return tuple(ipaddress.ip_network(value, strict=False) for value in values)
    except ValueError:
        return ()


def _is_within(one: Network, other: Network) -> bool:
    if isinstance(one, ipaddress.IPv4Network):
        return isinstance(other, ipaddress.IPv4Network) and one.subnet_of(other)
    return isinstance(other, ipaddress.IPv6Network) and one.subnet_of(other)


def _covers(final: Flow, flow: Flow) -> bool:
    """Tell whether all packets of a flow are among those about which `final` has decided."""
    missing = final - flow
    return all(one.kind in {"destination", "source"} for one in missing) and all(
        any(one.implies(wanted) for one in flow) for wanted in missing
    )


Known = Callable[[Condition], bool | None]


@dataclass(frozen=True, kw_only=True)
class LogRule:
    """A rule that logs packets which the host sends, and that packets can get to."""

    prefix: str
    is_limited: bool
    """Whether a rate limit stands before the log."""
    packets: int | None = field(compare=False)
    """How many it has logged; `None` where nobody counts."""
    group: str = ""
    """Netlink group that it logs to, empty for the kernel's log."""
    text: str
    """The rule as its tool shows it."""
    is_doubtful: bool = False
    """Whether the rules alone do not tell that any packet gets to it."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One verdict or log, with the conditions before it."""

    conditions: Flow
    verdict: str
    """`accept`, `drop`, `queue`, `return`, `jump`, `goto`, `unknown`, or `` where the next rule follows."""
    target: str = ""
    """The chain of `jump` and `goto`."""
    log: LogRule | None = None
    family: str = ""
    """`ip` or `ip6` where packets of the other family are never meant."""


@dataclass(frozen=True, kw_only=True)
class BaseChain:
    """A chain that the kernel sends packets through, with those it jumps to."""

    name: str
    """For people, such as `iptables filter OUTPUT`."""
    families: tuple[str, ...]
    """`ip`, `ip6`."""
    table: str
    chain: str
    hook: str
    """`input`, `forward` or `output`."""
    policy: str
    """`accept` or `drop`."""
    priority: int = 0
    """Of the chains at one hook, packets pass that with the lowest first."""
    chains: Mapping[str, Sequence[Rule]]


@dataclass(frozen=True, kw_only=True)
class Paths:
    """Fates of packets in one base chain."""

    accepted: tuple[Flow, ...]
    """Packets that it lets through; the empty flow stands for all packets."""
    unknown: tuple[Flow, ...]
    """Packets about which something decides that cannot be read here."""


def _minimal(flows: Sequence[Flow]) -> list[Flow]:
    """Drop flows that are part of others."""
    kept: list[Flow] = []
    for flow in sorted(dict.fromkeys(flows), key=len):
        if not any(other <= flow for other in kept):
            kept.append(flow)
    return kept


def _invertible(conditions: Flow) -> Condition | None:
    """Return the single condition whose opposite says something about where packets go."""
    if len(conditions) != 1:
        return None
    (one,) = conditions
    return one if one.is_negated and one.kind in {"destination", "source", "out", "in"} else None


class _Walk:
    """Follows all packets of one family through a base chain."""

    def __init__(self, base: BaseChain, family: str, known: Known) -> None:
        self.base = base
        self.family = family
        self.known = known
        self.accepted: list[Flow] = []
        self.unknown: list[Flow] = []
        self.decided: list[Flow] = []
        self.diverted = False
        self.steps = 0

    def _applied(self, rule: Rule) -> Rule | None:
        """Return the rule without what is known to hold; `None` where it cannot apply."""
        if rule.family not in {"", self.family}:
            return None
        answers = {one: self.known(one) for one in rule.conditions}
        if False in answers.values():
            return None
        left = (one for one, holds in answers.items() if holds is None and one.kind != "family")
        return replace(rule, conditions=frozenset(left))

    def _entering(self, flows: Sequence[Flow], rule: Rule) -> list[Flow]:
        found = []
        for flow in flows:
            hit = flow | rule.conditions
            new = rule.conditions - flow
            if any(one.contradicts(other) for one in new for other in flow):
                continue
            if not any(_covers(final, hit) for final in self.decided):
                found.append(hit)
        return _minimal(found)

    def _decide(self, flows: Sequence[Flow]) -> None:
        if not self.diverted and len(self.decided) < _MOST_DECIDED:
            self.decided += [
                flow for flow in flows if all(one.kind not in {"limit", "unknown"} for one in flow)
            ]

    def through(self, name: str, flows: list[Flow], depth: int) -> list[Flow]:
        """Follow `flows` through a chain; return what falls out of its end or returns from it."""
        if depth > _DEEPEST:
            raise Unobservable("parse", f"{self.base.name}: chains jump in a circle")
        back: list[Flow] = []
        for rule in self.base.chains.get(name, ()):
            applied = self._applied(rule)
            if applied is None:
                continue
            rule = applied  # noqa: PLW2901 - what is left of it
            flows = [flow for flow in flows if not any(final <= flow for final in self.decided)]
            self.steps += len(flows)
            if self.steps > _MOST_STEPS:
                raise Unobservable("parse", f"{self.base.name} has too many branches to be judged")
            hits = self._entering(flows, rule)
            if rule.verdict:
                flows = _minimal(self._after(rule, flows, hits, back, depth))
        return _minimal([*back, *flows])

    def _after(
        self, rule: Rule, flows: list[Flow], hits: list[Flow], back: list[Flow], depth: int
    ) -> list[Flow]:
        """Return the flows that go on behind `rule`."""
        returned: list[Flow] = []
        leaves = True
        if rule.verdict == "jump":
            returned = self.through(rule.target, hits, depth + 1) if hits else []
            leaves = not returned
        elif rule.verdict == "goto":
            self.diverted = self.diverted or bool(rule.conditions)
            back += self.through(rule.target, hits, depth + 1) if hits else []
        elif rule.verdict == "return":
            self.diverted = self.diverted or bool(rule.conditions)
            back += hits
        else:
            ends = {"accept": self.accepted, "drop": []}.get(rule.verdict, self.unknown)
            ends += hits
            self._decide(hits)
        opposite = _invertible(rule.conditions) if leaves else None
        staying = [
            flow if opposite is None else flow | {opposite.opposite}
            for flow in flows
            if not rule.conditions <= flow
        ]
        return [*staying, *returned]


def paths(base: BaseChain, family: str, known: Known = lambda _: None) -> Paths:
    """Return what becomes of the packets of `family` (`ip` or `ip6`) in a base chain.

    Each way is followed with the conditions on it. What is let through is never less than what the kernel
    lets through: of the packets that a rule does not apply to, all are followed further.

    Args:
        base: the chain.
        family: `ip` or `ip6`.
        known: tells of conditions whether they hold for the packets of interest; `None` where some do.

    Raises:
        Unobservable: `parse`, when there are too many ways.

    """
    walk = _Walk(base, family, known)
    rest = walk.through(base.chain, [frozenset()], 0)
    if base.policy != "drop":
        walk.accepted += rest
    return Paths(accepted=tuple(_minimal(walk.accepted)), unknown=tuple(_minimal(walk.unknown)))
