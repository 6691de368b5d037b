"""The state of an unpickler: its stack, its memo, and what was imported and called so far."""

from __future__ import annotations

from dataclasses import dataclass, field

from pytest_aisec.facts.artifacts.pickle_opcodes import Broken, Crossed, Operation

__all__ = ["MARK", "OVERLONG", "PLAIN", "Dict", "Import", "Machine", "Made"]

OVERLONG = "a frame that is longer than the file"


class Mark:
    """The object that the opcode MARK puts on the stack."""


MARK = Mark()


@dataclass(eq=False)
class Import:
    """Something that was imported."""

    module: str
    name: str


@dataclass(eq=False)
class Made:
    """Result of a call, with what was set on it."""

    by: object
    arguments: object
    state: object = None


@dataclass(eq=False)
class Dict:
    """A dictionary, whose keys need not be hashable here."""

    items: list[tuple[object, object]] = field(default_factory=list)

    def get(self, key: str) -> object:
        """Return what stands under a name last."""
        found = [value for name, value in self.items if isinstance(name, str) and name == key]
        return found[-1] if found else None


PLAIN = (str, int, float, bytes, tuple, type(None))
"""What is neither called nor filled, whatever it holds."""


class Machine:
    """One reader, in the midst of a pickle."""

    def __init__(self, data: bytes, at: int, size: int | None) -> None:
        """Begin at a byte of `data`; `size` is that of the whole file, where it is known."""
        self.data, self.at, self.size = data, at, size
        self.stack: list[object] = []
        self.memo: dict[int, object] = {}
        self.frame = 0
        self.spent = [0]
        """Operations so far, together with the readers that this one began."""
        self.names: set[tuple[str, str]] = set()
        self.unknown: list[str] = []
        self.odd: list[str] = []
        self.nested: list[bytes] = []
        self.has_called = False
        self.is_shared = False
        self.depth = 0
        self.value: object = None

    def top(self, count: int) -> list[object]:
        """Return the last values on the stack."""
        found = self.stack[-count:]
        if len(found) < count or MARK in found:
            raise Broken("too little on the stack")
        return found

    def take(self, count: int) -> list[object]:
        """Take the last values from the stack."""
        found = self.top(count)
        del self.stack[-count:]
        return found

    def marked(self) -> list[object]:
        """Take what stands behind the last mark."""
        for place in range(len(self.stack) - 1, -1, -1):
            if self.stack[place] is MARK:
                found = self.stack[place + 1 :]
                del self.stack[place:]
                return found
        raise Broken("no mark on the stack")

    def framed(self, op: Operation) -> None:
        """Begin a frame."""
        if op.at < self.frame:
            raise Crossed("a frame within a frame")
        self.frame = op.end + op.argument
        if self.size is not None and self.frame > self.size:
            self.odd.append(OVERLONG)  # the reader in C stops here, that in Python does not

    def imported(self, module: str, name: str) -> Import:
        """Import a name."""
        if not module or "\0" in module:
            raise Broken("no module has such a name")
        self.names.add((module, name))
        return Import(module, name)

    def called(self, what: object, arguments: object) -> None:
        """Call something, and put what it returns on the stack."""
        if isinstance(what, (*PLAIN, Dict, list)):
            raise Broken("a call of what cannot be called")
        if isinstance(what, Import) and (what.module, what.name) == ("torch.storage", "_load_from_bytes"):
            if isinstance(arguments, tuple) and len(arguments) == 1 and isinstance(arguments[0], bytes):
                self.nested.append(arguments[0])
            else:
                self.unknown.append("bytes that are loaded and do not show")
        self.has_called = True
        self.stack.append(Made(what, arguments))

    def merge(self, found: Machine) -> None:
        """Take in what another reader came upon."""
        self.names |= found.names
        self.unknown += found.unknown
        self.odd += found.odd
        self.nested += found.nested
        self.has_called = self.has_called or found.has_called
        self.is_shared = self.is_shared or found.is_shared
