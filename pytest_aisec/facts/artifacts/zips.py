"""Zip archives on a host, read in parts: the directory at their end, and single members.

Readers of zip archives disagree about what is malformed, and attacks on scanners live on that. What two of
them could read in different ways is therefore not read at all.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_aisec.facts.artifacts.model_heads import TAIL
from pytest_aisec.facts.artifacts.model_listing import ModelFile
from pytest_aisec.facts.artifacts.sources import InFile, Part, Source
from pytest_aisec.facts.core.formats import reads
from pytest_aisec.facts.core.together import outcomes
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["Member", "Stored", "appended", "content", "content_in", "members", "members_in", "unpack"]

_END = b"PK\x05\x06"
_LOCATOR = 20
_END64 = 56
_LONGEST_TAIL = 65535 + 22 + _LOCATOR + _END64
_LARGEST_DIRECTORY = 1024 * 1024
_FULL16, _FULL32 = 0xFFFF, 0xFFFFFFFF
_UNICODE_PATH, _ZIP64 = 0x7075, 1
_ANY = 1 << 62
_PADDING = 4160
"""What a local header may hold besides the name: PyTorch aligns contents to 64 bytes, or to 4096."""


@dataclass(frozen=True, kw_only=True)
class Member:
    """One member of an archive, as the directory describes it."""

    name: str
    flags: int
    method: int
    """0 stored, 8 deflated; others are not read."""
    crc: int
    packed: int
    """Bytes in the archive."""
    size: int
    """Bytes unpacked."""
    offset: int
    """Of its local header."""


@dataclass(frozen=True, kw_only=True)
class _Directory:
    offset: int
    size: int
    count: int


def _refuse(path: str, why: str) -> Unobservable:
    return Unobservable("parse", f"{path}: {why}, which readers of zip archives see differently")


def members(host: Host, file: ModelFile) -> tuple[Member, ...]:
    """Return the members of an archive.

    Raises:
        Unobservable: `parse` where readers could disagree; `truncated` when the directory is too large.

    """
    return members_in(_unbounded(host, file), file.size)


def _unbounded(host: Host, file: ModelFile) -> InFile:
    return InFile(host, file, _ANY)


def members_in(source: Source, size: int) -> tuple[Member, ...]:
    """Return the members of an archive of `size` bytes, wherever it lies; raises what `members` raises."""
    length = min(size, _LONGEST_TAIL)
    tail = source.at(size - length, length)
    directory = find_directory(tail, size, source.where)
    if directory.size > _LARGEST_DIRECTORY:
        raise Unobservable("truncated", f"{source.where}: a directory of {directory.size} bytes")
    at = directory.offset - (size - length)
    data = (
        tail[at : at + directory.size]
        if at >= 0
        else source.at(directory.offset, directory.size)
        if directory.size
        else b""
    )
    return read_directory(data, directory.count, directory.offset, source.where)


@reads
def appended(source: Source, size: int, *, is_moved: bool = True) -> bool:
    """Tell whether some reader finds an archive at the end of `size` bytes, whatever they begin with.

    Args:
        source: the bytes.
        size: how many there are.
        is_moved: whether an archive counts that begins elsewhere than it says; not all readers take those.

    """
    length = min(size, TAIL)
    tail = source.at(size - length, length)
    for match in re.finditer(re.escape(_END), tail):
        if length - match.start() < 22:
            continue
        count, packed, offset = struct.unpack_from("<HII", tail, match.start() + 10)
        if not count and not packed:
            continue
        ends = size - length + match.start()
        places = {offset, ends - packed} if is_moved else {offset}
        if {count, packed, offset} & {_FULL16, _FULL32} or any(
            0 <= place <= ends - 46 and source.at(place, 4) == b"PK\x01\x02" for place in places
        ):
            return True
    return False


@reads
def find_directory(tail: bytes, size: int, path: str) -> _Directory:
    """Return where the directory is, from the end of an archive of `size` bytes."""
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < 22:
        raise Unobservable("parse", f"{path}: a zip archive that does not end as one")
    disk, start_disk, here, count, length, offset, comment = struct.unpack_from("<4H2IH", tail, at + 4)
    if at + 22 + comment != len(tail):
        raise _refuse(path, "something after the end of the archive")
    ends = size - len(tail) + at
    full = {_FULL16, _FULL32}
    if tail[at - _LOCATOR : at - _LOCATOR + 4] == b"PK\x06\x07" and at >= _LOCATOR + _END64:
        _, where, disks = struct.unpack_from("<IQI", tail, at - _LOCATOR + 4)
        record = at - _LOCATOR - _END64
        if tail[record : record + 4] != b"PK\x06\x06" or where != ends - _LOCATOR - _END64 or disks > 1:
            raise _refuse(path, "an end of the archive in a wrong place")
        body, _, _, disk64, start64, here64, count64, length64, offset64 = struct.unpack_from(
            "<QHHIIQQQQ", tail, record + 4
        )
        old, new = (count, here, length, offset), (count64, here64, length64, offset64)
        if body != _END64 - 12 or any(a not in full and a != b for a, b in zip(old, new, strict=True)):
            raise _refuse(path, "two ends of the archive that contradict each other")
        count, here, length, offset = new
        disk, start_disk, ends = disk64, start64, where
    elif full & {count, here, length, offset}:
        raise _refuse(path, "a large archive without the directory for it")
    if disk or start_disk or here != count:
        raise _refuse(path, "more than one volume")
    if offset + length != ends:
        raise _refuse(path, "something before or after the directory")
    if (
        tail.find(_END, max(0, offset - (size - len(tail)))) != at
    ):  # one in a member is that of an archive in it
        raise _refuse(path, "more than one end of the archive")
    return _Directory(offset=offset, size=length, count=count)


@reads
def read_directory(data: bytes, count: int, end: int, path: str) -> tuple[Member, ...]:
    """Read the directory of an archive whose members end at `end`."""
    found: list[Member] = []
    at = 0
    while at < len(data):
        if data[at : at + 4] != b"PK\x01\x02" or len(data) - at < 46:
            raise Unobservable("parse", f"{path}: the directory of the archive is malformed")
        flags, method, _, _, crc, packed, size, name_length, extra_length, comment, disk, _, _, offset = (
            struct.unpack_from("<4H3I5H2I", data, at + 8)
        )
        name = data[at + 46 : at + 46 + name_length]
        extra = data[at + 46 + name_length : at + 46 + name_length + extra_length]
        at += 46 + name_length + extra_length + comment
        if at > len(data) or len(extra) != extra_length:
            raise Unobservable("parse", f"{path}: the directory of the archive is malformed")
        size, packed, offset = _large(extra, (size, packed, offset), path)
        found.append(
            Member(
                name=_name(name, path),
                flags=flags,
                method=method,
                crc=crc,
                packed=packed,
                size=size,
                offset=offset,
            )
        )
        if disk or flags & 0x2041:
            raise _refuse(path, f"the encrypted member {found[-1].name}")
    names = [member.name.lower() for member in found]
    if len(found) != count or len(set(names)) != len(names):
        raise _refuse(path, "members of one name, or another number of them than stated")
    last = 0
    for member in sorted(found, key=lambda member: member.offset):
        if member.offset < last or (last == 0 and member.offset != 0):
            raise _refuse(path, "members that overlap, or something before the first")
        last = member.offset + 30 + len(member.name.encode()) + member.packed
    if last > end:
        raise _refuse(path, "a member that reaches into the directory")
    return tuple(found)


def _name(name: bytes, path: str) -> str:
    try:
        text = name.decode("utf-8")
    except UnicodeDecodeError:
        raise _refuse(path, "a name that is not UTF-8") from None
    if not text or re.search(r"[\x00-\x1f\x7f\\:]|(^|/)\.\.(/|$)|^/", text):
        raise _refuse(path, f"the name {text!r}")
    return text


def _large(extra: bytes, values: tuple[int, int, int], path: str) -> tuple[int, int, int]:
    """Return size, packed size and offset, from the field for large archives where they are there."""
    at, fields = 0, list[bytes]()
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        body = extra[at + 4 : at + 4 + length]
        if kind == _UNICODE_PATH:
            raise _refuse(path, "a second name")
        if kind == _ZIP64:
            fields.append(body)
        at += 4 + length
    wanted = [index for index, value in enumerate(values) if value == _FULL32]
    if not wanted:
        return values
    if len(fields) != 1 or len(fields[0]) < 8 * len(wanted):
        raise _refuse(path, "a large member without its size")
    found = list(values)
    for place, index in enumerate(wanted):
        (found[index],) = struct.unpack_from("<Q", fields[0], place * 8)
    return found[0], found[1], found[2]


def content(
    host: Host, file: ModelFile, wanted: Sequence[Member], *, most: int, beginning: int | None = None
) -> dict[str, bytes | Unobservable]:
    """Return the unpacked contents of members by name.

    Args:
        host: the host to ask.
        file: the archive.
        wanted: some of its members.
        most: bytes that a member may have, packed and unpacked.
        beginning: where given, this many bytes of each are enough.

    """
    return content_in(_unbounded(host, file), file.size, wanted, most=most, beginning=beginning)


def content_in(
    source: Source, size: int, wanted: Sequence[Member], *, most: int, beginning: int | None = None
) -> dict[str, bytes | Unobservable]:
    """Return what `content` returns, of an archive of `size` bytes, wherever it lies."""

    def one(member: Member) -> bytes:
        part = _needed(member, beginning)
        if beginning is None and max(part, member.size) > most:
            raise Unobservable(
                "truncated",
                f"{source.where}: {member.name} has {member.size} bytes, more than {most} to be read",
            )
        length = min(30 + len(member.name.encode()) + _PADDING + part, size - member.offset)
        return unpack(source.at(member.offset, length), member, source.where, beginning=beginning)

    answers = outcomes([lambda member=member: one(member) for member in wanted])  # type: ignore[misc]
    return {member.name: answer for member, answer in zip(wanted, answers, strict=True)}


class Stored(Source):
    """A member of an archive, read in parts: any part where it is only stored, else from its beginning on."""

    def __init__(self, outer: Source, size: int, member: Member, *, most: int) -> None:
        """Unpack at most `most` bytes of it."""
        super().__init__(f"{outer.where}: {member.name}", member.size)
        self.outer, self.outer_size, self.member, self.most = outer, size, member, most

    def at(self, offset: int, length: int) -> bytes:
        """Return a part of the content."""
        if offset == 0 or self.member.method:
            end = offset + length
            beginning = None if end >= self.member.size else end
            found = content_in(
                self.outer, self.outer_size, [self.member], most=self.most, beginning=beginning
            )[self.member.name]
            if isinstance(found, Unobservable):
                raise found
            if len(found) < end:
                raise Unobservable("parse", f"{self.where}: ends too early")
            return found[offset:end]
        header = self.outer.at(self.member.offset, 30)
        name, extra = struct.unpack_from("<2H", header, 26)
        start = self.member.offset + 30 + name + extra
        return Part(self.where, self.outer, start, self.member.size).at(offset, length)


def unpack(data: bytes, member: Member, path: str, *, beginning: int | None = None) -> bytes:
    """Return a member's content (or its beginning) from the archive's bytes at its local header."""
    where = f"{path}: {member.name}"
    if data[:4] != b"PK\x03\x04" or len(data) < 30:
        raise Unobservable("parse", f"{where}: no member where the directory says")
    flags, method, _, _, crc, packed, size, name_length, extra_length = struct.unpack_from("<4H3I2H", data, 6)
    name = data[30 : 30 + name_length]
    if name != member.name.encode() or (flags, method) != (member.flags, member.method):
        raise _refuse(path, f"a header of {member.name} that is not as in the directory")
    if not flags & 8 and (
        crc != member.crc
        or any(
            value not in {stated, _FULL32} for value, stated in ((packed, member.packed), (size, member.size))
        )
    ):
        raise _refuse(path, f"sizes of {member.name} that are not as in the directory")
    start = 30 + name_length + extra_length
    part = _needed(member, beginning)
    raw = data[start : start + part]
    if len(raw) != part:
        raise Unobservable("truncated", f"{where}: a header of {extra_length} bytes is too long to be read")
    if member.method == 0:
        if member.packed != member.size:
            raise _refuse(path, f"a stored member {member.name} of two sizes")
        found = raw if beginning is None else raw[:beginning]
    elif member.method == 8:
        found = _inflated(raw, where, member.size if beginning is None else beginning)
    else:
        raise Unobservable("parse", f"{where}: packed with method {member.method}, which is not read")
    if beginning is None and (len(found) != member.size or zlib.crc32(found) != member.crc):
        raise Unobservable("parse", f"{where}: its content is not what its checksum says")
    return found


def _needed(member: Member, beginning: int | None) -> int:
    """Return how many packed bytes hold that much of a member: what does not shrink grows a little."""
    return member.packed if beginning is None else min(member.packed, beginning + beginning // 1000 + 64)


def _inflated(raw: bytes, where: str, most: int) -> bytes:
    try:
        return zlib.decompressobj(-15).decompress(raw, most + 1)
    except zlib.error as error:
        raise Unobservable("parse", f"{where}: {error}") from None
