"""The files of a bundle that anybody may have made: plain files inside of it, read within bounds."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from pytest_aisec.catalog import strict_json
from pytest_aisec.errors import EvidenceError

MOST = 512 * 1024 * 1024
"""Bytes of one file, and of a transcript before compression: enough for some thousands of hosts."""
MOST_FILES = 200_000
_MOST_IN_ALL = 16 * 1024**3
"""Bytes of a bundle."""
MOST_LEVELS = 100
"""Lists and objects within one another in JSON."""
_MOST_DIRECTORIES = 8
"""One within the other; a bundle has two."""
_KINDS = {
    stat.S_IFLNK: "a link",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a directory",
}
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
"""How JSON writes what may be half of a character."""


@dataclass(frozen=True, kw_only=True)
class Listing:
    """Contents of a bundle's directory."""

    files: frozenset[str]
    """Plain files, by path in the bundle."""
    directories: frozenset[str]
    strange: Mapping[str, str] = field(default_factory=dict)
    """Path → what is there in place of a plain file."""

    def problems(self) -> list[str]:
        """Return one sentence for all that is neither a plain file nor a directory with one in it."""
        needed = {str(parent) for name in self.files for parent in PurePosixPath(name).parents}
        return [
            *(f"{path}: is {what}, and a bundle has plain files only" for path, what in self.strange.items()),
            *(f"{path}: is a directory without a file" for path in sorted(self.directories - needed)),
        ]


def listing(directory: Path) -> Listing:
    """Look at all that lies in the directory of a bundle, and follow no link.

    Raises:
        EvidenceError: when it cannot be looked at, or holds more than any bundle has.

    """
    files: set[str] = set()
    directories: set[str] = set()
    strange: dict[str, str] = {}
    names: dict[tuple[int, int], list[str]] = {}
    links: dict[tuple[int, int], int] = {}
    size = 0
    for path, found in _entries(directory, "", 0):
        if len(files) + len(directories) + len(strange) >= MOST_FILES:
            raise EvidenceError(f"{directory}: holds more than {MOST_FILES} files, and no bundle does")
        if stat.S_ISDIR(found.st_mode):
            directories.add(path)
        elif stat.S_ISREG(found.st_mode):
            files.add(path)
            size += found.st_size
            if found.st_nlink > 1:
                names.setdefault((found.st_dev, found.st_ino), []).append(path)
                links[found.st_dev, found.st_ino] = found.st_nlink
        else:
            strange[path] = _kind(found.st_mode)
    if size > _MOST_IN_ALL:
        raise EvidenceError(f"{directory}: has more than {_MOST_IN_ALL // 1024**3} GiB, and no bundle has")
    for file, paths in names.items():
        if len(paths) < links[file]:
            strange.update(dict.fromkeys(paths, "a hard link to a file outside of the bundle"))
            files.difference_update(paths)
    return Listing(
        files=frozenset(files), directories=frozenset(directories), strange=dict(sorted(strange.items()))
    )


def check(directory: Path) -> None:
    """Raise `EvidenceError` where something else than plain files lies in the directory of a bundle."""
    for problem in listing(directory).problems()[:1]:
        raise EvidenceError(f"{directory}/{problem}")


def _entries(directory: Path, prefix: str, depth: int) -> Iterator[tuple[str, os.stat_result]]:
    if depth > _MOST_DIRECTORIES:
        raise EvidenceError(f"{prefix}: is deeper than any bundle is")
    try:
        with os.scandir(directory / prefix) as entries:
            for entry in entries:
                path, found = f"{prefix}{entry.name}", entry.stat(follow_symlinks=False)
                yield path, found
                if stat.S_ISDIR(found.st_mode):
                    yield from _entries(directory, f"{path}/", depth + 1)
    except OSError as error:
        raise EvidenceError(f"{prefix or directory}: cannot be read: {error.strerror}") from None


def _kind(mode: int) -> str:
    return _KINDS.get(stat.S_IFMT(mode), "no file")


def opened(directory: Path, name: str) -> BufferedReader:
    """Open a plain file of a bundle to read it; no part of its path in the bundle is a link.

    Raises:
        EvidenceError: when it is not there, is no plain file or lies outside; it names the file.

    """
    parts = name.split("/")
    if not name or "\0" in name or not {"", ".", ".."}.isdisjoint(parts):
        raise EvidenceError(f"{name}: is no path in a bundle")
    flags = os.O_RDONLY | os.O_CLOEXEC
    at = -1
    try:
        at = os.open(directory, flags | os.O_DIRECTORY)
        for part in parts[:-1]:
            outer, at = at, os.open(part, flags | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)
            os.close(outer)
        found = os.stat(parts[-1], dir_fd=at, follow_symlinks=False)
        if not stat.S_ISREG(found.st_mode):
            raise EvidenceError(f"{name}: is {_kind(found.st_mode)}, and no plain file")
        # It may be something else by now: a FIFO would be waited for, a link followed.
        descriptor = os.open(parts[-1], flags | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=at)
    except (OSError, ValueError) as error:
        raise EvidenceError(f"{name}: cannot be read: {getattr(error, 'strerror', error)}") from None
    finally:
        if at >= 0:
            os.close(at)
    stream = os.fdopen(descriptor, "rb")
    found = os.fstat(descriptor)
    if stat.S_ISREG(found.st_mode) and found.st_size <= MOST:
        return stream
    stream.close()
    what = f"has more than {MOST // 1024**2} MiB" if stat.S_ISREG(found.st_mode) else "is no plain file"
    raise EvidenceError(f"{name}: {what}")


def read(directory: Path, name: str) -> bytes:
    """Return the content of a plain file of a bundle; raise like `opened`, and where it is too large."""
    with opened(directory, name) as stream:
        return _content(stream, name)


def read_named(path: Path) -> bytes:
    """Return the content of a file that the user named, which may be a link to it; raise like `read`."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError) as error:
        raise EvidenceError(f"cannot be read: {getattr(error, 'strerror', error)}") from None
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise EvidenceError(f"is {_kind(mode)}, and no plain file")
    with os.fdopen(descriptor, "rb") as stream:
        return _content(stream, "")


def _content(stream: BinaryIO, name: str) -> bytes:
    prefix = f"{name}: " if name else ""
    try:
        content = stream.read(MOST + 1)
    except OSError as error:
        raise EvidenceError(f"{prefix}cannot be read: {error.strerror}") from None
    if len(content) > MOST:
        raise EvidenceError(f"{prefix}has more than {MOST // 1024**2} MiB")
    return content


def load_json(content: bytes) -> Any:
    """Return JSON data as we write it: no key twice, no `NaN`, no half characters, not too deep.

    Raises:
        ValueError: for anything else.

    """
    try:
        data = json.loads(
            content.decode(),
            object_pairs_hook=strict_json.unique,
            parse_constant=strict_json.no_constant,
            parse_float=strict_json.finite,
        )
        if _HALF.search(content):
            json.dumps(data, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    return data


_TOO_DEEP = f"lists and objects are more than {MOST_LEVELS} deep"


def check_depth(value: Any) -> None:
    """Raise `ValueError` where lists and objects lie deeper within one another than any that we write."""
    level = [value]
    for _ in range(MOST_LEVELS):
        level = [
            inner
            for item in level
            if isinstance(item, (dict, list))
            for inner in (item.values() if isinstance(item, dict) else item)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return
    raise ValueError(_TOO_DEEP)
