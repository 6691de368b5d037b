"""The collector: every question is found and asked in few waves, and a host's fault is its own."""

from __future__ import annotations

import contextlib
import re
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from testinfra.backend import base
from testinfra.backend.local import LocalBackend
from testinfra.host import Host

from pytest_aisec.facts.core.together import together
from pytest_aisec.observe import backend, quota
from pytest_aisec.observe.backend import ObservingBackend, Pending, foresee
from pytest_aisec.observe.faults import Unobservable
from pytest_aisec.observe.question_cache import ONCE, Learned
from pytest_aisec.observe.transcript import Transcript
from pytest_aisec.observe.transport.base import Limits, Transport
from pytest_aisec.observe.transport.process import Stop
from pytest_aisec.observe.waves import Suggestions, Work, collect, collect_host


class Counting(LocalBackend):
    NAME = "counting"

    def __init__(self) -> None:
        super().__init__()
        self.sent = 0
        self.dead_after: int | None = None

    def run(self, command: str, *args: str, **_kwargs: Any) -> base.CommandResult:
        self.sent += 1
        if self.dead_after is not None and self.sent > self.dead_after:
            return self.result(255, b"", b"", b"ssh: connect to host: No route to host")
        return self.run_local(self.get_command(command, *args))


class Place:
    """One host of a test: its backend, transcript and work."""

    def __init__(self, name: str = "one", stop: Stop | None = None) -> None:
        self.backend, self.transcript, self.closed = Counting(), Transcript(), 0
        observing = ObservingBackend(name, Transport(self.backend, Limits(timeout=20), stop), self.transcript)
        host = Host(observing)
        observing.set_host(host)
        self.work = Work(name=name, open=lambda: host, close=self.close)

    def close(self) -> None:
        self.closed += 1


def three_steps(host: Host) -> None:
    first = host.check_output("echo a")
    second = host.check_output(f"echo {first} b")
    assert host.check_output(f"echo {second} c") == "not this"


def swallows(host: Host) -> None:
    for name in "xyz":
        with contextlib.suppress(Exception):  # what the collector raises goes through it
            host.run(f"echo {name}")


CONTROLS = {"three": three_steps, "swallows": swallows, "again": three_steps}


def test_as_many_waves_as_the_deepest_control_has_steps() -> None:
    place = Place()
    found = collect_host(place.work, CONTROLS, Suggestions())
    assert (found.waves, found.scripts, place.backend.sent) == (3, 3, 3)
    assert [item.command for item in place.transcript] == [
        "echo a", "echo x", "echo a b", "echo y", "echo a b c", "echo z",
    ]  # fmt: skip
    assert found.needed["three"] == ["echo a", "echo a b", "echo a b c"]
    assert place.closed == 1


def test_what_an_earlier_host_needed_is_the_first_wave_of_the_next(tmp_path: Path) -> None:
    keys = dict.fromkeys(CONTROLS, "text")
    learned = Learned(keys, tmp_path / "cache")
    collect_host(Place().work, CONTROLS, learned)
    again = Place()
    assert collect_host(again.work, CONTROLS, learned).waves == 1
    learned.save()
    later = Place()
    assert collect_host(later.work, CONTROLS, Learned(keys, tmp_path / "cache")).waves == 1
    changed = Place()
    assert (
        collect_host(
            changed.work, CONTROLS, Learned(dict.fromkeys(CONTROLS, "other"), tmp_path / "cache")
        ).waves
        == 3
    )


def test_a_suggestion_that_nobody_needed_is_not_among_what_was_needed() -> None:
    class Wrong(Suggestions):
        def suggest(self, _suits=None) -> list[str]:
            return ["echo nobody asks this"]

    place = Place()
    found = collect_host(place.work, CONTROLS, Wrong())
    assert place.transcript.get("echo nobody asks this")
    assert all("echo nobody asks this" not in commands for commands in found.needed.values())


def test_a_host_that_dies_between_two_waves_keeps_what_was_seen() -> None:
    place = Place()
    place.backend.dead_after = 1
    found = collect_host(place.work, CONTROLS, Suggestions())
    assert found.fault is not None
    assert found.fault.reason == "unreachable"
    assert place.transcript.host_fault is not None
    assert {item.command for item in place.transcript} == {"echo a", "echo x"}
    assert place.closed == 1


def test_a_control_that_always_asks_something_new_comes_to_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_aisec.observe.waves.DEEPEST", 5)
    count = iter(range(10**6))

    def endless(host: Host) -> None:
        host.run(f"echo {next(count)}")

    assert collect_host(Place().work, {"endless": endless}, Suggestions()).waves == 5


@pytest.mark.parametrize("raised", [AssertionError, ValueError, SystemExit, GeneratorExit])
def test_whatever_a_control_raises_is_left_to_its_evaluation(raised: type[BaseException]) -> None:
    def raises(host: Host) -> None:
        host.run("echo before")
        raise raised

    place = Place()
    collect_host(place.work, {"raises": raises, "three": three_steps}, Suggestions())
    assert {item.command for item in place.transcript} >= {"echo before", "echo a b c"}


