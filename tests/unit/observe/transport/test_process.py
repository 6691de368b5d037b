from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_aisec.observe.transport import process

LARGE = 1 << 20


def sh(script: str, *, timeout: float = 10, cap: int = LARGE, **options: object) -> process.Finished:
    options.setdefault("watch", process.Capped(cap=cap))
    return process.run(["/bin/sh", "-c", script], timeout=timeout, **options)  # type: ignore[arg-type]


class Until(process.Capped):
    """Complete when `test` holds of the standard output."""

    def __init__(self, test: Callable[[bytes], bool]) -> None:
        super().__init__(cap=LARGE)
        self.test = test

    def look(self, stdout: bytearray, stderr: bytearray) -> None:
        super().look(stdout, stderr)
        self.complete = self.test(bytes(stdout))


def is_alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def await_end(pid: int) -> None:
    deadline = time.monotonic() + 10
    while is_alive(pid):
        assert time.monotonic() < deadline, f"process {pid} is left behind"
        time.sleep(0.01)


def test_output_and_status_are_what_the_program_gave() -> None:
    assert sh("printf out; printf err >&2; exit 7") == process.Finished(
        exit_status=7, stdout=b"out", stderr=b"err", timed_out=False, truncated=False
    )


def test_the_signal_that_ended_it_is_the_status() -> None:
    assert sh("kill -9 $$").exit_status == -9


def test_a_program_gets_no_input() -> None:
    assert sh("cat").stdout == b""


def test_arguments_reach_the_program_as_they_are() -> None:
    assert (
        process.run(["printf", "%s", "$HOME; `x` 'y'"], timeout=5, watch=process.Capped(cap=LARGE)).stdout
        == b"$HOME; `x` 'y'"
    )


def test_the_environment_is_added_to() -> None:
    assert sh('printf "%s" "$EXTRA$HOME"', environ={"EXTRA": "x"}).stdout == b"x" + os.environb[b"HOME"]


def test_a_program_that_is_not_there_is_an_error_that_names_it() -> None:
    with pytest.raises(FileNotFoundError) as caught:
        process.run(["/no/such/program"], timeout=5, watch=process.Capped(cap=LARGE))
    assert caught.value.filename == "/no/such/program"


def test_what_takes_too_long_is_ended_with_its_children() -> None:
    started = time.monotonic()
    found = sh("sleep 60 & echo $!; echo $$; wait", timeout=0.5)
    assert time.monotonic() - started < 10
    assert found.timed_out
    for pid in map(int, found.stdout.split()):
        await_end(pid)


def test_a_stream_of_output_does_not_extend_the_time() -> None:
    started = time.monotonic()
    found = sh("while :; do echo x; sleep 0.05; done", timeout=0.5)
    assert found.timed_out
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("redirect", ["", ">&2"])
def test_output_beyond_the_cap_is_truncated_and_its_source_ended(redirect: str) -> None:
    found = sh(f"echo $$ {redirect}; exec cat /dev/zero {redirect}", cap=100_000)
    stream = found.stderr if redirect else found.stdout
    assert (found.truncated, found.timed_out) == (True, False)
    assert 100_000 < len(stream) <= 100_000 + 65536
    await_end(int(stream.partition(b"\n")[0]))


def test_output_of_exactly_the_cap_is_whole() -> None:
    found = sh("printf 0123456789", cap=10)
    assert (found.stdout, found.truncated, found.exit_status) == (b"0123456789", False, 0)


def test_a_child_that_holds_the_pipe_does_not_delay_what_is_complete() -> None:
    started = time.monotonic()
    found = sh(
        "echo done; sleep 60 & echo $!; exit 0",
        timeout=30,
        watch=Until(lambda out: out.startswith(b"done\n") and out.count(b"\n") == 2),
    )
    assert time.monotonic() - started < 10
    assert (found.timed_out, found.exit_status) == (False, 0)
    os.kill(int(found.stdout.split()[1]), 9)


def test_a_child_that_holds_the_pipe_ends_with_the_time() -> None:
    found = sh("sleep 60 & echo $!", timeout=0.5)
    assert found.timed_out
    await_end(int(found.stdout))


def test_a_program_that_closes_its_output_and_stays_is_ended() -> None:
    started = time.monotonic()
    found = sh("echo $$; exec >&- 2>&-; sleep 60", timeout=1)
    assert time.monotonic() - started < 10
    assert found.exit_status != 0
    await_end(int(found.stdout))


def test_no_file_descriptor_is_left_open() -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - iterating a Path opens one itself
    for timeout in (5, 0.05):
        sh("sleep 0.2", timeout=timeout)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
