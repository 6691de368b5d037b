"""Pickles in files on a host: found by content, fetched in parts and never unpickled."""

from __future__ import annotations

import ast
import bz2
import lzma
import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_aisec.facts import zips
from pytest_aisec.facts.model_files import ModelFile, read_range
from pytest_aisec.facts.pickle_opcodes import runs_something, split
from pytest_aisec.facts.together import outcomes
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["Pickle", "Pickles", "is_named_as_pickle", "pickles"]

_NAMED = re.compile(
    r".*\.(pt|pth|ckpt|pkl|pickle|joblib|dill|nemo|cloudpickle)(\.(gz|z|bz2|xz|lzma|zst|lz4))?"
)
_EXPECTED = re.compile(_NAMED.pattern + r"|.*\.(bin|model|dat|data|params|weights)|[^.]*")
"""Names of archives and compressed files in which a loader may look for a pickle."""
_OTHERS = (".safetensors", ".gguf", ".h5", ".hdf5", ".png", ".jpg", ".jpeg")
_BEGINNING = 512
_STEPS = (256 * 1024, 1024 * 1024)
_MOST_UNPACKED = 32 * 1024 * 1024
_MOST_MEMBERS = 100
_TENSORS = re.compile(
    r"(data|tensors|constants)/\d+|version|byteorder|\.format_version|\.storage_alignment"
    r"|\.data/(serialization_id|version)"
)
"""Beside a `data.pkl`, what PyTorch reads as raw numbers and never unpickles."""
_MEMBER_PICKLES = (".pkl", ".pickle", ".joblib", ".dill")


@dataclass(frozen=True, kw_only=True)
class Pickle:
    """One pickle, from its first opcode to STOP."""

    where: str
    """The file, and the member of the archive."""
    data: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Pickles:
    """The pickles in one file."""

    file: ModelFile
    is_pickle_based: bool
    """Whether a loader of this format unpickles, or is named to and cannot be read further."""
    what: str
    """The format in words; empty where there is no pickle in it."""
    found: tuple[Pickle, ...]
    faults: tuple[Unobservable, ...]
    """Why there may be more."""


def is_named_as_pickle(file: ModelFile) -> bool:
    """Tell whether the name is one under which loaders expect a pickle."""
    return _NAMED.fullmatch(file.name) is not None


def pickles(host: Host, files: Sequence[ModelFile], *, most: int, contents: bool = True) -> list[Pickles]:
    """Return the pickles in `files`; files without any are left out.

    Args:
        host: the host to ask.
        files: any files.
        most: bytes that are fetched of one file; a pickle that goes on after them is `truncated`.
        contents: false when it is enough to know which files have pickles in them.

    """
    candidates = [file for file in files if _may_hold(file)]
    answers = outcomes([_asking(host, file, most, contents) for file in candidates])
    found: list[Pickles] = []
    for file, answer in zip(candidates, answers, strict=True):
        if isinstance(answer, Unobservable):
            found.append(_none(file, answer))
        elif answer.is_pickle_based or answer.faults:
            found.append(answer)
    return found


def _asking(host: Host, file: ModelFile, most: int, contents: bool) -> Callable[[], Pickles]:  # noqa: FBT001
    def ask() -> Pickles:
        if file.kind == "zip":
            return _in_zip(host, file, most, contents)
        if file.kind == "npy":
            return _in_array(host, file, most, contents)
        if file.kind == "compressed":
            return _in_compressed(host, file, most, contents)
        if file.kind in {"tar", "7z"}:
            why = Unobservable("parse", f"{file.path}: archives of the kind {file.kind} are not read")
            return Pickles(
                file=file, is_pickle_based=True, what=f"{file.kind} archive", found=(), faults=(why,)
            )
        return _plain(host, file, most, contents)

    return ask


def _may_hold(file: ModelFile) -> bool:
    if file.kind in {"pickle", "zip", "npy"}:
        return True
    if file.kind == "empty" or file.head.startswith(b"version https://git-lfs"):
        return False
    runs = runs_something(file.head, is_whole=file.size <= len(file.head))
    if runs:
        return True
    if file.kind in {"compressed", "tar", "7z"}:
        return _EXPECTED.fullmatch(file.name) is not None
    if runs is None and not file.name.endswith(_OTHERS):
        return True
    return file.kind in {"text", "other"} and is_named_as_pickle(file)


def _based(file: ModelFile, what: str, found: Sequence[Pickle] = (), *faults: Unobservable) -> Pickles:
    return Pickles(file=file, is_pickle_based=True, what=what, found=tuple(found), faults=faults)


