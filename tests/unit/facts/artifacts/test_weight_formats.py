"""Every format with dangerous and benign files, judged where they lie."""

import zipfile

import pytest

from pytest_aisec.facts.artifacts.model_files import model_files
from pytest_aisec.facts.artifacts.onnx import check_model
from pytest_aisec.facts.artifacts.ranges import Malformed, of_bytes
from pytest_aisec.facts.artifacts.weight_formats import (
    defects,
    is_container,
    keras_directories,
    renamed_models,
)
from pytest_aisec.observe.faults import Unobservable
from tests.support import hdf5_files
from tests.support import weights as make
from tests.support.hdf5_files import DENSE, EARLIEST
from tests.unit.facts.artifacts import test_gguf, test_keras, test_onnx, test_safetensors

DENSE_LAYER = b'{"class_name": "Sequential", "config": {"layers": [{"class_name": "Dense", "config": {}}]}}'


def written(directory, local, files, most=10_000):
    """Return the outcome of every file by its name."""
    for name, data in files.items():
        (directory / name).write_bytes(data)
    found = model_files(local, [str(directory)]).files
    assert all(is_container(file) for file in found)
    judged = defects(local, found, max_header_bytes=most)
    return {path.rsplit("/", 1)[-1]: answer for path, answer in judged.items()}


def headed(cases):
    return {name: make.safetensors(text, bytes(size)) for name, (text, size) in cases.items()}


FORMATS = {
    "safetensors": (headed(test_safetensors.ACCEPTED), headed(test_safetensors.REFUSED)),
    "gguf": (test_gguf.BENIGN, test_gguf.DANGEROUS),
    "onnx": (test_onnx.BENIGN, test_onnx.DANGEROUS),
    "keras": (
        {name: make.keras(config) for name, config in test_keras.BENIGN.items()}
        | {"weights": make.keras(DENSE_LAYER, weights=make.packed(hdf5_files.TREE))},
        {name: make.keras(config) for name, config in test_keras.DANGEROUS.items()}
        | {
            f"weights elsewhere {method}": make.keras(
                DENSE_LAYER, weights=make.packed(hdf5_files.EXTERNAL_DATA), method=method
            )
            for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
        },
    ),
    "h5": (
        {
            "model": make.hdf5([("model_config", DENSE_LAYER)]),
            "in the header": make.hdf5([("model_config", DENSE_LAYER)], in_heap=False),
            "weights only": make.hdf5([("backend", b"torch")]),
            "groups": make.packed(hdf5_files.TREE),
        },
        {
            "of h5py": make.packed(EARLIEST),
            "blank": make.hdf5([("model_config", b'{"class_name" : "Lambda"}')]),
            "line end": make.hdf5([("model_config", b'{"class_name":\n"Lambda"}')], in_heap=False),
            "escaped": make.hdf5([("model_config", b'{"class_name": "\\u004cambda"}')]),
            "second": make.hdf5(
                [("model_config", DENSE_LAYER), ("model_config", b'{"class_name": "Lambda"}')]
            ),
            "training": make.hdf5([("training_config", b'{"loss": {"class_name": "Lambda"}}')]),
            "no JSON": make.hdf5([("model_config", b"{")]),
            "no HDF5": b"hello",
            "link": make.packed(hdf5_files.EXTERNAL_LINK),
            "data": make.packed(hdf5_files.EXTERNAL_DATA),
            "virtual": make.packed(hdf5_files.VIRTUAL),
        },
    ),
}


@pytest.mark.parametrize("suffix", FORMATS)
def test_all_benign_files_of_a_format_pass_and_no_dangerous_one(suffix, tmp_path, local):
    benign, dangerous = FORMATS[suffix]
    files = {f"{name}.benign.{suffix}": data for name, data in benign.items()}
    files |= {f"{name}.dangerous.{suffix}": data for name, data in dangerous.items()}
    judged = written(tmp_path, local, files)
    assert files.keys() == judged.keys()
    assert {} == {name: said for name, said in judged.items() if ".benign." in name and said != ()}
    missed = {name: said for name, said in judged.items() if ".dangerous." in name and said == ()}
    assert {} == missed
    assert not [name for name, said in judged.items() if isinstance(said, Unobservable)]


def test_what_is_not_understood_is_an_error(tmp_path, local):
    files = {
        "heap.h5": make.packed(DENSE),
        "type.gguf": make.gguf([], [make.gguf_tensor(kind=77)], bytes(16)),
        "list.h5": make.hdf5([("model_config", b"{}")]).replace(b"\x19\x01", b"\x19\x00", 1),
    }
    for said in written(tmp_path, local, files).values():
        assert isinstance(said, Unobservable)
        assert "parse" == said.reason


def test_a_header_of_more_than_is_allowed_is_a_finding(tmp_path, local):
    (said,) = written(tmp_path, local, {"a.safetensors": make.safetensors({}, b"")}, most=1).values()
    assert said == ("a header of 2 bytes, more than 1",)


def large(*entries):
    """Return an ONNX model too large to be fetched, most of it one tensor that looks like a reference."""
    body = make.field(9, bytes(4_999_990) + b"\x0a\x08location\x12\x99")
    external = b"".join(map(make.entry, entries))
    return make.onnx(make.field(5, external), make.field(5, body), make.field(5, b"\x08\x02"))


