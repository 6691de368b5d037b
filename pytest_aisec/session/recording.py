"""Registration of what asks hosts and leaves the evidence. Only in the controlling process of a real run."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from pytest_aisec.evidence.claim import Claim
from pytest_aisec.evidence.signing.keys import Signer
from pytest_aisec.judge.waivers.attestation import Attestation
from pytest_aisec.judge.waivers.statement import Given
from pytest_aisec.judge.waivers.waiver import Waiver
from pytest_aisec.session import github_log
from pytest_aisec.session.audit import Audit
from pytest_aisec.session.collector import Collector
from pytest_aisec.session.evaluator import NAME
from pytest_aisec.session.gate import Gating
from pytest_aisec.session.recorder import Inputs, Recorder


@dataclass(frozen=True, kw_only=True)
class Statements:
    """Statements of people; None where no file was given."""

    waivers: Given[Waiver] | None
    attestations: Given[Attestation] | None


def register(
    config: pytest.Config,
    audit: Audit,
    claim: Claim,
    statements: Statements,
    gate: Gating,
    signer: Signer | None,
    *,
    asks: bool,
) -> None:
    """Register the recorder, and where hosts are asked in waves, the collector."""
    manager = config.pluginmanager
    inputs = Inputs(
        waivers=statements.waivers or Given(),
        attestations=statements.attestations or Given(),
        gate_files=gate.chosen.sources,
        baseline=gate.baseline,
        signer=signer,
    )
    collector = None
    if asks and audit.request.waves:
        collector = Collector(config, audit, audit.request.host_options().limits)
    session = manager.getplugin(NAME)
    recorder = Recorder(
        config,
        audit,
        claim,
        inputs,
        collector=collector,
        log=github_log.of(config),
        verbosity=session.verbosity,
    )
    manager.register(recorder, "aisec-recorder")
    if collector is not None:
        manager.register(collector, "aisec-collector")