def _plain(host: Host, file: ModelFile, most: int, contents: bool) -> Pickles:  # noqa: FBT001
    is_sure = file.kind == "pickle" or bool(runs_something(file.head, is_whole=file.size <= len(file.head)))
    if is_sure and not contents:
        return _based(file, "pickle")
    data, parts, fault = _fetched(host, file, most)
    if fault is not None and not is_sure:
        runs = runs_something(data, is_whole=len(data) == file.size)
        if runs is False:
            why = Unobservable("parse", f"{file.path}: named as a pickle, and its content is not recognised")
            return _none(file, *([why] if is_named_as_pickle(file) else []))
        if runs is None and not is_named_as_pickle(file):
            return _none(file, fault)
    found = _numbered(file.path, parts)
    return _based(file, "pickle", found, *([fault] if fault else []))


def _fetched(host: Host, file: ModelFile, most: int) -> tuple[bytes, list[bytes], Unobservable | None]:
    """Return as much of a file as was needed, the whole pickles in it, and why these are not all."""
    data = b""
    enough = min(most, file.size)
    parts: list[bytes] = []
    fault: Unobservable | None = None
    for end in [*(step for step in _STEPS if step < enough), enough]:
        data += read_range(host, file.path, len(data), end - len(data))
        parts, fault = [], None
        try:
            for part in split(data, is_whole=len(data) == file.size):
                parts.append(part)
        except Unobservable as why:
            fault = Unobservable(why.reason, f"{file.path}: {why.detail}")
        if fault is None or fault.reason != "truncated":
            break
    return data, parts, fault


def _none(file: ModelFile, *faults: Unobservable) -> Pickles:
    return Pickles(file=file, is_pickle_based=False, what="", found=(), faults=faults)


def _numbered(where: str, parts: Sequence[bytes]) -> list[Pickle]:
    return [
        Pickle(where=where if number == 1 else f"{where} (pickle {number})", data=part)
        for number, part in enumerate(parts, 1)
    ]


def _in_zip(host: Host, file: ModelFile, most: int, contents: bool) -> Pickles:  # noqa: FBT001
    members = [member for member in zips.members(host, file) if not member.name.endswith("/")]
    named = [member for member in members if member.name.lower().endswith(_MEMBER_PICKLES)]
    tops = {member.name.removesuffix("data.pkl") for member in named if member.name.endswith("/data.pkl")}
    unsure = [member for member in members if member not in named and not _is_tensor(member.name, tops)]
    if max(len(unsure), len(named)) > _MOST_MEMBERS:
        raise Unobservable("truncated", f"{file.path}: more than {_MOST_MEMBERS} members to look into")
    if contents:
        _check_room(file, named, most)
    read, begun = outcomes(
        [
            lambda: zips.content(host, file, named if contents else [], most=most),
            lambda: zips.content(host, file, unsure, most=most, beginning=_BEGINNING),
        ]
    )
    bodies = dict(_whole(read))
    heads = _whole(begun)
    faults = [head for head in heads.values() if isinstance(head, Unobservable)]
    more: list[zips.Member] = []
    for member in unsure:
        head = heads[member.name]
        try:
            if isinstance(head, bytes) and _is_member_pickle(member, head, file.path):
                more.append(member)
        except Unobservable as fault:
            faults.append(fault)
    if contents and more:
        _check_room(file, [*named, *more], most)
        bodies.update(zips.content(host, file, more, most=most))
    found, wrong = _split_members(file, bodies)
    faults += wrong
    if named or more:
        return _based(file, "zip archive with a pickle", found, *faults)
    return _none(file, *faults)


def _check_room(file: ModelFile, members: Sequence[zips.Member], most: int) -> None:
    if sum(member.packed for member in members) > most:
        raise Unobservable("truncated", f"{file.path}: its pickles are longer than {most} bytes")


def _split_members(
    file: ModelFile, bodies: dict[str, bytes | Unobservable]
) -> tuple[list[Pickle], list[Unobservable]]:
    found: list[Pickle] = []
    faults: list[Unobservable] = []
    for name, body in bodies.items():
        where = f"{file.path}: {name}"
        if isinstance(body, Unobservable):
            faults.append(body)
            continue
        try:
            start = _array_header(body, where)[0] if body.startswith(b"\x93NUMPY") else 0
            found += _numbered(where, list(split(body[start:], is_whole=True)))
        except Unobservable as fault:
            faults.append(Unobservable(fault.reason, f"{where}: {fault.detail}"))
    return found, faults


def _is_tensor(name: str, tops: set[str]) -> bool:
    """Tell whether PyTorch reads a member as raw numbers and never unpickles it."""
    return any(name.startswith(top) and _TENSORS.fullmatch(name[len(top) :]) for top in tops)


