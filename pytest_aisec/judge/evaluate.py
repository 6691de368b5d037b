"""Evaluate one planned control on one host, and fold results into a run."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from testinfra.host import Host

from pytest_aisec.catalog.context import Evaluation, evaluating
from pytest_aisec.catalog.control import PLATFORMS, NotApplicable
from pytest_aisec.catalog.plan import Plan, PlannedControl
from pytest_aisec.judge.outcome import Conclusion, Outcome, conclude
from pytest_aisec.judge.run import (
    AttestationInfo,
    ControlInfo,
    Exclusion,
    GroupInfo,
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
from pytest_aisec.observe import quota
from pytest_aisec.observe.backend import ObservingBackend, Pending
from pytest_aisec.observe.faults import Unobservable
from pytest_aisec.observe.hosts import Target
from pytest_aisec.observe.redaction.redact import redact, redact_value
from pytest_aisec.observe.transcript import Ordered, Transcript

_OTHER_PLATFORMS = ("aix", "dragonfly", "sunos")
"""Lower-case output of `uname -s` on systems that no control can be for."""
_LONGEST_NUMBER = 4096
"""Bits; Python refuses to write much longer ones in decimal."""
_WORST_FIRST = ("failed", "error", "not_reviewed", "not_run", "passed", "not_applicable")


class OtherPlatform(NotApplicable):
    """The control is for other platforms than the host's."""


def evaluate(
    planned: PlannedControl, host: Host, call: Callable[..., None], circumstances: Evaluation
) -> None:
    """Call the control's function on `host`, as pytest or the collector do; its outcome is what it raises.

    Args:
        planned: the control and its parameters.
        host: whose backend is an `ObservingBackend`; its list of asked commands is begun anew.
        call: the control's test function.
        circumstances: those of the run; what is declared is the control's.

    Raises:
        OtherPlatform: when the host's platform is not one of the control's.

    """
    backend: ObservingBackend = host.backend
    backend.asked, backend.asked_before = [], []
    found = platform(host)
    if found not in planned.control.platforms:
        wanted = ", ".join(planned.control.platforms)
        raise OtherPlatform(f"the host is {found}, the control is for {wanted}")
    backend.asked, backend.asked_before = [], backend.asked
    if planned.control.needs_running and nothing_runs(host):
        raise NotApplicable("the target is a directory without /proc: nothing runs in a directory")
    declared = dataclasses.replace(circumstances, declared=planned.declared)
    with evaluating(declared), quota.limited(backend.transcript):
        call(host, **planned.arguments())


def speculations(plan: Plan, circumstances: Evaluation) -> dict[str, Callable[[Host], None]]:
    """Return, for each control that may be called early, a call that asks its questions of a host."""

    def of(planned: PlannedControl) -> Callable[[Host], None]:
        return lambda host: speculate(planned, host, circumstances)

    return {planned.key: of(planned) for planned in plan.controls if planned.control.speculate}


def speculate(planned: PlannedControl, host: Host, circumstances: Evaluation) -> None:
    """Call the control as `evaluate` does, but go on while the platform is still a pending question."""
    try:
        if platform(host) not in planned.control.platforms:
            return
        if planned.control.needs_running and nothing_runs(host):
            return
        waiting = None
    except Pending as question:
        waiting = question
    declared = dataclasses.replace(circumstances, declared=planned.declared)
    with evaluating(declared), quota.limited(host.backend.transcript):
        planned.control.function(host, **planned.arguments())
    if waiting is not None:
        raise waiting


def platform(host: Host) -> str:
    """Return the host's platform: one of `catalog.control.PLATFORMS`, or another kernel that is known.

    Raises:
        Unobservable: when `uname -s` names none of them: what nobody recognises is no other platform.

    """
    backend: ObservingBackend = host.backend
    if backend.connection == "winrm":
        return "windows"
    answer = host.run("uname -s")
    name: str = answer.stdout.strip().lower()
    if answer.rc != 0 or name not in {*PLATFORMS, *_OTHER_PLATFORMS}:
        raise Unobservable(
            "parse", f"uname -s does not tell the platform: {answer.stdout or answer.stderr!r}"
        )
    return name


def nothing_runs(host: Host) -> bool:
    """Tell whether the host is a directory in which nothing runs: `chroot://`, and no `/proc` in it.

    What `ss` or `nft` say there is of the machine that audits. With `/proc`, it may be a host seen from a
    container, and is judged.

    Raises:
        Unobservable: when it cannot be told whether there is a `/proc`.

    """
    backend: ObservingBackend = host.backend
    if backend.connection != "chroot":
        return False
    answer = host.run("ls -d /proc/self")
    if answer.rc != 0 and "No such file or directory" in answer.stderr:
        return True
    if answer.rc != 0:
        raise Unobservable("unreadable", f"whether /proc is there is not shown: {answer.stderr!r}")
    return False


