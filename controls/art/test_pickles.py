import re
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import Field

from pytest_aisec import Host, Unobservable, control, is_declared, not_applicable, raise_unless
from pytest_aisec.facts.artifacts.digests import sha256
from pytest_aisec.facts.artifacts.model_files import model_files
from pytest_aisec.facts.artifacts.pickle_scan import check_installed, scan
from pytest_aisec.facts.artifacts.pickle_walk import Walk
from pytest_aisec.facts.artifacts.pickles import Pickle, pickles
from pytest_aisec.facts.system.elsewhere import elsewhere

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

_FRAMEWORKS = frozenset(
    [
        *(
            f"torch.{kind}Storage"
            for kind in (
                "Byte", "Char", "Short", "Int", "Long", "Half", "Float", "Double", "Bool", "BFloat16",
                "ComplexFloat", "ComplexDouble", "QInt8", "QUInt8", "QInt32", "QUInt4x2", "QUInt2x4",
                "Untyped",
            )
        ),
        *(
            f"torch.{name}"
            for name in (
                "Size", "device", "Tensor", "float32", "float64", "float16", "bfloat16", "uint8", "int8",
                "int16", "int32", "int64", "bool", "complex64", "complex128", "strided", "float8_e4m3fn",
                "float8_e5m2", "storage.UntypedStorage", "storage.TypedStorage", "nn.parameter.Parameter",
                "_utils._rebuild_tensor", "_utils._rebuild_tensor_v2", "_utils._rebuild_parameter",
                "_utils._rebuild_parameter_with_state", "_utils._rebuild_qtensor",
                "_tensor._rebuild_from_type_v2", "serialization._get_layout", "per_tensor_affine",
                "_utils._rebuild_tensor_v3", "_utils._rebuild_sparse_tensor", "per_channel_affine",
                "_utils._rebuild_sparse_csr_tensor", "_utils._rebuild_meta_tensor_no_storage",
                "uint16", "uint32", "uint64", "complex32", "float8_e4m3fnuz", "float8_e5m2fnuz",
                "float8_e8m0fnu", "float4_e2m1fn_x2", "sparse_coo", "sparse_csr", "sparse_csc", "sparse_bsr",
                "sparse_bsc", "qint8", "quint8", "qint32", "preserve_format", "contiguous_format",
                "channels_last", "storage._load_from_bytes",
                *(
                    f"jit._pickle.{name}"
                    for name in (
                        "build_intlist", "build_tensorlist", "build_doublelist", "build_boollist",
                        "build_tensor_from_id", "restore_type_tag",
                    )
                ),
            )
        ),
        *(
            f"{module}.multiarray.{name}"
            for module in ("numpy.core", "numpy._core")
            for name in ("_reconstruct", "scalar")
        ),
        "numpy.core.numeric._frombuffer",
        "numpy._core.numeric._frombuffer",
        "joblib.numpy_pickle.NumpyArrayWrapper",
        "numpy.dtype",
        "numpy.ndarray",
        "_codecs.encode",
        "collections.OrderedDict",
        "collections.defaultdict",
        "collections.Counter",
        *(
            f"{module}.{name}"
            for module in ("builtins", "__builtin__")
            for name in (
                "set", "frozenset", "dict", "list", "tuple", "int", "float", "bool", "str", "bytes",
                "bytearray", "complex", "slice", "range", "object", "xrange", "unicode", "long",
            )
        ),
        "copyreg._reconstructor",
        "copy_reg._reconstructor",
    ]
)  # fmt: skip
"""What the weights of PyTorch and NumPy arrays import; none of these calls what it is not given."""

_EXPANDS = re.compile(r"^(Extremely high|High) GET/PUT ratio|^Resource limits were exceeded")
"""What fickling says of many equal texts, too: nothing grows where no part that holds others is repeated."""

_OLD_NAMES = re.compile(r"^`from __builtin__ import (xrange|unicode|long)` is suspicious")
"""What `range`, `str` and `int` are called in pickles that Python 2 reads."""

_FETCHED = 2_000_000
"""With the directory of an archive and in base64, less than 5 MB cross the wire."""


