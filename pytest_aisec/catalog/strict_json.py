"""Hooks for `json.loads` that refuse what one reader understands otherwise than another."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any, NoReturn

__all__ = ["finite", "no_constant", "unique"]


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object whose keys are each there once."""
    found = dict(pairs)
    if len(found) != len(pairs):
        (twice, _), *_ = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"the key {twice[:80]!r} is there twice")
    return found


def no_constant(constant: str) -> NoReturn:
    """Refuse `NaN` and `Infinity`."""
    raise ValueError(f"{constant} is no number")


def finite(text: str) -> float:
    """Return a number that fits."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:40]} is too large a number")
    return value
