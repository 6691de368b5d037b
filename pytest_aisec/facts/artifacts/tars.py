"""Tar archives, read in parts: what two readers could read in different ways is not read at all."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_aisec.facts.artifacts.sources import Part, Source
from pytest_aisec.observe.faults import Unobservable

__all__ = ["is_tar", "members"]

_BLOCK = 512
_AHEAD = 16 * 1024
_MOST_MEMBERS = 400
_REGULAR, _EMPTY = b"0\0" + b"7", b"12345"
_ABOUT_NEXT = b"xgLKX"
_RISKY = re.compile(rb"(^|\n)\d+ (size|GNU\.sparse\.[^=]*|SCHILY\.realsize)=", re.DOTALL)


def is_tar(block: bytes) -> bool:
    """Tell whether the first block of a file is that of a tar archive of any dialect, by its checksum."""
    block = block[:_BLOCK]
    if len(block) < _BLOCK or not block.strip(b"\0"):
        return False
    return _number(block[148:156]) in _sums(block)


def _sums(block: bytes) -> tuple[int, int]:
    rest = block[:148] + b" " * 8 + block[156:]
    return sum(rest), sum(byte - 256 if byte > 127 else byte for byte in rest)


def _number(field: bytes) -> int | None:
    if field[:1] == b"\x80":
        return int.from_bytes(field[1:], "big")
    text = field.split(b"\0")[0].strip(b" ")
    return int(text, 8) if re.fullmatch(rb"[0-7]+", text) else None


def members(source: Source) -> Iterator[Part]:
    """Yield the regular files in an archive, whose size is known.

    Raises:
        Unobservable: `parse` where readers could disagree, `truncated` where it is too much.

    """
    blocks = _Blocks(source)
    at, count = 0, 0
    while (block := blocks.at(at)).strip(b"\0"):
        if not is_tar(block):
            raise _refuse(source, "a header with a wrong checksum")
        at += _BLOCK
        size, kind = _member(source, block)
        name = block[:100].split(b"\0")[0].decode("utf-8", "backslashreplace")
        if source.size is not None and at + size > source.size:
            raise _refuse(source, f"the member {name}, which is cut off")
        count += 1
        if count > _MOST_MEMBERS:
            raise Unobservable("truncated", f"{source.where}: more than {_MOST_MEMBERS} members to look into")
        part = Part(f"{source.where}: {name}", source, at, size)
        if kind in _ABOUT_NEXT:
            if kind in b"xgX" and _RISKY.search(part.whole(1 << 20)):
                raise _refuse(source, f"a second size of the member behind {name}")
        elif kind in _REGULAR and size:
            yield part
        at += (size + _BLOCK - 1) // _BLOCK * _BLOCK
    _check_end(source, at)


class _Blocks:
    """The headers of an archive: what follows the last one read is read with it."""

    def __init__(self, source: Source) -> None:
        self.source, self.start, self.window = source, 0, b""

    def at(self, at: int) -> bytes:
        """Return the block at a byte."""
        if not self.start <= at <= at + _BLOCK <= self.start + len(self.window):
            left = (self.source.size or 0) - at
            self.start, self.window = at, self.source.at(at, max(0, min(_AHEAD, left)))
        block = self.window[at - self.start : at - self.start + _BLOCK]
        if len(block) < _BLOCK:
            raise _refuse(self.source, "an archive that does not end as one")
        return block


def _member(source: Source, block: bytes) -> tuple[int, bytes]:
    size, kind = _number(block[124:136]), block[156:157]
    if size is None or size >= 1 << 60:
        raise _refuse(source, "a member without a size")
    if kind not in _REGULAR + _EMPTY + _ABOUT_NEXT:
        raise _refuse(source, f"a member of the kind {kind!r}")
    is_directory = kind == b"\0" and block[:100].split(b"\0")[0].endswith(b"/")
    if size and (kind in _EMPTY or is_directory):
        raise _refuse(source, "a member that has a size and should have none")
    return size, kind


def _check_end(source: Source, at: int) -> None:
    left = (source.size or 0) - at
    rest = source.at(at, min(left, 1 << 20))
    if left > len(rest):
        raise Unobservable("truncated", f"{source.where}: much stands behind the end of the archive")
    if rest.strip(b"\0"):
        raise _refuse(source, "something behind the end of the archive")


def _refuse(source: Source, why: str) -> Unobservable:
    return Unobservable("parse", f"{source.where}: {why}, which readers of tar archives see differently")
