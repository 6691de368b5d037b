"""The plugin while it audits: collection and evaluation. One object per pytest process."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Generator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest
from testinfra.host import Host

from pytest_aisec.catalog import plan as plans
from pytest_aisec.catalog.control import control_of
from pytest_aisec.judge import evaluate
from pytest_aisec.judge.outcome import DIFFERS, Conclusion, Outcome, conclude
from pytest_aisec.observe.backend import ObservingBackend
from pytest_aisec.observe.redaction import redact
from pytest_aisec.session import collection
from pytest_aisec.session.audit import Audit
from pytest_aisec.session.hosts import Hosts
from pytest_aisec.session.keys import PATHS, PLANNED, REWRITER, TARGET
from pytest_aisec.session.modules import Module

NAME = "aisec-session"
"""Under which the session is registered with pytest."""
_PYTEST_OUTCOMES: dict[str, Literal["passed", "skipped"]] = {
    "passed": "passed",
    "not_applicable": "skipped",
    "not_reviewed": "skipped",
}
"""What pytest calls an outcome; it calls all others failed."""


class Session:
    """Collects the plan's controls and evaluates them, in every pytest process of an audit."""

    def __init__(
        self,
        config: pytest.Config,
        audit: Audit,
        hosts: Hosts,
    ) -> None:
        self.config = config
        self.request = audit.request
        self.plan = audit.plan
        self.targets = {target.name: target for target in audit.targets}
        self.shared = audit.shared
        self.circumstances = audit.circumstances
        self.transcripts = audit.transcripts
        self._hosts = hosts
        paths = config.stash[PATHS]
        self._named = collection.named(paths)
        self._rewriter = config.stash[REWRITER]
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
            limits = self.request.host_options().limits
            self._host = name, self.targets[name].observed(self.transcripts[name], limits)
        return self._host[1]

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_setupnodes(self, specs: Sequence[Any]) -> None:
        """Let xdist's workers on this machine import nothing of the current directory."""
        for spec in specs:
            if spec.popen and not spec.python:
                spec.python = shlex.join([sys.executable, "-P"])

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell an xdist worker what the processes of the run share."""
        node.workerinput["aisec"] = dict(self.shared)

    @pytest.hookimpl(tryfirst=True)
    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """Keep what is not asked for, and what gives nothing, out of the collection."""
        ignored = collection.ignore(collection_path, self.request.roots, self._named)
        if ignored is not False or collection_path in self._named:
            return ignored
        return self._rewriter.gives_nothing(collection_path, self.plan)

    @pytest.hookimpl(tryfirst=True)
    def pytest_pycollect_makemodule(self, module_path: Path, parent: pytest.Collector) -> Module | None:
        """Collect from what the catalog has executed."""
        if not collection.is_content(module_path, self.request.roots):
            return None
        return Module.of(module_path, parent, self.plan)

    @pytest.hookimpl(tryfirst=True)
    def pytest_pycollect_makeitem(self, collector: pytest.Collector, obj: object) -> list[pytest.Item] | None:
        """Make no items of what the plan does not hold."""
        if not collection.is_content(collector.path, self.request.roots):
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
        evaluate.evaluate(planned, pyfuncitem.funcargs["host"], pyfuncitem.obj, self.circumstances)
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
        try:
            evaluated = self._evaluated(item, planned, call)
        except Exception as error:  # noqa: BLE001 - what a host answered breaks no other host's verdict
            evaluated = self._broken(item, planned, call, error)
        ended = evaluated.conclusion
        for name, value in (("aisec.outcome", ended.outcome.value), ("aisec.reason", ended.reason)):
            item.user_properties.append(self._pairs.setdefault((name, value), (name, value)))
        report = self._report(item, call, ended)
        report.aisec = evaluated  # type: ignore[attr-defined]
        return report

    @pytest.hookimpl(wrapper=True)
    def pytest_report_to_serializable(self, report: object) -> Generator[None, Any, Any]:
        """Send how a control ended to the controlling process as plain data."""
        data = yield
        if data is not None and isinstance(getattr(report, "aisec", None), evaluate.Evaluated):
            data["aisec"] = data["aisec"].as_dict()
        return data

    @pytest.hookimpl(wrapper=True)
    def pytest_report_from_serializable(self, data: Mapping[str, Any]) -> Generator[None, Any, Any]:
        """Take in how a control ended in a worker."""
        sent = data.get("aisec")
        report = yield
        if report is not None and sent is not None:
            report.aisec = evaluate.Evaluated.from_dict(sent)
        return report

    def _report(self, item: pytest.Item, call: pytest.CallInfo[None], ended: Conclusion) -> pytest.TestReport:
        """Return pytest's report, with a traceback only where --tb asks for it: the verdict says enough."""
        plain = copy(call)
        # pytest shortens values, and what is left of a credential is none that can be known.
        params = dict(item.stash[PLANNED].params)
        if self.config.option.tbstyle == "no" or str(evaluate.jsonable(params)).count("«redacted:"):
            plain.excinfo = None
        report = pytest.TestReport.from_item_and_call(item, plain)
        report.outcome = _PYTEST_OUTCOMES.get(ended.outcome.value, "failed")
        if report.outcome == "skipped":
            path, line, _ = item.location
            report.longrepr = (path, line or 0, ended.reason)
        elif report.outcome == "failed" and report.longrepr is None:
            report.longrepr = ended.message
        return report

    def _evaluated(
        self, item: pytest.Item, planned: plans.PlannedControl, call: pytest.CallInfo[None]
    ) -> evaluate.Evaluated:
        host = self.observed_host(item.stash[TARGET])
        error = call.excinfo.value if call.excinfo else None
        is_call = call.when == "call"
        conclusion = conclude(error, has_observed=is_call and evaluate.observed_anything(host, error))
        if call.when == "setup" and conclusion.outcome is Outcome.FAILED:
            # A fixture's assertion says that the control could not begin, nothing about the host.
            conclusion = replace(conclusion, outcome=Outcome.ERROR, reason="internal")
        observed = expected = None
        message = conclusion.message
        if conclusion.outcome is Outcome.FAILED and self._compared is not None:
            observed, expected = (evaluate.jsonable(value) for value in self._compared)
            message = DIFFERS
        backend: ObservingBackend = host.backend
        return evaluate.Evaluated(
            control=planned.id,
            host=item.stash[TARGET],
            conclusion=Conclusion(
                outcome=conclusion.outcome,
                reason=str(evaluate.jsonable(conclusion.reason)),
                message=str(evaluate.jsonable(message)),
            ),
            expected=expected,
            observed=observed,
            asked=backend.questions.all if is_call else [],
            duration_ms=round(call.duration * 1000),
        )

    @staticmethod
    def _broken(
        item: pytest.Item, planned: plans.PlannedControl, call: pytest.CallInfo[None], error: Exception
    ) -> evaluate.Evaluated:
        message = f"the verdict could not be told: {type(error).__name__}: {error}"
        text = str(evaluate.jsonable(message[:400]))
        return evaluate.Evaluated(
            control=planned.id,
            host=item.stash[TARGET],
            conclusion=Conclusion(outcome=Outcome.ERROR, reason="internal", message=text),
            duration_ms=round(call.duration * 1000),
        )

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, Any] | None:
        """Show controls with our words."""
        evaluated = getattr(report, "aisec", None)
        if evaluated is None:
            return None
        from pytest_aisec.report.terminal import WORDS  # noqa: PLC0415 - only where there is a verdict

        category, letter, word = WORDS[evaluated.conclusion.outcome]
        return (category, "", "") if self.verbosity > 0 else (category, letter, word)

    def pytest_unconfigure(self) -> None:
        """Close connections and remove what the processes of the run shared."""
        self._hosts.end()
        redact.clear_secrets()
        if not self.request.is_worker:
            shutil.rmtree(self.shared["private"], ignore_errors=True)


def _planned_id(item: pytest.Item) -> str:
    planned = item.stash.get(PLANNED, None)
    return planned.id if planned else ""
