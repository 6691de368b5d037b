"""Compare what a bundle has with what `run.json` and the transcripts render to."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from pytest_aisec.errors import EvidenceError
from pytest_aisec.evidence import bundle as bundles
from pytest_aisec.evidence import files, manifest, versions
from pytest_aisec.evidence.bundle import Bundle
from pytest_aisec.report import formats
from pytest_aisec.report.layout import FORMER, LAYOUT


def reports(directory: Path, bundle: Bundle) -> Iterator[str]:
    """Yield which reports of this program's layout differ, and what belongs to no bundle."""
    sink = _Comparing(directory)
    try:
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
    yield from _added(directory, bundle, sink.paths)


def others(directory: Path, bundle: Bundle, layout: int) -> Iterator[str]:
    """Yield what belongs to no bundle, or is missing, where reports are of another program or layout."""
    known = {path for item in formats.REPORTS for path in _paths(item, bundle)}
    there = _there(directory)
    if layout == LAYOUT:
        yield from (f"{name}: is missing" for name in sorted(known - there))
    if layout <= LAYOUT:
        yield from _added(directory, bundle, known | FORMER)


def unknown(directory: Path, bundle: Bundle, layout: int) -> list[str]:
    """Return one sentence for each file that only a program of a newer layout knows."""
    known = {path for item in formats.REPORTS for path in _paths(item, bundle)}
    found = _strange(directory, bundle, known) if layout > LAYOUT else []
    return [f"{name}: is not known to this program" for name in found]


def _paths(item: formats.Report, bundle: Bundle) -> list[str]:
    return [item.path_of(host) for host in bundle.run.hosts] if item.is_per_host else [item.path]


def _there(directory: Path) -> frozenset[str]:
    try:
        return files.listing(directory).files
    except EvidenceError:
        # It has been named.
        return frozenset()


def _strange(directory: Path, bundle: Bundle, known: Iterable[str]) -> list[str]:
    run = bundle.run
    ours = {*known, *run.inputs, *(host.transcript for host in run.hosts)}
    return sorted(_there(directory) - ours - {"run.json", manifest.NAME, *manifest.SIGNATURES})


def _added(directory: Path, bundle: Bundle, known: Iterable[str]) -> Iterator[str]:
    yield from (f"{name}: does not belong to the bundle" for name in _strange(directory, bundle, known))


def run(directory: Path, bundle: Bundle) -> Iterator[str]:
    """Yield where `run.json` is not what a program writes of its content."""
    if bundle.version != versions.RUN.current:
        yield from _earlier_run(directory, bundle)
        return
    sink = _Comparing(directory)
    try:
        sink.add("run.json", bundles.run_json(bundle.run, bundle.verdict))
    except Exception as error:  # noqa: BLE001 - whatever a forger has put there
        sink.stop()
        yield f"run.json: no report can be made of it: {error!r}"
        return
    yield from sink.finish()


def _earlier_run(directory: Path, bundle: Bundle) -> Iterator[str]:
    """Compare a run of an earlier version: as JSON is written, and with no member that was not read."""
    content = files.read(directory, "run.json")
    written = files.load_json(content)
    if (json.dumps(written, indent=2, ensure_ascii=False) + "\n").encode() != content:
        yield "run.json: is not as it was written"
    now = json.loads(b"".join(bundles.run_json(bundle.run, bundle.verdict)))
    if now != versions.RUN.upgraded(written):
        yield f"run.json: has what no run of version {bundle.version} has"


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
