"""Pickles in files on a host: found by content, fetched in parts, read as opcodes and never unpickled."""

from __future__ import annotations

import ast
import bz2
import io
import lzma
import pickletools
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_aisec.facts import zips
from pytest_aisec.facts.model_files import ModelFile, read_range
from pytest_aisec.facts.together import together
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["Imports", "Pickle", "Pickles", "imports", "is_named_as_pickle", "pickles", "split"]

_NAMED = re.compile(
    r".*\.(pt|pth|ckpt|pkl|pickle|joblib|dill|nemo|cloudpickle)(\.(gz|z|bz2|xz|lzma|zst|lz4))?"
)
_LEGACY = 0x1950A86A20F9469CFC6C
"""The first pickle in files of PyTorch before 1.6; five pickles, and then the tensors."""
_STEPS = (256 * 1024, 1024 * 1024)
_MOST_UNPACKED = 32 * 1024 * 1024
_MOST_MEMBERS = 200
_TENSORS = re.compile(
    r"[^/]+/(data/\d+|tensors/\d+|constants/\d+|version|byteorder|\.format_version|\.storage_alignment"
    r"|\.data/(serialization_id|version))"
)
"""Members that PyTorch reads as raw numbers and never unpickles."""
_MEMBER_PICKLES = (".pkl", ".pickle", ".joblib", ".dill")
_CALLS = frozenset({"REDUCE", "OBJ", "NEWOBJ", "NEWOBJ_EX", "BUILD"})


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


def is_text_pickle(head: bytes) -> bool:
    """Tell whether text begins as a pickle of the first protocols that imports something and calls it.

    That it goes on as something else does not matter: what comes before is run until then.
    """
    imported = marked = False
    with suppress(Exception):  # genops raises whatever malformed bytes make it raise
        for op, _, _ in pickletools.genops(head):
            marked = marked or op.name == "MARK"
            if op.name == "GLOBAL":
                imported = True
            elif (op.name in _CALLS and imported) or (op.name == "INST" and marked):
                return True
        return imported
    return False


def pickles(host: Host, files: Sequence[ModelFile], *, most: int, contents: bool = True) -> list[Pickles]:
    """Return the pickles in `files`; files without any are left out.

    Args:
        host: the host to ask.
        files: any files.
        most: bytes that are fetched of one file; a pickle that goes on after them is `truncated`.
        contents: false when it is enough to know which files have pickles in them.

    """
    candidates = [file for file in files if _may_hold(file)]
    answers = together([_asking(host, file, most, contents) for file in candidates])
    found: list[Pickles] = []
    for file, answer in zip(candidates, answers, strict=True):
        if isinstance(answer, Unobservable):
            answer = Pickles(file=file, is_pickle_based=False, what="", found=(), faults=(answer,))
        if answer.what or answer.found or answer.faults:
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
        if file.kind == "other":
            why = Unobservable("parse", f"{file.path}: named as a pickle, and its content is not recognised")
            return Pickles(file=file, is_pickle_based=False, what="", found=(), faults=(why,))
        return _plain(host, file, most, contents)

    return ask


def _may_hold(file: ModelFile) -> bool:
    kind = file.kind
    if kind in {"pickle", "zip", "npy"}:
        return True
    if kind == "text":
        is_pointer = file.head.startswith(b"version https://git-lfs")
        named = is_named_as_pickle(file) and not is_pointer
        return named or is_text_pickle(file.head)
    return kind in {"compressed", "tar", "7z", "other"} and is_named_as_pickle(file)


def _based(file: ModelFile, what: str, found: Sequence[Pickle] = (), *faults: Unobservable) -> Pickles:
    return Pickles(file=file, is_pickle_based=True, what=what, found=tuple(found), faults=faults)


def _plain(host: Host, file: ModelFile, most: int, contents: bool) -> Pickles:  # noqa: FBT001
    if file.kind == "text" and not is_text_pickle(file.head):
        try:
            list(split(file.head, is_whole=file.size <= len(file.head)))
        except Unobservable as fault:
            if fault.reason == "parse":
                raise Unobservable("parse", f"{file.path}: named as a pickle, and it is none") from None
    if not contents:
        return _based(file, "pickle")
    data = b""
    for end in [*(step for step in _STEPS if step < min(most, file.size)), min(most, file.size)]:
        data += read_range(host, file.path, len(data), end - len(data))
        parts: list[bytes] = []
        try:
            for part in split(data, is_whole=len(data) == file.size):
                parts.append(part)  # noqa: PERF402 - what came before a fault is kept
        except Unobservable as fault:
            if fault.reason == "truncated" and len(data) < min(most, file.size):
                continue
            fault = Unobservable(fault.reason, f"{file.path}: {fault.detail}")
            return _based(file, "pickle", _numbered(file.path, parts), fault)
        return _based(file, "pickle", _numbered(file.path, parts))
    return _based(file, "pickle", (), Unobservable("truncated", f"{file.path} is empty"))


def _numbered(where: str, parts: Sequence[bytes]) -> list[Pickle]:
    return [
        Pickle(where=where if number == 1 else f"{where} (pickle {number})", data=part)
        for number, part in enumerate(parts, 1)
    ]


