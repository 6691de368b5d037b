"""Known shapes that a line may hold: those whose words it holds, found for many lines at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property

from pytest_aisec.observe.redaction.patterns import SHAPES

_LOOKS_LIKE = str.maketrans({"\u0130": "i", "\u0131": "i", "\u017f": "s", "\u212a": "k"})
"""The letters that are an ASCII letter to `re.IGNORECASE` and not to `str.lower`."""


class Family:
    """A known shape, ready to be looked for."""

    def __init__(self, kind: str, words: str, shape: str) -> None:
        self.kind: str = kind
        self.words: tuple[str, ...] = tuple(words.split())
        self.folded: bool = shape.startswith("(?i)")
        """Whether it is looked for in lower case: Python finds letters of one case quickly, others slowly."""
        self._shape: str = shape.removeprefix("(?i)")

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The expression, compiled when a line first holds a word of it: few of them are ever needed."""
        return re.compile(self._shape)


FAMILIES = tuple(Family(*shape) for shape in SHAPES)


def folded(text: str) -> str:
    """Return `text` in lower case, each letter in its place."""
    return text.lower() if text.isascii() else text.translate(_LOOKS_LIKE).lower()


_WORDS = frozenset(word for family in FAMILIES for word in family.words)
_PLAIN = {word: word.encode() for word in _WORDS if re.fullmatch("[a-z0-9_-]+", word)}
_OTHERS = _WORDS - set(_PLAIN)
_FAMILIES_WITH = {
    word: [number for number, family in enumerate(FAMILIES) if word in family.words] for word in _WORDS
}
_LETTERS = b"abcdefghijklmnopqrstuvwxyz0123456789_-\n"
_APART = bytes(code if code >= 0x80 or code in _LETTERS else 0x20 for code in range(256))


def candidates(lines: list[str]) -> Iterator[tuple[str, list[Family]]]:
    """Yield each line with the shapes one of whose words it holds; each different word is looked at once."""
    lower = folded("\n".join(lines))
    data = lower.encode("utf-8", "surrogatepass").translate(_APART)
    telling = _telling(b" ".join(set(data.split())))
    others = [word for word in _OTHERS if word in lower]
    for line, words, low in zip(lines, data.split(b"\n"), lower.split("\n"), strict=True):
        numbers = {number for word in telling.keys() & words.split() for number in telling[word]}
        numbers.update(number for word in others if word in low for number in _FAMILIES_WITH[word])
        yield line, [FAMILIES[number] for number in sorted(numbers)]


def _telling(words: bytes) -> dict[bytes, set[int]]:
    """Return the words that hold one of those of a shape, with the shapes."""
    found: dict[bytes, set[int]] = {}
    for name, data in _PLAIN.items():
        at = words.find(data)
        while at >= 0:
            end = words.find(b" ", at)
            end = len(words) if end < 0 else end
            found.setdefault(words[words.rfind(b" ", 0, at) + 1 : end], set()).update(_FAMILIES_WITH[name])
            at = words.find(data, end)
    return found
