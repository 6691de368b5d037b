"""Runs for the gate: nothing but results."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_aisec.catalog.control import Severity
from pytest_aisec.catalog.policy import GatePolicy
from pytest_aisec.judge.outcome import Outcome
from pytest_aisec.judge.run import Result, Run, RunInfo, WaiverState, count, score

INFO = RunInfo(
    id="x",
    started_at="",
    finished_at="",
    profile="p",
    profile_title="P",
    profile_version="1",
    package_version="0",
    plan_sha256="",
)


def result(outcome: Outcome, severity: Severity = "high", waiver: str | None = None) -> Result:
    return Result(
        control="ACME-ART-01",
        host="local://",
        outcome=outcome,
        reason="",
        severity=severity,
        title="",
        waiver=WaiverState(id="W-1", state=waiver) if waiver else None,  # type: ignore[arg-type]
    )


def run(
    results: Sequence[Result],
    fail_on: Severity = "low",
    planned: int | None = None,
    policy: GatePolicy | None = None,
) -> Run:
    return Run(
        run=INFO,
        hosts=(),
        controls=(),
        excluded=(),
        results=tuple(results),
        ledger=count(results, planned=len(results) if planned is None else planned),
        scores=score(results),
        policy=policy or GatePolicy(fail_on=fail_on),
    )
