"""What a control makes of a host's answers has a bound, also where it lets nothing else run."""

from __future__ import annotations

import contextlib
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from pytest_aisec.observe import quota
from pytest_aisec.observe.faults import Unobservable
from pytest_aisec.observe.transcript import Observation, Transcript


def endless_pattern() -> None:
    re.fullmatch("(a|aa)*b", "a" * 100)


def endless_loop() -> None:
    while True:
        sum(range(1000))


def grows() -> None:
    kept = []
    while True:
        kept.append(b"x" * (1024**2 + len(kept)))
        sum(range(10_000))


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(quota, "MOST_SECONDS", 0.3)
    monkeypatch.setattr(quota, "_LEAST_SECONDS", 0.1)
    monkeypatch.setattr(quota, "_TICK", 0.02)
    monkeypatch.setattr(quota, "MOST_BYTES", 64 * 1024**2)
    yield
    assert (0.0, 0.0) == signal.getitimer(signal.ITIMER_PROF)


@pytest.mark.parametrize(
    ("reader", "what"),
    [(endless_pattern, "CPU time"), (endless_loop, "CPU time"), (grows, "64 MiB of memory")],
)
def test_what_uses_too_much_is_unreadable(
    reader: Callable[[], None], what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if reader is grows:
        monkeypatch.setattr(quota, "MOST_SECONDS", 30)
    with pytest.raises(Unobservable, match=what) as caught, quota.limited(Transcript()):
        reader()
    assert ("unreadable", False) == (caught.value.reason, caught.value.whole_host)


def takes_it_for_an_answer() -> None:
    with contextlib.suppress(Unobservable):
        endless_loop()


def skips() -> None:
    takes_it_for_an_answer()
    pytest.skip("nothing there")


def finds() -> None:
    takes_it_for_an_answer()
    raise AssertionError("found")


@pytest.mark.parametrize("reader", [takes_it_for_an_answer, skips])
def test_a_limit_that_the_control_takes_for_an_answer_is_no_verdict(reader: Callable[[], None]) -> None:
    with pytest.raises(Unobservable, match="CPU time"), quota.limited(Transcript()):
        reader()


def test_a_finding_beside_what_was_too_much_stays_one() -> None:
    with pytest.raises(AssertionError, match="found"), quota.limited(Transcript()):
        finds()


def test_who_has_used_up_its_time_has_half_of_it_the_next_time() -> None:
    host, other = Transcript(), Transcript()
    for answers, seconds in ((host, "0.3"), (host, "0.15"), (host, "0.1"), (host, "0.1"), (other, "0.3")):
        with pytest.raises(Unobservable, match=f" {seconds} s of CPU"), quota.limited(answers):
            endless_loop()


def test_talking_with_the_host_does_not_count_and_is_not_interrupted() -> None:
    with quota.limited(Transcript()):
        with quota.unlimited():
            until = time.thread_time() + 0.6
            while time.thread_time() < until:
                pass
        sum(range(1000))


def test_waiting_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quota, "MOST_SECONDS", 0.05)
    with quota.limited(Transcript()):
        threading.Event().wait(0.2)
        sum(range(1000))


def test_in_another_thread_and_within_itself_it_changes_nothing() -> None:
    done: list[str] = []

    def note(where: str) -> None:
        with quota.limited(Transcript()):
            done.append(where)

    def control() -> None:
        thread = threading.Thread(target=note, args=["thread"])
        thread.start()
        thread.join()
        note("within")
        endless_loop()

    with pytest.raises(Unobservable, match=r"0\.3 s"), quota.limited(Transcript()):
        control()
    assert ["thread", "within"] == done


def test_a_profiler_that_has_the_timer_keeps_it() -> None:
    before = signal.signal(signal.SIGPROF, lambda *_: None)
    try:
        with quota.limited(Transcript()):
            assert (0.0, 0.0) == signal.getitimer(signal.ITIMER_PROF)
    finally:
        signal.signal(signal.SIGPROF, before)


def test_who_calls_all_of_it_does_not_matter() -> None:
    @contextlib.contextmanager
    def around() -> Iterator[None]:
        yield

    @around()
    def evaluates() -> None:
        with quota.limited(Transcript()):
            endless_loop()

    with pytest.raises(Unobservable, match="CPU time"):
        evaluates()


def test_a_transcript_is_never_left_half_read() -> None:
    done: list[str] = []

    def reads() -> Iterator[Observation]:
        until = time.thread_time() + 0.6
        while time.thread_time() < until:
            sum(range(1000))
        done.append("all")
        return iter(())

    with pytest.raises(Unobservable, match="CPU time"), quota.limited(Transcript()):
        Transcript(source=reads).get("echo a")
    assert ["all"] == done


def test_a_signal_that_comes_late_does_nothing() -> None:
    with quota.limited(Transcript()):
        pass
    signal.raise_signal(signal.SIGPROF)
