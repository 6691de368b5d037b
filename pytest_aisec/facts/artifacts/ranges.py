"""Any part of a large file on a host, fetched in windows and within bounds."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from testinfra.host import Host

from pytest_aisec.facts.artifacts.file_parts import read_range
from pytest_aisec.facts.artifacts.model_listing import ModelFile
from pytest_aisec.observe.faults import Unobservable

__all__ = ["Malformed", "Ranges", "of_bytes", "of_file"]


class Malformed(ValueError):
    """A file is not what its format demands, whoever reads it."""


class Ranges:
    """The bytes of one file by their places.

    Args:
        read: returns bytes from an offset on, that many.
        size: of the file.
        path: names it in faults.
        window: bytes that are fetched at once.
        most: windows that are fetched at most.

    """

    def __init__(
        self, read: Callable[[int, int], bytes], size: int, *, path: str, window: int, most: int
    ) -> None:
        """Fetch nothing yet."""
        self.size = size
        self.path = path
        self._read = read
        self._window = window
        self._most = most
        self._fetched: dict[int, bytes] = {}

    def at(self, offset: int, length: int) -> bytes:
        """Return `length` bytes from `offset` on.

        Raises:
            Malformed: where the file ends before.
            Unobservable: `truncated` when more of the file would be read than its bounds allow.

        """
        end = offset + length
        if offset < 0 or length < 0 or end > self.size:
            raise Malformed(f"{length} bytes at {offset} of {self.size}")
        if length == 0:
            return b""
        first, last = offset // self._window, (end - 1) // self._window
        if last - first >= self._most:
            raise Unobservable("truncated", f"{self.path}: {length} bytes at {offset} are not read")
        start = first * self._window
        if first == last:
            return self._part(first)[offset - start : end - start]
        return b"".join(map(self._part, range(first, last + 1)))[offset - start : end - start]

    def rest(self, offset: int) -> bytes:
        """Return what is there from `offset` on without fetching a second window."""
        end = min((offset // self._window + 1) * self._window, self.size)
        return self.at(offset, max(0, end - offset))

    def unpack(self, form: str, offset: int) -> tuple[Any, ...]:
        """Return the numbers at `offset`, as `struct` spells them."""
        return struct.unpack(form, self.at(offset, struct.calcsize(form)))

    def _part(self, index: int) -> bytes:
        found = self._fetched.get(index)
        if found is None:
            if len(self._fetched) >= self._most:
                raise Unobservable(
                    "truncated", f"{self.path}: more than {self._most * self._window} bytes to be read"
                )
            start = index * self._window
            length = min(self._window, self.size - start)
            found = self._fetched[index] = self._read(start, length)
        return found


def of_file(host: Host, file: ModelFile, *, window: int, most: int) -> Ranges:
    """Return the bytes of a file on a host."""
    return Ranges(
        lambda offset, length: read_range(host, file, offset, length),
        file.size,
        path=file.path,
        window=window,
        most=most,
    )


def of_bytes(data: bytes) -> Ranges:
    """Return bytes that are there."""
    return Ranges(
        lambda offset, length: data[offset : offset + length],
        len(data),
        path="data",
        window=max(1, len(data)),
        most=1,
    )
