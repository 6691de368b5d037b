"""What holds of the gate under any policy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pytest_aisec.catalog.control import SEVERITIES
from pytest_aisec.catalog.policy import GatePolicy
from pytest_aisec.judge.compare import accounts_for, compare
from pytest_aisec.judge.gate import decide
from pytest_aisec.judge.outcome import Outcome
from pytest_aisec.judge.run import ControlInfo, Result, Run, count, score
from tests.support.compared import control, result, run

BETTER_FIRST = ["passed", "inconclusive", "failed"]
CONTROLS = tuple(control(number, severity=SEVERITIES[number % 4]) for number in range(1, 7))
HOSTS = ("a", "b")
STATES = ("passed", "failed", "waived", "error", "not_applicable", "not_reviewed", "not_run")
LIMITED = ("failed", "error", "not_applicable", "not_reviewed", "not_run")

POLICIES = st.builds(
    GatePolicy,
    fail_on=st.sampled_from([*SEVERITIES, "regression"]),
    max=st.dictionaries(
        st.sampled_from(SEVERITIES),
        st.dictionaries(st.sampled_from(LIMITED), st.integers(0, 3), max_size=2),
        max_size=2,
    ),
    min_score=st.none() | st.floats(0.01, 1),
    error_is=st.sampled_from(["inconclusive", "failed"]),
    required=st.lists(st.sampled_from([item.id for item in CONTROLS]), max_size=2, unique=True),
    strict_waivers=st.booleans(),
)


@st.composite
def one_result(draw: Any, of: ControlInfo, host: str) -> Result:
    state = draw(st.sampled_from(STATES))
    waivers = {"failed": (None, ("W-2", "expired")), "passed": (None, ("W-3", "stale"))}.get(state, (None,))
    return result(of, host, state, draw(st.sampled_from(waivers)))


@st.composite
def some_results(draw: Any) -> list[Result]:
    pairs = [(of, host) for of in CONTROLS for host in HOSTS]
    chosen = draw(st.lists(st.sampled_from(pairs), unique_by=lambda pair: (pair[0].id, pair[1]), max_size=9))
    return [draw(one_result(*pair)) for pair in chosen]


def judged(results: list[Result], policy: GatePolicy, baseline: Run | None) -> Run:
    made = run(controls=CONTROLS, results=tuple(results), policy=policy)
    return made if baseline is None else replace(made, comparison=compare(baseline, made))


def earlier(results: list[Result]) -> Run:
    return run(controls=CONTROLS, results=tuple(results))


BASELINES = st.none() | some_results().map(earlier)


def rank(one: Run) -> int:
    return BETTER_FIRST.index(decide(one).gate)


@given(some_results(), POLICIES, BASELINES, st.integers(0, 100))
def test_one_more_failure_never_turns_a_failing_run_into_another(
    results: list[Result], policy: GatePolicy, baseline: Run | None, at: int
) -> None:
    taken = {(item.control, item.host) for item in results}
    free = [(of, host) for of in CONTROLS for host in HOSTS if (of.id, host) not in taken]
    of, host = free[at % len(free)]
    before = judged(results, policy, baseline)
    after = judged([*results, result(of, host, "failed")], policy, baseline)
    if decide(before).gate == "failed":
        assert "failed" == decide(after).gate


@given(some_results(), POLICIES, BASELINES)
def test_a_pass_that_turns_into_a_failure_never_improves_a_run(
    results: list[Result], policy: GatePolicy, baseline: Run | None
) -> None:
    for at, item in enumerate(results):
        if item.outcome is Outcome.PASSED and item.waiver is None:
            worse = [*results[:at], replace(item, outcome=Outcome.FAILED), *results[at + 1 :]]
            assert rank(judged(worse, policy, baseline)) >= rank(judged(results, policy, baseline))


@given(some_results(), POLICIES, BASELINES)
def test_a_waiver_that_is_taken_from_a_failure_never_improves_a_run(
    results: list[Result], policy: GatePolicy, baseline: Run | None
) -> None:
    for at, item in enumerate(results):
        if item.waiver is not None and item.outcome is Outcome.FAILED:
            bare = [*results[:at], replace(item, waiver=None), *results[at + 1 :]]
            assert rank(judged(bare, policy, baseline)) >= rank(judged(results, policy, baseline))


@given(some_results(), POLICIES, BASELINES)
def test_all_waivers_taken_away_never_improve_a_run_unless_waivers_are_strict(
    results: list[Result], policy: GatePolicy, baseline: Run | None
) -> None:
    lenient = policy.model_copy(update={"strict_waivers": False})
    bare = [replace(item, waiver=None) for item in results]
    assert rank(judged(bare, lenient, baseline)) >= rank(judged(results, lenient, baseline))


@given(some_results(), POLICIES, BASELINES, st.randoms(use_true_random=False))
def test_the_order_of_results_hosts_and_controls_never_matters(
    results: list[Result], policy: GatePolicy, baseline: Run | None, random: Any
) -> None:
    one = judged(results, policy, baseline)
    shuffled = random.sample(results, len(results))
    other = replace(
        one,
        results=tuple(shuffled),
        hosts=tuple(random.sample(list(one.hosts), len(one.hosts))),
        controls=tuple(random.sample(list(one.controls), len(one.controls))),
        ledger=count(shuffled, planned=len(shuffled)),
        scores=score(shuffled),
    )
    if baseline is not None:
        mixed = replace(baseline, results=tuple(random.sample(list(baseline.results), len(baseline.results))))
        other = replace(other, comparison=compare(mixed, other))
    assert one.comparison == other.comparison
    assert decide(one) == decide(other)


@given(some_results(), POLICIES)
def test_a_run_has_no_regression_against_itself(results: list[Result], policy: GatePolicy) -> None:
    one = judged(results, policy, None)
    found = compare(one, one)
    assert () == found.new_failures == found.fixed == found.newly_waived == found.gone
    assert [] == [*found.weaker()]
    regression = GatePolicy(fail_on="regression")
    assert "failed" != decide(replace(one, policy=regression, comparison=found)).gate


@given(some_results(), some_results())
def test_a_comparison_names_every_failure_and_fixes_only_what_passes(
    then: list[Result], now: list[Result]
) -> None:
    before, after = earlier(then), earlier(now)
    found = compare(before, after)
    assert accounts_for(found, after.results)
    outcomes = {(item.control, item.host): item.outcome for item in now}
    assert {Outcome.PASSED} >= {outcomes[item.control, item.host] for item in found.fixed}


@given(some_results(), BASELINES)
def test_failing_on_regressions_fails_for_each_new_failure_and_for_nothing_else(
    results: list[Result], baseline: Run | None
) -> None:
    one = judged(results, GatePolicy(fail_on="regression"), baseline)
    unexcused = {(r.control, r.host) for r in results if r.outcome is Outcome.FAILED} - {
        (r.control, r.host) for r in results if r.waiver and r.waiver.state == "active"
    }
    if one.comparison is not None:
        unexcused -= {(item.control, item.host) for item in one.comparison.still_failing}
    assert (decide(one).gate == "failed") == bool(unexcused)
