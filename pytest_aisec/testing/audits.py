"""Audits of one control on one host, outside of pytest: live, or again from a transcript."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from testinfra.host import Host

from pytest_aisec.catalog.context import Evaluation
from pytest_aisec.catalog.control import Control
from pytest_aisec.catalog.plan import PlannedControl
from pytest_aisec.catalog.resolve import single
from pytest_aisec.judge import evaluate
from pytest_aisec.judge.outcome import Conclusion
from pytest_aisec.observe import waves
from pytest_aisec.observe.backend import ObservingBackend
from pytest_aisec.observe.faults import Unobservable
from pytest_aisec.observe.hosts import HostOptions, Target, resolve
from pytest_aisec.observe.transcript import Observation, Transcript
from pytest_aisec.observe.waves import Suggestions, Work
from pytest_aisec.testing.labkit.closing import Closing


def verdict(conclusion: Conclusion) -> tuple[str, str]:
    """Return outcome and, of an error, the reason: what a scenario's name and header say."""
    outcome = conclusion.outcome.value
    return outcome, conclusion.reason if outcome == "error" else ""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One control as it is audited: with its parameters, under these circumstances."""

    planned: PlannedControl
    circumstances: Evaluation

    @classmethod
    def of(cls, control: Control, params: Mapping[str, Any], circumstances: Evaluation) -> Subject:
        """Plan one control with `params` declared."""
        return cls(planned=single(control, params), circumstances=circumstances)

    def judge(
        self,
        observations: Iterable[Observation],
        *,
        connection: str = "ssh",
        host_fault: Unobservable | None = None,
    ) -> Conclusion:
        """Judge from answers alone; a question without one is an error: `no_observation`."""
        transcript = Transcript(host_fault=host_fault)
        for item in observations:
            transcript.add(item)
        backend = ObservingBackend(f"{connection}://recorded", None, transcript, connection)
        host = Host(backend)
        backend.set_host(host)
        return evaluate.judge(self.planned, host, self.circumstances)


@dataclass(frozen=True, kw_only=True)
class Audit:
    """Result of one audit of one control on one host."""

    conclusion: Conclusion
    transcript: Transcript
    subject: Subject
    connection: str

    @property
    def summary(self) -> str:
        """Everything a person needs to understand a wrong outcome."""
        asked = "\n".join(
            f"  $ {item.command} -> {item.exit_status} {item.fault or ''}\n"
            f"    {item.stdout[:600]!r}\n    {item.stderr[:300]!r}"
            for item in self.transcript
        )
        return f"{self.conclusion}\n{asked}"

    def replayed(self, observations: Iterable[Observation] | None = None) -> Conclusion:
        """Judge again from the transcript alone, or from other answers."""
        return self.subject.judge(
            self.transcript if observations is None else observations,
            connection=self.connection,
            host_fault=self.transcript.host_fault,
        )


@dataclass(kw_only=True)
class Connections(Closing):
    """The connections of one proof: one for each (host, user, sudo), whatever is audited over it."""

    options: HostOptions
    """Of every connection; `hosts` and `sudo` are given to each audit."""
    _targets: dict[tuple[str, bool], Target] = field(default_factory=dict)

    def close(self) -> None:
        """End every connection."""
        for target in self._targets.values():
            target.disconnect()
        self._targets.clear()

    def audit(
        self,
        subject: Subject,
        spec: str,
        *,
        sudo: bool = False,
        in_waves: bool = True,
        known: Iterable[Observation] = (),
    ) -> Audit:
        """Audit one control on one host, with a transcript of its own.

        Args:
            subject: the control.
            spec: the host, as testinfra names it.
            sudo: whether as root through sudo.
            in_waves: whether its questions are found out and asked together, as in a run of many controls.
            known: answers that are taken as given and not asked for.

        """
        target = self._target(spec, sudo=sudo)
        transcript = Transcript()
        for item in known:
            transcript.add(item)
        host = target.observed(transcript, self.options.limits)
        planned, circumstances = subject.planned, subject.circumstances
        if in_waves:
            calls = {planned.key: lambda host: evaluate.speculate(planned, host, circumstances)}
            work = Work(name=target.name, open=lambda: host, close=lambda: None)
            waves.collect_host(work, calls, Suggestions())
        asked = len(transcript)
        conclusion = evaluate.judge(planned, host, circumstances)
        if in_waves and transcript.host_fault is None and len(transcript) != asked:
            raise AssertionError("the collector left questions to the evaluation")
        return Audit(
            conclusion=conclusion, transcript=transcript, subject=subject, connection=target.connection
        )

    def _target(self, spec: str, *, sudo: bool) -> Target:
        key = (spec, sudo)
        if key not in self._targets:
            (self._targets[key],) = resolve(replace(self.options, hosts=spec, sudo=sudo))
        return self._targets[key]
