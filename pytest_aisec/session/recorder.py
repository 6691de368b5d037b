"""Fold pytest's reports into a run, decide, and leave the bundle. Only in the controlling process."""

from __future__ import annotations

import json
import os
import sys
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from importlib.metadata import version

import pytest

from pytest_aisec.errors import EvidenceError
from pytest_aisec.evidence import bundle, transcript_files, versions
from pytest_aisec.evidence.baseline import Baseline
from pytest_aisec.evidence.claim import Claim
from pytest_aisec.evidence.signing.keys import Signer
from pytest_aisec.judge import evaluate, findings, fold, gate
from pytest_aisec.judge.compare import compare
from pytest_aisec.judge.evaluate import Evaluated
from pytest_aisec.judge.outcome import Conclusion, Outcome
from pytest_aisec.judge.run import NAMESPACE, AdvisoriesInfo, Run, RunInfo, Verdict
from pytest_aisec.judge.waivers.attestation import Attestation
from pytest_aisec.judge.waivers.statement import Given
from pytest_aisec.judge.waivers.waiver import Waiver
from pytest_aisec.report import github, terminal
from pytest_aisec.report.text import visible
from pytest_aisec.session.audit import Audit
from pytest_aisec.session.collector import Collector
from pytest_aisec.session.keys import PLANNED, TARGET


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """Statements of people, policy and baseline that go into the judgement, and who signs it."""

    waivers: Given[Waiver]
    attestations: Given[Attestation]
    gate_files: Sequence[tuple[str, str]]
    """Name and text of the file with the policy, where one was given."""
    baseline: Baseline | None
    signer: Signer | None


