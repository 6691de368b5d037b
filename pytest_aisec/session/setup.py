"""The beginning of an audit: plan, hosts and the place for the evidence, or one message on what is wrong."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pytest_aisec.catalog import plan as plans
from pytest_aisec.catalog.context import Evaluation
from pytest_aisec.catalog.load import load_catalog
from pytest_aisec.errors import EmptyPlan, EvidenceError, UsageProblem
from pytest_aisec.evidence.bundle import Claim
from pytest_aisec.judge.gate import ExitCode
from pytest_aisec.judge.waivers import attestation, waiver
from pytest_aisec.observe.redaction import redact, user_patterns
from pytest_aisec.report.github import Log, harmless, is_heeded
from pytest_aisec.report.text import visible
from pytest_aisec.session import collection, hosts, replay
from pytest_aisec.session import gate as gating
from pytest_aisec.session import plan as planning
from pytest_aisec.session.collector import Collector
from pytest_aisec.session.evaluator import NAME, Session
from pytest_aisec.session.github_log import Announcer
from pytest_aisec.session.keys import LOG, PATTERNS, ROOTS, SETTINGS, SIGNER
from pytest_aisec.session.recorder import Recorder
from pytest_aisec.session.replay import Imported, Replayed
from pytest_aisec.session.sanitizer import Cleaner

_PATTERNS = "redact.yaml"
"""What the processes of a run call the patterns of the user's."""


def start(config: pytest.Config) -> None:
    """Resolve plan and hosts and register the session; stop pytest when either is wrong.

    Raises:
        pytest.UsageError: exit code 4, with one message.
        pytest.exit.Exception: exit code 5 for an empty plan, 12 when there is no place for the evidence.

    """
    collection.settle(config)
    worker = hasattr(config, "workerinput")
    shared: dict[str, str] = {}
    try:
        _check_interpreter()
        _redact(config)
        roots = config.stash[ROOTS]
        catalog = load_catalog(roots)
        plan = planning.resolve(config, catalog)
        gate = gating.of(config, plan)
        plan = replace(plan, gate=gate.chosen.policy)
        waivers = waiver.load(_paths(config, "aisec_waivers"), catalog)
        attestations = attestation.load(_paths(config, "aisec_attestations"), catalog)
        _check_options(config)
        replayed = replay.of(config)
        shared = dict(vars(config)["workerinput"]["aisec"]) if worker else _share(config, replayed)
        targets = hosts.targets(config) if replayed is None else replayed.targets
        if replayed is not None and plan.groups:
            planning.recorded(config, plan, replayed.groups)
        plan, targets = planning.with_hosts(config, plan, targets)
        if not worker and not config.option.aisec_observe_only:
            gate.check(
                plan, catalog, hosts=[target.name for target in targets], has_waivers=bool(waivers.items)
            )
        claim = None if worker or hosts.only_asks_pytest(config) else _claim(config, plan, shared)
    except BaseException as problem:
        hosts.end(config)
        _forget(shared, worker=worker)
        try:
            _complain(config, problem)
        finally:
            redact.forget()
        raise
    option = config.option
    circumstances = Evaluation(
        now=datetime.fromisoformat(shared["started_at"]),
        active=option.aisec_active or (isinstance(replayed, Replayed) and replayed.active),
        advisories=_path(config, option.aisec_advisories),
    )
    session = Session(config, plan, targets, shared, replayed, circumstances)
    config.pluginmanager.register(session, NAME)
    _keep_clean(config)
    config.pluginmanager.import_plugin("pytest_aisec.session.fixtures")
    if claim is not None:
        recorder = Recorder(
            config, plan, targets, session.transcripts, claim, circumstances, session.verbosity
        )
        recorder.waivers, recorder.attestations = waivers, attestations
        recorder.gate_files, recorder.baseline = gate.chosen.sources, gate.baseline
        recorder.signer = config.stash.get(SIGNER, None)
        config.pluginmanager.register(recorder, "aisec-recorder")
        if replayed is None and not config.option.aisec_no_waves:
            limits = hosts.host_options(config).limits
            collector = Collector(config, plan, targets, session.transcripts, limits, circumstances)
            config.pluginmanager.register(collector, "aisec-collector")
            recorder.collector = collector


def _keep_clean(config: pytest.Config) -> None:
    """Let nothing that hosts answer harm who reads what is printed: a person, or GitHub Actions."""
    config.pluginmanager.register(Cleaner(), "aisec-cleaner")
    if is_heeded(os.environ) and not hasattr(config, "workerinput"):
        config.stash[LOG] = Log()
        config.pluginmanager.register(Announcer(config, config.stash[LOG]), "aisec-announcer")


