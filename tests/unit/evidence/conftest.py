"""A run on two hosts, made by hand, and its bundle."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from pytest_aisec.catalog.load import load_catalog
from pytest_aisec.catalog.plan import Plan
from pytest_aisec.catalog.policy import GatePolicy
from pytest_aisec.catalog.profile import load_chain
from pytest_aisec.catalog.resolve import make_plan
from pytest_aisec.evidence import bundle
from pytest_aisec.evidence.claim import Claim
from pytest_aisec.judge.gate import decide
from pytest_aisec.judge.outcome import Outcome
from pytest_aisec.judge.run import ControlInfo, HostInfo, Result, Run, RunInfo, count, score
from pytest_aisec.observe.transcript import Observation, dump

HOSTS = ("ssh://one", "ssh://two")
PLAN = json.dumps(
    {
        "hosts": HOSTS,
        "controls": [{"id": "ACME-ART-01", "group": "", "severity": "high", "declared": ["dirs"]}],
        "excluded": [],
        "groups": [],
        "members": {},
        "gate": GatePolicy(fail_on="low").model_dump(mode="json"),
    }
)
CONTROL = ControlInfo(
    id="ACME-ART-01",
    title="T",
    rationale="",
    severity="high",
    family="ART",
    frameworks={"nist_800_53": ("AC-3",)},
    remediation="true",
    params={"dirs": ["/srv"]},
    declared=("dirs",),
    platforms=("linux",),
)


def inputs(plan: Plan) -> dict[str, str]:
    """Return the digests of the inputs."""
    return {path: sha256(text.encode()).hexdigest() for path, text in bundle.inputs(PLAN, plan, {}).items()}


@pytest.fixture
def plan(content: Any) -> Plan:
    content.control("ACME-ART-01")
    content.profile("mine", "controls: {ACME-*: }\n")
    return make_plan(load_chain("mine", [content.root], cwd=content.path), load_catalog([content.root]))


@pytest.fixture
def run(plan: Plan) -> Run:
    observation = Observation(
        command="true",
        exit_status=0,
        stdout=b"\xff ok\n",
        stderr=b"",
        started_at="2026-03-01T09:30:00.000Z",
        duration_ms=3,
    )
    results = [
        Result(
            control="ACME-ART-01",
            host=host,
            outcome=outcome,
            reason="",
            severity="high",
            title="T",
            expected={"a": [1, None]},
            observed="\u2028",
            observations=(1,),
        )
        for host, outcome in zip(HOSTS, (Outcome.PASSED, Outcome.FAILED), strict=True)
    ]
    observations = (observation, observation)
    return Run(
        run=RunInfo(
            id="x",
            started_at="2026-03-01T09:30:00Z",
            finished_at="2026-03-01T09:31:00Z",
            profile="mine",
            profile_title="Mine",
            profile_version="1",
            package_version="0",
            plan_sha256=inputs(plan)["inputs/plan.json"],
        ),
        hosts=tuple(
            HostInfo(
                name=host,
                connection="ssh",
                transcript=f"transcripts/{host.replace('://', '_')}.jsonl",
                observations=2,
                transcript_sha256=sha256(dump(observations, host).encode()).hexdigest(),
            )
            for host in HOSTS
        ),
        controls=(CONTROL,),
        excluded=(),
        results=tuple(results),
        ledger=count(results, planned=2),
        scores=score(results),
        policy=GatePolicy(fail_on="low"),
        transcripts=dict.fromkeys(HOSTS, observations),
        inputs=inputs(plan),
    )


@pytest.fixture
def written(run: Run, plan: Plan, tmp_path: Path) -> Path:
    """The bundle of the run, but for the reports."""
    claim = Claim(tmp_path / "evidence")
    for path, text in bundle.inputs(PLAN, plan, {}).items():
        claim.add(path, [text.encode()])
    for host in run.hosts:
        claim.add(host.transcript, [dump(run.transcripts[host.name], host.name).encode()])
    claim.add("run.json", bundle.run_json(run, decide(run)))
    claim.finish()
    return tmp_path / "evidence"
