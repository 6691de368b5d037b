"""GGUF files: their header, read to its end by the rules of the loader of llama.cpp."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Literal

from pytest_aisec.facts.artifacts.ranges import Malformed, Ranges
from pytest_aisec.observe.faults import Unobservable

__all__ = ["gguf"]

_SCALARS = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
"""Bytes of a value by its type."""
_UINT32, _STRING, _ARRAY = 4, 8, 9
_LONGEST = 1 << 30
"""Bytes of a string and elements of an array that llama.cpp reads at most."""
_LONGEST_KEY = 65535
_LONGEST_NAME = 63
_MOST_DIMENSIONS = 4
_MOST_ELEMENTS = (1 << 63) - 1
_LEAST_PAIR, _LEAST_TENSOR = 13, 24
_BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 36),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292),
    16: (256, 66), 17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110), 22: (256, 82),
    23: (256, 136), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8), 29: (256, 56), 30: (1, 2),
    34: (256, 54), 35: (256, 66), 39: (32, 17), 40: (64, 36), 41: (128, 18),
}  # fmt: skip
"""Elements and bytes of a block, by the type of a tensor."""
_REMOVED = {4, 5, 31, 32, 33, 36, 37, 38}
_PLAUSIBLE_TYPE = 128
"""A number below may be a type that is newer than this table."""


def gguf(data: Ranges) -> Iterator[str]:
    """Yield what is wrong with the header of a GGUF file.

    Raises:
        Unobservable: when the header is too long, or has types that are not known.

    """
    try:
        _Reader(data).read()
    except Malformed as wrong:
        yield str(wrong)


class _Reader:
    def __init__(self, data: Ranges) -> None:
        self.data = data
        self.place = 8
        self.order = "<"
        self.alignment = 32

    def read(self) -> None:
        """Read the header to its end; `Malformed` where a loader stops."""
        if self.data.size < 24 or self.data.at(0, 4) != b"GGUF":
            raise Malformed("does not begin as GGUF")
        (version,) = self.data.unpack("<I", 4)
        if version > 0xFFFF:
            self.order = ">"
            (version,) = self.data.unpack(">I", 4)
        if version not in {2, 3}:
            raise Malformed(f"version {version}")
        tensors, pairs = self.number("Q"), self.number("Q")
        if tensors * _LEAST_TENSOR + pairs * _LEAST_PAIR > self.data.size:
            raise Malformed(f"{tensors} tensors and {pairs} pairs in {self.data.size} bytes")
        keys: set[bytes] = set()
        for _ in range(pairs):
            self.pair(keys)
        names: set[bytes] = set()
        sizes = [self.tensor(names) for _ in range(tensors)]
        start = -(-self.place // self.alignment) * self.alignment
        expected = 0
        for offset, size in sizes:
            if offset != expected:
                raise Malformed(f"a tensor at {offset} and not at {expected}")
            if start + offset + size > self.data.size:
                raise Malformed(f"a tensor that ends at {start + offset + size} of {self.data.size}")
            expected += -(-size // self.alignment) * self.alignment

    def number(self, form: str) -> int:
        (value,) = self.data.unpack(f"{self.order}{form}", self.place)
        self.place += {"I": 4, "Q": 8}[form]
        return int(value)

    def text(self, most: int = _LONGEST) -> bytes:
        length = self.number("Q")
        if length > most or self.place + length > self.data.size:
            raise Malformed(f"a text of {length} bytes at {self.place} of {self.data.size}")
        found = self.data.at(self.place, length)
        self.place += length
        return found

    def pair(self, keys: set[bytes]) -> None:
        key = self.text(_LONGEST_KEY)
        if not re.fullmatch(rb"[!-~]+", key):
            raise Malformed(f"the key {key[:80]!r}")
        if key in keys:
            raise Malformed(f"the key {key[:80]!r} twice")
        keys.add(key)
        kind = self.number("I")
        if key == b"general.alignment":
            self.alignment = self.number("I") if kind == _UINT32 else 0
            if self.alignment == 0 or self.alignment & (self.alignment - 1):
                raise Malformed("an alignment that is no power of two")
        elif kind == _ARRAY:
            kind = self.number("I")
            self.values(kind, self.number("Q"))
        else:
            self.values(kind, 1)

    def values(self, kind: int, count: int) -> None:
        """Step over values; texts have to be walked one by one."""
        least = 8 if kind == _STRING else _SCALARS.get(kind)
        if least is None:
            raise Malformed(f"a value of the type {kind}")
        if count > _LONGEST or self.place + count * least > self.data.size:
            raise Malformed(f"{count} values at {self.place} of {self.data.size}")
        if kind != _STRING:
            self.place += count * least
            return
        while count:
            passed = self.texts(count)
            if not passed:
                self.text()
            count -= passed or 1

    def texts(self, most: int) -> int:
        """Step over texts that lie in one window, of which there may be millions; return how many."""
        part = self.data.rest(self.place)
        order: Literal["little", "big"] = "little" if self.order == "<" else "big"
        at = passed = 0
        while passed < most:
            end = at + 8 + int.from_bytes(part[at : at + 8], order)
            if end > len(part):
                break
            at = end
            passed += 1
        self.place += at
        return passed

    def tensor(self, names: set[bytes]) -> tuple[int, int]:
        """Return a tensor's offset and bytes."""
        name = self.text(_LONGEST_NAME)
        known = name.partition(b"\0")[0]
        if known in names:
            raise Malformed(f"the tensor {name!r} twice")
        names.add(known)
        count = self.number("I")
        if count > _MOST_DIMENSIONS:
            raise Malformed(f"{name!r}: {count} dimensions")
        shape = [self.number("Q") for _ in range(count)]
        total = math.prod(shape)
        if any(side > _MOST_ELEMENTS for side in shape) or total >= _MOST_ELEMENTS:
            raise Malformed(f"{name!r}: {total} elements")
        kind, offset = self.number("I"), self.number("Q")
        if kind not in _BLOCKS:
            if kind in _REMOVED or kind >= _PLAUSIBLE_TYPE:
                raise Malformed(f"{name!r}: the type {kind}")
            raise Unobservable("parse", f"{self.data.path}: tensors of the type {kind} are not known")
        elements, size = _BLOCKS[kind]
        if (shape[0] if shape else 1) % elements:
            raise Malformed(f"{name!r}: rows that are no whole blocks")
        return offset, total // elements * size
