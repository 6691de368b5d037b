"""NumPy's files: what an array is of, and where its data begins."""

from __future__ import annotations

import ast
import math
import re
from dataclasses import dataclass

from pytest_aisec.facts.artifacts.sources import Source
from pytest_aisec.observe.faults import Unobservable

__all__ = ["Array", "read_array"]

_LONGEST_HEADER = 1 << 20
_NUMBERS = re.compile(
    r"[<>|=]?(?:[?bBhHiIlLqQpPfdgFDGSaUVeMm]|[biufcSaUVMm][0-9]{1,6})(?:\[[0-9a-zA-Zμ]{1,8}\])?"
    r"|bool_?|(?:u?int|float|complex)[0-9]{1,3}"
)
"""Types of which nothing is pickled."""
_WIDE = re.compile(r"[<>|=]?([biufcSUVMm])([0-9]{1,6})(?:\[.*\])?")
_OBJECTS = re.compile(r"[<>|=]?O[0-9]*|object[0-9_]*")


@dataclass(frozen=True, kw_only=True)
class Array:
    """Header of an array."""

    start: int
    """Where its data begins."""
    has_objects: bool
    """Whether its data is a pickle."""
    length: int | None
    """Bytes of its data, where that is known."""


def read_array(source: Source) -> Array:
    """Read the header of the array at the beginning of `source`.

    Raises:
        Unobservable: when NumPy would not read it, or its type is not known.

    """
    begun = source.upto(12)
    width = {1: 2, 2: 4, 3: 4}.get(begun[6] if len(begun) == 12 else 0)
    if width is None or begun[7] != 0:
        raise _refuse(source, "a version of NumPy's format that is not known")
    start = 8 + width
    end = start + int.from_bytes(begun[8:start], "little")
    if end > _LONGEST_HEADER:
        raise Unobservable("truncated", f"{source.where}: a header of {end} bytes")
    text = source.at(start, end - start)
    try:
        header = ast.literal_eval(_modern(text.decode("utf-8" if begun[6] == 3 else "latin-1")))
        kind, shape = header["descr"], header["shape"]
        is_known = set(header) == {"descr", "fortran_order", "shape"} and isinstance(shape, tuple)
    except (ValueError, SyntaxError, KeyError, TypeError, MemoryError, RecursionError):
        is_known = False
    if not is_known:
        raise _refuse(source, "not the header of a NumPy array")
    has_objects = _has_objects(kind)
    if has_objects is None:
        raise _refuse(source, f"an array of {str(kind)[:60]}, which is not known")
    return Array(start=end, has_objects=has_objects, length=_length(kind, shape))


def _modern(text: str) -> str:
    """Return the header without the L of numbers in Python 2, which NumPy takes away, too."""
    return re.sub(r"(?<=[0-9])L\b", "", text.strip())


def _refuse(source: Source, why: str) -> Unobservable:
    return Unobservable("parse", f"{source.where}: {why}")


def _has_objects(kind: object) -> bool | None:
    """Tell whether a type, as its `descr` has it, is or contains that of objects; `None`: not known."""
    if isinstance(kind, str):
        return False if _NUMBERS.fullmatch(kind) else True if _OBJECTS.fullmatch(kind) else None
    if isinstance(kind, list):  # of (name, type) or (name, type, shape)
        parts = [_has_objects(part[1:]) if isinstance(part, tuple) else None for part in kind]
    elif isinstance(kind, tuple) and (len(kind) == 1 or (len(kind) == 2 and _is_shape(kind[1]))):
        parts = [_has_objects(kind[0])]
    else:
        return None
    return True if True in parts else None if None in parts or not parts else False


def _is_shape(what: object) -> bool:
    sizes = what if isinstance(what, (tuple, list)) else [what]
    return all(type(size) is int for size in sizes)


def _length(kind: object, shape: tuple[object, ...]) -> int | None:
    match = _WIDE.fullmatch(kind) if isinstance(kind, str) else None
    if match is None:
        return None
    sizes = [size for size in shape if isinstance(size, int) and size >= 0]
    if len(sizes) != len(shape):
        return None
    return int(match[2]) * (4 if match[1] == "U" else 1) * math.prod(sizes)
