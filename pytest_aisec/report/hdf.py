"""HDF, the format of InSpec and Heimdall (`exec-json`): one file a host."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from pytest_aisec.catalog.control import Severity
from pytest_aisec.judge.outcome import Outcome
from pytest_aisec.judge.run import ControlInfo, HostInfo, Result, Run, Verdict, is_waived
from pytest_aisec.observe.transcript import Observation
from pytest_aisec.report.document import whole
from pytest_aisec.report.text import pretty
from pytest_aisec.report.wording import Index, asked, bounded, clean, dump, short

IMPACTS: Mapping[Severity, float] = {"critical": 1.0, "high": 0.7, "medium": 0.5, "low": 0.3}
_STATUSES = {
    Outcome.PASSED: "passed",
    Outcome.FAILED: "failed",
    Outcome.ERROR: "error",
    Outcome.NOT_APPLICABLE: "skipped",
    Outcome.NOT_REVIEWED: "skipped",
    Outcome.NOT_RUN: "error",
}
_REVISION = "Rev_5"
"""Of NIST SP 800-53: how Heimdall learns which catalogue the tags belong to."""


def render(run: Run, verdict: Verdict) -> str:
    """Return the HDF documents of `run`, one after the other; the same run gives the same text."""
    return whole(Document, run, verdict)


class Document:
    """The HDF document of each host."""

    def __init__(self, run: Run, verdict: Verdict) -> None:
        del verdict  # HDF has a status for each control, and no gate
        self._run = run
        self._index = Index(run)

    def begin(self) -> Iterable[str]:
        """Yield nothing: a document is about one host."""
        return ()

    def host(
        self, host: HostInfo, results: Sequence[Result], transcript: Sequence[Observation]
    ) -> Iterator[str]:
        """Yield the document of one host."""
        head, tail = self._frame(host, results)
        yield f"{head}\n"
        separator = ""
        for result in results:
            yield separator + dump(clean(self._control(host, result, transcript)))
            separator = ",\n"
        yield f"\n{tail}\n"

    def end(self) -> Iterable[str]:
        """Yield nothing."""
        return ()

    def _frame(self, host: HostInfo, results: Sequence[Result]) -> tuple[str, str]:
        """Return what stands before and after the controls of one host."""
        run, own = self._run.run, self._run.profile_of(host)
        families: dict[str, list[str]] = {}
        for result in results:
            family = self._index.control(result).family or "other"
            families.setdefault(family, []).append(result.control)
        profile = {
            "name": own.profile,
            "title": own.title,
            "version": own.version,
            "sha256": run.plan_sha256,
            "status": "loaded",
            "supports": [],
            "attributes": [],
            "groups": [{"id": name, "title": name, "controls": ids} for name, ids in families.items()],
        }
        document = {
            "platform": {"name": "pytest-aisec", "release": run.package_version, "target_id": host.name},
            "statistics": {"duration": sum(result.duration_ms for result in results) / 1000},
            "version": run.package_version,
            "passthrough": {
                "run": run.id,
                "started_at": run.started_at,
                "finished_at": run.finished_at,
                "signed_by": run.signed_by or "unsigned",
                "connection": host.connection,
                "transcript": host.transcript,
                "fault": short(host.fault),
            },
        }
        head = dump(clean(document)).removesuffix("}")
        return f'{head}, "profiles": [{dump(clean(profile)).removesuffix("}")}, "controls": [', "]}]}"

    def _control(self, host: HostInfo, result: Result, transcript: Sequence[Observation]) -> dict[str, Any]:
        control = self._index.control(result)
        is_applicable = result.outcome is not Outcome.NOT_APPLICABLE
        found: dict[str, Any] = {
            "id": control.id,
            "title": short(control.title),
            "desc": short(control.rationale),
            "descriptions": [
                {"label": "check", "data": short(control.title)},
                {"label": "fix", "data": short(control.remediation)},
            ],
            "impact": IMPACTS[result.severity] if is_applicable else 0.0,
            "refs": [],
            "tags": _tags(control, result) | self._findings(result),
            "code": short("\n".join(asked(host, result, transcript))),
            "source_location": {},
            "results": [self._result(result, transcript)],
        }
        if result.waiver is not None:
            found["waiver_data"] = self._waiver(result)
        attestation = self._index.attestation(result)
        if attestation is not None and result.attestation and result.attestation.state == "active":
            found["attestation_data"] = {
                "control_id": control.id,
                "explanation": short(f"{attestation.statement} ({attestation.id})"),
                "frequency": _days(attestation.attested_on, attestation.valid_until),
                "status": attestation.status,
                "updated": attestation.attested_on,
                "updated_by": attestation.attested_by,
            }
        return found

    def _findings(self, result: Result) -> dict[str, Any]:
        found = self._index.findings(result)
        told = [
            {"id": item.id, "subject": short(item.subject), "first_seen": short(item.first_seen)}
            for item in found
        ]
        return {"findings": told} if told else {}

    def _result(self, result: Result, transcript: Sequence[Observation]) -> dict[str, Any]:
        status, message = _STATUSES[result.outcome], self._index.message(result)
        if result.outcome is Outcome.FAILED and (result.expected is not None or result.observed is not None):
            message += f"\nexpected: {pretty(result.expected)}\nobserved: {pretty(result.observed)}"
        found: dict[str, Any] = {
            "status": status,
            "code_desc": short(result.title),
            "run_time": result.duration_ms / 1000,
            "start_time": _started(result, transcript) or self._run.run.started_at,
            "skip_message" if status == "skipped" else "message": short(message),
        }
        if status == "error":
            found["exception"] = short(result.reason or result.outcome.value)
        return {**found, "backtrace": None}

    def _waiver(self, result: Result) -> dict[str, Any]:
        """Return the waiver that covers a result. A control is never skipped for it."""
        info = self._index.waiver(result)
        return {
            "expiration_date": info.expires if info else None,
            "justification": short(
                f"{info.reason} ({info.id}, approved by {info.approved_by})" if info else ""
            ),
            "run": True,
            "skipped_due_to_waiver": False,
            "message": "" if is_waived(result) else short(self._index.excuse(result)),
        }


def _tags(control: ControlInfo, result: Result) -> dict[str, Any]:
    tags: dict[str, Any] = {
        "nist": [*control.frameworks.get("nist_800_53", ()), _REVISION],
        "severity": result.severity,
        "family": control.family,
        "outcome": result.outcome.value,
        "platforms": [*control.platforms],
        "parameters": {name: bounded(value) for name, value in control.params.items()},
    }
    tags |= {key: [*ids] for key, ids in sorted(control.frameworks.items()) if key != "nist_800_53"}
    for name, state in (("waiver", result.waiver), ("attestation", result.attestation)):
        if state is not None:
            tags[name] = f"{state.id} ({state.state})"
    return tags


def _started(result: Result, transcript: Sequence[Observation]) -> str:
    """Return when the first of the commands was asked on which the result rests; empty where none was."""
    lines = [number for number in result.observations if 0 < number <= len(transcript)]
    return min((transcript[number - 1].started_at for number in lines), default="")


def _days(first: str, last: str) -> str:
    """Return how long a statement holds, as the SAF tools write it: `91d`."""
    try:
        return f"{max((date.fromisoformat(last) - date.fromisoformat(first)).days, 1)}d"
    except ValueError:
        return f"until {last}"
