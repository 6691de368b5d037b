from __future__ import annotations

import lzma
import re
import time
from pathlib import Path

import pytest

from pytest_aisec.testing import recordings

SCENARIOS = Path("pack/tests/scenarios/EX-CKP-01")
CONTROL = Path("pack/controls/ckp/test_closed.py")
RECORDING = Path("pack/tests/recordings/EX-CKP-01.jsonl.xz")


def told(tried) -> dict[str, str]:
    return {item.scenario.path.name: "\n".join(item.problems) for item in tried}


def test_a_live_proof_is_recorded_and_then_judged_from_the_recording_in_no_time(pack, prove, typed) -> None:
    tried = prove(pack)
    assert {"absent.na.sh": "", "closed.pass.sh": "", "open.fail.sh": ""} == told(tried)
    started = time.monotonic()
    done = typed("test", "pack", "--recorded")
    assert time.monotonic() - started < 5
    assert 0 == done.returncode
    lines = done.stdout.splitlines()
    assert "3 scenarios of 1 control, from recordings" == lines[0]
    assert ["not applicable", "passed", "failed"] == [line.split(" s  ")[1] for line in lines[1:4]]
    assert lines[4].startswith("3 scenarios proved in ")


def test_the_same_answers_give_no_new_index(pack, prove) -> None:
    prove(pack)
    before = Path("pack/controls/proven.json").read_text()
    prove(pack, "EX-CKP-01/open*")
    assert before == Path("pack/controls/proven.json").read_text()
    assert 3 == len(recordings.load(RECORDING))


def test_what_comes_out_otherwise_is_told_in_full_and_leaves_no_recording(pack, prove, typed) -> None:
    (SCENARIOS / "open.fail.sh").rename(SCENARIOS / "open.pass.sh")
    tried = told(prove(pack))
    assert "EX-CKP-01/open.pass.sh is to be passed, but the audit gave" in tried["open.pass.sh"]
    assert "-> 0" in tried["open.pass.sh"]
    assert {"absent.na.sh", "closed.pass.sh"} == set(recordings.load(RECORDING))
    done = typed("test", "pack", "--recorded")
    assert 1 == done.returncode
    assert "record it: aisec test pack -k EX-CKP-01/open.pass.sh" in done.stdout
    assert "EX-CKP-01  NOT PROVED: it has no fail scenario" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("2 not proved, of 3 scenarios")


def test_an_audit_that_changes_the_host_is_found(pack, prove) -> None:
    CONTROL.write_text(
        CONTROL.read_text()
        .replace('"stat ', '"touch $(dirname %s)/left; stat ')
        .replace(', directory)\n    if "No', ', directory, directory)\n    if "No')
    )
    assert "the audit changed the host" in told(prove(pack))["closed.pass.sh"]


def test_a_failure_that_passes_when_an_answer_is_spoiled_is_not_proved_live(pack, prove) -> None:
    CONTROL.write_text(
        CONTROL.read_text()
        .replace(" or not answer.stdout.strip().isdecimal()", "")
        .replace("int(answer.stdout, 8)", 'int(answer.stdout or "0", 8)')
    )
    assert "empty: " in told(prove(pack))["open.fail.sh"]
    assert "-> passed" in told(prove(pack))["open.fail.sh"]


def test_an_error_of_a_set_up_shows_its_line_and_output(pack, prove) -> None:
    (SCENARIOS / "closed.pass.sh").write_text("# why\nif true; then\n  ls /nowhere\nfi\necho done\n")
    text = told(prove(pack))["closed.pass.sh"]
    assert "pack/tests/scenarios/EX-CKP-01/closed.pass.sh:4: the set-up ended with 2 at: fi" in text
    assert "/nowhere" in text
    assert "error of the proof, not of the control" in text


def test_a_host_that_is_not_to_be_had_is_told(pack, prove) -> None:
    path = SCENARIOS / "closed.pass.sh"
    path.write_text(f"# host: services\n{path.read_text()}")
    assert "# host: services is elsewhere" == told(prove(pack))["closed.pass.sh"]


def edited() -> None:
    text, changes = re.subn(rb'("stdout":"[^"]*)777', rb"\g<1>700", lzma.decompress(RECORDING.read_bytes()))
    assert changes, "the mode that open.fail.sh gave"
    RECORDING.write_bytes(lzma.compress(text))


def without_a_live_run() -> None:
    found = recordings.load(RECORDING)
    for item in found.values():
        item.rests_on.pop("image")
    RECORDING.write_bytes(recordings.dump(found.values(), "EX-CKP-01"))


def _rewrite(old: str, new: str) -> None:
    """Change the control, and its size: within a second, Python knows a changed file by nothing else."""
    CONTROL.write_text(CONTROL.read_text().replace(old, new) + "\n")


def of_a_control_that_is_gone() -> None:
    _rewrite("EX-CKP-01", "EX-CKP-02")
    SCENARIOS.rename(SCENARIOS.with_name("EX-CKP-02"))


def of_a_scenario_that_is_gone() -> None:
    (SCENARIOS / "absent.na.sh").unlink()


def older_than_its_control() -> None:
    _rewrite("0o27", "0o22")


def older_than_its_script() -> None:
    with (SCENARIOS / "open.fail.sh").open("a") as file:
        file.write("true\n")


@pytest.mark.parametrize(
    ("change", "said", "remedy"),
    [
        (edited, "open.fail.sh was edited", "aisec test pack -k EX-CKP-01"),
        (without_a_live_run, "has no live run behind it", "aisec test pack -k EX-CKP-01"),
        (of_a_control_that_is_gone, "there is no control EX-CKP-01 in the pack", f"rm {RECORDING}"),
        (of_a_scenario_that_is_gone, "absent.na.sh: the scenario is gone", "aisec test pack -k EX-CKP-01"),
        (older_than_its_control, ": control", "aisec test pack -k EX-CKP-01"),
        (
            older_than_its_script,
            "open.fail.sh: changed since it was recorded on",
            "aisec test pack -k EX-CKP-01",
        ),
    ],
    ids=lambda item: getattr(item, "__name__", ""),
)
def test_a_recording_is_refused(pack, prove, aisec, change, said, remedy) -> None:
    prove(pack)
    change()
    done = aisec("test", "pack", "--recorded")
    assert (4, "") == (done.returncode, done.stdout)
    assert str(RECORDING) in done.stderr
    assert said in done.stderr
    assert remedy in done.stderr


def test_proving_all_again_mends_what_is_gone(pack, prove, aisec) -> None:
    prove(pack)
    of_a_control_that_is_gone()
    prove(pack)
    assert 0 == aisec("test", "pack", "--recorded").returncode
    assert ["EX-CKP-02"] == list(recordings.all_in(RECORDING.parent))


def test_explain_says_when_a_control_was_last_proven(pack, prove, aisec) -> None:
    assert "Scenarios, not proven by a recording" in aisec("explain", "EX-CKP-01", "--path", "pack").stdout
    tried = prove(pack)
    day = tried[0].recording.recorded_at[:10]
    text = aisec("explain", "EX-CKP-01", "--path", "pack").stdout
    assert f"Proven on real hosts, last recorded on {day}\n  absent (na), closed (pass), open (fail)" in text
    Path("pack/controls/proven.json").write_text("{")
    done = aisec("explain", "EX-CKP-01", "--path", "pack")
    assert (4, True) == (done.returncode, "proven.json: is no index of proven controls" in done.stderr)
