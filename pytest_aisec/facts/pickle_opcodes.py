"""Pickles as opcodes: where each ends, what it imports, whether it runs anything; nothing is unpickled."""

from __future__ import annotations

import io
import pickletools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from pytest_aisec.observe.faults import Unobservable

__all__ = ["Imports", "imports", "runs_something", "split"]

_LEGACY = 0x1950A86A20F9469CFC6C
"""The first pickle in files of PyTorch before 1.6; five pickles, and then the tensors."""
_IMPORTS = frozenset({"GLOBAL", "STACK_GLOBAL", "EXT1", "EXT2", "EXT4"})
_CALLS = frozenset({"REDUCE", "OBJ", "NEWOBJ", "NEWOBJ_EX", "BUILD"})
_ENDED = re.compile(r"not enough data|but only|no newline found|exhausted before")
"""What genops says where the bytes end too early."""


def runs_something(data: bytes, *, is_whole: bool) -> bool | None:
    """Tell whether unpickling `data` imports something, before it ends or fails.

    What follows a call does not matter: the call has been made by then.

    Returns:
        `None` where `data` ends before that is decided.

    """
    stream = io.BytesIO(data)
    imported = False
    try:
        while stream.tell() < len(data):
            marked = False
            for op, _, _ in pickletools.genops(stream):
                marked = marked or op.name == "MARK"
                imported = imported or op.name in _IMPORTS
                if (op.name in _CALLS and imported) or (op.name == "INST" and marked):
                    return True
            if imported:
                return True
    except Exception as error:  # noqa: BLE001 - it raises whatever malformed bytes make it raise
        return None if _ENDED.search(str(error)) and not is_whole else False
    return False if is_whole else None


def split(data: bytes, *, is_whole: bool) -> Iterator[bytes]:
    """Yield the pickles in `data`, one after another; after PyTorch's old header exactly its five.

    Raises:
        Unobservable: `truncated` when the last one goes on after `data`, `parse` when something is no pickle.

    """
    stream = io.BytesIO(data)
    count, wanted = 0, None
    while stream.tell() < len(data) and count != wanted:
        start = stream.tell()
        try:
            operations = [(op.name, arg) for op, arg, _ in pickletools.genops(stream)]
        except Exception as error:  # noqa: BLE001 - it raises whatever malformed bytes make it raise
            is_unknown = "unknown" in str(error)
            if is_whole or is_unknown:
                raise Unobservable("parse", f"byte {start}: not a pickle ({error})") from None
            raise Unobservable(
                "truncated", f"the pickle at byte {start} is longer than what is read"
            ) from None
        count += 1
        if count == 1 and [item for item in operations if item[0] != "PROTO"] == [
            ("LONG1", _LEGACY),
            ("STOP", None),
        ]:
            wanted = 5
        yield data[start : stream.tell()]
    if wanted is not None and count < wanted:
        raise Unobservable("parse" if is_whole else "truncated", "PyTorch's five pickles are not all there")
    if wanted is None and not is_whole:
        raise Unobservable("truncated", f"more than the {len(data)} bytes that are read")


@dataclass(frozen=True, kw_only=True)
class Imports:
    """What a pickle imports when it is loaded."""

    names: frozenset[tuple[str, str]]
    """Module and name."""
    unknown: tuple[str, ...]
    """Opcodes that import something that cannot be told from the opcodes alone."""


_PUSHES = frozenset(
    {"SHORT_BINUNICODE", "UNICODE", "BINUNICODE", "BINUNICODE8", "STRING", "BINSTRING", "SHORT_BINSTRING"}
)
_PUTS = frozenset({"PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"})
_GETS = frozenset({"GET", "BINGET", "LONG_BINGET"})


def imports(data: bytes) -> Imports:
    """Return what one pickle imports.

    A name that comes from the stack counts only when the two opcodes before it push it there.
    """
    names: set[tuple[str, str]] = set()
    unknown: list[str] = []
    top: list[object] = []
    memo: dict[int, object] = {}
    for op, arg, at in pickletools.genops(data):
        if op.name in {"PROTO", "FRAME"}:
            continue
        if op.name in _PUSHES:
            top.append(arg)
        elif op.name in _PUTS:
            memo[len(memo) if op.name == "MEMOIZE" else int(arg or 0)] = top[-1] if top else None
        elif op.name in _GETS:
            top.append(memo.get(int(arg or 0)))
        else:
            if op.name in {"GLOBAL", "INST"}:
                module, _, name = str(arg).partition(" ")
                names.add((module, name))
            elif op.name == "STACK_GLOBAL":
                if len(top) >= 2 and isinstance(top[-2], str) and isinstance(top[-1], str):
                    names.add((top[-2], top[-1]))
                else:
                    unknown.append(f"STACK_GLOBAL at byte {at}")
            elif op.name.startswith("EXT"):
                unknown.append(f"{op.name} at byte {at}")
            top = []
    return Imports(names=frozenset(names), unknown=tuple(unknown))
