"""The fixture with which the author of a control tests it."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pytest_aisec.errors import UsageProblem
from pytest_aisec.observe import transcript
from pytest_aisec.testing import Answer, Judge, UnansweredError
from tests.support.local_place import CONTROL

WINDOWS = '''
from pytest_aisec import Host, control

@control("EX-WIN-01", severity="low", remediation="-", platforms=("windows",))
def test_service(host: Host, *, name: str = "it's") -> None:
    """The service runs."""
    assert host.run("(Get-Service %s).Status", name).stdout.strip() == "Running"
'''
TIMED = '''
from pytest_aisec import Host, control, is_active, is_declared, not_reviewed, now

@control("EX-CKP-02", severity="low", remediation="-")
def test_timed(host: Host, *, year: int = 2000) -> None:
    """The year is right."""
    assert host.run("date +%Y").stdout.strip() == str(now().year)
    assert is_declared("year") == (year != 2000)
    if not is_active():
        not_reviewed("ask")
'''
STAT = "stat -L -c %a -- /srv/checkpoints"


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    for name, text in (("closed", CONTROL), ("service", WINDOWS), ("timed", TIMED)):
        path = tmp_path / "pack/controls/ckp" / f"test_{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "pack"


@pytest.fixture
def judge(pack: Path) -> Judge:
    return Judge(start=pack / "tests/test_mine.py")


def test_a_text_is_what_the_host_prints(judge) -> None:
    assert "passed" == judge("EX-CKP-01", {STAT: "750\n"}).outcome
    found = judge("EX-CKP-01", {STAT: "777\n"})
    assert ("failed", (STAT,)) == (found.outcome, found.asked)


@pytest.mark.parametrize(
    "key",
    [
        "stat -L -c %a -- '/srv/it'\"'\"'s a'",
        'stat -L -c "%a" -- "/srv/it\'s a"',
        ("stat -L -c %%a -- %s", "/srv/it's a"),
        "stat …",
    ],
)
def test_a_question_is_the_same_whatever_its_quoting(judge, key) -> None:
    assert "failed" == judge("EX-CKP-01", {key: "777\n"}, directory="/srv/it's a").outcome


def test_of_two_beginnings_the_longer_counts(judge) -> None:
    assert "passed" == judge("EX-CKP-01", {"stat -L…": "750", "…": "777", "stat…": "777"}).outcome


def test_a_question_for_windows_is_quoted_as_there(judge) -> None:
    for key in ("(Get-Service 'it''s').Status", ("(Get-Service %s).Status", "it's")):
        assert "passed" == judge("EX-WIN-01", {key: "Running\r\n"}).outcome


@pytest.mark.parametrize(
    ("answer", "outcome", "reason"),
    [
        (
            Answer(stderr="stat: No such file or directory\n", exit_status=1),
            "not_applicable",
            "there is none",
        ),
        (Answer(fault="timeout"), "error", "timeout"),
        (Answer(exit_status=127, stderr="stat: not found"), "error", "tool_missing"),
        (Answer(b"\xff"), "error", "unreadable"),
        (b"750", "passed", ""),
    ],
)
def test_an_answer_may_be_more_than_a_text(judge, answer, outcome, reason) -> None:
    found = judge("EX-CKP-01", {STAT: answer})
    assert (outcome, reason) == (found.outcome, found.reason)


def test_a_fault_that_there_is_not_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="fault 'late': is not one of unreachable, auth, privilege, timeout"):
        Answer(fault="late")


def test_a_question_without_an_answer_is_told_with_the_nearest(judge) -> None:
    with pytest.raises(UnansweredError) as caught:
        judge("EX-CKP-01", {"stat -L -c %a -- /srv/chekpoints": "750", "id -u": "0"})
    assert str(caught.value).splitlines() == [
        "EX-CKP-01 asked what has no answer here:",
        f"  {STAT}",
        "    the nearest that has one: stat -L -c %a -- /srv/chekpoints",
        "never asked: stat -L -c %a -- /srv/chekpoints",
        "never asked: id -u",
    ]


def test_what_is_no_control_or_parameter_is_told_with_the_nearest(judge, pack) -> None:
    for arguments, params, said in (
        (
            ("EX-CKP-10", {}),
            {},
            f"there is no control 'EX-CKP-10' in {pack}/controls. Did you mean EX-CKP-0",
        ),
        (("EX-CKP-01", {}), {"directoy": "/"}, "no parameter 'directoy'. Did you mean directory?"),
        ((len, {}), {}, "is no control: it has no @control"),
        (("EX-CKP-01", pack), {}, f"{pack}: is no bundle with one transcript; name the file: none"),
        (
            ("EX-CKP-01", pack / "controls/ckp/test_closed.py"),
            {},
            "test_closed.py:1: is no line of a transcript",
        ),
    ):
        with pytest.raises(UsageProblem, match=r".") as caught:
            judge(*arguments, **params)
        assert said in str(caught.value)


def test_our_own_controls_and_functions_are_judged_as_well(tmp_path) -> None:
    alone = Judge(start=tmp_path / "test_mine.py")
    with pytest.raises(UnansweredError):
        alone("AISEC-ART-03", {})
    from pytest_aisec.catalog.content import content_root
    from pytest_aisec.catalog.load import load_catalog

    function = load_catalog([content_root()])["AISEC-ART-03"].function
    with pytest.raises(UnansweredError):
        alone(function, {})


def test_circumstances_are_those_of_the_test(judge) -> None:
    now = datetime(2031, 5, 6, tzinfo=UTC)
    answers = {"date …": "2031\n"}
    assert "not_reviewed" == judge.under(now=now)("EX-CKP-02", answers).outcome
    assert "passed" == judge.under(now=now).under(active=True)("EX-CKP-02", answers, year=2031).outcome


def test_a_secret_is_redacted_before_the_control_sees_it(judge) -> None:
    found = judge("EX-CKP-01", {STAT: "ghp_0123456789abcdefghijABCDEFGHIJ012345"})
    assert "ghp_" not in found.message


def test_a_failure_is_judged_again_with_spoiled_answers(judge, pack) -> None:
    found = judge("EX-CKP-01", {STAT: "777\n"})
    assert [] == found.passes_when_spoiled()
    path = pack / "controls/ckp/test_wrong.py"
    path.write_text(
        CONTROL.replace("EX-CKP-01", "EX-CKP-03")
        .replace("answer.rc != 0 or not answer.stdout.strip().isdecimal()", "answer.rc != 0")
        .replace("(answer.stdout, 8)", '(answer.stdout or "0", 8)')
    )
    found = judge("EX-CKP-03", {STAT: "777\n"})
    assert f"empty: {STAT!r} -> passed" in found.passes_when_spoiled()
    nothing = judge("EX-CKP-03", {STAT: ""})
    assert f"empty: {STAT!r} -> passed" not in found.passes_when_spoiled(nothing)


def test_a_transcript_of_a_bundle_answers_as_of_the_time_of_its_run(judge, tmp_path) -> None:
    bundle = tmp_path / "bundle"
    (bundle / "transcripts").mkdir(parents=True)
    (bundle / "run.json").write_text(json.dumps({"run": {"started_at": "2031-05-06T07:08:09Z"}}))
    items = [
        transcript.Observation(
            command=command,
            exit_status=0,
            stdout=stdout,
            stderr=b"",
            started_at="2031-05-06T07:08:10.000Z",
            duration_ms=1,
        )
        for command, stdout in (("uname -s", b"Linux\n"), ("date +%Y", b"2031\n"))
    ]
    file = bundle / "transcripts/ssh_h.jsonl"
    file.write_text(transcript.dump(items, "ssh://h"))
    for answers in (bundle, file):
        assert "passed" == judge.under(active=True)("EX-CKP-02", answers).outcome
    file.write_text(file.read_text().replace("2031\\n", "2030\\n"))
    assert "failed" == judge.under(active=True)("EX-CKP-02", file).outcome


def test_the_fixture_finds_the_pack_and_shows_the_answers_when_the_test_fails(pack) -> None:
    test = pack / "tests/test_mine.py"
    test.parent.mkdir()
    test.write_text(
        'pytest_plugins = ["pytest_aisec.testing.fixtures"]\n'
        "def test_it(aisec):\n"
        f'    assert aisec("EX-CKP-01", {{{STAT!r}: "777"}}).outcome == "passed"\n'
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    done = subprocess.run(command, cwd=pack, capture_output=True, text=True, check=False)
    assert 1 == done.returncode
    for line in ("EX-CKP-01: failed", f"  $ {STAT}", "    (exit status 0)", "    777"):
        assert line in done.stdout.splitlines()
