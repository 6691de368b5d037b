from __future__ import annotations

import re
from dataclasses import replace

import pytest

from pytest_aisec.catalog.policy import GatePolicy
from pytest_aisec.judge.gate import decide
from pytest_aisec.judge.run import count, score
from pytest_aisec.report import html, policy


def rules(**changes):
    return " ".join(policy.rules(GatePolicy(**changes)))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"fail_on": "low"},
            "A failure of severity critical, high, medium or low without an active waiver fails",
        ),
        ({"fail_on": "critical"}, "One of severity high, medium or low is shown, and does not fail it."),
        ({"fail_on": "regression"}, "did not fail in the baseline, fails the run"),
        ({"max": {"high": {"error": 3}}}, "At most 3 of severity high may end as error."),
        ({"max": {"high": {"not_run": 1}}}, "At most 1 of severity high may fail to run."),
        ({"max": {"low": {"not_reviewed": 0}}}, "None of severity low may wait for a review."),
        ({"max": {"low": {"not_applicable": 2}}}, "At most 2 of severity low may be not applicable."),
        ({"min_score": 0.95}, "The score with waivers must be at least 95.00%."),
        ({"error_is": "failed"}, "What could not be observed (error) fails the run."),
        ({}, "What could not be observed (error) does not fail the run, but leaves it inconclusive."),
        ({"required": ["A-1", "A-2"]}, "Must have passed on every host, and no waiver helps: A-1, A-2."),
        ({"strict_waivers": True}, "A waiver for something that passes (stale) fails the run."),
    ],
)
def test_each_rule_is_said(changes, said):
    assert said in rules(**changes)


def test_where_a_limit_on_failures_stands_fail_on_is_not_claimed_for_that_severity():
    said = rules(fail_on="high", max={"high": {"failed": 2}, "low": {"failed": 9}})
    assert "A failure of severity critical without an active waiver fails the run." in said
    assert "One of severity medium is shown" in said
    assert "For severity high and low, only the number below counts." in said
    assert "At most 2 of severity high may fail without an active waiver." in said


def test_limits_on_every_severity_leave_fail_on_unsaid():
    said = rules(max={severity: {"failed": 0} for severity in ("critical", "high", "medium", "low")})
    assert "A failure of severity" not in said
    assert 4 == said.count("may fail without an active waiver")
    assert "None of severity critical may fail without an active waiver." in said


@pytest.mark.parametrize(
    ("outcomes", "changes", "said"),
    [
        (["passed"], {}, "Everything planned was judged, and no rule of the policy is broken."),
        (["passed"], {"required": ["AISEC-ART-02"]}, "The run breaks its policy"),
        (["passed", "error"], {}, "Nothing can be concluded: not everything planned was judged."),
        (["passed", "error"], {"error_is": "failed"}, "The run breaks its policy"),
        (["not_applicable"], {}, "nothing passed and nothing is open: there was nothing to judge"),
        (["passed", "failed"], {"fail_on": "critical"}, "no rule of the policy is broken"),
        (["passed", "failed"], {"fail_on": "critical", "min_score": 0.9}, "The run breaks its policy"),
    ],
)
def test_the_verdict_in_words_holds_for_every_rule(make, outcomes, changes, said):
    control = make.control(1)
    results = [make.result(control, f"h{at}", outcome) for at, outcome in enumerate(outcomes)]
    run = make.run(
        [control],
        results,
        {item.host: [] for item in results},
        policy=GatePolicy(**{"fail_on": "high", **changes}),
    )
    assert said in policy.verdict(run, decide(run))
    assert said in re.sub("<[^>]*>", "", html.render(run, decide(run)))


def test_a_ledger_that_does_not_balance_is_the_reason(make):
    control = make.control(1)
    results = [make.result(control, "a", "passed")]
    run = make.run([control], results, {"a": []})
    run = replace(run, ledger=count(results, planned=2), scores=score(results))
    assert "some of what was planned has no outcome" in policy.verdict(run, decide(run))
