"""HDF5 files: what in them lies in other files, which a loader opens wherever they are.

Groups and datasets are walked by the format's specification, those of one level at a time; what is not read
could not be observed.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

from pytest_aisec.facts.artifacts.hdf5 import Message, header_messages, root_header, unread
from pytest_aisec.facts.artifacts.ranges import Malformed, Ranges
from pytest_aisec.facts.core.together import outcomes
from pytest_aisec.observe.faults import Unobservable

__all__ = ["SIGNATURE", "other_files"]

SIGNATURE = b"\x89HDF\r\n\x1a\n"
_NOWHERE = (1 << 64) - 1
_LINK_INFO, _LINK, _EXTERNAL, _LAYOUT, _SYMBOLS = 0x02, 0x06, 0x07, 0x08, 0x11
_TELLING = {_LINK_INFO, _LINK, _EXTERNAL, _LAYOUT, _SYMBOLS}
_SHARED = 2
_HARD, _SOFT, _OTHER_FILE = 0, 1, 64
_VIRTUAL = 3
_MOST_PARTS = 20_000
_ENTRY = 40
_CACHED_SOFT = 2


class _Part(NamedTuple):
    kind: str
    """`object`, or `names` of a group: a node of a tree, or of symbols."""
    address: int


def other_files(data: Ranges) -> Iterator[str]:
    """Yield what lies in another file.

    Raises:
        Unobservable: `parse` for any structure that is not read, `truncated` for what is too long; only where
            nothing was found.

    """
    todo = [_Part("object", _root(data))]
    seen = set(todo)
    found: list[str] = []
    faults: list[Unobservable] = []
    while todo:
        answers = outcomes([_reading(data, part) for part in todo])
        todo = []
        for answer in answers:
            if isinstance(answer, Unobservable):
                faults.append(answer)
                continue
            for item in answer:
                if isinstance(item, str):
                    found.append(item)
                elif item not in seen:
                    seen.add(item)
                    todo.append(item)
        if len(seen) > _MOST_PARTS:
            faults.append(Unobservable("truncated", f"{data.path}: more than {_MOST_PARTS} parts"))
            break
    if faults and not found:
        raise faults[0]
    yield from dict.fromkeys(found)


def _root(data: Ranges) -> int:
    try:
        if data.at(0, len(SIGNATURE)) != SIGNATURE:
            raise unread(data, "something before its beginning")
        return root_header(data)
    except (Malformed, struct.error, IndexError) as wrong:
        raise unread(data, str(wrong)) from None


def _reading(data: Ranges, part: _Part) -> Callable[[], list[_Part | str]]:
    read = _in_object if part.kind == "object" else _in_names

    def of_part() -> list[_Part | str]:
        try:
            return list(read(data, part.address))
        except (Malformed, struct.error, IndexError) as wrong:
            raise unread(data, str(wrong)) from None

    return of_part


def _in_object(data: Ranges, address: int) -> Iterator[_Part | str]:
    for message in header_messages(data, address):
        if message.kind not in _TELLING:
            continue
        if message.flags & _SHARED:
            raise Malformed("a shared message")
        yield from _in_message(message)


def _in_message(message: Message) -> Iterator[_Part | str]:
    body = message.body
    if message.kind == _LINK_INFO:
        (heap,) = struct.unpack_from("<Q", body, 2 + (8 if body[1] & 1 else 0))
        if heap != _NOWHERE:
            raise Malformed("links in a heap")
    elif message.kind == _LINK:
        yield from _link(body)
    elif message.kind == _EXTERNAL:
        yield "data of a dataset in another file"
    elif message.kind == _LAYOUT:
        if body[0] not in {1, 2, 3, 4}:
            raise Malformed(f"a layout of version {body[0]}")
        if body[1 if body[0] > 2 else 2] >= _VIRTUAL:
            yield "a dataset made of those of other files"
    elif (names := struct.unpack_from("<Q", body)[0]) != _NOWHERE:
        yield _Part("names", names)


def _link(body: bytes) -> Iterator[_Part | str]:
    version, flags = body[:2]
    if version != 1:
        raise Malformed(f"a link of version {version}")
    kind = body[2] if flags & 8 else _HARD
    at = 2 + (1 if flags & 8 else 0) + (8 if flags & 4 else 0) + (1 if flags & 16 else 0)
    width = 1 << (flags & 3)
    length = int.from_bytes(body[at : at + width], "little")
    name = body[at + width : at + width + length]
    at += width + length
    if kind == _HARD:
        yield _Part("object", struct.unpack_from("<Q", body, at)[0])
    elif kind != _SOFT:
        what = "a link into another file" if kind == _OTHER_FILE else f"a link of the kind {kind}"
        yield f"{what}, {name.decode('utf-8', 'backslashreplace')}"


def _in_names(data: Ranges, address: int) -> Iterator[_Part | str]:
    signature = data.at(address, 4)
    if signature == b"TREE":
        kind, _, used = data.unpack("<BBH", address + 4)
        if kind != 0:
            raise Malformed("a tree of something else")
        pairs = data.at(address + 24, 8 + 16 * used)
        for number in range(used):
            yield _Part("names", struct.unpack_from("<Q", pairs, 8 + 16 * number)[0])
    elif signature == b"SNOD":
        (count,) = data.unpack("<H", address + 6)
        entries = data.at(address + 8, _ENTRY * count)
        for number in range(count):
            header, cached = struct.unpack_from("<QI", entries, _ENTRY * number + 8)
            if cached != _CACHED_SOFT:
                yield _Part("object", header)
    else:
        raise Malformed("names that are not there")
