"""The parts of an OSCAL file that do not grow with the results: who, by what means, and what was in scope."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pytest_aisec.judge.outcome import Outcome
from pytest_aisec.judge.run import ControlInfo, Finding, Result, Run, Verdict, WaiverInfo
from pytest_aisec.report.oscal_text import (
    NAMES,
    array,
    line,
    markup,
    markup_line,
    opened,
    prop,
    requirement,
    token,
)

Identify = Callable[..., str]
"""Kind of object → its identifier."""


def people(run: Run, identify: Identify) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the roles and the parties: who approved waivers, and who attested."""
    roles = []
    if run.waivers:
        roles.append({"id": "approver", "title": "Approves deviations"})
    if run.attestations:
        roles.append({"id": "attester", "title": "Attests what no command can decide"})
    names = {item.approved_by for item in run.waivers} | {item.attested_by for item in run.attestations}
    parties = [
        {"uuid": identify("party", name), "type": "person", "name": line(name)} for name in sorted(names)
    ]
    return roles, parties


def result_props(run: Run, verdict: Verdict) -> list[dict[str, str]]:
    """Return what is said of the run as a whole: its verdict, its ledger, its scores."""
    props = [
        prop("run", run.run.id),
        prop("profile", f"{run.run.profile} {run.run.profile_version}"),
        *(prop("group", f"{item.name}: {item.profile} {item.version}") for item in run.groups),
        prop("gate", verdict.gate),
        prop("exit-code", int(verdict.exit_code)),
        prop("planned", run.ledger.planned),
        *(prop(item.value.replace("_", "-"), getattr(run.ledger, item.value)) for item in Outcome),
    ]
    scores = {"score": run.scores.without_waivers, "score-with-waivers": run.scores.with_waivers}
    props += [prop(name, value) for name, value in scores.items() if value is not None]
    if run.run.signed_by:
        props.append(prop("signed-by", run.run.signed_by))
    return props


def tool(run: Run, identify: Identify) -> dict[str, Any]:
    """Return what the assessment was made with."""
    component = {
        "uuid": identify("tool"),
        "type": "software",
        "title": "pytest-aisec",
        "description": "Asks hosts with commands that only observe, and judges the answers.",
        "props": [{"name": "version", "value": line(run.run.package_version)}],
        "status": {"state": "operational"},
    }
    platform = {"uuid": identify("platform"), "uses-components": [{"component-uuid": identify("tool")}]}
    return {"assessment-assets": {"components": [component], "assessment-platforms": [platform]}}


def objective(control: ControlInfo) -> dict[str, Any]:
    """Return what a control requires, as an objective that findings have as their target."""
    ids = control.frameworks.get("nist_800_53", ())
    props = [prop("severity", control.severity)]
    props += [
        prop(token(framework), reference)
        for framework, references in sorted(control.frameworks.items())
        for reference in references
    ]
    name, platforms = token(control.id), ", ".join(control.platforms) or "any"
    found: dict[str, Any] = {
        "control-id": requirement(ids[0]) if ids else name,
        "description": markup(control.title),
        "props": props,
        "parts": [
            {
                "id": name,
                "name": "assessment-objective",
                "title": markup_line(control.title),
                "props": [{"name": "method-id", "value": f"{name}.test"}],
                "prose": markup(control.rationale or control.title),
            },
            {
                "id": f"{name}.test",
                "name": "assessment-method",
                "props": [{"name": "method", "value": "TEST"}],
                "parts": [{"name": "assessment-objects", "prose": markup(f"Hosts: {platforms}")}],
            },
        ],
    }
    if control.remediation:
        found["remarks"] = markup(control.remediation)
    return found


