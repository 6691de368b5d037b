"""The plugin while it audits: plan, hosts, evaluation. One object per pytest process."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pytest
from testinfra.host import Host

from pytest_aisec import audit, collection, connecting, gating, planning, signing
from pytest_aisec.announcing import Announcer
from pytest_aisec.catalog import plan as plans
from pytest_aisec.catalog.context import Evaluation
from pytest_aisec.catalog.control import control_of
from pytest_aisec.catalog.load import load_catalog
from pytest_aisec.cleaning import Cleaner
from pytest_aisec.collecting import Collector
from pytest_aisec.errors import EmptyPlan, EvidenceError, UsageProblem
from pytest_aisec.evidence.bundle import Claim, Replayable, replayable
from pytest_aisec.judge import attestation, waiver
from pytest_aisec.judge.gate import ExitCode
from pytest_aisec.judge.outcome import Outcome, conclude
from pytest_aisec.observe import own_patterns, portable, redact
from pytest_aisec.observe.backend import ObservingBackend
from pytest_aisec.observe.faults import REASONS, Unobservable
from pytest_aisec.observe.hosts import Target
from pytest_aisec.observe.transcript import Observation, Transcript
from pytest_aisec.recorder import LOG, PATTERNS, PLANNED, TARGET, Recorder
from pytest_aisec.report.github import Log, harmless, is_heeded
from pytest_aisec.report.terminal import WORDS
from pytest_aisec.report.text import visible

_PATTERNS = "redact.yaml"
"""What the processes of a run call the patterns of the user's."""
NAME = "aisec-session"
"""Under which the session is registered with pytest."""


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
        roots = config.stash[collection.ROOTS]
        catalog = load_catalog(roots)
        plan = planning.resolve(config, catalog)
        gate = gating.of(config, plan)
        plan = replace(plan, gate=gate.chosen.policy)
        waivers = waiver.load(_paths(config, "aisec_waivers"), catalog)
        attestations = attestation.load(_paths(config, "aisec_attestations"), catalog)
        _check_options(config)
        replayed = _replayed(config)
        shared = dict(vars(config)["workerinput"]["aisec"]) if worker else _share(config, replayed)
        targets = connecting.targets(config) if replayed is None else replayed.targets
        if isinstance(replayed, Replayed) and plan.groups:
            planning.recorded(config, plan, replayed.groups)
        plan, targets = planning.with_hosts(config, plan, targets)
        if not worker and not config.option.aisec_observe_only:
            gate.check(
                plan, catalog, hosts=[target.name for target in targets], has_waivers=bool(waivers.items)
            )
        claim = None if worker or connecting.only_asks_pytest(config) else _claim(config, plan, shared)
    except BaseException as problem:
        connecting.end(config)
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
    config.pluginmanager.import_plugin("pytest_aisec.fixtures")
    if claim is not None:
        recorder = Recorder(
            config, plan, targets, session.transcripts, claim, circumstances, session.verbosity
        )
        recorder.waivers, recorder.attestations = waivers, attestations
        recorder.gate_files, recorder.baseline = gate.chosen.sources, gate.baseline
        recorder.signer = config.stash.get(signing.SIGNER, None)
        config.pluginmanager.register(recorder, "aisec-recorder")
        if replayed is None and not config.option.aisec_no_waves:
            limits = connecting.host_options(config).limits
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
    config.stash[PATTERNS] = own_patterns.read(path) if path else own_patterns.Patterns()
    redact.use(config.stash[PATTERNS].own)


def _check_options(config: pytest.Config) -> None:
    option = config.option
    if option.aisec_workers < 1:
        raise UsageProblem(f"--aisec-workers {option.aisec_workers}: must be at least 1")
    recorded = "--aisec-replay" if option.aisec_replay else "--aisec-import" if option.aisec_import else ""
    if option.aisec_observe_only and (option.aisec_no_waves or recorded):
        other = recorded or "--aisec-no-waves"
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


