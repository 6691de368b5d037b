import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aisec.facts.artifacts.onnx import onnx_defects
from pytest_aisec.facts.artifacts.ranges import of_bytes
from tests.support.weights import entry, field, onnx, varint

TENSOR = 5
OUT = b"../../etc/shadow"


def tensor(*parts):
    return field(TENSOR, b"".join(parts))


def node(*parts):
    return field(1, b"".join(parts))


def lies(location):
    return onnx(tensor(entry(location)))


def nested(number, *inside):
    """Return a model with a node that has an attribute with this field."""
    return onnx(node(field(4, b"If"), field(5, field(number, b"".join(inside)))))


BENIGN = {
    "empty graph": onnx(),
    "inline": onnx(tensor(field(9, b"location" + bytes(20) + OUT))),
    "beside it": lies(b"weights.bin"),
    "below": lies(b"data/./weights.bin"),
    "up and down": lies(b"data/../weights.bin"),
    "no location": onnx(tensor(entry(b"../x", b"checksum"))),
    "operator": onnx(node(field(4, b"Gemm"), field(7, b"com.microsoft"))),
    "named like a reference": onnx(
        field(2, b"location"), node(field(3, b"location/../../x"), field(4, b"Add"))
    ),
    "unknown fields": onnx(field(600, b"x"), varint(601 << 3) + varint(1 << 63)),
}
DANGEROUS = {
    "up": lies(OUT),
    "absolute": lies(b"/etc/shadow"),
    "through": lies(b"a/../../x"),
    "drive": lies(b"C:x"),
    "backslash": lies(b"..\\x"),
    "NUL": lies(b"x\0y"),
    "memory": lies(b"*/_ORT_MEM_ADDR_/*"),
    "value first": onnx(tensor(field(13, field(2, OUT) + field(1, b"location")))),
    "value twice": onnx(tensor(field(13, field(1, b"location") + field(2, b"w.bin") + field(2, OUT)))),
    "key twice": onnx(tensor(field(13, field(1, b"x") + field(1, b"location") + field(2, b"w.bin")))),
    "something between": onnx(
        tensor(field(13, field(1, b"location") + b"\x18\x01" + field(9, b"zz") + field(2, OUT)))
    ),
    "long numbers": onnx(tensor(field(13, field(1, b"location", 5) + field(2, OUT, 5), 5))),
    "long tag": onnx(
        tensor(field(13, b"\x8a\x00" + b"\x08location" + b"\x92\x80\x00" + bytes([len(OUT)]) + OUT))
    ),
    "second graph": onnx() + field(7, tensor(entry(OUT))),
    "second reference": onnx(tensor(entry(b"w.bin"), entry(OUT))),
    "attribute": nested(5, entry(OUT)),
    "list": nested(10, entry(OUT)),
    "subgraph": nested(6, tensor(entry(OUT))),
    "subgraphs": nested(11, tensor(entry(OUT))),
    "sparse": onnx(field(15, field(1, entry(OUT)))),
    "sparse attribute": nested(22, field(2, entry(OUT))),
    "function": onnx() + field(25, field(7, field(5, field(5, entry(OUT))))),
    "training": onnx() + field(20, field(2, tensor(entry(OUT)))),
    "Python": onnx(node(field(4, b"PyOp"), field(7, b"com.microsoft"))),
    "Python in a function": onnx() + field(25, field(7, field(4, b"PythonOp"))),
    "cut off inside": onnx() + field(7, b"\x0a\x01"),
    "empty": b"",
    "text": b"hello",
    "zeros": bytes(50),
    "no graph": b"\x08\x08",
    "graph as a number": b"\x38\x01",
    "cut off": onnx(tensor(field(9, bytes(20))))[:-1],
    "number that does not end": b"\xff" * 11,
    "group": onnx() + b"\x0b\x0c",
}


def everything(_):
    return True


@pytest.mark.parametrize("name", BENIGN)
def test_a_model_that_stays_in_its_directory_is_well_formed(name):
    assert [] == list(onnx_defects(of_bytes(BENIGN[name]), everything))


@pytest.mark.parametrize("name", DANGEROUS)
def test_what_leads_out_or_is_malformed_is_a_finding(name):
    assert list(onnx_defects(of_bytes(DANGEROUS[name]), everything))


def test_every_location_that_leads_out_is_named():
    found = list(onnx_defects(of_bytes(onnx(tensor(entry(b"/a")), tensor(entry(b"../b")))), everything))
    assert ["'/a'" in found[0], "'../b'" in found[1]] == [True, True]


def test_messages_in_one_another_without_end_are_refused():
    data = b""
    for _ in range(100):
        data = field(1, field(5, field(6, data)))
    (found,) = onnx_defects(of_bytes(onnx(data)), everything)
    assert "in one another" in found


@given(st.sampled_from(sorted(BENIGN)), st.integers(0, 60), st.binary(max_size=6))
def test_any_bytes_end_in_a_value(name, at, part):
    data = BENIGN[name]
    assert isinstance(list(onnx_defects(of_bytes(data[:at] + part + data[at:]), everything)), list)
