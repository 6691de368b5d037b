from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pytest_aisec.errors import UsageProblem
from pytest_aisec.judge.outcome import Outcome
from pytest_aisec.judge.run import AttestationState, Result
from pytest_aisec.judge.waivers import attestation
from pytest_aisec.judge.waivers.attestation import Attestation

TODAY = date(2026, 11, 15)
HOST = "ssh://gpu-1"
ID = "ACME-TST-01"


def said(**changes: Any) -> Attestation:
    return Attestation.model_validate(
        {
            "id": "A-1",
            "control": ID,
            "hosts": ["*"],
            "statement": "The canaries were read.",
            "status": "passed",
            "attested_by": "auditor@example.com",
            "attested_on": "2026-11-01",
            "valid_until": "2026-12-31",
            **changes,
        }
    )


def laid(outcome: Outcome, *items: Attestation, today: date = TODAY) -> Any:
    one = Result(control=ID, host=HOST, outcome=outcome, reason="why", severity="high", title="")
    (found,), infos = attestation.apply([one], items, [HOST], today)
    return found, infos


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("status", ["passed", "failed"])
def test_only_what_waits_for_a_review_is_decided(outcome: Outcome, status: str) -> None:
    found, (info,) = laid(outcome, said(status=status))
    decided = outcome is Outcome.NOT_REVIEWED
    assert found.outcome == (status if decided else outcome)
    assert found.attestation == (AttestationState(id="A-1", state="active") if decided else None)
    assert (info.state, info.decides) == (("active", 1) if decided else ("unused", 0))


def test_who_said_it_stands_in_the_message() -> None:
    found, _ = laid(Outcome.NOT_REVIEWED, said())
    assert found.reason == "attested"
    assert found.message == "auditor@example.com on 2026-11-01: The canaries were read."


@pytest.mark.parametrize(
    ("today", "outcome", "state"),
    [
        (date(2026, 10, 31), Outcome.NOT_REVIEWED, "unused"),
        (date(2026, 11, 1), Outcome.PASSED, "active"),
        (date(2026, 12, 1), Outcome.PASSED, "expiring"),
        (date(2026, 12, 31), Outcome.PASSED, "expiring"),
        (date(2027, 1, 1), Outcome.NOT_REVIEWED, "expired"),
    ],
)
def test_it_holds_from_its_first_through_its_last_day(today: date, outcome: Outcome, state: str) -> None:
    found, (info,) = laid(Outcome.NOT_REVIEWED, said(), today=today)
    assert (outcome, state) == (found.outcome, info.state)


def test_one_that_says_failed_comes_before_one_that_says_passed() -> None:
    found, _ = laid(Outcome.NOT_REVIEWED, said(hosts=["gpu-1"]), said(id="A-2", status="failed"))
    assert (found.outcome, found.attestation.id) == (Outcome.FAILED, "A-2")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ("status: maybe", "0.status"),
        ("valid_until: 2026-10-01", "must not be before attested_on"),
        ("ticket: X", "unknown key '0.ticket'"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, changes: str, expected: str) -> None:
    text = {
        "id": "A-1",
        "control": ID,
        "hosts": "['*']",
        "statement": "Read.",
        "status": "passed",
        "attested_by": "a@example.com",
        "attested_on": "2026-11-01",
        "valid_until": "2026-12-31",
    }
    key, _, value = changes.partition(": ")
    lines = [f"{name}: {item}" for name, item in {**text, key: value}.items()]
    path = tmp_path / "attestations.yaml"
    path.write_text("- " + "\n  ".join(lines))
    with pytest.raises(UsageProblem) as caught:
        attestation.load([path], [ID])
    assert expected in str(caught.value)
    assert str(caught.value).startswith(f"{path}:")
