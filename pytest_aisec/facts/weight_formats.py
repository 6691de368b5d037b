"""Model files without code in them: whether safetensors, GGUF, ONNX and Keras files are what they say."""

from __future__ import annotations

import json
import math
import posixpath
import re
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pytest_aisec.facts import zips
from pytest_aisec.facts.model_files import ModelFile, read_range
from pytest_aisec.facts.together import outcomes
from pytest_aisec.observe.faults import Reason, Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["defects", "gguf", "is_container", "keras_layers", "onnx_locations", "safetensors"]

_BITS = {
    "F64": 64, "I64": 64, "U64": 64, "C64": 64, "F32": 32, "I32": 32, "U32": 32, "F16": 16, "BF16": 16,
    "I16": 16, "U16": 16, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "F8_E5M2FNUZ": 8, "F8_E4M3FNUZ": 8,
    "I8": 8, "U8": 8, "BOOL": 8, "F6_E2M3": 6, "F6_E3M2": 6, "F4": 4,
}  # fmt: skip
_FETCHED = 3_500_000
"""The most that is read of one file."""
_MOST_DEFECTS = 5
_MOST_HITS = 200
_MODEL_GRAPH = 7
"""The number of the field `graph` in ONNX's `ModelProto`."""


def is_container(file: ModelFile) -> bool:
    """Tell whether `defects` judges files like this one, by content or by name."""
    by_name = (".safetensors", ".gguf", ".onnx", ".keras", ".h5", ".hdf5")
    return file.kind in {"safetensors", "gguf", "hdf5"} or file.name.endswith(by_name)


def defects(
    host: Host, files: Sequence[ModelFile], *, max_header_bytes: int
) -> dict[str, tuple[str, ...] | Unobservable]:
    """Return what is wrong with each of `files`, by path; nothing for those that are well formed."""

    def asking(file: ModelFile) -> Callable[[], tuple[str, ...]]:
        return lambda: tuple(_defects(host, file, max_header_bytes))[:_MOST_DEFECTS]

    answers = outcomes([asking(file) for file in files])
    return {file.path: answer for file, answer in zip(files, answers, strict=True)}


def _defects(host: Host, file: ModelFile, max_header_bytes: int) -> Iterator[str]:
    if file.name.endswith(".gguf") or file.kind == "gguf":
        yield from gguf(file.head, file.size)
    elif file.name.endswith(".safetensors") or file.kind == "safetensors":
        yield from _safetensors(host, file, max_header_bytes)
    elif file.name.endswith(".onnx"):
        yield from _onnx(host, file)
    elif file.name.endswith(".keras") and file.kind == "zip":
        yield from _keras(host, file)
    elif file.kind == "hdf5":
        yield from _hdf5(host, file)
    else:
        yield f"the name says {posixpath.splitext(file.name)[1]}, the content does not"


def _safetensors(host: Host, file: ModelFile, max_header_bytes: int) -> Iterator[str]:
    if file.size < 10 or len(file.head) < 8:
        yield "too short for a header"
        return
    length = int.from_bytes(file.head[:8], "little")
    if length > max_header_bytes:
        yield f"a header of {length} bytes, more than {max_header_bytes}"
        return
    if length + 8 > file.size:
        yield f"a header of {length} bytes in a file of {file.size}"
        return
    if length > _FETCHED:
        raise Unobservable("truncated", f"{file.path}: a header of {length} bytes is not read")
    header = file.head[8 : 8 + length]
    if len(header) < length:
        header = read_range(host, file.path, 8, length)
    yield from safetensors(header, file.size - 8 - length)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name twice")
    return found


