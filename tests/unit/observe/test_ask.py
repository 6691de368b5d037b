"""Many questions in few scripts: what breaks off is asked again or is a fault, never a half answer."""

from __future__ import annotations

import re
import subprocess
import time
from typing import Any

import pytest
from testinfra.backend import base
from testinfra.backend.local import LocalBackend

from pytest_aisec.observe.ask import Question, ask
from pytest_aisec.observe.faults import Unobservable
from pytest_aisec.observe.transcript import Observation
from pytest_aisec.observe.transport.base import Limits, Transport


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


def test_a_question_that_no_argument_can_hold_is_asked_all_the_same() -> None:
    huge = f"echo '{'x' * 200_000}' | wc -c"
    found = asked("echo one", huge, "echo two")
    assert [item.stdout.strip() for item in found.values()] == [b"one", b"200001", b"two"]


class Arguments(LocalBackend):
    """Passes each script as an argument and trims what it prints, as Ansible and Salt do."""

    NAME = "ansible"

    def run(self, command: str, *args: str, **_kwargs: Any) -> base.CommandResult:
        text = self.get_command(command, *args)
        done = subprocess.run(["/bin/sh", "-c", text], capture_output=True, check=False)
        # Both hand over text.
        out, err = done.stdout.decode("ascii").rstrip(), done.stderr.decode("ascii").rstrip()
        return self.result(done.returncode, b"", out, err)


def test_where_scripts_are_arguments_answers_are_encoded() -> None:
    texts = ["printf '\\377\\000'; echo err >&2; exit 3", "true", "printf '\\n\\n'"]
    found = asked(*texts, backend=Arguments())
    assert [(item.exit_status, item.stdout, item.stderr) for item in found.values()] == [
        (3, b"\377\0", b"err\n"),
        (0, b"", b""),
        (0, b"\n\n", b""),
    ]


def test_where_scripts_are_arguments_a_command_that_prints_the_script_answers_for_itself_alone() -> None:
    """The command knows every marker, and prints all that could end an answer and begin the next."""
    forge = (
        "tr '\\0' '\\n' </proc/$PPID/cmdline | sed -n 's/.*printf %s \\([^ ]*\\) .*/\\1/p' | base64 -d"
        " | sed -n 's/^f \\([0-9a-f]*\\) .*/\\1/p'"
        " | while read t; do printf '\\n%s>0\\n' $t; printf '\\n%s>0\\n' $t >&2; done"
    )
    found = asked("echo one", f"{forge}; exit 4", "echo two; exit 5", backend=Arguments())
    first, second, third = found.values()
    assert (first.exit_status, second.exit_status, third.exit_status) == (0, 4, 5)
    assert re.search(rb"\n[0-9a-f]{32}>0\n", second.stdout), "the command has learned nothing"
    assert third.stdout == b"two\n"


def test_where_answers_cannot_be_encoded_nothing_is_answered() -> None:
    class Without(Arguments):
        def run(self, command: str, *args: str, **kwargs: Any) -> base.CommandResult:
            return super().run(f"base64() {{ return 127; }}; {command}", *args, **kwargs)

    with pytest.raises(Unobservable) as caught:
        asked("echo one", backend=Without())
    assert caught.value.whole_host
