from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aisec.catalog.control import SEVERITIES, Severity
from pytest_aisec.catalog.policy import GatePolicy
from pytest_aisec.judge.gate import ExitCode, decide
from pytest_aisec.judge.outcome import Outcome
from pytest_aisec.judge.run import Result, Scores, count, score
from tests.support.gated import result, run

GATES = {
    Outcome.PASSED: "passed",
    Outcome.ERROR: "inconclusive",
    Outcome.NOT_APPLICABLE: "passed",
    Outcome.NOT_REVIEWED: "inconclusive",
    Outcome.NOT_RUN: "inconclusive",
}
CODES = {"passed": 0, "failed": 1, "inconclusive": 10}


@pytest.mark.parametrize("fail_on", SEVERITIES)
@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("outcome", Outcome)
def test_the_gate_decides_by_outcome_and_severity(
    outcome: Outcome, severity: Severity, fail_on: Severity
) -> None:
    counts = SEVERITIES.index(severity) <= SEVERITIES.index(fail_on)
    expected = ("failed" if counts else "passed") if outcome is Outcome.FAILED else GATES[outcome]
    verdict = decide(run([result(Outcome.PASSED), result(outcome, severity)], fail_on))
    assert (verdict.gate, verdict.exit_code) == (expected, CODES[expected])
    assert verdict.because


@pytest.mark.parametrize(
    ("outcome", "state", "gate"),
    [
        (Outcome.FAILED, "active", "passed"),
        (Outcome.FAILED, "expired", "failed"),
        (Outcome.FAILED, "stale", "failed"),
        (Outcome.PASSED, "stale", "passed"),
        (Outcome.ERROR, "active", "inconclusive"),
        (Outcome.NOT_RUN, "active", "inconclusive"),
    ],
)
def test_only_an_active_waiver_excuses_and_only_a_failure(outcome: Outcome, state: str, gate: str) -> None:
    assert decide(run([result(Outcome.PASSED), result(outcome, "critical", state)])).gate == gate


def test_nothing_judged_is_not_passed() -> None:
    assert decide(run([])).gate == "inconclusive"


@pytest.mark.parametrize("planned", [0, 1, 3])
def test_a_ledger_that_does_not_balance_is_not_passed(planned: int) -> None:
    verdict = decide(run([result(Outcome.PASSED)] * 2, planned=planned))
    assert (verdict.gate, verdict.exit_code) == ("inconclusive", 10)
    assert any("ledger does not balance" in sentence for sentence in verdict.because)


def test_a_failure_outweighs_what_is_open() -> None:
    verdict = decide(run([result(Outcome.ERROR), result(Outcome.FAILED), result(Outcome.NOT_RUN)], planned=9))
    assert verdict.gate == "failed"
    assert len(verdict.because) == 4


def test_every_exit_code_is_one_of_the_documented() -> None:
    assert {code.name: int(code) for code in ExitCode} == {
        "USAGE": 4,
        "EMPTY": 5,
        "EVIDENCE": 12,
        "FAILED": 1,
        "INCONCLUSIVE": 10,
        "PASSED": 0,
    }


RESULTS = st.lists(
    st.builds(
        result,
        st.sampled_from(Outcome),
        st.sampled_from(SEVERITIES),
        st.sampled_from([None, "active", "expired", "stale"]),
    ),
    max_size=8,
)


@given(RESULTS, st.sampled_from(SEVERITIES), st.sampled_from(SEVERITIES))
def test_one_more_failure_never_makes_a_run_better(
    results: list[Result], severity: Severity, fail_on: Severity
) -> None:
    # A run in which nothing was judged at all is the one that a result of any kind completes.
    before = decide(run(results, fail_on)).gate
    after = decide(run([*results, result(Outcome.FAILED, severity)], fail_on)).gate
    if results:
        order = ["passed", "inconclusive", "failed"]
        assert order.index(after) >= order.index(before)


