"""Outcomes of all evaluations, folded into a run."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime

from pytest_aisec.catalog.plan import GroupInfo, Plan, PlannedControl
from pytest_aisec.judge.evaluate import Evaluated, jsonable
from pytest_aisec.judge.outcome import Conclusion, Outcome
from pytest_aisec.judge.run import (
    AttestationInfo,
    ControlInfo,
    HostInfo,
    Result,
    Run,
    RunInfo,
    WaiverInfo,
    count,
    score,
)
from pytest_aisec.judge.waivers import attestation, waiver
from pytest_aisec.judge.waivers.attestation import Attestation
from pytest_aisec.judge.waivers.waiver import Waiver
from pytest_aisec.observe.hosts import Target
from pytest_aisec.observe.transcript import Ordered, Transcript

_WORST_FIRST = (
    *(Outcome.FAILED, Outcome.ERROR, Outcome.NOT_REVIEWED),
    *(Outcome.NOT_RUN, Outcome.PASSED, Outcome.NOT_APPLICABLE),
)


def fold(
    plan: Plan,
    targets: Sequence[Target],
    ended: Iterable[Evaluated],
    transcripts: Mapping[str, Transcript],
    *,
    info: RunInfo,
    why_not: Callable[[str, str], str],
    needed: Mapping[str, Collection[str]] | None = None,
) -> Run:
    """Fold what ended into a run: every planned (control, host) exactly once, `not_run` where nothing came.

    Args:
        plan: the controls.
        targets: the hosts.
        ended: in any order; where one (control, host) ended more than once, its worst outcome counts.
        transcripts: by host name.
        info: what the run was.
        why_not: (control, host) → the reason to give where nothing came.
        needed: by host name, the commands that a control asked when the host was collected.

    """
    by_host = _worst(ended, [target.name for target in targets])

    def asked(name: str) -> Iterable[str]:
        found = by_host[name]
        return (command for control in plan.on(name) if control in found for command in found[control].asked)

    results: list[Result] = []
    hosts: list[HostInfo] = []
    ordered = Ordered(transcripts, asked, needed)
    for target in targets:
        transcripts[target.name].refresh()
        observations = ordered[target.name]
        numbers = {observation.command: number for number, observation in enumerate(observations, start=1)}
        hosts.append(_host(target, plan, transcripts[target.name], len(observations)))
        results += [
            _result(planned, target, by_host[target.name].get(planned.id), numbers, why_not)
            for planned in plan.on(target.name).values()
        ]
    return Run(
        run=info,
        hosts=tuple(hosts),
        controls=tuple(describe(planned) for planned in plan.controls),
        excluded=tuple(
            dataclasses.replace(item, reason=str(jsonable(item.reason))) for item in plan.excluded
        ),
        groups=tuple(GroupInfo(**jsonable(item)) for item in plan.groups),
        results=tuple(results),
        ledger=count(results, planned=sum(len(plan.on(target.name)) for target in targets)),
        scores=score(results),
        policy=plan.gate,
        transcripts=ordered,
    )


def _worst(ended: Iterable[Evaluated], hosts: Iterable[str]) -> dict[str, dict[str, Evaluated]]:
    """Return the worst ending of each control, by host."""
    by_host: dict[str, dict[str, Evaluated]] = {host: {} for host in hosts}
    for item in sorted(ended, key=lambda item: _WORST_FIRST.index(item.conclusion.outcome)):
        by_host[item.host].setdefault(item.control, item)
    return by_host


def _host(target: Target, plan: Plan, transcript: Transcript, observations: int) -> HostInfo:
    fault = transcript.host_fault
    return HostInfo(
        name=target.name,
        connection=target.connection,
        group=plan.members.get(target.name, ""),
        transcript=f"transcripts/{target.slug()}.jsonl",
        observations=observations,
        fault=str(jsonable(str(fault))) if fault else "",
    )


def apply_overlays(run: Run, waivers: Sequence[Waiver], attestations: Sequence[Attestation]) -> Run:
    """Return the run with attestations and then waivers laid over its results, as of the day of its start."""
    names, today = [host.name for host in run.hosts], datetime.fromisoformat(run.run.started_at).date()
    results, attested = attestation.apply(run.results, attestations, names, today)
    results, waived = waiver.apply(results, waivers, names, today)
    return dataclasses.replace(
        run,
        results=tuple(results),
        ledger=count(results, planned=run.ledger.planned),
        scores=score(results),
        waivers=tuple(WaiverInfo(**jsonable(item)) for item in waived),
        attestations=tuple(AttestationInfo(**jsonable(item)) for item in attested),
    )


def _result(
    planned: PlannedControl,
    target: Target,
    found: Evaluated | None,
    numbers: Mapping[str, int],
    why_not: Callable[[str, str], str],
) -> Result:
    if found is None:
        why = why_not(planned.id, target.name)
        ended = Conclusion(outcome=Outcome.NOT_RUN, reason=why, message=why)
        found = Evaluated(control=planned.id, host=target.name, conclusion=ended)
    return Result(
        control=planned.id,
        host=target.name,
        outcome=found.conclusion.outcome,
        reason=str(jsonable(found.conclusion.reason)),
        severity=planned.severity,
        title=planned.control.title,
        expected=found.expected,
        observed=found.observed,
        message=str(jsonable(found.conclusion.message)),
        observations=tuple(numbers[command] for command in found.asked if command in numbers),
        duration_ms=found.duration_ms,
    )


def _is_text(value: object) -> bool:
    return isinstance(value, str) or (
        isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value)
    )


def describe(planned: PlannedControl) -> ControlInfo:
    """Return what reports say about a planned control."""
    control = planned.control
    params = jsonable(dict(planned.params))
    shown = {name: params[name] if _is_text(value) else value for name, value in planned.params.items()}
    remediation = dataclasses.replace(planned, params=shown).remediation
    return ControlInfo(
        id=control.id,
        title=control.title,
        rationale=control.rationale,
        severity=planned.severity,
        family=control.family,
        frameworks=jsonable(dict(planned.references)),
        remediation=str(jsonable(remediation)),
        params=params,
        declared=tuple(sorted(planned.declared)),
        platforms=control.platforms,
        group=planned.group,
        remediation_is_words=control.remediation_is_words,
    )
