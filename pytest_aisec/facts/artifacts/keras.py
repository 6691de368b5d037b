"""Configurations of Keras models: only what is known to run no code of the file's own is allowed."""

from __future__ import annotations

import builtins
import json
import re
from collections.abc import Iterator
from typing import Any

from pytest_aisec.catalog.strict_json import unique

__all__ = ["keras_layers", "read_keras"]

_WORDS = """
Activation ActivityRegularization Add AdditiveAttention AlphaDropout Attention AugMix AutoContrast Average
AveragePooling1D AveragePooling2D AveragePooling3D AvgPool1D AvgPool2D AvgPool3D BatchNormalization
BatchNormalizationV1 BatchNormalizationV2 Bidirectional CategoryEncoding CenterCrop Concatenate Conv1D
Conv1DTranspose Conv2D Conv2DTranspose Conv3D Conv3DTranspose ConvLSTM1D ConvLSTM2D ConvLSTM3D
Convolution1D Convolution1DTranspose Convolution2D Convolution2DTranspose Convolution3D
Convolution3DTranspose Cropping1D Cropping2D Cropping3D CuDNNGRU CuDNNLSTM CutMix Dense DenseFeatures
DepthwiseConv1D DepthwiseConv2D Discretization Dot Dropout ELU EinsumDense Embedding Equalization Flatten
GRU GRUCell GRUV1 GRUV2 GaussianDropout GaussianNoise GlobalAveragePooling1D GlobalAveragePooling2D
GlobalAveragePooling3D GlobalAvgPool1D GlobalAvgPool2D GlobalAvgPool3D GlobalMaxPool1D GlobalMaxPool2D
GlobalMaxPool3D GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D GroupNormalization
GroupQueryAttention GroupedQueryAttention HashedCrossing Hashing Identity InputLayer InputSpec
IntegerLookup LSTM LSTMCell LSTMV1 LSTMV2 Layer LayerNormalization LeakyReLU LocallyConnected1D
LocallyConnected2D Masking MaxNumBoundingBoxes MaxPool1D MaxPool2D MaxPool3D MaxPooling1D MaxPooling2D
MaxPooling3D Maximum MelSpectrogram Minimum MixUp MultiHeadAttention Multiply Normalization PReLU Permute
RMSNormalization RNN RandAugment RandomBrightness RandomColorDegeneration RandomColorJitter RandomContrast
RandomCrop RandomElasticTransform RandomErasing RandomFlip RandomGaussianBlur RandomGrayscale RandomHeight
RandomHue RandomInvert RandomPerspective RandomPosterization RandomRotation RandomSaturation
RandomSharpness RandomShear RandomTranslation RandomWidth RandomZoom ReLU RepeatVector Rescaling Reshape
Resizing ReversibleEmbedding STFTSpectrogram SeparableConv1D SeparableConv2D SeparableConvolution1D
SeparableConvolution2D SimpleRNN SimpleRNNCell Softmax Solarization SpatialDropout1D SpatialDropout2D
SpatialDropout3D SpectralNormalization StackedRNNCells StringLookup Subtract TextVectorization
ThresholdedReLU TimeDistributed UnitNormalization UpSampling1D UpSampling2D UpSampling3D Wrapper
ZeroPadding1D ZeroPadding2D ZeroPadding3D SlicingOpLambda
Functional KerasTensor Model Sequential Variable DTypePolicy DTypePolicyMap FloatDTypePolicy
QuantizedDTypePolicy QuantizedFloat8DTypePolicy GPTQDTypePolicy Policy PolicyV1 SeedGenerator
CompileLossWrapper CompileLoss CompileMetrics MetricsList LossesContainer MetricsContainer
"""
_NAMES = frozenset(_WORDS.split())
"""Layers, models and what surrounds them; none of these calls or reads what its configuration names."""
_COMPUTING = """
Adadelta Adafactor Adagrad Adam AdamW Adamax Ftrl Lamb Lion LossScaleOptimizer Muon Nadam RMSprop SGD
CosineDecay CosineDecayRestarts ExponentialDecay InverseTimeDecay PiecewiseConstantDecay PolynomialDecay
Constant ConstantV2 GlorotNormal GlorotUniform HeNormal HeUniform Identity IdentityInitializer
LecunNormal LecunUniform Ones Orthogonal OrthogonalInitializer RandomNormal RandomUniform STFT
TruncatedNormal VarianceScaling Zeros L1 L1L2 L2 OrthogonalRegularizer MaxNorm MinMaxNorm NonNeg UnitNorm
BinaryCrossentropy BinaryFocalCrossentropy CTC CategoricalCrossentropy CategoricalFocalCrossentropy
CategoricalHinge Circle CosineSimilarity Dice Hinge Huber KLDivergence LogCosh MeanAbsoluteError
MeanAbsolutePercentageError MeanSquaredError MeanSquaredLogarithmicError Poisson
SparseCategoricalCrossentropy SquaredHinge Tversky
AUC Accuracy BinaryAccuracy BinaryIoU CategoricalAccuracy ConcordanceCorrelation F1Score FBetaScore
FalseNegatives FalsePositives IoU LogCoshError Mean MeanIoU MeanMetricWrapper MeanRelativeError
OneHotIoU OneHotMeanIoU PearsonCorrelation Precision PrecisionAtRecall R2Score Recall RecallAtPrecision
RootMeanSquaredError SensitivityAtSpecificity SparseCategoricalAccuracy SparseTopKCategoricalAccuracy
SpecificityAtSensitivity Sum TopKCategoricalAccuracy TrueNegatives TruePositives AbsMaxQuantizer
"""
_COMPILED = frozenset(_COMPUTING.split())
"""Optimizers, initializers, regularizers, constraints, losses and metrics."""
_RUNNING = {"Lambda", "Function", "TorchModuleWrapper", "TFSMLayer", "JaxLayer", "FlaxLayer", "TFOpLambda"}
_VALUES = frozenset(
    {"__tensor__", "__numpy__", "__bytes__", "__ellipsis__", "__slice__", "__tuple__", "__keras_tensor__"}
)
_KERAS = r"(?:keras|tf_keras|keras_core|tensorflow\.keras|tensorflow\.python\.keras)"
_MODULE = re.compile(rf"{_KERAS}(?:\.\w+)*", re.ASCII)
_OPEN = re.compile(
    rf"{_KERAS}(?=(?:\.\w+)++\Z)(?:\.src|\.api)?(?:\.\w+)*?\.(?:optimizers?|losses|metrics|initializers|regularizers|constraints"
    r"|activations|ops|dtype_policies|quantizers)(?:\.\w+)*",
    re.ASCII,
)
"""Modules whose classes only compute."""
_CLASS = re.compile(r"[A-Z]\w*", re.ASCII)
_FUNCTION = re.compile(r"[a-z_]\w*", re.ASCII)
_OWN = re.compile(r"[\w.]+>\w+", re.ASCII)
"""A name that only code of the one who loads it can have registered."""
_SPECIFICATION = re.compile(r"tensorflow\.python\.framework\.\w+", re.ASCII)
_CALLING = re.compile(r"serialize|load|import|exec|eval|^_*get|open|file|save|config", re.IGNORECASE)
_READ = ("vocabulary", "idf_weights")
"""Where a layer takes a list, and reads a file when it is given a text."""


