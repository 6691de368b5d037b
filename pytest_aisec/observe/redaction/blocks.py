"""Credentials that take several lines: keys in PEM, vaults of Ansible, secrets of Kubernetes.

What is found are pieces of single lines, so that no line ends elsewhere than before.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import NamedTuple


class Span(NamedTuple):
    """A credential, or the part of one that is on this line."""

    start: int
    end: int
    kind: str
    secret: str
    """All of it, as it was before it was encoded."""


KINDS = frozenset(
    {"private-key", "private-key-data", "ansible-vault", "wandb", "password", "kubernetes-secret"}
)
WORDS = ("PRIVATE KEY", "Private-Lines: ", "$ANSIBLE_VAULT", "wandb.ai", "Password>", "Secret")
"""One of these stands in what takes several lines, but in a key without its first and last."""
_MOST_LINES = 400
_LABEL = r"(?:[A-Z0-9]{1,16} ){0,4}PRIVATE KEY(?: BLOCK)?-----"
_EDGE = re.compile(rf"-----(?:BEGIN|END) {_LABEL}")
_BREAK = r"(?:\\+[nrt]|\\+u000[aAdD]|%0[AaDd]|[ \t\r])"
_LETTER = r"(?:[A-Za-z0-9+/=]|%2[BbFf]|%3[Dd])"
_INLINE = re.compile(
    rf"(?:{_BREAK}|(?:Proc-Type|DEK-Info): [A-Z0-9,-]{{1,80}}|{_LETTER}{{16,}}+)*+"
    rf"(?:{_LETTER}{{1,15}}+(?={_BREAK}{{0,8}}(?:-----END |"
    rf"[\"'\x00\n]|\Z)))?{_BREAK}{{0,8}}+(?P<tail>-----END {_LABEL})?"
)
"""What follows the first line of a key on that line, when its lines are joined."""
_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_HEX = "0123456789abcdef"
_SUBHEAD = re.compile(r"(?:Proc-Type|DEK-Info|Version|Comment|Hash|Charset|Encryption|MAC): ")
_WHOLE = 40
"""Letters from which on a line can be nothing but a line of a key."""
_MOST_HEADERS = 4
_LONGEST = 1000
"""Letters of a line that can be one of a key."""
_SOME = 16
"""Letters of the only line of a key that is cut off."""

_DATA = re.compile(
    r"(?:b3BlbnNzaC1rZXktdjE|MII[A-Za-z0-9+/]{3}IBA[A-D]|MHcCAQEE|MIGkAgEBBD)[A-Za-z0-9+/]{16,}+={0,2}"
)
_VAULT = re.compile(r"\$ANSIBLE_VAULT;[0-9.]{1,8};AES256[^\n\x00]{0,80}\n")
_PUTTY = re.compile(r"Private-Lines: \d{1,4}\r?\n")
_NETRC = re.compile(
    r"machine (?:api\.)?wandb\.ai\s{1,8}login\s{1,8}\S{1,64}\s{1,8}password\s{1,8}(?P<s>[0-9a-f]{40})\b"
)
_XML = re.compile(r"<\w{0,40}Password>\s{0,40}<Value>(?P<s>[^<>«»\s\x00]{4,})(?=<)")
_IS_SECRET = re.compile(r"^[ ]{0,16}kind:[ ]{1,4}[\"']?Secret[\"']?\s{0,4}$", re.MULTILINE)
_DATA_OF_SECRET = re.compile(r"(?P<indent>[ ]{0,16})(?:data|stringData):\s{0,4}$")
_ENTRY_OF_SECRET = re.compile(
    r"(?P<indent>[ ]{1,32})[\w.\"'-]{1,253}:[ ]{1,4}(?P<s>[^\s«»\x00][^\n«»\x00]{3,}?)\s{0,4}$"
)
_JSON_SECRET = re.compile(r"\"kind\"\s{0,8}:\s{0,8}\"Secret\"")
_JSON_DATA = re.compile(r"\"(?:data|stringData)\"\s{0,8}:\s{0,8}\{(?P<of>[^{}\x00]{0,65536}+)\}")
_JSON_VALUE = re.compile(r":\s{0,8}\"(?P<s>[^\"\\«»\n\r\x00]{4,})\"")


def find(text: str) -> Iterator[Span]:  # noqa: C901 - one question for each kind of block, cheap first
    """Yield what is found, in no order; pieces may overlap."""
    if "PRIVATE KEY" in text:
        yield from _pem(text)
    if "MII" in text or "b3BlbnNzaC1rZXktdjE" in text or "MHcCAQEE" in text or "MIGkAgEBBD" in text:
        done = 0
        for found in _DATA.finditer(text):
            if found.start() < done or not text.startswith(("\n", "\r\n"), found.end()):
                continue
            first = Span(found.start(), found.end(), "private-key-data", "")
            line = text.find("\n", found.end())
            pieces = [first, *_lines(text, line, _BASE64, "private-key-data")]
            done = pieces[-1].end
            yield from _whole(text, pieces)
    if "Private-Lines: " in text:
        for found in _PUTTY.finditer(text):
            yield from _whole(text, [*_lines(text, found.end() - 1, _BASE64, "private-key")])
    if "$ANSIBLE_VAULT" in text:
        for found in _VAULT.finditer(text):
            yield from _whole(text, [*_lines(text, found.end() - 1, _HEX, "ansible-vault")])
    if "wandb.ai" in text:
        yield from (_group(found, "wandb") for found in _NETRC.finditer(text))
    if "Password>" in text:
        yield from (_group(found, "password") for found in _XML.finditer(text))
    if "Secret" in text:
        yield from _kubernetes(text)


def beside(spans: list[Span], marks: list[tuple[int, int]]) -> list[Span]:
    """Return what takes more than marks, and no part of one: nothing is taken twice, or without end."""
    begins = [start for start, _ in marks]

    def is_beside(span: Span) -> bool:
        left = span.end - span.start
        for start, end in marks[max(0, bisect_right(begins, span.start) - 1) : bisect_left(begins, span.end)]:
            if start < span.end and span.start < end:
                if not span.start <= start < end <= span.end:
                    return False
                left -= end - start
        return left > 0

    return [span for span in spans if is_beside(span)]


def _group(found: re.Match[str], kind: str, at: int = 0) -> Span:
    return Span(at + found.start("s"), at + found.end("s"), kind, found["s"])


def _whole(text: str, pieces: list[Span]) -> Iterator[Span]:
    """Yield pieces of one credential."""
    if pieces:
        secret = text[pieces[0].start : pieces[-1].end]
        yield from (piece._replace(secret=secret) for piece in pieces)


def _pem(text: str) -> Iterator[Span]:
    done = 0
    for edge in _EDGE.finditer(text):
        if edge.start() < done:
            continue
        if edge.group().startswith("-----BEGIN"):
            pieces = _from_begin(text, edge)
        else:
            pieces = _before_end(text, edge, done)
        if pieces:
            done = pieces[-1].end
            yield from _whole(text, pieces)
        else:
            done = max(done, edge.end())


def _from_begin(text: str, edge: re.Match[str]) -> list[Span]:
    """Return the pieces of a key from its first line on; none when nothing of a key follows."""
    inline = _INLINE.match(text, edge.end())
    end = inline.end() if inline else edge.end()
    while text[end - 1 : end] in {" ", "\t", "\r"}:
        end -= 1
    first = Span(edge.start(), end, "private-key", "")
    if inline and inline["tail"]:
        return [first]
    rest = text[end : end + 8].lstrip(" \t\r\"',")
    more = []
    if rest.startswith(("\n", "\\n")) or not rest:
        at = text.find("\n", end)
        more = [*_lines(text, at, _BASE64, "private-key")] if at >= 0 else []
    return [first, *more] if more or end > edge.end() else []


def _lines(  # noqa: C901 - each branch is a kind of line
    text: str, at: int, letters: str, kind: str
) -> Iterator[Span]:
    """Yield the body of a key on the lines that follow the one that ends at `at`, and its last line."""
    held: list[Span] = []
    found, alone = 0, True
    stop = _end_of_record(text, at)
    for number in range(_MOST_LINES):
        start, at = at + 1, text.find("\n", at + 1)
        end = stop if at < 0 or at > stop else at
        if start >= stop:
            break
        line = text[start:end]
        edge = _EDGE.search(line)
        if edge is not None:
            if edge.group().startswith("-----END"):
                yield from held
                yield Span(start + edge.start(), start + edge.end(), kind, "")
            return
        body = None if _SUBHEAD.search(line) else _body(line, letters)
        if body is None:
            if found or number > _MOST_HEADERS or (line.strip() and not _SUBHEAD.search(line)):
                break
        elif held and len(body) >= _WHOLE:
            return  # a short line is the last
        elif len(body) >= _WHOLE or (letters is _HEX and not line[: body.start].strip()):
            found += 1
            yield Span(start + body.start, start + body.stop, kind, "")
        elif len(held) < 2:
            held.append(Span(start + body.start, start + body.stop, kind, ""))
            alone = alone and not line[: body.start].strip()
        else:
            break
        if end == stop:
            break
    if held and alone and (found or held[0].end - held[0].start >= _SOME):
        yield held[0]


def _body(line: str, letters: str) -> range | None:
    """Return where on a line a part of a key stands, which ends it; None where it is no such line."""
    if len(line) > _LONGEST:
        return None
    end = line.rstrip(" \t\r\"',").removesuffix("\\n").removesuffix("\\r")
    before = end.rstrip(letters)
    start = len(before)
    if (start - len(before.rstrip("\\"))) % 2:  # the first letters belong to an escape, such as \n or \u000a
        start += 5 if end.startswith("u", start) else 1
    return range(start, len(end)) if start < len(end) else None


def _end_of_record(text: str, at: int) -> int:
    nul = text.find("\0", at, at + _MOST_LINES * 400)
    return len(text) if nul < 0 else nul


def _before_end(text: str, edge: re.Match[str], since: int) -> list[Span]:
    """Return the pieces of a key whose first line is missing, before its last."""
    last = Span(edge.start(), edge.end(), "private-key", "")
    line = text.rfind("\n", since, edge.start()) + 1 or since
    before = text[max(line, edge.start() - 16384) : edge.start()]
    start = edge.start() - len(before) + len(before.rstrip(_BASE64 + "\\ \t"))
    start += len(text[start : edge.start()]) - len(text[start : edge.start()].lstrip(" \t"))
    if edge.start() - start >= _SOME:
        return [Span(start, edge.end(), "private-key", "")]
    pieces = [last]
    at = line - 1
    for number in range(_MOST_LINES):
        if at <= since:
            break
        start = max(text.rfind("\n", since, at) + 1, since)
        body = _body(text[start:at], _BASE64)
        if body is None:
            break
        if len(body) < _WHOLE and (number > 1 or text[start : start + body.start].strip()):
            break
        pieces.append(Span(start + body.start, start + body.stop, "private-key", ""))
        at = start - 1
    return pieces[::-1] if any(piece.end - piece.start >= _WHOLE for piece in pieces[1:]) else []


def _kubernetes(text: str) -> Iterator[Span]:
    if _JSON_SECRET.search(text):
        for data in _JSON_DATA.finditer(text):
            for value in _JSON_VALUE.finditer(data["of"]):
                yield _group(value, "kubernetes-secret", data.start("of"))
    if not _IS_SECRET.search(text):
        return
    start = 0
    for document in re.split(r"(^---)", text, flags=re.MULTILINE):
        if _IS_SECRET.search(document):
            yield from _data_of_secret(document, start)
        start += len(document)


def _data_of_secret(document: str, at: int) -> Iterator[Span]:
    inside = -1
    for line in document.split("\n"):
        head = _DATA_OF_SECRET.match(line)
        entry = _ENTRY_OF_SECRET.match(line)
        if head is not None:
            inside = len(head["indent"])
        elif entry is not None and 0 <= inside < len(entry["indent"]):
            yield _group(entry, "kubernetes-secret", at)
        elif line.strip():
            inside = -1
        at += len(line) + 1
