"""Listings of model directories, as hosts print them: files with their first bytes, and links."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from pytest_aisec.facts.artifacts.model_heads import HEAD
from pytest_aisec.facts.core.formats import reads
from pytest_aisec.facts.system.rights import ROOT, Rights
from pytest_aisec.observe.faults import Unobservable

__all__ = [
    "HEAD",
    "MOST",
    "Kind",
    "Listing",
    "ModelFile",
    "ModelFiles",
    "Top",
    "complaints",
    "read_file",
    "read_listing",
]

MOST = 7 * 1024 * 1024
"""A listing stops there; what stopped is never taken for the whole."""

Kind = Literal[
    "empty", "text", "zip", "pickle", "npy", "safetensors", "gguf", "hdf5", "compressed", "tar", "7z", "other"
]

_SWALLOWS = re.compile(r"«redacted:(private-key|wandb):")
_HARMLESS = (
    ": No such file or directory",
    "is part of the same file system loop as",
    ": Too many levels of symbolic links",
    "Broken pipe",
    "terminated by signal 13",  # where the listing is cut
)
_KEY = "-----BEGIN"
"""Stands for a private key in text, which is not printed: the redactor would take what follows along."""
_KINDS = frozenset("bdstBT")
"""Bytes, denied, a key, text; in capitals where the head is brief."""
_STAT = re.compile(r"(?P<identity>\d+:\d+) (?P<size>\d+) (?P<mode>[0-7]+) (?P<owner>\S+) (?P<group>\S+)")
_COMPRESSED = (
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ\x00",
    b"\x04\x22\x4d\x18",
    b"\x28\xb5\x2f\xfd",
    b"\x5d\x00\x00",
)
_ZLIB = re.compile(rb"\x78[\x01\x5e\x9c\xda]")
_BEHIND_BRACE = {b'"', b" ", b"}", b"\n", b"\t", b"\r"}
_TELLING = re.compile(
    r".*\.(pt|pth|ckpt|pkl|pickle|joblib|dill|nemo|bin|safetensors|gguf|onnx|keras|h5|npy|npz|gpg|pgp|asc)(\.\w+)?"
)
_PICKLE = re.compile(rb"\x80[\x00-\x05][^\x00]")


@dataclass(frozen=True, kw_only=True)
class ModelFile:
    """One regular file, under one of its names."""

    path: str
    identity: str
    """Device and inode: equal for two names of one file."""
    size: int
    """Bytes."""
    mode: int
    owner: str
    group: str
    head: bytes = field(repr=False)
    """The first `HEAD` bytes, or those before what was redacted."""
    is_text: bool = False
    """No byte of `head` is a control character other than white space."""
    ends_as_zip: bool = False
    """What readers of zip archives look for stands near its end."""
    place: str = ""
    """Where it lies when no link is followed; empty where that is its path."""
    is_settled: bool = False
    """`head` is shorter, and settles that no loader runs the file."""
    rights: Rights = ROOT
    """With which it is read: those of the account that leads to it, where another one is asked for."""

    @property
    def name(self) -> str:
        """The last part of the path, in lower case."""
        return self.path.rsplit("/", 1)[-1].lower()

    @property
    def kind(self) -> Kind:
        """Kind of file by its first bytes, whatever its name."""
        return _kind(self.head, size=self.size, is_text=self.is_text)


_MAGIC: tuple[tuple[Kind, tuple[bytes, ...]], ...] = (
    ("zip", (b"PK\x03\x04", b"PK\x05\x06")),
    ("gguf", (b"GGUF",)),
    ("hdf5", (b"\x89HDF\r\n\x1a\n",)),
    ("npy", (b"\x93NUMPY",)),
    ("7z", (b"7z\xbc\xaf\x27\x1c",)),
    ("compressed", _COMPRESSED),
)


def _kind(head: bytes, *, size: int, is_text: bool) -> Kind:
    if size == 0:
        return "empty"
    if is_text:
        return "text"
    if _PICKLE.match(head):  # before safetensors: bytes can be made to look like both
        return "pickle"
    for kind, beginnings in _MAGIC:
        if head.startswith(beginnings):
            return kind
    length = int.from_bytes(head[:8], "little")
    if head[8:9] == b"{" and head[9:10] in _BEHIND_BRACE and length < max(size, 1 << 32):
        return "safetensors"
    if head[257:262] == b"ustar":
        return "tar"
    is_zlib = _ZLIB.match(head) and int.from_bytes(head[:2], "big") % 31 == 0
    return "compressed" if is_zlib else "other"


@dataclass(frozen=True, kw_only=True)
class Top:
    """One directory that was asked for."""

    path: str
    place: str
    """Where it lies when all links are followed; empty where it was not there."""
    is_absent: bool
    """True when it is proved to be absent."""


@dataclass(frozen=True, kw_only=True)
class Listing:
    """The output of one question, in which nothing was followed."""

    tops: tuple[Top, ...]
    files: tuple[ModelFile, ...]
    links: dict[str, str]
    """Links by their paths, and what stands in them."""
    faults: tuple[Unobservable, ...]
    """The reasons for which there may be more."""
    is_cut: bool = False
    """There is more than one answer may hold."""


@dataclass(frozen=True, kw_only=True)
class ModelFiles:
    """The files in some directories."""

    files: tuple[ModelFile, ...]
    """By path; a file with two names is there twice."""
    absent: tuple[str, ...]
    """Those of the directories asked for that are proved to be absent."""
    faults: tuple[Unobservable, ...]
    """The reasons for which there may be more."""

    def claims(self, parameter: str) -> list[str]:
        """Return the `claims` of `not_applicable`: the parameter, where a directory it names is absent."""
        return [parameter] if self.absent else []

    @property
    def each(self) -> tuple[ModelFile, ...]:
        """Every file once, under that of its names that says most."""
        seen: dict[str, ModelFile] = {}
        for file in sorted(self.files, key=lambda file: (_TELLING.fullmatch(file.name) is None, file.path)):
            seen.setdefault(file.identity, file)
        return tuple(sorted(seen.values(), key=lambda file: file.path))


@reads
def read_listing(stdout: str, stderr: str, directories: Sequence[str], rights: Rights = ROOT) -> Listing:
    """Read what was printed of `directories`, with these rights.

    Raises:
        Unobservable: when it is not that.

    """
    if _SWALLOWS.search(stdout):
        raise Unobservable(
            "parse", "text in a model directory looks like a credential and hides what follows"
        )
    faults = complaints(stderr)
    parts = stdout.split("\0")
    is_whole = len(parts) > 1 and re.fullmatch(r"e\d+", parts[-2]) is not None and not parts[-1]
    if not is_whole:
        if len(stdout) < MOST // 4:
            raise faults[0] if faults else Unobservable("unreadable", "find ended without saying how")
        seen = stdout.count("\0h/")
        faults.append(
            Unobservable("truncated", f"the listing is longer than {MOST} bytes, and ends after {seen} files")
        )
    elif parts[-2] in {"e126", "e127"}:
        raise Unobservable("tool_missing", faults[0].detail if faults else "find")
    elif parts[-2] != "e0" and not stderr.strip():
        faults.append(Unobservable("unreadable", f"find ended with status {parts[-2][1:]}"))
    fields = iter(parts[: -2 if is_whole else -1])
    tops = tuple(_top(directory, next(fields, ""), next(fields, ""), faults) for directory in directories)
    links: dict[str, str] = {}
    found = list(_files(fields, links, is_whole=is_whole))
    faults += [item for item in found if isinstance(item, Unobservable)]
    files = [item for item in found if not isinstance(item, Unobservable)]
    if rights != ROOT:
        files = [replace(file, rights=rights) for file in files]
    return Listing(tops=tops, files=tuple(files), links=links, faults=tuple(faults), is_cut=not is_whole)


def _top(path: str, answer: str, place: str, faults: list[Unobservable]) -> Top:
    status, _, said = answer.partition(" ")
    if status == "d0":
        if not place.startswith("/") or "«redacted:" in place:
            faults.append(Unobservable("parse", f"{path}: readlink printed something else"))
            place = ""
        return Top(path=path, place=place, is_absent=False)
    is_absent = said.endswith(("No such file or directory", "Not a directory"))
    if not is_absent:
        denied = said.endswith("Permission denied")
        faults.append(Unobservable("privilege" if denied else "unreadable", said or path))
    return Top(path=path, place="", is_absent=is_absent)


def complaints(stderr: str) -> list[Unobservable]:
    """Return what programs said on stderr that means they have not seen everything."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    wrong = [line for line in lines if not any(part in line for part in _HARMLESS)]
    faults = []
    for line in wrong:
        if line.endswith("Permission denied"):
            faults.append(Unobservable("privilege", line))
        elif "not found" in line or "unrecognized" in line or "invalid option" in line:
            faults.append(Unobservable("tool_missing", line))
        else:
            faults.append(Unobservable("unreadable", line))
    return faults


