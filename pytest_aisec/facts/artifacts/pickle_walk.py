"""A walk over the opcodes of a pickle as CPython takes it when it loads it; nothing is called.

A walk goes on wherever any of CPython's readers goes on, and stops only where all of them do. What it says is
therefore never less than what a loader does.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import Literal

from pytest_aisec.facts.artifacts.pickle_machine import OVERLONG, Machine
from pytest_aisec.facts.artifacts.pickle_opcodes import Broken, Crossed, Open
from pytest_aisec.facts.artifacts.pickle_steps import run

__all__ = ["OLD_TORCH", "Walk", "loads", "walk"]

_LEGACY = 0x1950A86A20F9469CFC6C
"""The first pickle in files of PyTorch before 1.6."""
OLD_TORCH = 5
"""Pickles in such a file; behind them are the tensors."""


@dataclass(frozen=True, kw_only=True)
class Walk:
    """Effects of loading one pickle."""

    start: int
    end: int
    """Behind the last opcode that was walked."""
    state: Literal["stop", "broken", "open"]
    """Whether it comes to its end, no reader comes so far, or the bytes at hand end first."""
    why: str
    """Why it does not come to its end."""
    names: frozenset[tuple[str, str]]
    """Module and name of what it imports."""
    unknown: tuple[str, ...]
    """What it imports or calls that cannot be told from the pickle alone."""
    odd: tuple[str, ...]
    """What CPython never writes, and readers read differently."""
    nested: tuple[bytes, ...]
    """Bytes in it that are loaded in turn."""
    has_called: bool
    """Whether something that it imports is called."""
    is_shared: bool
    """Whether something that holds others stands in several places, which may come to very many."""
    is_crossed: bool
    """Whether its frames are such that one reader stops there and another reads something else."""
    is_marked: bool
    """Whether it begins with the number of its protocol."""
    value: object = field(default=None, repr=False, compare=False)

    @property
    def is_old_torch(self) -> bool:
        """Whether PyTorch's files before 1.6 begin so."""
        return type(self.value) is int and self.value == _LEGACY

    @property
    def runs(self) -> bool:
        """Whether loading it imports what a text does not import by chance, or misleads readers.

        What follows a call does not matter: the call has been made by then.
        """
        if self.is_crossed:
            return True
        if self.has_called or self.state != "broken":
            return bool(self.names or self.unknown)
        # An extension is imported only where the application has one.
        roots = {module.partition(".")[0] for module, _ in self.names}
        is_hidden = any(not what.startswith("EXT") for what in self.unknown)
        return is_hidden or bool(roots & sys.stdlib_module_names)


def walk(data: bytes, at: int = 0, *, size: int | None) -> Walk:
    """Walk the pickle at `at`; `size` is that of the whole file, where it is known."""
    machine = Machine(data, at, size)
    state: Literal["stop", "broken", "open"] = "stop"
    why, is_crossed = "", False
    try:
        run(machine)
    except Crossed as end:
        machine.odd.append(str(end))
        state, why, is_crossed = "broken", str(end), True
    except Broken as end:
        state, why = "broken", str(end)
    except Open:
        state, why = "open", f"the pickle at byte {at} is longer than what is read"
    return Walk(
        start=at,
        end=machine.at,
        state=state,
        why=why,
        names=frozenset(machine.names),
        unknown=tuple(machine.unknown),
        odd=tuple(dict.fromkeys(odd for odd in machine.odd if state == "stop" or odd != OVERLONG)),
        nested=tuple(machine.nested),
        has_called=machine.has_called,
        is_shared=machine.is_shared,
        is_crossed=is_crossed,
        is_marked=data[at : at + 1] == b"\x80" and machine.at > at,
        value=machine.value,
    )


def loads(data: bytes, *, size: int | None) -> list[Walk]:
    """Walk the pickles in `data`, one behind another; behind PyTorch's old header exactly its five.

    The last of them may be broken or open: what follows then is no pickle, or not at hand.
    """
    found: list[Walk] = []
    at, wanted = 0, None
    while len(found) != wanted and not (at == size == len(data) and found):
        found.append(walk(data, at, size=size))
        if found[-1].state != "stop":
            break
        at = found[-1].end
        if found[0].is_old_torch:
            wanted = OLD_TORCH
    return found
