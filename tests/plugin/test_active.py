"""Controls that send requests only when that is allowed."""

import json
import sys

from tests.support import forks

CONTROL = '''
from pytest_aisec import Host, control, is_active, not_reviewed


@control("EX-ACT-01", severity="high", remediation="stop")
def test_no_answer(host: Host) -> None:
    """The service answers nothing."""
    assert host.run("echo passive").stdout == "passive\\n"
    if not is_active():
        not_reviewed("sends requests; --aisec-active allows it")
    assert host.run("echo prompt").stdout == "prompt\\n"
'''
PROFILE = "id: act\ntitle: Active\nversion: 1.0.0\ncontrols: {EX-ACT-01: {}}\n"


def audit(pytester, evidence, *options):
    (pytester.path / "pack/controls/act").mkdir(parents=True, exist_ok=True)
    (pytester.path / "pack/controls/act/test_act.py").write_text(CONTROL)
    (pytester.path / "pack/profiles").mkdir(exist_ok=True)
    (pytester.path / "pack/profiles/act.yaml").write_text(PROFILE)
    command = [sys.executable, "-m", "pytest", "--aisec-profile=act", "--aisec-path=pack"]
    command += [f"--aisec-evidence={evidence}", *options]
    found = forks.run(command, cwd=pytester.path, capture_output=True, text=True, timeout=120)
    data = json.loads((pytester.path / evidence / "run.json").read_text())
    (transcript,) = (pytester.path / evidence / "transcripts").iterdir()
    return found, data, transcript.read_text()


def test_without_leave_nothing_is_sent_and_the_control_is_not_reviewed(pytester) -> None:
    found, data, transcript = audit(pytester, "one")
    (result,) = data["results"]
    assert (result["outcome"], result["reason"]) == (
        "not_reviewed",
        "sends requests; --aisec-active allows it",
    )
    assert "echo passive" in transcript
    assert "echo prompt" not in transcript
    assert data["run"]["active"] is False
    assert (found.returncode, data["verdict"]["gate"]) == (10, "inconclusive")
    assert "1 not reviewed" in found.stdout


def test_with_leave_it_is_judged_and_its_replay_needs_no_second_leave(pytester) -> None:
    found, data, transcript = audit(pytester, "one", "--aisec-active")
    assert (found.returncode, data["results"][0]["outcome"]) == (0, "passed")
    assert "echo prompt" in transcript
    assert data["run"]["active"] is True
    again, replayed, _ = audit(pytester, "two", "--aisec-replay=one")
    assert (again.returncode, replayed["results"][0]["outcome"]) == (0, "passed")
    assert replayed["run"]["active"] is True


def test_leave_for_one_run_is_none_for_the_next(pytester) -> None:
    options = ("--aisec-cache=cache",)
    audit(pytester, "one", "--aisec-active", *options)
    _, _, transcript = audit(pytester, "two", *options)
    assert "echo prompt" not in transcript
