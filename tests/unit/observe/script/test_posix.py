from __future__ import annotations

import contextlib
import itertools
import os
import re
import secrets
import shutil
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aisec.observe.script.posix import Batch, Framed
from pytest_aisec.observe.transport import process

SHELLS = [
    pytest.param(
        argv, id=argv[0], marks=pytest.mark.skipif(not shutil.which(argv[0]), reason=f"no {argv[0]}")
    )
    for argv in (["sh"], ["bash"], ["dash"], ["busybox", "sh"])
]


def run(shell: list[str], batch: Batch) -> process.Finished:
    """Run the script as the engine does: what a command leaves running may hold the pipes, and is not waited for."""
    watch = batch.watch(1 << 20)
    if batch.encoded:
        return process.run([*shell, "-c", batch.script], timeout=60, watch=watch)
    return process.run(shell, timeout=60, watch=watch, feed=batch.script.encode())


def answers(
    shell: list[str], *questions: str, timeout: float = 10, encoded: bool = False
) -> list[Framed | None]:
    batch = Batch(questions, timeout=timeout, encoded=encoded)
    done = run(shell, batch)
    found = batch.read(done.stdout, done.stderr)
    assert not done.timed_out
    return found


CARRIED = pytest.mark.parametrize("encoded", [False, True], ids=["input", "argument"])


OK = Framed(exit_status=0, stdout=b"ok\n", stderr=b"")

UNRULY = [
    "cat",
    "read line; cat",
    "exit 3",
    "kill -9 $$",
    "kill -TERM $$",
    "exec false",
    "if",
    "echo 'unbalanced",
    'echo "unbalanced',
    "echo `",
    "cat <<EOF\nno end",
    "cat <<'EOF'\n$HOME \"quoted\" 'single'\nEOF",
    "(",
    ")",
    "}; exit 0; {",
    "true &",
    "cd /; pwd",
    "export n=x m=y t=z PATH=/nowhere",
    "n=x m=y; f() { :; }; f",
    "set -e; false",
    "exec >/dev/null 2>&1; echo lost",
    "exec 1>&- 2>&-",
    "trap 'echo trapped' EXIT; false",
    "alias echo=false",
    "printf 'no newline'",
    "printf '\\n\\n\\n'",
    "printf '\\000\\377\\001'",
    "echo to stderr >&2; exit 9",
    "# only a comment",
    "",
    "   ",
    "\n\n",
    "exit 999",
    "umask 777; ulimit -f 0",
]


@CARRIED
def test_what_the_account_puts_on_its_path_is_not_run_for_what_the_system_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, encoded: bool
) -> None:
    for name in ("id", "aisec-own"):
        (tmp_path / name).write_text("#!/bin/sh\necho lied\n", encoding="ascii")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    system, own = answers(["sh"], "id -u", "aisec-own", encoded=encoded)
    assert Framed(exit_status=0, stdout=f"{os.geteuid()}\n".encode(), stderr=b"") == system
    assert Framed(exit_status=0, stdout=b"lied\n", stderr=b"") == own


@CARRIED
@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("unruly", UNRULY)
def test_no_command_affects_the_next(shell: list[str], unruly: str, *, encoded: bool) -> None:
    before, first, after = answers(shell, "echo ok", unruly, "echo ok", encoded=encoded)
    assert before == after == OK
    assert first is not None


