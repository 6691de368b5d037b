"""A run in a job of GitHub Actions."""

import os
import sys
from pathlib import Path

import pytest

from tests.support import forks
from tests.support.github_runner import Runner
from tests.support.hostile import HOSTILE

pytestmark = pytest.mark.slow

FAILS = 'assert host.check_output("echo a") == "b"'
COMMANDS = """\
::error title=not ours::a
  ::add-mask::a
::set-env name=PATH::/tmp
::stop-commands::a
::endgroup::
##[add-mask]a
before ##[group]a
\u00a0::save-state name=a::b
"""


@pytest.fixture
def job(tmp_path):
    """The environment of a step."""
    return {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(tmp_path / "step-summary.md")}


def test_a_failure_is_annotated_and_the_summary_is_that_of_the_bundle(audit, pack, job):
    pack.control("01")
    pack.control("02", FAILS)
    ended = audit(env=job)
    assert 1 == ended.code, ended.text
    read = Runner(ended.text)
    (found,) = read.named("error", "warning", "notice")
    assert ("error", "ACME-TST-02 high") == (found.name, found.properties["title"])
    assert [
        "Secure condition 02 holds",
        "on local://",
        'observed: "a", expected: "b"',
    ] == found.message.split("\n")
    assert [] == read.others
    assert "" == read.stopped
    assert (ended.bundle / "summary.md").read_text() == Path(job["GITHUB_STEP_SUMMARY"]).read_text()


def test_details_are_folded_and_the_log_names_the_files_of_the_bundle_with_their_digests(audit, pack, job):
    pack.control("01")
    ended = audit(env=job)
    manifest = (ended.bundle / "manifest.json").read_text()
    read = Runner(ended.text)
    count = sum(path.is_file() for path in ended.bundle.rglob("*"))
    assert ["hosts", f"evidence: {count} files, with SHA-256"] == [
        item.message for item in read.named("group")
    ]
    shown = [line.split("  ") for line in read.plain if line.endswith((".json", ".jsonl", ".html", ".xml"))]
    assert {"run.json", "manifest.json", "report.html"} <= {name for _, name in shown}
    assert all(digest in manifest for digest, name in shown if name != "manifest.json")


@pytest.mark.parametrize("args", [(), ("-v", "-rA", "--tb=long"), ("-s",), ("-n", "2"), ("-q", "-rA")])
def test_no_answer_of_a_host_gives_github_a_command(audit, pack, job, tmp_path, args):
    answer = tmp_path / "answer"
    hostile = "".join(text[:1000] for text in HOSTILE.values())
    answer.write_bytes(f"{COMMANDS}{hostile}\n{COMMANDS}\r{COMMANDS}".encode("utf-8", "surrogateescape"))
    # Without capture, two streams go to the job, which may read them in any order.
    uncaptured = "stdout" if "-s" in args else "stderr"
    bodies = [
        'print(text); assert text == ""',
        f"print(text, file=sys.{uncaptured}); assert not text, text",
        'host.run("true"); raise RuntimeError(text)',
        'raise Unobservable("parse", text)',
        "not_applicable(text)",
        "logging.getLogger().error(text); assert text.splitlines() == []",
    ]
    for number, body in enumerate(bodies, start=1):
        pack.control(
            f"{number:02}", f'text = host.run("cat {answer}").stdout\n{body}', head="import logging, sys"
        )
    # What is no text at all is printed as it came, whatever the streams of this machine make of it.
    ended = audit(*args, env={**job, "PYTHONIOENCODING": "utf-8:surrogateescape"})
    assert 1 == ended.code, ended.text
    read = Runner(ended.text)
    assert [] == read.others
    assert ["ACME-TST-01 high", "ACME-TST-02 high", "ACME-TST-06 high"] == [
        item.properties["title"] for item in read.named("error")
    ]
    assert 2 == len(read.named("group")) == len(read.named("endgroup"))
    assert "" == read.stopped


def test_a_mistake_in_a_profile_gives_github_no_command(audit, pack, job):
    pack.control("01")
    pack.profile('controls: {"ACME\\n::add-mask::a": {}}')
    ended = audit(env=job)
    assert 4 == ended.code
    assert [] == Runner(ended.text).done
    assert not Path(job["GITHUB_STEP_SUMMARY"]).exists()


def test_a_run_that_is_interrupted_or_ends_early_opens_the_log_again(audit, pack, job):
    pack.control("01", FAILS)
    pack.control("02", FAILS)
    for args in (["-x"], ["--collect-only"], ["-p", "no:terminal"]):
        ended = audit(*args, env=job, evidence=pack.path / f"evidence{args[0]}")
        assert "" == Runner(ended.text).stopped
        assert [] == Runner(ended.text).others


def test_a_summary_that_cannot_be_written_is_told_and_decides_nothing(audit, pack, job, tmp_path):
    pack.control("01")
    ended = audit(env={**job, "GITHUB_STEP_SUMMARY": str(tmp_path)})
    assert 0 == ended.code
    assert f"GITHUB_STEP_SUMMARY {tmp_path}: cannot be written: Is a directory" in ended.text


def test_observing_without_judging_annotates_nothing_and_has_no_summary(audit, pack, job):
    pack.control("01")
    ended = audit("--aisec-observe-only", env=job)
    assert 0 == ended.code, ended.text
    assert [] == Runner(ended.text).named("error", "warning", "notice")
    assert not Path(job["GITHUB_STEP_SUMMARY"]).exists()


def test_outside_of_a_job_nothing_is_printed_for_github(audit, pack, tmp_path):
    pack.control("01", FAILS)
    ended = audit(env={"GITHUB_ACTIONS": "false"})
    assert [] == Runner(ended.text).done
    assert "---- hosts ----" in ended.text


def test_verifying_with_replay_adds_nothing_to_the_summary_of_the_job(audit, pack, job, aisec):
    pack.control("01")
    ended = audit(env=job)
    before = Path(job["GITHUB_STEP_SUMMARY"]).read_text()
    assert 0 == aisec("verify", ended.bundle, "--replay", "--path", pack.path, env=job)
    assert before == Path(job["GITHUB_STEP_SUMMARY"]).read_text()


@pytest.fixture
def aisec():
    """Run the command, and return its exit code."""

    def run(*args, env):
        command = [sys.executable, "-m", "pytest_aisec.cli", *map(str, args)]
        return forks.run(command, env={**os.environ, **env}, capture_output=True).returncode

    return run


def test_without_a_profile_a_job_of_github_sees_what_pytest_says(pytester, job, monkeypatch):
    pytester.makepyfile("def test_mine(): assert 0")
    for name, value in job.items():
        monkeypatch.setenv(name, value)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
    ended = forks.run(command, cwd=pytester.path, capture_output=True, text=True, timeout=120)
    assert (1, True) == (ended.returncode, "assert 0" in ended.stdout)
    assert [] == Runner(ended.stdout).done
    assert not Path(job["GITHUB_STEP_SUMMARY"]).exists()
