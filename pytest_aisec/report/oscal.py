"""OSCAL assessment results, version 1.2.1: one observation and one finding for each control and host.

Findings: `satisfied` with reason `pass`, `not-satisfied` with `fail` or, where nothing was judged, `other`.
What does not apply has an observation and no finding; where it applies to no host, `reviewed-controls`
excludes it. A waived failure has a risk of status `deviation-approved` with the waiver's end as deadline.
All identifiers are derived from the run's. The model: https://pages.nist.gov/OSCAL/
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pytest_aisec.judge.outcome import Outcome
from pytest_aisec.judge.run import NAMESPACE, HostInfo, Result, Run, Verdict, is_waived
from pytest_aisec.observe.transcript import Observation
from pytest_aisec.report.document import whole
from pytest_aisec.report.text import pretty, visible

VERSION = "1.2.1"
PLAN = "inputs/plan.json"
NAMES = "urn:pytest-aisec:oscal"
"""Namespace of the properties that OSCAL does not define."""

_STATES: Mapping[Outcome, tuple[str, str]] = {
    Outcome.PASSED: ("satisfied", "pass"),
    Outcome.FAILED: ("not-satisfied", "fail"),
    Outcome.ERROR: ("not-satisfied", "other"),
    Outcome.NOT_REVIEWED: ("not-satisfied", "other"),
    Outcome.NOT_RUN: ("not-satisfied", "other"),
}


def render(run: Run, verdict: Verdict) -> str:
    """Return the assessment results of `run`; the same run gives the same text."""
    return whole(Document, run, verdict)


class Document:
    """The assessment results of a run. Observations are written host by host, findings at the end."""

    def __init__(self, run: Run, verdict: Verdict) -> None:
        self._run = run
        self._verdict = verdict
        self._waivers = {item.id: item for item in run.waivers}
        self._separator = ""

    def begin(self) -> Iterator[str]:
        """Yield all that stands before the observations."""
        run = self._run
        head = {
            "uuid": self._id("assessment-results"),
            "metadata": {
                "title": _line(f"Security audit: {run.run.profile_title}"),
                "last-modified": run.run.finished_at,
                "version": _line(run.run.profile_version),
                "oscal-version": VERSION,
            },
            "import-ap": {"href": f"#{self._id(PLAN)}"},
        }
        result = {
            "uuid": self._id("result"),
            "title": _line(f"{run.run.profile} {run.run.profile_version}: {self._verdict.gate}"),
            "description": _text("\n".join(self._verdict.because)),
            "start": run.run.started_at,
            "end": run.run.finished_at,
            "props": [
                _prop("run", run.run.id),
                _prop("gate", self._verdict.gate),
                _prop("tool", f"pytest-aisec {run.run.package_version}"),
            ],
            "reviewed-controls": self._reviewed(),
        }
        if run.hosts:
            items = [self._item(host) for host in run.hosts]
            result["local-definitions"] = {"inventory-items": items}
        yield '{"assessment-results": ' + _open(head)
        yield ', "results": [' + _open(result)
        if run.results:
            yield ', "observations": ['

    def host(
        self, host: HostInfo, results: Sequence[Result], transcript: Sequence[Observation]
    ) -> Iterator[str]:
        """Yield the observations on one host, one for each of its results."""
        for result in results:
            yield f"{self._separator}\n{_json(self._observation(host, result, transcript))}"
            self._separator = ","

    def end(self) -> Iterator[str]:
        """Yield risks, findings and the files of the bundle that they rest on."""
        run = self._run
        if run.results:
            yield "]"
        yield from _array("risks", (self._risk(item) for item in run.results if is_waived(item)))
        found = (item for item in run.results if item.outcome in _STATES)
        yield from _array("findings", (self._finding(item) for item in found))
        yield '}], "back-matter": '
        yield _json({"resources": [*self._resources()]})
        yield "}}\n"

    def _id(self, *parts: str) -> str:
        name = "\n".join((self._run.run.id, *parts)).encode("utf-8", "backslashreplace").decode()
        return str(uuid.uuid5(NAMESPACE, name))

    def _item(self, host: HostInfo) -> dict[str, Any]:
        return {
            "uuid": self._id("host", host.name),
            "description": _text(host.name),
            "props": [{"name": "asset-id", "value": _line(host.name)}],
        }

    def _reviewed(self) -> dict[str, Any]:
        run = self._run
        applies = {item.control for item in run.results if item.outcome is not Outcome.NOT_APPLICABLE}
        nowhere = [control.id for control in run.controls if control.id not in applies]
        requirements = {
            _control_id(name)
            for control in run.controls
            if control.id not in nowhere
            for name in control.frameworks.get("nist_800_53", ())
        }
        selection: dict[str, Any] = {"description": "Requirements of NIST SP 800-53 that the controls serve."}
        if requirements:
            selection["include-controls"] = [{"control-id": name} for name in sorted(requirements)]
        objectives: dict[str, Any] = {
            "description": "The controls of the profile, each with a finding on every host where it applies."
        }
        included = [control.id for control in run.controls if control.id not in nowhere]
        if included:
            objectives["include-objectives"] = [{"objective-id": name} for name in included]
        reasons = {item.control: item.reason for item in run.excluded}
        reasons |= dict.fromkeys(nowhere, "applies to no host of the run")
        if reasons:
            objectives["exclude-objectives"] = [{"objective-id": name} for name in sorted(reasons)]
            objectives["remarks"] = _text(
                "\n".join(f"{name}: {reason}" for name, reason in sorted(reasons.items()))
            )
        return {"control-selections": [selection], "control-objective-selections": [objectives]}

    def _observation(
        self, host: HostInfo, result: Result, transcript: Sequence[Observation]
    ) -> dict[str, Any]:
        lines = [number for number in result.observations if 0 < number <= len(transcript)]
        times = [transcript[number - 1].started_at for number in lines]
        found: dict[str, Any] = {
            "uuid": self._id("observation", result.control, result.host),
            "title": _line(f"{result.control} on {result.host}"),
            "description": _text(_told(result)),
            "props": [_prop("outcome", result.outcome.value), _prop("severity", result.severity)],
            "methods": ["TEST"],
            "types": ["control-objective"],
            "subjects": [{"subject-uuid": self._id("host", result.host), "type": "inventory-item"}],
            "collected": max(times, default=self._run.run.started_at),
        }
        if result.reason:
            found["props"].append(_prop("reason", result.reason))
        if host.transcript:
            where = f", lines {', '.join(map(str, lines))}" if lines else ", no line"
            found["relevant-evidence"] = [
                {"href": f"#{self._id(host.transcript)}", "description": _text(host.transcript + where)}
            ]
        return found

    def _finding(self, result: Result) -> dict[str, Any]:
        state, reason = _STATES[result.outcome]
        found: dict[str, Any] = {
            "uuid": self._id("finding", result.control, result.host),
            "title": _line(result.title),
            "description": _text(_told(result)),
            "props": [_prop("outcome", result.outcome.value), _prop("severity", result.severity)],
            "target": {
                "type": "objective-id",
                "target-id": result.control,
                "title": _line(f"{result.control} on {result.host}"),
                "status": {"state": state, "reason": reason},
            },
            "related-observations": [
                {"observation-uuid": self._id("observation", result.control, result.host)}
            ],
        }
        if is_waived(result):
            found["related-risks"] = [{"risk-uuid": self._id("risk", result.control, result.host)}]
        elif result.waiver is not None:
            found["remarks"] = _text(f"Waiver {result.waiver.id} is {result.waiver.state}.")
        if result.attestation is not None:
            found["remarks"] = _text(f"Attestation {result.attestation.id}, {result.attestation.state}.")
        return found

    def _risk(self, result: Result) -> dict[str, Any]:
        name = result.waiver.id if result.waiver else ""
        found: dict[str, Any] = {
            "uuid": self._id("risk", result.control, result.host),
            "title": _line(f"{result.control} on {result.host}, waived"),
            "description": _text(_told(result)),
            "statement": _text(f"Waiver {name}"),
            "props": [_prop("severity", result.severity), _prop("waiver", name)],
            "status": "deviation-approved",
            "related-observations": [
                {"observation-uuid": self._id("observation", result.control, result.host)}
            ],
        }
        waiver = self._waivers.get(name)
        if waiver is not None:
            said = f"{waiver.reason}\nApproved by {waiver.approved_by} on {waiver.approved_on}."
            found["statement"] = _text(f"{said} {waiver.ticket}")
            found["deadline"] = f"{waiver.expires}T23:59:59Z"
        return found

    def _resources(self) -> Iterator[dict[str, Any]]:
        yield self._resource(PLAN, "The plan", self._run.run.plan_sha256)
        for path, digest in sorted(self._run.inputs.items()):
            if path != PLAN:
                yield self._resource(path, "Given to the run", digest)
        for host in self._run.hosts:
            if host.transcript:
                title = f"Transcript of {host.name}"
                yield self._resource(host.transcript, title, host.transcript_sha256)

    def _resource(self, path: str, title: str, digest: str) -> dict[str, Any]:
        link: dict[str, Any] = {"href": path}
        if digest:
            link["hashes"] = [{"algorithm": "SHA-256", "value": digest}]
        return {"uuid": self._id(path), "title": _line(title), "rlinks": [link]}


def _told(result: Result) -> str:
    parts = [f"{result.outcome.value.replace('_', ' ')}: {result.title}"]
    parts += [part for part in dict.fromkeys((result.message, result.reason)) if part]
    if result.expected is not None or result.observed is not None:
        parts += [f"expected: {pretty(result.expected)}", f"observed: {pretty(result.observed)}"]
    return "\n".join(parts)


def _control_id(name: str) -> str:
    """Return an id of NIST SP 800-53 in OSCAL's form: `AC-6(9)` is `ac-6.9`."""
    return name.lower().replace("(", ".").replace(")", "")


def _line(text: str) -> str:
    """Return text as OSCAL's single lines want it: neither empty nor with space at its ends."""
    return visible(" ".join(text.split())) or "-"


def _text(text: str) -> str:
    return visible(text).strip() or "-"


def _prop(name: str, value: str) -> dict[str, str]:
    return {"name": name, "ns": NAMES, "value": _line(value)}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _open(value: object) -> str:
    """Return a JSON object that can be continued."""
    return _json(value).removesuffix("}")


def _array(name: str, items: Iterable[object]) -> Iterator[str]:
    """Yield a member with an array, or nothing when it would be empty: OSCAL knows no empty arrays."""
    separator = f', "{name}": ['
    for item in items:
        yield f"{separator}\n{_json(item)}"
        separator = ","
    if separator == ",":
        yield "]"