@given(RESULTS, st.integers(0, 7))
def test_a_result_that_becomes_an_error_never_makes_a_run_pass(results: list[Result], at: int) -> None:
    changed = [
        replace(item, outcome=Outcome.ERROR) if index == at else item for index, item in enumerate(results)
    ]
    if at < len(results):
        assert decide(run(changed)).gate != "passed"


@given(RESULTS)
def test_the_ledger_counts_every_result_once(results: list[Result]) -> None:
    ledger = count(results, planned=len(results))
    assert ledger.is_balanced
    assert not count(results, planned=len(results) + 1).is_balanced


@given(RESULTS)
def test_scores_lie_between_nothing_and_all_and_waivers_only_help(results: list[Result]) -> None:
    scores = score(results)
    if scores.without_waivers is None or scores.with_waivers is None:
        assert all(item.outcome is Outcome.NOT_APPLICABLE for item in results)
    else:
        assert 0 <= scores.without_waivers <= scores.with_waivers <= 1


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ([], (None, None)),
        ([(Outcome.NOT_APPLICABLE, None)], (None, None)),
        ([(Outcome.PASSED, None), (Outcome.NOT_APPLICABLE, None)], (1.0, 1.0)),
        ([(Outcome.PASSED, None), (Outcome.ERROR, None)], (0.5, 0.5)),
        ([(Outcome.PASSED, None), (Outcome.NOT_RUN, None), (Outcome.NOT_REVIEWED, None)], (0.3333, 0.3333)),
        ([(Outcome.FAILED, "active"), (Outcome.FAILED, "expired")], (0.0, 0.5)),
        ([(Outcome.ERROR, "active")], (0.0, 0.0)),
    ],
)
def test_the_score_is_what_passed_of_what_counts(outcomes: Any, expected: tuple[float | None, ...]) -> None:
    found = score([result(outcome, waiver=waiver) for outcome, waiver in outcomes])
    assert found == Scores(without_waivers=expected[0], with_waivers=expected[1])


@pytest.mark.parametrize("passed", [1, 999, 29_999])
def test_a_run_with_one_failure_is_never_shown_as_all_passed(passed: int) -> None:
    results = [result(Outcome.PASSED)] * passed + [result(Outcome.FAILED)]
    assert score(results).without_waivers != 1.0


def judged(policy: dict[str, Any], *results: Result) -> tuple[str, list[str]]:
    verdict = decide(run([result(Outcome.PASSED), *results], policy=GatePolicy.model_validate(policy)))
    return verdict.gate, [*verdict.because]


@pytest.mark.parametrize(("failures", "gate"), [(2, "passed"), (3, "failed")])
def test_a_limit_on_failures_counts_instead_of_fail_on(failures: int, gate: str) -> None:
    policy = {"max": {"medium": {"failed": 2}}}
    found, because = judged(policy, *[result(Outcome.FAILED, "medium")] * failures)
    sentence = (
        "3 controls of severity medium failed, and the policy allows at most 2"
        if gate == "failed"
        else "2 controls of severity medium failed, and the policy allows at most 2"
    )
    assert (gate, sentence) == (found, because[0])


def test_a_limit_leaves_other_severities_to_fail_on() -> None:
    gate, because = judged({"max": {"medium": {"failed": 2}}}, result(Outcome.FAILED, "high"))
    assert ("failed", "1 control failed at or above severity low: 1 high") == (gate, because[0])


def test_waived_failures_do_not_count_against_a_limit() -> None:
    assert "passed" == judged({"max": {"high": {"failed": 0}}}, result(Outcome.FAILED, "high", "active"))[0]


def test_a_limit_may_be_for_what_does_not_apply() -> None:
    gate, because = judged({"max": {"high": {"not_applicable": 0}}}, result(Outcome.NOT_APPLICABLE))
    sentence = "1 control of severity high did not apply, and the policy allows none"
    assert ("failed", sentence) == (gate, because[0])


