"""The index of advisories: one SQLite file, written whole, asked by package name."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import tempfile
import threading
import weakref
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from pytest_aisec.advisories.osv import Advisory
from pytest_aisec.advisories.versions import Match, read_version
from pytest_aisec.errors import UsageProblem

__all__ = ["Finding", "Index", "IndexProblem", "default_path", "find", "open_index", "write"]

FORMAT = "pytest-aisec advisories 1"
MOST_REMEMBERED = 100_000
"""Versions whose findings are kept in memory: a fleet has far fewer, hosts that lie may have more."""


class IndexProblem(UsageProblem):
    """A file that was named as an index of advisories is none."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One vulnerability that an installed version has, or may have."""

    ids: tuple[str, ...]
    """Its names, that of CVE first."""
    score: float | None
    """The highest CVSS base score that any record of it gives."""
    is_malicious: bool
    is_certain: bool
    """False where the version or the record does not tell."""
    bounds: str
    """The affected versions, for people."""

    @property
    def text(self) -> str:
        """The finding on one line."""
        rated = (
            "malicious" if self.is_malicious else "no score" if self.score is None else f"{self.score:.1f}"
        )
        also = f" ({', '.join(self.ids[1:])})" if len(self.ids) > 1 else ""
        return f"{self.ids[0]} {rated}{also}: {self.bounds}"


class Index:
    """An opened index. Safe to use in several threads.

    Args:
        path: the file.
        connection: to the file; read only.
        sha256: digest of the file.

    """

    def __init__(self, path: Path, connection: sqlite3.Connection, sha256: str) -> None:
        meta = dict(connection.execute("SELECT key, value FROM meta"))
        if meta.get("format") != FORMAT:
            raise ValueError(f"its format is {meta.get('format')!r}, not {FORMAT!r}")
        self.path = path
        self.sha256 = sha256
        self.as_of = datetime.fromisoformat(meta["as_of"])
        """How new the data is: the last change of any record in it. UTC."""
        self.records = int(meta["records"])
        """How many records it was made of."""
        self.source = meta["source"]
        """What it was made from."""
        self._connection = connection
        weakref.finalize(self, connection.close)
        self._lock = threading.Lock()
        self._found: dict[tuple[str, str], tuple[Finding, ...]] = {}

    def age_days(self, now: datetime) -> float:
        """Return how old the data was at `now`; 0 where it is newer, as on replay with a newer index."""
        return max(0.0, (now - self.as_of).total_seconds() / 86400)

    def describe(self, now: datetime) -> str:
        """Return what the evidence says about the index."""
        return (
            f"{self.records} records as of {self.as_of:%Y-%m-%dT%H:%M:%SZ} "
            f"({self.age_days(now):.0f} days old), sha256 {self.sha256}"
        )

    def advisories(self, package: str) -> tuple[Advisory, ...]:
        """Return every advisory about a package, given by its canonical name."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT id, body FROM advisory WHERE package = ? ORDER BY id", (package,)
            ).fetchall()
        return tuple(_unpack(package, name, json.loads(body)) for name, body in rows)

    def findings(self, package: str, version: str) -> tuple[Finding, ...]:
        """Return what is known about one version of a package: the worst first."""
        known = self._found.get((package, version))
        if known is None:
            known = tuple(find(self.advisories(package), version))
            if len(self._found) >= MOST_REMEMBERED:
                self._found.clear()
            self._found[package, version] = known
        return known


def find(advisories: Sequence[Advisory], version: str) -> list[Finding]:
    """Return which of the advisories about one package a version has, the same vulnerability once."""
    read = read_version(version)
    found = []
    for group in _same(advisories):
        # A record that names no versions says nothing where another one of the same vulnerability does.
        telling = [one for one in group if one.names_versions] or group
        matches = [(one, one.match(read)) for one in telling]
        matching = [one for one, match in matches if match is Match.YES]
        is_certain = bool(matching)
        matching = matching or [one for one, match in matches if match is Match.UNCLEAR]
        if not matching:
            continue
        names = {name for one in group for name in (one.id, *one.aliases)}
        scores = [one.score for one in group if one.score is not None]
        found.append(
            Finding(
                ids=tuple(sorted(names, key=lambda name: (not name.startswith("CVE-"), name))),
                score=max(scores, default=None),
                is_malicious=any(one.is_malicious for one in matching),
                is_certain=is_certain,
                bounds=" / ".join(dict.fromkeys(one.bounds for one in matching)),
            )
        )
    return sorted(found, key=lambda one: (not one.is_malicious, -(one.score or 0.0), one.ids))


def _same(advisories: Sequence[Advisory]) -> list[list[Advisory]]:
    """Group the advisories that share a name: they are about the same vulnerability."""
    groups: list[tuple[set[str], list[Advisory]]] = []
    for one in advisories:
        names, members = {one.id, *one.aliases}, [one]
        apart = []
        for known, group in groups:
            if names & known:
                names |= known
                members = [*group, *members]
            else:
                apart.append((known, group))
        groups = [*apart, (names, members)]
    return [members for _, members in groups]


def _pack(one: Advisory) -> str:
    body: dict[str, Any] = {
        "aliases": one.aliases,
        "score": one.score,
        "malicious": one.is_malicious,
        "ranges": one.ranges,
        "versions": one.versions,
    }
    return json.dumps({key: value for key, value in body.items() if value not in (None, False, ())})


def _unpack(package: str, name: str, body: dict[str, Any]) -> Advisory:
    return Advisory(
        id=name,
        package=package,
        aliases=tuple(body.get("aliases", ())),
        score=body.get("score"),
        is_malicious=body.get("malicious", False),
        ranges=tuple(tuple((kind, text) for kind, text in events) for events in body.get("ranges", ())),
        versions=tuple(body.get("versions", ())),
    )


def write(path: Path, advisories: Iterable[Advisory], *, as_of: datetime, records: int, source: str) -> None:
    """Write an index, whole or not at all.

    Args:
        path: where to; what is there is replaced.
        advisories: at most one of an id and package.
        as_of: how new the data is.
        records: how many records it was made of.
        source: what it was made from.

    Raises:
        UsageProblem: when it cannot be written there.

    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        os.close(descriptor)
        temporary = Path(name)
        try:
            _fill(temporary, advisories, as_of=as_of, records=records, source=source)
            temporary.chmod(0o644)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UsageProblem(f"the index cannot be written to {path}: {error.strerror or error}") from None


