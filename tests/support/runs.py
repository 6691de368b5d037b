"""Finished runs, ready-made and to put together, for whoever renders or reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pytest_aisec.catalog.plan import Exclusion
from pytest_aisec.catalog.policy import GatePolicy
from pytest_aisec.judge.findings import attach
from pytest_aisec.judge.outcome import Outcome
from pytest_aisec.judge.run import (
    AttestationInfo,
    AttestationState,
    ControlInfo,
    HostInfo,
    Result,
    Run,
    RunInfo,
    WaiverInfo,
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


def waiver_info(name: str, of: str, **changes: Any) -> WaiverInfo:
    return WaiverInfo(
        **{
            "id": name,
            "control": of,
            "hosts": ["*"],
            "reason": "accepted",
            "approved_by": "ciso@example.com",
            "approved_on": "2026-01-15",
            "expires": "2026-02-01",
            "state": "active",
            "excuses": 1,
            "passes": 0,
            **changes,
        }
    )


def attestation_info(name: str, of: str, **changes: Any) -> AttestationInfo:
    return AttestationInfo(
        **{
            "id": name,
            "control": of,
            "hosts": ["*"],
            "statement": "the rack is locked",
            "status": "passed",
            "attested_by": "dc@example.com",
            "attested_on": "2026-02-01",
            "valid_until": "2026-05-03",
            "state": "active",
            "decides": 1,
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
    waivers = [
        waiver_info(
            "W-1", c[2].id, hosts=["good"], expires="2026-12-31", ticket="SEC-7", reason="vendor image"
        ),
        waiver_info("W-2", c[2].id, hosts=["odd"], state="expired", reason="until the migration"),
    ]
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
            waiver=WaiverState(id="W-1", state="active"),
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
            waiver=WaiverState(id="W-2", state="expired"),
        ),
        *(result(of, "odd", "passed") for of in c[3:]),
    ]
    transcripts = {"good": lines, "mute": [], "odd": strange}
    return run_of(
        c, results, transcripts, faults={"mute": "unreachable: connection refused"}, waivers=waivers
    )


def with_statements() -> Run:
    """Return a run on one host with waivers and attestations in all states."""
    c = [control(number) for number in range(1, 7)]
    c[1:3] = [replace(c[1], severity="critical"), replace(c[2], severity="medium")]
    results = [
        result(c[0], "a", "failed", message="excused", waiver=WaiverState(id="W-1", state="active")),
        result(c[1], "a", "failed", message="mode is 0777", waiver=WaiverState(id="W-2", state="expired")),
        result(c[2], "a", "passed", waiver=WaiverState(id="W-3", state="stale")),
        result(c[3], "a", "passed", attestation=AttestationState(id="A-1", state="active"), observations=()),
        result(c[4], "a", "not_reviewed", reason="needs a person", observations=(),
               attestation=AttestationState(id="A-2", state="expired")),
        result(c[5], "a", "failed", message="said so", attestation=AttestationState(id="A-3", state="active")),
    ]  # fmt: skip
    return run_of(
        c,
        results,
        {"a": [observation("stat -c %a /srv/models", b"777\n")]},
        waivers=[
            waiver_info("W-1", c[0].id, expires="2026-12-31", ticket="SEC-7"),
            waiver_info("W-2", c[1].id, state="expired"),
            waiver_info("W-3", c[2].id, state="stale", expires="2026-12-31", excuses=0, passes=1),
            waiver_info("W-4", "AISEC-NET-01", state="unused", excuses=0, reason=STRANGE),
        ],
        attestations=[
            attestation_info("A-1", c[3].id),
            attestation_info("A-2", c[4].id, state="expired", valid_until="2026-02-20", statement=STRANGE),
            attestation_info("A-3", c[5].id, status="failed", statement="the door is open"),
        ],
    )


def with_findings() -> Run:
    """Return a run in which controls failed with one finding, with several, and with very many."""
    c = [control(number) for number in range(1, 5)]
    wrong: list[Any] = [
        17,
        {"/srv/a": "0777", STRANGE: STRANGE},
        {f"/srv/{n:03}": "0666" for n in range(150)},
    ]
    results = [
        result(of, "a", "failed", observed=seen, expected={}) for of, seen in zip(c, wrong, strict=False)
    ]
    return attach(run_of(c, [*results, result(c[3], "a", "passed")], {"a": [observation("ls", b"x\n")]}))


def all_strange() -> Run:
    """Return a run in which every text that is not ours alone is hostile."""
    texts = dict.fromkeys(("title", "rationale", "remediation", "remediation_is_words"), STRANGE)
    c = control(1, **texts, params={STRANGE: [STRANGE]})
    strange = {"message": STRANGE, "reason": STRANGE, "expected": {STRANGE: STRANGE}, "observed": STRANGE}
    outcomes = [outcome.value for outcome in Outcome]
    hosts = [f"{outcome} {STRANGE}" for outcome in outcomes]
    results = [
        result(c, name, outcome, **strange, waiver=WaiverState(id=STRANGE, state="expired"))
        for name, outcome in zip(hosts, outcomes, strict=True)
    ]
    seen = [observation(STRANGE, STRANGE.encode("utf-8", "surrogatepass"), fault="timeout", detail=STRANGE)]
    said = {"reason": STRANGE, "approved_by": STRANGE, "ticket": STRANGE, "note": STRANGE, "hosts": [STRANGE]}
    attested = {"statement": STRANGE, "attested_by": STRANGE, "hosts": [STRANGE]}
    return run_of(
        [c],
        results,
        dict.fromkeys(hosts, seen),
        faults=dict.fromkeys(hosts, STRANGE),
        waivers=[waiver_info(STRANGE, c.id, state="expired", **said)],
        attestations=[attestation_info(STRANGE, c.id, **attested)],
    )