class Recorder:
    """Collects how controls ended, and at the end writes the evidence and sets the exit code."""

    def __init__(
        self,
        config: pytest.Config,
        audit: Audit,
        claim: Claim,
        inputs: Inputs,
        *,
        collector: Collector | None,
        log: github.Log | None,
        verbosity: int,
    ) -> None:
        self.config = config
        self.request = audit.request
        self.plan = audit.plan
        self.targets = audit.targets
        self.transcripts = audit.transcripts
        self.circumstances = audit.circumstances
        self.patterns = audit.patterns
        self.claim = claim
        self.inputs = inputs
        self.collector = collector
        """What asked the hosts before the evaluation, if something did."""
        self.log = log
        self.verbosity = verbosity
        self.evaluated: list[Evaluated] = []
        self._asked: dict[tuple[str, ...], tuple[str, ...]] = {}
        """What controls asked, each combination once: most hosts are asked the same."""
        self._pairs: dict[tuple[str, object], tuple[str, object]] = {}
        """Properties of reports, each once."""
        self._reports: dict[str, pytest.TestReport] = {}
        """The last report of each test that has not come to its end, by node id."""
        self._conclusions: dict[Conclusion, Conclusion] = {}
        """How controls ended, each once: most end as others do."""
        self._shown = {
            outcome: Evaluated(control="", host="", conclusion=Conclusion(outcome=outcome))
            for outcome in Outcome
        }
        self._why_not_run: dict[tuple[str, str], str] = {}
        self.run: Run | None = None
        self.verdict: Verdict | None = None
        self.problem = self._no_summary = ""
        self._other_failures = 0

    def pytest_report_header(self) -> str:
        """Say what is audited."""
        return terminal.header(self.plan, [target.name for target in self.targets])

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Let the progress show letters, not one line per control."""
        reporter = session.config.pluginmanager.getplugin("terminalreporter")
        if reporter is not None:
            reporter.showfspath = False

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Remember what `-k` and the like took out."""
        for item in items:
            if PLANNED in item.stash:
                self._why_not_run[item.stash[PLANNED].id, item.stash[TARGET]] = (
                    "deselected on the command line"
                )

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take in the outcome of one control."""
        self._shrink(report)
        evaluated = getattr(report, "aisec", None)
        if evaluated is not None:
            self._take(report, evaluated)
            if self.verbosity > 0:
                self._print(self.evaluated[-1])
        # xdist says ??? of a test during which its worker died; where that was a control, it did not run.
        elif str(report.when) == "???" and self._note_crash(str(report.nodeid)):
            return
        elif report.failed:
            self._other_failures += 1

    def _shrink(self, report: pytest.TestReport) -> None:
        """Let the three reports of a test share what they have in common: pytest keeps them all.

        Those of an xdist worker come with texts of their own.
        """
        before = self._reports.pop(report.nodeid, None)
        if before is None:
            report.keywords = {sys.intern(name): value for name, value in report.keywords.items()}
        else:
            report.nodeid, report.location = before.nodeid, before.location
            report.keywords = before.keywords
        report.user_properties = [
            self._pairs.setdefault(pair, pair) if isinstance(pair[1], str) else pair
            for pair in map(_pair, report.user_properties)
        ]
        if before is not None and before.user_properties == report.user_properties:
            report.user_properties = before.user_properties
        if report.when != "teardown":
            self._reports[report.nodeid] = report

    def _take(self, report: pytest.TestReport, evaluated: Evaluated) -> None:
        """Keep how a control ended; in the report, which pytest keeps for all tests, leave what it shows."""
        asked = tuple(map(sys.intern, evaluated.asked))
        kept = replace(
            evaluated,
            control=sys.intern(evaluated.control),
            host=sys.intern(evaluated.host),
            conclusion=self._conclusions.setdefault(evaluated.conclusion, evaluated.conclusion),
            asked=self._asked.setdefault(asked, asked),
        )
        self.evaluated.append(kept)
        report.aisec = self._shown[kept.conclusion.outcome]  # type: ignore[attr-defined]

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Notice what could not be collected."""
        self._other_failures += report.failed

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Fold, decide, write; nothing when a path or test that was named does not exist."""
        if exitstatus == pytest.ExitCode.USAGE_ERROR:
            return
        given: dict[str, Sequence[tuple[str, str]]] = {
            "waivers": self.inputs.waivers.sources,
            "attestations": self.inputs.attestations.sources,
            "gate": self.inputs.gate_files,
            "redact": self.patterns.sources,
        }
        plan_json = self._plan_json()
        inputs = bundle.inputs(plan_json, self.plan, given)
        self.run = self._fold(plan_json, inputs)
        self.verdict = gate.decide(self.run)
        code = self.verdict.exit_code or self._code_of_the_rest(session)
        if self.request.observe_only and exitstatus in {0, pytest.ExitCode.NO_TESTS_COLLECTED}:
            # Nothing was to be judged: what counts is that every host could be asked.
            code = gate.ExitCode.INCONCLUSIVE if any(host.fault for host in self.run.hosts) else 0
        try:
            self._write(self.run, self.verdict, inputs)
        except EvidenceError as error:
            self.problem = str(error)
            code = gate.ExitCode.EVIDENCE
        summary = os.environ.get("GITHUB_STEP_SUMMARY")
        if summary and not self.request.observe_only:
            path = self.request.here / summary
            self._no_summary = github.append_summary(path, self.run, self.verdict, self.problem)
        session.exitstatus = self.request.exit_code(code)

    def _code_of_the_rest(self, session: pytest.Session) -> int:
        """Return what pytest ends with on account of something else than controls."""
        if self._other_failures:
            return gate.ExitCode.FAILED
        ended = int(session.exitstatus)
        return ended if ended in {pytest.ExitCode.INTERRUPTED, pytest.ExitCode.INTERNAL_ERROR} else 0

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print what people read."""
        if self.run is None or self.verdict is None:
            return
        where = "" if self.problem else self._shown_directory()
        verbose = self.verbosity > 0
        log = self.log
        if log is None:
            lines = terminal.render(self.run, self.verdict, where, self.problem, verbose=verbose)
        else:
            parts = [*terminal.sections(self.run, self.verdict, where, self.problem, verbose=verbose)]
            if not self.problem:
                parts.append(github.files(self.claim.digests))
            judged = not self.request.observe_only
            said = [*github.annotate(self.run, self.verdict)] if judged else []
            lines = log.summary(parts, said)
        for line, markup in lines:
            terminalreporter.write_line(line, **markup)
        if self._no_summary:
            terminalreporter.write_line(visible(self._no_summary), yellow=True)

    def pytest_unconfigure(self) -> None:
        """Leave nothing half-written, also when the run never got to its end."""
        self.claim.release()

    def _shown_directory(self) -> str:
        directory = self.claim.directory
        here = self.request.here
        return str(directory.relative_to(here) if directory.is_relative_to(here) else directory)

    def _fold(self, plan_json: str, inputs: Mapping[str, str]) -> Run:
        started = self.circumstances.now.strftime("%Y-%m-%dT%H:%M:%SZ")
        digest = sha256(plan_json.encode()).hexdigest()
        info = RunInfo(
            id=str(uuid.uuid5(NAMESPACE, f"{started} {digest}")),
            started_at=started,
            finished_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            profile=self.plan.profile,
            profile_title=str(evaluate.jsonable(self.plan.title)),
            profile_version=str(evaluate.jsonable(self.plan.version)),
            package_version=version("pytest-aisec"),
            plan_sha256=digest,
            signed_by=self.inputs.signer.name if self.inputs.signer else "",
            active=self.circumstances.active,
            advisories=self._advisories(),
        )
        run = fold.fold(
            self.plan,
            self.targets,
            self.evaluated,
            self.transcripts,
            info=info,
            why_not=self._why_not,
            needed=self.collector.needed if self.collector else None,
        )
        run = fold.apply_overlays(run, self.inputs.waivers.items, self.inputs.attestations.items)
        baseline = self.inputs.baseline
        run = findings.attach(run, baseline.run if baseline else None)
        if baseline is not None:
            run = replace(run, comparison=compare(baseline.run, run, sha256=baseline.sha256))
        return replace(
            run, inputs={path: sha256(text.encode()).hexdigest() for path, text in sorted(inputs.items())}
        )

    def _advisories(self) -> AdvisoriesInfo | None:
        """Describe the index, where one was given or a control has a limit for its age."""
        path = self.circumstances.advisories
        if path is None and not any("db_max_age_days" in item.params for item in self.plan.controls):
            return None
        from pytest_aisec.advisories import index  # noqa: PLC0415 - only where it is compared with

        try:
            found = index.open_index(path or index.default_path())
        except index.IndexProblem:
            return None
        as_of = found.as_of.strftime("%Y-%m-%dT%H:%M:%SZ")
        return AdvisoriesInfo(sha256=found.sha256, as_of=as_of, records=found.records)

    def _print(self, evaluated: Evaluated) -> None:
        reporter = self.config.pluginmanager.getplugin("terminalreporter")
        planned = self.plan.on(evaluated.host).get(evaluated.control)
        if reporter is not None and planned is not None:
            line, markup = terminal.verdict_line(
                evaluated.conclusion.outcome, evaluated.control, evaluated.host, planned.control.title
            )
            reporter.write_line(line, **markup)

    def _note_crash(self, nodeid: str) -> bool:
        """Remember which control's process died; tell whether it was a control's."""
        found = False
        for target in self.targets:
            for planned in self.plan.on(target.name).values():
                if nodeid.endswith(f"::{planned.control.function.__name__}[{target.name}]"):
                    self._why_not_run[planned.id, target.name] = "the process that evaluated it crashed"
                    found = True
        return found

    def _why_not(self, control: str, host: str) -> str:
        why = "deselected, or the run ended before it"
        if self.request.observe_only:
            why = "observed, to be judged with --aisec-replay"
        return self._why_not_run.get((control, host), why)

    def _plan_json(self) -> str:
        data = {
            "profile": self.plan.profile,
            "title": self.plan.title,
            "version": self.plan.version,
            "gate": self.plan.gate.model_dump(mode="json"),
            "hosts": [],
            "controls": [asdict(fold.describe(planned)) for planned in self.plan.controls],
            "excluded": [asdict(item) for item in self.plan.excluded],
            "groups": [asdict(item) for item in self.plan.groups],
            "members": {},
        }
        hosts = {"hosts": [target.name for target in self.targets], "members": dict(self.plan.members)}
        found = versions.PLAN.stamp | evaluate.jsonable(data) | hosts
        return json.dumps(found, indent=2, ensure_ascii=False) + "\n"

    def _write(self, run: Run, verdict: Verdict, inputs: Mapping[str, str]) -> None:
        """Write the bundle, host by host: no more than one transcript is in memory."""
        for path, text in inputs.items():
            self.claim.add(path, [text.encode()])
        hosts = []
        for host in run.hosts:
            path, content = transcript_files.encode(host, run.transcripts[host.name])
            self.claim.add(path, [content])
            hosts.append(replace(host, transcript=path, transcript_sha256=self.claim.digest(path)))
        run = replace(run, hosts=tuple(hosts))
        self.claim.add("run.json", bundle.run_json(run, verdict))
        if self.request.reports:
            from pytest_aisec.report import formats  # noqa: PLC0415 - needed at the very end

            formats.write(run, verdict, self.claim)
        self.claim.finish(self._signatures(run, verdict))

    def _signatures(self, run: Run, verdict: Verdict) -> Callable[[bytes], Mapping[str, bytes]] | None:
        """Return what signs the manifest, if something does."""
        if self.inputs.signer is None:
            return None
        from pytest_aisec.evidence.signing import signatures  # noqa: PLC0415 - only where something is signed

        return partial(signatures.sign, self.inputs.signer, run, verdict)


def _pair(item: Sequence[object]) -> tuple[str, object]:
    name, value = item
    return str(name), value
