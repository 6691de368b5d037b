"""The beginning of an audit: plan, hosts and the place for the evidence, or one message on what is wrong."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_aisec.catalog.context import Evaluation
from pytest_aisec.catalog.plan import Plan
from pytest_aisec.errors import EmptyPlan, EvidenceError, UsageProblem
from pytest_aisec.observe.hosts import Target
from pytest_aisec.observe.redaction import redact
from pytest_aisec.observe.redaction.given import Patterns
from pytest_aisec.observe.transcript import Transcript
from pytest_aisec.report.text import visible
from pytest_aisec.session import collection, fixtures
from pytest_aisec.session import gate as gating
from pytest_aisec.session import plan as planning
from pytest_aisec.session.audit import Audit
from pytest_aisec.session.evaluator import NAME, Session
from pytest_aisec.session.gate import Gating
from pytest_aisec.session.hosts import Hosts
from pytest_aisec.session.interruption import Interruption
from pytest_aisec.session.keys import REWRITER
from pytest_aisec.session.modules import Rewriter
from pytest_aisec.session.request import AuditRequest
from pytest_aisec.session.sanitizer import Cleaner

if TYPE_CHECKING:
    # Loaded by the runs that need it: an audit that asks pytest what there is needs none of it.
    from pytest_aisec.evidence.claim import Claim
    from pytest_aisec.evidence.signing.keys import Signer
    from pytest_aisec.judge.waivers.attestation import Attestation
    from pytest_aisec.judge.waivers.statement import Given
    from pytest_aisec.judge.waivers.waiver import Waiver
    from pytest_aisec.session.recorder import Inputs
    from pytest_aisec.session.replay import Imported, Replayed

_ANNOUNCER = "aisec-announcer"
_PATTERNS = "redact.yaml"
"""What the processes of a run call the patterns of the user's."""


def start(config: pytest.Config, request: AuditRequest, hosts: Hosts, signer: Signer | None) -> None:
    """Resolve plan and hosts and register the session; stop pytest when either is wrong.

    Raises:
        pytest.UsageError: exit code 4, with one message.
        pytest.exit.Exception: exit code 5 for an empty plan, 12 when there is no place for the evidence.

    """
    collection.settle(config)
    shared: dict[str, str] = {}
    try:
        _check_interpreter()
        patterns = _redact(request)
        execute = getattr(config.pluginmanager.rewrite_hook, "exec_module", None)
        rewriter = config.stash.setdefault(REWRITER, Rewriter(execute))
        catalog = rewriter.load_catalog(request.roots)
        plans = planning.resolve(request, catalog)
        if not request.only_asks_pytest:
            rewriter.execute(plans.by_group.values())
        gate = gating.of(request, plans)
        waivers = _waivers(request, catalog)
        attestations = _attestations(request, catalog)
        _check_options(request)
        replayed = _replayed(request, patterns)
        patterns = patterns if replayed is None else replayed.patterns
        shared = _share(patterns, replayed) if request.shared is None else dict(request.shared)
        targets = hosts.targets() if replayed is None else replayed.targets
        members = hosts.members if replayed is None else plans.recorded(replayed.groups)
        plan = plans.for_hosts(members, gate.chosen.policy)
        targets = [target for target in targets if not plans.has_groups or target.name in plan.members]
        if not request.is_worker and not request.observe_only:
            gate.check(
                plan,
                catalog,
                hosts=[target.name for target in targets],
                has_waivers=waivers is not None and bool(waivers.items),
            )
        has_evidence = not request.is_worker and not request.only_asks_pytest
        claim = _claim(request, plan, shared) if has_evidence else None
    except BaseException as problem:
        hosts.end()
        _forget(shared, worker=request.is_worker)
        try:
            _complain(request, problem)
        finally:
            redact.clear_secrets()
        raise
    audit = Audit(
        request=request,
        plan=plan,
        targets=targets,
        transcripts=_transcripts(targets, shared, replayed),
        circumstances=_circumstances(request, shared, replayed),
        patterns=patterns,
        shared=shared,
    )
    session = Session(config, audit, hosts)
    _register(config, audit, session)
    if claim is not None:
        inputs = _inputs(waivers, attestations, gate, signer)
        _record(config, audit, claim, inputs, asks=replayed is None, verbosity=session.verbosity)


