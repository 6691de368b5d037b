"""OpenMetrics text for dashboards and alerts: gauges of one run, fit for a collector that reads files.

All are gauges, which readers of the older Prometheus text take as well. Needs the extra `metrics`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import product
from typing import Any

from pytest_aisec.catalog.control import SEVERITIES
from pytest_aisec.errors import UsageProblem
from pytest_aisec.judge.findings import first_seen
from pytest_aisec.judge.outcome import Outcome
from pytest_aisec.judge.run import HostInfo, Result, Run, Verdict, WaiverInfo
from pytest_aisec.observe.transcript import Observation
from pytest_aisec.report.document import OfRun, whole
from pytest_aisec.report.grouping import STATUSES, status
from pytest_aisec.report.wording import short

GATES = ("passed", "failed", "inconclusive")
_WAIVERS = ("active", "expiring", "expired", "stale", "unused")
_Values = Iterable[tuple[Sequence[str], float]]
"""Values of labels, with what is measured."""


def render(run: Run, verdict: Verdict) -> str:
    """Return the metrics of `run`; the same run gives the same text."""
    return whole(Document, run, verdict)


class Document(OfRun):
    """The metrics of a run.

    Raises:
        UsageProblem: when the extra is not installed.

    """

    def __init__(self, run: Run, verdict: Verdict) -> None:
        super().__init__(run, verdict)
        try:
            from prometheus_client import CollectorRegistry  # noqa: PLC0415 - an extra
            from prometheus_client.metrics_core import GaugeMetricFamily  # noqa: PLC0415 - likewise
            from prometheus_client.openmetrics.exposition import generate_latest  # noqa: PLC0415 - likewise
        except ImportError:
            raise UsageProblem(
                "--format openmetrics needs the extra: pip install 'pytest-aisec[metrics]'"
            ) from None
        self._gauge, self._write = GaugeMetricFamily, generate_latest
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def begin(self) -> Iterable[str]:
        """Yield nothing: a metric is about all hosts together."""
        return ()

    def host(
        self, host: HostInfo, results: Sequence[Result], transcript: Sequence[Observation]
    ) -> Iterable[str]:
        """Yield nothing: the run has all that is measured."""
        del host, results, transcript
        return ()

    def end(self) -> Iterator[str]:
        """Yield the metrics."""
        yield self._write(self._registry).decode()

    def describe(self) -> list[Any]:
        """Return nothing: no other metrics are in the registry that could have the same names."""
        return []

    def collect(self) -> Iterator[Any]:
        """Yield each metric."""
        yield from self._of_the_run()
        yield from self._of_results()
        yield from self._of_findings()
        yield from self._of_waivers()

    def _metric(self, name: str, what: str, labels: Sequence[str], values: _Values) -> Any:
        """Return a metric; label values that are shown alike are one."""
        made = self._gauge(f"aisec_{name}", what, labels=labels)
        shown = {tuple(short(value) for value in key): number for key, number in values}
        for key, number in shown.items():
            made.add_metric(key, number)
        return made

    def _of_the_run(self) -> Iterator[Any]:
        run, verdict = self._run.run, self._verdict
        labels = ("run", "profile", "profile_version", "package_version", "signed_by")
        about = (run.id, run.profile, run.profile_version, run.package_version, run.signed_by or "unsigned")
        yield self._metric("run", "The run that all of this is about; always 1.", labels, [(about, 1)])
        for name, what, text in (
            ("run_started_timestamp_seconds", "When the run began.", run.started_at),
            ("run_finished_timestamp_seconds", "When the run ended.", run.finished_at),
        ):
            yield self._metric(name, what, (), _only(_seconds(text)))
        gates = {(gate,): float(verdict.gate == gate) for gate in GATES}
        yield self._metric("gate", "What the gate decided: 1 for one of them.", ("gate",), gates.items())
        yield self._metric("exit_code", "Exit code of the gate.", (), _only(int(verdict.exit_code)))
        yield self._metric("planned_results", "Controls planned, each once for each host.", (),
                           _only(self._run.ledger.planned))  # fmt: skip
        scores = self._run.scores
        yield self._metric(
            "score_ratio", "Passed results of those that count.", (), _only(scores.without_waivers)
        )
        yield self._metric("score_with_waivers_ratio", "The same, waived failures counted as passed.", (),
                           _only(scores.with_waivers))  # fmt: skip

    def _of_results(self) -> Iterator[Any]:
        results, hosts = self._run.results, self._run.hosts
        asked = [((host.name,), float(not host.fault)) for host in hosts]
        what = "1 if the host answered to the end, 0 if it has a fault."
        yield self._metric("host_asked", what, ("host",), asked)
        names = [*self._run.by_host()]
        counts = Counter((item.host, item.severity, status(item).key) for item in results)
        every = {key: counts[key] for key in product(names, SEVERITIES, (each.key for each in STATUSES))}
        what = "Results of a host; what failed and is waived has an outcome of its own."
        yield self._metric("results", what, ("host", "severity", "outcome"), every.items())
        states = {(item.host, item.control, item.severity, status(item).key): 1.0 for item in results}
        what = "How a control ended on a host; always 1."
        yield self._metric("result", what, ("host", "control", "severity", "outcome"), states.items())

    def _of_findings(self) -> Iterator[Any]:
        labels = ("host", "control", "severity", "outcome")
        found = {
            (item.host, item.control, item.severity, status(item).key): self._index.findings(item)
            for item in self._run.results
            if item.outcome is Outcome.FAILED
        }
        counts = {key: float(len(items)) for key, items in found.items()}
        yield self._metric("findings", "Things that a failed control says are wrong.", labels, counts.items())
        times = {key: _seconds(first_seen(items)) for key, items in found.items()}
        what = "When the oldest finding was first seen."
        known = {key: time for key, time in times.items() if time is not None}
        yield self._metric("finding_first_seen_timestamp_seconds", what, labels, known.items())

    def _of_waivers(self) -> Iterator[Any]:
        waivers = self._run.waivers
        counts = Counter[str](item.state for item in waivers)
        yield self._metric(
            "waivers", "Waivers by state.", ("state",), [((it,), counts[it]) for it in _WAIVERS]
        )
        ends = {(item.id, item.control, item.state): _end(item) for item in waivers}
        known = {key: time for key, time in ends.items() if time is not None}
        what = "End of the last day on which a waiver holds."
        yield self._metric(
            "waiver_expires_timestamp_seconds", what, ("waiver", "control", "state"), known.items()
        )


def _only(value: float | None) -> _Values:
    return [] if value is None else [((), value)]


def _seconds(text: str) -> float | None:
    """Return a time as seconds since 1970; none where it is no time."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _end(waiver: WaiverInfo) -> float | None:
    return _seconds(f"{waiver.expires}T23:59:59+00:00")
