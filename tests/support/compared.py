"""Runs to compare: nothing but the state of each control on each host."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pytest_aisec.catalog.policy import GatePolicy
from pytest_aisec.judge.outcome import Outcome
from pytest_aisec.judge.run import ControlInfo, HostInfo, Result, Run, RunInfo, WaiverState, count, score

INFO = RunInfo(
    id="x",
    started_at="2026-03-01T09:30:00Z",
    finished_at="2026-03-01T09:31:00Z",
    profile="node",
    profile_title="Node",
    profile_version="1",
    package_version="0.1",
    plan_sha256="",
)


def control(number: int, **changes: Any) -> ControlInfo:
    return ControlInfo(
        **{
            "id": f"ACME-TST-{number:02}",
            "title": "Holds",
            "rationale": "",
            "severity": "high",
            "family": "TST",
            "frameworks": {},
            "remediation": "",
            "params": {"mode": "0700"},
            "declared": (),
            "platforms": ("linux",),
            **changes,
        }
    )


def result(of: ControlInfo, host: str, state: str, waiver: tuple[str, str] | None = None) -> Result:
    if state == "waived":
        state, waiver = "failed", waiver or ("W-1", "active")
    return Result(
        control=of.id,
        host=host,
        outcome=Outcome(state),
        reason="unreachable" if state == "error" else "",
        severity=of.severity,
        title=of.title,
        waiver=WaiverState(id=waiver[0], state=waiver[1]) if waiver else None,  # type: ignore[arg-type]
    )


def run(
    states: dict[tuple[int, str], str] | None = None,
    *,
    results: tuple[Result, ...] | None = None,
    controls: tuple[ControlInfo, ...] | None = None,
    info: dict[str, Any] | None = None,
    **changes: Any,
) -> Run:
    """Return a run with (control, host) → state; a `waived` has the waiver W-1."""
    states = states or {}
    controls = controls or tuple(control(number) for number in sorted({number for number, _ in states}))
    by_id = {item.id: item for item in controls}
    if results is None:
        results = tuple(
            result(by_id[f"ACME-TST-{number:02}"], host, state) for (number, host), state in states.items()
        )
    hosts = sorted({item.host for item in results})
    return Run(
        **{
            "run": replace(INFO, **(info or {})),
            "hosts": tuple(
                HostInfo(name=name, connection="ssh", transcript="", observations=0) for name in hosts
            ),
            "controls": controls,
            "excluded": (),
            "results": results,
            "ledger": count(results, planned=len(results)),
            "scores": score(results),
            "policy": GatePolicy(fail_on="regression"),
            **changes,
        }
    )