@pytest.mark.parametrize(("least", "gate"), [(0.5, "passed"), (0.51, "failed")])
def test_a_score_may_be_asked_for(least: float, gate: str) -> None:
    policy = {"fail_on": "critical", "min_score": least}
    found, because = judged(policy, result(Outcome.FAILED, "low"))
    assert gate == found
    assert ("the score with waivers is 50.00%, less than 51.00%" in because) == (gate == "failed")


@pytest.mark.parametrize(("error_is", "gate"), [("inconclusive", "inconclusive"), ("failed", "failed")])
def test_an_error_is_what_the_policy_says(error_is: str, gate: str) -> None:
    assert gate == judged({"error_is": error_is}, result(Outcome.ERROR))[0]


@pytest.mark.parametrize(
    ("outcome", "waiver", "gate"),
    [
        (Outcome.PASSED, None, "passed"),
        (Outcome.FAILED, "active", "failed"),
        (Outcome.NOT_APPLICABLE, None, "failed"),
        (Outcome.ERROR, None, "failed"),
    ],
)
def test_a_required_control_has_passed_or_the_run_fails(
    outcome: Outcome, waiver: str | None, gate: str
) -> None:
    policy = {"fail_on": "critical", "required": ["ACME-ART-01"]}
    assert gate == judged(policy, result(outcome, "low", waiver))[0]


def test_a_required_control_without_a_result_fails_the_run() -> None:
    gate, because = judged({"required": ["ACME-ART-99"]})
    assert ("failed", "required control ACME-ART-99 did not pass on any host") == (gate, because[0])


def test_every_failure_is_new_where_there_is_no_baseline() -> None:
    gate, because = judged({"fail_on": "regression"}, result(Outcome.FAILED, "low"))
    sentence = "1 control failed that did not in any baseline: 1 low (ACME-ART-01 on local://)"
    assert ("failed", sentence) == (gate, because[0])


def test_strict_waivers_fail_for_each_stale_one_and_count_them() -> None:
    gate, because = judged({"strict_waivers": True}, *[result(Outcome.PASSED, "low", "stale")] * 2)
    assert ("failed", "2 controls passed although a waiver excuses them (stale)") == (gate, because[0])


def test_an_error_that_is_taken_for_failed_is_counted() -> None:
    gate, because = judged({"error_is": "failed"}, *[result(Outcome.ERROR)] * 2)
    sentence = "2 controls could not be observed, which this policy takes for failed"
    assert ("failed", sentence) == (gate, because[0])


def test_a_required_control_is_named_with_the_hosts_on_which_it_did_not_pass() -> None:
    failures = [replace(result(Outcome.ERROR), host=f"gpu-{number}") for number in range(1, 6)]
    _, because = judged({"required": ["ACME-ART-01"]}, *failures)
    sentence = (
        "required control ACME-ART-01 did not pass on gpu-1 (error), gpu-2 (error), gpu-3 (error) and 2 more"
    )
    assert sentence == because[0]


def test_what_failed_below_fail_on_is_told_as_not_counted() -> None:
    gate, because = judged({"fail_on": "high"}, *[result(Outcome.FAILED, "low")] * 2)
    assert ("passed", "2 controls failed below severity high: not counted") == (gate, because[0])


def test_every_broken_rule_is_told() -> None:
    policy = {
        "fail_on": "high",
        "max": {"low": {"failed": 0}, "high": {"error": 1}},
        "min_score": 0.9,
        "error_is": "failed",
        "required": ["ACME-ART-99"],
    }
    results = [result(Outcome.FAILED), result(Outcome.FAILED, "low"), *[result(Outcome.ERROR)] * 2]
    assert [
        "1 control failed at or above severity high: 1 high",
        "2 controls of severity high could not be observed (error), and the policy allows at most 1",
        "1 control of severity low failed, and the policy allows none",
        "the score with waivers is 20.00%, less than 90.00%",
        "2 controls could not be observed, which this policy takes for failed",
        "required control ACME-ART-99 did not pass on any host",
    ] == judged(policy, *results)[1][:6]
