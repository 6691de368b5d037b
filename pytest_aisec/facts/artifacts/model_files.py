"""Files in model directories: what they are, by their first bytes, and any part of them."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from pytest_aisec.facts.artifacts.model_heads import HEAD, LOOK, TOOLS
from pytest_aisec.facts.core.formats import reads
from pytest_aisec.facts.system.find_forms import lacks_printf, without_printf
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = [
    "HEAD",
    "Kind",
    "ModelFile",
    "ModelFiles",
    "complaints",
    "large_weight_files",
    "model_files",
    "read_range",
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
    if head[8:10] in {b'{"', b"{ ", b"{}", b"{\n"} and length < max(size, 1 << 32):
        return "safetensors"
    if head[257:262] == b"ustar":
        return "tar"
    is_zlib = _ZLIB.match(head) and int.from_bytes(head[:2], "big") % 31 == 0
    return "compressed" if is_zlib else "other"


@dataclass(frozen=True, kw_only=True)
class ModelFiles:
    """The files in some directories."""

    files: tuple[ModelFile, ...]
    """By path; a file with two names is there twice."""
    absent: tuple[str, ...]
    """Those of the directories asked for that are proved to be absent."""
    faults: tuple[Unobservable, ...]
    """Why there may be more."""

    @property
    def each(self) -> tuple[ModelFile, ...]:
        """Every file once, under that of its names that says most."""
        seen: dict[str, ModelFile] = {}
        for file in sorted(self.files, key=lambda file: (_TELLING.fullmatch(file.name) is None, file.path)):
            seen.setdefault(file.identity, file)
        return tuple(sorted(seen.values(), key=lambda file: file.path))


def model_files(host: Host, directories: Sequence[str]) -> ModelFiles:
    """Return all files in `directories`, links followed, with the first bytes of each.

    One question. File systems mounted below and what links lead to are part of the directories.

    Raises:
        Unobservable: when find cannot look at all.

    """
    wrong = [path for path in directories if not path.startswith("/")]
    if wrong:
        raise Unobservable("parse", f"{wrong[0]!r} is not an absolute path")
    if not directories:
        return ModelFiles(files=(), absent=(), faults=())
    places = " ".join(["%s"] * len(directories))
    question = (
        f"for t in find stat od head; do {TOOLS}"
        f'{{ for d in {places}; do s=$(stat -L -c %%F -- "$d" 2>&1); printf "d%%s %%s\\000" "$?" "$s"; done; '
        f"find -L {places} {LOOK}; printf 'e%%s\\000' \"$?\"; }} | head -c {MOST}"
    )
    answer = host.run(question, *directories, *directories)
    if lacks_printf(answer.stderr) and (other := without_printf(question, follow=True)):
        answer = host.run(other, *directories, *directories)
    return read_listing(answer.stdout, answer.stderr, directories)


_NOT_LOCAL = (
    "proc", "sysfs", "cgroup", "cgroup2", "devpts", "securityfs", "debugfs", "tracefs", "configfs", "bpf",
    "pstore", "autofs", "mqueue", "binfmt_misc", "efivarfs", "fusectl", "rpc_pipefs", "nfs", "nfs4", "cifs",
    "smb3", "ceph", "lustre", "glusterfs", "9p", "fuse",
    "fuse.sshfs", "fuse.s3fs", "fuse.gcsfuse", "fuse.rclone", "fuse.glusterfs", "fuse.ceph", "fuse.lxcfs",
    "fuse.gvfsd-fuse", "fuse.portal", "squashfs", "iso9660", "nsfs",
)  # fmt: skip
_NAMES = (
    "*.safetensors", "*.gguf", "*.pt", "*.pth", "*.ckpt", "*.bin", "*.onnx", "*.engine", "*.h5", "*.keras",
)  # fmt: skip
_OF_DESKTOPS = re.compile(r"find: .?/run/user/\d+/(doc|gvfs).?: Permission denied\n?")
"""What even root may not enter, and what shows files of elsewhere."""


def large_weight_files(host: Host, *, above: int) -> ModelFiles:
    """Return the files of more than `above` bytes on the host's own file systems that look like weights.

    By name, or where the name says nothing by the first bytes (safetensors, GGUF, pickle, PyTorch's zip).
    File systems of other hosts and images mounted read-only are not looked at.

    Raises:
        Unobservable: when find cannot look at all.

    """
    skipped = " -o ".join(f"-fstype {kind}" for kind in _NOT_LOCAL)
    answer = host.run(
        f"for t in find stat od head; do {TOOLS}"
        f"{{ find %s \\( {skipped} -o -path '*/merged' -fstype overlay \\) -prune -o "
        f"-size +{above}c {LOOK}; printf 'e%%s\\000' \"$?\"; }} | head -c {MOST}",
        "/",
    )
    seen = read_listing(answer.stdout, _OF_DESKTOPS.sub("", answer.stderr), ())
    return ModelFiles(
        files=tuple(file for file in seen.files if looks_like_weights(file)), absent=(), faults=seen.faults
    )


def looks_like_weights(file: ModelFile) -> bool:
    """Tell whether a file holds a model's weights, by name or content."""
    if any(file.name.endswith(pattern[1:]) for pattern in _NAMES):
        return True
    return file.kind in {"safetensors", "gguf", "pickle"} or (
        file.kind == "zip"
        and re.search(rb"^PK\x03\x04.{26}[^/]{1,200}/(data\.pkl|version)", file.head, re.DOTALL) is not None
    )


@reads
def read_listing(stdout: str, stderr: str, directories: Sequence[str]) -> ModelFiles:
    """Read what `model_files` printed.

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
    absent = [directory for directory in directories if _is_absent(next(fields, ""), directory, faults)]
    found = list(_files(fields, is_whole=is_whole))
    faults += [item for item in found if isinstance(item, Unobservable)]
    files = [item for item in found if not isinstance(item, Unobservable)]
    return ModelFiles(
        files=tuple(sorted(files, key=lambda file: file.path)), absent=tuple(absent), faults=tuple(faults)
    )


def _is_absent(answer: str, directory: str, faults: list[Unobservable]) -> bool:
    status, _, said = answer.partition(" ")
    if status == "d0":
        return False
    if said.endswith(("No such file or directory", "Not a directory")):
        return True
    denied = said.endswith("Permission denied")
    faults.append(Unobservable("privilege" if denied else "unreadable", said or directory))
    return False


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


def _files(fields: Iterator[str], *, is_whole: bool) -> Iterator[ModelFile | Unobservable]:
    stats: dict[str, str] = {}
    unseen: dict[str, None] = {}
    for first in fields:
        path = next(fields, "") if first.startswith("f") else first[1:]
        if first.startswith("f"):
            stats[path] = first[1:]
            unseen[path] = None
            continue
        kind, text = next(fields, None), next(fields, None)
        if kind is not None and text is not None:  # otherwise it is where the listing was cut
            unseen.pop(path, None)
            yield _file(path, stats.get(path, ""), kind, text)
    if is_whole:
        yield from (Unobservable("unreadable", f"{path}: was not looked into") for path in unseen)


def _file(path: str, stat: str, kind: str, text: str) -> ModelFile | Unobservable:
    match = _STAT.fullmatch(stat)
    if "«redacted:" in path:
        return Unobservable("parse", f"the name of {path} looks like a credential")
    if match is None or kind not in {"b", "d", "s", "t"}:
        return Unobservable("parse", f"{path}: find printed something else")
    if kind == "d":
        return Unobservable("privilege", f"{path}: may not be read")
    size = int(match["size"])
    if kind == "s":
        text = _KEY + "." * (min(size, HEAD) - len(_KEY) + 1)
    try:
        head = text[:-1].encode("utf-8", "surrogateescape") if kind in {"s", "t"} else bytes.fromhex(text)
    except ValueError:
        return Unobservable("parse", f"{path}: od printed something else")
    if len(head) != min(size, HEAD) and "«redacted:" not in text:
        return Unobservable("unreadable", f"{path}: {len(head)} bytes came instead of {min(size, HEAD)}")
    # What stands behind a credential is not where it stood: the head ends there.
    head = head.partition("«redacted:".encode())[0]
    return ModelFile(
        path=path,
        identity=match["identity"],
        size=size,
        mode=int(match["mode"], 8),
        owner=match["owner"],
        group=match["group"],
        head=head,
        is_text=kind in {"s", "t"},
    )


def decoded(text: str, path: str) -> bytes:
    """Return what `base64` printed about `path` as bytes."""
    try:
        return binascii.a2b_base64("".join(text.split()).encode("ascii"), strict_mode=True)
    except (ValueError, UnicodeEncodeError):
        raise Unobservable("parse", f"{path}: base64 printed something else") from None


def read_range(host: Host, path: str, offset: int, length: int) -> bytes:
    """Return `length` bytes of a file from `offset` on.

    Raises:
        Unobservable: when not all of them can be read.

    """
    # Lines of 36 characters: too short for most credentials to be seen where there are only numbers.
    answer = host.run("tail -c +%s -- %s | head -c %s | base64 -w 36", str(offset + 1), path, str(length))
    faults = complaints(answer.stderr)
    if faults:
        raise faults[0]
    if "No such file or directory" in answer.stderr:
        raise Unobservable("unreadable", answer.stderr.strip())
    data = decoded(answer.stdout, path)
    if answer.rc != 0 or len(data) != length:
        raise Unobservable("unreadable", f"{path}: {len(data)} bytes came instead of {length}")
    return data
