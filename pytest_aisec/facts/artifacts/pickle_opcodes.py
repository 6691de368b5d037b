"""The opcodes of a pickle and their arguments, as the readers of CPython take them.

There are two of them, in C and in Python, and libraries build on either. An argument that one of the two
accepts is accepted here. One that CPython never writes is odd: readers that only look at pickles take it for
something else, and attacks on scanners live on that.
"""

from __future__ import annotations

import codecs
import pickletools
import re
from dataclasses import dataclass, replace
from typing import Any

__all__ = ["OPCODES", "UNKNOWN", "Argument", "Broken", "Crossed", "Open", "Operation", "operation"]


class Broken(Exception):
    """Every reader of CPython stops here."""


class Crossed(Broken):
    """A frame ends within an opcode: one reader of CPython stops, the other reads something else."""


class Open(Exception):
    """The bytes at hand end before it is decided what comes."""


class _Unknown:
    """A value that is not followed."""


UNKNOWN = _Unknown()
Argument = Any
"""What CPython makes of the bytes behind an opcode, or `UNKNOWN`."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One opcode with its argument."""

    name: str
    at: int
    end: int
    argument: Argument
    odd: str
    """What CPython never writes; empty where it is as it writes it."""


OPCODES = {ord(op.code): op for op in pickletools.opcodes}
_WIDTHS = {-2: 1, -3: 4, -4: 4, -5: 8}
"""Bytes of a length before an argument, by how `pickletools` describes it."""
_FLOAT = re.compile(rb"-?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?|-?inf|-?nan")
_LONGEST_NUMBER = 40


def operation(data: bytes, at: int, *, size: int | None, frame: int = 0) -> Operation:
    """Return the operation at `at`.

    Args:
        data: the beginning of the file, or all of it.
        at: where the opcode stands.
        size: bytes of the whole file, where that is known.
        frame: where the frame ends.

    Raises:
        Crossed: where the frame ends within the operation.
        Broken: where no reader goes on.
        Open: where `data` ends and the file may not.

    """
    if at >= len(data):
        _ended(at, size, len(data))
    op = OPCODES.get(data[at])
    if op is None:
        raise Broken(f"{data[at]:#04x} at byte {at} is no opcode")
    if op.arg is None:
        return Operation(op.name, at, at + 1, None, "")
    if op.arg.n == -1:
        return _of_lines(op.name, data, at, size, frame)
    start = at + 1
    length = op.arg.n
    if length < 0:
        width = _WIDTHS[length]
        start += width
        _check_frame(at, start, frame)
        if start > len(data):
            _ended(start, size, len(data))
        length = int.from_bytes(data[at + 1 : start], "little", signed=op.arg.n == -3)
    end = start + length
    if length < 0 or length >= 1 << 62:
        raise Broken(f"a length that is none, at byte {at}")
    _check_frame(at, end, frame)
    if end > len(data):
        _ended(end, size, len(data))
    return Operation(op.name, at, end, _value(op.name, data[start:end]), "")


def _check_frame(at: int, end: int, frame: int) -> None:
    if at < frame < end:
        raise Crossed("a frame that ends within an opcode")


def _ended(needed: int, size: int | None, length: int) -> None:
    if size is not None and (needed > size or size <= length):
        raise Broken("the bytes end")
    raise Open


_TEXTS = frozenset({"SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"})
_OLD_TEXTS = frozenset({"BINSTRING", "SHORT_BINSTRING"})
_BYTES = frozenset({"BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"})
_NUMBERS = frozenset(
    {"BININT1", "BININT2", "PROTO", "BINGET", "LONG_BINGET", "BINPUT", "LONG_BINPUT", "FRAME", "EXT1", "EXT2"}
)


def _value(name: str, raw: bytes) -> Argument:
    if name in _TEXTS:
        try:
            return raw.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            raise Broken("text that is not UTF-8") from None
    if name in _OLD_TEXTS:
        return raw.decode("ascii") if raw.isascii() else UNKNOWN
    if name in _BYTES:
        return raw
    if name in _NUMBERS:
        return int.from_bytes(raw, "little")
    if name in {"BININT", "EXT4"}:
        return int.from_bytes(raw, "little", signed=True)
    if name in {"LONG1", "LONG4"}:
        return int.from_bytes(raw, "little", signed=True) if len(raw) <= _LONGEST_NUMBER else UNKNOWN
    return UNKNOWN


def _line(data: bytes, at: int, size: int | None) -> tuple[bytes, int, str]:
    """Return the line at `at` without its end, as CPython does: without a newline, its last byte is lost."""
    end = data.find(b"\n", at)
    if end >= 0:
        return data[at:end], end + 1, ""
    if size is None or size > len(data):
        raise Open
    return data[at:-1], len(data), "a line that does not end"


