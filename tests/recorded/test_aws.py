"""What the `aws` CLI might have answered: no verdict on an account rests on less than all the answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from pytest_aisec.testing.audits import verdict
from pytest_aisec.testing.scenarios import Scenario
from tests.support import scenarios
from tests.support.aws_answers import OPERATION, check_that_it_only_reads, spoiled

ALL = [item for item in scenarios.everything() if isinstance(item, Scenario) and item.is_aws]


@pytest.mark.parametrize("scenario", ALL, ids=lambda item: item.id)
def test_every_answer_counts(scenario: Scenario) -> None:
    """No verdict rests on less than all the answers; what failed may still fail on the rest."""
    recording = scenarios.recording_of(scenario)
    assert recording is not None
    subject = scenarios.subject_of(scenario, datetime.fromisoformat(recording.recorded_at))
    answers = recording.runs[0].observations
    check_that_it_only_reads(answers)
    wrong = []
    for one in answers:
        if scenario.outcome == "error" or not OPERATION.search(one.command):
            continue
        for how, instead in spoiled(one).items():
            other = [replace(item, **instead) if item is one else item for item in answers]
            ended = verdict(subject.judge(other, connection=recording.connection))
            may_fail = scenario.outcome == "failed" or how == "blank"
            if ended[0] not in ({"error", "failed"} if may_fail else {"error"}) or ended[1] == "internal":
                wrong.append(f"{OPERATION.search(one.command)[1]} {how}: {ended}")
    assert wrong == []
