"""Datasets on disk: every file in them, and what their manifests say about it."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_aisec.facts.core.formats import is_number, reads
from pytest_aisec.facts.system.files import ResolvedPath, trails
from pytest_aisec.facts.system.listings import find, mount_points
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["Dataset", "Listed", "Manifest", "Stored", "dataset", "digests", "read_manifest"]

MANIFEST_BYTES = 6 * 1024 * 1024
"""A longer manifest is not read."""
_MOST_MANIFESTS = 64
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_GNU = re.compile(r"(?P<escaped>\\?)(?P<digest>[0-9a-fA-F]{64}) [ *](?P<path>.+)")
_BSD = re.compile(r"SHA256 \((?P<path>.+)\) = (?P<digest>[0-9a-fA-F]{64})")


@dataclass(frozen=True, kw_only=True)
class Stored:
    """One thing in a dataset that is no directory."""

    path: str
    kind: str
    """As in `find -type`."""
    size: int
    """Bytes."""
    target: str = ""
    """Where a symbolic link points, as written in it."""


@dataclass(frozen=True, kw_only=True)
class Listed:
    """Entry of a manifest about one file."""

    path: str
    """Absolute, free of `.` and `..`."""
    digest: str | None
    """SHA-256 in lower case."""
    size: int | None
    """Bytes."""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """One manifest of a dataset; of several, one a directory, and none below another."""

    path: str
    files: tuple[Listed, ...]


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A directory with data."""

    trail: ResolvedPath
    stored: tuple[Stored, ...]
    manifests: tuple[Manifest, ...]

    @property
    def top(self) -> str:
        """The directory, free of links."""
        return self.trail.end.path if self.trail.end else self.trail.path


def dataset(host: Host, path: str, names: Sequence[str]) -> Dataset:
    """Return what lies in a directory and on file systems mounted below, and the manifests among it.

    Args:
        host: the host to ask.
        path: the directory; where it is absent, the trail of the result has no end.
        names: how manifests are called; those that end in `.json` are read as JSON.

    Raises:
        Unobservable: when not everything in it can be seen, or a manifest cannot be read.

    """
    trail = trails(host, [path])[path]
    if trail.fault is not None:
        raise trail.fault
    if trail.end is None:
        return Dataset(trail=trail, stored=(), manifests=())
    top = trail.end.path
    roots = [top, *(point for point in mount_points(host) if point.startswith(top.rstrip("/") + "/"))]
    places = " ".join(["%s"] * len(roots))
    listing = find(host, rf"{places} -xdev ! -type d -printf '%%y %%s %%p\t%%l\n\0'", *roots)
    if listing.faults:
        raise listing.faults[0]
    stored = tuple(sorted({_stored(record) for record in listing.records}, key=lambda item: item.path))
    return Dataset(trail=trail, stored=stored, manifests=_manifests(host, _authoritative(stored, names)))


def _authoritative(stored: Sequence[Stored], names: Sequence[str]) -> list[Stored]:
    """Return the manifests that count: one a directory, none below another.

    Who slips files in could as well slip in a manifest for them: further ones are files like all others.
    """
    best: dict[str, Stored] = {}
    for item in stored:
        directory, name = posixpath.split(item.path)
        if item.kind == "f" and name in names:
            known = best.get(directory)
            if known is None or names.index(name) < names.index(posixpath.basename(known.path)):
                best[directory] = item
    return [
        item
        for directory, item in sorted(best.items())
        if not any(directory.startswith(other.rstrip("/") + "/") for other in best if other != directory)
    ]


def _stored(record: str) -> Stored:
    match = re.fullmatch(r"(?P<kind>.) (?P<size>\d+) (?P<path>/.*)\t(?P<target>[^\t]*)", record, re.DOTALL)
    if match is None:
        raise Unobservable("parse", f"find printed {record[:200]!r}")
    return Stored(path=match["path"], kind=match["kind"], size=int(match["size"]), target=match["target"])


_SHOW = (
    '{ r=$(readlink /proc/self/fd/3; echo .); case ${r%%?.} in "$f"|.) ;; '
    '*) echo "$f: was replaced while it was looked at" >&2; exit 1;; esac; '
    'printf "%%s " "$(wc -c < "$f")"; cat <&3; } 3<"$f" || exit 1'
)
"""No link was followed on the way to `$f`: what was opened lies there, or was put there since."""


def _manifests(host: Host, found: Sequence[Stored]) -> tuple[Manifest, ...]:
    if not found:
        return ()
    if len(found) > _MOST_MANIFESTS or sum(item.size for item in found) > MANIFEST_BYTES:
        raise Unobservable("truncated", f"{len(found)} manifests are more than is read at once")
    places = " ".join(["%s"] * len(found))
    answer = host.run(
        f"for f in {places}; do {_SHOW}; done",
        *(item.path for item in found),
    )
    if answer.rc != 0 or answer.stderr.strip():
        problem = answer.stderr.strip().partition("\n")[0]
        raise Unobservable("privilege" if "ermission denied" in problem else "unreadable", problem)
    rest = answer.stdout_bytes
    manifests = []
    for item in found:
        head, _, rest = rest.partition(b" ")
        if not is_number(head.decode("latin-1").strip()) or len(rest) < int(head):
            raise Unobservable("truncated", f"{item.path} was not read whole (it may hold a credential)")
        text, rest = rest[: int(head)], rest[int(head) :]
        manifests.append(read_manifest(item.path, text.decode("utf-8", "surrogateescape")))
    if rest:
        raise Unobservable("parse", "a manifest grew while it was read, or holds a credential")
    return tuple(manifests)


