"""Sources of OSV records: a directory, a zip file, or a URL of one."""

from __future__ import annotations

import http.client
import json
import re
import tempfile
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from pytest_aisec.advisories import index
from pytest_aisec.advisories.osv import Advisory, join, modified, read_record
from pytest_aisec.errors import UsageProblem

__all__ = ["PYPI_DUMP", "Updated", "update"]

PYPI_DUMP = "https://osv-vulnerabilities.storage.googleapis.com/PyPI/all.zip"
"""The public dump of all records about packages of PyPI."""

TIMEOUT = 60.0
"""Seconds without a byte after which a download is given up."""
MOST_DOWNLOADED = 1024**3
"""Bytes of a dump; a larger one is refused."""
MOST_FILES = 1_000_000
MOST_IN_FILE = 64 * 1024**2
"""Bytes of one file of records, unpacked."""
MOST_UNPACKED = 4 * 1024**3
"""Bytes of all files, unpacked."""
_PIECE = 1024**2
_NEVER = datetime.min.replace(tzinfo=UTC)
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
"""How JSON writes what may be half of a character, which no file can hold."""
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True, kw_only=True)
class Updated:
    """Result of an update."""

    path: Path
    records: int
    as_of: datetime
    from_future: int
    """Records that claim to have been changed later than now; they say nothing about the age."""


def update(source: str, path: Path, *, now: datetime, say: Callable[[str], None] = lambda _: None) -> Updated:
    """Make an index at `path` of the OSV records of `source`.

    Args:
        source: a directory with .json and .jsonl files, a zip file of them, or a URL of such a zip file.
        path: the index; it is replaced whole or stays as it is.
        now: the time of the update, UTC.
        say: where to say what takes long.

    Raises:
        UsageProblem: when the source cannot be read or holds something else.

    """
    if "://" not in source:
        given = Path(source).expanduser()
        texts = _directory(given) if given.is_dir() else _zip(given, str(given))
        return _build(texts, path, source=str(given), now=now)
    _check(source)
    with tempfile.TemporaryFile() as stream:
        say(f"downloading {source}")
        _download(source, stream)
        return _build(_zip(stream, source), path, source=source, now=now)


class _Copy:
    """The newest copy of a record: a dump may have several, and an older one does not count."""

    def __init__(self) -> None:
        self.when = _NEVER
        self.said: list[Advisory] = []
        self.of_the_future: list[Advisory] = []

    def add(self, when: datetime, advisories: list[Advisory], now: datetime) -> None:
        """Take the copy if it is newer; where two are equally new, what either says counts.

        Nobody knows how new a copy is that says it was changed in the future: it takes nothing back.
        """
        if when > now:
            self.of_the_future += advisories
        elif when > self.when:
            self.when, self.said = when, [*advisories]
        elif when == self.when:
            self.said += advisories

    @property
    def advisories(self) -> list[Advisory]:
        """What it says, once for each package."""
        parts: dict[str, list[Advisory]] = {}
        for one in (*self.said, *self.of_the_future):
            parts.setdefault(one.package, []).append(one)
        return [join(list(dict.fromkeys(same))) for same in parts.values()]


def _build(texts: Iterable[tuple[str, bytes]], path: Path, *, source: str, now: datetime) -> Updated:
    copies: dict[str, _Copy] = {}
    future = 0
    newest: datetime | None = None
    for name, record in _records(texts):
        try:
            found = read_record(record, now=now)
        except ValueError as error:
            raise UsageProblem(f"{source}: {name}: {error}") from None
        when = modified(record)
        if when is not None and when > now:
            future += 1
        elif when is not None and (newest is None or when > newest):
            newest = when
        copy = copies.setdefault(record["id"], _Copy())
        copy.add(when or _NEVER, found, now)
    advisories = [one for copy in copies.values() for one in copy.advisories]
    if not advisories:
        raise UsageProblem(f"{source}: no OSV record about a package of PyPI is in it")
    if newest is None:
        raise UsageProblem(f"{source}: no record says when it was modified, so nobody knows how old it is")
    records = sum(bool(copy.advisories) for copy in copies.values())
    index.write(path, advisories, as_of=newest, records=records, source=source)
    return Updated(path=path, records=records, as_of=newest, from_future=future)


