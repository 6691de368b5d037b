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
from typing import Any, ClassVar, NamedTuple

from pytest_aisec.observe.redaction import blocks
from pytest_aisec.observe.redaction.blocks import Span
from pytest_aisec.observe.redaction.encodings import of_several_lines, readings, wrapped
from pytest_aisec.observe.redaction.families import Family, candidates, folded
from pytest_aisec.observe.redaction.patterns import SECRET_NAME, SHAPES

MARK = re.compile(r"«redacted:(?P<kind>[a-z0-9-]+):(?P<digest>[0-9a-f]{8})»")


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

_NAMED_KINDS = frozenset({"password", "token"})
_OF_A_FILE = re.compile(r"/[\w.-]*:[ \t]+\Z")
"""What ends before a complaint about a file: `/etc/pam.d/common-password: Permission denied`."""
_COMPLAINT = re.compile(r"/[\w.-]*['\u2019\"]: (?:Permission|Operation|No|Not|Is|Too|File|Input|Invalid)\b")
"""A complaint about a file in quotes, and how it goes on; a password that is such a word is none."""

_HARMLESS_IN = frozenset({"password", "token", "basic-auth", "bearer"})

_KINDS = frozenset(shape.kind for shape in SHAPES) | blocks.KINDS
_LEAST_KNOWN = 8
"""Letters of a password that is looked for wherever it stands: a shorter one may stand in any word."""


class Own(NamedTuple):
    """A pattern of the user's."""

    kind: str
    pattern: re.Pattern[str]


class _Extra:
    """Patterns and credentials that this process looks for besides the known shapes."""

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


def clear_secrets() -> None:
    """Look for the known shapes alone, as in the beginning."""
    _Extra.literals = MappingProxyType({})
    use(())


def register_secret(kind: str, secret: object) -> None:
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
    before = None
    while text != before:  # a mark ends a word, so that one more credential may begin after it
        before = text
        for literal, kind in _Extra.literals.items():
            if literal in text:
                text = _outside(text, partial(_take_literal, literal, kind))
        for kind, pattern in _Extra.own:
            text = _take_own(text, kind, pattern)
        text = _take_known(text)
    return text


def _take_known(text: str) -> str:
    """Replace the known shapes; every line that was looked at before, on any host, is not looked at again."""
    text = _cover(text, list(blocks.find(text)))
    text = _cover(
        text,
        [
            Span(*reading.place(start, end), kind, secret)
            for reading in of_several_lines(text, blocks.WORDS)
            for start, end, kind, secret in blocks.find(reading.text)
        ],
    )
    for reading in wrapped(text):
        found = _find_in_reading(reading.text, 1)
        text = _cover(
            text, [Span(*reading.place(start, end), kind, secret) for start, end, kind, secret in found]
        )
    lines = text.split("\n")
    fresh = [line for line in dict.fromkeys(lines) if line not in _Seen.clean]
    if not fresh:
        return text
    changed = {
        line: new for line, families in candidates(fresh) if (new := _take_line(line, families)) != line
    }
    _Seen.add(line for line in fresh if line not in changed)
    return "\n".join([changed.get(line, line) for line in lines]) if changed else text


class _Seen:
    """Lines without any credential."""

    clean: ClassVar[set[str]] = set()
    room = _ROOM = 8 * 1024 * 1024

    @classmethod
    def add(cls, lines: Iterable[str]) -> None:
        for line in lines:
            if len(line) < _LONG:
                cls.room -= len(line) + _ENTRY
                cls.clean.add(line)
        if cls.room < 0:
            cls.clean, cls.room = set(), cls._ROOM


_LONG = 1024 * 1024
_ENTRY = 100
"""What an entry costs besides its letters."""


def _take_line(line: str, families: list[Family]) -> str:
    """Return a line without its credentials."""
    before = None
    while line != before:
        before = line
        line = _cover(line, _find_on_line(line, families, deep=0))
    return line