@CARRIED
@pytest.mark.parametrize("shell", SHELLS)
def test_what_crashes_leaves_no_core_file(
    shell: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, encoded: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    generous = ["sh", "-c", 'ulimit -S -c "$(ulimit -H -c)"; exec "$@"', "sh", *shell]
    crashed, limit = answers(generous, "sh -c 'kill -SEGV $$'", "ulimit -H -c", encoded=encoded)
    assert Framed(exit_status=0, stdout=b"0\n", stderr=b"") == limit
    assert crashed is not None
    assert 128 + 11 == crashed.exit_status
    assert [] == list(tmp_path.iterdir())


@CARRIED
@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("cat", (0, b"", b"")),
        ("exit 3", (3, b"", b"")),
        ("printf 'no newline'", (0, b"no newline", b"")),
        ("printf '\\n\\n\\n'", (0, b"\n\n\n", b"")),
        ("printf '\\000\\377\\001'", (0, b"\0\xff\1", b"")),
        ("echo to stderr >&2; exit 9", (9, b"", b"to stderr\n")),
        ("cat <<'EOF'\n$HOME \"quoted\" 'single'\nEOF", (0, b"$HOME \"quoted\" 'single'\n", b"")),
        ("cat <<'EOF'\n" + "x" * 70000 + "\nEOF", (0, b"x" * 70000 + b"\n", b"")),
        ("echo $LC_ALL", (0, b"C\n", b"")),
        ('printf %s "$n$m"', (0, b"", b"")),
        ("", (0, b"", b"")),
    ],
)
def test_an_answer_is_byte_for_byte_what_the_command_gave(
    shell: list[str], question: str, expected: tuple[int, bytes, bytes], *, encoded: bool
) -> None:
    (answer,) = answers(shell, question, encoded=encoded)
    assert answer
    assert (answer.exit_status, answer.stdout, answer.stderr) == expected


@CARRIED
@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_ends_where_the_time_of_a_command_is_up(shell: list[str], *, encoded: bool) -> None:
    mark = 1000 + secrets.randbelow(10**9)  # other processes of the test run sleep, too
    batch = Batch(
        ["echo ok", f"sleep {mark} & sleep {mark}; echo late", "echo ok"], timeout=1, encoded=encoded
    )
    started = time.monotonic()
    done = run(shell, batch)
    assert time.monotonic() - started < 20
    assert batch.read(done.stdout, done.stderr) == [OK, None, None]
    assert (batch.begun(done.stdout), batch.ended_by_watchdog(done.stdout)) == (1, True)
    deadline = time.monotonic() + 10  # the script ends with what it kills, and the kernel takes its time
    while running(f"sleep {mark}$"):
        assert time.monotonic() < deadline, "what took too long is left running"
        time.sleep(0.01)


@CARRIED
@pytest.mark.parametrize("shell", SHELLS)
def test_nothing_is_left_running(shell: list[str], *, encoded: bool) -> None:
    mark = 5 * (1000 + secrets.randbelow(10**8))
    run(shell, Batch(["true", "sleep 0.1"], timeout=mark, encoded=encoded))
    deadline = time.monotonic() + 10
    while running(f"sleep {mark // 5}$"):
        assert time.monotonic() < deadline, "the watchdog's sleep is left behind"
        time.sleep(0.01)


