"""Many questions in few scripts: what breaks off is asked again or is a fault, never a half answer."""

from __future__ import annotations

import time
from typing import Any

import pytest
from testinfra.backend import base
from testinfra.backend.local import LocalBackend

from pytest_aisec.observe.asking import Question, ask
from pytest_aisec.observe.faults import Unobservable
from pytest_aisec.observe.transcript import Observation
from pytest_aisec.observe.transports import Limits, Transport


class Counting(LocalBackend):
    """Counts the scripts, and may cut the output of some of them."""

    NAME = "counting"

    def __init__(self) -> None:
        super().__init__()
        self.scripts: list[str] = []
        self.cuts: dict[int, int] = {}
        self.status: int | None = None

    def run(self, command: str, *args: str, **_kwargs: Any) -> base.CommandResult:
        self.scripts.append(self.get_command(command, *args))
        found = self.run_local(self.scripts[-1])
        cut = self.cuts.get(len(self.scripts))
        if cut is None:
            return found
        status = found.rc if self.status is None else self.status
        return self.result(status, b"", found.stdout_bytes[:cut], found.stderr_bytes)


def asked(*texts: str, backend: LocalBackend | None = None, **limits: Any) -> dict[str, Observation]:
    transport = Transport(backend or LocalBackend(), Limits(**limits))
    found: dict[str, Observation] = {}
    ask(
        [Question(text=text, key=text) for text in texts],
        transport,
        lambda item: found.update({item.command: item}),
    )
    return found


def test_all_questions_go_in_one_script() -> None:
    backend = Counting()
    found = asked(*(f"echo {number}" for number in range(50)), backend=backend)
    assert [item.stdout for item in found.values()] == [b"%d\n" % number for number in range(50)]
    assert len(backend.scripts) == 1


def test_wherever_the_connection_is_cut_every_answer_is_right_or_asked_again() -> None:
    texts = [f"echo {number} answer" for number in range(4)]
    whole = Counting()
    asked(*texts, backend=whole)
    length = len(whole.run_local(whole.scripts[0]).stdout_bytes)
    for cut in range(0, length, 7):
        backend = Counting()
        backend.cuts = {1: cut}
        found = asked(*texts, backend=backend)
        assert {item.command: (item.stdout, item.fault) for item in found.values()} == {
            text: (f"{number} answer\n".encode(), None) for number, text in enumerate(texts)
        }
        assert len(backend.scripts) > 1


def test_a_connection_that_fails_as_such_is_a_fault_of_the_host_at_once() -> None:
    backend = Counting()
    backend.cuts, backend.status = {1: 0, 2: 0}, 255
    with pytest.raises(Unobservable) as caught:
        asked("echo 1", "echo 2", backend=backend)
    assert (caught.value.reason, caught.value.whole_host) == ("unreachable", True)
    assert len(backend.scripts) == 1


def test_what_was_answered_before_the_host_was_lost_is_kept() -> None:
    found: dict[str, Observation] = {}

    class Lost(Counting):
        NAME = "lost"

        def run(self, command: str, *args: str, **kwargs: Any) -> base.CommandResult:
            if self.scripts:
                return self.result(255, b"", b"", b"ssh: connect to host x port 22: No route to host")
            result = super().run(command, *args, **kwargs)
            at = result.stdout_bytes.index(b"two")
            return self.result(255, b"", result.stdout_bytes[:at], result.stderr_bytes)

    questions = [Question(text=f"echo {text}", key=text) for text in ("one", "two", "three")]
    with pytest.raises(Unobservable) as caught:
        ask(questions, Transport(Lost(), Limits()), lambda item: found.update({item.command: item}))
    assert caught.value.reason == "unreachable"
    assert {key: item.stdout for key, item in found.items()} == {"one": b"one\n"}


def test_a_question_that_takes_too_long_is_the_only_one_with_a_fault() -> None:
    started = time.monotonic()
    found = asked("echo 1", "sleep 100", "echo 2", timeout=1)
    assert [item.fault for item in found.values()] == [None, "timeout", None]
    assert time.monotonic() - started < 30


def test_a_question_that_prints_too_much_is_the_only_one_with_a_fault() -> None:
    found = asked("echo 1", "cat /dev/zero", "echo 2", "head -c 3000 /dev/zero; sleep 0.1", cap=2000)
    assert [found[key].fault for key in ("echo 1", "cat /dev/zero", "echo 2")] == [None, "truncated", None]
    assert found["head -c 3000 /dev/zero; sleep 0.1"].fault == "truncated"


@pytest.mark.parametrize("deadly", ["kill -9 $$", "kill -9 0"])
def test_a_question_that_ends_the_script_does_not_take_the_others_along(deadly: str) -> None:
    found = asked("echo 1", deadly, "echo 2")
    assert (found["echo 1"].stdout, found["echo 2"].stdout) == (b"1\n", b"2\n")
    assert found[deadly].fault == "internal" or found[deadly].exit_status


def test_what_a_question_leaves_running_writes_into_no_other_answer() -> None:
    found = asked("(sleep 0.2; echo late) & echo now", "sleep 0.6; echo two", "echo three")
    assert found["sleep 0.6; echo two"].stdout == b"two\n"
    assert found["echo three"].stdout == b"three\n"
    assert found["(sleep 0.2; echo late) & echo now"].stdout.startswith(b"now\n")


def test_more_questions_than_one_argument_can_hold_are_split() -> None:
    backend = Counting()
    texts = [f"printf '%s' {'x' * 5000}{number} | wc -c" for number in range(60)]
    found = asked(*texts, backend=backend)
    assert {item.fault for item in found.values()} == {None}
    assert {item.stdout.strip() for item in found.values()} == {b"5001", b"5002"}
    assert 2 < len(backend.scripts) < 20


def test_a_question_that_no_argument_can_hold_is_not_asked_and_the_others_are() -> None:
    huge = f"echo '{'x' * 200_000}'"
    found: dict[str, Observation] = {}
    questions = [Question(text=text, key=text[:9]) for text in ("echo one", huge, "echo two")]
    backend = LocalBackend()
    with pytest.raises(Unobservable):
        ask(questions, Transport(backend, Limits()), lambda item: found.update({item.command: item}))
    assert found["echo one"].stdout == b"one\n"
