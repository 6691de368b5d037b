"""The script for machines that cannot be reached: what arrives whole is right, the rest has no answer."""

from __future__ import annotations

import random
import subprocess

import pytest

from pytest_aisec.observe.script import offline

QUESTIONS = {
    "echo ok": (0, b"ok\n", b""),
    "printf '\\000\\377\\n\\n'; echo err >&2; exit 3": (3, b"\0\xff\n\n", b"err\n"),
    "cat": (0, b"", b""),
    "head -c 100000 /dev/zero": (0, bytes(100000), b""),
    "cat <<'EOF'\n$HOME \"quoted\" 'single'\nEOF": (0, b"$HOME \"quoted\" 'single'\n", b""),
    "echo 'aisec-x 0 0'; echo aisec-end 3": (0, b"aisec-x 0 0\naisec-end 3\n", b""),
    "no-such-tool": (127, b"", None),
    "true": (0, b"", b""),
}


def printed(shell: str = "sh", **options: object) -> str:
    script = offline.script(list(QUESTIONS), profile="x", timeout=30)
    return subprocess.run([shell, "-c", script], check=True, capture_output=True, text=True, **options).stdout  # type: ignore[call-overload]


@pytest.mark.parametrize("shell", ["sh", "bash"])
@pytest.mark.parametrize("path", [None, "hex"])
def test_what_the_script_prints_is_read_back_byte_for_byte(shell: str, path: str | None) -> None:
    script = offline.script(list(QUESTIONS), profile="x", timeout=30)
    if path:
        script = script.replace("command -v base64", "command -v no-base64")
    out = subprocess.run([shell, "-c", script], check=True, capture_output=True, text=True).stdout
    carried = offline.read(out)
    assert carried.lost == 0
    assert [item.command for item in carried.observations] == list(QUESTIONS)
    for item in carried.observations:
        status, stdout, stderr = QUESTIONS[item.command]
        assert (item.exit_status, item.stdout) == (status, stdout)
        assert stderr is None or item.stderr == stderr


def test_indentation_carriage_returns_and_foreign_lines_do_no_harm() -> None:
    out = printed()
    wrapped = (
        "gpu-1 | CHANGED | rc=0 >>\r\n" + "".join(f"    {line}\r\n" for line in out.splitlines()) + "bye\r\n"
    )
    assert offline.read(wrapped).observations == offline.read(out).observations


def test_a_line_that_is_lost_doubled_or_moved_costs_its_answer_and_no_other() -> None:
    lines = printed().splitlines()
    whole = {item.command: item for item in offline.read("\n".join(lines)).observations}
    dice = random.Random(7)
    for _ in range(150):
        at, to = dice.randrange(1, len(lines) - 1), dice.randrange(1, len(lines) - 1)
        change = dice.choice(["lose", "double", "swap", "cut"])
        spoilt = list(lines)
        if change == "lose":
            del spoilt[at]
        elif change == "double":
            spoilt.insert(to, spoilt[at])
        elif change == "swap":
            spoilt[at], spoilt[to] = spoilt[to], spoilt[at]
        else:
            spoilt = spoilt[:at]
        for item in offline.read("\n".join(spoilt)).observations:
            assert item == whole[item.command]


def test_what_is_no_output_or_that_of_two_runs_is_refused() -> None:
    with pytest.raises(ValueError, match="not the output"):
        offline.read("hello\n")
    with pytest.raises(ValueError, match="several runs"):
        offline.read(printed() * 2)


def test_a_command_that_takes_too_long_is_a_timeout() -> None:
    script = offline.script(["sleep 100", "echo ok"], profile="x", timeout=1)
    out = subprocess.run(["sh", "-c", script], check=True, capture_output=True, text=True, timeout=60).stdout
    first, second = offline.read(out).observations
    assert (first.fault, first.exit_status, second.stdout) == ("timeout", None, b"ok\n")


def test_a_credential_is_redacted_when_it_is_read() -> None:
    secret = "ghp_" + "a" * 36
    script = offline.script([f"echo {secret}"], profile="x", timeout=5)
    out = subprocess.run(["sh", "-c", script], check=True, capture_output=True, text=True).stdout
    (item,) = offline.read(out).observations
    assert secret.encode() not in item.stdout
    assert secret not in item.command
