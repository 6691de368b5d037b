"""Output of `iptables-save` in the terms of `filter_rules`."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from pytest_aisec.facts.core.formats import is_number, reads, shell_words
from pytest_aisec.facts.network.filter_rules import HOOKS, BaseChain, Condition, LogRule, Rule
from pytest_aisec.observe.faults import Unobservable

__all__ = ["parse_ipset", "parse_iptables_save"]

Sets = Mapping[str, Sequence[str]]
"""Name of a set of addresses → its elements."""
_PRIORITIES = {"raw": -300, "mangle": -150, "filter": 0, "security": 50}
"""In which order packets pass the tables."""
_SETS_OF_ADDRESSES = frozenset({"hash:ip", "hash:net", "bitmap:ip"})

_FINAL = {
    "ACCEPT": "accept",
    "DROP": "drop",
    "REJECT": "drop",
    "QUEUE": "queue",
    "NFQUEUE": "queue",
    "RETURN": "return",
}
_GOES_ON = frozenset(
    {
        "AUDIT",
        "CHECKSUM",
        "CLASSIFY",
        "CONNMARK",
        "CONNSECMARK",
        "CT",
        "DSCP",
        "ECN",
        "HL",
        "HMARK",
        "IDLETIMER",
        "LED",
        "LOG",
        "MARK",
        "NFLOG",
        "NOTRACK",
        "RATEEST",
        "SECMARK",
        "SET",
        "TCPMSS",
        "TCPOPTSTRIP",
        "TEE",
        "TOS",
        "TRACE",
        "TTL",
        "ULOG",
    }
)
_KINDS = {
    "-d": "destination",
    "--destination": "destination",
    "--dst-range": "destination",
    "-s": "source",
    "--source": "source",
    "--src-range": "source",
    "-o": "out",
    "--out-interface": "out",
    "-i": "in",
    "--in-interface": "in",
    "-p": "protocol",
    "--protocol": "protocol",
    "--dport": "port",
    "--dports": "port",
    "--destination-port": "port",
    "--destination-ports": "port",
    "--sport": "other port",
    "--sports": "other port",
    "--source-port": "other port",
    "--source-ports": "other port",
    "--ports": "other port",
    "--ctstate": "state",
    "--state": "state",
    "--uid-owner": "owner",
    "--gid-owner": "owner",
    "--icmp-type": "icmp",
    "--icmpv6-type": "icmp",
    "--dst-type": "kind of address",
    "--pkt-type": "kind of address",
    "--pol": "ipsec",
}
_KNOWN = (
    "--tcp-flags",
    "--syn",
    "--tcp-option",
    "--src-type",
    "--limit-iface",
    "--physdev-",
    "--string",
    "--algo",
    "--length",
    "--ttl-",
    "--hl-",
    "--tos",
    "--dscp",
    "--time",
    "--date",
    "--weekdays",
    "--monthdays",
    "--kerneltz",
    "--dir",
    "--strict",
    "--socket-exists",
    "--suppl-groups",
    "--ctdir",
    "--ctproto",
    "--ctorigsrc",
    "--ctreplsrc",
    "--ctorigdst",
    "--ctrepldst",
    "--mac-source",
    "-f",
)
_LIMITS = ("--limit", "--hashlimit", "--connlimit", "--quota", "--probability", "--every", "--mode")


def _groups(words: Sequence[str]) -> Iterator[tuple[bool, str, list[str]]]:
    """Split the part of a rule before its target into negation, option and values."""
    negated, option, values = False, "", list[str]()
    for word in words:
        if word == "!" or (word.startswith("-") and not is_number(word.lstrip("-"))):
            if option:
                yield negated, option, values
                negated, option, values = False, "", []
            if word == "!":
                negated = True
            else:
                option = word
        else:
            values.append(word)
    if option:
        yield negated, option, values


def _condition(option: str, values: Sequence[str], sets: Sets, *, negated: bool) -> Condition | None:
    text = " ".join([*(["!"] if negated else []), option, *values])
    if option in {"-m", "--match", "--comment"}:
        return None
    if option == "--match-set" and len(values) == 2 and values[0] in sets and values[1] in {"dst", "src"}:
        kind = "destination" if values[1] == "dst" else "source"
        return Condition(kind=kind, values=tuple(sets[values[0]]), is_negated=negated, text=text)
    kind = _KINDS.get(option, "")
    if not kind and option.startswith(_LIMITS):
        kind = "limit"
    if not kind:
        kind = "known" if option.startswith(_KNOWN) else "unknown"
    split = tuple(value for word in values for value in word.split(",") if value)
    if kind == "protocol" and set(split) <= {"icmp", "ipv6-icmp", "icmpv6", "1", "58", "igmp", "2"}:
        kind = "icmp"
    if kind in {"port", "other port"}:
        split = tuple(value.replace(":", "-") for value in split)
    if kind == "state":
        split = tuple(value.lower() for value in split)
    if kind == "kind of address":
        split = tuple(value.lower() for value in split)
    return Condition(kind=kind, values=split, is_negated=negated, text=text)


def _iptables_rule(line: str, sets: Sets) -> tuple[str, Rule]:
    try:
        words = shell_words(line)
    except ValueError:
        raise Unobservable("parse", f"not a rule of iptables-save: {line!r}") from None
    packets = None
    if words and words[0].startswith("["):
        count = words[0][1:].partition(":")[0]
        packets = int(count) if is_number(count) else None
        words = words[1:]
    if len(words) < 2 or words[0] != "-A":
        raise Unobservable("parse", f"not a rule of iptables-save: {line!r}")
    at = next((i for i, word in enumerate(words) if word in {"-j", "-g"}), len(words))
    target = words[at + 1] if at + 1 < len(words) else ""
    options = words[at + 2 :]
    parsed = [
        _condition(option, values, sets, negated=negated) for negated, option, values in _groups(words[2:at])
    ]
    conditions = frozenset(one for one in parsed if one is not None)
    log = None
    if target in {"LOG", "NFLOG"}:
        option = "--log-prefix" if target == "LOG" else "--nflog-prefix"
        log = LogRule(
            prefix=options[options.index(option) + 1] if option in options[:-1] else "",
            is_limited=any(one.kind == "limit" for one in conditions),
            packets=packets,
            group=_after("--nflog-group", options, "0") if target == "NFLOG" else "",
            text=" ".join(shlex.quote(word) for word in words),
        )
    if target in _FINAL:
        verdict = _FINAL[target]
    elif target in _GOES_ON or not target:
        verdict = ""
    else:
        verdict = "goto" if words[at] == "-g" else "jump"
    jumps = verdict in {"goto", "jump"}
    return words[1], Rule(conditions=conditions, verdict=verdict, target=target if jumps else "", log=log)


def _after(option: str, options: Sequence[str], default: str) -> str:
    return options[options.index(option) + 1] if option in options[:-1] else default


@reads
def parse_ipset(text: str) -> dict[str, list[str]]:
    """Return the sets of addresses, from what `ipset save` printed; sets in other forms are left out."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        words = line.split()
        if words[:1] == ["create"] and len(words) > 2 and words[2] in _SETS_OF_ADDRESSES:
            found[words[1]] = []
        elif words[:1] == ["add"] and len(words) > 2 and words[1] in found:
            found[words[1]].append(words[2])
            if "nomatch" in words:  # an exception from the set
                del found[words[1]]
    return found


