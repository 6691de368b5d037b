"""Wildcards as `fnmatch` knows them, compared with one another."""

from __future__ import annotations

import fnmatch
import re
import string
from collections.abc import Iterator

from testinfra.backend import BACKENDS

_PIECE = re.compile(r"\*|\[!?\]?[^\]]*\]|.", re.DOTALL)
"""One element of a pattern: any text, a set of characters, or one character."""


def overlap(one: str, other: str) -> bool:
    """Tell whether two patterns of hosts may both name one host, each by its whole name or its address."""
    pairs = [(one, other)]
    pairs += [(one, whole) for whole in _wholes(other)]
    pairs += [(whole, other) for whole in _wholes(one)]
    return any(_meet(*pair) for pair in pairs)


def _wholes(address: str) -> Iterator[str]:
    """Yield patterns of the whole names of hosts with such an address."""
    if "://" not in address:
        for connection in BACKENDS:
            for user in ("", "*@"):
                yield f"{connection}://{user}{address}"
                yield f"{connection}://{user}{address}:[0-9]*"


def _meet(one: str, other: str) -> bool:
    """Tell whether a text exists that both patterns match."""
    first, second = _PIECE.findall(one), _PIECE.findall(other)
    # Row by row from the ends: whether the rest of `first` and each rest of `second` have a text in common.
    below: list[bool] = []
    for at in range(len(first), -1, -1):
        row = [False] * (len(second) + 1)
        for to in range(len(second), -1, -1):
            left, right = first[at : at + 1], second[to : to + 1]
            row[to] = (
                (not left and not right)
                or (left == ["*"] and (below[to] or (bool(right) and row[to + 1])))
                or (right == ["*"] and (row[to + 1] or (bool(left) and below[to])))
                or (bool(left) and bool(right) and below[to + 1] and _share(left[0], right[0]))
            )
        below = row
    return below[0]


def _share(one: str, other: str) -> bool:
    if "*" in {one, other}:
        return False
    return any(
        fnmatch.fnmatchcase(letter, one) and fnmatch.fnmatchcase(letter, other)
        for letter in {*string.printable, *one, *other}
    )
