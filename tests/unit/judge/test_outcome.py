from __future__ import annotations

import pytest
import testinfra
from testinfra.host import Host

from pytest_aisec.catalog.control import NotApplicable
from pytest_aisec.judge.outcome import Conclusion, Outcome, conclude
from pytest_aisec.observe.faults import REASONS, Unobservable


def raised(error: BaseException) -> BaseException:
    try:
        raise error  # noqa: TRY301 - for its traceback
    except BaseException as caught:  # noqa: BLE001 - with its traceback
        return caught


def test_a_control_that_looked_and_raised_nothing_passed() -> None:
    assert conclude(None, has_observed=True) == Conclusion(outcome=Outcome.PASSED)


@pytest.mark.parametrize("error", [None, NotApplicable("no models")])
def test_a_control_that_asked_nothing_is_an_error(error: BaseException | None) -> None:
    found = conclude(error, has_observed=False)
    assert (found.outcome, found.reason) == (Outcome.ERROR, "no_observation")
    assert "without having asked the host anything" in found.message


@pytest.mark.parametrize("looked", [True, False])
@pytest.mark.parametrize(
    "error", [AssertionError("assert [] == [22]"), pytest.fail.Exception("declared, but absent")]
)
def test_an_assertion_of_the_control_failed(error: BaseException, *, looked: bool) -> None:
    found = conclude(raised(error), has_observed=looked)
    assert (found.outcome, found.reason, found.message) == (Outcome.FAILED, "", str(error))


@pytest.mark.parametrize("error", [NotApplicable("no models"), pytest.skip.Exception("no models")])
def test_a_skip_is_not_applicable_with_its_reason(error: BaseException) -> None:
    found = conclude(raised(error), has_observed=True)
    assert (found.outcome, found.reason) == (Outcome.NOT_APPLICABLE, "no models")


@pytest.mark.parametrize("looked", [True, False])
@pytest.mark.parametrize("reason", REASONS)
def test_what_could_not_be_observed_is_an_error_with_its_reason(reason: str, *, looked: bool) -> None:
    found = conclude(raised(Unobservable(reason, "why")), has_observed=looked)  # type: ignore[arg-type]
    assert found == Conclusion(outcome=Outcome.ERROR, reason=reason, message="why")


@pytest.mark.parametrize(
    "error",
    [
        ValueError("bad"),
        KeyError("x"),
        RecursionError(),
        SystemExit(0),
        KeyboardInterrupt(),
        MemoryError(),
        pytest.xfail.Exception("later"),
        pytest.exit.Exception("bye"),
        ExceptionGroup("many", [AssertionError()]),
        GeneratorExit(),
    ],
)
def test_any_other_exception_is_an_internal_error_that_says_where(error: BaseException) -> None:
    found = conclude(raised(error), has_observed=True)
    assert (found.outcome, found.reason) == (Outcome.ERROR, "internal")
    assert found.message.startswith(f"{type(error).__name__}: ")
    assert " at test_outcome.py:" in found.message


def test_an_assertion_of_testinfra_itself_is_an_error() -> None:
    host: Host = testinfra.get_host("local://")
    with pytest.raises(AssertionError) as caught:
        host.run_expect([3], "exit 4")
    found = conclude(caught.value, has_observed=True)
    assert (found.outcome, found.reason) == (Outcome.ERROR, "unreadable")


def test_an_assertion_that_hides_what_could_not_be_observed_still_only_failed() -> None:
    error = AssertionError("x")
    error.__cause__ = Unobservable("timeout", "why")
    assert conclude(raised(error), has_observed=True).outcome is Outcome.FAILED