def looked(host: Host, error: BaseException | None) -> bool:
    """Tell whether the evaluation that ended with `error` rests on anything observed."""
    backend: ObservingBackend = host.backend
    return bool(backend.asked) or isinstance(error, OtherPlatform)


def judge(planned: PlannedControl, host: Host, circumstances: Evaluation) -> Conclusion:
    """Evaluate the control outside of pytest and return how it ended."""
    error: BaseException | None = None
    try:
        evaluate(planned, host, planned.control.function, circumstances)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as raised:  # noqa: BLE001 - whatever a control raises is its outcome
        error = raised
    return conclude(error, looked=looked(host, error))


def jsonable(value: object) -> Any:
    """Return `value` as JSON data, redacted: containers stay, sets are sorted, anything else is its text."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and value.bit_length() > _LONGEST_NUMBER:
        return hex(value)
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return redact(value).encode("utf-8", "backslashreplace").decode()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: jsonable(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(jsonable(str(key))): _setting(str(key), item) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted((jsonable(item) for item in value), key=repr)
    if isinstance(value, (list, tuple)):
        return [jsonable(item) for item in value]
    return jsonable(str(value))


def _setting(name: str, value: object) -> Any:
    """Return the value of a setting as JSON data; the name may say that it is a credential."""
    if isinstance(value, (list, tuple)):
        return [_setting(name, item) for item in value]
    return jsonable(redact_value(name, value))


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """Outcome of one evaluation, as it travels from the process that made it to the recorder."""

    control: str
    host: str
    outcome: str
    reason: str
    message: str
    expected: Any = None
    observed: Any = None
    asked: Sequence[str] = ()
    duration_ms: int = 0


def fold(
    plan: Plan,
    targets: Sequence[Target],
    ended: Iterable[Ended],
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
    by_host: dict[str, dict[str, Ended]] = {target.name: {} for target in targets}
    for item in sorted(ended, key=lambda item: _WORST_FIRST.index(item.outcome)):
        by_host[item.host].setdefault(item.control, item)

    def asked(name: str) -> Iterable[str]:
        found = by_host[name]
        return (command for control in plan.on(name) if control in found for command in found[control].asked)

    results: list[Result] = []
    hosts: list[HostInfo] = []
    ordered = Ordered(transcripts, asked, needed)
    for target in targets:
        transcripts[target.name].refresh()
        fault = transcripts[target.name].host_fault
        observations = ordered[target.name]
        numbers = {observation.command: number for number, observation in enumerate(observations, start=1)}
        hosts.append(
            HostInfo(
                name=target.name,
                connection=target.connection,
                group=plan.members.get(target.name, ""),
                transcript=f"transcripts/{target.slug()}.jsonl",
                observations=len(observations),
                fault=str(jsonable(str(fault))) if fault else "",
            )
        )
        results += [
            _result(planned, target, by_host[target.name].get(planned.id), numbers, why_not)
            for planned in plan.on(target.name).values()
        ]
    return Run(
        run=info,
        hosts=tuple(hosts),
        controls=tuple(describe(planned) for planned in plan.controls),
        excluded=tuple(
            Exclusion(control=item.control, reason=str(jsonable(item.reason)), group=item.group)
            for item in plan.excluded
        ),
        groups=tuple(GroupInfo(**jsonable(item)) for item in plan.groups),
        results=tuple(results),
        ledger=count(results, planned=sum(len(plan.on(target.name)) for target in targets)),
        scores=score(results),
        policy=plan.gate,
        transcripts=ordered,
    )


def lay_over(run: Run, waivers: Sequence[Waiver], attestations: Sequence[Attestation]) -> Run:
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
    found: Ended | None,
    numbers: Mapping[str, int],
    why_not: Callable[[str, str], str],
) -> Result:
    if found is None:
        why = why_not(planned.id, target.name)
        found = Ended(control=planned.id, host=target.name, outcome="not_run", reason=why, message=why)
    return Result(
        control=planned.id,
        host=target.name,
        outcome=Outcome(found.outcome),
        reason=str(jsonable(found.reason)),
        severity=planned.severity,
        title=planned.control.title,
        expected=found.expected,
        observed=found.observed,
        message=str(jsonable(found.message)),
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
    )
