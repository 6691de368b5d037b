"""Made-up runs: what those of all benchmarks have in common."""

from collections.abc import Mapping, Sequence

from pytest_aisec.catalog.policy import GatePolicy
from pytest_aisec.judge.run import ControlInfo, HostInfo, Result, Run, RunInfo, WaiverInfo, count, score
from pytest_aisec.observe.transcript import Observation


def made_up(
    controls: Sequence[ControlInfo],
    results: Sequence[Result],
    transcripts: Mapping[str, Sequence[Observation]],
    *,
    observations: int,
    waivers: Sequence[WaiverInfo] = (),
) -> Run:
    """Return a run on the hosts of `transcripts`, each of which was asked so many questions."""
    return Run(
        run=RunInfo(
            id="6f0e2f9e-3a53-5f0e-9f5d-5b1f5a4d7c11",
            started_at="2026-03-01T09:30:00Z",
            finished_at="2026-03-01T09:31:07Z",
            profile="training-node",
            profile_title="Training node",
            profile_version="1.4",
            package_version="0.1.0",
            plan_sha256="ab" * 32,
        ),
        hosts=[
            HostInfo(
                name=name, connection=name, transcript=f"transcripts/{at:04}.jsonl", observations=observations
            )
            for at, name in enumerate(transcripts)
        ],
        controls=controls,
        excluded=(),
        results=results,
        ledger=count(results, planned=len(results)),
        scores=score(results),
        policy=GatePolicy(),
        waivers=waivers,
        transcripts=transcripts,
    )
