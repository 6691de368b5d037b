"""Interface of report formats: a document made host by host, so that no more than one host is in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from pytest_aisec.judge.run import HostInfo, Result, Run, Verdict
from pytest_aisec.observe.transcript import Observation
from pytest_aisec.report.wording import Index


class Document(Protocol):
    """A report in the making. Take `begin`, then `host` for each host in the run's order, then `end`."""

    def begin(self) -> Iterable[str]:
        """Yield what stands before the first host."""
        ...

    def host(
        self, host: HostInfo, results: Sequence[Result], transcript: Sequence[Observation]
    ) -> Iterable[str]:
        """Take in one host, and yield what can be written of it now. `results` are sorted by control."""
        ...

    def end(self) -> Iterable[str]:
        """Yield what is left."""
        ...


class OfRun:
    """Base of documents that look up what a result names."""

    def __init__(self, run: Run, verdict: Verdict) -> None:
        self._run = run
        self._verdict = verdict
        self._index = Index(run)


class Format(Protocol):
    """Maker of the document of a run."""

    def __call__(self, run: Run, verdict: Verdict) -> Document:
        """Return a document of `run`; the same run gives the same text."""
        ...


def whole(make: Format, run: Run, verdict: Verdict) -> str:
    """Return the text of a document; hosts that only results know of come last."""
    document, by_host = make(run, verdict), run.by_host()
    parts = [*document.begin()]
    for host in run.hosts:
        parts += document.host(host, by_host.pop(host.name), run.transcripts.get(host.name, ()))
    for name, results in by_host.items():
        parts += document.host(HostInfo(name=name, connection="", transcript="", observations=0), results, ())
    parts += document.end()
    return "".join(parts)
