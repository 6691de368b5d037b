"""The cases were compared with `safetensors.deserialize` of version 0.8.0, as was every mutation of them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aisec.facts.artifacts.safetensors import safetensors
from tests.support.weights import tensor

LARGEST = (1 << 64) - 1


def header(**tensors):
    return json.dumps(tensors).encode()


def beside(text):
    """Return a header whose tensor has one more part."""
    return header(a=tensor())[:-2] + b', "x": ' + text + b"}}"


ACCEPTED = {
    "empty": (b"{}", 0),
    "blanks behind": (b"{} \n ", 0),
    "two": (header(a=tensor(), b=tensor("BF16", (), (8, 10))), 10),
    "in any order": (header(b=tensor("U8", (1,), (8, 9)), a=tensor(), c=tensor("F4", (4,), (9, 11))), 11),
    "metadata": (header(a=tensor(shape=(0,), offsets=(0, 0)), __metadata__={"format": "pt"}), 0),
    "no metadata": (b'{"__metadata__": null}', 0),
    "unknown part": (beside(b"[1, null, -1.5e3]"), 8),
    "parts in a list": (b'{"a": ["F32", [2], [0, 8]]}', 8),
    "type as an object": (b'{"a": {"dtype": {"F32": null}, "shape": [2], "data_offsets": [0, 8]}}', 8),
    "deep": (beside(b"[" * 125 + b"]" * 125), 8),
    "brackets in a text": (beside(b'"\\"' + b"[" * 300 + b'"'), 8),
    "empty between": (header(a=tensor(), b=tensor(shape=(0,), offsets=(8, 8))), 8),
    "float8": (header(a=tensor("F8_E4M3", (8,)), b=tensor("F8_E5M2FNUZ", (1,), (8, 9))), 9),
    "uint16": (header(a=tensor("U16", (4,))), 8),
    "six bits": (header(a=tensor("F6_E2M3", (4,), (0, 3))), 3),
    "complex": (header(a=tensor("C64", (1,))), 8),
    "nothing times much": (header(a=tensor(shape=(0, LARGEST), offsets=(0, 0))), 0),
}
REFUSED = {
    "nothing": (b"", 0),
    "list": (b"[]", 0),
    "number": (b'{"a": 1}', 0),
    "more behind": (b"{} x", 0),
    "NUL behind": (b"{}\0", 0),
    "no UTF-8": (b"\xff{}", 0),
    "mark": (b"\xef\xbb\xbf{}", 0),
    "file longer": (header(a=tensor()), 9),
    "file shorter": (header(a=tensor()), 7),
    "hole at the beginning": (header(a=tensor(offsets=(1, 9))), 9),
    "hole": (header(a=tensor(), b=tensor(offsets=(12, 20))), 20),
    "overlap": (header(a=tensor(), b=tensor(offsets=(4, 12))), 12),
    "empty in the middle": (header(a=tensor(), b=tensor(shape=(0,), offsets=(4, 4))), 8),
    "other shape": (header(a=tensor(shape=(3,))), 8),
    "negative": (header(a=tensor(shape=(-1, -2))), 8),
    "overflow": (header(a=tensor(shape=(1 << 62, 1 << 62))), 8),
    "overflow, then nothing": (header(a=tensor(shape=(LARGEST, 2, 0), offsets=(0, 0))), 0),
    "bits overflow": (header(a=tensor(shape=(1 << 61,), offsets=(0, 0))), 0),
    "too large": (header(a=tensor(shape=(LARGEST + 1, 0), offsets=(0, 0))), 0),
    "minus nought": (b'{"a": {"dtype": "F32", "shape": [-0], "data_offsets": [0, 0]}}', 0),
    "fraction": (b'{"a": {"dtype": "F32", "shape": [2.0], "data_offsets": [0, 8]}}', 8),
    "unknown type": (header(a=tensor(kind="F128")), 8),
    "half a byte": (header(a=tensor("F4", (3,), (0, 2))), 2),
    "true": (header(a=tensor(shape=(True, 2))), 8),
    "backwards": (header(a=tensor(offsets=(8, 0))), 8),
    "three offsets": (header(a=tensor(offsets=(0, 8, 9))), 8),
    "metadata of numbers": (header(__metadata__={"format": 1}), 0),
    "metadata as a list": (header(__metadata__=[]), 0),
    "deeper": (beside(b"[" * 126 + b"]" * 126), 8),
    "without end": (b"[" * 100_000, 0),
    "no number": (beside(b"NaN"), 8),
    "infinite": (beside(b"1e999"), 8),
    "half a character": (beside(b'"\\ud800"'), 8),
    "half a character in a name": (header(a=tensor()).replace(b'"a"', b'"\\udc00"'), 8),
    "part twice": (beside(b'1, "dtype": "F32"'), 8),
}
FORBIDDEN = {
    "blank in front": (b" {}", 0),
    "name twice": (b'{"a": %b, "a": %b}' % ((json.dumps(tensor()).encode(),) * 2), 8),
    "metadata twice": (b'{"__metadata__": {"a": "b", "a": "c"}}', 0),
}
"""What the library takes and its format forbids."""


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_the_library_takes_is_well_formed(name):
    assert [] == list(safetensors(*ACCEPTED[name]))


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_library_refuses_is_a_finding(name):
    assert list(safetensors(*REFUSED[name]))


@pytest.mark.parametrize("name", FORBIDDEN)
def test_what_the_format_forbids_is_a_finding(name):
    assert list(safetensors(*FORBIDDEN[name]))


@given(st.sampled_from(sorted(ACCEPTED)), st.integers(0, 120), st.binary(max_size=4))
def test_any_bytes_end_in_a_value(name, at, part):
    text, size = ACCEPTED[name]
    assert all(safetensors(text[:at] + part + text[at:], size))