@control(
    "AISEC-ART-04",
    severity="high",
    objectives=["model_integrity"],
    nist_800_53=["CM-7", "SI-3"],
    atlas_techniques=["AML.T0011.000", "AML.T0018.002"],
    remediation=(
        "Replace each file by its safetensors copy (from the publisher, or saved with "
        "safetensors.torch.save_file), remove it from {model_dirs}; or, after review, add its SHA-256 "
        "to allow_sha256"
    ),
    remediation_is_words="the safetensors copy comes from the publisher, and what serves the model follows",
)
def test_serving_paths_hold_no_pickles(
    host: Host, *, model_dirs: list[str] = ["/srv/models"], allow_sha256: list[Digest] = []
) -> None:
    """Serving paths hold no pickle-based weight formats.

    Loading a pickle runs whatever code it names. Files are judged by content, whatever their names.
    """
    seen = model_files(host, model_dirs)
    held = pickles(host, seen.each, most=_FETCHED, contents=False)
    faults = [*seen.faults]
    based = {item.file: item.what for item in held if item.is_pickle_based}
    faults += [fault for item in held if not item.is_pickle_based for fault in item.faults]
    digests = sha256(host, list(based)) if based and allow_sha256 else {}
    pickled = {path: "declared, but absent" for path in seen.absent if is_declared("model_dirs")}
    for file, what in based.items():
        digest = digests.get(file.path)
        if isinstance(digest, Unobservable):
            faults.append(digest)
        elif digest is None or digest not in allow_sha256:
            pickled[file.path] = what
    raise_unless(pickled, faults)
    if not pickled and not seen.files:
        beside = elsewhere(host, "weights", "model_dirs", model_dirs)
        not_applicable(
            f"no file in {', '.join(model_dirs)}", claims=seen.claims("model_dirs"), elsewhere=beside
        )
    assert pickled == {}


def _unwanted(names: frozenset[tuple[str, str]], allow: list[str]) -> list[str]:
    found = {f"{module}.{name}" for module, name in names} - _FRAMEWORKS
    return sorted(
        name
        for name in found
        if not name.startswith("__torch__.") and not any(fnmatchcase(name, pattern) for pattern in allow)
    )


def _is_followed(what: str, walk: Walk) -> bool:
    """Tell whether a scanner objects to a harmless type, or to what TorchScript imports or loads in turn."""
    if _OLD_NAMES.search(what):
        return True
    match = re.search(r"`from torch\.(jit\._pickle|storage) import (\w+)`", what)
    if match is None or f"torch.{match[1]}.{match[2]}" not in _FRAMEWORKS:
        return False
    return match[2] != "_load_from_bytes" or not walk.unknown


def _wrong(pickle: Pickle, allow: list[str], *, strict: bool) -> list[str]:
    """Return what is wrong with one pickle; what the scanners do not see or cannot read proves nothing."""
    walk = pickle.walk
    wrong = [f"{what}: an import that does not show" for what in walk.unknown]
    wrong += [f"malformed on purpose: {what}" for what in walk.odd]
    names = walk.names
    if walk.state == "stop":
        try:
            scanned = scan(pickle.data)
        except Unobservable as fault:
            if fault.reason == "tool_missing" or not strict:
                raise Unobservable(fault.reason, f"{pickle.where}: {fault.detail}") from None
        else:
            names |= scanned.names
            wrong += [what for what in scanned.dangerous if not _is_followed(what, walk)]
            if strict and not walk.is_shared:
                wrong = [what for what in wrong if not _EXPANDS.search(what)]
    return wrong + ([f"imports {name}" for name in _unwanted(names, allow)] if strict else [])


@control(
    "AISEC-ART-05",
    severity="critical",
    objectives=["model_integrity"],
    nist_800_53=["SI-3"],
    nist_ai_600_1=["MG-3.1-002"],
    iso_27001=["A.8.7"],
    cis_v8_1=["10.1"],
    atlas_mitigations=["AML.M0011"],
    atlas_techniques=["AML.T0011.000", "AML.T0018.002"],
    remediation=(
        "Remove each file named from {model_dirs} without loading it, and find out where it came from; "
        "an import that no scanner objects to and that is known to be harmless belongs into "
        "allow_globals"
    ),
    remediation_is_words="a pickle that runs code is evidence, to be looked into before it goes",
)
def test_pickles_import_nothing_dangerous(
    host: Host,
    *,
    model_dirs: list[str] = ["/srv/models"],
    allow_globals: list[str] = [],
    strict: bool = True,
    max_bytes_per_file: Annotated[int, Field(ge=65536, le=5_000_000)] = _FETCHED,
) -> None:
    """Pickle-based files contain no dangerous imports or opcodes.

    Loading such a file runs the code it names, as whoever loads it. Every import must be known to be
    harmless, and neither picklescan nor fickling may object: no known evil, which is not proof of safety.
    """
    seen = model_files(host, model_dirs)
    held = pickles(host, seen.each, most=max_bytes_per_file)
    faults = [*seen.faults, *(fault for item in held for fault in item.faults)]
    dangerous = {path: ["declared, but absent"] for path in seen.absent if is_declared("model_dirs")}
    for pickle in [pickle for item in held for pickle in item.found]:
        try:
            wrong = _wrong(pickle, allow_globals, strict=strict)
        except Unobservable as fault:
            faults.append(fault)
            continue
        if wrong:
            dangerous[pickle.where] = sorted(set(wrong))
    raise_unless(dangerous, faults)
    if not dangerous and not any(item.is_pickle_based for item in held):
        beside = elsewhere(host, "weights", "model_dirs", model_dirs)
        not_applicable(
            f"no pickle in {', '.join(model_dirs)}", claims=seen.claims("model_dirs"), elsewhere=beside
        )
    if not dangerous:
        check_installed()
    assert dangerous == {}
