"""Output of `nft -j list ruleset` in the terms of `filter_rules`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pytest_aisec.facts.core.formats import MALFORMED, reads
from pytest_aisec.facts.network.filter_rules import HOOKS, BaseChain, Condition, LogRule, Rule
from pytest_aisec.facts.network.nft_names import (
    ENDS_WELL,
    FAMILIES,
    GOES_ON,
    KNOWN_FAMILIES,
    LIMITS,
    METAS,
    MOST,
    NFPROTO,
    OTHER,
    PAYLOADS,
    PROTOCOLS,
    REJECTS,
    SPANS,
    VERDICTS,
)
from pytest_aisec.facts.network.nft_text import read_rules
from pytest_aisec.observe.faults import Unobservable

__all__ = ["parse_nft"]


class _Table:
    """One table while it is read."""

    def __init__(self, family: str, name: str) -> None:
        self.family = family
        self.name = name
        self.is_dormant = False
        self.chains: dict[str, list[Rule]] = {}
        self.hooks: list[tuple[str, str, str, int]] = []
        self.sets: dict[str, Sequence[Any] | None] = {}
        """Elements; `None` where packets themselves add some."""

    def elements(self, value: Any) -> list[Any] | None:
        """Return what a right-hand side stands for; `None` where that cannot be read."""
        if isinstance(value, str) and value.startswith("@"):
            known = self.sets.get(value[1:])
            return None if known is None else list(known)
        if isinstance(value, Mapping) and "set" in value:
            inner = value["set"]
            return list(inner) if isinstance(inner, list) else [inner]
        return list(value) if isinstance(value, list) else [value]


def _is_dormant(flags: Any) -> bool:
    """Tell whether a table is switched off. nft 1.0.6 prints the table's name where its flags belong."""
    names = {flags} if isinstance(flags, str) else set(() if flags is None else flags)
    return not names <= {"owner", "persist"}


def _text(value: Any) -> str | None:
    if isinstance(value, Mapping):
        if "elem" in value:
            return _text(value["elem"].get("val"))
        if "prefix" in value:
            return f"{value['prefix']['addr']}/{value['prefix']['len']}"
        if "range" in value:
            first, last = value["range"]
            return f"{first}-{last}"
        return None
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else None


def _left(left: Any) -> tuple[str, str]:
    """Return the kind of condition and the family that it implies."""
    if not isinstance(left, Mapping):
        return "unknown", ""
    what, value = next(iter(left.items()))
    if what == "payload" and isinstance(value, Mapping):
        protocol, name = str(value.get("protocol", "")), str(value.get("field", ""))
        family = protocol if protocol in {"ip", "ip6"} else ""
        if protocol in {"icmp", "icmpv6", "igmp"}:
            return "icmp", {"icmp": "ip", "icmpv6": "ip6"}.get(protocol, "")
        return PAYLOADS.get(name, "known" if protocol else "unknown"), family
    if what == "meta" and isinstance(value, Mapping):
        key = str(value.get("key", ""))
        return ("family" if key in {"nfproto", "protocol"} else METAS.get(key, "unknown")), ""
    if what == "ct" and isinstance(value, Mapping):
        return ("state" if value.get("key") == "state" else "unknown"), ""
    if what == "fib" and isinstance(value, Mapping):
        is_type = value.get("result") == "type" and "daddr" in (value.get("flags") or ())
        return ("kind of address" if is_type else "known"), ""
    return "unknown", ""


def _match(table: _Table, match: Mapping[str, Any]) -> list[Condition]:
    """Return the conditions that a comparison stands for."""
    text = json.dumps(match, sort_keys=True)
    left, right, op = match.get("left"), match.get("right"), match.get("op")
    elements = table.elements(right)
    unknown = [Condition(kind="unknown", text=text)]
    if elements is None or op not in {"==", "!=", "in"}:
        kind, family = _left(left)
        if kind in MOST and isinstance(op, str) and op in SPANS and isinstance(right, int):
            first, last = SPANS[op](right)
            span = f"{max(first, 0)}-{MOST[kind] if last is None else last}"
            return [Condition(kind=kind, values=(span,), text=text, family=family)]
        known = kind in {"other port", "known", "protocol", "port"} and elements is not None
        return [Condition(kind="known" if known else "unknown", text=text, family=family)]
    if isinstance(left, Mapping) and "concat" in left:
        if op == "!=":
            return [Condition(kind="known", text=text)]
        return _concatenated(left["concat"], elements, text) or unknown
    one = _condition(left, elements, text, negated=op == "!=")
    return [one] if one else unknown


