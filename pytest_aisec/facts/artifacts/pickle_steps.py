"""Effects of each opcode of a pickle, by the rules of CPython; nothing is imported or called."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator

from pytest_aisec.facts.artifacts.pickle_machine import MARK, OVERLONG, PLAIN, Dict, Import, Machine, Made
from pytest_aisec.facts.artifacts.pickle_opcodes import UNKNOWN, Broken, Open, Operation, operation

__all__ = ["run"]

_MOST_OPERATIONS = 4_000_000
_DEEPEST = 3
_WRAPPERS = ("joblib.numpy_pickle", "sklearn.externals.joblib.numpy_pickle")


def run(machine: Machine) -> None:
    """Walk to STOP.

    Raises:
        Broken: where no reader goes on.
        Open: where the bytes at hand end.

    """
    while machine.spent[0] < _MOST_OPERATIONS:
        machine.spent[0] += 1
        op = operation(machine.data, machine.at, size=machine.size, frame=machine.frame)
        if op.odd:
            machine.odd.append(op.odd)
        if op.name != "STOP":
            machine.at = op.end
            _DO[op.name](machine, op)
            continue
        (machine.value,) = machine.top(1)
        machine.at = op.end
        if op.end < machine.frame and OVERLONG not in machine.odd:
            machine.odd.append("a frame that goes on behind the end")
        return
    raise Open


def _built(machine: Machine, _: Operation) -> None:
    target, state = machine.take(2)
    machine.stack.append(target)
    if isinstance(target, Import):
        machine.has_called = True
        machine.odd.append(f"{target.module}.{target.name} itself is changed")
    elif isinstance(target, Made):
        machine.has_called = True
        target.state = state
        by = target.by
        if isinstance(by, Import) and by.name == "_reconstructor" and isinstance(target.arguments, tuple):
            by = target.arguments[0] if target.arguments else by
        if isinstance(by, Import) and by.module in _WRAPPERS and by.name == "NumpyArrayWrapper":
            _raw_array(machine, target)


def _raw_array(machine: Machine, wrapper: Made) -> None:
    """Skip what joblib writes behind the description of an array; other loaders take it for opcodes."""
    _fork(machine)
    kind = wrapper.state.get("dtype") if isinstance(wrapper.state, Dict) else None
    shape = wrapper.state.get("shape") if isinstance(wrapper.state, Dict) else None
    count = _count(shape)
    if not isinstance(wrapper.state, Dict) or count is None:
        machine.unknown.append("an array whose form does not show")
        raise Broken("an array whose form does not show")
    width = _width(kind)
    if width is None:
        _inner(machine)
    else:
        if wrapper.state.get("numpy_array_alignment_bytes") is not None:
            _need(machine, machine.at + 1)
            machine.at += 1 + machine.data[machine.at]
        machine.at += width * count
        _need(machine, machine.at)
    machine.frame = 0
    machine.stack[-1] = UNKNOWN


def _need(machine: Machine, end: int) -> None:
    if end > len(machine.data):
        if machine.size is not None and end > machine.size:
            raise Broken("an array that is cut off")
        raise Open


def _inner(machine: Machine) -> None:
    """Walk another pickle that is loaded in the midst of this one."""
    if machine.depth >= _DEEPEST:
        machine.unknown.append("pickles in pickles in pickles")
        raise Broken("pickles in pickles in pickles")
    other = Machine(machine.data, machine.at, machine.size)
    other.spent = machine.spent
    other.depth = machine.depth + 1
    try:
        run(other)
    finally:
        machine.merge(other)
    machine.at = other.at


def _fork(machine: Machine) -> None:
    """Take in what a reader does that knows nothing of arrays."""
    other = Machine(machine.data, machine.at, machine.size)
    other.spent = machine.spent
    other.stack, other.memo, other.depth = [*machine.stack], {**machine.memo}, machine.depth + 1
    if other.depth > _DEEPEST:
        return
    try:
        run(other)
    except (Broken, Open):
        if not other.has_called:
            return
    # To such a reader the memo of a pickle in the pickle is another: names of classes become modules.
    classes = {name for _, name in machine.names}
    other.names = {(module, name) for module, name in other.names if module not in classes}
    machine.merge(other)


def _count(shape: object) -> int | None:
    """Return how many numbers an array of this form has; `None` where that is no form."""
    if not isinstance(shape, tuple) or len(shape) > 64:
        return None
    sizes = [size for size in shape if isinstance(size, int) and 0 <= size < 1 << 48]
    return math.prod(sizes) if len(sizes) == len(shape) else None


def _width(kind: object) -> int | None:
    """Return the bytes of one number; `None` for objects, which are pickled."""
    if not isinstance(kind, Made) or not isinstance(kind.arguments, tuple) or not kind.arguments:
        raise Broken("a type of arrays that is not known")
    code = kind.arguments[0]
    match = re.fullmatch(r"[<>|=]?([biufcSUVmMO?])(\d{1,9})", code) if isinstance(code, str) else None
    if match is None:
        raise Broken("a type of arrays that is not known")
    parts = kind.state[4] if isinstance(kind.state, tuple) and len(kind.state) > 4 else None
    fields = [value for _, value in parts.items] if isinstance(parts, Dict) else []
    widths = [_width(field[0]) for field in fields if isinstance(field, tuple) and field]
    if match[1] == "O" or None in widths:
        return None
    return int(match[2]) * (4 if match[1] == "U" else 1)


def _push(machine: Machine, op: Operation) -> None:
    machine.stack.append(op.argument)


def _constant(make: Callable[[], object]) -> Callable[[Machine, Operation], None]:
    return lambda machine, _: machine.stack.append(make())


def _proto(_: Machine, op: Operation) -> None:
    if op.argument > 5:
        raise Broken("a protocol that is not known")


def _global(machine: Machine, op: Operation) -> None:
    machine.stack.append(machine.imported(*op.argument))


def _stack_global(machine: Machine, op: Operation) -> None:
    module, name = machine.take(2)
    if isinstance(module, str) and isinstance(name, str):
        machine.stack.append(machine.imported(module, name))
    elif any(isinstance(part, (*PLAIN, Dict, list)) and not isinstance(part, str) for part in (module, name)):
        raise Broken("an import without a name")
    else:
        machine.unknown.append(f"STACK_GLOBAL at byte {op.at}")
        machine.stack.append(UNKNOWN)


def _inst(machine: Machine, op: Operation) -> None:
    made = machine.imported(*op.argument)  # before the mark is looked for, as the reader in Python does
    machine.called(made, tuple(machine.marked()))


def _ext(machine: Machine, op: Operation) -> None:
    if op.argument <= 0:
        raise Broken("an extension without a number")
    machine.unknown.append(f"{op.name} at byte {op.at}")
    machine.stack.append(UNKNOWN)


def _obj(machine: Machine, _: Operation) -> None:
    items = machine.marked()
    if not items:
        raise Broken("no class on the stack")
    machine.called(items[0], tuple(items[1:]))


def _call(count: int) -> Callable[[Machine, Operation], None]:
    def act(machine: Machine, _: Operation) -> None:
        what, arguments, *_rest = machine.take(count)
        machine.called(what, arguments)

    return act


def _pop(machine: Machine, _: Operation) -> None:
    if not machine.stack:
        raise Broken("nothing on the stack")
    machine.stack.pop()


def _pop_mark(machine: Machine, _: Operation) -> None:
    machine.marked()


def _read_only(machine: Machine, _: Operation) -> None:
    machine.top(1)


def _repeated(machine: Machine, value: object) -> None:
    """Put a value on the stack that stands elsewhere, too."""
    is_flat = isinstance(value, (*PLAIN, Import)) and not isinstance(value, tuple)
    machine.is_shared = machine.is_shared or not is_flat
    machine.stack.append(value)


def _dup(machine: Machine, _: Operation) -> None:
    _repeated(machine, machine.top(1)[0])


def _put(machine: Machine, op: Operation) -> None:
    (value,) = machine.top(1)
    machine.memo[len(machine.memo) if op.name == "MEMOIZE" else op.argument] = value


def _get(machine: Machine, op: Operation) -> None:
    if op.argument not in machine.memo:
        raise Broken("a number that is not in the memo")
    _repeated(machine, machine.memo[op.argument])


def _tuple(count: int) -> Callable[[Machine, Operation], None]:
    return lambda machine, _: machine.stack.append(tuple(machine.take(count)) if count else ())


def _persistent(machine: Machine, op: Operation) -> None:
    if op.name == "BINPERSID":
        machine.take(1)
    machine.stack.append(Made(None, None))  # of the application, and it may be set or called


def _gather(make: Callable[[list[object]], object]) -> Callable[[Machine, Operation], None]:
    return lambda machine, _: machine.stack.append(make(machine.marked()))


def _pairs(items: list[object]) -> list[tuple[object, object]]:
    if len(items) % 2:
        raise Broken("a key without a value")
    return list(zip(items[::2], items[1::2], strict=True))


def _extend(machine: Machine, op: Operation) -> None:
    items = machine.take({"APPEND": 1, "SETITEM": 2}[op.name]) if op.name[-1] != "S" else machine.marked()
    (target,) = machine.top(1)
    pairs = _pairs(items) if op.name.startswith("SETITEM") else []
    if items and isinstance(target, PLAIN):
        raise Broken("what holds nothing is filled")
    if isinstance(target, list):
        target += items
    elif isinstance(target, Dict):
        target.items += pairs
    elif isinstance(target, (Made, Import)):
        machine.has_called = True


def _memoless() -> Iterator[tuple[str, Callable[[Machine, Operation], None]]]:
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


_DO: dict[str, Callable[[Machine, Operation], None]] = {
    **dict(_memoless()),
    "NONE": _constant(lambda: None),
    "NEWTRUE": _constant(lambda: True),
    "NEWFALSE": _constant(lambda: False),
    "EMPTY_LIST": _constant(list),
    "EMPTY_DICT": _constant(Dict),
    "EMPTY_SET": _constant(lambda: UNKNOWN),
    "EMPTY_TUPLE": _tuple(0),
    "TUPLE1": _tuple(1),
    "TUPLE2": _tuple(2),
    "TUPLE3": _tuple(3),
    "TUPLE": _gather(tuple),
    "LIST": _gather(list),
    "DICT": _gather(lambda items: Dict(_pairs(items))),
    "FROZENSET": _gather(lambda _: UNKNOWN),
    "MARK": _constant(lambda: MARK),
    "POP": _pop,
    "POP_MARK": _pop_mark,
    "DUP": _dup,
    "READONLY_BUFFER": _read_only,
    "PROTO": _proto,
    "FRAME": lambda machine, op: machine.framed(op),
    "GLOBAL": _global,
    "STACK_GLOBAL": _stack_global,
    "INST": _inst,
    "OBJ": _obj,
    "REDUCE": _call(2),
    "NEWOBJ": _call(2),
    "NEWOBJ_EX": _call(3),
    "BUILD": _built,
    "PERSID": _persistent,
    "BINPERSID": _persistent,
}
