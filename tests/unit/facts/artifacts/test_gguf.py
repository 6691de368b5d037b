import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aisec.facts.artifacts.gguf import gguf
from pytest_aisec.facts.artifacts.ranges import Ranges, of_bytes
from pytest_aisec.observe.faults import Unobservable
from tests.support import weights as make

W = make.gguf_tensor()
HUGE = 1 << 63


def number(value):
    return struct.pack("<I", value)


def alignment(value):
    return make.gguf_pair(b"general.alignment", make.UINT32, number(value))


def tokens(*words):
    return make.gguf_pair(
        b"tokenizer.tokens", make.ARRAY, make.gguf_array(make.TEXT, [make.gguf_text(word) for word in words])
    )


BENIGN = {
    "empty": make.gguf(),
    "text": make.gguf([make.gguf_pair()], [W], bytes(16)),
    "tokens": make.gguf([tokens(b"a", b"", "ü".encode())], [W], bytes(16)),
    "number": make.gguf([make.gguf_pair(b"a.b", 12, bytes(8))], [W], bytes(16)),
    "alignment": make.gguf([alignment(8)], [W], bytes(16), alignment=8),
    "two": make.gguf([], [W, make.gguf_tensor(b"v", (32, 2), 8, 32)], bytes(32 + 68)),
    "version 2": make.gguf([], [W], bytes(16), version=2),
    "no elements": make.gguf([], [make.gguf_tensor(shape=(0, 5))]),
}
DANGEROUS = {
    "short": b"GGUF\x03\0\0\0",
    "version 1": make.gguf(version=1),
    "version 9": make.gguf(version=9),
    "no magic": b"GGML" + make.gguf()[4:],
    "many tensors": make.gguf(counts=(HUGE, 0)),
    "many pairs": make.gguf(counts=(0, HUGE)),
    "one pair too many": make.gguf([make.gguf_pair()], counts=(0, 2)),
    "long key": make.gguf([struct.pack("<Q", HUGE) + bytes(40)]),
    "key to the largest number": make.gguf([struct.pack("<Q", (1 << 64) - 1) + bytes(40)]),
    "long value": make.gguf([make.gguf_pair(value=struct.pack("<Q", (1 << 64) - 1))]),
    "second pair long": make.gguf([make.gguf_pair(), make.gguf_pair(b"b", value=struct.pack("<Q", 1 << 40))]),
    "long array": make.gguf([make.gguf_pair(kind=make.ARRAY, value=struct.pack("<IQ", 4, 1 << 62))]),
    "long array of texts": make.gguf([make.gguf_pair(kind=make.ARRAY, value=struct.pack("<IQ", 8, 1 << 61))]),
    "array of arrays": make.gguf([make.gguf_pair(kind=make.ARRAY, value=struct.pack("<IQ", 9, 1))]),
    "unknown value": make.gguf([make.gguf_pair(kind=13)]),
    "text in an array": make.gguf(
        [make.gguf_pair(kind=make.ARRAY, value=make.gguf_array(make.TEXT, [struct.pack("<Q", 1 << 50)]))]
    ),
    "no key": make.gguf([make.gguf_pair(b"")]),
    "key of controls": make.gguf([make.gguf_pair(b"a\0b")]),
    "key twice": make.gguf([make.gguf_pair(), make.gguf_pair()]),
    "no alignment": make.gguf([alignment(0)]),
    "odd alignment": make.gguf([alignment(24)]),
    "alignment as text": make.gguf([make.gguf_pair(b"general.alignment")]),
    "name too long": make.gguf([], [make.gguf_tensor(b"n" * 64)], bytes(16)),
    "name twice": make.gguf([], [W, make.gguf_tensor(offset=32)], bytes(64)),
    "name twice for C": make.gguf([], [W, make.gguf_tensor(b"w\0x", offset=32)], bytes(64)),
    "five dimensions": make.gguf([], [make.gguf_tensor(shape=(1, 1, 1, 1, 1))], bytes(16)),
    "many dimensions": make.gguf([], [make.gguf_text(b"w") + number(0xFFFFFFFF) + bytes(32)]),
    "elements overflow": make.gguf([], [make.gguf_tensor(shape=(1 << 33, 1 << 33))], bytes(16)),
    "elements wrap to few": make.gguf([], [make.gguf_tensor(shape=(1 << 62, 4, 4))], bytes(16)),
    "negative": make.gguf([], [make.gguf_tensor(shape=(HUGE + 1,))], bytes(16)),
    "removed type": make.gguf([], [make.gguf_tensor(kind=4)], bytes(16)),
    "no type": make.gguf([], [make.gguf_tensor(kind=0xFFFFFFFF)], bytes(16)),
    "half a block": make.gguf([], [make.gguf_tensor(shape=(33,), kind=2)], bytes(64)),
    "offset beyond": make.gguf([], [make.gguf_tensor(offset=1 << 40)], bytes(16)),
    "overlap": make.gguf([], [W, make.gguf_tensor(b"v", offset=0)], bytes(64)),
    "data cut off": make.gguf([], [make.gguf_tensor(shape=(400,))], bytes(16)),
}


@pytest.mark.parametrize("name", BENIGN)
def test_what_the_loader_takes_is_well_formed(name):
    assert [] == list(gguf(of_bytes(BENIGN[name])))


@pytest.mark.parametrize("name", DANGEROUS)
def test_what_the_loader_refuses_is_a_finding(name):
    (found,) = gguf(of_bytes(DANGEROUS[name]))
    assert found


@pytest.mark.parametrize("name", ["text", "tokens", "two"])
def test_a_header_that_is_cut_off_anywhere_is_a_finding(name):
    whole = BENIGN[name]
    for length in range(len(whole) - 1):
        assert list(gguf(of_bytes(whole[:length]))), length


def test_a_type_that_is_newer_than_the_reader_could_not_be_observed():
    with pytest.raises(Unobservable) as caught:
        list(gguf(of_bytes(make.gguf([], [make.gguf_tensor(kind=77)], bytes(16)))))
    assert "parse" == caught.value.reason


def test_a_header_longer_than_its_bounds_is_truncated():
    data = make.gguf([tokens(*[b"token"] * 50)], [W], bytes(16))
    read = Ranges(lambda at, length: data[at : at + length], len(data), path="p", window=100, most=3)
    with pytest.raises(Unobservable) as caught:
        list(gguf(read))
    assert "truncated" == caught.value.reason


@given(st.sampled_from(sorted(BENIGN)), st.integers(0, 150), st.binary(max_size=9))
def test_any_bytes_end_in_a_value(name, at, part):
    data = BENIGN[name]
    with suppress(Unobservable):
        assert all(gguf(of_bytes(data[:at] + part + data[at + len(part) :])))