def test_a_thousand_hosts_of_which_five_in_a_hundred_are_dead() -> None:
    def quick(host: Host) -> None:
        assert host.check_output("echo a") == "a"

    places = [Place(f"host-{number:04}") for number in range(1000)]
    for number, place in enumerate(places):
        place.backend.dead_after = 0 if number % 20 == 0 else None
    stop = Stop()
    try:
        done = collect([place.work for place in places], {"quick": quick}, workers=16, stop=stop)
    finally:
        stop.close()
    assert len(done) == 1000
    assert [name for name, found in done.items() if found.fault] == unordered(done, places)
    assert sum(found.fault is not None for found in done.values()) == 50
    assert all(place.backend.sent == 1 and place.closed == 1 for place in places)


def unordered(done: dict[str, Any], places: list[Place]) -> list[str]:
    """Return the dead hosts in the order in which they ended."""
    dead = {place.work.name for place in places if place.backend.dead_after == 0}
    return [name for name in done if name in dead]


def test_what_is_foreseen_and_what_is_independent_travels_in_one_wave() -> None:
    def chain(host: Host) -> None:
        foresee(host, "echo b", ("echo %s", "c d"))
        for command in ("echo a", "echo b", "echo 'c d'"):
            host.check_output(command)
        together(lambda: host.check_output("echo e"), lambda: host.check_output("echo f"))

    place = Place()
    found = collect_host(place.work, {"chain": chain}, Suggestions())
    assert (found.waves, found.asked) == (2, 5)
    assert ["echo a", "echo b", "echo 'c d'", "echo e", "echo f"] == found.needed["chain"]


def test_what_was_foreseen_and_not_run_is_not_needed() -> None:
    def control(host: Host) -> None:
        foresee(host, "echo never")
        host.check_output("echo a")

    place = Place()
    found = collect_host(place.work, {"control": control}, Suggestions())
    assert (["echo a"], 1) == (found.needed["control"], found.waves)
    assert place.transcript.get("echo never") is not None


def test_foreseeing_asks_nothing_outside_of_the_collector() -> None:
    place = Place()
    foresee(place.work.open(), "echo a")
    foresee(Host(LocalBackend()), "echo a")
    assert (len(place.transcript), place.backend.sent) == (0, 0)


def test_independent_readings_raise_what_is_open_before_what_is_wrong() -> None:
    def wrong() -> str:
        raise Unobservable("parse", "the first")

    def open_() -> str:
        raise Pending("question")

    assert (1, "two") == together(lambda: 1, lambda: "two")
    with pytest.raises(Pending):
        together(wrong, open_)
    with pytest.raises(Unobservable, match="the first"):
        together(wrong, lambda: 1, wrong)


def test_a_question_without_an_answer_is_only_pending_while_the_collector_looks() -> None:
    place = Place()
    collect_host(place.work, {"three": three_steps}, Suggestions())
    host = place.work.open()
    assert not host.backend.questions.collecting
    assert host.run("echo live").stdout == "live\n"


def test_the_learned_questions_of_another_user_are_not_asked(tmp_path: Path) -> None:
    learned = Learned({"three": "text"}, tmp_path)
    learned.learn({"three": ["echo a"]})
    learned.save()
    assert Learned({"three": "text"}, tmp_path).suggest() == ["echo a"]
    (file,) = tmp_path.glob("*.json")
    file.chmod(0o666)
    assert Learned({"three": "text"}, tmp_path).suggest() == []
    file.chmod(0o600)
    tmp_path.chmod(0o777)
    assert Learned({"three": "text"}, tmp_path).suggest() == []


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"format": 1}', '{"format": 1, "hosts": 1, "commands": 3}', "\0"]
)
def test_a_spoilt_file_of_learned_questions_is_as_none(tmp_path: Path, text: str) -> None:
    learned = Learned({"three": "text"}, tmp_path)
    learned.learn({"three": ["echo a"]})
    learned.save()
    (file,) = tmp_path.glob("*.json")
    file.write_text(text)
    assert Learned({"three": "text"}, tmp_path).suggest() == []


def test_a_credential_is_not_learned_and_rare_questions_are_not_suggested(tmp_path: Path) -> None:
    learned = Learned({"three": "text"}, tmp_path)
    for number in range(4):
        learned.learn({"three": ["echo always", f"echo {number}", "curl -H «redacted:github:12345678»"]})
    assert learned.suggest() == ["echo always"]
    learned.save()
    assert Learned({"three": "text"}, tmp_path).suggest() == ["echo always"]
    assert len(Learned({"three": "text"}, tmp_path).everything()) == 5


