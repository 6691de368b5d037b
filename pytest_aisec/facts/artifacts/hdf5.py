"""HDF5 files: the attributes of their root group, where Keras keeps a model's configuration.

Only what h5py writes for them is read, by the format's specification; anything else could not be observed.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from pytest_aisec.facts.artifacts.ranges import Malformed, Ranges
from pytest_aisec.observe.faults import Unobservable

__all__ = ["Message", "header_messages", "root_attributes", "root_header", "unread"]

_NOWHERE = (1 << 64) - 1
_ATTRIBUTE, _CONTINUATION, _DENSE, _SYMBOLS = 0x0C, 0x10, 0x15, 0x11
_SHARED = 2
_LARGEST_BLOCK = 4 << 20
_MOST_BLOCKS = 256
_MOST_MESSAGES, _MOST_TEXTS = 2000, 4096
"""A root group has a few; what has more could keep a reader busy for hours."""
_STRING, _VARIABLE = 3, 9
_SCALAR_DIMENSIONS = 0


class Message(NamedTuple):
    """Part of the header of a group or dataset."""

    kind: int
    flags: int
    body: bytes


def root_attributes(data: Ranges) -> Iterator[tuple[str, bytes | None]]:
    """Yield the names of the root group's attributes, with the text of each; `None` for what is no text.

    Raises:
        Unobservable: `parse` for any structure that is not read, `truncated` for what is too long.

    """
    try:
        for message in header_messages(data, root_header(data)):
            if message.kind == _DENSE and _dense(message.body):
                raise unread(data, "attributes in a heap")
            if message.kind == _ATTRIBUTE:
                if message.flags & _SHARED:
                    raise unread(data, "a shared attribute")
                yield _attribute(data, message.body)
    except (Malformed, struct.error, IndexError) as wrong:
        raise unread(data, str(wrong)) from None


def unread(data: Ranges, what: str) -> Unobservable:
    """Return why a file could not be observed."""
    return Unobservable("parse", f"{data.path}: HDF5 with {what} is not read")


def root_header(data: Ranges) -> int:
    """Return where the header of the root group lies."""
    version = data.at(8, 1)[0]
    if version in {0, 1}:
        sizes = data.at(13, 2)
        start = 24 if version == 0 else 28
        base, _, _, driver = data.unpack("<4Q", start)
        _, address = data.unpack("<2Q", start + 32)
        extension = _NOWHERE if driver == _NOWHERE else driver
    elif version in {2, 3}:
        sizes = data.at(9, 2)
        base, extension, _, address = data.unpack("<4Q", 12)
    else:
        raise Malformed(f"a superblock of version {version}")
    if sizes != b"\x08\x08" or base != 0 or extension != _NOWHERE:
        raise Malformed("a superblock of another kind")
    return int(address)


def header_messages(data: Ranges, address: int) -> Iterator[Message]:
    """Yield what the header of a group or dataset says; raises `Malformed` where it is none."""
    is_new = data.at(address, 4) == b"OHDR"
    every = _new_messages(data, address) if is_new else _old_messages(data, address)
    for number, message in enumerate(every):
        if number > _MOST_MESSAGES:
            raise Malformed("too many messages")
        yield message


def _block(data: Ranges, address: int, length: int) -> bytes:
    if length > _LARGEST_BLOCK:
        raise Malformed(f"a block of {length} bytes")
    return data.at(address, length)


def _old_messages(data: Ranges, address: int) -> Iterator[Message]:
    version, _, count, _, length = data.unpack("<BBHII", address)
    if version != 1:
        raise Malformed(f"an object header of version {version}")
    blocks = [(address + 16, length)]
    seen = 0
    for number, (start, size) in enumerate(blocks):
        if number > _MOST_BLOCKS:
            raise Malformed("too many parts")
        block = _block(data, start, size)
        at = 0
        while at + 8 <= len(block):
            kind, body_size, flags = struct.unpack_from("<HHB", block, at)
            body = block[at + 8 : at + 8 + body_size]
            if len(body) != body_size:
                raise Malformed("a message that is cut off")
            at += 8 + body_size
            seen += 1
            if kind == _CONTINUATION:
                blocks.append(struct.unpack_from("<QQ", body))
            yield Message(kind, flags, body)
    if seen != count:
        raise Malformed(f"{seen} messages of {count}")


def _new_messages(data: Ranges, address: int) -> Iterator[Message]:
    version, flags = data.at(address + 4, 2)
    if version != 2 or flags & 0xC0:
        raise Malformed(f"an object header of version {version}")
    at = address + 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
    width = 1 << (flags & 3)
    length = int.from_bytes(data.at(at, width), "little")
    blocks = [(at + width, length)]
    head = 6 if flags & 4 else 4
    for number, (start, size) in enumerate(blocks):
        if number > _MOST_BLOCKS:
            raise Malformed("too many parts")
        block = _block(data, start, size)
        if number:
            if block[:4] != b"OCHK" or size < 8:
                raise Malformed("a part that is none")
            block = block[4:-4]
        place = 0
        while place + head <= len(block):
            kind, body_size, message_flags = struct.unpack_from("<BHB", block, place)
            body = block[place + head : place + head + body_size]
            if len(body) != body_size:
                raise Malformed("a message that is cut off")
            place += head + body_size
            if kind == _CONTINUATION:
                blocks.append(struct.unpack_from("<QQ", body))
            yield Message(kind, message_flags, body)


def _dense(body: bytes) -> bool:
    """Tell whether attributes lie elsewhere than in the header."""
    at = 2 + (2 if body[1] & 1 else 0)
    return bool(struct.unpack_from("<Q", body, at)[0] != _NOWHERE)


def _attribute(data: Ranges, body: bytes) -> tuple[str, bytes | None]:
    version, flags, name_size, type_size, space_size = struct.unpack_from("<BBHHH", body)
    if version not in {1, 2, 3} or (version > 1 and flags):
        raise Malformed(f"an attribute of version {version} and the flags {flags}")
    at = 9 if version == 3 else 8
    parts = []
    for size in (name_size, type_size, space_size):
        parts.append(body[at : at + size])
        if len(parts[-1]) != size:
            raise Malformed("an attribute that is cut off")
        at += -(-size // 8) * 8 if version == 1 else size
    name, kind, space = parts
    if name[-1:] != b"\0":
        raise Malformed("a name that does not end")
    text = name.partition(b"\0")[0].decode("utf-8", "replace")
    return text, _text(data, kind, space, body[at:])


def _text(data: Ranges, kind: bytes, space: bytes, value: bytes) -> bytes | None:
    if len(kind) < 8 or len(space) < 4:
        raise Malformed("a type that is cut off")
    sort = kind[0] & 15
    is_scalar = space[0] in {1, 2} and space[1] == _SCALAR_DIMENSIONS
    if not is_scalar or (space[0] == 2 and space[3] != 0):
        return None
    (size,) = struct.unpack_from("<I", kind, 4)
    if sort == _STRING:
        if len(value) < size:
            raise Malformed("a text that is cut off")
        return value[:size].rstrip(b"\0 " if kind[1] & 15 == 2 else b"\0")
    if sort != _VARIABLE or kind[1] & 15 != 1:
        return None
    length, address, index = struct.unpack_from("<IQI", value)
    return _in_heap(data, address, index, length)


def _in_heap(data: Ranges, address: int, index: int, length: int) -> bytes:
    """Return a text out of a collection of the global heap."""
    signature, version, size = data.unpack("<4sB3xQ", address)
    if signature != b"GCOL" or version != 1:
        raise Malformed("a text without its heap")
    at, end = address + 16, address + size
    found: list[bytes] = []
    steps = 0
    while at + 16 <= end:
        steps += 1
        if steps > _MOST_TEXTS:
            raise Malformed("too many texts")
        number, _, body_size = data.unpack("<HH4xQ", at)
        if number == 0:  # the rest that is free, its own header counted
            if body_size < 16:
                raise Malformed("a heap that is malformed")
            at += body_size
            continue
        if at + 16 + body_size > end:
            raise Malformed("a heap that is malformed")
        if number == index:
            if length > body_size:
                raise Malformed("a text longer than its place")
            found.append(data.at(at + 16, length))
        at += 16 + -(-body_size // 8) * 8
    if len(found) != 1:
        raise Malformed(f"a text that is {len(found)} times in its heap")
    return found[0]
