from __future__ import annotations

import signal
import sys
import time
import traceback
from collections.abc import Iterator

import pytest

from pytest_aisec.session.interruption import Interruption


class Last:
    """Ends as something does that Ctrl-C meets while Python finalizes it."""

    def __init__(self, error: type[BaseException]) -> None:
        self.error = error

    def __del__(self) -> None:
        raise self.error


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[type[BaseException]]]:
    """Be within pytest's loop; what reached the hook that was there before."""
    seen: list[type[BaseException]] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda found: seen.append(found.exc_type))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    entered = Interruption(is_worker=False).pytest_runtestloop()
    next(entered)
    hook = sys.unraisablehook
    yield seen
    entered.close()
    signal.signal(signal.SIGINT, before)
    assert sys.unraisablehook is not hook


def lose_an_interrupt() -> None:
    until = time.monotonic() + 30
    Last(KeyboardInterrupt)
    while time.monotonic() < until:
        time.sleep(0.01)


def test_an_interrupt_that_python_could_not_raise_comes_again(loop: list[type[BaseException]]) -> None:
    with pytest.raises(KeyboardInterrupt):
        lose_an_interrupt()
    assert [] == loop


def test_what_else_could_not_be_raised_is_told_as_before(loop: list[type[BaseException]]) -> None:
    Last(ValueError)
    assert [ValueError] == loop


def test_an_interrupt_between_lines_is_one_that_pytest_can_report() -> None:
    def press() -> None:
        raise KeyboardInterrupt

    press.__code__ = press.__code__.replace(co_linetable=b"")
    entered = Interruption(is_worker=False).pytest_runtestloop()
    next(entered)
    with pytest.raises(KeyboardInterrupt) as lost:
        press()
    assert None in [line for _, line in traceback.walk_tb(lost.tb)]
    with pytest.raises(KeyboardInterrupt) as told:
        entered.throw(lost.value)
    assert "KeyboardInterrupt" in str(told.getrepr())
