"""Every sentence of the gate that counts something, for one and for two."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_aisec.catalog.policy import GatePolicy
from pytest_aisec.judge.comparison import BaselineInfo, Change, Comparison, Removed
from pytest_aisec.judge.gate import decide
from pytest_aisec.judge.outcome import Outcome
from pytest_aisec.judge.run import count
from tests.support.gated import result, run

BASELINE = BaselineInfo(
    id="y", started_at="2026-01-01T00:00:00Z", profile="p", profile_version="1", package_version="0"
)


def sentences(policy, outcome, number, waiver=None, comparison=None):
    results = [result(outcome, "high", waiver)] * number
    made = run([result(Outcome.PASSED, "low"), *results], policy=GatePolicy.model_validate(policy))
    return [*decide(replace(made, comparison=comparison)).because]


@pytest.mark.parametrize(
    ("policy", "outcome", "waiver", "one", "two"),
    [
        (
            {},
            Outcome.PASSED,
            None,
            "2 controls passed, 0 not applicable",
            "3 controls passed, 0 not applicable",
        ),
        (
            {},
            Outcome.FAILED,
            None,
            "1 control failed at or above severity low: 1 high",
            "2 controls failed at or above severity low: 2 high",
        ),
        (
            {},
            Outcome.ERROR,
            None,
            "1 control could not be observed (error)",
            "2 controls could not be observed (error)",
        ),
        (
            {},
            Outcome.NOT_REVIEWED,
            None,
            "1 control waits for a review by a person",
            "2 controls wait for a review by a person",
        ),
        ({}, Outcome.NOT_RUN, None, "1 control did not run", "2 controls did not run"),
        (
            {"fail_on": "critical"},
            Outcome.FAILED,
            None,
            "1 control failed below severity critical: not counted",
            "2 controls failed below severity critical: not counted",
        ),
        (
            {"max": {"high": {"failed": 0}}},
            Outcome.FAILED,
            None,
            "1 control of severity high failed, and the policy allows none",
            "2 controls of severity high failed, and the policy allows none",
        ),
        (
            {"max": {"high": {"failed": 2}}},
            Outcome.FAILED,
            None,
            "1 control of severity high failed, and the policy allows at most 2",
            "2 controls of severity high failed, and the policy allows at most 2",
        ),
        (
            {"max": {"high": {"error": 0}}},
            Outcome.ERROR,
            None,
            "1 control of severity high could not be observed (error), and the policy allows none",
            "2 controls of severity high could not be observed (error), and the policy allows none",
        ),
        (
            {"max": {"high": {"not_applicable": 0}}},
            Outcome.NOT_APPLICABLE,
            None,
            "1 control of severity high did not apply, and the policy allows none",
            "2 controls of severity high did not apply, and the policy allows none",
        ),
        (
            {"max": {"high": {"not_reviewed": 0}}},
            Outcome.NOT_REVIEWED,
            None,
            "1 control of severity high waits for a review by a person, and the policy allows none",
            "2 controls of severity high wait for a review by a person, and the policy allows none",
        ),
        (
            {"max": {"high": {"not_run": 0}}},
            Outcome.NOT_RUN,
            None,
            "1 control of severity high did not run, and the policy allows none",
            "2 controls of severity high did not run, and the policy allows none",
        ),
        (
            {"error_is": "failed"},
            Outcome.ERROR,
            None,
            "1 control could not be observed, which this policy takes for failed",
            "2 controls could not be observed, which this policy takes for failed",
        ),
        (
            {"strict_waivers": True},
            Outcome.PASSED,
            "stale",
            "1 control passed although a waiver excuses it (stale)",
            "2 controls passed although a waiver excuses them (stale)",
        ),
    ],
)
def test_the_verdict_counts_in_whole_sentences(policy, outcome, waiver, one, two):
    assert one == sentences(policy, outcome, 1, waiver)[0]
    assert two == sentences(policy, outcome, 2, waiver)[0]


def test_what_failed_before_is_counted_in_whole_sentences():
    change = Change(
        control="ACME-ART-01", host="local://", severity="high", before="failed", now="failed", note=""
    )
    compared = Comparison(baseline=BASELINE, still_failing=[change])
    policy = {"fail_on": "regression"}
    for number, said in ((1, "1 control"), (2, "2 controls")):
        found = sentences(policy, Outcome.FAILED, number, comparison=compared)
        assert f"{said} failed in the baseline, too: not counted" == found[0]


def test_a_weaker_plan_is_counted_in_whole_sentences():
    removed = [Removed(control=f"ACME-ART-0{number}", severity="high") for number in (1, 2)]
    for number, said in ((1, "1 control"), (2, "2 controls")):
        compared = Comparison(baseline=BASELINE, controls_removed=removed[:number])
        assert [f"{said} left the plan"] == [*compared.weaker()]


def test_a_ledger_that_does_not_balance_is_told_in_numbers():
    made = run([result(Outcome.PASSED), result(Outcome.NOT_RUN)])
    because = decide(replace(made, ledger=count(made.results, planned=5))).because
    assert (
        "the ledger does not balance: 5 planned, and the outcomes are 1 passed + 0 failed + 0 error + "
        "0 not applicable + 0 not reviewed + 1 not run"
    ) in because