def _is_member_pickle(member: zips.Member, head: bytes, path: str) -> bool:
    if head.startswith((b"PK\x03\x04", b"7z\xbc\xaf")) or member.name.lower().endswith((".zip", ".npz")):
        raise Unobservable("parse", f"{path}: {member.name} is an archive in the archive")
    if head.startswith(b"\x93NUMPY"):
        return _array_header(head, f"{path}: {member.name}")[1]
    if re.match(rb"\x80[\x00-\x05]", head):
        return True
    return runs_something(head, is_whole=member.size <= len(head)) is not False


def _whole(
    answer: dict[str, bytes | Unobservable] | Unobservable,
) -> dict[str, bytes | Unobservable]:
    if isinstance(answer, Unobservable):
        raise answer
    return answer


def _array_header(head: bytes, where: str) -> tuple[int, bool]:
    """Return where the data of a NumPy array begins, and whether it is a pickle of objects."""
    width = 2 if head[6:7] == b"\x01" else 4
    start = 8 + width
    end = start + int.from_bytes(head[8:start], "little")
    try:
        header = ast.literal_eval(head[start:end].decode("latin-1").strip())
        kinds = header["descr"]
    except (ValueError, SyntaxError, KeyError, TypeError, MemoryError, RecursionError):
        kinds = None
    if kinds is None or end > len(head):
        raise Unobservable("parse", f"{where}: not the header of a NumPy array")
    return end, _has_objects(kinds)


def _has_objects(kind: object) -> bool:
    """Tell whether a NumPy type, as its `descr` has it, is or contains that of Python objects."""
    if isinstance(kind, str):
        return "O" in kind
    if isinstance(kind, list):  # of (name, type) or (name, type, shape)
        return any(not isinstance(part, tuple) or len(part) < 2 or _has_objects(part[1]) for part in kind)
    return not isinstance(kind, tuple) or not kind or _has_objects(kind[0])


def _in_array(host: Host, file: ModelFile, most: int, contents: bool) -> Pickles:  # noqa: FBT001
    start, has_objects = _array_header(file.head, file.path)
    if not has_objects:
        return _none(file)
    what = "NumPy array of objects"
    if not contents:
        return _based(file, what)
    if file.size - start > most:
        raise Unobservable("truncated", f"{file.path}: longer than the {most} bytes that are read")
    body = read_range(host, file.path, start, file.size - start)
    return _based(file, what, _numbered(file.path, list(split(body, is_whole=True))))


def _in_compressed(host: Host, file: ModelFile, most: int, contents: bool) -> Pickles:  # noqa: FBT001
    if not contents:
        return _based(file, "compressed pickle")
    if file.size > most:
        raise Unobservable("truncated", f"{file.path}: longer than the {most} bytes that are read")
    data = read_range(host, file.path, 0, file.size)
    body = _unpacked(data, file.path)
    try:
        parts = list(split(body, is_whole=True))
    except Unobservable as fault:
        raise Unobservable(fault.reason, f"{file.path}, decompressed: {fault.detail}") from None
    return _based(file, "compressed pickle", _numbered(file.path, parts))


def _unpacked(data: bytes, path: str) -> bytes:
    try:
        if data.startswith(b"\x1f\x8b"):
            unpacker = zlib.decompressobj(31)
            found = unpacker.decompress(data, _MOST_UNPACKED)
            rest, is_end = unpacker.unused_data or unpacker.unconsumed_tail, unpacker.eof
        elif data.startswith(b"BZh"):
            squeezer = bz2.BZ2Decompressor()
            found = squeezer.decompress(data, _MOST_UNPACKED)
            rest, is_end = squeezer.unused_data, squeezer.eof
        elif data.startswith((b"\xfd7zXZ\x00", b"\x5d\x00\x00")):
            presser = lzma.LZMADecompressor(memlimit=256 * 1024 * 1024)
            found = presser.decompress(data, _MOST_UNPACKED)
            rest, is_end = presser.unused_data, presser.eof
        elif data.startswith(b"\x78"):
            unpacker = zlib.decompressobj()
            found = unpacker.decompress(data, _MOST_UNPACKED)
            rest, is_end = unpacker.unused_data or unpacker.unconsumed_tail, unpacker.eof
        else:
            raise Unobservable("parse", f"{path}: a compression that is not read")
    except (zlib.error, OSError, lzma.LZMAError, EOFError, ValueError, MemoryError) as error:
        raise Unobservable("parse", f"{path}: {error}") from None
    if rest or not is_end:
        raise Unobservable("truncated", f"{path}: not all of it can be decompressed")
    return found
