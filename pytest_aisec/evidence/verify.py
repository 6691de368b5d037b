"""Check a bundle: digests, signature, consistency, reports, and on demand its results."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO

from pytest_aisec.errors import EvidenceError
from pytest_aisec.evidence import bundle as bundles
from pytest_aisec.evidence import consistency, files, manifest, rejudge
from pytest_aisec.evidence.bundle import Bundle
from pytest_aisec.evidence.rejudge import Surroundings
from pytest_aisec.evidence.signing import keys, signatures
from pytest_aisec.judge.outcome import Outcome
from pytest_aisec.judge.run import RunInfo
from pytest_aisec.report import formats


@dataclass(frozen=True, kw_only=True)
class Verified:
    """Result of checking a bundle."""

    origin: str
    """One sentence on who can have made it, where no key tells; empty otherwise."""
    problems: tuple[str, ...]
    """One sentence for each problem found."""
    notes: tuple[str, ...]
    """Notes on what could not be compared, and why."""
    signature: str
    """One sentence on who signed it, and whether that was checked."""
    results: str
    """One sentence on the results in it; empty where nothing is known of them."""


@dataclass(frozen=True, kw_only=True)
class Expected:
    """Expectation which of all bundles of one key it is."""

    run: str = ""
    """The id of the run."""
    plan: str = ""
    """The SHA-256 of its plan, hexadecimal."""
    not_before: datetime | None = None
    """When it began at the earliest."""


_ANY = Expected()


def verify(
    directory: Path,
    *,
    key: Path | None = None,
    replay: Surroundings | None = None,
    expected: Expected = _ANY,
) -> Verified:
    """Check the bundle in `directory`.

    Args:
        directory: the bundle.
        key: the file with the public key that must have signed it.
        replay: with what to make its results again; `None` leaves that out.
        expected: which bundle it must be.

    Raises:
        UsageProblem: when the key cannot be used.

    """
    public = None if key is None else keys.load_public_key(key)
    origin = "" if key is not None else "no key was given: anybody could have made this"
    problems = consistency.check(directory)
    try:
        bundle = bundles.read(directory)
    except EvidenceError:
        return Verified(origin=origin, problems=tuple(problems), notes=(), signature="", results="")
    problems += _unexpected(bundle.run.run, expected)
    problems += signatures.check(directory, bundle, public, str(key))
    notes: list[str] = []
    is_complete = bundle.run.is_complete()
    if is_complete:
        problems += _reports(directory, bundle)
    else:
        notes.append("its results are not those of its plan, so nothing was made of them again")
    if replay is not None and is_complete and manifest.check(directory):
        notes.append("its files are not those of its manifest, so its results were not made again")
    elif replay is not None and is_complete:
        again = rejudge.check(directory, bundle, replay)
        problems += again.problems
        notes += again.notes
    ours, theirs = version("pytest-aisec"), bundle.run.run.package_version
    if problems and ours != theirs:
        notes.append(f"pytest-aisec {theirs} made it, and {ours} looks at it: their reports can differ")
    return Verified(
        origin=origin,
        problems=tuple(dict.fromkeys(problems)),
        notes=tuple(notes),
        signature=_signature(bundle, key),
        results=_results(bundle, is_replayed=replay is not None),
    )


def _unexpected(run: RunInfo, expected: Expected) -> Iterator[str]:
    """Yield in what it is another bundle than the one that was expected, such as an older one."""
    if expected.run and run.id != expected.run:
        yield f"run.json: is run {run.id}, and not {expected.run}"
    if expected.plan and run.plan_sha256 != expected.plan:
        yield f"run.json: is of plan {run.plan_sha256}, and not {expected.plan}"
    if expected.not_before is None:
        return
    try:
        is_early = datetime.fromisoformat(run.started_at) < expected.not_before
    except (ValueError, TypeError):
        yield f"run.json: started_at {run.started_at!r} is no time"
        return
    if is_early:
        limit = expected.not_before.strftime("%Y-%m-%dT%H:%M:%SZ")
        yield f"run.json: began at {run.started_at}, and that is before {limit}"


def _results(bundle: Bundle, *, is_replayed: bool) -> str:
    """Return what can be said of the results of a bundle that holds."""
    if all(result.outcome is Outcome.NOT_RUN for result in bundle.run.results):
        return "it has no results: nothing was judged"
    return "its results follow from its transcripts" if is_replayed else ""


def _signature(bundle: Bundle, key: Path | None) -> str:
    by, how = bundle.run.run.signed_by, signatures.kind(bundle.run)
    if not how:
        return "it is not signed"
    if how == keys.KIND and key is not None:
        return f"it is signed by the key in {key} ({by})"
    if how == keys.KIND:
        return f"it is signed by key {by}, which was not checked: give --key"
    return f"it is signed by {by}, which was not checked: see docs/evidence.md"


def _reports(directory: Path, bundle: Bundle) -> Iterator[str]:
    """Yield what differs from what `run.json` and the transcripts render to, and what is none of it."""
    sink = _Comparing(directory)
    try:
        sink.add("run.json", bundles.run_json(bundle.run, bundle.verdict))
        yield from sink.finish()
        formats.write(bundle.run, bundle.verdict, sink)
    except EvidenceError:
        # A transcript that cannot be read has been named.
        sink.stop()
        return
    except Exception as error:  # noqa: BLE001 - whatever a forger has put there
        sink.stop()
        yield f"run.json: no report can be made of it: {error!r}"
        return
    yield from sink.finish()
    known = {*sink.paths, *bundle.run.inputs, *(host.transcript for host in bundle.run.hosts)}
    try:
        added = files.listing(directory).files - known - {manifest.NAME, *manifest.SIGNATURES}
    except EvidenceError:
        # It has been named.
        return
    yield from (f"{name}: does not belong to the bundle" for name in sorted(added))


class _Comparing:
    """Takes files of a bundle and compares them with those that are there."""

    def __init__(self, directory: Path) -> None:
        self.paths: set[str] = set()
        self._directory = directory
        self._open: dict[str, tuple[BinaryIO, int] | None] = {}
        """By path, the stream and the number of the line that it stands in; `None` once it differs."""
        self._problems: list[str] = []

    def put(self, path: str, chunk: bytes) -> None:
        """Compare the next piece of one file."""
        if path not in self._open:
            self.paths.add(path)
            self._open[path] = self._begin(path)
        state = self._open[path]
        if state is None:
            return
        stream, line = state
        found = stream.read(len(chunk))
        if found == chunk:
            self._open[path] = stream, line + chunk.count(b"\n")
            return
        same = next(
            (index for index, (one, other) in enumerate(zip(found, chunk, strict=False)) if one != other),
            len(found),
        )
        self._differs(path, line + chunk[:same].count(b"\n"))

    def add(self, path: str, chunks: Iterable[bytes]) -> None:
        """Compare one whole file."""
        self.put(path, b"")
        for chunk in chunks:
            self.put(path, chunk)
        self._end(path)

    def finish(self) -> list[str]:
        """Return one sentence for each file that differs, and begin anew."""
        for path in [*self._open]:
            self._end(path)
        found, self._problems = self._problems, []
        return found

    def stop(self) -> None:
        """Leave what is open."""
        for state in self._open.values():
            if state is not None:
                state[0].close()

    def _begin(self, path: str) -> tuple[BinaryIO, int] | None:
        try:
            return files.opened(self._directory, path), 1
        except EvidenceError as error:
            self._problems.append(str(error))
            return None

    def _end(self, path: str) -> None:
        state = self._open[path]
        if state is not None:
            stream, line = state
            if stream.read(1):
                self._differs(path, line)
            stream.close()
        del self._open[path]

    def _differs(self, path: str, line: int) -> None:
        state = self._open[path]
        if state is not None:
            state[0].close()
        self._open[path] = None
        what = "is not as it was written" if path == "run.json" else "is not what run.json renders to"
        self._problems.append(f"{path}: line {line} {what}")