def _waivers(request: AuditRequest, known: Collection[str]) -> Given[Waiver] | None:
    if not request.waivers:
        return None
    from pytest_aisec.judge.waivers import waiver  # noqa: PLC0415 - only where there are any

    return waiver.load(request.waivers, known)


def _attestations(request: AuditRequest, known: Collection[str]) -> Given[Attestation] | None:
    if not request.attestations:
        return None
    from pytest_aisec.judge.waivers import attestation  # noqa: PLC0415 - only where there are any

    return attestation.load(request.attestations, known)


def _replayed(request: AuditRequest, patterns: Patterns) -> Replayed | Imported | None:
    if not (request.replay or request.imports):
        return None
    from pytest_aisec.session import replay  # noqa: PLC0415 - only where something takes the place of hosts

    return replay.of(request, patterns)


def _circumstances(
    request: AuditRequest, shared: Mapping[str, str], replayed: Replayed | Imported | None
) -> Evaluation:
    return Evaluation(
        now=datetime.fromisoformat(shared["started_at"]),
        active=request.active or (replayed is not None and replayed.active),
        advisories=request.advisories,
    )


def _register(config: pytest.Config, audit: Audit, session: Session) -> None:
    """Register what takes part in every process of the run."""
    manager = config.pluginmanager
    manager.register(session, NAME)
    manager.register(Cleaner(), "aisec-cleaner")
    manager.register(Interruption(is_worker=audit.request.is_worker), "aisec-interruption")
    if os.environ.get("GITHUB_ACTIONS") and not audit.request.is_worker:
        from pytest_aisec.report.github import Log, is_heeded  # noqa: PLC0415 - only in its jobs
        from pytest_aisec.session.github_log import Announcer  # noqa: PLC0415 - likewise

        if is_heeded(os.environ):
            manager.register(Announcer(config, Log()), _ANNOUNCER)
    manager.register(fixtures, fixtures.__name__)  # a second audit in one process imports it no more


def _inputs(
    waivers: Given[Waiver] | None,
    attestations: Given[Attestation] | None,
    gate: Gating,
    signer: Signer | None,
) -> Inputs:
    from pytest_aisec.judge.waivers.statement import Given  # noqa: PLC0415 - only where there is evidence
    from pytest_aisec.session.recorder import Inputs  # noqa: PLC0415 - likewise

    return Inputs(
        waivers=waivers or Given(),
        attestations=attestations or Given(),
        gate_files=gate.chosen.sources,
        baseline=gate.baseline,
        signer=signer,
    )


def _record(
    config: pytest.Config, audit: Audit, claim: Claim, inputs: Inputs, *, asks: bool, verbosity: int
) -> None:
    """Register the recorder, in the controlling process, and where hosts are asked in waves the collector."""
    from pytest_aisec.session.collector import Collector  # noqa: PLC0415 - only where there is evidence
    from pytest_aisec.session.recorder import Recorder  # noqa: PLC0415 - likewise

    manager = config.pluginmanager
    collector = None
    if asks and audit.request.waves:
        collector = Collector(config, audit, audit.request.host_options().limits)
    announcer = manager.getplugin(_ANNOUNCER)
    log = None if announcer is None else announcer.log
    recorder = Recorder(config, audit, claim, inputs, collector=collector, log=log, verbosity=verbosity)
    manager.register(recorder, "aisec-recorder")
    if collector is not None:
        manager.register(collector, "aisec-collector")


def _transcripts(
    targets: Sequence[Target], shared: Mapping[str, str], replayed: Replayed | Imported | None
) -> Mapping[str, Transcript]:
    if replayed is not None:
        return {target.name: replayed.transcript(target.name) for target in targets}
    spool = Path(shared["spool"])
    return {target.name: Transcript(spool / f"{_digest(target.name)}.jsonl") for target in targets}


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:16]