def _records(texts: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, text in texts:
        lines = text.splitlines() if name.endswith(".jsonl") else [text]
        for line in lines:
            if not line.strip():
                continue
            try:
                record = json.loads(line)
                if _HALF.search(line):
                    json.dumps(record, ensure_ascii=False).encode()
            except (ValueError, RecursionError) as error:
                raise UsageProblem(f"{name}: no JSON: {error}") from None
            for one in record if isinstance(record, list) else [record]:
                if not isinstance(one, dict):
                    raise UsageProblem(f"{name}: no OSV record: {str(one)[:60]!r}")
                yield name, one


class _Budget:
    """Amount that may still be unpacked."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.files = self.size = 0

    def read(self, stream: IO[bytes], name: str) -> bytes:
        self.files += 1
        text = stream.read(MOST_IN_FILE + 1)
        self.size += len(text)
        if len(text) > MOST_IN_FILE or self.size > MOST_UNPACKED or self.files > MOST_FILES:
            raise UsageProblem(
                f"{self.source}: {name}: more than an OSV dump holds; it is not unpacked further"
            )
        return text


def _is_record(name: str) -> bool:
    return name.endswith((".json", ".jsonl"))


def _directory(directory: Path) -> Iterator[tuple[str, bytes]]:
    budget = _Budget(str(directory))
    try:
        for path in sorted(path for path in directory.rglob("*") if _is_record(path.name) and path.is_file()):
            with path.open("rb") as stream:
                yield str(path), budget.read(stream, path.name)
    except OSError as error:
        raise UsageProblem(f"{error.filename or directory}: {error.strerror or error}") from None


def _zip(file: Path | IO[bytes], source: str) -> Iterator[tuple[str, bytes]]:
    budget = _Budget(source)
    try:
        with zipfile.ZipFile(file) as archive:
            for item in archive.infolist():
                name = item.filename
                parts = name.replace("\\", "/").split("/")
                if name.startswith(("/", "\\")) or ".." in parts:
                    raise UsageProblem(f"{source}: holds a file named {name!r}, as no OSV dump does")
                if name.endswith("/") or not _is_record(name):
                    continue
                if item.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
                    raise UsageProblem(f"{source}: {name} is compressed as no OSV dump is")
                with archive.open(item) as stream:
                    yield f"{source}: {name}", budget.read(stream, name)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise UsageProblem(f"{source}: no readable zip file: {error}") from None
    except OSError as error:
        raise UsageProblem(f"{source}: {error.strerror or error}") from None


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirect only to where a download may come from."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        _check(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _check(url: str) -> None:
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError as error:
        raise UsageProblem(f"{url}: {error}") from None
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)):
        raise UsageProblem(
            f"{url}: advisories are only taken over https; download it yourself and name the file"
        )


def _download(url: str, target: IO[bytes]) -> None:
    opener = urllib.request.build_opener(_Redirects)
    try:
        with opener.open(url, timeout=TIMEOUT) as answer:
            size = 0
            while piece := answer.read(_PIECE):
                size += len(piece)
                if size > MOST_DOWNLOADED:
                    raise UsageProblem(f"{url}: more than {MOST_DOWNLOADED} bytes; that is no OSV dump")
                target.write(piece)
            expected = answer.headers.get("Content-Length", "")
    except urllib.error.HTTPError as error:
        raise UsageProblem(f"{url}: HTTP {error.code} {error.reason}") from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise UsageProblem(f"{url}: {getattr(error, 'reason', None) or error}") from None
    if expected.isdigit() and int(expected) != size:
        raise UsageProblem(f"{url}: broke off after {size} of {expected} bytes")
    target.seek(0)