def test_a_directory_that_cannot_be_written_is_no_problem() -> None:
    learned = Learned({"three": "text"}, Path("/proc/nowhere"))
    learned.learn({"three": ["echo a"]})
    learned.save()


def test_a_fault_is_raised_again_for_every_further_question() -> None:
    place = Place()
    place.backend.dead_after = 0
    collect_host(place.work, {"three": three_steps}, Suggestions())
    with pytest.raises(Unobservable):
        place.work.open().run("echo a")
    assert place.backend.sent == 1


def test_what_is_fresh_in_every_run_is_not_learned(tmp_path: Path) -> None:
    learned = Learned({"three": "text"}, tmp_path)
    learned.learn(
        {"three": ["echo always", f"curl -d hello http://127.0.0.1/ {ONCE}", f"sudo sh -c 'x {ONCE}'"]}
    )
    assert learned.suggest() == ["echo always"]
    assert learned.everything() == ["echo always"]


def reads_without_end(data: str) -> None:
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    re.fullmatch("(a|aa)*b", data)


def read_by_a_control(host: Host, _: pytest.MonkeyPatch) -> None:
    host.check_output("echo a")
    reads_without_end("a" * 100)


def read_by_redaction(host: Host, patch: pytest.MonkeyPatch) -> None:
    def redact(data: bytes) -> bytes:
        if len(data) > 100_000:
            reads_without_end("a" * 100)
        return data

    patch.setattr(backend, "redact_bytes", redact)
    host.check_output("head -c 200000 /dev/zero")


@pytest.mark.parametrize("read", [read_by_a_control, read_by_redaction])
def test_ctrl_c_ends_the_reading_of_an_answer_and_the_hosts_that_wait(
    read: Callable[[Host, pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A regular expression lets no other thread run; the second host waits until its turn comes."""

    def endless(host: Host) -> None:
        read(host, monkeypatch)

    before = signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
    interrupted = signal.signal(signal.SIGINT, signal.default_int_handler)
    places, stop = [Place("one"), Place("two")], Stop()
    started = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            collect([place.work for place in places], {"endless": endless}, workers=2, stop=stop)
    finally:
        stop.close()
        signal.signal(signal.SIGALRM, before)
        signal.signal(signal.SIGINT, interrupted)
    assert time.monotonic() - started < 2
    assert [1, 1] == [place.closed for place in places]


@pytest.mark.parametrize("ways", [">&1", ">&2"])
def test_long_answers_are_redacted_where_it_can_be_interrupted(
    ways: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: dict[bool, set[threading.Thread]] = {True: set(), False: set()}

    def redact(data: bytes) -> bytes:
        threads[len(data) > backend._LONG].add(threading.current_thread())
        return data

    def asks(host: Host) -> None:
        host.run("echo short")
        host.run(f"head -c {backend._LONG + 1} /dev/zero {ways}")

    monkeypatch.setattr(backend, "redact_bytes", redact)
    place, stop = Place(), Stop()
    collect([place.work], {"asks": asks}, workers=1, stop=stop)
    stop.close()
    assert {threading.main_thread()} == threads[True]
    assert threading.main_thread() not in threads[False], "each answer would wait for the others"


@pytest.mark.parametrize("is_collected", [True, False])
def test_what_takes_too_much_to_redact_is_unreadable_and_nothing_of_it_is_kept(
    *, is_collected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quota, "MOST_SECONDS", 0.2)
    place, stop = Place(), Stop()
    long = f"head -c {backend._LONG + 1} /dev/zero"

    def asks(host: Host) -> None:
        host.run("echo before")
        host.run(long)

    def redact(data: bytes) -> bytes:
        if len(data) > backend._LONG:
            re.fullmatch("(a|aa)*b", "a" * 100)
        return data

    monkeypatch.setattr(backend, "redact_bytes", redact)
    if is_collected:
        collect([place.work], {"asks": asks}, workers=1, stop=stop)
    else:
        with pytest.raises(Unobservable, match="CPU time"):
            asks(place.work.open())
    stop.close()
    found = {one.command: one for one in place.transcript}
    assert (0, b"before\n", None) == (
        found["echo before"].exit_status,
        found["echo before"].stdout,
        found["echo before"].fault,
    )
    assert (None, b"", "unreadable") == (found[long].exit_status, found[long].stdout, found[long].fault)
    assert place.transcript.host_fault is None


def test_ctrl_c_ends_what_a_thread_of_a_host_reads_by_itself() -> None:
    place, stop, begun = Place(), Stop(), threading.Event()

    def reads(*_: object) -> None:
        begun.set()
        while True:
            sum(range(1000))

    def interrupt() -> None:
        assert begun.wait(10)
        raise KeyboardInterrupt

    started = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            collect(
                [place.work], {"three": three_steps}, workers=1, stop=stop, note=reads, meanwhile=interrupt
            )
    finally:
        stop.close()
    assert time.monotonic() - started < 2
    assert 1 == place.closed
