"""Model files without code in them: whether safetensors, GGUF, ONNX and Keras files are what they say."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from pytest_aisec.facts.artifacts import zips
from pytest_aisec.facts.artifacts.file_parts import read_range
from pytest_aisec.facts.artifacts.gguf import gguf
from pytest_aisec.facts.artifacts.hdf5 import root_attributes
from pytest_aisec.facts.artifacts.hdf5_links import other_files
from pytest_aisec.facts.artifacts.keras import read_keras
from pytest_aisec.facts.artifacts.model_listing import ModelFile
from pytest_aisec.facts.artifacts.onnx import (
    NEEDLES,
    NO_GRAPH,
    Span,
    begins_message,
    check_model,
    onnx_defects,
)
from pytest_aisec.facts.artifacts.ranges import Malformed, Ranges, of_file
from pytest_aisec.facts.artifacts.safetensors import safetensors
from pytest_aisec.facts.artifacts.sources import InFile
from pytest_aisec.facts.core.together import outcomes
from pytest_aisec.observe.faults import Reason, Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["defects", "is_container", "keras_directories", "renamed_models"]

_FETCHED = 3_500_000
"""The most that is read of one file at once."""
_WINDOWS = 8
"""How often that is done for the header of one file."""
_SMALL = 65536
_MANY = 256
_MOST_DEFECTS = 5
_HEADER, _HEADERS = 8192, 1024
"""What is fetched of a large HDF5 file at once, and how often: its parts lie all over it."""
_MOST_HITS = 2000
_ONNX_TEXTS = (".onnxtxt", ".onnxtext", ".onnxjson")
_VERSION = b"\x08"
"""What writers of ONNX begin with: the field of the version."""
_CONFIGURATIONS = {"model_config", "training_config"}


def is_container(file: ModelFile) -> bool:
    """Tell whether `defects` judges files like this one, by content or by name."""
    by_name = (".safetensors", ".gguf", ".onnx", ".keras", ".h5", ".hdf5", *_ONNX_TEXTS)
    return file.kind in {"safetensors", "gguf", "hdf5"} or file.name.endswith(by_name)


def defects(
    host: Host, files: Sequence[ModelFile], *, max_header_bytes: int
) -> dict[str, tuple[str, ...] | Unobservable]:
    """Return what is wrong with each of `files`, by path; nothing for those that are well formed."""

    def asking(file: ModelFile) -> Callable[[], tuple[str, ...]]:
        return lambda: tuple(islice(_defects(host, file, max_header_bytes), _MOST_DEFECTS))

    answers = outcomes([asking(file) for file in files])
    return {file.path: answer for file, answer in zip(files, answers, strict=True)}


def keras_directories(host: Host, files: Sequence[ModelFile]) -> dict[str, tuple[str, ...] | Unobservable]:
    """Return what is wrong with each `config.json` that Keras loads as a model, by path; no others.

    Keras takes the directory of such a file for an unpacked `.keras`, and builds what it names before it
    looks for the weights: so its content tells, and not what lies beside it.
    """
    named = [file for file in files if file.path.endswith("/config.json") and _may_be_object(file)]

    def asking(file: ModelFile) -> Callable[[], tuple[str, ...] | None]:
        return lambda: _unpacked(host, file)

    judged = zip(named, outcomes([asking(file) for file in named]), strict=True)
    return {file.path: answer for file, answer in judged if answer is not None}


def renamed_models(host: Host, files: Sequence[ModelFile]) -> dict[str, tuple[str, ...] | Unobservable]:
    """Return what is wrong with each ONNX model that has another name, by path; no others.

    Whatever may be a message of protobuf is looked into where one of the words is in it that count.
    """
    unnamed = [
        file
        for file in files
        if file.size
        and not file.is_settled
        and not is_container(file)
        and begins_message(file.head, file.size)
    ]

    def asking(file: ModelFile) -> Callable[[], tuple[str, ...] | None]:
        return lambda: _renamed(host, file)

    judged = zip(unnamed, outcomes([asking(file) for file in unnamed]), strict=True)
    return {file.path: answer for file, answer in judged if answer is not None}


def _renamed(host: Host, file: ModelFile) -> tuple[str, ...] | None:
    """Return what is wrong with a model, nothing where a file is none."""
    if len(file.head) == file.size:
        has_words = any(word.encode() in file.head for word in NEEDLES)
    else:
        (places,) = outcomes([lambda: _searched(host, file)])
        has_words = bool(places)  # a fault, too, where there are too many
        if isinstance(places, Unobservable) and places.reason != "truncated":
            raise places
    if not has_words and not file.head.startswith(_VERSION):
        return None
    is_small = file.size <= _FETCHED and has_words
    window, most = (_FETCHED, 1) if is_small else (_SMALL, _MANY)
    try:
        check_model(of_file(host, file, window=window, most=most))
    except Malformed as wrong:
        if has_words and not str(wrong) == NO_GRAPH:
            raise Unobservable(
                "parse", f"{file.path}: may be an ONNX model, and is not read: {wrong}"
            ) from None
        return None
    return tuple(islice(_onnx(host, file), _MOST_DEFECTS))


def _may_be_object(file: ModelFile) -> bool:
    """Tell whether an object of JSON may begin here; a head ends before what was redacted."""
    begun = file.head.lstrip(b" \t\r\n")
    return file.size > 0 and (not begun or begun.startswith(b"{"))


def _unpacked(host: Host, file: ModelFile) -> tuple[str, ...] | None:
    if file.size > _FETCHED:
        raise Unobservable("truncated", f"{file.path}: a configuration of {file.size} bytes")
    data = read_range(host, file, 0, file.size)
    try:
        config = json.loads(data.decode("utf-8"))
    except UnicodeDecodeError:
        raise Unobservable("parse", f"{file.path}: a configuration that is not UTF-8") from None
    except RecursionError:
        raise Unobservable("parse", f"{file.path}: a configuration nested too deeply") from None
    except ValueError:  # Keras reads it in the same way, and gets no further either
        return None
    if not isinstance(config, dict) or not {"class_name", "config"} <= config.keys():
        return None
    return tuple(islice(read_keras(data, "config.json"), _MOST_DEFECTS))


def _defects(host: Host, file: ModelFile, max_header_bytes: int) -> Iterator[str]:
    if file.name.endswith(".gguf") or file.kind == "gguf":
        yield from gguf(of_file(host, file, window=_FETCHED, most=_WINDOWS))
    elif file.name.endswith(".safetensors") or file.kind == "safetensors":
        yield from _safetensors(host, file, max_header_bytes)
    elif file.name.endswith(".onnx"):
        yield from _onnx(host, file)
    elif file.name.endswith(_ONNX_TEXTS):
        raise Unobservable("parse", f"{file.path}: an ONNX model written as text is not read")
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
    header = file.head[8 : 8 + length]
    if len(header) < length:
        header = of_file(host, file, window=_FETCHED, most=_WINDOWS).at(8, length)
    yield from safetensors(header, file.size - 8 - length)


def _onnx(host: Host, file: ModelFile) -> Iterator[str]:
    """Judge a model: the whole of a small one, of a large one what leads to the places that count."""
    if file.size <= _FETCHED:
        data = of_file(host, file, window=_FETCHED, most=1)
        yield from onnx_defects(data, lambda _: True)
        return
    places = _searched(host, file)

    def is_wanted(span: Span) -> bool:
        return any(span.start <= place < span.end for place in places)

    yield from onnx_defects(of_file(host, file, window=_SMALL, most=_MANY), is_wanted)


def _searched(host: Host, file: ModelFile) -> list[int]:
    """Return where a large model holds the words that count, found on the host."""
    words = " ".join(f"-e {word}" for word in NEEDLES)
    answer = host.run(
        f'{{ LC_ALL=C grep -aobF {words} -- %s; echo "end $?"; }} | head -c 65536',
        file.place or file.path,
    )
    said = answer.stderr.strip()
    *hits, end = answer.stdout.split("\n")[:-1] or [""]
    if said:
        missing = "not found" in said or "option" in said
        reason: Reason = "privilege" if "Permission denied" in said else "unreadable"
        raise Unobservable("tool_missing" if missing else reason, said)
    if end not in {"end 0", "end 1"} or len(hits) > _MOST_HITS:
        raise Unobservable("truncated", f"{file.path}: more than {_MOST_HITS} places that may be references")
    places = [hit.partition(":")[0] for hit in hits]
    if not all(place.isascii() and place.isdigit() for place in places):
        raise Unobservable("parse", f"{file.path}: grep printed something else")
    return [int(place) for place in places]


def _keras(host: Host, file: ModelFile) -> Iterator[str]:
    members = zips.members(host, file)
    configs = [member for member in members if member.name.lower() == "config.json"]
    if not configs:
        yield "no config.json"
        return
    found = zips.content(host, file, configs, most=_FETCHED)[configs[0].name]
    if isinstance(found, Unobservable):
        raise found
    yield from read_keras(found, "config.json")
    archive = InFile(host, file, _FETCHED * _WINDOWS)
    for member in members:
        if member.name.lower().endswith((".h5", ".hdf5")) and member.size:
            inner = zips.Stored(archive, file.size, member, most=_FETCHED)
            for what in other_files(_parts(inner.at, member.size, inner.where)):
                yield f"{member.name}: {what}"


def _parts(read: Callable[[int, int], bytes], size: int, path: str) -> Ranges:
    """Return the bytes of a file at once where it is small, and a large one in small parts."""
    if size <= _FETCHED:
        return Ranges(read, size, path=path, window=_FETCHED, most=1)
    return Ranges(read, size, path=path, window=_HEADER, most=_HEADERS)


def _hdf5(host: Host, file: ModelFile) -> Iterator[str]:
    for name, text in root_attributes(of_file(host, file, window=_SMALL, most=_MANY)):
        if name in _CONFIGURATIONS:
            if text is None:
                raise Unobservable("parse", f"{file.path}: {name} is no text")
            yield from read_keras(text, name)
    yield from other_files(_parts(InFile(host, file, _FETCHED * _WINDOWS).at, file.size, file.path))
