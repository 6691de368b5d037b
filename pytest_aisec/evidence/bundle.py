"""Write a bundle so that it is whole or absent, and read it back."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, NoReturn

from pydantic import TypeAdapter, ValidationError

from pytest_aisec.catalog.plan import Plan
from pytest_aisec.errors import EvidenceError
from pytest_aisec.evidence import files, manifest, transcript_files
from pytest_aisec.evidence.transcript_files import Stored
from pytest_aisec.judge.run import SCHEMA_VERSION, HostInfo, Result, Run, Verdict
from pytest_aisec.observe.faults import Unobservable
from pytest_aisec.observe.redaction.redact import redact
from pytest_aisec.observe.transcript import Observation


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """Contents of `run.json`."""

    run: Run
    verdict: Verdict


@cache
def _runs() -> TypeAdapter[Run]:
    return TypeAdapter(Run)


@cache
def _verdicts() -> TypeAdapter[Verdict]:
    return TypeAdapter(Verdict)


@cache
def _items() -> TypeAdapter[HostInfo | Result]:
    return TypeAdapter(HostInfo | Result)


class Claim:
    """A place for a bundle, taken before any host is contacted.

    The files are written to a temporary sibling, which becomes the bundle at the end.

    Args:
        directory: the place.
        mode: of the directories that are made, and with it whether others may read files: they hold what
            root read on the hosts.

    Raises:
        EvidenceError: when the directory is not empty, is no directory, or cannot be written.

    """

    def __init__(self, directory: Path, mode: int = 0o700) -> None:
        self.directory = directory
        self._mode = mode
        self._digests: dict[str, str] = {}
        self._open: dict[str, tuple[BinaryIO, hashlib._Hash]] = {}
        try:
            if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
                raise EvidenceError(
                    f"evidence cannot be written to {directory}: it is not an empty directory"
                )
            parent = directory.absolute().parent
            self._made = [path for path in (parent, *parent.parents) if not path.exists()]
            for path in reversed(self._made):
                self._make(path)
            self._partial = Path(tempfile.mkdtemp(prefix=f".{directory.name}.", dir=parent))
        except OSError as error:
            raise EvidenceError(f"evidence cannot be written to {directory}: {error.strerror}") from None

    def add(self, path: str, chunks: Iterable[bytes]) -> None:
        """Write one file of the bundle, given piece by piece.

        Raises:
            EvidenceError: when it cannot be written; nothing of the bundle remains.

        """
        self.put(path, b"")
        for chunk in chunks:
            self.put(path, chunk)
        self._close(path)

    def digest(self, path: str) -> str:
        """Return the SHA-256, hexadecimal, of a file that was added."""
        return self._digests[path]

    @property
    def digests(self) -> Mapping[str, str]:
        """Every file that was added, with its SHA-256, hexadecimal."""
        return self._digests

    def put(self, path: str, chunk: bytes) -> None:
        """Write the next piece of one file; several may be open until `finish`. Raises like `add`."""
        try:
            if path not in self._open:
                target = self._partial / path
                for directory in reversed(PurePosixPath(path).parents):
                    self._make(self._partial / directory)
                self._open[path] = self._create(target), hashlib.sha256()
            stream, digest = self._open[path]
            stream.write(chunk)
        except OSError as error:
            self._fail(error)
        digest.update(chunk)

    def _make(self, directory: Path) -> None:
        """Make a directory, if it is not there, with our mode whatever the umask is."""
        with contextlib.suppress(FileExistsError):
            directory.mkdir(mode=0o700)
            directory.chmod(self._mode)

    def _create(self, path: Path) -> BinaryIO:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        os.fchmod(descriptor, self._mode & 0o666)
        return os.fdopen(descriptor, "wb")

    def _close(self, path: str) -> None:
        stream, digest = self._open.pop(path)
        try:
            with stream:
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            self._fail(error)
        self._digests[path] = digest.hexdigest()

    def finish(self, sign: Callable[[bytes], Mapping[str, bytes]] | None = None) -> None:
        """Add the manifest and make what was added the bundle, all or nothing; raises like `add`.

        Args:
            sign: what gives files that sign the manifest, by name; it may raise `EvidenceError`.

        """
        for path in [*self._open]:
            self._close(path)
        listing = manifest.render(self._digests).encode()
        self.add(manifest.NAME, [listing])
        try:
            signatures = sign(listing) if sign else {}
        except EvidenceError:
            self.release()
            raise
        for path, content in signatures.items():
            self.add(path, [content])
        try:
            self._partial.chmod(self._mode)
            self._partial.rename(self.directory)
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> NoReturn:
        self.release()
        raise EvidenceError(f"evidence cannot be written to {self.directory}: {error.strerror}") from None

    def release(self) -> None:
        """Give the place up: nothing of it remains."""
        for stream, _ in self._open.values():
            with contextlib.suppress(OSError):
                stream.close()
        self._open.clear()
        shutil.rmtree(self._partial, ignore_errors=True)
        for path in self._made:
            try:
                path.rmdir()
            except OSError:
                break


def run_json(run: Run, verdict: Verdict) -> Iterator[bytes]:
    """Yield `run.json` in pieces that stay small however many hosts there are."""
    # What is long is written item by item, in the place that json.dumps would give it.
    long: dict[str, Sequence[HostInfo | Result]] = {"hosts": run.hosts, "results": run.results}
    data = _runs().dump_python(replace(run, hosts=(), results=()), mode="json", exclude={"transcripts"})
    data["verdict"] = _verdicts().dump_python(verdict, mode="json")
    rest = json.dumps(data, indent=2, ensure_ascii=False) + "\n"
    for name, items in long.items():
        before, _, rest = rest.partition(f'\n  "{name}": []')
        yield f'{before}\n  "{name}": '.encode()
        separator = "["
        for item in items:
            text = json.dumps(_items().dump_python(item, mode="json"), indent=2, ensure_ascii=False)
            yield f"{separator}\n    {text.replace(_NEXT_LINE, _NEXT_LINE_INSIDE)}".encode()
            separator = ","
        yield b"\n  ]" if items else b"[]"
    yield rest.encode()


_NEXT_LINE, _NEXT_LINE_INSIDE = "\n", "\n    "


def inputs(plan_json: str, plan: Plan, given: Mapping[str, Sequence[tuple[str, str]]]) -> dict[str, str]:
    """Return the files that say what was asked for: path in the bundle → text, redacted.

    Args:
        plan_json: the plan.
        plan: its profiles are stored.
        given: kind, such as `waivers` → name and text of each file of that kind.

    """
    kinds = {"profiles": plan.sources, **given}
    return {"inputs/plan.json": plan_json} | {
        f"inputs/{kind}/{number}-{name}": redact(text)
        for kind, of_kind in kinds.items()
        for number, (name, text) in enumerate(of_kind, start=1)
    }


def read(directory: Path) -> Bundle:
    """Return the run and verdict of a bundle; its transcripts are read when they are looked at.

    Raises:
        EvidenceError: when `run.json` is missing or is not what it should be; looking at a transcript raises
            the same. It names the file.

    """
    try:
        content = files.read(directory, "run.json")
    except EvidenceError as error:
        raise EvidenceError(f"{directory}/{error}") from None
    found = parse(content, directory / "run.json")
    return replace(found, run=replace(found.run, transcripts=Stored(directory, found.run.hosts)))


def parse(content: bytes, path: Path) -> Bundle:
    """Return what a `run.json` holds, without transcripts.

    Raises:
        EvidenceError: when it is not a run; it names `path`.

    """
    try:
        data: dict[str, Any] = files.load_json(content)
        verdict = _verdicts().validate_python(data.pop("verdict"))
        data.pop("transcripts", None)
        run = _runs().validate_python(data)
        _check_bounds(run)
        return Bundle(run=run, verdict=verdict)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        detail = str(error.errors()[0] if isinstance(error, ValidationError) else error)
        shown = detail if len(detail) <= _SHOWN else detail[: _SHOWN - 1] + "…"
        raise EvidenceError(f"{path}: is not a run: {shown}") from None


_SHOWN = 1000
_MISSING = 100_000
"""So many results can be missing in a run that is looked at; each of them is one sentence."""
_LARGE = 2**53
"""No number of milliseconds is as large."""


def _check_bounds(run: Run) -> None:
    """Raise `ValueError` for what no run has, and what would take its reader endless time or memory."""
    _check_hosts(run.hosts)
    controls = Counter(control.group for control in run.controls)
    planned = sum(controls[host.group] for host in run.hosts)
    if planned - len(run.results) > _MISSING:
        raise ValueError(f"it plans {planned} results and has {len(run.results)}")
    for control in run.controls:
        files.check_depth(control.params)
    for result in run.results:
        files.check_depth([result.expected, result.observed])
        if not 0 <= result.duration_ms < _LARGE:
            raise ValueError(f"the duration_ms of {result.control} on {result.host} is no duration")


def _check_hosts(hosts: Sequence[HostInfo]) -> None:
    for name, times in Counter(host.name for host in hosts).most_common(1):
        if times > 1:
            raise ValueError(f"{times} hosts have the name {name!r}")


@dataclass(frozen=True, kw_only=True)
class Replayable:
    """Inputs for replaying a bundle."""

    started_at: str
    """UTC, ISO 8601: the time that controls compare with."""
    hosts: Sequence[HostInfo]
    directory: Path
    active: bool = False
    """True if its controls could send requests to the services that they judged."""

    def load(self, host: HostInfo) -> list[Observation]:
        """Return the observations of one host, in the order of its transcript."""
        try:
            return transcript_files.read(self.directory, host)
        except EvidenceError as error:
            raise Unobservable("unreadable", str(error), whole_host=True) from None


def replayable(directory: Path, *, check: bool = True) -> Replayable:
    """Return what replaying the bundle needs, without reading its transcripts into memory.

    Args:
        directory: the bundle.
        check: compare every file with the manifest first.

    Raises:
        EvidenceError: when it is no bundle, or its files are not those of its manifest.

    """
    if not directory.is_dir():
        raise EvidenceError("is not a directory")
    problems = manifest.check(directory) if check else []
    if problems:
        raise EvidenceError(problems[0])
    try:
        data: dict[str, Any] = files.load_json(files.read(directory, "run.json"))
        started_at = str(data["run"]["started_at"])
        started = datetime.fromisoformat(started_at)
        active = data["run"].get("active") is True
        hosts = TypeAdapter(list[HostInfo]).validate_python(data["hosts"])
        _check_hosts(hosts)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EvidenceError(f"run.json: is not a run: {error!r}") from None
    if started.tzinfo is None:
        raise EvidenceError("run.json: started_at has no time zone")
    for host in hosts:
        if not (directory / host.transcript).resolve().is_relative_to(directory.resolve()):
            raise EvidenceError(f"run.json: the transcript of {host.name} lies outside of the bundle")
    return Replayable(started_at=started_at, hosts=hosts, directory=directory, active=active)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of `run.json`, in which everything is written that this version knows."""
    schema = _runs().json_schema(mode="serialization")
    schema["properties"].pop("transcripts")
    schema["$defs"].pop("Observation", None)
    verdict = _verdicts().json_schema(mode="serialization")
    schema["$defs"]["Verdict"] = verdict
    schema["properties"]["verdict"] = {"$ref": "#/$defs/Verdict"}
    schema["properties"]["schema_version"]["const"] = SCHEMA_VERSION
    for part in (schema, *schema["$defs"].values()):
        if "properties" in part:
            part["required"] = sorted(part["properties"])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