class TestLargeOnnx:
    def test_inside(self, tmp_path, local):
        assert {"m.onnx": ()} == written(tmp_path, local, {"m.onnx": large(b"model.data", b"weights/a.bin")})

    def test_outside(self, tmp_path, local):
        ((found,),) = written(tmp_path, local, {"m.onnx": large(b"model.data", b"../../etc/shadow")}).values()
        assert "../../etc/shadow" in found

    def test_value_before_the_key_behind_a_large_tensor(self, tmp_path, local):
        reversed_entry = make.field(13, make.field(2, b"/etc/shadow") + make.field(1, b"location", 3), 4)
        data = large() + make.field(7, make.field(5, reversed_entry))
        ((found,),) = written(tmp_path, local, {"m.onnx": data}).values()
        assert "/etc/shadow" in found

    def test_no_model(self, tmp_path, local):
        judged = written(
            tmp_path, local, {"zeros.onnx": bytes(5_000_000), "cut.onnx": large(b"a")[:4_000_000]}
        )
        assert all(isinstance(said, tuple) and said for said in judged.values())


def unpacked(directory, local, configs):
    """Return the outcome of every unpacked model by the name of its directory."""
    for name, config in configs.items():
        (directory / name).mkdir()
        (directory / name / "config.json").write_bytes(config)
    judged = keras_directories(local, model_files(local, [str(directory)]).files)
    return {path.split("/")[-2]: answer for path, answer in judged.items()}


def test_an_unpacked_keras_model_is_judged_by_its_configuration_alone(tmp_path, local):
    judged = unpacked(
        tmp_path,
        local,
        {
            "dense": DENSE_LAYER,
            "lambda": b'{"class_name": "Lambda", "config": {}}',
            "behind a key": b'{"a": "-----BEGIN PRIVATE KEY-----", "class_name": "Lambda", "config": {}}',
            "far behind": b'{"a": "' + b"a" * 2000 + b'", "class_name": "Lambda", "config": {}}',
            "escaped": b'{"cl\\u0061ss_name": "L\\u0061mbda", "config": {}}',
            "twice": b'{"class_name": "Lambda", "class_name": "Dense", "config": {}}',
        },
    )
    assert judged.pop("dense") == ()
    assert len(judged) == 5
    assert all(judged.values())
    assert not any(isinstance(answer, Unobservable) for answer in judged.values())


def test_a_configuration_of_something_else_is_no_keras_model(tmp_path, local):
    others = {
        "transformers": b'{"architectures": ["LlamaForCausalLM"], "model_type": "llama"}',
        "diffusers": b'{"_class_name": "UNet2DConditionModel"}',
        "list": b"[]",
        "no JSON": b"{",
        "empty": b"",
    }
    assert unpacked(tmp_path, local, others) == {}


def test_a_configuration_that_cannot_be_read_as_text_is_an_error(tmp_path, local):
    (answer,) = unpacked(tmp_path, local, {"latin": b'{"class_name": "Lambda\xff", "config": {}}'}).values()
    assert isinstance(answer, Unobservable)
    assert answer.reason == "parse"


def is_model(data):
    try:
        check_model(of_bytes(data))
    except Malformed:
        return False
    return True


def renamed(directory, local, files):
    """Return the outcome of each ONNX model under another name."""
    for name, data in files.items():
        (directory / name).write_bytes(data)
    return {
        path.rsplit("/", 1)[-1]: answer
        for path, answer in renamed_models(local, model_files(local, [str(directory)]).files).items()
    }


def test_a_model_of_onnx_is_judged_under_any_name(tmp_path, local):
    grouped = make.varint(9 << 3 | 3) + make.field(1, b"x") + make.varint(9 << 3 | 4)
    outside = test_onnx.lies(b"/etc/shadow")
    files = {f"{name}.bin": data for name, data in test_onnx.DANGEROUS.items() if is_model(data)}
    assert len(files) > 20
    files |= {
        "large": large(b"/etc/shadow"),
        "as text.md": make.field(8, b"location" * 12) * 10 + outside[2:],
        "behind a group": grouped + outside,
        "behind an unknown field": make.field(5000, b"x") + outside,
        "behind a tokenizer's": make.field(1, b"piece") * 200 + outside,
    }
    judged = renamed(tmp_path, local, files)
    assert files.keys() == judged.keys()
    assert [] == [name for name, said in judged.items() if said == ()]


def test_what_is_no_model_of_onnx_is_none_under_any_name(tmp_path, local):
    others = {
        "tokenizer.model": make.field(1, b"\x0a\x08location\x15\0\0\0\0\x18\2") * 3000,
        "saved_model.pb": b"\x08\x01" + make.field(2, b"location" * 200),
        "README.md": b"# The location\n" * 80,
        "vocab.txt": b"location\nB\n",
        "zeros.bin": bytes(5000),
        "logo.png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(400),
        "model.pt": b"PK\x03\x04" + bytes(2000),
    }
    benign = {f"{name}.bin": data for name, data in test_onnx.BENIGN.items()}
    judged = renamed(tmp_path, local, others | benign)
    assert not others.keys() & judged.keys()
    assert {()} == set(judged.values())


def test_a_model_of_onnx_written_as_text_is_an_error(tmp_path, local):
    (said,) = written(tmp_path, local, {"m.onnxtxt": b"ir_version: 8"}).values()
    assert isinstance(said, Unobservable)
