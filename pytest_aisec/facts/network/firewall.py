"""The packet filter of a host: all rule sets that its kernel has, whichever tool made them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from pytest_aisec.facts.core.answers import Answer, answers
from pytest_aisec.facts.core.together import ahead
from pytest_aisec.facts.network.filter_rules import BaseChain, LogRule
from pytest_aisec.facts.network.iptables import Sets, parse_ipset, parse_iptables_save
from pytest_aisec.facts.network.nft import parse_nft
from pytest_aisec.facts.network.origin import origin, owners_of
from pytest_aisec.facts.network.packet_sets import Sender, reached_logs
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["PacketFilter", "outbound_log_rules", "packet_filter"]

_COMMANDS = (
    "id -u",
    "nft -j list ruleset",
    "iptables-nft-save -c",
    "ip6tables-nft-save -c",
    "iptables-legacy-save -c",
    "ip6tables-legacy-save -c",
    "iptables-save -c",
    "ip6tables-save -c",
    "test ! -d /sys/module/ip_set || ipset save",
    "cat /proc/net/ip_tables_names",
    "cat /proc/net/ip6_tables_names",
    "cat /proc/net/if_inet6",
    "cat /proc/sys/net/ipv4/conf/*/forwarding",
    "cat /proc/sys/net/ipv6/conf/*/forwarding",
)
_TABLES = frozenset({"filter", "mangle", "raw", "security"})
_ABSENT = re.compile(r"No such file or directory|not supported")
_PRINTED_AS_TEXT = re.compile(r"^warning: (?:stmt|expr) ops \S+ have no json callback\n?", re.MULTILINE)
"""What nft says where its JSON has text, which is read, or not, like all that it prints."""
_HINT = re.compile(r"iptables-legacy tables present|table `\S+' is incompatible, use 'nft' tool")


@dataclass(frozen=True, kw_only=True)
class PacketFilter:
    """Filtering of packets by the kernel on their way in, through and out."""

    chains: tuple[BaseChain, ...]
    gaps: tuple[Unobservable, ...]
    """Why there may be more chains than these. More chains can only let less through."""
    families: tuple[str, ...]
    """`ip`, and `ip6` where an interface other than lo has an IPv6 address."""
    forwards: tuple[str, ...]
    """Those of the families in which the host passes on packets of others."""

    def at(self, hook: str, family: str) -> tuple[BaseChain, ...]:
        """Return the chains that packets of a family pass at `hook`: one that drops them is enough."""
        return tuple(chain for chain in self.chains if chain.hook == hook and family in chain.families)


def packet_filter(host: Host) -> PacketFilter:
    """Return the rule sets of nftables, iptables-nft and iptables-legacy; only root sees them.

    Raises:
        Unobservable: `privilege` for anybody but root; `parse` for rules in no known form.

    """
    return read_packet_filter(answers(host, *_COMMANDS))


def read_packet_filter(printed: tuple[Answer, ...]) -> PacketFilter:
    """Read what the commands of `packet_filter` printed.

    Raises:
        Unobservable: as `packet_filter`.

    """
    who, nft, nft4, nft6, old4, old6, save4, save6, ipset, names4, names6, inet6, forward4, forward6 = printed
    if who.stdout.strip() != "0":
        raise who.fault("id") or Unobservable("privilege", "only root sees the rules of the packet filter")
    for answer, what in ((nft, "nft"), (save4, "iptables-save"), (old4, "iptables-legacy-save")):
        fault = answer.fault(what)
        if fault is not None and fault.reason == "privilege":
            raise fault
    gaps: list[Unobservable] = []
    native: list[BaseChain] = []
    nft = replace(nft, stderr=_PRINTED_AS_TEXT.sub("", nft.stderr))
    if (fault := nft.fault("nft")) is None:
        native = [*_nft(nft.stdout)]
    elif not _ABSENT.search(nft.stderr):
        gaps.append(fault)
    sets = parse_ipset(ipset.stdout) if ipset.fault("ipset") is None else {}
    translated = [*_saved(nft4, "ip", sets), *_saved(nft6, "ip6", sets)]
    known = {(base.families, base.table, base.chain) for base in translated}
    native = [base for base in native if (base.families, base.table, base.chain) not in known]
    if '"xt"' in nft.stdout and any(base.table in _TABLES and len(base.families) == 1 for base in native):
        gaps.append(
            Unobservable(
                "tool_missing", "nft does not show all of iptables' rules, and iptables-nft-save none"
            )
        )
    legacy: list[BaseChain] = []
    for family, first, second, names in (("ip", old4, save4, names4), ("ip6", old6, save6, names6)):
        found = _saved(second, family, sets)
        found += [base for base in _saved(first, family, sets) if base not in found]
        legacy += [base for base in found if base not in translated]
        gaps += _unseen(family, names, first, second)
    return PacketFilter(
        chains=(*native, *translated, *legacy),
        gaps=tuple(gaps),
        families=_families(inet6),
        forwards=tuple(
            family
            for family, answer in (("ip", forward4), ("ip6", forward6))
            if _is_on(answer, f"forwarding of {family}") and family in _families(inet6)
        ),
    )


def _saved(answer: Answer, family: str, sets: Sets) -> list[BaseChain]:
    """Read a save; one that failed shows nothing (what it would have shown is told by other means)."""
    complaints = [line for line in answer.stderr.splitlines() if line.strip() and not _HINT.search(line)]
    if answer.status != 0 or complaints:
        return []
    known = tuple((name, tuple(one)) for name, one in sets.items())
    return [*_iptables(answer.stdout, family, known)]


@lru_cache(maxsize=8)
def _nft(text: str) -> tuple[BaseChain, ...]:
    return tuple(parse_nft(text))


@lru_cache(maxsize=16)
def _iptables(text: str, family: str, sets: tuple[tuple[str, tuple[str, ...]], ...]) -> tuple[BaseChain, ...]:
    return tuple(parse_iptables_save(text, family=family, sets={name: [*one] for name, one in sets}))


def _unseen(family: str, names: Answer, *saves: Answer) -> list[Unobservable]:
    """Tell whether tables of iptables-legacy exist that no save shows."""
    tool = "iptables" if family == "ip" else "ip6tables"
    if names.status != 0 or names.complaint:
        fault = names.fault(f"/proc/net/{tool.replace('tables', '_tables')}_names")
        return [] if fault is None or _ABSENT.search(names.stderr) else [fault]
    wanted = set(names.stdout.split())
    shown = {
        line[1:].strip()
        for save in saves
        if save.status == 0
        for line in save.stdout.splitlines()
        if line.startswith("*")
    }
    if wanted <= shown:
        return []
    missing = ", ".join(sorted(wanted - shown))
    return [Unobservable("tool_missing", f"no {tool}-legacy-save shows the kernel's tables {missing}")]


def _families(inet6: Answer) -> tuple[str, ...]:
    if inet6.status != 0 or inet6.complaint:
        fault = inet6.fault("/proc/net/if_inet6")
        if fault is not None and not _ABSENT.search(inet6.stderr):
            raise fault
        return ("ip",)
    used = [line.split() for line in inet6.stdout.splitlines() if line.strip()]
    return ("ip", "ip6") if any(fields[-1] != "lo" for fields in used) else ("ip",)


def _is_on(answer: Answer, what: str) -> bool:
    values = answer.stdout.split()
    if not values and _ABSENT.search(answer.stderr):
        return False
    if not values or not set(values) <= {"0", "1", "2"}:
        raise answer.fault(what) or Unobservable("parse", f"{what}: {answer.stdout[:80]!r}")
    return any(value != "0" for value in values)


def outbound_log_rules(host: Host, *, ports: Sequence[int] = (22, 80, 443)) -> list[LogRule]:
    """Return the rules that log some TCP connection of the host to another; only root sees them.

    A rule counts when a packet gets to it that has an address, an interface and an account of this host, and
    that no rule before it has accepted or dropped. One that two tools show is there twice.

    Args:
        host: the host to ask.
        ports: of the other host; a rule for none of them logs nothing that matters.

    Raises:
        Unobservable: `privilege` for anybody but root; `tool_missing` when rules may exist that no
            installed tool shows.

    """
    ahead(partial(packet_filter, host), partial(origin, host))
    seen = packet_filter(host)
    chains = [base for base in seen.chains if base.hook == "output"]
    rules = [rule for base in chains for inner in base.chains.values() for rule in inner]
    found: list[LogRule] = []
    if any(rule.log for rule in rules):
        names = sorted(
            {v for rule in rules for one in rule.conditions if one.kind == "owner" for v in one.values}
        )
        owners = owners_of(host, names) if names else {}
        sender = Sender(origin=origin(host), owners=owners, ports=frozenset(ports))
        for family in ("ip", "ip6"):
            found += reached_logs([base for base in chains if family in base.families], family, sender)
    if not found and seen.gaps:
        raise seen.gaps[0]
    return list(dict.fromkeys(found))
