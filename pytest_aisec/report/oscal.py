"""OSCAL assessment results, version 1.2.1: one observation and one finding for each control and host.

Findings: `satisfied` with reason `pass`, `not-satisfied` with `fail` or, where nothing was judged, `other`.
What does not apply has an observation and no finding, and `reviewed-controls` excludes it for that host. What
nobody looked at has a finding and no observation. A waived failure has a risk of status `deviation-approved`
with the waiver's end as deadline. All identifiers are derived from the run's.
The model: https://pages.nist.gov/OSCAL/
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_aisec.judge.outcome import Outcome
from pytest_aisec.judge.run import NAMESPACE, HostInfo, Result, Run, Verdict, is_waived
from pytest_aisec.observe.transcript import Observation
from pytest_aisec.report.document import OfRun, whole
from pytest_aisec.report.oscal_parts import (
    attestations,
    finding_prop,
    methods,
    objective,
    people,
    result_props,
    reviewed,
    risk_statement,
    tool,
)
from pytest_aisec.report.oscal_text import (
    array,
    code,
    line,
    markup,
    markup_line,
    opened,
    path,
    prop,
    token,
)
from pytest_aisec.report.wording import dump

VERSION = "1.2.1"
PLAN = "inputs/plan.json"

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


class Document(OfRun):
    """The assessment results of a run. Observations are written host by host, findings at the end."""

    def __init__(self, run: Run, verdict: Verdict) -> None:
        super().__init__(run, verdict)
        self._separator = ', "observations": ['
        self._ids: dict[tuple[str, ...], str] = {}

    def begin(self) -> Iterator[str]:
        """Yield all that stands before the observations."""
        run = self._run
        roles, parties = people(run, self._id)
        controls = self._index.controls()
        head = {
            "uuid": self._id("assessment-results"),
            "metadata": {
                "title": markup_line(f"Security audit: {run.run.profile_title}"),
                "last-modified": run.run.finished_at,
                "version": line(run.run.profile_version),
                "oscal-version": VERSION,
                **({"roles": roles, "parties": parties} if parties else {}),
            },
            "import-ap": {"href": f"#{self._id(PLAN)}"},
        }
        if controls:
            objectives = [objective(control) for control in controls.values()]
            head["local-definitions"] = {"objectives-and-methods": objectives}
        result = {
            "uuid": self._id("result"),
            "title": markup_line(f"{run.run.profile} {run.run.profile_version}: {self._verdict.gate}"),
            "description": markup("\n".join(self._verdict.because)),
            "start": run.run.started_at,
            "end": run.run.finished_at,
            "props": result_props(run, self._verdict),
        }
        yield '{"assessment-results": ' + opened(head)
        yield ', "results": [' + opened(result)
        yield ', "local-definitions": ' + opened(tool(run, self._id))
        known = {host.name: host for host in run.hosts}
        yield from array("inventory-items", (self._item(name, known.get(name)) for name in run.by_host()))
        yield "}"
        yield from reviewed(run, controls)
        yield from array("attestations", attestations(run, self._id))

    def host(
        self, host: HostInfo, results: Sequence[Result], transcript: Sequence[Observation]
    ) -> Iterator[str]:
        """Yield the observations on one host, one for each result for which somebody looked."""
        for result in results:
            if methods(result):
                yield f"{self._separator}\n{dump(self._observation(host, result, transcript))}"
                self._separator = ","

    def end(self) -> Iterator[str]:
        """Yield risks, findings and the files of the bundle that they rest on."""
        run = self._run
        if self._separator == ",":
            yield "]"
        yield from array("risks", (self._risk(item) for item in run.results if is_waived(item)))
        found = (item for item in run.results if item.outcome in _STATES)
        yield from array("findings", (self._finding(item) for item in found))
        separator = '}], "back-matter": {"resources": ['
        for item in self._resources():
            yield f"{separator}\n{dump(item)}"
            separator = ","
        yield "]}}}\n"

    def _id(self, *parts: str) -> str:
        known = self._ids.get(parts)
        if known is None:
            known = self._ids[parts] = str(uuid.uuid5(NAMESPACE, json.dumps([self._run.run.id, *parts])))
        return known

    def _item(self, name: str, host: HostInfo | None) -> dict[str, Any]:
        props = [
            {"name": "asset-id", "value": line(name)},
            {"name": "is-scanned", "value": "yes" if host and host.observations else "no"},
        ]
        if host and host.connection:
            props.append(prop("connection", host.connection))
        if host and host.group:
            props.append(prop("group", host.group))
        if host and host.fault:
            props.append(prop("fault", host.fault))
        return {"uuid": self._id("host", name), "description": markup(name), "props": props}

    def _observation(
        self, host: HostInfo, result: Result, transcript: Sequence[Observation]
    ) -> dict[str, Any]:
        lines = [number for number in result.observations if 0 < number <= len(transcript)]
        times = [transcript[number - 1].started_at for number in lines]
        found: dict[str, Any] = {
            "uuid": self._id("observation", result.control, result.host),
            "title": markup_line(f"{result.control} on {result.host}"),
            "description": markup(self._index.message(result)),
            "props": [prop("outcome", result.outcome.value), prop("severity", result.severity)],
            "methods": methods(result),
            "types": ["control-objective"],
            "origins": [{"actors": [{"type": "tool", "actor-uuid": self._id("tool")}]}],
            "subjects": [{"subject-uuid": self._id("host", result.host), "type": "inventory-item"}],
            "collected": max(times, default=self._run.run.started_at),
        }
        if result.reason:
            found["props"].append(prop("reason", result.reason))
        if host.transcript and lines:
            where = f"lines {', '.join(map(str, lines))}" if len(lines) > 1 else f"line {lines[0]}"
            found["relevant-evidence"] = [
                {
                    "href": f"#{self._id(host.transcript)}",
                    "description": markup(f"{host.transcript}, {where}"),
                    "props": [prop("line", number) for number in lines],
                }
            ]
        if result.expected is not None or result.observed is not None:
            said = f"expected: {code(result.expected)}\n\nobserved: {code(result.observed)}"
            found["remarks"] = said
        return found

    def _finding(self, result: Result) -> dict[str, Any]:
        state, reason = _STATES[result.outcome]
        said = self._index.message(result)
        found: dict[str, Any] = {
            "uuid": self._id("finding", result.control, result.host),
            "title": markup_line(f"{result.control} on {result.host}"),
            "description": markup(result.title),
            "props": [prop("outcome", result.outcome.value), prop("severity", result.severity)],
            "target": {
                "type": "objective-id",
                "target-id": token(result.control),
                "status": {"state": state, "reason": reason, "remarks": markup(said)},
            },
        }
        for item in self._index.findings(result):
            found["props"].append(finding_prop(item))
        if result.waiver is not None:
            found["props"] += [
                prop("waiver", result.waiver.id),
                prop("waiver-state", result.waiver.state),
            ]
        if result.attestation is not None:
            found["props"] += [
                prop("attestation", result.attestation.id),
                prop("attestation-state", result.attestation.state),
            ]
        if methods(result):
            found["related-observations"] = [self._related(result)]
        else:
            found["props"].append(prop("host", result.host))
        if is_waived(result):
            found["related-risks"] = [{"risk-uuid": self._id("risk", result.control, result.host)}]
        return found

    def _related(self, result: Result) -> dict[str, str]:
        return {"observation-uuid": self._id("observation", result.control, result.host)}

    def _risk(self, result: Result) -> dict[str, Any]:
        waiver = self._index.waiver(result)
        found: dict[str, Any] = {
            "uuid": self._id("risk", result.control, result.host),
            "title": markup_line(f"{result.control} on {result.host}, waived"),
            "description": markup(result.message or result.title),
            "statement": risk_statement(waiver),
            "props": [
                prop("severity", result.severity),
                prop("waiver", result.waiver.id if result.waiver else ""),
            ],
            "status": "deviation-approved",
        }
        if waiver is not None:
            found["deadline"] = f"{waiver.expires}T23:59:59Z"
            entry = {
                "uuid": self._id("approval", result.control, result.host),
                "title": "Deviation approved",
                "start": f"{waiver.approved_on}T00:00:00Z",
                "logged-by": [{"party-uuid": self._id("party", waiver.approved_by), "role-id": "approver"}],
                "status-change": "deviation-approved",
            }
            found["risk-log"] = {"entries": [entry]}
        return {**found, "related-observations": [self._related(result)]}

    def _resources(self) -> Iterator[dict[str, Any]]:
        yield self._resource(PLAN, "The plan", self._run.run.plan_sha256)
        for name, digest in sorted(self._run.inputs.items()):
            if name != PLAN:
                yield self._resource(name, "Given to the run", digest)
        for host in self._run.hosts:
            if host.transcript:
                title = f"Transcript of {host.name}"
                yield self._resource(host.transcript, title, host.transcript_sha256)

    def _resource(self, name: str, title: str, digest: str) -> dict[str, Any]:
        link: dict[str, Any] = {"href": path(name)}
        if digest:
            link["hashes"] = [{"algorithm": "SHA-256", "value": digest}]
        return {"uuid": self._id(name), "title": markup_line(title), "rlinks": [link]}