def _complain(request: AuditRequest, problem: BaseException) -> None:
    """Raise what makes pytest end with the right message and code, where the problem is one of ours."""
    from pytest_aisec.judge.gate import ExitCode  # noqa: PLC0415 - only where something is wrong
    from pytest_aisec.report.github import harmless, is_heeded  # noqa: PLC0415 - likewise

    message = visible(redact.redact(str(problem)))
    message = harmless(message) if is_heeded(os.environ) else message
    if isinstance(problem, UsageProblem):
        request.refuse(message)
    if isinstance(problem, (EmptyPlan, EvidenceError)):
        code = ExitCode.EMPTY if isinstance(problem, EmptyPlan) else ExitCode.EVIDENCE
        pytest.exit(message, returncode=request.exit_code(code))


def _redact(request: AuditRequest) -> Patterns:
    """Look for the credentials that the user describes, before anything is asked or shown."""
    path = request.redact
    if request.shared is not None:
        path = Path(request.shared["private"]) / _PATTERNS
        path = path if path.exists() else None
    patterns = Patterns()
    if path:
        from pytest_aisec.observe.redaction import user_patterns  # noqa: PLC0415 - only where there are any

        patterns = user_patterns.read(path)
    redact.use(patterns.own)
    return patterns


def _check_options(request: AuditRequest) -> None:
    if request.workers < 1:
        raise UsageProblem(f"--aisec-workers {request.workers}: must be at least 1")
    replaced = "--aisec-replay" if request.replay else "--aisec-import" if request.imports else ""
    if request.observe_only and (not request.waves or replaced):
        other = replaced or "--aisec-no-waves"
        raise UsageProblem(f"--aisec-observe-only asks hosts in waves, which {other} does not")
    if request.advisories is not None:
        from pytest_aisec.advisories.index import open_index  # noqa: PLC0415 - only where one is named

        open_index(request.advisories)
    if request.replay and request.imports:
        raise UsageProblem("--aisec-replay and --aisec-import cannot be given together")
    if replaced:
        what = "--aisec-replay takes its hosts from the bundle"
        if request.imports:
            what = "--aisec-import takes its hosts from the files"
        names = ("hosts", "ansible_inventory", "connection")
        given = [name for name in names if request.host_values.get(name)]
        if given:
            raise UsageProblem(f"{what}: leave --{given[0].replace('_', '-')} out")


def _check_interpreter() -> None:
    if not __debug__:
        raise UsageProblem(
            "Python drops assertions (-O or PYTHONOPTIMIZE), and with them what controls and testinfra check"
        )


def _share(patterns: Patterns, replayed: Replayed | Imported | None) -> dict[str, str]:
    """Make what all processes of the run share: private directories and the time of its start."""
    now = datetime.now(UTC).replace(microsecond=0).isoformat()
    private = tempfile.mkdtemp(prefix="aisec-")
    (Path(private) / "spool").mkdir(mode=0o700)
    if patterns.own:
        (Path(private) / _PATTERNS).write_text(patterns.dump(), encoding="utf-8")
    return {
        "private": private,
        "spool": str(Path(private) / "spool"),
        "started_at": now if replayed is None else replayed.started_at,
    }


def _forget(shared: dict[str, str], *, worker: bool) -> None:
    if shared and not worker:
        shutil.rmtree(shared["private"], ignore_errors=True)


def _claim(request: AuditRequest, plan: Plan, shared: Mapping[str, str]) -> Claim:
    from pytest_aisec.evidence.claim import Claim  # noqa: PLC0415 - only where there is to be evidence

    if request.evidence is not None:
        return Claim(request.evidence, request.evidence_mode)
    stamp = datetime.fromisoformat(shared["started_at"]).strftime("%Y%m%dT%H%M%SZ")
    found = request.settings
    parent = request.here / "aisec-evidence"
    if found is not None and found.file.evidence:
        parent = found.directory / Path(found.file.evidence).expanduser()
    base = parent / f"{stamp}-{plan.profile}"
    number, directory = 1, base
    while directory.exists():
        number += 1
        directory = base.with_name(f"{base.name}-{number}")
    return Claim(directory, request.evidence_mode)