def split(data: bytes, *, is_whole: bool) -> Iterator[bytes]:
    """Yield the pickles in `data`, one after another; after PyTorch's old header exactly its five.

    Raises:
        Unobservable: `truncated` when the last one goes on after `data`, `parse` when something is no pickle.

    """
    stream = io.BytesIO(data)
    count, wanted = 0, None
    while stream.tell() < len(data) and count != wanted:
        start = stream.tell()
        try:
            operations = [(op.name, arg) for op, arg, _ in pickletools.genops(stream)]
        except Exception as error:  # noqa: BLE001 - it raises whatever malformed bytes make it raise
            is_unknown = "unknown" in str(error)
            if is_whole or is_unknown:
                raise Unobservable("parse", f"byte {start}: not a pickle ({error})") from None
            raise Unobservable(
                "truncated", f"the pickle at byte {start} is longer than what is read"
            ) from None
        count += 1
        if count == 1 and [item for item in operations if item[0] != "PROTO"] == [
            ("LONG1", _LEGACY),
            ("STOP", None),
        ]:
            wanted = 5
        yield data[start : stream.tell()]
    if wanted is not None and count < wanted:
        raise Unobservable("parse" if is_whole else "truncated", "PyTorch's five pickles are not all there")
    if wanted is None and not is_whole:
        raise Unobservable("truncated", f"more than the {len(data)} bytes that are read")


def _in_zip(host: Host, file: ModelFile, most: int, contents: bool) -> Pickles:  # noqa: FBT001
    members = [member for member in zips.members(host, file) if not member.name.endswith("/")]
    named = [member for member in members if member.name.lower().endswith(_MEMBER_PICKLES)]
    unsure = [member for member in members if member not in named and not _TENSORS.fullmatch(member.name)]
    if len(unsure) > _MOST_MEMBERS or len(named) > _MOST_MEMBERS:
        raise Unobservable("truncated", f"{file.path}: more than {_MOST_MEMBERS} members to look into")
    room = most
    if contents and sum(member.packed for member in named) > room:
        raise Unobservable(
            "truncated", f"{file.path}: its pickles are longer than the {most} bytes that are read"
        )
    read, begun = together(
        [
            lambda: zips.content(host, file, named if contents else [], most=most),
            lambda: zips.content(host, file, unsure, most=most, beginning=512),
        ]
    )
    found: list[Pickle] = []
    faults: list[Unobservable] = []
    more: list[zips.Member] = []
    by_name = {member.name: member for member in members}
    for name, head in _whole(begun).items():
        if isinstance(head, Unobservable):
            faults.append(head)
        elif head.startswith((b"PK\x03\x04", b"7z\xbc\xaf")) or name.lower().endswith((".zip", ".npz")):
            faults.append(Unobservable("parse", f"{file.path}: {name} is an archive in the archive"))
        elif re.match(rb"\x80[\x00-\x05]", head) or is_text_pickle(head):
            more.append(by_name[name])
        elif head.startswith(b"\x93NUMPY"):
            try:
                if _array_header(head, f"{file.path}: {name}")[1]:
                    more.append(by_name[name])
            except Unobservable as fault:
                faults.append(fault)
    bodies = dict(_whole(read))
    if contents and more:
        bodies.update(zips.content(host, file, more, most=most))
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
    if named or more:
        return _based(file, "zip archive with a pickle", found, *faults)
    return Pickles(file=file, is_pickle_based=False, what="", found=(), faults=tuple(faults))


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
        return Pickles(file=file, is_pickle_based=False, what="", found=(), faults=())
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


@dataclass(frozen=True, kw_only=True)
class Imports:
    """What a pickle imports when it is loaded."""

    names: frozenset[tuple[str, str]]
    """Module and name."""
    unknown: tuple[str, ...]
    """Opcodes that import something that cannot be told from the opcodes alone."""


_PUSHES = frozenset(
    {"SHORT_BINUNICODE", "UNICODE", "BINUNICODE", "BINUNICODE8", "STRING", "BINSTRING", "SHORT_BINSTRING"}
)
_PUTS = frozenset({"PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"})
_GETS = frozenset({"GET", "BINGET", "LONG_BINGET"})


def imports(data: bytes) -> Imports:
    """Return what one pickle imports.

    A name that comes from the stack counts only when the two opcodes before it push it there.
    """
    names: set[tuple[str, str]] = set()
    unknown: list[str] = []
    top: list[object] = []
    memo: dict[int, object] = {}
    for op, arg, at in pickletools.genops(data):
        if op.name in {"PROTO", "FRAME"}:
            continue
        if op.name in _PUSHES:
            top.append(arg)
        elif op.name in _PUTS:
            memo[len(memo) if op.name == "MEMOIZE" else int(arg or 0)] = top[-1] if top else None
        elif op.name in _GETS:
            top.append(memo.get(int(arg or 0)))
        else:
            if op.name in {"GLOBAL", "INST"}:
                module, _, name = str(arg).partition(" ")
                names.add((module, name))
            elif op.name == "STACK_GLOBAL":
                if len(top) >= 2 and isinstance(top[-2], str) and isinstance(top[-1], str):
                    names.add((top[-2], top[-1]))
                else:
                    unknown.append(f"STACK_GLOBAL at byte {at}")
            elif op.name.startswith("EXT"):
                unknown.append(f"{op.name} at byte {at}")
            top = []
    return Imports(names=frozenset(names), unknown=tuple(unknown))
