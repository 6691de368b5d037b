"""SARIF 2.1.0 for code scanning and its readers: a rule for each control, results for each host.

A control that failed on a host has a result for each finding, up to `FINDINGS` of them and one for the rest.
In the bundle stand the results that failed or are open; `Everything` has the others as well. A result that is
missing from the log is therefore not one that passed: `properties.leftOut` says how many there are.
"""

from __future__ import annotations

import hashlib
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from pytest_aisec.catalog.control import Severity
from pytest_aisec.judge.findings import identify
from pytest_aisec.judge.outcome import Outcome
from pytest_aisec.judge.run import Finding, HostInfo, Result, Run, Verdict, is_waived
from pytest_aisec.observe.transcript import Observation
from pytest_aisec.report.document import OfRun, whole
from pytest_aisec.report.sarif_rules import LEVELS, Rules
from pytest_aisec.report.text import visible
from pytest_aisec.report.wording import OPEN, bounded, clean, dump, short

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
FINDINGS = 100
"""Findings of one control on one host that have results of their own."""
BUNDLE = "BUNDLE"
"""Base of the paths in the log."""
_KINDS = {
    Outcome.PASSED: "pass",
    Outcome.FAILED: "fail",
    Outcome.ERROR: "open",
    Outcome.NOT_APPLICABLE: "notApplicable",
    Outcome.NOT_REVIEWED: "review",
    Outcome.NOT_RUN: "open",
}
_SETTLED = {Outcome.PASSED, Outcome.NOT_APPLICABLE}
_UNDONE = {Outcome.ERROR, Outcome.NOT_RUN}


def render(run: Run, verdict: Verdict) -> str:
    """Return the SARIF log of what failed or is open in `run`; the same run gives the same text."""
    return whole(Document, run, verdict)


