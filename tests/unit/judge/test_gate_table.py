"""Outcome, by state of the waiver by strict: what the gate makes of each, without a cell by default."""

from __future__ import annotations

from itertools import product

import pytest

from pytest_aisec.catalog.policy import GatePolicy
from pytest_aisec.judge.gate import decide
from pytest_aisec.judge.outcome import Outcome
from pytest_aisec.judge.run import is_waived
from pytest_aisec.report.grouping import status
from tests.support.gated import result, run

STATES = (None, "active", "expired", "stale")
P, F, E, A, R, N = (
    Outcome.PASSED,
    Outcome.FAILED,
    Outcome.ERROR,
    Outcome.NOT_APPLICABLE,
    Outcome.NOT_REVIEWED,
    Outcome.NOT_RUN,
)
TABLE = {
    (P, None, False): ("passed", 0),
    (P, None, True): ("passed", 0),
    (P, "active", False): ("passed", 0),
    (P, "active", True): ("passed", 0),
    (P, "expired", False): ("passed", 0),
    (P, "expired", True): ("passed", 0),
    (P, "stale", False): ("passed", 0),
    (P, "stale", True): ("passed", 1),
    (F, None, False): ("failed", 1),
    (F, None, True): ("failed", 1),
    (F, "active", False): ("waived", 0),
    (F, "active", True): ("waived", 0),
    (F, "expired", False): ("failed", 1),
    (F, "expired", True): ("failed", 1),
    (F, "stale", False): ("failed", 1),
    (F, "stale", True): ("failed", 1),
    (E, None, False): ("error", 10),
    (E, None, True): ("error", 10),
    (E, "active", False): ("error", 10),
    (E, "active", True): ("error", 10),
    (E, "expired", False): ("error", 10),
    (E, "expired", True): ("error", 10),
    (E, "stale", False): ("error", 10),
    (E, "stale", True): ("error", 1),
    (A, None, False): ("not_applicable", 0),
    (A, None, True): ("not_applicable", 0),
    (A, "active", False): ("not_applicable", 0),
    (A, "active", True): ("not_applicable", 0),
    (A, "expired", False): ("not_applicable", 0),
    (A, "expired", True): ("not_applicable", 0),
    (A, "stale", False): ("not_applicable", 0),
    (A, "stale", True): ("not_applicable", 1),
    (R, None, False): ("not_reviewed", 10),
    (R, None, True): ("not_reviewed", 10),
    (R, "active", False): ("not_reviewed", 10),
    (R, "active", True): ("not_reviewed", 10),
    (R, "expired", False): ("not_reviewed", 10),
    (R, "expired", True): ("not_reviewed", 10),
    (R, "stale", False): ("not_reviewed", 10),
    (R, "stale", True): ("not_reviewed", 1),
    (N, None, False): ("not_run", 10),
    (N, None, True): ("not_run", 10),
    (N, "active", False): ("not_run", 10),
    (N, "active", True): ("not_run", 10),
    (N, "expired", False): ("not_run", 10),
    (N, "expired", True): ("not_run", 10),
    (N, "stale", False): ("not_run", 10),
    (N, "stale", True): ("not_run", 1),
}


def test_the_table_has_every_cell() -> None:
    assert {*product(Outcome, STATES, (False, True))} == {*TABLE}


@pytest.mark.parametrize(("outcome", "state", "strict"), TABLE)
def test_what_is_shown_and_which_code_comes(outcome: Outcome, state: str | None, *, strict: bool) -> None:
    one = result(outcome, "high", state)
    judged = run([result(Outcome.PASSED), one], policy=GatePolicy(strict_waivers=strict))
    assert TABLE[outcome, state, strict] == (status(one).key, decide(judged).exit_code)
    assert is_waived(one) == (status(one).key == "waived")
