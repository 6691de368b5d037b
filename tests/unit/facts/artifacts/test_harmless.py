import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aisec.facts.artifacts.harmless import harmless

PLACE = "/m/model.data-00000-of-00001"


@pytest.mark.parametrize(
    ("expected", "head"),
    [
        ("text", b"# A model\n"),
        ("PNG", b"\x89PNG\r\n\x1a\n\0"),
        ("safetensors", b"\x02\0\0\0\0\0\0\0{}"),
        ("protobuf", b"\x08\x08\x12\x02ab"),
        ("MessagePack", b"\x81\xa6params\x01"),
        ("TensorBoard", b"\x18" + bytes(7) + b"abcd" + b"\x09" + bytes(6) + b"\xf0\x3f\x1a"),
        ("", b"\x18" + bytes(7) + b"abcd" + b"\x12" + bytes(8)),
        ("Finder", b"\0\0\0\1Bud1" + bytes(8)),
        ("WebAssembly", b"\0asm\1\0\0\0"),
        ("", b"\0asm\2\0\0\0"),
        ("", bytes(10)),
        ("", b"\x81\xa6par\0ms\x01"),
        ("", b"\x08\x08\x12\x7fab"),
        ("", b"\xff\0\0\0\0\0\0\0{}"),
    ],
)
def test_by_content(expected, head):
    assert expected == harmless(head, len(head), "/m/a")


def test_raw_numbers_are_known_by_what_stands_beside_them():
    assert "TensorFlow checkpoint" == harmless(bytes(9), 9, PLACE, frozenset({"/m/model.index"}))
    assert "" == harmless(bytes(9), 9, PLACE, frozenset({"/m/other.index"}))


@given(st.binary(max_size=60))
def test_any_bytes(head):
    assert isinstance(harmless(head, len(head), "/m/a"), str)