def safetensors(header: bytes, data_size: int) -> Iterator[str]:
    """Yield what is wrong with a safetensors header for `data_size` bytes of tensors."""
    try:
        entries = json.loads(header.decode("utf-8"), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        yield f"the header is not JSON: {error}"
        return
    if not header.startswith(b"{"):
        yield "the header does not begin with {"
        return
    metadata = entries.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        yield "__metadata__ is not text"
    spans: list[tuple[int, int, str]] = []
    for name, entry in entries.items():
        span = _span(entry)
        if span is None:
            yield f"{name}: no type, shape and offsets that are known and agree"
        else:
            spans.append((*span, name))
    last = 0
    for begin, end, name in sorted(spans):
        if begin != last:
            yield f"{name}: begins at {begin} and not at {last}"
        last = max(last, end)
    if last != data_size:
        yield f"the tensors end at {last}, the file at {data_size}"


def _span(entry: Any) -> tuple[int, int] | None:
    """Return where a tensor begins and ends; `None` where that is not what type and shape need."""
    try:
        begin, end = entry["data_offsets"]
        shape, bits = entry["shape"], _BITS[entry["dtype"]]
        numbers = [begin, end, *shape]
    except (KeyError, TypeError, ValueError):
        return None
    if not all(type(number) is int and number >= 0 for number in numbers):
        return None
    return (begin, end) if (end - begin) * 8 == math.prod(shape) * bits else None


def gguf(head: bytes, size: int) -> Iterator[str]:
    """Yield what is wrong with the beginning of a GGUF file of `size` bytes."""
    if not head.startswith(b"GGUF") or len(head) < 24:
        yield "does not begin as GGUF"
        return
    version = int.from_bytes(head[4:8], "little")
    order = "<"
    if version > 0xFFFF:
        version, order = int.from_bytes(head[4:8], "big"), ">"
    if version not in {1, 2, 3}:
        yield f"version {version}"
        return
    tensors, pairs = struct.unpack_from(f"{order}2{'I' if version == 1 else 'Q'}", head, 8)
    if tensors * 24 + pairs * 13 > size or tensors > 1 << 20 or pairs > 1 << 16:
        yield f"{tensors} tensors and {pairs} pairs in {size} bytes"
    width = 4 if version == 1 else 8
    at = 16 if version == 1 else 24
    if pairs:
        length = int.from_bytes(head[at : at + width], "little" if order == "<" else "big")
        key = head[at + width : at + width + length]
        if not 0 < length < 65536 or not re.fullmatch(rb"[a-z0-9_.\-/A-Z]+", key):
            yield "the first key is not one"


def _onnx(host: Host, file: ModelFile) -> Iterator[str]:
    try:
        if file.size <= _FETCHED:
            locations = list(onnx_locations(read_range(host, file.path, 0, file.size) if file.size else b""))
        else:
            _check_graph(file.head, file.size)
            locations = _searched(host, file)
    except (IndexError, ValueError) as error:
        yield f"not a model in ONNX's encoding: {error}"
        return
    for location in dict.fromkeys(locations):
        plain = posixpath.normpath(location)
        is_odd = re.search(r"[\\\x00]|^[A-Za-z]:", location) is not None
        if location.startswith("/") or plain == ".." or plain.startswith("../") or is_odd:
            yield f"external data in {location!r}, outside of its directory"


def _searched(host: Host, file: ModelFile) -> list[str]:
    """Return the external data of a large model, found by the name of the field on the host."""
    answer = host.run('{ LC_ALL=C grep -aobF location -- %s; echo "end $?"; } | head -c 65536', file.path)
    said = answer.stderr.strip()
    *hits, end = answer.stdout.split("\n")[:-1] or [""]
    if said:
        missing = "not found" in said or "option" in said
        reason: Reason = "privilege" if "Permission denied" in said else "unreadable"
        raise Unobservable("tool_missing" if missing else reason, said)
    if end not in {"end 0", "end 1"} or len(hits) > _MOST_HITS:
        raise Unobservable("truncated", f"{file.path}: more than {_MOST_HITS} places that may be references")
    places = [int(hit.partition(":")[0]) for hit in hits]
    around = outcomes([_around(host, file, place) for place in places])
    found: list[str] = []
    for part in around:
        if isinstance(part, Unobservable):
            raise part
        found += _locations(part)
    return found


def _around(host: Host, file: ModelFile, place: int) -> Callable[[], bytes]:
    start = max(0, place - 2)
    return lambda: read_range(host, file.path, start, min(4096, file.size - start))


def _check_graph(head: bytes, size: int) -> None:
    """Raise `ValueError` unless a graph that fits into `size` bytes begins in `head`."""
    at = 0
    while True:
        key, at = _varint(head, at)
        if key == _MODEL_GRAPH << 3 | 2:
            length, at = _varint(head, at)
            if at + length > size:
                raise ValueError("a graph that is cut off")
            return
        if key & 7 == 0:
            _, at = _varint(head, at)
        elif key & 7 == 2 and key >> 3:
            length, at = _varint(head, at)
            at += length
        else:
            raise ValueError("no graph at its beginning")


def onnx_locations(data: bytes) -> Iterator[str]:
    """Yield where the external data of an ONNX model lie; `ValueError` when it is none.

    Any message in it that looks like the entry `location` counts, so that tensors in attributes and
    subgraphs are covered without knowing the whole format.
    """
    if not data:
        raise ValueError("empty")
    fields = list(_fields(data))
    if not any(number == _MODEL_GRAPH and isinstance(value, bytes) for number, value in fields):
        raise ValueError("no graph")
    yield from _locations(data)


def _locations(data: bytes) -> Iterator[str]:
    at = data.find(b"\x0a\x08location\x12")
    while at >= 0:
        length, start = _varint(data, at + 11)
        if start + length > len(data):
            raise ValueError("a location that is cut off")
        yield data[start : start + length].decode("utf-8", "replace")
        at = data.find(b"\x0a\x08location\x12", at + 1)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value, shift = 0, 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError("a number that is too long")


def _fields(data: bytes) -> Iterator[tuple[int, bytes | int]]:
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, at = _varint(data, at)
            yield number, value
            continue
        if kind == 2:
            length, at = _varint(data, at)
        elif kind in {1, 5}:
            length = 8 if kind == 1 else 4
        else:
            raise ValueError(f"a field of kind {kind}")
        if number == 0 or at + length > len(data):
            raise ValueError("a field that is cut off")
        yield number, data[at : at + length]
        at += length


def _keras(host: Host, file: ModelFile) -> Iterator[str]:
    members = [member for member in zips.members(host, file) if member.name.lower() == "config.json"]
    if not members:
        yield "no config.json"
        return
    found = zips.content(host, file, members, most=_FETCHED)[members[0].name]
    if isinstance(found, Unobservable):
        raise found
    try:
        config = json.loads(found.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        yield f"config.json is not JSON: {error}"
        return
    yield from keras_layers(config)


def keras_layers(config: object) -> Iterator[str]:
    """Yield what in a Keras configuration runs code of its own when it is loaded."""
    todo = [config]
    while todo:
        item = todo.pop()
        if isinstance(item, list):
            todo += item
        elif isinstance(item, dict):
            kind = item.get("class_name")
            if kind in {"Lambda", "__lambda__", "TFOpLambda"}:
                yield f"a layer of the class {kind}"
            module = item.get("module")
            if isinstance(module, str) and not re.match(
                r"(keras|tf_keras|keras_core|tensorflow\.keras)(\.|$)", module
            ):
                yield f"{kind} of the module {module}"
            todo += item.values()


_LAMBDA = r'"(class_name|module)": *"(Lambda|__lambda__|TFOpLambda|builtins|os|subprocess)"'


def _hdf5(host: Host, file: ModelFile) -> Iterator[str]:
    answer = host.run(f"LC_ALL=C grep -aoE -m 20 '{_LAMBDA}' -- %s", file.path)
    said = answer.stderr.strip()
    if said or answer.rc not in {0, 1}:
        raise Unobservable("privilege" if "Permission denied" in said else "unreadable", said or file.path)
    for line in sorted(set(answer.stdout.splitlines())):
        yield f"configuration with {line}"
