"""Packet filter rules on the way out of the host: which log, and whether a packet gets to them."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_aisec.observe.backend import foresee
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["LogRule", "outbound_log_rules", "parse_iptables_save", "parse_nft"]

_DEEPEST = 32
"""Jumps within jumps; the kernel allows 16."""
_FINAL = frozenset({"ACCEPT", "DROP", "REJECT", "QUEUE", "NFQUEUE"})


@dataclass(frozen=True, kw_only=True)
class LogRule:
    """A rule that logs packets which the host sends, and that packets can get to."""

    prefix: str
    is_limited: bool
    """Whether a rate limit stands before the log."""
    text: str
    """The rule as its tool shows it."""


@dataclass(frozen=True, kw_only=True)
class _Step:
    """One rule, in terms that both tools share."""

    matches: frozenset[str]
    log: LogRule | None
    jump: str | None
    goes: bool
    """Whether the jump does not come back."""
    returns: bool
    ends: bool


def _reached(chains: Mapping[str, Sequence[_Step]], name: str) -> list[LogRule]:
    found: list[LogRule] = []
    decided: list[frozenset[str]] = []

    def walk(chain: str, path: frozenset[str], depth: int) -> bool:
        """Follow one chain; tell whether no packet of `path` comes back from it."""
        if depth > _DEEPEST:
            return False
        for step in chains.get(chain, ()):
            matches = path | step.matches
            if any(final <= matches for final in decided):
                if not step.matches:
                    return True
                continue
            if step.log is not None:
                found.append(step.log)
            over = walk(step.jump, matches, depth + 1) if step.jump else False
            if step.ends:
                decided.append(matches)
            if not step.matches and (step.ends or over):
                return True
            if not step.matches and (step.goes or step.returns):
                return False
        return False

    walk(name, frozenset(), 0)
    return found


def _conditions(words: Sequence[str]) -> Iterator[str]:
    """Split the part of a rule before its target into conditions, each with its negation and values."""
    current: list[str] = []
    for word in words:
        if word == "!" or (word.startswith("-") and current not in ([], ["!"])):
            if current:
                yield " ".join(current)
            current = []
        current.append(word)
    if current:
        yield " ".join(current)


def _iptables_step(line: str) -> tuple[str, _Step]:
    try:
        words = shlex.split(line)
    except ValueError:
        raise Unobservable("parse", f"not a rule of iptables-save: {line!r}") from None
    if words and words[0].startswith("["):
        words = words[1:]
    if len(words) < 2 or words[0] != "-A":
        raise Unobservable("parse", f"not a rule of iptables-save: {line!r}")
    at = next((i for i, word in enumerate(words) if word in {"-j", "-g"}), len(words))
    target = words[at + 1] if at + 1 < len(words) else ""
    options = words[at + 2 :]
    conditions = [
        condition for condition in _conditions(words[2:at]) if not condition.startswith(("-m ", "--comment "))
    ]
    limited = any("limit" in condition for condition in conditions) or "-m limit" in " ".join(words[2:at])
    log = None
    stays_inside = any(
        condition in {"-o lo", "-d 127.0.0.0/8", "-d 127.0.0.1/32", "-d ::1/128"} for condition in conditions
    )
    if target in {"LOG", "NFLOG"} and not stays_inside:
        option = "--log-prefix" if target == "LOG" else "--nflog-prefix"
        prefix = options[options.index(option) + 1] if option in options[:-1] else ""
        log = LogRule(prefix=prefix, is_limited=limited, text=line.strip())
    known = target in _FINAL | {"LOG", "NFLOG", "RETURN", ""}
    return words[1], _Step(
        matches=frozenset(conditions),
        log=log,
        jump=None if known else target,
        goes=words[at] == "-g" if at < len(words) else False,
        returns=target == "RETURN",
        ends=target in _FINAL,
    )


def parse_iptables_save(text: str) -> list[LogRule]:
    """Return the log rules that outbound packets get to, from what `iptables-save` printed.

    Raises:
        Unobservable: `parse`, when a line is none of its format or a table is not whole.

    """
    found: list[LogRule] = []
    chains: dict[str, list[_Step]] | None = None
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("*"):
            chains = {}
        elif chains is None:
            raise Unobservable("parse", f"not a line of iptables-save: {line!r}")
        elif line.startswith(":"):
            chains.setdefault(line[1:].split()[0], [])
        elif line.strip() == "COMMIT":
            found += _reached(chains, "OUTPUT")
            chains = None
        else:
            name, step = _iptables_step(line)
            chains.setdefault(name, []).append(step)
    if chains is not None:
        raise Unobservable("truncated", "iptables-save ended inside a table")
    return found


def _targets(value: Any) -> Iterator[str]:
    """Yield the chains that a verdict map sends packets to."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key in {"jump", "goto"} and isinstance(inner, Mapping) and "target" in inner:
                yield str(inner["target"])
            else:
                yield from _targets(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _targets(inner)


def _nft_steps(rule: Mapping[str, Any], chain: str) -> Iterator[_Step]:
    matches: set[str] = set()
    limited = False
    inside = False
    text = json.dumps(rule.get("expr", []), sort_keys=True)
    for number, statement in enumerate(rule.get("expr", [])):
        kind, value = next(iter(statement.items()))
        step: dict[str, Any] = {"log": None, "jump": None, "goes": False, "returns": False, "ends": False}
        if kind == "log":
            prefix = (value or {}).get("prefix", "") if isinstance(value, Mapping) else ""
            if not inside:
                step["log"] = LogRule(prefix=prefix, is_limited=limited, text=f"{chain}: {text}")
        elif kind in {"accept", "drop", "reject", "queue"}:
            step["ends"] = True
        elif kind == "return":
            step["returns"] = True
        elif kind in {"jump", "goto"}:
            step |= {"jump": str(value["target"]), "goes": kind == "goto"}
        elif kind == "vmap":
            for target in _targets(value):
                yield _Step(
                    matches=frozenset({*matches, f"vmap {number} {target}"}), **(step | {"jump": target})
                )
            continue
        elif kind == "counter":
            continue
        else:
            condition = json.dumps(statement, sort_keys=True)
            limited = limited or kind == "limit"
            inside = inside or _is_loopback(statement)
            matches.add(condition)
            continue
        yield _Step(matches=frozenset(matches), **step)


def _is_loopback(statement: Mapping[str, Any]) -> bool:
    match = statement.get("match")
    if not isinstance(match, Mapping) or match.get("op") not in {"==", "in"}:
        return False
    left, right = json.dumps(match.get("left")), json.dumps(match.get("right"))
    return ('"oif' in left and right in {'"lo"', "1"}) or (
        '"daddr"' in left and ('"127.' in right or right == '"::1"')
    )


def _is_dormant(flags: Any) -> bool:
    """Tell whether a table is switched off. nft 1.0.6 prints the table's name where its flags belong."""
    names = {flags} if isinstance(flags, str) else set(flags or ())
    return not names <= {"owner", "persist"}


def parse_nft(text: str) -> list[LogRule]:
    """Return the log rules that outbound packets get to, from what `nft -j list ruleset` printed.

    Raises:
        Unobservable: `parse`, when it is not that tool's JSON.

    """
    try:
        items = json.loads(text)["nftables"]
        dormant: set[tuple[str, str]] = set()
        chains: dict[tuple[str, str], dict[str, list[_Step]]] = {}
        hooks: list[tuple[str, str, str]] = []
        for item in items:
            kind, value = next(iter(item.items()))
            if kind == "table" and _is_dormant(value.get("flags")):
                dormant.add((value["family"], value["name"]))
            elif kind == "chain":
                chains.setdefault((value["family"], value["table"]), {}).setdefault(value["name"], [])
                if value.get("hook") == "output" and value["family"] in {"ip", "ip6", "inet"}:
                    hooks.append((value["family"], value["table"], value["name"]))
            elif kind == "rule":
                table = chains.setdefault((value["family"], value["table"]), {})
                table.setdefault(value["chain"], []).extend(_nft_steps(value, value["chain"]))
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration) as error:
        raise Unobservable("parse", f"nft printed no rule set in JSON: {error}") from None
    return [
        rule
        for family, table, name in hooks
        if (family, table) not in dormant
        for rule in _reached(chains[family, table], name)
    ]


