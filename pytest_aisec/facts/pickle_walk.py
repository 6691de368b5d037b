"""What a pickle does when it is loaded: its opcodes are walked by the rules of CPython, and nothing is called.

A walk goes on wherever any of CPython's readers goes on, and stops only where all of them do. What it says is
therefore never less than what a loader does.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from pytest_aisec.facts.pickle_opcodes import UNKNOWN, Broken, Crossed, Open, Operation, operation

__all__ = ["Walk", "loads", "walk"]

_LEGACY = 0x1950A86A20F9469CFC6C
"""The first pickle in files of PyTorch before 1.6; five pickles, and then the tensors."""
_MOST_OPERATIONS = 4_000_000
_DEEPEST = 3


@dataclass(frozen=True, kw_only=True)
class Walk:
    """What happens when one pickle is loaded."""

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
    is_marked: bool
    """Whether it begins with the number of its protocol."""
    value: object = field(default=None, repr=False, compare=False)

    @property
    def runs(self) -> bool:
        """Whether loading it imports something that a text does not import by chance, or misleads readers.

        What follows a call does not matter: the call has been made by then.
        """
        if self.has_called or self.unknown:
            return True
        if self.state == "broken":
            roots = {module.partition(".")[0] for module, _ in self.names}
            return bool(roots & sys.stdlib_module_names) or _CROSSED in self.odd
        return bool(self.names or (self.odd and self.state == "stop")) or _CROSSED in self.odd


_CROSSED = "a frame that ends within an opcode"
_OVERLONG = "a frame that is longer than the file"


class _Mark:
    pass


_MARK = _Mark()


@dataclass(eq=False)
class _Import:
    module: str
    name: str


@dataclass(eq=False)
class _Made:
    """What a call returned, with what was set on it."""

    by: object
    arguments: object
    state: object = None


@dataclass(eq=False)
class _Dict:
    items: list[tuple[object, object]] = field(default_factory=list)

    def get(self, key: str) -> object:
        found = [value for name, value in self.items if isinstance(name, str) and name == key]
        return found[-1] if found else None


_PLAIN = (str, int, float, bytes, tuple, type(None))
_WRAPPERS = ("joblib.numpy_pickle", "sklearn.externals.joblib.numpy_pickle")


class _Machine:
    def __init__(self, data: bytes, at: int, size: int | None) -> None:
        self.data, self.at, self.size = data, at, size
        self.stack: list[object] = []
        self.memo: dict[int, object] = {}
        self.frame = 0
        self.names: set[tuple[str, str]] = set()
        self.unknown: list[str] = []
        self.odd: list[str] = []
        self.nested: list[bytes] = []
        self.has_called = False
        self.depth = 0
        self.value: object = None

    def top(self, count: int) -> list[object]:
        found = self.stack[-count:]
        if len(found) < count or _MARK in found:
            raise Broken("too little on the stack")
        return found

    def take(self, count: int) -> list[object]:
        found = self.top(count)
        del self.stack[-count:]
        return found

    def marked(self) -> list[object]:
        for place in range(len(self.stack) - 1, -1, -1):
            if self.stack[place] is _MARK:
                found = self.stack[place + 1 :]
                del self.stack[place:]
                return found
        raise Broken("no mark on the stack")

    def run(self) -> None:
        """Walk to STOP; raises what `operation` raises."""
        for _ in range(_MOST_OPERATIONS):
            op = operation(self.data, self.at, size=self.size, frame=self.frame)
            if op.odd:
                self.odd.append(op.odd)
            if op.name != "STOP":
                self.at = op.end
                _DO[op.name](self, op)
                continue
            (self.value,) = self.top(1)
            self.at = op.end
            if op.end < self.frame and _OVERLONG not in self.odd:
                self.odd.append("a frame that goes on behind the end")
            return
        raise Open

    def framed(self, op: Operation) -> None:
        if op.at < self.frame:
            self.odd.append("a frame in a frame")
        self.frame = op.end + op.argument
        if self.size is not None and self.frame > self.size:
            self.odd.append(_OVERLONG)  # the reader in C stops here, that in Python does not

    def imported(self, module: str, name: str) -> _Import:
        self.names.add((module, name))
        return _Import(module, name)

    def called(self, what: object, arguments: object) -> None:
        if isinstance(what, (*_PLAIN, _Dict, list)):
            raise Broken("a call of what cannot be called")
        if isinstance(what, _Import) and (what.module, what.name) == ("torch.storage", "_load_from_bytes"):
            if isinstance(arguments, tuple) and len(arguments) == 1 and isinstance(arguments[0], bytes):
                self.nested.append(arguments[0])
            else:
                self.unknown.append("bytes that are loaded and do not show")
        self.has_called = True
        self.stack.append(_Made(what, arguments))

    def built(self, _: Operation) -> None:
        target, state = self.take(2)
        self.stack.append(target)
        if isinstance(target, _Import):
            self.has_called = True
            self.odd.append(f"{target.module}.{target.name} itself is changed")
        elif isinstance(target, _Made):
            self.has_called = True
            target.state = state
            by = target.by
            if isinstance(by, _Import) and by.module in _WRAPPERS and by.name == "NumpyArrayWrapper":
                self.raw_array(target)

    def raw_array(self, wrapper: _Made) -> None:
        """Skip what joblib writes behind the description of an array; other loaders take it for opcodes."""
        self.fork()
        kind = wrapper.state.get("dtype") if isinstance(wrapper.state, _Dict) else None
        shape = wrapper.state.get("shape") if isinstance(wrapper.state, _Dict) else None
        if not isinstance(wrapper.state, _Dict) or not _is_shape(shape):
            self.unknown.append("an array whose form does not show")
            raise Broken("an array whose form does not show")
        width = _width(kind)
        if width is None:
            inner = self.inner(self.at)
            self.at = inner.end
        else:
            if wrapper.state.get("numpy_array_alignment_bytes") is not None:
                self.need(self.at + 1)
                self.at += 1 + self.data[self.at]
            self.at += width * math.prod(shape)  # type: ignore[arg-type]
            self.need(self.at)
        self.frame = 0
        self.stack[-1] = UNKNOWN

    def need(self, end: int) -> None:
        if end > len(self.data):
            if self.size is not None and end > self.size:
                raise Broken("an array that is cut off")
            raise Open

    def inner(self, at: int) -> Walk:
        """Walk another pickle that is loaded in the midst of this one."""
        if self.depth >= _DEEPEST:
            self.unknown.append("pickles in pickles in pickles")
            raise Broken("pickles in pickles in pickles")
        found = walk(self.data, at, size=self.size)
        self.merge(found)
        if found.state == "open":
            raise Open
        if found.state == "broken":
            raise Broken(found.why)
        return found

    def merge(self, found: Walk | _Machine) -> None:
        self.names |= found.names
        self.unknown += found.unknown
        self.odd += found.odd
        self.nested += found.nested
        self.has_called = self.has_called or found.has_called

    def fork(self) -> None:
        """Take in what a reader does that knows nothing of arrays."""
        other = _Machine(self.data, self.at, self.size)
        other.stack, other.memo, other.depth = [*self.stack], {**self.memo}, self.depth + 1
        if other.depth > _DEEPEST:
            return
        try:
            other.run()
        except (Broken, Open):
            if not other.has_called:
                return
        self.merge(other)


def _is_shape(shape: object) -> bool:
    return isinstance(shape, tuple) and all(isinstance(n, int) and 0 <= n < 1 << 48 for n in shape)


def _width(kind: object) -> int | None:
    """Return the bytes of one number; `None` for objects, which are pickled."""
    match = None
    if isinstance(kind, _Made) and isinstance(kind.arguments, tuple) and kind.arguments:
        code = kind.arguments[0]
        match = re.fullmatch(r"[<>|=]?([biufcSUVmMO?])(\d{1,9})", code) if isinstance(code, str) else None
        fields = kind.state[3] if isinstance(kind.state, tuple) and len(kind.state) > 3 else None
    if match is None or fields is not None:
        raise Broken("a type of arrays that is not known")
    if match[1] == "O":
        return None
    return int(match[2]) * (4 if match[1] == "U" else 1)


def _push(machine: _Machine, op: Operation) -> None:
    machine.stack.append(op.argument)


def _constant(make: Callable[[], object]) -> Callable[[_Machine, Operation], None]:
    return lambda machine, _: machine.stack.append(make())


def _nothing(_: _Machine, __: Operation) -> None:
    pass


def _proto(_: _Machine, op: Operation) -> None:
    if op.argument > 5:
        raise Broken("a protocol that is not known")


def _global(machine: _Machine, op: Operation) -> None:
    machine.stack.append(machine.imported(*op.argument))


def _stack_global(machine: _Machine, op: Operation) -> None:
    module, name = machine.take(2)
    if isinstance(module, str) and isinstance(name, str):
        machine.stack.append(machine.imported(module, name))
    elif any(isinstance(part, (*_PLAIN, _Dict, list)) and not isinstance(part, str) for part in (module, name)):
        raise Broken("an import without a name")
    else:
        machine.unknown.append(f"STACK_GLOBAL at byte {op.at}")
        machine.stack.append(UNKNOWN)


def _inst(machine: _Machine, op: Operation) -> None:
    made = machine.imported(*op.argument)  # before the mark is looked for, as the reader in Python does
    machine.called(made, tuple(machine.marked()))


def _ext(machine: _Machine, op: Operation) -> None:
    if op.argument <= 0:
        raise Broken("an extension without a number")
    machine.unknown.append(f"{op.name} at byte {op.at}")
    machine.stack.append(UNKNOWN)


def _obj(machine: _Machine, _: Operation) -> None:
    items = machine.marked()
    if not items:
        raise Broken("no class on the stack")
    machine.called(items[0], tuple(items[1:]))


def _call(count: int) -> Callable[[_Machine, Operation], None]:
    def act(machine: _Machine, _: Operation) -> None:
        what, arguments, *_rest = machine.take(count)
        machine.called(what, arguments)

    return act


def _pop(machine: _Machine, _: Operation) -> None:
    if not machine.stack:
        raise Broken("nothing on the stack")
    machine.stack.pop()


def _dup(machine: _Machine, _: Operation) -> None:
    machine.stack += machine.top(1)


def _put(machine: _Machine, op: Operation) -> None:
    (value,) = machine.top(1)
    machine.memo[len(machine.memo) if op.name == "MEMOIZE" else op.argument] = value


def _get(machine: _Machine, op: Operation) -> None:
    if op.argument not in machine.memo:
        raise Broken("a number that is not in the memo")
    machine.stack.append(machine.memo[op.argument])


def _tuple(count: int) -> Callable[[_Machine, Operation], None]:
    return lambda machine, _: machine.stack.append(tuple(machine.take(count)) if count else ())


def _persistent(machine: _Machine, op: Operation) -> None:
    if op.name == "BINPERSID":
        machine.take(1)
    machine.stack.append(UNKNOWN)


def _gather(make: Callable[[list[object]], object]) -> Callable[[_Machine, Operation], None]:
    return lambda machine, _: machine.stack.append(make(machine.marked()))


def _pairs(items: list[object]) -> list[tuple[object, object]]:
    if len(items) % 2:
        raise Broken("a key without a value")
    return list(zip(items[::2], items[1::2], strict=True))


def _extend(machine: _Machine, op: Operation) -> None:
    items = machine.take({"APPEND": 1, "SETITEM": 2}[op.name]) if op.name[-1] != "S" else machine.marked()
    (target,) = machine.top(1)
    pairs = _pairs(items) if op.name.startswith("SETITEM") else []
    if items and isinstance(target, _PLAIN):
        raise Broken("what holds nothing is filled")
    if isinstance(target, list):
        target += items
    elif isinstance(target, _Dict):
        target.items += pairs
    elif isinstance(target, (_Made, _Import)):
        machine.has_called = True


def _memoless() -> Iterator[tuple[str, Callable[[_Machine, Operation], None]]]:
    for name in (
        *("BININT", "BININT1", "BININT2", "INT", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
        *("STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "UNICODE"),
        *("SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"),
    ):
        yield name, _push
    for name in ("BYTEARRAY8", "NEXT_BUFFER"):
        yield name, _constant(lambda: UNKNOWN)
    for name in ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"):
        yield name, _put
    for name in ("GET", "BINGET", "LONG_BINGET"):
        yield name, _get
    for name in ("APPEND", "APPENDS", "SETITEM", "SETITEMS", "ADDITEMS"):
        yield name, _extend
    for name in ("EXT1", "EXT2", "EXT4"):
        yield name, _ext


_DO: dict[str, Callable[[_Machine, Operation], None]] = {
    **dict(_memoless()),
    "NONE": _constant(lambda: None),
    "NEWTRUE": _constant(lambda: True),
    "NEWFALSE": _constant(lambda: False),
    "EMPTY_LIST": _constant(list),
    "EMPTY_DICT": _constant(_Dict),
    "EMPTY_SET": _constant(lambda: UNKNOWN),
    "EMPTY_TUPLE": _tuple(0),
    "TUPLE1": _tuple(1),
    "TUPLE2": _tuple(2),
    "TUPLE3": _tuple(3),
    "TUPLE": _gather(tuple),
    "LIST": _gather(list),
    "DICT": _gather(lambda items: _Dict(_pairs(items))),
    "FROZENSET": _gather(lambda _: UNKNOWN),
    "MARK": _constant(lambda: _MARK),
    "POP": _pop,
    "POP_MARK": lambda machine, _: machine.marked() and None,
    "DUP": _dup,
    "READONLY_BUFFER": lambda machine, _: machine.top(1) and None,
    "PROTO": _proto,
    "FRAME": lambda machine, op: machine.framed(op),
    "GLOBAL": _global,
    "STACK_GLOBAL": _stack_global,
    "INST": _inst,
    "OBJ": _obj,
    "REDUCE": _call(2),
    "NEWOBJ": _call(2),
    "NEWOBJ_EX": _call(3),
    "BUILD": lambda machine, op: machine.built(op),
    "PERSID": _persistent,
    "BINPERSID": _persistent,
}


def walk(data: bytes, at: int = 0, *, size: int | None) -> Walk:
    """Walk the pickle at `at`; `size` is that of the whole file, where it is known."""
    machine = _Machine(data, at, size)
    state: Literal["stop", "broken", "open"] = "stop"
    why = ""
    try:
        machine.run()
    except Crossed as end:
        machine.odd.append(_CROSSED)
        state, why = "broken", str(end)
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
        odd=tuple(dict.fromkeys(odd for odd in machine.odd if state == "stop" or odd != _OVERLONG)),
        nested=tuple(machine.nested),
        has_called=machine.has_called,
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
        if len(found) == 1 and type(found[0].value) is int and found[0].value == _LEGACY:
            wanted = 5
    return found
