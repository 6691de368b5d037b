"""What the gate says is so: every combination of outcomes, each 0, 1 or many times, on one host and on two."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product

import pytest

from pytest_aisec.catalog.policy import GatePolicy
from pytest_aisec.judge.gate import decide
from pytest_aisec.judge.outcome import Outcome
from pytest_aisec.judge.run import Result, Run
from tests.support.gated import result, run

KINDS: Mapping[str, Result] = {
    "passed": result(Outcome.PASSED),
    "above": result(Outcome.FAILED, "critical"),
    "below": result(Outcome.FAILED, "low"),
    "waived": result(Outcome.FAILED, "high", "active"),
    "error": result(Outcome.ERROR),
    "not_applicable": result(Outcome.NOT_APPLICABLE),
    "not_reviewed": result(Outcome.NOT_REVIEWED),
    "not_run": result(Outcome.NOT_RUN),
}
NUMBERS = (0, 1, 3)
OPEN = ("error", "not_reviewed", "not_run")
SAID = {
    "above": "failed at or above severity high: {} critical",
    "below": "failed below severity high: not counted",
    "error": "could not be observed (error)",
    "not_run": "did not run",
}
"""What is said of the results of a kind, after their number, whatever that is."""


def made(hosts: int, policy: GatePolicy | None = None, **numbers: int) -> Run:
    """Return a run with so many results of each kind, on so many hosts."""
    results = [KINDS[kind] for kind, number in numbers.items() for _ in range(number)]
    placed = [
        replace(item, host=f"h{number % hosts}", control=f"ACME-ART-{number // hosts + 1:02}")
        for number, item in enumerate(results)
    ]
    return run(placed, policy=policy or GatePolicy(fail_on="high"))


def clauses(numbers: Mapping[str, int], thing: str) -> Iterator[str]:
    """Yield all that there is to say of what did not pass, in order."""
    for kind in ("above", "below", "waived", *OPEN):
        number = numbers[kind]
        things = f"{number} {thing}{'' if number == 1 else 's'} "
        if number and kind == "waived":
            yield things + (
                "failed, and a waiver excuses it" if number == 1 else "failed, and waivers excuse them"
            )
        elif number and kind == "not_reviewed":
            yield things + ("waits" if number == 1 else "wait") + " for a review by a person"
        elif number:
            yield things + SAID[kind].format(number)


def ending(numbers: Mapping[str, int], thing: str) -> list[str]:
    """Return what is said beside it where nothing is open and nothing fails the run."""
    if numbers["above"] or any(numbers[kind] for kind in OPEN):
        return []
    if numbers["passed"]:
        things = f"{numbers['passed']} {thing}{'' if numbers['passed'] == 1 else 's'}"
        return [f"{things} passed, {numbers['not_applicable']} not applicable"]
    if numbers["below"] or numbers["waived"]:
        return ["nothing passed"]
    if numbers["not_applicable"]:
        return ["nothing applied, so nothing was judged"]
    return ["nothing was planned, so nothing was judged"]


def gate(numbers: Mapping[str, int]) -> tuple[str, int]:
    if numbers["above"]:
        return "failed", 1
    if any(numbers[kind] for kind in OPEN) or not numbers["passed"]:
        return "inconclusive", 10
    return "passed", 0


def test_every_combination_is_told_as_it_is() -> None:
    wrong = []
    for amounts in product(NUMBERS, repeat=len(KINDS)):
        numbers = dict(zip(KINDS, amounts, strict=True))
        verdict = decide(made(1, **numbers))
        expected = [*clauses(numbers, "control"), *ending(numbers, "control")]
        if ([*verdict.because], (verdict.gate, verdict.exit_code)) != (expected, gate(numbers)):
            wrong.append((numbers, verdict, expected))
    assert [] == wrong[:3]


def test_of_several_hosts_results_are_counted_and_no_controls() -> None:
    wrong = []
    for amounts in product((0, 2), repeat=len(KINDS)):
        numbers = dict(zip(KINDS, amounts, strict=True))
        thing = "result" if any(amounts) else "control"
        expected = [*clauses(numbers, thing), *ending(numbers, thing)]
        said = [*decide(made(2, **numbers)).because]
        if said != expected or any(re.search(r"\d controls?\b", sentence) for sentence in said):
            wrong.append((numbers, said, expected))
    assert [] == wrong[:3]


@pytest.mark.parametrize(
    ("numbers", "because"),
    [
        ({"waived": 1}, ["1 control failed, and a waiver excuses it", "nothing passed"]),
        (
            {"waived": 2, "not_applicable": 1},
            ["2 controls failed, and waivers excuse them", "nothing passed"],
        ),
        ({"below": 1}, ["1 control failed below severity high: not counted", "nothing passed"]),
        ({"not_applicable": 3}, ["nothing applied, so nothing was judged"]),
        ({}, ["nothing was planned, so nothing was judged"]),
        (
            {"passed": 1, "waived": 1},
            ["1 control failed, and a waiver excuses it", "1 control passed, 0 not applicable"],
        ),
        (
            {"above": 1, "waived": 1},
            [
                "1 control failed at or above severity high: 1 critical",
                "1 control failed, and a waiver excuses it",
            ],
        ),
        ({"not_run": 3, "not_applicable": 1}, ["3 controls did not run"]),
    ],
)
def test_what_is_said_of_few_results(numbers: Mapping[str, int], because: list[str]) -> None:
    assert because == [*decide(made(1, **numbers)).because]


def test_one_control_that_failed_on_two_hosts_is_two_results() -> None:
    assert ["2 results failed at or above severity high: 2 critical"] == [*decide(made(2, above=2)).because]


def test_where_nothing_came_back_nothing_is_said_to_have_not_applied() -> None:
    said = [*decide(run([], planned=2)).because]
    assert "nothing ran, so nothing was judged" == said[-1]
    assert said[0].startswith("the ledger does not balance: 2 planned")


def test_a_failure_that_breaks_another_rule_is_not_said_to_be_uncounted() -> None:
    required = GatePolicy(fail_on="high", required=["ACME-ART-02"])
    assert ["required control ACME-ART-02 did not pass on h0 (failed)"] == [
        *decide(made(1, required, passed=1, below=1)).because
    ]
    scored = GatePolicy(fail_on="high", min_score=0.6)
    assert [
        "the score with waivers is 50.00%, less than 60.00%",
        "1 control failed below severity high: counted in the score alone",
    ] == [*decide(made(1, scored, passed=1, below=1)).because]
