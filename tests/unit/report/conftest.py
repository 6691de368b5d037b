"""Finished runs to render."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_aisec.catalog.policy import GatePolicy
from pytest_aisec.judge.gate import decide
from pytest_aisec.judge.outcome import Outcome
from pytest_aisec.judge.run import (
    ControlInfo,
    Exclusion,
    HostInfo,
    Result,
    Run,
    RunInfo,
    WaiverState,
    count,
    score,
)
from pytest_aisec.observe.transcript import Observation

STRANGE = "<script>alert('x')</script> ]]> \x00 \x1b[31mred\x1b[0m \udcff \ud800 \u202eoverride שלום & \"quoted\" '\r\n\ufffe"
"""What a hostile host may answer: markup, control characters, escapes, half characters, turned text."""


def control(number: int, family: str = "ART", **changes: Any) -> ControlInfo:
    return ControlInfo(
        **{
            "id": f"AISEC-{family}-{number:02}",
            "title": f"Model files are not writable by others ({number})",
            "rationale": "Who can write a model file can run code in every process that loads it.\nPickles most of all.",
            "severity": "high",
            "family": family,
            "frameworks": {"nist_800_53": ["AC-3", "CM-5"], "owasp_llm": ["LLM04"]},
            "remediation": "chmod o-w /srv/models and below",
            "params": {"paths": ["/srv/models"], "mode": "0640"},
            "declared": ["paths"],
            "platforms": ["linux"],
            **changes,
        }
    )


def observation(command: str, stdout: bytes = b"", **changes: Any) -> Observation:
    return Observation(
        **{
            "command": command,
            "exit_status": 0,
            "stdout": stdout,
            "stderr": b"",
            "started_at": "2026-03-01T09:30:01.250Z",
            "duration_ms": 12,
            **changes,
        }
    )


def result(of: ControlInfo, host: str, outcome: str, **changes: Any) -> Result:
    return Result(
        **{
            "control": of.id,
            "host": host,
            "outcome": Outcome(outcome),
            "reason": "",
            "severity": of.severity,
            "title": of.title,
            "observations": (1,),
            "duration_ms": 1234,
            **changes,
        }
    )


def run_of(
    controls: Sequence[ControlInfo],
    results: Sequence[Result],
    transcripts: Mapping[str, Sequence[Observation]],
    *,
    faults: Mapping[str, str] | None = None,
    **changes: Any,
) -> Run:
    hosts = [
        HostInfo(
            name=name,
            connection=f"ssh://{name}",
            transcript=f"transcripts/host-{number}.jsonl",
            observations=len(lines),
            fault=(faults or {}).get(name, ""),
        )
        for number, (name, lines) in enumerate(transcripts.items(), start=1)
    ]
    info = {
        "id": "6f0e2f9e-3a53-5f0e-9f5d-5b1f5a4d7c11",
        "started_at": "2026-03-01T09:30:00Z",
        "finished_at": "2026-03-01T09:31:07Z",
        "profile": "training-node",
        "profile_title": "Training node",
        "profile_version": "1.4",
        "package_version": "0.1.0",
        "plan_sha256": "ab" * 32,
    }
    return Run(
        **{
            "run": RunInfo(**info),
            "hosts": hosts,
            "controls": controls,
            "excluded": [Exclusion(control="AISEC-NET-09", reason="no inbound network on these machines")],
            "results": results,
            "ledger": count(results, planned=len(controls) * len(hosts)),
            "scores": score(results),
            "policy": GatePolicy(fail_on="high"),
            "transcripts": transcripts,
            **changes,
        }
    )


def every_outcome() -> Run:
    """Return a run on one good host, one with a fault and one that answers strangely."""
    c = [control(number) for number in range(1, 7)] + [
        control(1, "NET", severity="low", title="Ports <are> closed")
    ]
    lines = [observation("stat -c %a /srv/models", b"777\n"), observation("id -u", b"0\n")]
    strange = [
        observation(
            f"cat '/srv/{STRANGE}'", STRANGE.encode("utf-8", "surrogatepass"), stderr=b"\xff\xfe\x00"
        ),
        observation("dmesg", b"x" * 9000, exit_status=None, fault="timeout", detail="no answer within 30 s"),
    ]
    waiver = {"active": "W-1", "expired": "W-2"}
    results = [
        result(c[0], "good", "passed"),
        result(c[1], "good", "failed", message="mode is 0777", expected="0640", observed={"mode": "0777"}),
        result(
            c[2],
            "good",
            "failed",
            message="excused",
            expected=1,
            observed=2,
            waiver=WaiverState(id=waiver["active"], state="active"),
        ),
        result(c[3], "good", "not_applicable", reason="no model directory under the default paths"),
        result(c[4], "good", "not_reviewed", reason="needs a person", observations=()),
        result(c[5], "good", "not_run", reason="deselected", observations=(), duration_ms=0),
        result(c[6], "good", "passed", observations=(1, 2)),
        *(
            result(of, "mute", "error", reason="unreachable", message="connection refused", observations=())
            for of in c
        ),
        result(
            c[0],
            "odd",
            "failed",
            message=STRANGE,
            expected=STRANGE,
            observed=[STRANGE],
            observations=(1, 2, 7),
        ),
        result(c[1], "odd", "error", reason="timeout", message="dmesg did not end", observations=(2,)),
        result(
            c[2],
            "odd",
            "failed",
            message="no longer excused",
            waiver=WaiverState(id=waiver["expired"], state="expired"),
        ),
        *(result(of, "odd", "passed") for of in c[3:]),
    ]
    transcripts = {"good": lines, "mute": [], "odd": strange}
    return run_of(c, results, transcripts, faults={"mute": "unreachable: connection refused"})


@pytest.fixture
def make() -> SimpleNamespace:
    """The parts of a run, to put together one's own."""
    return SimpleNamespace(control=control, observation=observation, result=result, run=run_of)


@pytest.fixture
def run() -> Run:
    return every_outcome()


@pytest.fixture
def strange() -> str:
    return STRANGE


@pytest.fixture
def rendered(run: Run) -> Callable[[Any], str]:
    def render(with_: Any) -> str:
        return with_.render(run, decide(run))

    return render