def _fill(path: Path, advisories: Iterable[Advisory], *, as_of: datetime, records: int, source: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID")
        connection.execute(
            "CREATE TABLE advisory (package TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, "
            "PRIMARY KEY (package, id)) WITHOUT ROWID"
        )
        meta = {
            "format": FORMAT,
            "as_of": as_of.astimezone(UTC).isoformat(timespec="seconds"),
            "records": str(records),
            "source": source,
        }
        connection.executemany("INSERT INTO meta VALUES (?, ?)", sorted(meta.items()))
        rows = sorted((one.package, one.id, _pack(one)) for one in advisories)
        connection.executemany("INSERT INTO advisory VALUES (?, ?, ?)", rows)
        connection.commit()
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


def default_path() -> Path:
    """Return where `aisec advisories update` leaves the index: below `XDG_CACHE_HOME`, or `~/.cache`."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    root = Path(base) if base.startswith("/") else Path("~/.cache").expanduser()
    return root / "pytest-aisec" / "advisories.sqlite"


def open_index(path: Path) -> Index:
    """Open an index; the same file is opened once.

    Raises:
        IndexProblem: when it is not there, cannot be read, or is no index.

    """
    try:
        found = path.stat()
        return _open(path.absolute(), found.st_ino, found.st_mtime_ns, found.st_size)
    except OSError as error:
        raise IndexProblem(f"index of advisories {path}: {error.strerror or error}") from None
    except (sqlite3.Error, ValueError, KeyError) as error:
        raise IndexProblem(
            f"{path} is no index of advisories ({error}); make one with: aisec advisories update --to {path}"
        ) from None


@lru_cache(maxsize=8)
def _open(path: Path, _inode: int, _mtime_ns: int, _size: int) -> Index:
    with path.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False)
    try:
        connection.execute("PRAGMA trusted_schema = OFF")
        return Index(path, connection, sha256)
    except BaseException:
        connection.close()
        raise
