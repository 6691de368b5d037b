import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aisec.facts.artifacts.keras import keras_layers, read_keras
from tests.support.weights import layer, sequential

LAMBDA = {"class_name": "__lambda__", "config": {"code": "4wEA", "defaults": None, "closure": None}}


def function(name, module="builtins", registered="function"):
    return {"module": module, "class_name": "function", "config": name, "registered_name": registered}


def compiled(**config):
    return sequential(layer("Dense")) | {"compile_config": config}


BENIGN = {
    "sequential": sequential(layer("InputLayer"), layer("Dense", units=2, activation="gelu")),
    "before version 3": {
        "class_name": "Sequential",
        "config": {"layers": [{"class_name": "Conv2D", "config": {}}]},
    },
    "loss": compiled(loss=function("mean_squared_error"), metrics=[function("mean_absolute_error")]),
    "loss of a module": compiled(loss=function("mean_squared_error", "keras.losses", "mean_squared_error")),
    "optimizer": compiled(
        optimizer=layer("Adam", "keras.src.backend.torch.optimizers.torch_adam") | {"registered_name": "Adam"}
    ),
    "older optimizer": compiled(optimizer=layer("Custom>Adam", None)),
    "functional": layer("Functional", "keras.src.models.functional") | {"registered_name": "Functional"},
    "operation": sequential(layer("Add", "keras.src.ops.numpy")),
    "tensor": {"class_name": "__keras_tensor__", "config": {"shape": [None, 4], "dtype": "float32"}},
    "array": {"class_name": "__numpy__", "config": {"value": [1], "dtype": "int64"}},
    "vocabulary in it": sequential(layer("StringLookup", vocabulary=["a", "b"])),
    "no vocabulary": sequential(layer("TextVectorization", vocabulary=None)),
    "type": {
        "class_name": "__typespec__",
        "spec_name": "TensorSpec",
        "module": "tensorflow.python.framework.tensor",
        "config": [],
        "registered_name": None,
    },
    "registered by its user": sequential(layer("Block", None) | {"class_name": "mine>Block"}),
    "a module beside a name": {"config": {"module": "attention", "name": "x"}},
}
DANGEROUS = {
    "Lambda": sequential(layer("Lambda", function=LAMBDA)),
    "Lambda alone": sequential({"class_name": "Lambda"}),
    "Lambda without a module": {"config": {"layers": [{"class_name": "Lambda", "config": {}}]}},
    "lambda in a layer": sequential(layer("Dense", activation=LAMBDA)),
    "dotted": sequential(layer("layers.Lambda", "keras")),
    "under another name": sequential(
        layer("X", "keras.src.layers.core.lambda_layer") | {"registered_name": "Lambda"}
    ),
    "under the name of a harmless one": sequential(
        layer("Dense", "keras.src.layers.core.lambda_layer") | {"registered_name": "Lambda"}
    ),
    "Lambda among losses": sequential(layer("Lambda", "keras.losses")),
    "torch": sequential(layer("TorchModuleWrapper", module="gASV")),
    "torch from where it lies": sequential(layer("TorchModuleWrapper", "keras.src.utils.torch_utils")),
    "saved model": sequential(layer("TFSMLayer", filepath="/x")),
    "JAX": sequential(layer("JaxLayer")),
    "operator of TensorFlow": sequential(
        {"class_name": "TFOpLambda", "config": {"function": "io.write_file"}}
    ),
    "unsafe mode": sequential(layer("enable_unsafe_deserialization", "keras.config")),
    "unsafe mode as a function": sequential(function("enable_unsafe_deserialization", "keras.config")),
    "download": compiled(loss=function("get_file", "keras.utils", "get_file")),
    "download by a registered name": compiled(loss=function("mse", "keras.utils", "get_file")),
    "builtin": compiled(loss=function("eval")),
    "dotted function": compiled(loss=function("utils.get_file", "keras")),
    "dotted builtin function": compiled(loss=function("losses.get", "builtins")),
    "another module": compiled(loss=function("system", "os", "system")),
    "class of another module": sequential(layer("Popen", "subprocess")),
    "module that begins alike": sequential(layer("Dense", "kerasx")),
    "module with a line end": sequential(layer("Dense", "keras.layers\n")),
    "unknown class": sequential(layer("Backdoor")),
    "no class": sequential({"class_name": ["Dense"], "config": {}}),
    "no module": sequential({"class_name": "Dense", "module": ["os"], "config": {}}),
    "no registered name": sequential(layer("Dense") | {"registered_name": ["Lambda"]}),
    "type of elsewhere": BENIGN["type"] | {"module": "os", "spec_name": "system"},
    "vocabulary elsewhere": sequential(layer("StringLookup", vocabulary="/etc/passwd")),
    "numbers elsewhere": sequential(layer("TextVectorization", idf_weights="/etc/passwd")),
    "deep inside": compiled(metrics=[[{"a": {"b": [layer("Bidirectional", layer=layer("Lambda"))]}}]]),
}


@pytest.mark.parametrize("name", BENIGN)
def test_what_runs_nothing_of_its_own_is_no_finding(name):
    assert [] == list(read_keras(json.dumps(BENIGN[name]).encode(), "x"))


@pytest.mark.parametrize("name", DANGEROUS)
def test_what_is_not_known_to_be_harmless_is_a_finding(name):
    assert list(read_keras(json.dumps(DANGEROUS[name]).encode(), "x"))


@pytest.mark.parametrize(
    "text",
    [
        b'{"class_name" : "Lambda"}',
        b'{"class_name"\n:\t"Lambda"}',
        b'{"class_name": "\\u004cambda"}',
        b'{"cl\\u0061ss_name": "Lambda"}',
        b'{"class_name": "Dense", "class_name": "Lambda"}',
        b'{"class_name": "Lambda", "class_name": "Dense"}',
        '{"class_name": "Dense"}'.encode("utf-16"),
        b'\xef\xbb\xbf{"class_name": "Dense"}',
        b"",
        b"{",
        b"[" * 100_000,
    ],
)
def test_it_is_read_as_json_and_strictly(text):
    assert list(read_keras(text, "config.json"))


@given(
    st.recursive(
        st.none() | st.text(max_size=4) | st.integers(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["class_name", "module", "registered_name", "config", "a"]), inner
            )
        ),
        max_leaves=12,
    )
)
def test_any_json_ends_in_a_value(config):
    assert all(keras_layers(config))