@reads
def read_manifest(path: str, text: str) -> Manifest:
    """Read a manifest: lines of sha256sum (GNU or BSD form), or JSON, Croissant included.

    Raises:
        Unobservable: `parse`, naming the line or entry that is in no known form.

    """
    directory = posixpath.dirname(path)
    entries = _json_entries(path, text) if path.endswith(".json") else _line_entries(path, text)
    return Manifest(
        path=path,
        files=tuple(
            Listed(path=posixpath.normpath(posixpath.join(directory, name)), digest=digest, size=size)
            for name, digest, size in entries
        ),
    )


_Entry = tuple[str, str | None, int | None]


def _line_entries(path: str, text: str) -> Iterator[_Entry]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _GNU.fullmatch(line) or _BSD.fullmatch(line)
        if match is None:
            raise Unobservable("parse", f"{path}: line {number} is none of sha256sum")
        name = match["path"]
        if match.groupdict().get("escaped"):
            name = re.sub(r"\\([\\nr])", lambda one: {"n": "\n", "r": "\r"}.get(one[1], one[1]), name)
        yield name, match["digest"].lower(), None


def _json_entries(path: str, text: str) -> Iterator[_Entry]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unobservable("parse", f"{path} is not JSON: {error}") from None
    if isinstance(data, Mapping) and "distribution" in data:
        yield from _croissant(path, data["distribution"])
        return
    files = data.get("files", data) if isinstance(data, Mapping) else data
    if isinstance(files, Mapping):
        files = [{"path": name, **(_digest_or_entry(value))} for name, value in files.items()]
    if not isinstance(files, list):
        raise Unobservable("parse", f"{path} lists no files")
    for entry in files:
        name = entry.get("path") or entry.get("name") if isinstance(entry, Mapping) else None
        if not isinstance(name, str) or not isinstance(entry, Mapping):
            raise Unobservable("parse", f"{path}: an entry names no file: {str(entry)[:80]}")
        yield name, _digest(path, entry), _size(path, entry.get("size"))


def _digest_or_entry(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {"sha256": value}


def _digest(path: str, entry: Mapping[str, Any]) -> str | None:
    digest = entry.get("sha256", entry.get("digest"))
    if digest is None:
        return None
    bare = str(digest).removeprefix("sha256:")
    if not _SHA256.fullmatch(bare):
        raise Unobservable("parse", f"{path}: not a SHA-256: {str(digest)[:80]!r}")
    return bare.lower()


def _size(path: str, size: Any) -> int | None:
    if size is None or (isinstance(size, int) and not isinstance(size, bool)):
        return size
    match = re.fullmatch(r"(\d+) ?B?", str(size))
    if match is None:
        raise Unobservable("parse", f"{path}: not a size in bytes: {str(size)[:80]!r}")
    return int(match[1])


def _croissant(path: str, distribution: Any) -> Iterator[_Entry]:
    """Yield the local files of Croissant metadata; those of URLs are not on this host."""
    if not isinstance(distribution, list):
        raise Unobservable("parse", f"{path}: its distribution is not a list")
    for item in distribution:
        kind = str(item.get("@type", "")) if isinstance(item, Mapping) else ""
        if kind.endswith("FileSet"):
            continue
        url = item.get("contentUrl") if kind.endswith("FileObject") else None
        if not isinstance(url, str):
            raise Unobservable("parse", f"{path}: neither a FileObject with a contentUrl nor a FileSet")
        if not re.match(r"[a-z][a-z0-9+.-]*:", url):
            size = item.get("contentSize")
            known = size if re.fullmatch(r"\d+ ?B?", str(size)) else None
            yield url, _digest(path, item), _size(path, known)


def digests(host: Host, paths: Sequence[str]) -> dict[str, str]:
    """Return the SHA-256 of files, in lower case.

    Raises:
        Unobservable: when one of them cannot be read.

    """
    if not paths:
        return {}
    places = " ".join(["%s"] * len(paths))
    answer = host.run(f'for f in {places}; do sha256sum < "$f" || exit; done', *paths)
    found = [line.split(" ")[0] for line in answer.stdout.splitlines()]
    if answer.rc != 0 or answer.stderr.strip():
        problem = answer.stderr.strip().partition("\n")[0] or f"exit status {answer.rc}"
        raise Unobservable("privilege" if "ermission denied" in problem else "unreadable", problem)
    if len(found) != len(paths) or not all(_SHA256.fullmatch(one) for one in found):
        raise Unobservable("parse", "sha256sum did not print one digest for each file")
    return dict(zip(paths, found, strict=True))
