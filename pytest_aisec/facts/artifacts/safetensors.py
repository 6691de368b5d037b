"""Headers of safetensors files, judged as their library does it, and stricter where the format says so."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from pytest_aisec.catalog.strict_json import finite, no_constant, unique

__all__ = ["safetensors"]

_BITS = {
    "F64": 64, "I64": 64, "U64": 64, "C64": 64, "F32": 32, "I32": 32, "U32": 32, "F16": 16, "BF16": 16,
    "I16": 16, "U16": 16, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "F8_E5M2FNUZ": 8, "F8_E4M3FNUZ": 8,
    "I8": 8, "U8": 8, "BOOL": 8, "F6_E2M3": 6, "F6_E3M2": 6, "F4": 4,
}  # fmt: skip
_PARTS = ("dtype", "shape", "data_offsets")
_MOST = 1 << 64
_DEEPEST = 127
"""Levels that the library's reader of JSON takes."""
_SURROGATE = re.compile(r"[\ud800-\udfff]")


def _integer(text: str) -> int | float:
    """Return an integer as the library reads it: what does not fit, and minus nought, is a fraction."""
    if text == "-0" or len(text) > 20:
        return finite(text)
    number = int(text)
    return number if -(_MOST >> 1) <= number < _MOST else float(number)


def _read(header: bytes) -> dict[str, Any]:
    if not header.startswith(b"{"):
        raise ValueError("it does not begin with {")
    depth = deepest = 0
    outside = re.sub(rb'"(?:[^"\\]|\\.)*+"?', b"", header, flags=re.DOTALL)
    for bracket in re.findall(rb"[\[\]{}]", outside):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    if deepest > _DEEPEST:
        raise ValueError(f"{deepest} levels")
    entries = json.loads(
        header.decode("utf-8"),
        object_pairs_hook=unique,
        parse_constant=no_constant,
        parse_float=finite,
        parse_int=_integer,
    )
    if not isinstance(entries, dict):
        raise ValueError("it is no object")
    if _has_surrogate(entries):
        raise ValueError("half a character")
    return entries


def _has_surrogate(value: Any) -> bool:
    if isinstance(value, str):
        return _SURROGATE.search(value) is not None
    if isinstance(value, dict):
        return any(_has_surrogate(name) or _has_surrogate(inner) for name, inner in value.items())
    return isinstance(value, list) and any(map(_has_surrogate, value))


def safetensors(header: bytes, data_size: int) -> Iterator[str]:
    """Yield what is wrong with a safetensors header for `data_size` bytes of tensors.

    Names that occur twice are refused although the library takes the last: the format forbids them.
    """
    try:
        entries = _read(header)
    except (ValueError, RecursionError) as error:
        yield f"the header is not JSON: {error}"
        return
    metadata = entries.pop("__metadata__", None)
    if metadata is not None and not (
        isinstance(metadata, dict) and all(isinstance(value, str) for value in metadata.values())
    ):
        yield "__metadata__ is not text"
    spans: list[tuple[int, int, str]] = []
    for name, entry in entries.items():
        span = _span(entry)
        if span is None:
            yield f"{name}: no type, shape and offsets that are known and agree"
        else:
            spans.append((*span, name))
    last = 0
    for begin, end, name in sorted(spans):
        if begin != last:
            yield f"{name}: begins at {begin} and not at {last}"
        last = max(last, end)
    if last != data_size:
        yield f"the tensors end at {last}, the file at {data_size}"


def _span(entry: Any) -> tuple[int, int] | None:
    """Return where a tensor begins and ends; `None` where that is not what type and shape need."""
    if isinstance(entry, list):  # the library takes the three parts in their order, too
        entry = dict(zip(_PARTS, entry, strict=True)) if len(entry) == len(_PARTS) else None
    if not isinstance(entry, dict):
        return None
    kind, shape, offsets = (entry.get(part) for part in _PARTS)
    if isinstance(kind, dict) and list(kind.values()) == [None]:  # taken by the library like the name alone
        (kind,) = kind
    bits = _BITS.get(kind) if isinstance(kind, str) else None
    if bits is None or not isinstance(shape, list) or not isinstance(offsets, list) or len(offsets) != 2:
        return None
    if not all(type(number) is int and 0 <= number < _MOST for number in [*shape, *offsets]):
        return None
    total = 1
    for factor in [*shape, bits]:
        total *= factor
        if total >= _MOST:
            return None
    begin, end = offsets
    return (begin, end) if (end - begin) * 8 == total else None
