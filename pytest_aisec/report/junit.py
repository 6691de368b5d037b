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
from pytest_aisec.report.document import OfRun, whole
from pytest_aisec.report.text import pretty, visible
from pytest_aisec.report.wording import Index, asked

_ALLOWED: Mapping[str, frozenset[str]] = {
    "testsuites": frozenset({"name", "time", "tests", "failures", "errors"}),
    "testsuite": frozenset(
        {"name", "tests", "failures", "errors", "skipped", "time", "timestamp", "hostname", "id", "package"}
    ),
    "testcase": frozenset({"name", "time", "classname"}),
}
_LEFT_OUT = {Outcome.NOT_APPLICABLE, Outcome.NOT_REVIEWED}


def render(run: Run, verdict: Verdict) -> str:
    """Return the JUnit XML document of `run`; the same run gives the same text."""
    return whole(Document, run, verdict)


class Document(OfRun):
    """The JUnit XML document of a run: a suite for each host."""

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
            properties |= dict(_control_properties(self._index.control(result), result))
        suite = TestSuite(
            visible(host.name),
            [_case(self._run, self._index, host, result, transcript) for result in results],
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
    own = run.profile_of(host)
    yield "profile", own.profile
    yield "profile.title", own.title
    yield "profile.version", own.version
    if own.name:
        yield "host.group", own.name
    yield "gate", verdict.gate
    yield "gate.exit_code", int(verdict.exit_code)
    yield "gate.fail_on", run.policy.fail_on
    for number, sentence in enumerate(verdict.because, start=1):
        yield f"gate.because.{number}", sentence
    yield "host.connection", host.connection
    yield "host.transcript", host.transcript
    yield "host.observations", host.observations
    yield "host.fault", host.fault


def _control_properties(control: ControlInfo, result: Result) -> Iterator[tuple[str, object]]:
    name = result.control
    yield f"{name}.severity", result.severity
    yield f"{name}.outcome", result.outcome.value
    if result.reason:
        yield f"{name}.reason", result.reason
    if result.waiver is not None:
        yield f"{name}.waiver", f"{result.waiver.id} ({result.waiver.state})"
    for framework, ids in sorted(control.frameworks.items()):
        yield f"{name}.{framework}", ", ".join(ids)


def _case(
    run: Run,
    index: Index,
    host: HostInfo,
    result: Result,
    transcript: Sequence[Observation],
) -> TestCase:
    control = index.control(result)
    case = TestCase(
        visible(f"{result.control} {result.title}"),
        classname=visible(f"{run.run.profile}.{control.family or 'UNKNOWN'}"),
        elapsed_sec=result.duration_ms / 1000,
        stdout=visible("\n".join(_system_out(host, control, result, transcript))),
    )
    said, explanation = _message(index, result), visible(_explanation(index, result))
    match _kind(result):
        case "waived" | "left out":
            case.add_skipped_info(said, explanation)
        case "failure":
            case.add_failure_info(said, explanation, result.severity)
        case "error":
            case.add_error_info(said, explanation, visible(_error_type(result)))
        case _:
            pass
    return case


def _message(index: Index, result: Result) -> str:
    """Return what a CI system shows of a case: why it is not simply passed."""
    if is_waived(result):
        return visible(index.excuse(result))
    if result.outcome is Outcome.ERROR:
        # The type of the error says the rest.
        return visible(result.message or result.reason or "error")
    return visible(index.message(result))


def _error_type(result: Result) -> str:
    return result.reason if result.outcome is Outcome.ERROR and result.reason else result.outcome.value


def _kind(result: Result) -> Literal["", "waived", "failure", "error", "left out"]:
    """Return what a result is for JUnit; empty for a test that passed."""
    if is_waived(result):
        return "waived"
    if result.outcome is Outcome.FAILED:
        return "failure"
    if result.outcome in {Outcome.ERROR, Outcome.NOT_RUN}:
        return "error"
    return "left out" if result.outcome in _LEFT_OUT else ""


def _explanation(index: Index, result: Result) -> str:
    control = index.control(result)
    parts = [f"{result.severity}: {result.title}"]
    parts += [part for part in dict.fromkeys((result.message, result.reason)) if part]
    if result.expected is not None or result.observed is not None:
        parts += [f"expected: {pretty(result.expected)}", f"observed: {pretty(result.observed)}"]
    if result.waiver is not None:
        parts += [f"waiver: {result.waiver.id} ({result.waiver.state})", index.excuse(result)]
    if result.attestation is not None:
        parts.append(index.review(result))
    if control.remediation:
        parts.append(f"remediation: {control.remediation}")
    return "\n".join(parts)


def _system_out(
    host: HostInfo, control: ControlInfo, result: Result, transcript: Sequence[Observation]
) -> Iterator[str]:
    yield f"control: {result.control}"
    yield f"severity: {result.severity}"
    yield f"outcome: {result.outcome.value}"
    for framework, ids in sorted(control.frameworks.items()):
        yield f"{framework}: {', '.join(ids)}"
    yield from asked(host, result, transcript)
