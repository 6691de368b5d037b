"""Conditions of packet filters that rule sets do not decide, and whether connections meet them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_aisec.facts.core.formats import MALFORMED
from pytest_aisec.facts.network.filter_rules import Condition

__all__ = ["SOME", "UNCLEAR", "Hold", "ordinarily"]


@dataclass(frozen=True, kw_only=True)
class Hold:
    """For which packets a condition holds, as far as can be told."""

    some_do: bool
    """Whether it surely holds for some packet of a connection to another host."""
    some_do_not: bool
    """Whether there surely is one for which it does not hold."""

    @property
    def opposite(self) -> Hold:
        """What `!` makes of it."""
        return Hold(some_do=self.some_do_not, some_do_not=self.some_do)


SOME = Hold(some_do=True, some_do_not=True)
UNCLEAR = Hold(some_do=False, some_do_not=False)
_USUAL = Hold(some_do=True, some_do_not=False)
_UNUSUAL = _USUAL.opposite
_FLAGS = ({"SYN"}, {"ACK"}, {"ACK", "PSH"}, {"ACK", "FIN"})
"""What the packets of a connection carry, from its first on."""
_ALL_FLAGS = frozenset({"SYN", "ACK", "FIN", "RST", "URG", "PSH"})
_UNUSUAL_OPTIONS = ("--string", "--hex-string", "--physdev-", "--path", "--cgroup")
_MODIFIERS = ("--suppl-groups", "--strict", "--dir", "--limit-iface", "--algo", "--kerneltz", "--icase")
"""They narrow the condition beside them, which is judged itself."""


def ordinarily(one: Condition) -> Hold | bool:
    """Tell whether ordinary packets meet a condition: all, none, some, or who knows which.

    A packet is ordinary when it is whole, belongs to a TCP connection that this host opened, and nobody has
    marked it.
    """
    if one.kind == "limit":
        return SOME
    if one.text.startswith("{"):
        return _of_nft(one.text)
    option, *values = one.text.removeprefix("! ").split(" ")
    return _maybe_opposite(_of_iptables(option, values), is_opposite=one.text.startswith("! "))


def _maybe_opposite(meant: Hold | bool, *, is_opposite: bool) -> Hold | bool:  # noqa: FBT001 - a truth value
    if not is_opposite:
        return meant
    return not meant if isinstance(meant, bool) else meant.opposite


def _of_iptables(option: str, values: list[str]) -> Hold | bool:
    if option in {"-f", "--fragment", "--mac-source"}:
        return False
    if option.startswith(_MODIFIERS):
        return True
    if option == "--syn":
        return SOME
    if option == "--tcp-flags" and len(values) == 2:
        return _flags(*values)
    if option in {"--mark", "--ctmark", "--dscp", "--tos"} and values:
        return _number(values[0])
    if option == "--src-type":
        return bool({"LOCAL", "UNICAST", "UNSPEC"} & {v for word in values for v in word.upper().split(",")})
    if option == "--pol":
        return _USUAL if values == ["none"] else _UNUSUAL
    if option == "--ctdir":
        return SOME if values == ["ORIGINAL"] else _UNUSUAL
    return _UNUSUAL if option.startswith(_UNUSUAL_OPTIONS) else UNCLEAR


def _flags(mask: str, wanted: str) -> Hold | bool:
    names = [frozenset(text.upper().split(",")) - {"NONE"} for text in (mask, wanted)]
    looked, needed = (_ALL_FLAGS if one == {"ALL"} else one for one in names)
    held = [flags & looked == needed for flags in _FLAGS]
    return all(held) if all(held) or not any(held) else SOME


def _number(text: str) -> Hold:
    """Tell of a mark, which is 0 where nothing sets one, as `VALUE/MASK`."""
    value, _, mask = text.partition("/")
    try:
        wanted = int(value, 0) & (int(mask, 0) if mask else -1)
    except ValueError:
        return UNCLEAR
    return _UNUSUAL if wanted else _USUAL


def _of_nft(text: str) -> Hold | bool:
    try:
        match = json.loads(text)
        left, right, op = match["left"], match["right"], match["op"]
        ((what, value),) = left.items()
        meant = _LEFTS.get(what, _unclear)(value, right)
    except MALFORMED:
        return UNCLEAR
    if op not in {"==", "!=", "in"}:
        return UNCLEAR
    return _maybe_opposite(meant, is_opposite=op == "!=")


def _unclear(_: Any, __: Any) -> Hold:
    return UNCLEAR


def _key(value: Mapping[str, Any], right: Any) -> Hold | bool:
    """Tell of `meta` and `ct`."""
    if value["key"] == "mark" and isinstance(right, int):
        return _number(str(right))
    if value["key"] == "direction":
        return SOME if right == "original" else _UNUSUAL
    return _UNUSUAL if value["key"] == "cgroup" else UNCLEAR


def _payload(value: Mapping[str, Any], right: Any) -> Hold | bool:
    name, protocol = value["field"], value["protocol"]
    if name == "dscp":
        return _USUAL if right in {0, "cs0"} else _UNUSUAL
    if protocol == "tcp" and name == "flags" and right in {"syn", "ack"}:
        return SOME
    return False if re.match(r"udp|sctp|dccp|icmp|igmp", protocol) else UNCLEAR


def _masked(value: list[Any], right: Any) -> Hold | bool:
    """Tell of `tcp flags & (syn | ack) == syn` and of `meta mark & 0xff == 1`."""
    inner, mask = value
    ((what, field),) = inner.items()
    if what in {"meta", "ct"} and field["key"] == "mark" and isinstance(right, int):
        return _number(str(right))
    if what == "payload" and field == {"protocol": "tcp", "field": "flags"}:
        words = [",".join(one) if isinstance(one, list) else str(one) for one in (mask, right)]
        known = all(word.upper() in _ALL_FLAGS for text in words for word in text.split(","))
        return _flags(words[0], words[1]) if known else UNCLEAR
    return UNCLEAR


def _route(value: Mapping[str, Any], right: Any) -> Hold | bool:
    is_own = value["result"] == "type" and value["flags"] in ("saddr", ["saddr"])
    return right in {"local", "unicast"} if is_own else UNCLEAR


_LEFTS: Mapping[str, Callable[[Any, Any], Hold | bool]] = {
    "meta": _key,
    "ct": _key,
    "payload": _payload,
    "&": _masked,
    "fib": _route,
}
