"""JUnit XML for CI systems: one suite a host, one test case a control.

Written through the `junit-xml` library and then held to the schema that Jenkins' xUnit plugin
publishes, which allows fewer attributes than the library writes. Control metadata is in the suite's
properties and in each case's `system-out`: the schema knows no properties of a test case.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from junit_xml import TestCase, TestSuite

from pytest_aisec.judge.outcome import Outcome
from pytest_aisec.judge.run import ControlInfo, HostInfo, Result, Run, Verdict, is_waived
from pytest_aisec.observe.transcript import Observation
from pytest_aisec.report.document import whole
from pytest_aisec.report.text import pretty, visible

_ALLOWED: Mapping[str, frozenset[str]] = {
    "testsuites": frozenset({"name", "time", "tests", "failures", "errors"}),
    "testsuite": frozenset(
        {"name", "tests", "failures", "errors", "skipped", "time", "timestamp", "hostname", "id", "package"}
    ),
    "testcase": frozenset({"name", "time", "classname"}),
}
_LEFT_OUT = {
    Outcome.NOT_APPLICABLE: "not applicable",
    Outcome.NOT_REVIEWED: "not reviewed",
}


def render(run: Run, verdict: Verdict) -> str:
    """Return the JUnit XML document of `run`; the same run gives the same text."""
    return whole(Document, run, verdict)


class Document:
    """The JUnit XML document of a run: a suite for each host."""

    def __init__(self, run: Run, verdict: Verdict) -> None:
        self._run = run
        self._verdict = verdict
        self._controls = {control.id: control for control in run.controls}

    def begin(self) -> Iterator[str]:
        """Yield the document up to the first suite."""
        kinds = Counter(_kind(result) for result in self._run.results)
        root = ET.Element(
            "testsuites",
            {
                "failures": str(kinds["failure"]),
                "errors": str(kinds["error"]),
                "tests": str(len(self._run.results)),
                "time": f"{sum(result.duration_ms / 1000 for result in self._run.results):.3f}",
                "name": visible(f"pytest-aisec {self._run.run.profile}"),
            },
        )
        tag = ET.tostring(root, encoding="unicode").removesuffix(" />")
        yield f'<?xml version="1.0" encoding="utf-8"?>\n{tag}' + (">" if self._run.hosts else "")

    def host(
        self, host: HostInfo, results: Sequence[Result], transcript: Sequence[Observation]
    ) -> Iterator[str]:
        """Yield the suite of one host: a test case for each of its results."""
        properties = dict(_properties(self._run, self._verdict, host))
        for result in results:
            properties |= dict(_control_properties(self._controls.get(result.control), result))
        suite = TestSuite(
            visible(host.name),
            [
                _case(self._run, host, self._controls.get(result.control), result, transcript)
                for result in results
            ],
            hostname=visible(host.name),
            package=visible(self._run.run.profile),
            timestamp=visible(self._run.run.started_at),
            properties={visible(name): visible(value) for name, value in properties.items()},
        )
        element = suite.build_xml_doc()
        for part in element.iter():
            allowed = _ALLOWED.get(part.tag)
            if allowed is None:
                continue
            # The library leaves a time of zero out; ours is always there, and always last.
            seconds = float(part.attrib.pop("time", "0"))
            for name in sorted(set(part.attrib) - allowed):
                del part.attrib[name]
            part.set("time", f"{seconds:.3f}")
        ET.indent(element, level=1)
        yield "\n  " + ET.tostring(element, encoding="unicode")

    def end(self) -> Iterator[str]:
        """Yield what closes the document."""
        yield "\n</testsuites>\n" if self._run.hosts else " />\n"


def _properties(run: Run, verdict: Verdict, host: HostInfo) -> Iterator[tuple[str, object]]:
    yield "run.id", run.run.id
    yield "run.started_at", run.run.started_at
    yield "run.finished_at", run.run.finished_at
    yield "run.package_version", run.run.package_version
    yield "run.plan_sha256", run.run.plan_sha256
    yield "profile", run.run.profile
    yield "profile.title", run.run.profile_title
    yield "profile.version", run.run.profile_version
    yield "gate", verdict.gate
    yield "gate.exit_code", int(verdict.exit_code)
    yield "gate.fail_on", run.policy.fail_on
    for number, sentence in enumerate(verdict.because, start=1):
        yield f"gate.because.{number}", sentence
    yield "host.connection", host.connection
    yield "host.transcript", host.transcript
    yield "host.observations", host.observations
    yield "host.fault", host.fault


def _control_properties(control: ControlInfo | None, result: Result) -> Iterator[tuple[str, object]]:
    name = result.control
    yield f"{name}.severity", result.severity
    yield f"{name}.outcome", result.outcome.value
    if result.reason:
        yield f"{name}.reason", result.reason
    if result.waiver is not None:
        yield f"{name}.waiver", f"{result.waiver.id} ({result.waiver.state})"
    if control is not None:
        for framework, ids in sorted(control.frameworks.items()):
            yield f"{name}.{framework}", ", ".join(ids)


def _case(
    run: Run,
    host: HostInfo,
    control: ControlInfo | None,
    result: Result,
    transcript: Sequence[Observation],
) -> TestCase:
    family = control.family if control is not None else "UNKNOWN"
    case = TestCase(
        visible(f"{result.control} {result.title}"),
        classname=visible(f"{run.run.profile}.{family}"),
        elapsed_sec=result.duration_ms / 1000,
        stdout=visible("\n".join(_system_out(host, control, result, transcript))),
    )
    said = result.message or result.reason
    kind = _kind(result)
    if kind == "waived" and result.waiver is not None:
        message = f"waived: {result.waiver.id}: {said or 'failed'}"
        case.add_skipped_info(visible(message), visible(_explanation(control, result)))
    elif kind == "failure":
        message = said or "not as required"
        case.add_failure_info(visible(message), visible(_explanation(control, result)), result.severity)
    elif kind == "error":
        name = result.reason if result.outcome is Outcome.ERROR and result.reason else result.outcome.value
        message = said or result.outcome.value
        case.add_error_info(visible(message), visible(_explanation(control, result)), visible(name))
    elif kind == "left out":
        reason = result.reason or result.message or "no reason given"
        case.add_skipped_info(visible(f"{_LEFT_OUT[result.outcome]}: {reason}"))
    return case


def _kind(result: Result) -> Literal["", "waived", "failure", "error", "left out"]:
    """Return what a result is for JUnit; empty for a test that passed."""
    if is_waived(result):
        return "waived"
    if result.outcome is Outcome.FAILED:
        return "failure"
    if result.outcome in {Outcome.ERROR, Outcome.NOT_RUN}:
        return "error"
    return "left out" if result.outcome in _LEFT_OUT else ""


def _explanation(control: ControlInfo | None, result: Result) -> str:
    parts = [f"{result.severity}: {result.title}"]
    parts += [part for part in dict.fromkeys((result.message, result.reason)) if part]
    if result.expected is not None or result.observed is not None:
        parts += [f"expected: {pretty(result.expected)}", f"observed: {pretty(result.observed)}"]
    if result.waiver is not None:
        parts.append(f"waiver: {result.waiver.id} ({result.waiver.state})")
    if control is not None and control.remediation:
        parts.append(f"remediation: {control.remediation}")
    return "\n".join(parts)


def _system_out(
    host: HostInfo, control: ControlInfo | None, result: Result, transcript: Sequence[Observation]
) -> Iterator[str]:
    yield f"control: {result.control}"
    yield f"severity: {result.severity}"
    yield f"outcome: {result.outcome.value}"
    if control is not None:
        for framework, ids in sorted(control.frameworks.items()):
            yield f"{framework}: {', '.join(ids)}"
    for number in result.observations:
        where = f"{host.transcript} line {number}"
        if not 0 < number <= len(transcript):
            yield f"observed: {where}"
            continue
        seen = transcript[number - 1]
        ended = "no exit status" if seen.exit_status is None else f"exit status {seen.exit_status}"
        fault = f", {seen.fault}: {seen.detail}" if seen.fault else ""
        yield f"$ {seen.command}"
        yield f"  {ended}{fault}, {seen.started_at}, {seen.duration_ms} ms, {where}"