@reads
def parse_iptables_save(text: str, *, family: str = "ip", sets: Sets | None = None) -> list[BaseChain]:
    """Return the base chains that filter, from what `iptables-save -c` printed.

    Args:
        text: with or without counters.
        family: `ip`, or `ip6` for ip6tables-save.
        sets: of ipset; a set that a rule of this text adds packets' addresses to counts as unknown.

    Raises:
        Unobservable: `parse`, when a line is none of its format; `truncated`, when a table is not whole.

    """
    fixed = {name: one for name, one in (sets or {}).items() if f" --add-set {name} " not in text}
    found: list[BaseChain] = []
    table, chains, policies = "", dict[str, list[Rule]](), dict[str, str]()
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("*"):
            table, chains, policies = line[1:].strip(), {}, {}
        elif not table:
            raise Unobservable("parse", f"not a line of iptables-save: {line!r}")
        elif line.startswith(":"):
            name, _, rest = line[1:].partition(" ")
            chains.setdefault(name, [])
            policies[name] = rest.split(" ")[0]
        elif line.strip() == "COMMIT":
            found += _base_chains(table, chains, policies, family)
            table = ""
        else:
            name, rule = _iptables_rule(line, fixed)
            chains.setdefault(name, []).append(_resolved(rule, policies))
    if table:
        raise Unobservable("truncated", "iptables-save ended inside a table")
    return found


def _resolved(rule: Rule, policies: Mapping[str, str]) -> Rule:
    """Tell targets of iptables' extensions, which nobody knows here, from chains."""
    if rule.target and rule.target not in policies:
        return replace(rule, verdict="unknown", target="")
    return rule


def _base_chains(
    table: str, chains: Mapping[str, Sequence[Rule]], policies: Mapping[str, str], family: str
) -> Iterator[BaseChain]:
    if table == "nat":  # sees the first packet of a connection only, and is not for filtering
        return
    tool = "iptables" if family == "ip" else "ip6tables"
    for chain, hook in HOOKS.items():
        if policies.get(chain, "-") != "-":
            yield BaseChain(
                name=f"{tool} {table} {chain}",
                families=(family,),
                table=table,
                chain=chain,
                hook=hook,
                policy="drop" if policies[chain] == "DROP" else "accept",
                priority=_PRIORITIES.get(table, 0),
                chains=chains,
            )
