"""Wildcards as `fnmatch` knows them, compared with one another."""

from __future__ import annotations

import fnmatch
import itertools
import re
import string
from collections.abc import Iterator

from testinfra.backend import BACKENDS

_PIECE = re.compile(r"\*|\[!?\]?[^\]]*\]|.", re.DOTALL)
"""One element of a pattern: any text, a set of characters, or one character."""


def overlap(one: str, other: str) -> bool:
    """Tell whether two patterns of hosts may both name one host, each by its whole name or its address."""
    pairs = [(one, other)]
    pairs += [(one, whole) for whole in _wholes(other, one)]
    pairs += [(whole, other) for whole in _wholes(one, other)]
    return any(_meet(*pair) for pair in pairs)


def effort(one: str, other: str) -> int:
    """Return about how many characters `overlap` has to compare."""
    begins = any(text[:1] in {"*", "?", "["} for text in (one, other))
    return len(BACKENDS) * 12 * (len(one) * len(other) if begins else 1) + 500


def _wholes(address: str, other: str) -> Iterator[str]:
    """Yield patterns of the whole names of hosts with such an address that `other` may be meant for.

    Nobody means the user `cpu-x` of `gpu-1` with `ssh://cpu-*`.
    """
    if "://" in address:
        return
    users = ("", "*@") if "@" in other or "://" not in other else ("",)
    ports = ["", *(":" + "[0-9]" * digits for digits in range(1, 6))]
    for connection, user, port in itertools.product(BACKENDS, users, ports):
        yield f"{connection}://{user}{address}{port}"


def _meet(one: str, other: str) -> bool:
    """Tell whether a text exists that both patterns match."""
    first, second = _PIECE.findall(one), _PIECE.findall(other)
    if first[:1] != ["*"] != second[:1] and first and second and not _share(first[0], second[0]):
        return False  # as most do
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
    if "?" in {one, other}:
        return True
    if len(one) == len(other) == 1:
        return one == other
    letters = next(({piece} for piece in (one, other) if len(piece) == 1), {*string.printable, *one, *other})
    return any(fnmatch.fnmatchcase(letter, one) and fnmatch.fnmatchcase(letter, other) for letter in letters)
