"""Bytes that are read in parts: a file on a host, a member of an archive, what was compressed."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pytest_aisec.facts.artifacts.file_parts import read_range
from pytest_aisec.facts.artifacts.model_listing import HEAD, ModelFile
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["InFile", "Memory", "Packed", "Part", "Source", "is_packed"]


class Source:
    """Bytes of which any part can be read; `size` is `None` until it is known."""

    def __init__(self, where: str, size: int | None) -> None:
        """Name the bytes."""
        self.where, self.size = where, size

    def at(self, offset: int, length: int) -> bytes:
        """Return `length` bytes from `offset` on.

        Raises:
            Unobservable: when not all of them can be read.

        """
        found = self.upto(offset + length)
        if len(found) < offset + length:
            raise Unobservable("parse", f"{self.where}: ends too early")
        return found[offset:]

    def upto(self, end: int) -> bytes:
        """Return the first `end` bytes, or all where there are less."""
        return self.at(0, end if self.size is None else min(end, self.size))

    def whole(self, most: int) -> bytes:
        """Return all, unless it is more than `most` bytes."""
        found = self.upto(most + 1)
        if len(found) > most:
            raise Unobservable("truncated", f"{self.where}: longer than the {most} bytes that are read")
        return found


class InFile(Source):
    """A file on a host, of which `most` bytes are fetched in all."""

    def __init__(self, host: Host, file: ModelFile, most: int) -> None:
        """Begin with what the listing has of it."""
        super().__init__(file.path, file.size)
        self.host, self.file, self.path, self.left = host, file, file.path, most
        self.begun = file.head

    def at(self, offset: int, length: int) -> bytes:
        """Return a part; what of the beginning was fetched is not fetched again."""
        if length == 0:
            return b""
        if offset + length <= len(self.begun):
            return self.begun[offset : offset + length]
        if offset == 0 and self.begun:
            self.begun += self.at(len(self.begun), length - len(self.begun))
            return self.begun
        self.left -= length
        if self.left < 0:
            raise Unobservable("truncated", f"{self.path}: more of it would have to be read than may be")
        return read_range(self.host, self.file, offset, length)

    def upto(self, end: int) -> bytes:
        """Return the first `end` bytes; for a look at the head, what was redacted is not fetched."""
        if self.begun and end <= HEAD:
            return self.begun[:end]
        return super().upto(end)


class Memory(Source):
    """Bytes that are here."""

    def __init__(self, where: str, data: bytes) -> None:
        """Hold them."""
        super().__init__(where, len(data))
        self.data = data

    def at(self, offset: int, length: int) -> bytes:
        """Return a part."""
        if offset + length > len(self.data):
            raise Unobservable("parse", f"{self.where}: ends too early")
        return self.data[offset : offset + length]


class Part(Source):
    """Some of the bytes of another source."""

    def __init__(self, where: str, outer: Source, offset: int, size: int | None) -> None:
        """Name the part; without a size it is the rest."""
        if size is None and outer.size is not None:
            size = outer.size - offset
        super().__init__(where, size)
        self.outer, self.offset = outer, offset

    def at(self, offset: int, length: int) -> bytes:
        """Return a part of the part."""
        if self.size is not None and offset + length > self.size:
            raise Unobservable("parse", f"{self.where}: ends too early")
        return self.outer.at(self.offset + offset, length)

    def upto(self, end: int) -> bytes:
        """Return the first `end` bytes, or all where there are less."""
        if self.size is not None:
            return super().upto(end)
        found = self.outer.upto(self.offset + end)[self.offset :]
        if self.outer.size is not None:
            self.size = max(0, self.outer.size - self.offset)
        return found


_LZMA_MEMORY = 256 * 1024 * 1024
_FORMATS: tuple[tuple[bytes, Callable[[], Any]], ...] = (
    (b"\x1f\x8b", lambda: zlib.decompressobj(31)),
    (b"BZh", bz2.BZ2Decompressor),
    (b"\xfd7zXZ\x00", lambda: lzma.LZMADecompressor(memlimit=_LZMA_MEMORY)),
    (b"\x5d\x00", lambda: lzma.LZMADecompressor(format=lzma.FORMAT_ALONE, memlimit=_LZMA_MEMORY)),
    (b"\x78", zlib.decompressobj),
)


def is_packed(head: bytes) -> bool:
    """Tell whether bytes begin as those of a compression that is read here."""
    if head.startswith(b"\x78") and (len(head) < 2 or int.from_bytes(head[:2], "big") % 31):
        return False
    return any(head.startswith(beginning) for beginning, _ in _FORMATS)


class Packed(Source):
    """Contents that another source holds compressed, in one stream or in several, one behind another."""

    def __init__(self, where: str, outer: Source, *, most: int, most_unpacked: int) -> None:
        """Read at most `most` bytes, and unpack at most `most_unpacked`."""
        super().__init__(where, None)
        self.outer, self.most, self.most_unpacked = outer, most, most_unpacked

    def upto(self, end: int) -> bytes:
        """Return the first `end` bytes, or all where there are less."""
        if end > self.most_unpacked + 1:
            raise Unobservable("truncated", f"{self.where}: more than {self.most_unpacked} bytes unpacked")
        length = 4096
        while True:
            data = self.outer.upto(min(length, self.most))
            is_all = self.outer.size == len(data)
            found, is_end = self._unpacked(data, end, is_all=is_all)
            if len(found) >= end:
                return found[:end]
            if is_end and is_all:
                self.size = len(found)
                return found
            if is_all or length >= self.most:
                raise Unobservable("truncated", f"{self.where}: not all of it can be decompressed")
            length *= 8

    def _unpacked(self, data: bytes, end: int, *, is_all: bool) -> tuple[bytes, bool]:
        """Return what `data` holds, and whether its last stream ends with it."""
        found, is_end = b"", False
        while data and len(found) < end:
            make = next((make for beginning, make in _FORMATS if data.startswith(beginning)), None)
            if make is None:
                if not found and not is_end:
                    raise Unobservable("parse", f"{self.where}: a compression that is not read")
                return found, not is_all and len(data) < 6
            unpacker = make()
            try:
                found += unpacker.decompress(data, end - len(found))
            except (zlib.error, OSError, lzma.LZMAError, EOFError, ValueError, MemoryError) as error:
                raise Unobservable("parse", f"{self.where}: {error}") from None
            is_end = unpacker.eof
            data = unpacker.unused_data if is_end else b""
        return found, is_end

    def before_fault(self, end: int) -> bytes:
        """Return what of the first `end` bytes comes out before the data is malformed."""
        found = b""
        data = self.outer.upto(4096)
        make = next((make for beginning, make in _FORMATS if data.startswith(beginning)), None)
        unpacker = make() if make else None
        try:
            for at in range(len(data)):
                if unpacker is None or unpacker.eof or len(found) >= end:
                    break
                found += unpacker.decompress(data[at : at + 1])
        except (zlib.error, OSError, lzma.LZMAError, EOFError, ValueError, MemoryError):
            pass
        return found
