"""Rules that `nft -j` prints as text, such as those of chains without a name, as the JSON of others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

__all__ = ["read_rules"]

_TOKEN = re.compile(r'"[^"]*"|::[0-9a-fA-F:./]*|[{}:,]|!=|==|[^\s{}:,"](?:[^\s{}",]*[^\s{}",:])?')
_PAYLOADS = frozenset({"ip", "ip6", "tcp", "udp", "udplite", "sctp", "dccp", "th", "icmp", "icmpv6"})
_BARE = frozenset({"oif", "oifname", "iif", "iifname"})
_KEYS = frozenset({"l4proto", "mark", "nfproto", "pkttype", "protocol", "skgid", "skuid"})
_VERDICTS = frozenset({"accept", "drop", "return", "continue"})
_REJECTS = frozenset({"icmp", "icmpv6", "icmpx"})
_LOG_OPTIONS = frozenset({"group", "level", "prefix", "queue-threshold", "snaplen"})


class _Unread(Exception):
    """The text is in no form that is known here."""


class _Tokens:
    """The words of one rule."""

    def __init__(self, text: str) -> None:
        self._words: list[str] = _TOKEN.findall(text)
        self._at = 0
        if "".join(self._words) != re.sub(r'("[^"]*")|\s+', r"\1", text):
            raise _Unread

    def peek(self) -> str:
        return self._words[self._at] if self._at < len(self._words) else ""

    def next(self) -> str:
        word = self.peek()
        if not word:
            raise _Unread
        self._at += 1
        return word

    def takes(self, *wanted: str) -> bool:
        if self._words[self._at : self._at + len(wanted)] != list(wanted):
            return False
        self._at += len(wanted)
        return True


def read_rules(text: str) -> list[list[dict[str, Any]]]:
    """Return the statements of each rule; those of a rule that cannot be read are one, named `text`."""
    return [_rule(line) for line in _lines(text)]


def _lines(text: str) -> Iterator[str]:
    """Yield one rule after another: what stands in braces goes on over the ends of lines."""
    parts: list[str] = []
    braces, unended, is_quoted = 0, 0, False
    for part in map(str.strip, text.splitlines()):
        parts += [part] if part else []
        for number, piece in enumerate(part.split('"')):
            if number:
                unended, is_quoted = 0, not is_quoted
            opened = piece.count("{") - piece.count("}")
            braces, unended = (braces, unended + opened) if is_quoted else (braces + opened, 0)
        if parts and braces + unended <= 0:
            yield " ".join(parts)
            parts, braces, unended, is_quoted = [], 0, 0, False
    if parts:
        yield " ".join(parts)


def _rule(line: str) -> list[dict[str, Any]]:
    try:
        tokens = _Tokens(line)
        found: list[dict[str, Any]] = []
        while tokens.peek():
            found += _statement(tokens)
    except _Unread:
        return [{"text": line}]
    return found


def _statement(tokens: _Tokens) -> list[dict[str, Any]]:
    word = tokens.peek()
    if word in _VERDICTS:
        return [{tokens.next(): None}]
    if word in {"jump", "goto"}:
        return [{tokens.next(): {"target": _word(tokens)}}]
    if tokens.takes("comment"):
        tokens.next()
        return []
    if tokens.takes("counter"):
        return [{"counter": _counts(tokens)}]
    if tokens.takes("limit", "rate"):
        return [{"limit": _limit(tokens)}]
    if tokens.takes("log"):
        return [{"log": _log(tokens)}]
    if tokens.takes("reject"):
        return [{"reject": _reject(tokens)}]
    return [_match(tokens)]


def _word(tokens: _Tokens) -> str:
    word = tokens.next()
    if word in {"{", "}", ":", ",", "!=", "=="}:
        raise _Unread
    return word.strip('"')


def _counts(tokens: _Tokens) -> dict[str, int] | None:
    if not tokens.takes("packets"):
        return None
    packets = _number(tokens)
    if not tokens.takes("bytes"):
        raise _Unread
    return {"packets": packets, "bytes": _number(tokens)}


def _number(tokens: _Tokens) -> int:
    word = tokens.next()
    if not re.fullmatch(r"[0-9]{1,20}", word):
        raise _Unread
    return int(word)


def _limit(tokens: _Tokens) -> dict[str, str]:
    tokens.takes("over")
    rate = _word(tokens)
    if not re.fullmatch(r"[0-9]+/(second|minute|hour|day|week)", rate):
        raise _Unread
    if tokens.takes("burst"):
        _number(tokens)
        if not tokens.takes("packets"):
            raise _Unread
    return {"rate": rate}


def _log(tokens: _Tokens) -> dict[str, str]:
    options: dict[str, str] = {}
    while tokens.peek() in _LOG_OPTIONS:
        name = tokens.next()
        options[name] = _word(tokens)
    return options


def _reject(tokens: _Tokens) -> dict[str, str] | None:
    if not tokens.takes("with"):
        return None
    if tokens.takes("tcp", "reset"):
        return {"type": "tcp reset"}
    kind = tokens.next()
    if kind not in _REJECTS:
        raise _Unread
    tokens.takes("type")
    return {"type": kind, "expr": _word(tokens)}


def _selector(tokens: _Tokens) -> dict[str, Any]:
    word = tokens.next()
    if word in _BARE:
        return {"meta": {"key": word}}
    if word == "meta" and tokens.peek() in _KEYS | _BARE:
        return {"meta": {"key": tokens.next()}}
    if word == "ct" and tokens.takes("state"):
        return {"ct": {"key": "state"}}
    if word == "fib" and tokens.takes("daddr", "type"):
        return {"fib": {"result": "type", "flags": ["daddr"]}}
    if word in _PAYLOADS:
        return {"payload": {"protocol": word, "field": _word(tokens)}}
    raise _Unread


def _match(tokens: _Tokens) -> dict[str, Any]:
    left = [_selector(tokens)]
    while tokens.takes("."):
        left.append(_selector(tokens))
    key = left[0] if len(left) == 1 else {"concat": left}
    if tokens.takes("vmap"):
        return {"vmap": {"key": key, "data": {"set": list(_mapped(tokens, len(left)))}}}
    op = "!=" if tokens.takes("!=") else "=="
    if tokens.takes("{"):
        return {"match": {"op": op, "left": key, "right": {"set": list(_elements(tokens, len(left)))}}}
    value = _value(tokens, len(left))
    several = [value]
    while tokens.takes(","):
        several.append(_value(tokens, 1))
    if len(several) > 1 and key != {"ct": {"key": "state"}}:
        raise _Unread
    return {"match": {"op": op, "left": key, "right": value if len(several) == 1 else several}}


def _value(tokens: _Tokens, columns: int) -> Any:
    parts = [_word(tokens)]
    for _ in range(columns - 1):
        if not tokens.takes("."):
            raise _Unread
        parts.append(_word(tokens))
    return parts[0] if columns == 1 else {"concat": parts}


def _elements(tokens: _Tokens, columns: int) -> Iterator[Any]:
    yield _value(tokens, columns)
    while tokens.takes(","):
        yield _value(tokens, columns)
    if not tokens.takes("}"):
        raise _Unread


def _mapped(tokens: _Tokens, columns: int) -> Iterator[list[Any]]:
    if not tokens.takes("{"):
        raise _Unread
    while True:
        value = _value(tokens, columns)
        if not tokens.takes(":"):
            raise _Unread
        verdict = tokens.next()
        if verdict in {"jump", "goto"}:
            yield [value, {verdict: {"target": _word(tokens)}}]
        elif verdict in _VERDICTS:
            yield [value, {verdict: None}]
        else:
            raise _Unread
        if tokens.takes("}"):
            return
        if not tokens.takes(","):
            raise _Unread
