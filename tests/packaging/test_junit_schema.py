"""The JUnit report is valid against the schema that Jenkins' xUnit plugin publishes."""

from __future__ import annotations

import hashlib
import re

import pytest

from pytest_aisec.catalog.control import SEVERITIES
from pytest_aisec.catalog.plan import Exclusion
from pytest_aisec.catalog.policy import GatePolicy
from pytest_aisec.judge.gate import decide
from pytest_aisec.judge.outcome import Outcome
from pytest_aisec.judge.run import (
    ControlInfo,
    HostInfo,
    Result,
    Run,
    RunInfo,
    WaiverState,
    count,
    score,
)
from pytest_aisec.observe.transcript import Observation
from pytest_aisec.report import junit

SHA256 = "f1c35ab59e9684fe631db106d26d82917cc4730850281264184c19e7a2117f7e"
"""Of the schema without white space, in which copies of it differ."""


def build(names, outcomes, text):
    controls = [
        ControlInfo(
            id=f"AISEC-ART-{number:02}",
            title=f"Control {number} {text}",
            rationale=text,
            severity=SEVERITIES[number % 4],
            family="ART",
            frameworks={"nist_800_53": ["AC-3"]},
            remediation=text,
            params={},
            declared=[],
            platforms=["linux"],
        )
        for number in range(len(outcomes))
    ]
    results = [
        Result(
            control=control.id,
            host=name,
            outcome=outcome,
            reason=text,
            severity=control.severity,
            title=control.title,
            expected=text,
            observed=[text],
            message=text,
            waiver=WaiverState(id="W-1", state=state) if state else None,
            observations=(1, 2),
            duration_ms=1234567,
        )
        for name in names
        for control, (outcome, state) in zip(controls, outcomes, strict=True)
    ]
    info = {"profile": "p", "profile_title": text, "profile_version": "1", "package_version": "0.1.0"}
    times = {"started_at": "2026-03-01T09:30:00Z", "finished_at": "2026-03-01T09:31:00Z"}
    seen = Observation(
        command=text, exit_status=0, stdout=b"\xff", stderr=b"", started_at=times["started_at"], duration_ms=1
    )
    return Run(
        run=RunInfo(id="6f0e2f9e", plan_sha256="ab" * 32, **info, **times),
        hosts=[
            HostInfo(name=name, connection=text, transcript="t.jsonl", observations=1, fault=text)
            for name in names
        ],
        controls=controls,
        excluded=[Exclusion(control="AISEC-NET-01", reason=text)],
        results=results,
        ledger=count(results, planned=len(results)),
        scores=score(results),
        policy=GatePolicy(fail_on="high"),
        transcripts={name: [seen] for name in names},
    )


EVERY = [(outcome, None) for outcome in Outcome] + [
    (Outcome.FAILED, state) for state in ("active", "expired", "stale")
]
STRANGE = (
    "<script> ]]> \x00\x08\x0b \x1b[31m \x85 \udcff \ud800 \u202e \ufffe \U0001ffff שלום &amp; \"'\r\n\t"
)


@pytest.mark.slow
@pytest.mark.parametrize("text", ["", "plain", STRANGE], ids=["empty", "plain", "strange"])
@pytest.mark.parametrize(
    "names", [[], ["gpu-1"], ["gpu-1", STRANGE]], ids=["no host", "one host", "strange host"]
)
@pytest.mark.parametrize("outcomes", [[], EVERY], ids=["no control", "every outcome"])
def test_every_report_is_valid(jenkins, names, outcomes, text):
    run = build(names, outcomes, text)
    assert jenkins(junit.render(run, decide(run))) == []


@pytest.mark.slow
def test_the_schema_refuses_what_the_library_writes(jenkins):
    assert jenkins('<testsuites disabled="0"/>')
    assert jenkins(
        '<testsuites><testsuite name="a" tests="0" failures="0" errors="0" disabled="0"/></testsuites>'
    )
    assert jenkins(
        '<testsuites><testsuite name="a" tests="0" failures="0" errors="0" time="1.23456"/></testsuites>'
    )


@pytest.mark.slow
def test_the_schema_is_the_one_that_jenkins_publishes(jenkins_schema):
    assert hashlib.sha256(re.sub(rb"\s+", b"", jenkins_schema.read_bytes())).hexdigest() == SHA256
