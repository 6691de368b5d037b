"""Other readings of a line: what it says in Base64, hexadecimal, a URL, JSON or UTF-16."""

from __future__ import annotations

import base64
import binascii
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any, NamedTuple


class Reading(NamedTuple):
    """Meaning of a part of a line."""

    text: str
    starts: Sequence[int]
    """Where in the line each letter of `text` begins; where all of it begins when it cannot be divided."""
    ends: Sequence[int]
    """Likewise, where it ends."""

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Return the place in the line of what stands from `start` to `end` in this reading."""
        if len(self.starts) == 1:
            return self.starts[0], self.ends[0]
        return self.starts[start], self.ends[end - 1]


_ESCAPED = re.compile(
    r"%[0-9A-Fa-f]{2}|(?<!\\)\\++(?:u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2})|&(?:#\d{2,5}|#[xX][0-9A-Fa-f]{2,5}|quot|amp|lt|gt|apos);"
    r"|\x1b\[[0-9;?]{0,16}[A-Za-z]|[\u200b-\u200f\u2060\ufeff\u00ad]"
)
_HINTS = ("%", "&", "\x1b", "\\u", "\\x")
"""One of these stands in every escape sequence of ASCII."""
_IN_JSON = re.compile(r"(?<!\\)\\++(?:u[0-9A-Fa-f]{4}|[\"/bfnrt])|\"")
_LINES_OF_UTF16 = re.compile(
    r"(?:[\t\n\r\x20-\x7e]\x00){16,}+(?:[\n\x20-\x7e]$)?|(?:\x00[\t\n\r\x20-\x7e]){16,}+"
)
_OF_ONE_LETTER = {"b": "\ufffd", "f": "\ufffd", "n": "\n", "r": "\n", "t": "\t"}
_NAMED = {"&quot;": '"', "&amp;": "&", "&lt;": "<", "&gt;": ">", "&apos;": "'"}
_BASE64 = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{20,}+={0,2}")
_OF_BASE64 = r"[ \t]*+[A-Za-z0-9+/]{48,}+(?=={0,2}\r?$)"
"""A line that holds nothing else, and a line behind it may go on: what does not is looked at once."""
_WRAPPED = re.compile(
    rf"(?m)^{_OF_BASE64}(?:\r?\n{_OF_BASE64})*+(?:={{1,2}}|\r?\n[ \t]*+[A-Za-z0-9+/]{{1,47}}+={{0,2}})?\r?$"
)
_LINE = re.compile(r"[A-Za-z0-9+/]+")
_HEX = re.compile(r"(?<![0-9A-Fa-f])(?:[0-9A-Fa-f]{2}){12,}+(?![0-9A-Fa-f])")
_SPACED_HEX = re.compile(r"(?:[0-9A-Fa-f]{2}[ :]){11,}+(?:[0-9A-Fa-f]{2})?")
_UTF16 = re.compile(r"(?:[\x20-\x7e]\x00){8,}+(?:[\x20-\x7e]$)?|(?:\x00[\x20-\x7e]){8,}+")
_URLSAFE = str.maketrans("-_", "+/")
_TEXT = re.compile(rb"[\t\n\r\x20-\x7e]{12,}")


def readings(line: str) -> Iterator[Reading]:
    """Yield what else a line, or a part of it, says."""
    yield from unescaped(line)
    if "\0" in line:
        yield from (_of_utf16(found) for found in _UTF16.finditer(line))
    for found in _BASE64.finditer(line):
        yield from _of_bytes(found, _from_base64(found.group()))
        for inner in _HEX.finditer(line, found.start(), found.end()):
            yield from _of_bytes(inner, bytes.fromhex(inner.group()))
    for found in _SPACED_HEX.finditer(line):
        yield from _of_bytes(found, bytes.fromhex(found.group().replace(":", " ")))


def wrapped(text: str) -> Iterator[Reading]:
    """Yield what Base64 says that goes on over several lines; a credential may lie across an end of line."""
    for found in _WRAPPED.finditer(text) if "\n" in text else ():
        lines = [(line.start() + found.start(), line.group()) for line in _LINE.finditer(found.group())]
        data = _of_lines(lines)
        if not data.isascii():  # the last may be a word that stands behind
            lines.pop()
            data = _of_lines(lines)
        if data.isascii() and _TEXT.search(data):
            places = _Places(lines, len(data))
            yield Reading(data.decode("ascii"), places, _Ends(places))


def _of_lines(lines: Sequence[tuple[int, str]]) -> bytes:
    return _from_base64("".join(line for _, line in lines)) if len(lines) > 1 else b""


class _Places(Sequence[int]):
    """Starts, in a text, of each byte that its lines of Base64 hold."""

    def __init__(self, lines: Sequence[tuple[int, str]], size: int) -> None:
        self._begins = [*accumulate((len(line) for _, line in lines), initial=0)]
        self._starts = [start for start, _ in lines]
        self._size = size

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, index: Any) -> Any:
        return self.letter(index * 4 // 3)

    def letter(self, number: int) -> int:
        """Return where the letter of this number stands."""
        line = bisect_right(self._begins, number, hi=len(self._starts)) - 1
        return self._starts[line] + number - self._begins[line]


class _Ends(Sequence[int]):
    """Likewise, where each byte ends."""

    def __init__(self, places: _Places) -> None:
        self._places = places

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: Any) -> Any:
        return self._places.letter(((index + 1) * 4 - 1) // 3) + 1


def unescaped(line: str) -> Iterator[Reading]:
    """Yield the reading of a text that holds escape sequences, or what is not seen."""
    if (not line.isascii() or any(hint in line for hint in _HINTS)) and _ESCAPED.search(line):
        yield _unescaped(line, _ESCAPED)


def of_several_lines(text: str, words: Sequence[str]) -> Iterator[Reading]:
    """Yield what else a text of several lines says, where it says one of `words` then.

    Its lines may be escaped: a document in a string of JSON, which may be in another; or all of it in UTF-16.
    """
    ways = [_ESCAPED] if not text.isascii() or any(hint in text for hint in _HINTS) else []
    ways += [_IN_JSON] if "\\" in text else []
    for way in ways:
        said = way.sub(lambda found: _letter(found.group()), text)
        if said != text and any(word in said for word in words):
            yield _unescaped(text, way)
    if "\0" in text:
        for found in _LINES_OF_UTF16.finditer(text):
            reading = _of_utf16(found)
            if any(word in reading.text for word in words):
                yield reading


def _unescaped(line: str, escaped: re.Pattern[str]) -> Reading:
    """Return the line with its escape sequences read, and without what is not seen."""
    text: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    end = 0
    for found in escaped.finditer(line):
        letter = _letter(found.group())
        text += [line[end : found.start()], letter]
        starts += [*range(end, found.start()), *([found.start()] if letter else [])]
        ends += [*range(end + 1, found.start() + 1), *([found.end()] if letter else [])]
        end = found.end()
    text.append(line[end:])
    starts += range(end, len(line))
    ends += range(end + 1, len(line) + 1)
    return Reading("".join(text), starts, ends)


def _letter(escape: str) -> str:
    """Return what an escape sequence stands for; a record never ends in one."""
    if escape in _NAMED:
        return _NAMED[escape]
    if escape == '"':  # a string begins or ends
        return "\n"
    if escape.startswith("\\") and len(letter := escape.lstrip("\\")) == 1:
        return _OF_ONE_LETTER.get(letter, letter)
    if escape.startswith("&"):
        digits = escape[2:-1]
        code = int(digits[1:], 16) if digits[0] in "xX" else int(digits)
    elif escape.startswith(("%", "\\")):
        code = int(escape.lstrip("%\\ux"), 16)
    else:
        return ""
    return chr(code) if 0x20 <= code < 0x7F else "\n" if code in {0, 10, 13} else "\ufffd"


def _of_utf16(found: re.Match[str]) -> Reading:
    first = 1 if found.group().startswith("\0") else 0
    letters = found.group()[first::2]
    starts = [found.start() + first + 2 * number for number in range(len(letters))]
    return Reading(letters, starts, [place + 1 for place in starts])


def _from_base64(run: str) -> bytes:
    run = run.rstrip("=").translate(_URLSAFE)
    try:
        return base64.b64decode(
            run[: len(run) // 4 * 4 if len(run) % 4 == 1 else len(run)] + "=" * (-len(run) % 4)
        )
    except binascii.Error:
        return b""


def _of_bytes(found: re.Match[str], data: bytes) -> Iterator[Reading]:
    """Yield what bytes say when they are text: of UTF-8, or of UTF-16."""
    if data[1:2] == b"\0" and data[:1] != b"\0":
        data = data[::2]
    elif data[:1] == b"\0" and data[1:2] != b"\0":
        data = data[1::2]
    if data.isascii() and _TEXT.search(data):
        yield Reading(data.decode("ascii"), [found.start()], [found.end()])