def _of_lines(name: str, data: bytes, at: int, size: int | None, frame: int) -> Operation:
    if name == "PERSID" and data.find(b"\n", at) < 0 and not data[at:].isascii():
        raise Broken("a reference that is not ASCII")
    line, end, odd = _line(data, at + 1, size)
    _check_frame(at, end, frame)
    if name in {"GLOBAL", "INST"}:
        second, end, also = _line(data, end, size)
        _check_frame(at, end, frame)
        is_plain = _is_plain(line) and _is_plain(second)
        try:
            names = (line.decode("utf-8"), second.decode("utf-8"))
        except UnicodeDecodeError:
            raise Broken("the name of an import is not UTF-8") from None
        odd = odd or also or ("" if is_plain else "the name of an import is not plain ASCII")
        return Operation(name, at, end, names, odd)
    if name == "FLOAT":
        return Operation(name, at, end, UNKNOWN, odd or _odd_float(line))
    if name in {"INT", "LONG", "GET", "PUT"}:
        number, odd_number = _number(name, line)
        return Operation(name, at, end, number, odd or odd_number)
    if name in {"STRING", "UNICODE"}:
        return _of_text(Operation(name, at, end, UNKNOWN, odd), line)
    if not line.isascii():
        raise Broken("a reference that is not ASCII")
    return Operation(name, at, end, UNKNOWN, odd)


def _of_text(op: Operation, line: bytes) -> Operation:
    if op.name == "UNICODE":
        try:
            return replace(op, argument=line.decode("raw-unicode-escape"))
        except UnicodeDecodeError:
            raise Broken("text with a broken escape") from None
    if len(line) < 2 or line[:1] != line[-1:] or line[:1] not in {b"'", b'"'}:
        raise Broken("a text without quotes")
    odd = op.odd or ("" if _is_printable(line) else "a text that is not ASCII")
    return replace(op, argument=_unescaped(line[1:-1]), odd=odd)


def _is_plain(line: bytes) -> bool:
    return re.fullmatch(rb"[!-~]+", line) is not None


def _is_printable(line: bytes) -> bool:
    return re.fullmatch(rb"[ -~\t]*", line) is not None


def _unescaped(body: bytes) -> Argument:
    try:
        raw = codecs.escape_decode(body)[0]
    except ValueError:
        raise Broken("text with a broken escape") from None
    if not isinstance(raw, bytes):
        return UNKNOWN
    return raw.decode("ascii") if raw.isascii() else UNKNOWN


def _odd_float(line: bytes) -> str:
    if _FLOAT.fullmatch(line):
        return ""
    shown = repr(line[:_LONGEST_NUMBER].decode("latin-1"))
    try:
        float(line.partition(b"\0")[0])
    except ValueError:
        raise Broken("no number") from None
    return f"the number {shown}"


def _number(name: str, line: bytes) -> tuple[Argument, str]:
    """Return a number in text, and what is odd about how it is written."""
    plain = rb"0|-?[1-9][0-9]*" + {"INT": rb"|0[01]", "LONG": rb"|"}.get(name, b"")
    digits = line.removesuffix(b"L") if name == "LONG" else line
    if digits and re.fullmatch(plain, digits):
        number: Argument = int(digits) if len(digits) <= _LONGEST_NUMBER else UNKNOWN
        odd = ""
    else:
        base = 10 if name in {"GET", "PUT"} else 0
        number = _lenient(line, name, base)
        odd = f"the number {line[:_LONGEST_NUMBER].decode('latin-1')!r}"
    if name in {"GET", "PUT"} and (number is UNKNOWN or number < 0):
        raise Broken("no number of the memo")
    return number, odd


def _lenient(line: bytes, name: str, base: int) -> Argument:
    text, nul, _ = line.partition(b"\0")
    if name == "INT" and nul and not text:
        return 0  # as strtol of C reads it
    if name == "LONG":
        text = text.removesuffix(b"L")
    if len(text) > _LONGEST_NUMBER and not re.fullmatch(rb"[\s0-9a-zA-Z_+-]*", text):
        raise Broken("no number")
    if len(text) > _LONGEST_NUMBER:
        return UNKNOWN
    try:
        return int(text, base)
    except ValueError:
        pass
    octal = re.fullmatch(rb"\s*([+-]?)0([0-7]+)\s*", text)  # likewise
    if octal is None or base == 10:
        raise Broken("no number")
    return int(octal[1] + octal[2], 8)