def running(pattern: str) -> list[str]:
    """Return the command lines of the processes that match `pattern`."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace").strip())
    return [line for line in found if re.match(pattern, line)]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_plain_command_costs_one_process(shell: list[str]) -> None:
    numbers = [answer for answer in answers(shell, *["cat /proc/self/stat"] * 20) if answer]
    pids = [int(answer.stdout.split()[0]) for answer in numbers]
    assert len(pids) == 20
    steps = sorted(later - earlier for earlier, later in itertools.pairwise(pids))
    assert steps[0] == 1


@given(
    st.lists(st.binary(max_size=40), min_size=1, max_size=4),
    st.lists(st.integers(0, 255), min_size=4, max_size=4),
)
def test_any_bytes_are_framed(outputs: list[bytes], statuses: list[int]) -> None:
    batch = Batch(["true"] * len(outputs), timeout=1)
    stdout = framed(batch, outputs, statuses)
    stderr = framed(batch, outputs[::-1], statuses)
    assert batch.read(stdout, stderr) == [
        Framed(exit_status=status, stdout=out, stderr=err)
        for out, err, status in zip(outputs, outputs[::-1], statuses, strict=False)
    ]


def framed(batch: Batch, outputs: list[bytes], statuses: list[int]) -> bytes:
    first, *others = batch._heads
    return b"motd\n%s<\n" % first + b"".join(
        b"%s%s>%d\n" % (output, token, status)
        for token, output, status in zip(others, outputs, statuses, strict=False)
    )


OUTPUTS, STATUSES = [b"first\n", b"", b"third 0\n"], [0, 12, 127]


def test_what_is_cut_off_anywhere_is_never_a_wrong_answer() -> None:
    batch = Batch(["true"] * 3, timeout=1)
    stdout = framed(batch, OUTPUTS, STATUSES)
    whole = batch.read(stdout, stdout)
    for cut in range(len(stdout)):
        for found in (batch.read(stdout[:cut], stdout), batch.read(stdout, stdout[:cut])):
            assert all(part is None or part == expected for part, expected in zip(found, whole, strict=True))
            assert found[-1] is None


def is_complete(batch: Batch, stdout: bytes, stderr: bytes) -> bool:
    watch = batch.watch(1 << 20)
    watch.look(bytearray(stdout), bytearray(stderr))
    return watch.complete


def test_a_script_is_complete_only_with_the_last_marker_on_both_streams() -> None:
    batch = Batch(["true"] * 3, timeout=1)
    stdout = framed(batch, OUTPUTS, STATUSES)
    assert is_complete(batch, stdout, stdout)
    for cut in range(len(stdout)):
        assert not is_complete(batch, stdout[:cut], stdout)
        assert not is_complete(batch, stdout, stdout[:cut])


@given(st.integers(1, 40), st.integers(1, 40))
def test_it_does_not_matter_in_which_pieces_the_output_comes(first: int, second: int) -> None:
    batch = Batch(["true"] * 3, timeout=1)
    stdout = framed(batch, OUTPUTS, STATUSES)
    watch, out, err = batch.watch(1 << 20), bytearray(), bytearray()
    while len(out) < len(stdout) or len(err) < len(stdout):
        assert not watch.complete
        out += stdout[len(out) : len(out) + first]
        err += stdout[len(err) : len(err) + second]
        watch.look(out, err)
    assert watch.complete
    assert watch.progress == 4
    assert sorted(watch.times) == [0, 1, 2]


def test_the_cap_is_for_each_answer_not_for_the_script() -> None:
    batch = Batch(["true"] * 3, timeout=1)
    watch, stdout = batch.watch(50), bytearray(framed(batch, [b"x" * 50] * 3, STATUSES))
    watch.look(stdout, bytearray())
    assert not watch.too_long
    watch, stdout = batch.watch(50), bytearray(framed(batch, [b"x" * 50, b"y" * 120], STATUSES)[:-60])
    watch.look(stdout, bytearray())
    assert watch.too_long


def test_answers_of_another_script_are_not_believed() -> None:
    one, two = Batch(["true"], timeout=1), Batch(["true"], timeout=1)
    stdout = framed(one, [b"x"], [0])
    assert two.read(stdout, stdout) == [None]
    assert not two.began(stdout)


def test_the_marker_does_not_stand_in_the_script() -> None:
    batch = Batch(["true"], timeout=1)
    assert batch.script.encode() not in framed(batch, [b""], [0])
    assert not batch.began(batch.script.encode())


def test_a_listing_of_all_processes_holds_no_marker() -> None:
    (answer,) = answers(["sh"], "cat /proc/[0-9]*/cmdline")
    assert answer
    assert b"cat" in answer.stdout


def test_what_came_of_a_cut_off_answer_is_kept() -> None:
    batch = Batch(["true"], timeout=1)
    stdout = framed(batch, [b"a beginning"], [0])
    cut = stdout.index(b"beginning") + len(b"beg")
    assert batch.partial(stdout[:cut], b"") == (b"a beg", b"")


def test_a_single_quote_in_a_question_cannot_leave_it() -> None:
    first, second = answers(["sh"], "'; f '<0 0'; echo '", "echo ok")
    assert first
    assert first.exit_status != 0
    assert second == OK
