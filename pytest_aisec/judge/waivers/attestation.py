"""Attestations: a person's dated statement on a control that no command can decide."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import ValidationInfo, field_validator

from pytest_aisec.catalog.profile import NonEmpty
from pytest_aisec.judge.outcome import Outcome
from pytest_aisec.judge.run import AttestationInfo, AttestationState, Result
from pytest_aisec.judge.waivers import statement as dated
from pytest_aisec.judge.waivers.statement import Dated, Day, Given

OPTION = "--aisec-attestations"


class Attestation(Dated):
    """Finding of a person on a control, and until when that may be relied on."""

    statement: NonEmpty
    status: Literal["passed", "failed"]
    attested_by: NonEmpty
    attested_on: Day
    """From this day on it holds."""
    valid_until: Day
    """The last day on which it holds, to its end in UTC."""

    @field_validator("valid_until")
    @classmethod
    def _after_its_day(cls, value: date, info: ValidationInfo) -> date:
        return dated.check_order(info.data.get("attested_on"), value, "attested_on")


def load(paths: Iterable[Path], known: Collection[str]) -> Given[Attestation]:
    """Read the attestations of files or directories; `known` are the ids of all controls.

    Raises:
        UsageProblem: with one line for every mistake in any of the files.

    """
    return dated.load(paths, Attestation, OPTION, known)


def apply(
    results: Sequence[Result], attestations: Sequence[Attestation], hosts: Sequence[str], today: date
) -> tuple[list[Result], tuple[AttestationInfo, ...]]:
    """Give results that wait for a review the outcome that a valid attestation states.

    No other outcome is touched: what a command can decide, no statement overrules. Of several, a valid one
    comes before one that is over, one that says `failed` before one that says `passed`, and then the one for
    the fewest hosts. The arguments and what is returned are those of `waiver.apply`.
    """
    laid = [_lay(item, attestations, hosts, today) for item in results]
    return laid, tuple(_info(item, laid, today) for item in sorted(attestations, key=lambda item: item.id))


def _lay(result: Result, attestations: Sequence[Attestation], hosts: Sequence[str], today: date) -> Result:
    if result.outcome is not Outcome.NOT_REVIEWED:
        return result
    meant = [
        item
        for item in attestations
        if item.is_for(result.control, result.host) and item.attested_on <= today
    ]
    if not meant:
        return result
    valid = [item for item in meant if today <= item.valid_until]
    chosen = dated.narrowest([item for item in valid if item.status == "failed"] or valid or meant, hosts)
    if not valid:
        return replace(result, attestation=AttestationState(id=chosen.id, state="expired"))
    said = f"{chosen.attested_by} on {chosen.attested_on}: {chosen.statement}"
    return replace(
        result,
        outcome=Outcome(chosen.status),
        reason="attested",
        message=said,
        attestation=AttestationState(id=chosen.id, state="active"),
    )


def _info(item: Attestation, results: Sequence[Result], today: date) -> AttestationInfo:
    decides = sum(found.attestation is not None and found.attestation.id == item.id for found in results)
    left = dated.days_left(item.valid_until, today)
    return AttestationInfo(
        id=item.id,
        control=item.control,
        hosts=tuple(item.hosts),
        status=item.status,
        state=dated.state_of(left, is_used=bool(decides)),
        statement=item.statement,
        attested_by=item.attested_by,
        attested_on=item.attested_on.isoformat(),
        valid_until=item.valid_until.isoformat(),
        decides=decides,
    )
