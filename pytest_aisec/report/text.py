"""Text from audited hosts, made fit to be read: nothing in it acts on the reader's screen."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

_NONCHARACTERS = "".join(chr(plane << 16 | 0xFFFE) + chr(plane << 16 | 0xFFFF) for plane in range(17))
_CHARACTERS = (
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters, with escape sequences and carriage returns
    "\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # invisible, or turns text
    "\ud800-\udfff"  # bytes that are not UTF-8, and halves of a character
    "\ufdd0-\ufdef" + _NONCHARACTERS + "\U000e0000-\U000e007f"
    "]"
)


_PRETTY = json.JSONEncoder(indent=2, ensure_ascii=False, sort_keys=True, default=str)
_COMPACT = json.JSONEncoder(ensure_ascii=False, sort_keys=True, default=str)
"""Made once: a report of a fleet holds some hundred thousand values."""


@cache
def _hidden() -> re.Pattern[str]:
    """Return the pattern of what nobody sees; compiled where a text is not plain."""
    return re.compile(_CHARACTERS)


def escape(character: str) -> str:
    r"""Return how a hidden character is written: `\x1b`, `\u202e`; a byte that is not UTF-8 as `\xff`."""
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        code -= 0xDC00
    if code == ord("\r"):
        return "\\r"
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"


def is_plain(text: str) -> bool:
    """Tell whether `text` has no hidden character."""
    return _hidden().search(text) is None


def pieces(text: str) -> Iterator[tuple[str, bool]]:
    """Yield `text` in pieces, each with whether it stands for a hidden character; tab and newline stay."""
    if text.isprintable():
        yield from [(text, False)] if text else ()
        return
    end = 0
    for found in _hidden().finditer(text):
        if found.start() > end:
            yield text[end : found.start()], False
        yield escape(found.group()), True
        end = found.end()
    if end < len(text):
        yield text[end:], False


def visible(value: object) -> str:
    """Return the text of `value` with all that cannot be seen as escapes; it fits into XML and HTML."""
    text = str(value)
    # What Python takes for printable holds nothing hidden; asking is ten times as fast as looking.
    return text if text.isprintable() else _hidden().sub(lambda found: escape(found.group()), text)


def flowing(text: str) -> str:
    """Return prose without the ends of lines within a paragraph, as a docstring has them."""
    return "\n\n".join(" ".join(part.split("\n")) for part in text.split("\n\n"))


def decode(data: bytes) -> str:
    """Return an answer's bytes as text that `visible` can show whole, whatever they are."""
    return data.decode("utf-8", "surrogateescape")


def pretty(value: Any) -> str:
    """Return JSON data as people read it."""
    return _PRETTY.encode(value)


def compact(value: Any) -> str:
    """Return JSON data in one line."""
    return _COMPACT.encode(value)


def size(number: int) -> str:
    """Return a number of bytes for people: `1,234 bytes`."""
    return "1 byte" if number == 1 else f"{number:,} bytes"
