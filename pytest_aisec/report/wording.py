"""Wording that the machine formats share: waivers, attestations, commands, and what came of them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from pytest_aisec.judge import findings
from pytest_aisec.judge.outcome import Outcome
from pytest_aisec.judge.run import (
    AttestationInfo,
    ControlInfo,
    Finding,
    HostInfo,
    Result,
    Run,
    WaiverInfo,
    is_waived,
)
from pytest_aisec.observe.transcript import Observation
from pytest_aisec.report.grouping import stand_in
from pytest_aisec.report.text import compact, visible

LIMIT = 4096
"""How many characters of one text a machine format holds; `run.json` has the whole."""
OPEN = {
    Outcome.ERROR: "could not be observed",
    Outcome.NOT_REVIEWED: "not reviewed",
    Outcome.NOT_RUN: "not run",
}
"""Outcomes after which nothing is known, with what is said of them."""


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False)
"""Made once: a report of a fleet holds some hundred thousand values."""


class Index:
    """The controls, waivers and attestations of a run by id."""

    def __init__(self, run: Run) -> None:
        self._run = run

    @cached_property
    def _controls(self) -> Mapping[tuple[str, str], ControlInfo]:
        return {(item.group, item.id): item for item in self._run.controls}

    @cached_property
    def _groups(self) -> Mapping[str, str]:
        return {host.name: host.group for host in self._run.hosts}

    def control(self, result: Result) -> ControlInfo:
        """Return the control as it is for the host of `result`, or what little is known of it."""
        return self._controls.get((self._groups.get(result.host, ""), result.control)) or stand_in(result)

    def controls(self) -> dict[str, ControlInfo]:
        """Return every control that has a description or a result."""
        found = self._run.distinct()
        for result in self._run.results:
            if result.control not in found:
                found[result.control] = stand_in(result)
        return found

    @cached_property
    def _waivers(self) -> Mapping[str, WaiverInfo]:
        return {item.id: item for item in self._run.waivers}

    @cached_property
    def _attestations(self) -> Mapping[str, AttestationInfo]:
        return {item.id: item for item in self._run.attestations}

    def waiver(self, result: Result) -> WaiverInfo | None:
        """Return the waiver that covers `result`, as far as the run describes it."""
        return self._waivers.get(result.waiver.id) if result.waiver else None

    def attestation(self, result: Result) -> AttestationInfo | None:
        """Return the attestation that stands for the review of `result`, as far as the run describes it."""
        return self._attestations.get(result.attestation.id) if result.attestation else None

    def excuse(self, result: Result) -> str:
        """Return one sentence on the waiver of a result that failed or passed; empty where there is none."""
        if result.waiver is None:
            return ""
        name, state, info = result.waiver.id, result.waiver.state, self.waiver(result)
        if info is None:
            return f"waived by {name}" if is_waived(result) else f"waiver {name} is {state}"
        ticket = f", {info.ticket}" if info.ticket else ""
        why = f"{info.reason} ({name}, approved by {info.approved_by} on {info.approved_on}{ticket})"
        if is_waived(result):
            return f"waived until {info.expires}: {why}"
        if state == "expired":
            return f"waiver expired on {info.expires}: {why}"
        return f"passed although waived until {info.expires}: {why}"

    def review(self, result: Result) -> str:
        """Return one sentence on the attestation of a result; empty where there is none."""
        if result.attestation is None:
            return ""
        name, info = result.attestation.id, self.attestation(result)
        if info is None:
            return f"attestation {name} is {result.attestation.state}"
        until = "valid until" if result.attestation.state == "active" else "expired on"
        return (
            f"attested as {info.status} by {info.attested_by} on {info.attested_on}, {until} "
            f"{info.valid_until}: {info.statement} ({name})"
        )

    @staticmethod
    def findings(result: Result) -> Sequence[Finding]:
        """Return the findings of a result; of a run from before there were any, made from its values."""
        return result.findings or findings.of(result)

    def message(self, result: Result) -> str:
        """Return what a person reads first of a result, never empty."""
        said = result.message or result.reason
        if result.outcome in OPEN:
            said = f"{OPEN[result.outcome]}: {'; '.join(_both(result)) or 'no reason given'}"
        elif result.outcome is Outcome.NOT_APPLICABLE:
            said = f"not applicable: {said or 'no reason given'}"
        elif result.outcome is Outcome.FAILED:
            said = said or "not as required"
        else:
            said = said or "as required"
        return "; ".join(part for part in (said, self.excuse(result), self.review(result)) if part)


def _both(result: Result) -> list[str]:
    return [part for part in dict.fromkeys((result.reason, result.message)) if part]


def asked(host: HostInfo, result: Result, transcript: Sequence[Observation]) -> Iterator[str]:
    """Yield, for each command that `result` rests on, the command, how it ended and where its answer is."""
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


def short(text: object, limit: int = LIMIT) -> str:
    """Return a text fit to be read, of which no more than `limit` characters are shown."""
    whole = str(text)
    if len(whole) <= limit:
        return visible(whole)
    return f"{visible(whole[:limit])}… [cut: the first {limit:,} of {len(whole):,} characters]"


def clean(value: Any) -> Any:
    """Return JSON data with every text in it fit to be read, and with numbers that JSON can hold."""
    if isinstance(value, str):
        return visible(value)
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, list | tuple):
        return [clean(item) for item in value]
    if isinstance(value, Mapping):
        return {visible(name): clean(item) for name, item in value.items()}
    return visible(value)


def bounded(value: Any) -> Any:
    """Return JSON data as it is while it is small, and the beginning of its text where it is not."""
    cleaned = clean(value)
    text = compact(cleaned)
    return cleaned if len(text) <= LIMIT else short(text)


def dump(value: Any) -> str:
    """Return JSON data in one line, in the order in which it was made."""
    return _ENCODER.encode(value)