def _find_on_line(line: str, families: list[Family], *, deep: int) -> list[Span]:
    lower = folded(line)
    spans = [
        span
        for family in families
        for match in family.pattern.finditer(lower if family.folded else line)
        if (span := _credential(family.kind, line, match))
    ]
    for reading in readings(line) if deep < _DEEPEST else ():
        for start, end, kind, secret in _find_in_reading(reading.text, deep + 1):
            spans.append(Span(*reading.place(start, end), kind, secret))
    return spans


_DEEPEST = 3
"""Encodings within each other that are read."""


def _find_in_reading(text: str, deep: int) -> Iterator[Span]:
    yield from blocks.find(text)
    at = 0
    for line, families in candidates(text.split("\n")):
        for span in _find_on_line(line, families, deep=deep):
            yield span._replace(start=at + span.start, end=at + span.end)
        at += len(line) + 1


def _cover(text: str, spans: list[Span]) -> str:
    """Return `text` with marks in place of what was found; what was found twice gets the first one's mark."""
    pieces: list[str] = []
    end = 0
    if spans and "«redacted:" in text:
        spans = blocks.beside(spans, [found.span() for found in MARK.finditer(text)])
    for start, stop, kind, secret in _merged(text, spans):
        pieces += [text[end:start], _marked(text[start:stop], mark(kind, secret))]
        end = stop
    return "".join([*pieces, text[end:]]) if pieces else text


def _merged(text: str, spans: list[Span]) -> Iterator[Span]:
    """Yield spans that do not overlap, in order, each as large as all that overlap."""
    group: list[tuple[Span, int]] = []
    stop = -1
    for span, rank in sorted(
        ((span, rank) for rank, span in enumerate(spans)), key=lambda item: item[0].start
    ):
        if group and span.start >= stop:
            yield _union(text, group, stop)
            group = []
        group.append((span, rank))
        stop = max(stop, span.end)
    if group:
        yield _union(text, group, stop)


def _union(text: str, group: list[tuple[Span, int]], stop: int) -> Span:
    start = group[0][0].start
    whole = [(rank, span) for span, rank in group if (span.start, span.end) == (start, stop)]
    if whole:
        return min(whole)[1]
    first = min((rank, span) for span, rank in group)[1]
    return Span(start, stop, first.kind, text[start:stop])


def _marked(part: str, with_mark: str) -> str:
    """Return the mark, once for each line and argument of `part`; what separates them stays."""
    if _BREAK.search(part) is None:
        return with_mark
    if re.search(r"[^\0]\0[^\0]\0", part):  # UTF-16
        return with_mark + "".join(_BREAK.findall(part))
    return _BREAKS.sub(with_mark, part)


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


_BREAK = re.compile(r"[\n\r\x00\v\f\x1c-\x1e\x85\u2028\u2029]")
_BREAKS = re.compile(r"[^\n\r\x00\v\f\x1c-\x1e\x85\u2028\u2029]+")
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


def _credential(kind: str, line: str, match: re.Match[str]) -> Span | None:
    """Return where the credential of a match is; None where it is none after all."""
    if "no" in match.re.groupindex and match["no"] is not None:
        return None
    start, end = _span(match)
    if line[end : end + 1] == '"' and (len(line[start:end]) - len(line[start:end].rstrip("\\"))) % 2:
        end -= 1  # it escapes the quotation mark, which would otherwise end a string of JSON
    secret = line[start:end]
    if kind in _HARMLESS_IN and _HARMLESS.fullmatch(secret):
        return None
    begin = max(0, match.start() - 60)
    if kind in _NAMED_KINDS and (
        _OF_A_FILE.search(line, begin, start)
        or ((found := _COMPLAINT.search(line, begin, end)) and found.end() == end)
    ):
        return None
    if kind == "token" and (_NAME.fullmatch(secret) or _SPECIAL.search(line, max(0, start - 40), start)):
        return None
    return Span(start, end, kind, secret)


def redact_value(name: str, value: Any) -> Any:
    """Return the value of a setting, redacted; all of it where its name says that it is a credential."""
    if not isinstance(value, str):
        return value
    is_secret = len(value) >= 6 and _SECRET_NAME.fullmatch(name) and not _HARMLESS.fullmatch(value)
    return mark("password", value) if is_secret and not MARK.search(value) else redact(value)