def read_keras(data: bytes, what: str) -> Iterator[str]:
    """Yield what is wrong with a configuration in JSON that `what` names."""
    try:
        config = json.loads(data.decode("utf-8"), object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        yield f"{what} is not JSON: {error}"
        return
    yield from keras_layers(config)


def keras_layers(config: object) -> Iterator[str]:
    """Yield what in a Keras configuration runs code, or reads files, when it is loaded."""
    todo = [config]
    while todo:
        item = todo.pop()
        if isinstance(item, list):
            todo += item
        elif isinstance(item, dict):
            if "class_name" in item:
                yield from _object(item)
            for key in _READ:
                if isinstance(item.get(key), str) and item[key]:
                    yield f"{key} out of the file {item[key]!r}"
            todo += item.values()


def _object(item: dict[str, Any]) -> Iterator[str]:
    kind, module = item.get("class_name"), item.get("module")
    registered = item.get("registered_name")
    where = "" if module is None else f" of the module {module}"
    if not isinstance(kind, str) or not isinstance(module, str | None):
        yield f"the class {kind!r}{where}"
    elif kind in _VALUES:
        return
    elif kind == "__typespec__":
        name = item.get("spec_name")
        if not (isinstance(module, str) and _SPECIFICATION.fullmatch(module) and _is_like(_CLASS, name)):
            yield f"a type {name!r}{where}"
    elif kind == "function":
        is_renamed = registered is not None and registered != kind
        name = item.get("config")
        if not _is_function(name, module) or (is_renamed and not _is_function(registered, module)):
            yield f"function {name!r}{where}"
    elif not _is_class(kind, module):
        yield f"a layer of the class {kind}" if module is None else f"{kind}{where}"
    elif not (registered is None or registered == kind or _is_like(_OWN, registered)) and not _is_class(
        registered, module
    ):
        yield f"{registered}{where}"


def _is_like(pattern: re.Pattern[str], name: object) -> bool:
    return isinstance(name, str) and pattern.fullmatch(name) is not None


def _is_class(name: object, module: str | None) -> bool:
    """Tell whether a class is Keras's own and runs nothing that a configuration names."""
    if not isinstance(name, str):
        return False
    if not module:
        return name in _NAMES or name in _COMPILED or _is_like(_OWN, name)
    if not _MODULE.fullmatch(module):
        return False
    is_open = _OPEN.fullmatch(module) is not None and name not in _RUNNING
    return name in _NAMES or (is_open and _CLASS.fullmatch(name) is not None)


def _is_function(name: object, module: str | None) -> bool:
    """Tell whether a function is one of Keras's losses, metrics, activations and the like."""
    if not isinstance(name, str):
        return False
    if module in {None, "builtins"}:
        is_plain = _FUNCTION.fullmatch(name) is not None and not hasattr(builtins, name)
        return (is_plain and not _CALLING.search(name)) or _is_like(_OWN, name)
    is_known = module is not None and _OPEN.fullmatch(module) is not None
    return is_known and _FUNCTION.fullmatch(name) is not None and not _CALLING.search(name)
