"""The look of one kind of credential."""

from __future__ import annotations

from typing import NamedTuple


class Shape(NamedTuple):
    """Look of one kind of credential. It never reaches over the end of a line."""

    kind: str
    words: str
    """One of these, in lower case, is in every match: without them nobody searches any further."""
    pattern: str
    """Its groups `s`, `s1`, … are the credential where one of them took part, otherwise all of it.

    Where its group `no` took part, it is none, and nobody looks there again.
    """
