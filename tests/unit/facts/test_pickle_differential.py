"""The walk of a pickle against both unpicklers of CPython, which import nothing here.

What either of them imports or calls, the walk has seen; where either of them comes to the end, so does the walk.
`AISEC_PICKLE_STREAMS` says how many mutated streams are tried, `AISEC_PICKLE_SEED` where they begin.
"""

import _pickle
import collections
import io
import os
import pickle
import pickletools
import random
import re
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_aisec.facts.artifacts.pickle_walk import walk

STREAMS = int(os.environ.get("AISEC_PICKLE_STREAMS", "12000"))
SEED = int(os.environ.get("AISEC_PICKLE_SEED", "0"))
GREEDY = re.compile(rb"r(?=..[^\0].|...[^\0])|\x96(?!.{3}\0{5})|[pI L]\s*[+0_]*\d[\d_]{5,}", re.DOTALL)
"""Places in the memo for which the unpickler in C would take gigabytes, and long numbers."""
OPCODES = [op.code.encode("latin-1") for op in pickletools.opcodes]


def stub(log):
    class Stub:
        def __new__(cls, *_, **__):
            log["called"] = True
            return object.__new__(cls)

        def __init__(self, *_, **__):
            pass

        def __call__(self, *_, **__):
            log["called"] = True
            return self

        def __setstate__(self, _):
            log["called"] = True

        def append(self, _):
            pass

        def add(self, _):
            pass

        def extend(self, _):
            pass

        def __setitem__(self, _, __):
            pass

        def __getattr__(self, name):
            raise AttributeError(name)

    return Stub


def load(base, data, encoding):
    log = {"names": set(), "called": False, "stopped": False}
    kind = stub(log)

    class Reader(base):
        def find_class(self, module, name):
            if not module or "\0" in module:
                raise ImportError(module)  # as importing it does
            log["names"].add((module, name))
            return kind

        def persistent_load(self, _):
            return object.__new__(kind)

    try:
        Reader(io.BytesIO(data), encoding=encoding).load()
        log["stopped"] = True
    except Exception:  # noqa: BLE001 - malformed on purpose; where it stops does not matter
        pass
    return log


def check(data, encoding="latin-1"):
    found = walk(data, size=len(data))
    if found.is_crossed:
        return found
    for base in (_pickle.Unpickler, pickle._Unpickler):
        seen = load(base, data, encoding)
        missed = seen["names"] - found.names
        assert found.unknown or not missed, (base, data, missed)
        assert not seen["called"] or found.has_called, (base, data, found)
        assert not seen["stopped"] or found.state == "stop", (base, data, found)
    return found


class Calls:
    def __init__(self, *parts):
        self.parts = parts

    def __reduce__(self):
        return (os.path.join, ("a", "b"), {"state": 1}, iter([1]), iter([("k", 2)]))


class Made:
    def __init__(self):
        self.x = 1

    def __getnewargs_ex__(self):
        return (), {}


def seeds():
    shared = [
        "x",
        2.5,
        b"\x00\xff",
        (1, True, None),
        {"a": -1},
        {3},
        frozenset({4}),
        bytearray(b"5"),
        "é\n\\u0041",
    ]
    things = [
        shared,
        [shared, shared, 1 << 70, -(1 << 31), 255, 65536],
        [Calls(), Calls()],
        [Made(), collections.OrderedDict(a=1), collections.Counter("ab"), os.path.join],
        {"k" * 300: "v" * 70_000},
    ]
    for protocol in range(6):
        for thing in things:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield pickle.dumps(thing, protocol)
    yield b"I0x10\n0cposix\ngetcwd\n(tR."
    yield b"I010\n0L1_0\n0F1.0\x00x\n0F inf\n0cposix\ngetcwd\n(tR."
    yield b"S'\xc3\xa9'\n0V\\u0070osix\nV\xe9\n0Vgetcwd\n\x93)R."
    yield b"(iposix\ngetcwd\n."
    yield b"(cposix\ngetcwd\nNo."
    yield b"Pname\n0(cposix\ngetcwd\nl0."
    yield b"\x80\x04\x95\x0a\0\0\0\0\0\0\0" + b"cposix\nx\n." + b"N."
    yield b"cposix\ngetcwd"
    yield b"iposix\ngetcwd\nN."
    yield b"(1NN0N}(NNu\x81N.\x82\x01."


PIECES = (
    b"cposix\ngetcwd\n", b"\x8c\x05posix\x8c\x06getcwd\x93", b")R", b"(tR", b"(o", b"b", b"\x81", b"}\x92", b"0",
    b"(", b"1", b"2", b".", b"\n", b"N", b"p1\n", b"g1\n", b"q\0", b"h\0", b"\x94", b"I0x1f\n", b"I0b1\n", b"I08\n",
    b"I 7 \n", b"I1\0x\n", b"L5L\n", b"L-0x1L\n", b"F1e5\n", b"F1_0\n", b"Fnan(x)\n", b"S'a'\n", b'S"\\x70"\n',
    b"S'\\x'\n", b"V\\u00\n", b"U\x02ab", b"T\xff\xff\xff\xff", b"\x95\x05\0\0\0\0\0\0\0", b"\x80\x04", b"\x80\x07",
    b"P1\n", b"KaQ", b"\x97", b"\x98", b"e", b"a", b"(u", b"s", b"(\x90", b"\x8f", b"(\x91", b"\x82\x01", b"\x84\0\0\0\0",
    b"\x8a\x02\xff\xff", b"\x8b\xff\xff\xff\xff", b"G?\xf0\0\0\0\0\0\0", b"p-1\n", b"g+1\n", b"p01\n", b"I\n", b"c\n\n",
)  # fmt: skip


def mutated(rng, pool):
    data = bytearray(rng.choice(pool))
    for _ in range(rng.randint(1, 5)):
        at = rng.randint(0, len(data))
        what = rng.randrange(6)
        if what == 0 and at < len(data):
            data[at] = rng.randrange(256)
        elif what == 1:
            data[at:at] = rng.choice(PIECES)
        elif what == 2:
            del data[at : at + rng.randint(1, 4)]
        elif what == 3:
            other = rng.choice(pool)
            start = rng.randrange(len(other))
            data[at:] = other[start : start + 300]
        elif what == 4:
            data[at : at + 1] = rng.choice(OPCODES)
        else:
            data[at:at] = b"".join(rng.choices(PIECES, k=rng.randint(1, 6)))
    return bytes(data)


@pytest.mark.parametrize("data", list(seeds()))
def test_what_is_known(data):
    check(data)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::SyntaxWarning")
def test_mutated_streams():
    rng = random.Random(SEED)
    pool = [data for data in seeds() if len(data) < 5000]
    imported = 0
    for _ in range(STREAMS):
        data = mutated(rng, pool)
        if not GREEDY.search(data):
            imported += bool(check(data, rng.choice(("latin-1", "ASCII", "bytes"))).names)
    assert STREAMS // 20 < imported


@given(st.lists(st.sampled_from(PIECES) | st.sampled_from(OPCODES), max_size=30))
@settings(max_examples=300, deadline=None)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::SyntaxWarning")
def test_generated_streams(pieces):
    data = b"".join(pieces)
    if not GREEDY.search(data):
        check(data)
