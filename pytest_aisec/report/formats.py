"""All report formats by name, and what a bundle holds of them."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from itertools import chain
from pathlib import PurePosixPath
from typing import Protocol

from pytest_aisec import extensions
from pytest_aisec.errors import UsageProblem, nearest
from pytest_aisec.judge.run import HostInfo, Run, Verdict
from pytest_aisec.report import pdf
from pytest_aisec.report.document import Format, whole


@dataclass(frozen=True, kw_only=True)
class Report:
    """One report format."""

    name: str
    """Value of `aisec report --format`."""
    path: str
    """Where it lies in the bundle; `{host}` where each host has a file of its own."""
    module: str = ""
    """In this package. Imported when it is needed."""
    document: str = "Document"
    """Name of the document class in that module."""
    maker: Format | None = None
    """Makes its documents where another package does."""

    @property
    def is_per_host(self) -> bool:
        """True if each host has a file of its own."""
        return "{host}" in self.path

    def path_of(self, host: HostInfo) -> str:
        """Return the path in the bundle of the file on `host`."""
        return self.path.format(host=PurePosixPath(host.transcript).name.partition(".jsonl")[0])

    def make(self) -> Format:
        """Return what makes its documents."""
        if self.maker is not None:
            return self.maker
        found: Format = getattr(import_module(f"pytest_aisec.report.{self.module}"), self.document)
        return found


REPORTS: tuple[Report, ...] = (
    Report(name="html", path="report.html", module="html"),
    Report(name="junit", path="junit.xml", module="junit"),
    Report(name="oscal", path="oscal-assessment-results.json", module="oscal"),
    Report(name="markdown", path="summary.md", module="markdown"),
    Report(name="csv", path="results.csv", module="table"),
    Report(name="sarif", path="results.sarif", module="sarif"),
    Report(name="hdf", path="hdf/{host}.json", module="hdf"),
)
"""Every format that a bundle holds."""
ON_DEMAND: tuple[Report, ...] = (
    Report(name="sarif-all", path="results-all.sarif", module="sarif", document="Everything"),
    Report(name="openmetrics", path="metrics.txt", module="openmetrics"),
)
"""Formats that only `aisec report` makes, as those of other packages.

`NAME-all` is what `--format NAME --all` means.
"""

_HOSTS = 100
"""After so many, memory that only circles hold is given back."""


def report(name: str, *, everything: bool = False) -> Report:
    """Return the format of that name; raise `UsageProblem`, with the known ones, where there is none.

    Args:
        name: what `--format` takes.
        everything: whether what the format leaves out is wanted as well.

    """
    known = {item.name: item for item in (*REPORTS, *ON_DEMAND)}
    if everything and name in known:
        if f"{name}-all" not in known:
            parts = ", ".join(item.removesuffix("-all") for item in known if item.endswith("-all"))
            raise UsageProblem(f"--all: format {name!r} has only one extent; those with more: {parts}")
        name = f"{name}-all"
    if name in known:
        return known[name]
    others = extensions.names("reports")
    if name not in others:
        raise UsageProblem(f"unknown format {name!r}. {nearest(name, [*known, pdf.NAME, *others])}")
    return Report(name=name, path=name, maker=extensions.load("reports", name))


def render(item: Report, run: Run, verdict: Verdict) -> Iterator[tuple[str, str]]:
    """Yield path in the bundle and text of each file of one format."""
    if not item.is_per_host:
        yield item.path, whole(item.make(), run, verdict)
        return
    by_host, make = run.by_host(), item.make()
    for host in run.hosts:
        document = make(run, verdict)
        seen = run.transcripts.get(host.name, ())
        parts = [*document.begin(), *document.host(host, by_host[host.name], seen), *document.end()]
        yield item.path_of(host), "".join(parts)


class Sink(Protocol):
    """Sink for the files of a bundle."""

    def put(self, path: str, chunk: bytes) -> None:
        """Take the next piece of a file, of which several may be open."""
        ...

    def add(self, path: str, chunks: Iterable[bytes]) -> None:
        """Take one whole file, piece by piece."""
        ...


def write(run: Run, verdict: Verdict, sink: Sink) -> None:
    """Make every report in one pass over the hosts: each transcript is read once."""
    # Looking for circles after every few hundred values takes long: once in many hosts is enough.
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        together = [(item.path, item.make()(run, verdict)) for item in REPORTS if not item.is_per_host]
        apart = [item for item in REPORTS if item.is_per_host]
        for path, document in together:
            _put(sink, path, document.begin())
        by_host = run.by_host()
        for number, host in enumerate(run.hosts, start=1):
            if number % _HOSTS == 0:
                gc.collect()
            results, seen = by_host[host.name], run.transcripts.get(host.name, ())
            for path, document in together:
                _put(sink, path, document.host(host, results, seen))
            for item in apart:
                alone = item.make()(run, verdict)
                parts = chain(alone.begin(), alone.host(host, results, seen), alone.end())
                sink.add(item.path_of(host), (part.encode() for part in parts))
        for path, document in together:
            _put(sink, path, document.end())
    finally:
        if was_enabled:
            gc.enable()


def _put(sink: Sink, path: str, parts: Iterable[str]) -> None:
    for part in parts:
        sink.put(path, part.encode())