def _replayed(config: pytest.Config) -> Replayed | Imported | None:
    if config.option.aisec_import:
        return Imported([config.invocation_params.dir / Path(item) for item in config.option.aisec_import])
    if not config.option.aisec_replay:
        return None
    directory = config.invocation_params.dir / Path(config.option.aisec_replay).expanduser()
    try:
        found = replayable(directory, check=not hasattr(config, "workerinput"))
    except EvidenceError as problem:
        raise UsageProblem(f"--aisec-replay {config.option.aisec_replay}: {problem}") from None
    # Questions that hold a credential are found under the marks that they had then.
    then = own_patterns.read_all(directory / "inputs" / "redact")
    config.stash[PATTERNS] = then.and_also(config.stash[PATTERNS])
    redact.use(config.stash[PATTERNS].own)
    return Replayed(found)


class Replayed:
    """A bundle whose transcripts take the place of hosts."""

    def __init__(self, found: Replayable) -> None:
        self.started_at = found.started_at
        self.active = found.active
        self.hosts = {host.name: host for host in found.hosts}
        self.groups = {host.name: host.group for host in found.hosts}
        self._load = found.load
        self.targets = [
            Target(name=host.name, connection=host.connection, backend=None) for host in found.hosts
        ]

    def transcript(self, name: str) -> Transcript:
        """Return the transcript of a host, read when it is first needed."""
        reason, _, detail = self.hosts[name].fault.partition(": ")
        fault = Unobservable(reason, detail, whole_host=True) if reason in REASONS else None
        return Transcript(source=lambda: map(_redacted, self._load(self.hosts[name])), host_fault=fault)


def _redacted(observation: Observation) -> Observation:
    """Return what an earlier run recorded as this run records it: it may know more shapes of credentials."""
    return replace(
        observation,
        command=redact.redact(observation.command),
        stdout=redact.redact_bytes(observation.stdout),
        stderr=redact.redact_bytes(observation.stderr),
        detail=redact.redact(observation.detail),
    )