def _files(
    fields: Iterator[str], links: dict[str, str], *, is_whole: bool
) -> Iterator[ModelFile | Unobservable]:
    stats: dict[str, str] = {}
    unseen: dict[str, None] = {}
    for first in fields:
        if first.startswith("l"):
            target = next(fields, "")
            if "«redacted:" in first + target:
                yield Unobservable("parse", f"the link {first[1:]} looks like a credential")
            links[first[1:]] = target
            continue
        path = next(fields, "") if first.startswith("f") else first[1:]
        if first.startswith("f"):
            stats[path] = first[1:]
            unseen[path] = None
            continue
        kind, text = next(fields, None), next(fields, None)
        if kind is not None and text is not None:  # otherwise it is where the listing was cut
            unseen.pop(path, None)
            yield read_file(path, stats.get(path, ""), kind, text)
    if is_whole:
        yield from (Unobservable("unreadable", f"{path}: was not looked into") for path in unseen)


def read_file(
    path: str,
    stat: str,
    kind: str,
    text: str,
    settles: Callable[[bytes, int, bool], bool] = lambda _head, _size, _is_text: False,
) -> ModelFile | Unobservable:
    """Read what was printed of one file.

    Args:
        path: where it lies.
        stat: what `find` says of it.
        kind: one of `_KINDS`.
        text: its head.
        settles: tells of a brief head, a size and whether it is text, whether no more is needed.

    """
    match = _STAT.fullmatch(stat)
    kind, ends_as_zip = kind.removesuffix("z"), kind.endswith("z")
    if "«redacted:" in path:
        return Unobservable("parse", f"the name of {path} looks like a credential")
    if kind == "m":
        return Unobservable("unreadable", f"{path}: was replaced while it was looked at")
    if match is None or kind not in _KINDS:
        return Unobservable("parse", f"{path}: find printed something else")
    if kind == "d":
        return Unobservable("privilege", f"{path}: may not be read")
    size = int(match["size"])
    if kind == "s":
        text = _KEY + "." * (min(size, HEAD) - len(_KEY) + 1)
    try:
        is_text = kind in {"s", "t", "T"}
        head = text[:-1].encode("utf-8", "surrogateescape") if is_text else bytes.fromhex(text)
    except ValueError:
        return Unobservable("parse", f"{path}: od printed something else")
    is_brief = kind in {"B", "T"} and head != b""
    if len(head) != min(size, HEAD) and not is_brief and "«redacted:" not in text:
        return Unobservable("unreadable", f"{path}: {len(head)} bytes came instead of {min(size, HEAD)}")
    # What stands behind a credential is not where it stood: the head ends there.
    head = head.partition("«redacted:".encode())[0]
    settled = is_brief and not ends_as_zip and settles(head, size, is_text)
    return ModelFile(
        path=path,
        identity=match["identity"],
        size=size,
        mode=int(match["mode"], 8),
        owner=match["owner"],
        group=match["group"],
        head=b"" if is_brief and not settled else head,
        is_text=is_text,
        is_settled=settled,
        ends_as_zip=ends_as_zip,
    )