def _ask(host: Host, command: str) -> str | None:
    """Return what a tool printed, `None` where it is not installed."""
    try:
        result = host.run(command)
    except Unobservable as fault:
        if fault.reason == "tool_missing":
            return None
        raise
    if result.rc == 0 and not result.stderr.strip():
        return str(result.stdout)
    detail = result.stderr.strip().partition("\n")[0]
    if "not permitted" in detail or "ermission denied" in detail:
        raise Unobservable("privilege", detail)
    if "Protocol not supported" in detail:
        return ""
    if result.rc == 0 and "iptables-legacy" in detail:
        raise Unobservable("unreadable", detail)
    raise Unobservable("unreadable", f"{command}: {detail or f'exit status {result.rc}'}")


def outbound_log_rules(host: Host) -> list[LogRule]:
    """Return the rules that log outbound packets before these are decided about; only root sees them.

    Rules that iptables keeps in nftables are read through iptables, and seen once by each tool at most: they
    are evidence of logging, not a number.

    Raises:
        Unobservable: `privilege` for anybody but root; `tool_missing` when rules may exist that no
            installed tool shows.

    """
    foresee(host, "id -u", "nft -j list ruleset", "iptables-save", "ip6tables-save")
    who = host.run("id -u")
    if who.stdout.strip() != "0":
        raise Unobservable("privilege", "only root sees the rules of the packet filter")
    nft = _ask(host, "nft -j list ruleset")
    saves = [_ask(host, "iptables-save"), _ask(host, "ip6tables-save")]
    found = parse_nft(nft) if nft else []
    found += [rule for save in saves if save for rule in parse_iptables_save(save)]
    if found:
        return found
    if nft is None and all(save is None for save in saves):
        raise Unobservable("tool_missing", "neither nft nor iptables-save is installed")
    if nft is None:
        raise Unobservable("tool_missing", "nft is not installed: rules that only it shows cannot be seen")
    if saves[0] is None and '"xt"' in nft:
        raise Unobservable(
            "tool_missing", "iptables-save is not installed, and nft does not show all of its rules"
        )
    return []
