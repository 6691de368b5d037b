"""ONNX models: where their external data lie and what in them runs Python, by the encoding of protobuf."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from pytest_aisec.facts.artifacts.ranges import Malformed, Ranges

__all__ = ["NEEDLES", "NO_GRAPH", "Span", "begins_message", "check_model", "onnx_defects"]

_MODEL_GRAPH = 7
NO_GRAPH = "no graph"
_GROUP, _GROUP_END = 3, 4
_LENGTH = 2
"""The kind of a field that holds a message, a text or bytes."""
_LONGEST_VARINT = 10
_LARGEST_KEY = (1 << 32) - 1
_DEEPEST = 60
_INNER = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "training": {1: "graph", 2: "graph"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
}
"""Messages in messages, by the numbers of their fields in onnx.proto."""
_OPERATOR, _DOMAIN = 4, 7
_KEY, _VALUE = 1, 2
_PYTHON = {b"PyOp", b"PyCustomOp", b"PythonOp", b"PythonOpGrad"}
"""Operators, of whatever domain, that call functions of Python by name."""
NEEDLES = ("location", "PyOp", "PyCustomOp", "PythonOp")
"""Without one of these a file can hold nothing of what is looked for."""


class Span(NamedTuple):
    """Part of a file."""

    start: int
    end: int


def _varint(data: Ranges, at: int, end: int) -> tuple[int, int]:
    return _number(data.at(at, min(_LONGEST_VARINT, end - at)), at)


def _number(raw: bytes, at: int) -> tuple[int, int]:
    """Return the number at the beginning of `raw`, and what is behind it where that stands at `at`."""
    value = 0
    for place, byte in enumerate(raw):
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value & (1 << 64) - 1, at + place + 1
    raise Malformed("a number that does not end")


def _fields(data: Ranges, span: Span) -> Iterator[tuple[int, Span | None]]:
    """Yield the numbers of a message's fields, and where those lie that have a length."""
    at = span.start
    while at < span.end:
        key, at = _varint(data, at, span.end)
        number, kind = key >> 3, key & 7
        if number == 0 or key > _LARGEST_KEY:
            raise Malformed(f"the field {number}")
        if kind == 0:
            _, at = _varint(data, at, span.end)
            yield number, None
            continue
        if kind == _LENGTH:
            length, at = _varint(data, at, span.end)
        elif kind in {1, 5}:
            length = 8 if kind == 1 else 4
        else:
            raise Malformed(f"a field of the kind {kind}")
        if length > span.end - at:
            raise Malformed("a field that is cut off")
        yield number, Span(at, at + length) if kind == _LENGTH else None
        at += length


def begins_message(head: bytes, size: int) -> bool:
    """Tell whether a file with these first bytes may be a message: any fields that fit into it.

    Readers skip fields that they do not know, groups of old among them.
    """
    at, depth = 0, 0
    try:
        while at < len(head):
            key, at = _number(head[at : at + _LONGEST_VARINT], at)
            number, kind = key >> 3, key & 7
            if number == 0 or key > _LARGEST_KEY:
                return False
            if kind in {_GROUP, _GROUP_END}:
                depth += 1 if kind == _GROUP else -1
            elif kind == 0:
                _, at = _number(head[at : at + _LONGEST_VARINT], at)
            elif kind == _LENGTH:
                length, at = _number(head[at : at + _LONGEST_VARINT], at)
                at += length
            elif kind in {1, 5}:
                at += 8 if kind == 1 else 4
            else:
                return False
            if depth < 0:
                return False
    except Malformed:  # a number that may go on behind the head is no fault
        return at >= len(head) - _LONGEST_VARINT and len(head) < size
    return at <= size


def check_model(data: Ranges) -> None:
    """Raise `Malformed` unless the file is one message with a graph."""
    found = list(_fields(data, Span(0, data.size)))
    if not any(number == _MODEL_GRAPH and span is not None for number, span in found):
        raise Malformed(NO_GRAPH)


def onnx_defects(data: Ranges, is_wanted: Callable[[Span], bool]) -> Iterator[str]:
    """Yield what is wrong with a model.

    Args:
        data: the file.
        is_wanted: tells of a part of it whether it may hold any of `NEEDLES`.

    """
    try:
        check_model(data)
        yield from dict.fromkeys(_walk(data, Span(0, data.size), "model", is_wanted, 0))
    except Malformed as wrong:
        yield f"not a model in ONNX's encoding: {wrong}"


def _walk(
    data: Ranges, span: Span, kind: str, is_wanted: Callable[[Span], bool], depth: int
) -> Iterator[str]:
    if depth > _DEEPEST:
        raise Malformed(f"more than {_DEEPEST} messages in one another")
    if kind == "entry":
        yield from _entry(data, span)
        return
    inner = _INNER[kind]
    for number, part in _fields(data, span):
        if part is None or not is_wanted(part):
            continue
        if number in inner:
            yield from _walk(data, part, inner[number], is_wanted, depth + 1)
        elif kind == "node" and number == _OPERATOR:
            name = data.at(part.start, part.end - part.start)
            if name in _PYTHON:
                yield f"the operator {name.decode()}, which calls Python"


def _entry(data: Ranges, span: Span) -> Iterator[str]:
    """Read one entry of external data; no writer states its key or its value twice."""
    texts: dict[int, list[bytes]] = {_KEY: [], _VALUE: []}
    for number, part in _fields(data, span):
        if part is not None and number in texts:
            texts[number].append(data.at(part.start, part.end - part.start))
    if len(texts[_KEY]) > 1 or len(texts[_VALUE]) > 1:
        yield "external data stated twice, which readers see differently"
    if b"location" in texts[_KEY]:
        for value in texts[_VALUE]:
            yield from _judged(value)


def _judged(value: bytes) -> Iterator[str]:
    location = value.decode("utf-8", "replace")
    plain = posixpath.normpath(location)
    is_odd = re.search(r"[\\\x00]|^[A-Za-z]:|^\*/|^file:", location) is not None
    if location.startswith("/") or plain == ".." or plain.startswith("../") or is_odd:
        yield f"external data in {location!r}, outside of its directory"