def _concatenated(lefts: Sequence[Any], elements: Sequence[Any], text: str) -> list[Condition]:
    columns: list[list[Any]] = [[] for _ in lefts]
    for element in elements:
        value = element
        if isinstance(value, Mapping) and "elem" in value:
            value = value["elem"].get("val")
        if not isinstance(value, Mapping) or len(value.get("concat", ())) != len(lefts):
            return []
        for column, part in zip(columns, value["concat"], strict=True):
            column.append(part)
    found = [_condition(left, column, text) for left, column in zip(lefts, columns, strict=True)]
    unread = Condition(kind="unknown", text=text)
    return [unread if one is None else one for one in found]


def _condition(left: Any, elements: Sequence[Any], text: str, *, negated: bool = False) -> Condition | None:
    kind, family = _left(left)
    values = [_text(element) for element in elements]
    if kind == "unknown" or any(value is None for value in values):
        return None
    named = tuple(value for value in values if value is not None)
    if kind == "family":
        families = {NFPROTO.get(value, "") for value in named}
        if len(families) != 1 or "" in families:
            none = "none" if negated else ""
            return None if "" in families else Condition(kind="family", text=text, family=none)
        (family,) = families
        return Condition(kind="family", text=text, family=OTHER[family] if negated else family)
    if kind in {"out", "in"}:
        named = tuple("lo" if value == "1" else value for value in named)
    if kind == "protocol" and set(named) <= PROTOCOLS:
        kind = "icmp"
    return Condition(kind=kind, values=named, is_negated=negated, text=text, family=family)


def _rules(table: _Table, rule: Mapping[str, Any]) -> Iterator[Rule]:  # noqa: C901 - one branch a statement
    chain = str(rule["chain"])
    conditions: list[Condition] = []
    packets: int | None = None
    text = f"{chain}: {json.dumps(_without_counters(rule.get('expr', [])), sort_keys=True)}"
    for statement in rule.get("expr", []):
        kind, value = _named(table, chain, statement)
        before = _rule(conditions)
        if kind == "match":
            conditions += _match(table, value)
        elif kind == "counter":
            packets = value.get("packets") if isinstance(value, Mapping) else None
        elif kind in LIMITS:
            conditions.append(Condition(kind="limit", text=json.dumps(statement, sort_keys=True)))
        elif kind == "log":
            options = value if isinstance(value, Mapping) else {}
            yield replace(before, log=_log(options, conditions, packets, text))
        elif kind in {"jump", "goto"}:
            yield replace(before, verdict=kind, target=str(value["target"]))
        elif kind == "vmap":
            yield from _verdict_map(table, value, conditions)
        elif kind == "reject":
            yield replace(_rule([*conditions, *_rejected(table, value, before, text)]), verdict="drop")
        elif kind in VERDICTS or kind in ENDS_WELL:
            yield replace(before, verdict=VERDICTS.get(kind, "accept"))
        elif kind not in GOES_ON:
            conditions.append(Condition(kind="unknown", text=json.dumps(statement, sort_keys=True)))
            if not (kind == "xt" and isinstance(value, Mapping) and value.get("type") == "match"):
                yield replace(_rule(conditions), verdict="unknown")


def _named(table: _Table, chain: str, statement: Any) -> tuple[str, Any]:
    """Return the kind of a statement and what it says. A chain without a name, which is text, gets one."""
    if not isinstance(statement, str):
        kind, value = next(iter(statement.items()))
        return str(kind), value
    match = re.fullmatch(r"\s*(jump|goto)\s*\{(.*)\}\s*", statement, re.DOTALL)
    if match is None:
        return "text", statement
    name = f"{chain} {{{len(table.chains)}}}"
    table.chains[name] = []
    for expressions in read_rules(match[2]):
        table.chains[name].extend(_rules(table, {"chain": name, "expr": expressions}))
    return match[1], {"target": name}


def _rejected(table: _Table, value: Any, before: Rule, text: str) -> list[Condition]:
    """Return the conditions that a statement `reject` brings with it, and that nft does not show."""
    if value is not None and not isinstance(value, Mapping):
        raise ValueError(f"no reject: {value!r:.80}")
    kind = str((value or {}).get("type", ""))
    hidden = [Condition(kind="unknown", text=f"reject of {text}")]
    if kind == "tcp reset":
        # In a table for both families, nft does not show before it to which of them the rule belongs.
        is_open = len(FAMILIES.get(table.family, ())) != 1 and not before.family
        is_said = any(one.kind == "protocol" and one.values == ("tcp",) for one in before.conditions)
        tcp = [] if is_said else [Condition(kind="protocol", values=("tcp",), text="tcp")]
        return [*tcp, *(hidden if is_open else [])]
    if kind not in REJECTS:
        return hidden
    family = REJECTS[kind]
    return [Condition(kind="family", text=kind, family=family)] if family else []


