"""JUnit XML for CI systems: one suite a host, one test case a control.

Written through the `junit-xml` library and then held to the schema that Jenkins' xUnit plugin
publishes, which allows fewer attributes than the library writes. Control metadata is in the suite's
properties and in each case's `system-out`: the schema knows no properties of a test case.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping

from junit_xml import TestCase, TestSuite, to_xml_report_string

from pytest_aisec.judge.outcome import Outcome
from pytest_aisec.judge.run import ControlInfo, HostInfo, Result, Run, Verdict, is_waived
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
    suites = [_suite(run, verdict, host) for host in run.hosts]
    root = ET.fromstring(to_xml_report_string(suites, prettyprint=False, encoding="utf-8"))  # noqa: S314 - our own
    root.set("name", visible(f"pytest-aisec {run.run.profile}"))
    for element in root.iter():
        allowed = _ALLOWED.get(element.tag)
        if allowed is None:
            continue
        for name in sorted(set(element.attrib) - allowed):
            del element.attrib[name]
        element.set("time", f"{float(element.get('time', '0')):.3f}")
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(run: Run, verdict: Verdict, host: HostInfo) -> TestSuite:
    controls = {control.id: control for control in run.controls}
    results = run.of_host(host.name)
    properties = dict(_properties(run, verdict, host))
    for result in results:
        properties |= dict(_control_properties(controls.get(result.control), result))
    return TestSuite(
        visible(host.name),
        [_case(run, host, controls.get(result.control), result) for result in results],
        hostname=visible(host.name),
        package=visible(run.run.profile),
        timestamp=visible(run.run.started_at),
        properties={visible(name): visible(value) for name, value in properties.items()},
    )


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
    yield "gate.fail_on", run.fail_on
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


def _case(run: Run, host: HostInfo, control: ControlInfo | None, result: Result) -> TestCase:
    family = control.family if control is not None else "UNKNOWN"
    case = TestCase(
        visible(f"{result.control} {result.title}"),
        classname=visible(f"{run.run.profile}.{family}"),
        elapsed_sec=result.duration_ms / 1000,
        stdout=visible("\n".join(_system_out(run, host, control, result))),
    )
    said = result.message or result.reason
    if is_waived(result) and result.waiver is not None:
        message = f"waived: {result.waiver.id}: {said or 'failed'}"
        case.add_skipped_info(visible(message), visible(_explanation(control, result)))
    elif result.outcome is Outcome.FAILED:
        message = said or "not as required"
        case.add_failure_info(visible(message), visible(_explanation(control, result)), result.severity)
    elif result.outcome in {Outcome.ERROR, Outcome.NOT_RUN}:
        kind = result.reason if result.outcome is Outcome.ERROR and result.reason else result.outcome.value
        message = said or result.outcome.value
        case.add_error_info(visible(message), visible(_explanation(control, result)), visible(kind))
    elif result.outcome in _LEFT_OUT:
        reason = result.reason or result.message or "no reason given"
        case.add_skipped_info(visible(f"{_LEFT_OUT[result.outcome]}: {reason}"))
    return case


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


def _system_out(run: Run, host: HostInfo, control: ControlInfo | None, result: Result) -> Iterator[str]:
    yield f"control: {result.control}"
    yield f"severity: {result.severity}"
    yield f"outcome: {result.outcome.value}"
    if control is not None:
        for framework, ids in sorted(control.frameworks.items()):
            yield f"{framework}: {', '.join(ids)}"
    transcript = run.transcripts.get(host.name, ())
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
