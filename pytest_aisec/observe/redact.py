"""Credentials never enter a transcript: known shapes are replaced by a mark as an answer comes in.

A mark is `«redacted:kind:8-hex-of-sha256»`: equal credentials give equal marks, and the controls that look
for leaked credentials look for marks.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache, partial
from types import MappingProxyType
from typing import Any, NamedTuple

from pytest_aisec.observe.shapes import SECRET_NAME, SHAPES

MARK = re.compile(r"«redacted:(?P<kind>[a-z0-9-]+):(?P<digest>[0-9a-f]{8})»")

_PATTERNS: tuple[tuple[str, tuple[str, ...], re.Pattern[str]], ...] = tuple(
    (kind, tuple(words.split()), re.compile(shape, re.MULTILINE)) for kind, words, shape in SHAPES
)
_SECRET_NAME = re.compile(SECRET_NAME)

_HARMLESS = re.compile(
    r"(?i)[x*.<>$_{}()\[\]-]+|no|yes|true|false|none|null|prohibit-password|without-password|required|requisite"
    r"|sufficient|optional|include|substack|disabled|enabled|\[\w+=\S*|(?-i:\$\{[A-Z_][A-Z0-9_]*\}|\$[A-Z_][A-Z0-9_]*)"
)
"""What stands where a password could stand in configuration files, and is none."""

_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")
"""What stands there in a program: `config.token`."""

_SPECIAL = re.compile(
    r"(?i)(?:^|[\W_])(?:bos|eos|pad|unk|sep|cls|mask|image|audio|video|start|end|special)_token\b"
)
"""A word of a tokenizer."""

_HARMLESS_IN = frozenset({"password", "token", "basic-auth", "bearer"})

_LOOKS_LIKE = str.maketrans({"\u0130": "i", "\u0131": "i", "\u017f": "s", "\u212a": "k"})
"""The letters that are an ASCII letter to `re.IGNORECASE` and not to `str.lower`."""

_KINDS = frozenset(shape.kind for shape in SHAPES)
_LEAST_KNOWN = 8
"""Letters of a password that is looked for wherever it stands: a shorter one may stand in any word."""


class Own(NamedTuple):
    """A pattern of the user's."""

    kind: str
    pattern: re.Pattern[str]


class _Extra:
    """What this process looks for besides the known shapes."""

    own: tuple[Own, ...] = ()
    literals: Mapping[str, str] = MappingProxyType({})
    """Credential → kind."""


def kinds() -> frozenset[str]:
    """Return the kinds of the known shapes."""
    return _KINDS


def use(own: Iterable[Own]) -> None:
    """Look for these patterns, too, and for no others of the user's."""
    _Extra.own = tuple(own)
    _redact_once.cache_clear()


def forget() -> None:
    """Look for the known shapes alone, as in the beginning."""
    _Extra.literals = MappingProxyType({})
    use(())


def know(kind: str, secret: object) -> None:
    """Redact this credential wherever it stands, unless it is a mere word: mere words must stay."""
    text = str(secret or "")
    if len(text) >= _LEAST_KNOWN and not text.isalpha() and not MARK.search(text):
        _Extra.literals = MappingProxyType({**_Extra.literals, text: kind})
        _redact_once.cache_clear()


def mark(kind: str, secret: str) -> str:
    """Return the mark that stands for `secret`."""
    return f"«redacted:{kind}:{hashlib.sha256(secret.encode('utf-8', 'surrogateescape')).hexdigest()[:8]}»"


def redact(text: str) -> str:
    """Return `text` with every known shape of a credential replaced by its mark.

    Redacting twice gives the same text as redacting once.
    """
    return _redact_once(text) if len(text) < _SHORT else _redact(text)


_SHORT = 16 * 1024
"""Characters of a text that may come again, such as a command."""


@lru_cache(maxsize=1024)
def _redact_once(text: str) -> str:
    return _redact(text)


def _redact(text: str) -> str:
    lower = text.lower().translate(_LOOKS_LIKE)
    shapes = [item for item in _PATTERNS if any(word in lower for word in item[1])]
    before = None
    while text != before:  # a mark ends a word, so that one more credential may begin after it
        before = text
        for literal, kind in _Extra.literals.items():
            text = _outside(text, partial(_take_literal, literal, kind))
        for kind, pattern in _Extra.own:
            text = _take_own(text, kind, pattern)
        for kind, _, pattern in shapes:
            text = pattern.sub(lambda match, kind=kind: _replace(kind, match), text)  # type: ignore[misc]
    return text


def _take_literal(literal: str, kind: str, part: str) -> str:
    return part.replace(literal, mark(kind, literal))


def _outside(text: str, change: Callable[[str], str]) -> str:
    """Return `text` with everything changed that stands outside of marks."""
    pieces, end = [], 0
    for found in MARK.finditer(text):
        pieces += [change(text[end : found.start()]), found.group()]
        end = found.end()
    return "".join([*pieces, change(text[end:])])


def _take_own(text: str, kind: str, pattern: re.Pattern[str]) -> str:
    """Replace what a pattern of the user's finds outside of marks; no line and no argument is lost."""

    def taken(part: str) -> Iterator[str]:
        end = 0
        for match in pattern.finditer(part):
            start, stop = _span(match)
            if start < stop:
                yield part[end:start]
                yield _BREAKS.sub(lambda found: mark(kind, found.group()), part[start:stop])
                end = stop
        yield part[end:]

    return _outside(text, lambda part: "".join(taken(part)))


_BREAKS = re.compile(r"[^\n\r\x00]+")
"""What a mark takes the place of: never of what separates lines and arguments."""


def redact_bytes(data: bytes) -> bytes:
    """Return `data` redacted; bytes that are not UTF-8 pass unchanged."""
    if not data:
        return data
    text = data.decode("utf-8", "surrogateescape")
    redacted = _redact(text)
    return data if redacted == text else redacted.encode("utf-8", "surrogateescape")


def _span(match: re.Match[str]) -> tuple[int, int]:
    """Return where in the text the credential of a match is."""
    for group in ("s", "s1", "s2", "s3"):
        if group in match.re.groupindex and match.group(group) is not None:
            return match.span(group)
    return match.span()


def _replace(kind: str, match: re.Match[str]) -> str:
    whole, begin = match.group(), match.start()
    start, end = _span(match)
    secret = whole[start - begin : end - begin]
    if kind in _HARMLESS_IN and _HARMLESS.fullmatch(secret):
        return whole
    if kind == "token" and (_NAME.fullmatch(secret) or _SPECIAL.search(whole[: start - begin])):
        return whole
    return whole[: start - begin] + mark(kind, secret) + whole[end - begin :]


def redact_value(name: str, value: Any) -> Any:
    """Return the value of a setting, redacted; all of it where its name says that it is a credential."""
    if not isinstance(value, str):
        return value
    is_secret = len(value) >= 6 and _SECRET_NAME.fullmatch(name) and not _HARMLESS.fullmatch(value)
    return mark("password", value) if is_secret and not MARK.search(value) else redact(value)