def _without_counters(expressions: Sequence[Any]) -> list[Any]:
    return [
        {"counter": None} if isinstance(one, Mapping) and "counter" in one else one for one in expressions
    ]


def _rule(conditions: Sequence[Condition], verdict: str = "") -> Rule:
    families = {one.family for one in conditions} - {""}
    family = "none" if len(families) > 1 else next(iter(families), "")
    return Rule(conditions=frozenset(conditions), verdict=verdict, family=family)


def _log(
    options: Mapping[str, Any], conditions: Sequence[Condition], packets: int | None, text: str
) -> LogRule:
    return LogRule(
        prefix=str(options.get("prefix", "")),
        is_limited=any(one.kind == "limit" for one in conditions),
        packets=packets,
        group=str(options["group"]) if "group" in options else "",
        text=text,
    )


def _verdict_map(table: _Table, value: Mapping[str, Any], conditions: Sequence[Condition]) -> Iterator[Rule]:
    """Yield one rule for each element of a verdict map."""
    elements = table.elements(value.get("data"))
    unread = Condition(kind="unknown", text=json.dumps(value, sort_keys=True))
    for element in [None] if elements is None else elements:
        if not isinstance(element, list) or len(element) != 2:
            yield _rule([*conditions, unread], "unknown")
            continue
        key, verdict = element
        match = {"op": "==", "left": value.get("key"), "right": {"set": [key]}}
        when = [*conditions, *_match(table, match)]
        kind: str = next(iter(verdict))
        inner = verdict[kind]
        if kind in {"jump", "goto"}:
            yield replace(_rule(when, kind), target=str(inner["target"]))
        elif kind != "continue":
            yield _rule(when, VERDICTS.get(kind, "unknown"))


@reads
def parse_nft(text: str) -> list[BaseChain]:
    """Return the base chains that filter, from what `nft -j list ruleset` printed.

    Raises:
        Unobservable: `parse`, when it is not that tool's JSON.

    """
    try:
        items = [next(iter(item.items())) for item in json.loads(text)["nftables"]]
        tables: dict[tuple[str, str], _Table] = {}
        for kind, value in items:  # sets may come behind the rules that name them
            _declare(tables, kind, value)
        for kind, value in items:
            if kind == "rule":
                table = tables[value["family"], value["table"]]
                table.chains[value["chain"]].extend(_rules(table, value))
        return [base for table in tables.values() if not table.is_dormant for base in _base_chains(table)]
    except MALFORMED as error:
        raise Unobservable("parse", f"nft printed no rule set in JSON: {error!r}") from None


def _declare(tables: dict[tuple[str, str], _Table], kind: str, value: Any) -> None:
    if kind == "metainfo":
        return
    family, name = value["family"], value.get("table", value["name"] if kind == "table" else "")
    if family not in KNOWN_FAMILIES or not isinstance(name, str):
        raise ValueError(f"no table: {family!r} {name!r}")
    table = tables.setdefault((family, name), _Table(family, name))
    if kind == "table":
        table.is_dormant = _is_dormant(value.get("flags"))
    elif kind == "chain":
        table.chains.setdefault(value["name"], [])
        if value.get("type") != "nat" and value.get("hook") in HOOKS.values():
            table.hooks.append(
                (value["name"], value["hook"], value.get("policy", "accept"), int(value.get("prio", 0)))
            )
    elif kind in {"set", "map"}:
        flags = value.get("flags") or ()
        moves = "dynamic" in (flags if isinstance(flags, list) else [flags])
        elements = value.get("elem", [])
        if not isinstance(elements, list):
            raise ValueError(f"no elements: {elements!r:.80}")
        table.sets[value["name"]] = None if moves else elements


def _base_chains(table: _Table) -> Iterator[BaseChain]:
    for chain, hook, policy, priority in table.hooks:
        if table.family in FAMILIES:
            yield BaseChain(
                name=f"nft {table.family} {table.name} {chain}",
                families=FAMILIES[table.family],
                table=table.name,
                chain=chain,
                hook=hook,
                policy="drop" if policy == "drop" else "accept",
                priority=priority,
                chains=table.chains,
            )