class Document(OfRun):
    """The SARIF log of a run: what failed or is open."""

    is_complete = False

    def __init__(self, run: Run, verdict: Verdict) -> None:
        super().__init__(run, verdict)
        self._rules = Rules(self._index.controls())
        self._hosts = {host.name: host for host in run.hosts}
        self._separator = "\n"

    def begin(self) -> Iterator[str]:
        """Yield the log up to its first result."""
        yield f'{{\n"$schema": {dump(SCHEMA)},\n"version": "2.1.0",\n"runs": [{{\n'
        for name, value in self._head().items():
            yield f"{dump(name)}: {dump(clean(value))},\n"
        yield '"results": ['

    def host(
        self, host: HostInfo, results: Sequence[Result], transcript: Sequence[Observation]
    ) -> Iterator[str]:
        """Yield the results of one host."""
        del transcript  # its lines are pointed at
        for result in results:
            if self.is_complete or result.outcome not in _SETTLED:
                for found in self._results(host, result):
                    yield self._separator + dump(clean(found))
                    self._separator = ",\n"

    def end(self) -> Iterator[str]:
        """Yield how the run went, and what closes the log."""
        invocation = dump(clean(self._invocation())).removesuffix("}")
        yield f'\n],\n"invocations": [{invocation}, "toolExecutionNotifications": ['
        separator = "\n"
        for result in self._run.results:
            if result.outcome in _UNDONE:
                yield separator + dump(clean(self._notification(result)))
                separator = ",\n"
        yield "\n]}]\n}]\n}\n"

    def _head(self) -> dict[str, Any]:
        run, verdict, counts = self._run, self._verdict, Counter(item.outcome for item in self._run.results)
        left = {} if self.is_complete else {key.value: counts[key] for key in sorted(_SETTLED)}
        rules = self._rules
        reasons = sorted({_descriptor(item) for item in run.results if item.outcome in _UNDONE})
        return {
            "tool": {
                "driver": {
                    "name": "pytest-aisec",
                    "version": run.run.package_version,
                    "fullName": f"pytest-aisec {run.run.package_version}",
                    "shortDescription": {
                        "text": "Audits AI machines against security controls and leaves evidence."
                    },
                    "rules": rules.rules(),
                    "notifications": [_why_open(name) for name in reasons],
                    "supportedTaxonomies": rules.supported(),
                }
            },
            "taxonomies": rules.taxonomies(),
            "automationDetails": {
                "id": f"pytest-aisec/{run.run.profile}/{run.run.id}",
                "description": {"text": f"{run.run.profile_title or run.run.profile}, {run.run.started_at}"},
                **_guid(run.run.id),
            },
            "originalUriBaseIds": {BUNDLE: {"description": {"text": "The directory of the bundle."}}},
            "columnKind": "unicodeCodePoints",
            "properties": {
                "gate": verdict.gate,
                "because": [short(sentence) for sentence in verdict.because],
                "profile": run.run.profile,
                "profileVersion": run.run.profile_version,
                "planSha256": run.run.plan_sha256,
                "signedBy": run.run.signed_by or "unsigned",
                "hosts": len(run.hosts),
                "planned": run.ledger.planned,
                "outcomes": {outcome.value: counts[outcome] for outcome in Outcome},
                "waived": sum(map(is_waived, run.results)),
                "waivers": dict(sorted(Counter(item.state for item in run.waivers).items())),
                "attestations": dict(sorted(Counter(item.state for item in run.attestations).items())),
                "scores": {
                    "withoutWaivers": run.scores.without_waivers,
                    "withWaivers": run.scores.with_waivers,
                },
                "leftOut": left,
            },
        }

    def _results(self, host: HostInfo, result: Result) -> Iterator[dict[str, Any]]:
        """Yield what is said of one control on one host: a failure finding by finding."""
        found, whole_ = self._index.findings(result), self._result(host, result)
        own = found if len(found) <= FINDINGS else found[: FINDINGS - 1]
        for finding in own:
            yield self._of(whole_, result, finding)
        more = len(found) - len(own)
        if more:
            whole_["message"] = self._said(result, f"{more} more: ")
            whole_["properties"]["moreFindings"] = more
        if more or not found:
            yield whole_

    def _of(self, whole_: Mapping[str, Any], result: Result, finding: Finding) -> dict[str, Any]:
        """Return the result of one finding, made from that of the control on the host."""
        made = dict(whole_)
        if finding.subject:
            made["message"] = self._said(result, f"{finding.subject}: ")
            made["properties"] = {**whole_["properties"], "subject": short(finding.subject)}
            made["partialFingerprints"] = {
                "finding/v1": finding.id,
                "primaryLocationLineHash": f"{finding.id}:1",
            }
        if _is_time(finding.first_seen):
            made["provenance"] = {"firstDetectionTimeUtc": finding.first_seen}
        return made

    def _said(self, result: Result, what: str = "") -> dict[str, str]:
        return {"text": short(f"{result.host}: {what}{self._index.message(result)}")}

    def _result(self, host: HostInfo, result: Result) -> dict[str, Any]:
        """Return what is said of a control on a host as a whole."""
        print_ = _fingerprint(result)
        properties = {
            "outcome": result.outcome.value,
            "severity": result.severity,
            "host": host.name,
            "connection": host.connection,
            "reason": short(result.reason),
            "expected": bounded(result.expected),
            "observed": bounded(result.observed),
            "observations": [*result.observations],
            "durationMs": result.duration_ms,
        }
        if result.waiver:
            properties["waiver"] = {"id": result.waiver.id, "state": result.waiver.state}
        if result.attestation:
            properties["attestation"] = {"id": result.attestation.id, "state": result.attestation.state}
        return {
            "ruleId": result.control,
            "ruleIndex": self._rules.number(result.control),
            "kind": _KINDS[result.outcome],
            "level": _level(result.outcome, result.severity),
            "message": self._said(result),
            "locations": [_location(host, result)],
            "partialFingerprints": {
                "finding/v1": identify(result.control, result.host),
                "controlAndHost/v1": print_,
                "primaryLocationLineHash": f"{print_}:1",
            },
            "suppressions": self._suppressions(result),
            "properties": properties,
        }

    def _suppressions(self, result: Result) -> list[dict[str, Any]]:
        """Return the waiver of a failure: accepted while it holds, rejected from then on."""
        if result.waiver is None or result.outcome is not Outcome.FAILED:
            return []
        info = self._index.waiver(result)
        details: Mapping[str, Any] = {"waiver": result.waiver.id, "state": result.waiver.state}
        if info is not None:
            details = {
                **details,
                "approvedBy": info.approved_by,
                "approvedOn": info.approved_on,
                "expires": info.expires,
                "ticket": info.ticket,
            }
        return [
            {
                "kind": "external",
                "status": "accepted" if is_waived(result) else "rejected",
                "justification": short(self._index.excuse(result)),
                "properties": details,
            }
        ]

    def _invocation(self) -> dict[str, Any]:
        return {
            "executionSuccessful": not any(item.outcome in _UNDONE for item in self._run.results),
            "exitCode": int(self._verdict.exit_code),
            "exitCodeDescription": f"gate {self._verdict.gate}",
            "startTimeUtc": self._run.run.started_at,
            "endTimeUtc": self._run.run.finished_at,
        }

    def _notification(self, result: Result) -> dict[str, Any]:
        unknown = HostInfo(name=result.host, connection="", transcript="", observations=0)
        host = self._hosts.get(result.host, unknown)
        return {
            "descriptor": {"id": _descriptor(result)},
            "associatedRule": {"id": result.control, "index": self._rules.number(result.control)},
            "level": "error",
            "message": {"text": short(f"{result.control} on {host.name}: {self._index.message(result)}")},
            "locations": [_location(host, result)],
        }


class Everything(Document):
    """The SARIF log of a run with all its results."""

    is_complete = True


def _level(outcome: Outcome, severity: Severity) -> str:
    """Return the level of a result; the standard knows none but `none` for what did not fail."""
    return LEVELS[severity] if outcome is Outcome.FAILED else "none"


def _descriptor(result: Result) -> str:
    if result.outcome is Outcome.ERROR and result.reason:
        return short(result.reason, 100)
    return OPEN[result.outcome].replace(" ", "_")


def _why_open(name: str) -> dict[str, Any]:
    return {
        "id": name,
        "shortDescription": {"text": f"Nothing is known: {name}."},
        "fullDescription": {
            "text": f"The control has neither passed nor failed on this host, because of: {name}."
        },
        "help": {
            "text": "The result's message says what stood in the way. Remove it, and run the audit again."
        },
    }


def _location(host: HostInfo, result: Result) -> dict[str, Any]:
    """Return where a result belongs: to a host, and to the first line of its transcript that it rests on."""
    logical = {"name": host.name, "fullyQualifiedName": host.name, "kind": "resource"}
    if not host.transcript:
        return {"logicalLocations": [logical]}
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(visible(host.transcript)), "uriBaseId": BUNDLE},
            "region": {"startLine": min((number for number in result.observations if number > 0), default=1)},
        },
        "logicalLocations": [logical],
    }


def _fingerprint(result: Result) -> str:
    """Return what stays the same for one control on one host, from run to run."""
    text = f"{result.control}\0{result.host}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _is_time(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _guid(text: str) -> dict[str, str]:
    try:
        return {"guid": str(uuid.UUID(text))}
    except ValueError:
        return {}
