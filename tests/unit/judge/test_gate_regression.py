"""The rule that fails on what got worse alone, with its numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pytest_aisec.catalog.policy import GatePolicy
from pytest_aisec.judge.compare import compare
from pytest_aisec.judge.gate import decide
from pytest_aisec.judge.run import Run, Verdict
from tests.support.compared import control, run


def judged(before: Run, after: Run, **policy: Any) -> Verdict:
    after = replace(after, policy=GatePolicy.model_validate({"fail_on": "regression", **policy}))
    return decide(replace(after, comparison=compare(before, after)))


def test_one_fix_and_one_new_break_fail_on_the_new_break_alone() -> None:
    verdict = judged(
        run({(1, "a"): "passed", (2, "a"): "failed", (3, "a"): "failed"}),
        run({(1, "a"): "failed", (2, "a"): "passed", (3, "a"): "failed"}),
    )
    assert ("failed", 1) == (verdict.gate, verdict.exit_code)
    assert (
        "1 control failed that did not in the baseline of 2026-03-01T09:30:00Z: 1 high (ACME-TST-01 on a)",
        "1 control failed in the baseline, too: not counted",
    ) == verdict.because


def test_what_still_fails_is_told_and_does_not_fail() -> None:
    states = {(1, "a"): "failed", (2, "a"): "failed", (3, "a"): "passed"}
    verdict = judged(run(states), run(states))
    assert "passed" == verdict.gate
    assert "2 controls failed in the baseline, too: not counted" == verdict.because[0]


@pytest.mark.parametrize("severity", ["critical", "high", "medium", "low"])
def test_a_new_failure_of_any_severity_fails(severity: str) -> None:
    verdict = judged(
        run({(1, "a"): "passed"}), run({(1, "a"): "failed"}, controls=(control(1, severity=severity),))
    )
    assert "failed" == verdict.gate
    assert f"1 {severity}" in verdict.because[0]


def test_a_limit_does_not_let_a_regression_pass() -> None:
    before, after = run({(1, "a"): "passed"}), run({(1, "a"): "failed"})
    assert "failed" == judged(before, after, max={"high": {"failed": 3}}).gate


def test_a_limit_holds_for_what_still_fails_too() -> None:
    one = run({(1, "a"): "failed", (2, "a"): "failed"})
    verdict = judged(one, one, max={"high": {"failed": 1}})
    sentence = "2 controls of severity high failed, and the policy allows at most 1"
    assert ("failed", sentence) == (verdict.gate, verdict.because[0])


def test_many_new_failures_are_counted_and_three_are_named() -> None:
    verdict = judged(
        run({(n, "a"): "passed" for n in range(1, 6)}), run({(n, "a"): "failed" for n in range(1, 6)})
    )
    assert verdict.because[0].startswith("5 controls failed that did not in the baseline of ")
    assert verdict.because[0].endswith(
        "5 high (ACME-TST-01 on a, ACME-TST-02 on a, ACME-TST-03 on a and 2 more)"
    )


def test_a_waived_new_failure_does_not_fail_and_is_told_as_weaker() -> None:
    verdict = judged(
        run({(1, "a"): "passed", (2, "a"): "passed"}), run({(1, "a"): "waived", (2, "a"): "passed"})
    )
    assert ("passed", "weaker than the baseline: 1 failure got a waiver") == (
        verdict.gate,
        verdict.because[0],
    )


def test_what_cannot_be_observed_any_more_is_inconclusive_and_no_fix() -> None:
    verdict = judged(
        run({(1, "a"): "failed", (2, "a"): "passed"}), run({(1, "a"): "error", (2, "a"): "passed"})
    )
    assert ("inconclusive", 10) == (verdict.gate, verdict.exit_code)