def _complain(config: pytest.Config, problem: BaseException) -> None:
    """Raise what makes pytest end with the right message and code, where the problem is one of ours."""
    message = visible(redact.redact(str(problem)))
    message = harmless(message) if is_heeded(os.environ) else message
    if isinstance(problem, UsageProblem):
        if config.option.aisec_exit == "simple":
            pytest.exit(message, returncode=1)
        raise pytest.UsageError(message) from None
    if isinstance(problem, (EmptyPlan, EvidenceError)):
        code = ExitCode.EMPTY if isinstance(problem, EmptyPlan) else ExitCode.EVIDENCE
        pytest.exit(message, returncode=_code(config, code))


def _redact(config: pytest.Config) -> None:
    """Look for the credentials that the user describes, before anything is asked or shown."""
    if hasattr(config, "workerinput"):
        path: Path | None = Path(vars(config)["workerinput"]["aisec"]["private"]) / _PATTERNS
        path = path if path and path.exists() else None
    else:
        path = _path(config, config.option.aisec_redact)
    config.stash[PATTERNS] = user_patterns.read(path) if path else user_patterns.Patterns()
    redact.use(config.stash[PATTERNS].own)


def _check_options(config: pytest.Config) -> None:
    option = config.option
    if option.aisec_workers < 1:
        raise UsageProblem(f"--aisec-workers {option.aisec_workers}: must be at least 1")
    replay = "--aisec-replay" if option.aisec_replay else "--aisec-import" if option.aisec_import else ""
    if option.aisec_observe_only and (option.aisec_no_waves or replay):
        other = replay or "--aisec-no-waves"
        raise UsageProblem(f"--aisec-observe-only asks hosts in waves, which {other} does not")
    advisories = _path(config, option.aisec_advisories)
    if advisories is not None:
        from pytest_aisec.advisories.index import open_index  # noqa: PLC0415 - only where one is named

        open_index(advisories)
    if option.aisec_replay and option.aisec_import:
        raise UsageProblem("--aisec-replay and --aisec-import cannot be given together")
    if option.aisec_replay or option.aisec_import:
        what = "--aisec-replay takes its hosts from the bundle"
        if option.aisec_import:
            what = "--aisec-import takes its hosts from the files"
        given = [name for name in ("hosts", "ansible_inventory", "connection") if getattr(option, name, None)]
        if given:
            raise UsageProblem(f"{what}: leave --{given[0].replace('_', '-')} out")


def _check_interpreter() -> None:
    if not __debug__:
        raise UsageProblem(
            "Python drops assertions (-O or PYTHONOPTIMIZE), and with them what controls and testinfra check"
        )


def _share(config: pytest.Config, replayed: Replayed | Imported | None) -> dict[str, str]:
    """Make what all processes of the run share: private directories and the time of its start."""
    now = datetime.now(UTC).replace(microsecond=0).isoformat()
    private = tempfile.mkdtemp(prefix="aisec-")
    (Path(private) / "spool").mkdir(mode=0o700)
    if config.stash[PATTERNS].own:
        (Path(private) / _PATTERNS).write_text(config.stash[PATTERNS].dump(), encoding="utf-8")
    return {
        "private": private,
        "spool": str(Path(private) / "spool"),
        "started_at": now if replayed is None else replayed.started_at,
    }


def _forget(shared: dict[str, str], *, worker: bool) -> None:
    if shared and not worker:
        shutil.rmtree(shared["private"], ignore_errors=True)


def _claim(config: pytest.Config, plan: plans.Plan, shared: dict[str, str]) -> Claim:
    mode = int(config.option.aisec_evidence_mode, 8)
    if config.option.aisec_evidence:
        given = Path(config.option.aisec_evidence).expanduser()
        return Claim(config.invocation_params.dir / given, mode)
    stamp = datetime.fromisoformat(shared["started_at"]).strftime("%Y%m%dT%H%M%SZ")
    found = config.stash.get(SETTINGS, None)
    parent = config.invocation_params.dir / "aisec-evidence"
    if found is not None and found.file.evidence:
        parent = found.directory / Path(found.file.evidence).expanduser()
    base = parent / f"{stamp}-{plan.profile}"
    number, directory = 1, base
    while directory.exists():
        number += 1
        directory = base.with_name(f"{base.name}-{number}")
    return Claim(directory, mode)


def _path(config: pytest.Config, given: str | None) -> Path | None:
    return config.invocation_params.dir / Path(given).expanduser() if given else None


def _paths(config: pytest.Config, option: str) -> list[Path]:
    return [config.invocation_params.dir / Path(item).expanduser() for item in config.getoption(option)]


def _code(config: pytest.Config, code: int) -> int:
    return min(code, 1) if config.option.aisec_exit == "simple" else code