def reviewed(run: Run, controls: Mapping[str, ControlInfo]) -> Iterator[str]:
    """Yield the member that says what was in scope, and what was not applicable on which host."""
    applies = {item.control for item in run.results if item.outcome is not Outcome.NOT_APPLICABLE}
    scope = [control for control in controls.values() if control.id in applies] or [*controls.values()]
    ids = {requirement(name) for control in scope for name in control.frameworks.get("nist_800_53", ())}
    said = "Requirements of NIST SP 800-53 that the controls of the run serve."
    if not ids:
        ids = {token(control.id) for control in scope}
        said = "The controls of the run. They name no requirement of NIST SP 800-53."
    if not ids:
        ids, said = {"none"}, "No control was planned."
    selection = {
        "description": said,
        "include-controls": [{"control-id": name} for name in sorted(ids)],
    }
    yield ', "reviewed-controls": ' + opened({"control-selections": [selection]})
    yield from array("control-objective-selections", _objectives(run, scope, applies))
    yield "}"


def _objectives(run: Run, scope: Sequence[ControlInfo], applies: set[str]) -> Iterator[dict[str, Any]]:
    if scope:
        known = run.distinct()
        left_out = {item.control: item.reason for item in run.excluded if item.control not in known}
        nowhere = [control for control in known if control not in applies]
        left_out |= dict.fromkeys(nowhere, "not applicable on any host of the run")
        yield {
            "description": "The controls of the run, and those that its profile leaves out.",
            "include-objectives": [{"objective-id": token(control.id)} for control in scope],
            **_excluded(sorted(left_out.items())),
        }
    for host, results in run.by_host().items():
        missing = [item for item in results if item.outcome is Outcome.NOT_APPLICABLE]
        if missing:
            yield {
                "description": markup(f"Not applicable on {host}"),
                "props": [prop("host", host)],
                "include-all": {},
                **_excluded([(item.control, item.reason or item.message) for item in missing]),
            }


def _excluded(reasons: Sequence[tuple[str, str]]) -> dict[str, Any]:
    found = [{"objective-id": token(name), "remarks": markup(reason)} for name, reason in reasons]
    return {"exclude-objectives": found} if found else {}


def attestations(run: Run, identify: Identify) -> Iterator[dict[str, Any]]:
    """Yield the statements of people that were given to the run."""
    for item in run.attestations:
        party = identify("party", item.attested_by)
        yield {
            "responsible-parties": [{"role-id": "attester", "party-uuids": [party]}],
            "parts": [
                {
                    "uuid": identify("attestation", item.id),
                    "ns": NAMES,
                    "name": "attestation",
                    "title": markup_line(f"{item.id}: {item.control} {item.status}"),
                    "props": [
                        prop("state", item.state),
                        prop("attested-on", item.attested_on),
                        prop("valid-until", item.valid_until),
                        *(prop("host", name) for name in item.hosts),
                    ],
                    "prose": markup(item.statement),
                }
            ],
        }


def finding_prop(finding: Finding) -> dict[str, str]:
    """Return the id of a finding, with what is wrong and since when."""
    since = f"first seen {finding.first_seen}" if finding.first_seen else ""
    said = "; ".join(part for part in (finding.subject, since) if part)
    return {**prop("finding-id", finding.id), **({"remarks": markup(said)} if said else {})}


def methods(result: Result) -> list[str]:
    """Return how the result came about; empty where nobody looked."""
    asked = result.outcome not in {Outcome.NOT_RUN, Outcome.NOT_REVIEWED}
    attested = result.attestation is not None and result.attestation.state == "active"
    if attested:
        return ["TEST", "EXAMINE"] if result.observations else ["EXAMINE"]
    return ["TEST"] if asked or result.observations else []


def risk_statement(waiver: WaiverInfo | None) -> str:
    """Return why the deviation is accepted, as far as the run says."""
    if waiver is None:
        return "The run does not describe the waiver."
    ticket = f" ({waiver.ticket})" if waiver.ticket else ""
    return markup(f"{waiver.reason}\n\nApproved by {waiver.approved_by} on {waiver.approved_on}{ticket}.")
