"""Observe now, judge later and elsewhere: waves, replay, collect, collect-script and import."""

import json
import re
import subprocess
import sys

import pytest

from tests.support import forks

NO_OBSERVATION = ("error", "no_observation")


def verdicts(ended):
    return {
        key.removeprefix("ACME-TST-"): (item["outcome"], item["reason"] if item["outcome"] == "error" else "")
        for key, item in ended.results.items()
    }


def counts(place):
    """Return a control's body that leaves a line in `place` for each time that the host is asked."""
    return f'host.run("echo asked >> {place}")'


def lines(place):
    return len(place.read_text(encoding="utf-8").splitlines()) if place.exists() else 0


def aisec(*arguments, cwd, check=False):
    return forks.run(
        [sys.executable, "-m", "pytest_aisec.cli", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        check=check,
    )


@pytest.fixture
def three(pack, tmp_path):
    """Controls that pass, fail and ask in two steps; the first counts how often the host was asked."""
    pack.control("01", counts(tmp_path / "count"))
    pack.control("02", 'assert host.check_output("echo a") == "b"')
    pack.control("03", 'assert host.check_output("echo a" + host.check_output("echo b")) == "ab"')
    return tmp_path / "count"


EXPECTED = {"01": ("passed", ""), "02": ("failed", ""), "03": ("passed", "")}


@pytest.mark.parametrize("more", [[], ["-n", "2"], ["--aisec-no-waves"], ["--aisec-no-waves", "-n", "2"]])
def test_a_question_is_asked_once_a_run(audit, three, more):
    ended = audit(*more)
    assert EXPECTED == verdicts(ended)
    assert 1 == lines(three)


def test_the_collector_says_what_it_did_in_one_line(audit, three):
    (line,) = [line for line in audit().text.splitlines() if line.startswith("asked ")]
    assert re.fullmatch(r"asked 1 host in \d+\.\d s: 5 questions, 2 waves at most", line)


def test_a_quiet_run_does_not_speak_of_asking(audit, three):
    assert "asked 1 host" not in audit("-q").text


def test_the_second_run_asks_in_one_wave(audit, three, tmp_path):
    assert ", 2 waves at most" in audit().text
    assert ", 1 wave at most" in audit(evidence=tmp_path / "second").text
    assert ", 2 waves at most" in audit("--aisec-cache=none", evidence=tmp_path / "third").text


def test_what_was_learned_and_not_needed_is_marked_and_is_no_evidence(audit, pack, tmp_path):
    state = tmp_path / "state"
    state.write_text("a", encoding="utf-8")
    pack.control("01", f'host.check_output("echo after " + host.check_output("cat {state}"))')
    audit()
    state.write_text("b", encoding="utf-8")
    second = audit(evidence=tmp_path / "second")
    text = (second.bundle / "transcripts" / "local.jsonl").read_text(encoding="utf-8")
    entries = {item["command"]: item for item in map(json.loads, text.splitlines())}
    assert {"uname -s", f"cat {state}", "echo after a", "echo after b"} == set(entries)
    assert {"echo after a"} == {command for command, item in entries.items() if item.get("needed") is False}
    assert entries["echo after a"]["number"] not in second.results["ACME-TST-01"]["observations"]
    assert 3 == len(second.results["ACME-TST-01"]["observations"])


def test_a_control_that_is_not_to_be_speculated_is_called_once(audit, pack, tmp_path):
    for number, extra in (("01", "speculate=False"), ("02", "")):
        called = tmp_path / number
        body = f'with pathlib.Path("{called}").open("a") as stream:\n    stream.write("called\\n")\nhost.run("true")'
        pack.control(number, body, extra=extra)
    assert {"01": "passed", "02": "passed"} == audit().outcomes
    assert 1 == lines(tmp_path / "01")
    assert 1 < lines(tmp_path / "02")


def test_a_test_that_is_no_control_is_never_called_early(audit, pack, pytester, tmp_path):
    pack.control("01")
    called = tmp_path / "called"
    mine = pytester.makepyfile(
        test_mine=f"""
            def test_mine(host):
                with open({str(called)!r}, "a") as stream:
                    stream.write("called\\n")
                assert host.check_output("echo mine") == "mine"
            """
    )
    ended = audit(pack.path / "controls", mine)
    assert 0 == ended.code, ended.text
    assert 1 == lines(called)


class TestReplay:
    @pytest.mark.parametrize("more", [[], ["-n", "2"]])
    def test_it_gives_the_same_verdicts_and_asks_nothing(self, audit, three, tmp_path, more):
        first = audit()
        again = audit(f"--aisec-replay={first.bundle}", *more, evidence=tmp_path / "again")
        assert EXPECTED == verdicts(again)
        assert first.code == again.code
        assert 1 == lines(three)
        assert first.run["run"]["id"] == again.run["run"]["id"]
        assert first.run["run"]["started_at"] == again.run["run"]["started_at"]
        assert "asked " not in again.text

    def test_a_replay_can_be_replayed(self, audit, three, tmp_path):
        first = audit()
        second = audit(f"--aisec-replay={first.bundle}", evidence=tmp_path / "second")
        third = audit(f"--aisec-replay={second.bundle}", evidence=tmp_path / "third")
        assert EXPECTED == verdicts(third)

    def test_what_the_bundle_does_not_hold_is_no_observation(self, audit, pack, three, tmp_path):
        first = audit()
        pack.control("02", 'assert host.check_output("echo changed") == "changed"')
        pack.control("04")
        pack.control("05", 'assert not host.check_output("echo new")')
        again = audit(f"--aisec-replay={first.bundle}", evidence=tmp_path / "again")
        # 04 asks what 02 asked then; whoever asks what was not asked has no verdict.
        assert {**EXPECTED, "02": NO_OBSERVATION, "04": ("passed", ""), "05": NO_OBSERVATION} == verdicts(
            again
        )

    def test_a_host_that_could_not_be_asked_still_cannot(self, audit, pack, tmp_path):
        pack.control("01")
        first = audit("--hosts=ssh://no-such-host.invalid")
        assert {"01": ("error", "unreachable")} == verdicts(first)
        again = audit(f"--aisec-replay={first.bundle}", evidence=tmp_path / "again")
        assert {"01": ("error", "unreachable")} == verdicts(again)

    def test_a_bundle_that_was_changed_is_refused(self, audit, three, tmp_path):
        first = audit()
        transcript = first.bundle / "transcripts" / "local.jsonl"
        transcript.write_bytes(transcript.read_bytes().replace(b"echo a", b"echo b"))
        again = audit(f"--aisec-replay={first.bundle}", evidence=tmp_path / "again")
        assert 4 == again.code
        assert "--aisec-replay" in again.problem
        assert "local.jsonl" in again.problem
        assert "Traceback" not in again.text
        assert not again.bundle.exists()

    def test_a_place_without_a_bundle_is_refused(self, audit, three, tmp_path):
        again = audit("--aisec-replay=nowhere")
        assert 4 == again.code
        assert "nowhere" in again.problem
        assert not again.bundle.exists()


class TestCollect:
    def test_it_observes_and_leaves_a_bundle_to_be_judged(self, audit, pack, three, tmp_path):
        bundle = tmp_path / "collected"
        done = aisec(
            *("collect", "acme", f"--aisec-path={pack.path}", f"--aisec-evidence={bundle}"), cwd=tmp_path
        )
        assert 0 == done.returncode, done.stdout + done.stderr
        assert "collected" in done.stdout
        run = json.loads((bundle / "run.json").read_text(encoding="utf-8"))
        assert {"not_run"} == {item["outcome"] for item in run["results"]}
        assert 0 == aisec("verify", bundle, cwd=tmp_path).returncode
        assert EXPECTED == verdicts(audit(f"--aisec-replay={bundle}"))
        assert 1 == lines(three)

    def test_a_host_that_cannot_be_asked_is_exit_10(self, pack, three, tmp_path):
        done = aisec(
            *("collect", "acme", f"--aisec-path={pack.path}", "--hosts=local://,ssh://no-such-host.invalid"),
            cwd=tmp_path,
        )
        assert 10 == done.returncode, done.stdout + done.stderr


class TestCarried:
    @pytest.fixture
    def script(self, pack, tmp_path):
        """Return a function that makes the script for what was learned so far."""

        def make():
            return aisec("collect-script", "acme", f"--aisec-path={pack.path}", cwd=tmp_path)

        return make

    def test_the_script_is_run_by_hand_and_judged_here(self, audit, three, script, tmp_path):
        audit()
        made = script()
        assert 0 == made.returncode, made.stderr
        printed = subprocess.run(
            ["sh", "-c", made.stdout], cwd="/", capture_output=True, text=True, timeout=60, check=True
        )
        assert "" == printed.stderr
        assert 2 == lines(three)
        (tmp_path / "printed").write_text(printed.stdout, encoding="utf-8")
        ended = audit(f"--aisec-import={tmp_path / 'printed'}", evidence=tmp_path / "imported")
        assert EXPECTED == verdicts(ended)
        assert 2 == lines(three)
        host = next(iter(ended.run["hosts"]))["name"]
        assert host.startswith("collected://")

    @pytest.mark.parametrize("more", [[], ["-q"]])
    def test_the_command_takes_the_files_and_options(self, audit, pack, three, script, tmp_path, more):
        audit()
        printed = subprocess.run(["sh", "-c", script().stdout], capture_output=True, timeout=60, check=True)
        (tmp_path / "printed").write_bytes(printed.stdout)
        done = aisec(
            *("import", "acme", tmp_path / "printed", f"--aisec-path={pack.path}", *more), cwd=tmp_path
        )
        assert 1 == done.returncode, done.stdout + done.stderr

    def test_before_anything_is_known_there_is_no_script(self, three, script):
        made = script()
        assert 4 == made.returncode
        assert "" == made.stdout
        assert "first run: aisec collect acme" in made.stderr

    def test_a_control_that_no_run_had_is_named_and_left_out(self, audit, pack, three, script):
        audit("--aisec-select=ACME-TST-01")
        made = script()
        assert 0 == made.returncode
        assert "ACME-TST-02, ACME-TST-03" in made.stderr
        assert "echo asked" in made.stdout
        assert "echo b" not in made.stdout

    @pytest.mark.parametrize(
        ("text", "complaint"),
        [("", "is not the output"), ("hello\n", "is not the output"), (None, "cannot be read")],
    )
    def test_what_is_no_output_of_a_script_is_refused(self, audit, three, tmp_path, text, complaint):
        file = tmp_path / "printed"
        if text is not None:
            file.write_text(text, encoding="utf-8")
        ended = audit(f"--aisec-import={file}")
        assert 4 == ended.code
        assert str(file) in ended.problem.replace("\n", "")
        assert complaint in " ".join(ended.problem.split())
        assert "Traceback" not in ended.text
        assert not ended.bundle.exists()

    def test_two_files_of_one_host_are_refused(self, audit, three, script, tmp_path):
        audit()
        printed = subprocess.run(["sh", "-c", script().stdout], capture_output=True, timeout=60, check=True)
        for name in ("one", "two"):
            (tmp_path / name).write_bytes(printed.stdout)
        ended = audit(
            f"--aisec-import={tmp_path / 'one'}",
            f"--aisec-import={tmp_path / 'two'}",
            evidence=tmp_path / "imported",
        )
        assert 4 == ended.code
        assert "there is another file of host" in " ".join(ended.problem.split())


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--aisec-workers=0"], "--aisec-workers 0: must be at least 1"),
        (["--aisec-replay=b", "--aisec-import=f"], "cannot be given together"),
        (["--aisec-replay=b", "--hosts=local://"], "takes its hosts from the bundle: leave --hosts out"),
        (["--aisec-import=f", "--hosts=local://"], "takes its hosts from the files: leave --hosts out"),
        (["--aisec-observe-only", "--aisec-replay=b"], "which --aisec-replay does not"),
        (["--aisec-observe-only", "--aisec-no-waves"], "which --aisec-no-waves does not"),
    ],
)
def test_options_that_contradict_each_other_are_refused(audit, three, options, complaint):
    ended = audit(*options)
    assert 4 == ended.code
    assert complaint in " ".join(ended.problem.split())
    assert "Traceback" not in ended.text
    assert not ended.bundle.exists()
    assert 0 == lines(three)
