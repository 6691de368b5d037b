import json
import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aisec.facts.model_files import model_files
from pytest_aisec.facts.weight_formats import defects, gguf, keras_layers, onnx_locations, safetensors


def header(**tensors):
    return json.dumps(tensors).encode()


def tensor(kind="F32", shape=(2,), offsets=(0, 8)):
    return {"dtype": kind, "shape": list(shape), "data_offsets": list(offsets)}


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (b"{}", 0),
        (b"{}   ", 0),
        (header(a=tensor(), b=tensor("BF16", (), (8, 10))), 10),
        (header(b=tensor("U8", (1,), (8, 9)), a=tensor(), c=tensor("F4", (4,), (9, 11))), 11),
        (header(a=tensor("F32", (0,), (0, 0)), __metadata__={"format": "pt"}), 0),
    ],
)
def test_well_formed_safetensors(text, size):
    assert [] == list(safetensors(text, size))


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (b"", 0),
        (b" {}", 0),
        (b"[]", 0),
        (b'{"a":1}', 0),
        (b"{} x", 0),
        (b"\xff{}", 0),
        (header(a=tensor()), 9),
        (header(a=tensor()), 7),
        (header(a=tensor(offsets=(1, 9))), 9),
        (header(a=tensor(), b=tensor(offsets=(4, 12))), 12),
        (header(a=tensor(shape=(3,))), 8),
        (header(a=tensor(shape=(-1, -2))), 8),
        (header(a=tensor(shape=(1 << 62, 1 << 62))), 8),
        (header(a=tensor(kind="F128")), 8),
        (header(a=tensor(shape=(True, 2))), 8),
        (header(a=tensor(offsets=(8, 0))), 8),
        (b'{"a":{},"a":{}}', 0),
        (header(__metadata__={"format": 1}), 0),
        (b"[" * 100_000, 0),
    ],
)
def test_malformed_safetensors(text, size):
    assert list(safetensors(text, size))


def head(version=3, tensors=1, pairs=1, key=b"general.architecture", order="<"):
    return b"GGUF" + struct.pack(f"{order}IQQQ", version, tensors, pairs, len(key)) + key + bytes(100)


class TestGguf:
    @pytest.mark.parametrize("data", [head(), head(pairs=0), head(2), head(order=">")])
    def test_well_formed(self, data):
        assert [] == list(gguf(data, 10_000))

    @pytest.mark.parametrize(
        "data",
        [
            b"GGUF",
            b"GGML" + bytes(100),
            head(9),
            head(tensors=1 << 40),
            head(pairs=1 << 40),
            head(key=b""),
            head(key=b"\x00"),
        ],
    )
    def test_malformed(self, data):
        assert list(gguf(data, 10_000))


def field(number, body):
    return bytes([number << 3 | 2, len(body)]) + body


def model(*locations):
    entries = b"".join(field(13, field(1, b"location") + field(2, name)) for name in locations)
    return b"\x08\x08" + field(7, field(5, entries))


class TestOnnx:
    def test_locations(self):
        assert ["weights.bin", "../x"] == list(onnx_locations(model(b"weights.bin", b"../x")))

    @pytest.mark.parametrize("data", [b"", b"hello", model()[:-1], b"\x08\x08", bytes(50)])
    def test_no_model(self, data):
        with pytest.raises((ValueError, IndexError)):
            list(onnx_locations(data))

    @given(st.binary(max_size=60))
    def test_any_bytes(self, data):
        with suppress(ValueError, IndexError):
            list(onnx_locations(data))


def written(tmp_path, local, data):
    path = tmp_path / "m.onnx"
    path.write_bytes(data)
    (file,) = model_files(local, [str(tmp_path)]).files
    return defects(local, [file], max_header_bytes=10_000)[str(path)]


def large(*locations):
    entries = b"".join(field(13, field(1, b"location") + field(2, name)) for name in locations)
    raw = b"\x4a" + varint(5_000_000) + bytes(4_999_990) + b"location\x12\x99"[:10]
    graph = field(5, entries) + b"\x2a" + varint(len(raw)) + raw
    return b"\x08\x08\x3a" + varint(len(graph)) + graph


def varint(number):
    found = b""
    while number > 127:
        found, number = found + bytes([number & 127 | 128]), number >> 7
    return found + bytes([number])


class TestLargeOnnx:
    def test_inside(self, tmp_path, local):
        assert () == written(tmp_path, local, large(b"model.data", b"weights/a.bin"))

    def test_outside(self, tmp_path, local):
        (found,) = written(tmp_path, local, large(b"model.data", b"../../etc/shadow"))
        assert "../../etc/shadow" in found

    def test_no_model(self, tmp_path, local):
        assert written(tmp_path, local, bytes(5_000_000))
        assert written(tmp_path, local, large(b"a")[:4_000_000])


@pytest.mark.parametrize(
    ("expected", "config"),
    [
        ([], {"module": "keras.layers", "class_name": "Dense", "config": {"layers": []}}),
        (["a layer of the class Lambda"], {"config": {"layers": [{"class_name": "Lambda"}]}}),
        (["a layer of the class __lambda__"], [{"config": {"activation": {"class_name": "__lambda__"}}}]),
        (["function of the module subprocess"], {"module": "subprocess", "class_name": "function"}),
        (["A of the module kerasx"], {"module": "kerasx", "class_name": "A"}),
    ],
)
def test_keras(expected, config):
    assert expected == list(keras_layers(config))