class Imported:
    """What collect-scripts printed takes the place of hosts."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._carried: dict[str, portable.Carried] = {}
        for path in files:
            try:
                carried = portable.read(path.read_text(encoding="utf-8", errors="replace"))
            except OSError as error:
                raise UsageProblem(f"--aisec-import {path}: cannot be read: {error.strerror}") from None
            except ValueError as error:
                raise UsageProblem(f"--aisec-import {path}: {error}") from None
            name = f"collected://{carried.host}"
            if redact.redact(name) != name:
                raise UsageProblem(f"--aisec-import {path}: the name of the host looks like a credential")
            if name in self._carried:
                raise UsageProblem(f"--aisec-import {path}: there is another file of host {carried.host}")
            self._carried[name] = carried
        earliest = min(carried.started_at for carried in self._carried.values())
        self.started_at = earliest.isoformat()
        self.targets = [Target(name=name, connection="local", backend=None) for name in sorted(self._carried)]

    def transcript(self, name: str) -> Transcript:
        """Return the transcript of a host."""
        return Transcript(source=lambda: self._carried[name].observations)


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
    if config.option.aisec_evidence:
        given = Path(config.option.aisec_evidence).expanduser()
        return Claim(config.invocation_params.dir / given)
    stamp = datetime.fromisoformat(shared["started_at"]).strftime("%Y%m%dT%H%M%SZ")
    found = config.stash.get(connecting.SETTINGS, None)
    parent = config.invocation_params.dir / "aisec-evidence"
    if found is not None and found.file.evidence:
        parent = found.directory / Path(found.file.evidence).expanduser()
    base = parent / f"{stamp}-{plan.profile}"
    number, directory = 1, base
    while directory.exists():
        number += 1
        directory = base.with_name(f"{base.name}-{number}")
    return Claim(directory)


def _path(config: pytest.Config, given: str | None) -> Path | None:
    return config.invocation_params.dir / Path(given).expanduser() if given else None


def _paths(config: pytest.Config, option: str) -> list[Path]:
    return [config.invocation_params.dir / Path(item).expanduser() for item in config.getoption(option)]


def _code(config: pytest.Config, code: int) -> int:
    return min(code, 1) if config.option.aisec_exit == "simple" else code


_PYTEST_OUTCOMES: dict[str, Literal["passed", "skipped"]] = {
    "passed": "passed",
    "not_applicable": "skipped",
    "not_reviewed": "skipped",
}
"""What pytest calls an outcome; it calls all others failed."""


class Session:
    """What every pytest process of an audit does: collect the plan's controls and evaluate them."""

    def __init__(
        self,
        config: pytest.Config,
        plan: plans.Plan,
        targets: list[Target],
        shared: dict[str, str],
        replayed: Replayed | Imported | None,
        circumstances: Evaluation,
    ) -> None:
        self.config = config
        self.plan = plan
        self.targets = {target.name: target for target in targets}
        self.shared = shared
        self.circumstances = circumstances
        self.transcripts = {
            target.name: Transcript(Path(shared["spool"]) / f"{_digest(target.name)}.jsonl")
            if replayed is None
            else replayed.transcript(target.name)
            for target in targets
        }
        self._host: tuple[str, Host] | None = None
        self._properties: dict[str, Sequence[tuple[str, str]]] = {}
        self._pairs: dict[tuple[str, str], tuple[str, str]] = {}
        """Properties that many reports have, each once."""
        self._compared: tuple[Any, Any] | None = None
        self.verbosity: int = config.option.verbose
        # With -v the recorder prints one line a verdict: pytest's would show the path of the control's file.
        config.option.verbose = min(self.verbosity, 0)

    def observed_host(self, name: str) -> Host:
        """Return the host that controls see; of the one before, forget what can be read again."""
        if self._host is None or self._host[0] != name:
            if self._host is not None:
                self.transcripts[self._host[0]].release()
            limits = connecting.host_options(self.config).limits
            self._host = name, self.targets[name].observed(self.transcripts[name], limits)
        return self._host[1]

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell an xdist worker what the processes of the run share."""
        node.workerinput["aisec"] = self.shared

    @pytest.hookimpl(tryfirst=True)
    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """Keep what is not asked for out of the collection."""
        return collection.ignore(collection_path, self.config)

    @pytest.hookimpl(tryfirst=True)
    def pytest_pycollect_makeitem(self, collector: pytest.Collector, obj: object) -> list[pytest.Item] | None:
        """Make no items of what the plan does not hold."""
        if not collection.is_content(collector.path, self.config.stash[collection.ROOTS]):
            return None
        control = control_of(obj)
        return None if control is not None and self.plan.holds(control.id) else []

    @pytest.hookimpl(tryfirst=True)
    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Run whatever takes `host` on every host of the run."""
        if "host" in metafunc.fixturenames:
            control = control_of(metafunc.function)
            hosts = [
                name for name in sorted(self.targets) if control is None or control.id in self.plan.on(name)
            ]
            metafunc.parametrize("host", hosts, indirect=True, scope="session")

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Join the items with the plan, host after host."""
        for item in items:
            control = control_of(getattr(item, "function", None))
            if control is None or not isinstance(item, pytest.Function) or not hasattr(item, "callspec"):
                continue
            name = str(item.callspec.params.get("host", ""))
            planned = self.plan.on(name).get(control.id)
            if planned is not None:
                self._adopt(item, planned, name)
        items.sort(key=lambda item: (item.stash.get(TARGET, "~"), _planned_id(item)))

    def _adopt(self, item: pytest.Function, planned: plans.PlannedControl, name: str) -> None:
        item.stash[PLANNED], item.stash[TARGET] = planned, name
        item.extra_keyword_matches |= {planned.id, planned.control.family, name}
        item.user_properties += self._properties_of(planned)

    def _properties_of(self, planned: plans.PlannedControl) -> Sequence[tuple[str, str]]:
        if planned.key not in self._properties:
            self._properties[planned.key] = [
                ("aisec.control", planned.id),
                ("aisec.severity", planned.severity),
                *((f"aisec.{key}", " ".join(ids)) for key, ids in planned.references.items()),
            ]
        return self._properties[planned.key]

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> bool | None:
        """Evaluate a planned control with the plan's parameters."""
        planned = pyfuncitem.stash.get(PLANNED, None)
        if planned is None:
            return None
        self._compared = None
        audit.evaluate(planned, pyfuncitem.funcargs["host"], pyfuncitem.obj, self.circumstances)
        return True

    def pytest_assertrepr_compare(self, left: object, right: object) -> None:
        """Keep what the failing comparison compared: observed and expected."""
        self._compared = (left, right)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> pytest.TestReport | None:
        """Report how a planned control ended; for all else, setup and teardown among it, pytest does."""
        planned = item.stash.get(PLANNED, None)
        if planned is None or not (call.when == "call" or (call.when == "setup" and call.excinfo)):
            return None
        ended = self._ended(item, planned, call)
        for name, value in (("aisec.outcome", ended.outcome), ("aisec.reason", ended.reason)):
            item.user_properties.append(self._pairs.setdefault((name, value), (name, value)))
        report = self._report(item, call, ended)
        report.aisec = {name: getattr(ended, name) for name in ended.__slots__}  # type: ignore[attr-defined]
        return report

    def _report(
        self, item: pytest.Item, call: pytest.CallInfo[None], ended: audit.Ended
    ) -> pytest.TestReport:
        """Return pytest's report, with a traceback only where --tb asks for it: the verdict says enough."""
        plain = copy(call)
        # pytest shortens values, and what is left of a credential is none that can be known.
        params = dict(item.stash[PLANNED].params)
        if self.config.option.tbstyle == "no" or str(audit.jsonable(params)).count("«redacted:"):
            plain.excinfo = None
        report = pytest.TestReport.from_item_and_call(item, plain)
        report.outcome = _PYTEST_OUTCOMES.get(ended.outcome, "failed")
        if report.outcome == "skipped":
            path, line, _ = item.location
            report.longrepr = (path, line or 0, ended.reason)
        elif report.outcome == "failed" and report.longrepr is None:
            report.longrepr = ended.message
        return report

    def _ended(
        self, item: pytest.Item, planned: plans.PlannedControl, call: pytest.CallInfo[None]
    ) -> audit.Ended:
        host = self.observed_host(item.stash[TARGET])
        error = call.excinfo.value if call.excinfo else None
        looked = audit.looked(host, error) if call.when == "call" else False
        conclusion = conclude(error, looked=looked)
        if call.when == "setup" and conclusion.outcome is Outcome.FAILED:
            # A fixture's assertion says that the control could not begin, nothing about the host.
            conclusion = replace(conclusion, outcome=Outcome.ERROR, reason="internal")
        observed = expected = None
        message = conclusion.message
        if conclusion.outcome is Outcome.FAILED and self._compared is not None:
            observed, expected = (audit.jsonable(value) for value in self._compared)
            message = "what was observed is not what is expected"
        backend: ObservingBackend = host.backend
        return audit.Ended(
            control=planned.id,
            host=item.stash[TARGET],
            outcome=conclusion.outcome.value,
            reason=str(audit.jsonable(conclusion.reason)),
            message=str(audit.jsonable(message)),
            expected=expected,
            observed=observed,
            asked=list(dict.fromkeys([*backend.asked_before, *backend.asked])) if call.when == "call" else [],
            duration_ms=round(call.duration * 1000),
        )

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, Any] | None:
        """Show controls with our words."""
        ended = getattr(report, "aisec", None)
        if ended is None:
            return None
        category, letter, word = WORDS[Outcome(ended["outcome"])]
        return (category, "", "") if self.verbosity > 0 else (category, letter, word)

    def pytest_unconfigure(self) -> None:
        """Close connections and remove what the processes of the run shared."""
        connecting.end(self.config)
        redact.forget()
        if not hasattr(self.config, "workerinput"):
            shutil.rmtree(self.shared["private"], ignore_errors=True)


def _planned_id(item: pytest.Item) -> str:
    planned = item.stash.get(PLANNED, None)
    return planned.id if planned else ""


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:16]
