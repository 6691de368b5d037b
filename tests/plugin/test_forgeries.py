"""Bundles that a forger made: `verify` ends, says what it found and where, and none holds it up."""

import hashlib
import json
import os
import time
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from pytest_aisec.cli import bundle as commands
from pytest_aisec.cli import main
from pytest_aisec.evidence import bundle
from pytest_aisec.evidence import verify as verifying
from tests.support.forgeries import FORGERIES, LONGEST, PLAIN, PLAN, forged, replaced, zero
from tests.support.signed import forge

pytestmark = pytest.mark.slow


@pytest.fixture
def aisec(capsys, monkeypatch):
    """Run `aisec` in this process: exit code, and what it printed."""

    def run(*args):
        with pytest.raises(SystemExit) as ended:
            main.main(args=[str(item) for item in args], prog_name="aisec")
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return ended.value.code, out + err

    return run


@pytest.mark.parametrize(
    ("change", "named", "how"), [row[1:] for row in FORGERIES], ids=[row[0] for row in FORGERIES]
)
def test_a_forgery_is_named_and_holds_nothing_up(signed, copy, aisec, change, named, how):
    """Before: FIFOs and links to /dev/zero held `verify` up, deep JSON and half characters were tracebacks."""
    code, text = aisec(*forged(signed, copy, change, how))
    assert (how.get("code", 1), True) == (code, named in text), text[:2000]
    assert code != 4 or 1 == text.count("ERROR: ") == text.count("\n"), text[:2000]
    assert text.isprintable() or "\x1b" not in text


READ = [row for row in FORGERIES if "a link" in row[2] or "FIFO" in row[2] or "is not a run" in row[2]]


@pytest.mark.parametrize(
    "args", [["report", "--format=sarif", "--to=out"], ["diff", "BUNDLE"]], ids=lambda a: a[0]
)
@pytest.mark.parametrize("change", [row[1] for row in READ], ids=[row[0] for row in READ])
def test_report_and_diff_refuse_what_is_no_bundle(signed, copy, aisec, monkeypatch, tmp_path, args, change):
    """Before: `aisec report` waited for a FIFO, and read /dev/zero until memory ended."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(commands, "DEFAULT_TIMEOUT", LONGEST)
    change(copy)
    command, *options = args
    options = [str(signed.bundle) if item == "BUNDLE" else item for item in options]
    code, text = aisec(command, *(reversed([copy, *options]) if command == "diff" else [copy, *options]))
    assert 4 == code, text[:2000]
    assert 1 == text.count("ERROR: ")
    assert str(copy) in text


def test_of_results_that_are_not_those_of_the_plan_nothing_is_made_again(copy, aisec, monkeypatch):
    """Before: `verify` made all reports of 50 000 results that repeat one, for a minute."""
    path = copy / "run.json"
    run = json.loads(path.read_text())
    run["results"] += run["results"][:1]
    path.write_text(json.dumps(run, indent=2, ensure_ascii=False) + "\n")
    monkeypatch.setattr(verifying.rendered, "reports", lambda *_: pytest.fail("reports were made"))
    monkeypatch.setattr(verifying.rejudge, "check", lambda *_: pytest.fail("results were made"))
    code, text = aisec("verify", copy, "--replay")
    assert 1 == code
    assert "run.json: not every planned control has exactly one result on every host" in text
    assert "nothing was made of them again" in text


def test_an_older_bundle_of_the_same_key_is_told_apart(signed, aisec):
    """Before: nothing; last month's bundle held as well as today's."""
    run = bundle.read(signed.bundle).run.run
    began = datetime.fromisoformat(run.started_at)
    given = ["verify", signed.bundle, f"--key={signed.keys['ours']}"]
    for option, right, wrong, says in (
        ("--expect-run", run.id, "x", f"run.json: is run {run.id}, and not x"),
        ("--expect-plan", run.plan_sha256.upper(), "0" * 64, f"run.json: is of plan {run.plan_sha256}"),
        (
            "--not-before",
            began.isoformat(),
            (began + timedelta(seconds=1)).isoformat(),
            "run.json: began at ",
        ),
    ):
        assert 0 == aisec(*given, f"{option}={right}")[0]
        code, text = aisec(*given, f"{option}={wrong}")
        assert (1, True) == (code, says in text), text


@pytest.mark.parametrize(
    "given", ["--not-before=today", "--not-before=2026-12-31T00:00:00", "--expect-plan=ab"]
)
def test_an_expectation_that_is_none_is_a_usage_error(signed, aisec, given):
    code, text = aisec("verify", signed.bundle, given)
    assert 4 == code
    assert "ERROR: " in text


def test_without_a_key_the_first_line_says_that_anybody_could_have_made_it(signed, aisec):
    """Before: "holds; it is not signed", and for a signed one "was not checked", at the end."""
    bundle = signed.bundle
    assert (
        f"{bundle}: no key was given: anybody could have made this"
        == aisec("verify", bundle)[1].splitlines()[0]
    )
    assert "anybody" not in aisec("verify", bundle, f"--key={signed.keys['ours']}")[1]
    assert (0, "") == aisec("verify", bundle, "--quiet")


def test_time_ends(signed, aisec, monkeypatch):
    from pytest_aisec.evidence import verify

    monkeypatch.setattr(verify, "verify", lambda *_, **__: time.sleep(30))
    code, text = aisec("verify", signed.bundle, "--timeout=1")
    assert (1, f"{signed.bundle}: could not be checked within 1 s: give it more with --timeout\n") == (
        code,
        text,
    )


@pytest.mark.parametrize(
    ("make", "what"), [(os.mkfifo, "a FIFO"), (zero, "a device"), (Path.mkdir, "a directory")]
)
def test_import_reads_plain_files_alone(audit, pack, tmp_path, make, what):
    """Before: a FIFO was waited for, and /dev/zero read until memory ended."""
    pack.control("01")
    make(tmp_path / "output")
    ended = audit(f"--aisec-import={tmp_path}/output")
    assert 4 == ended.code
    assert f"--aisec-import {tmp_path}/output: is {what}, and no plain file" in " ".join(ended.text.split())


def test_a_replay_refuses_what_is_no_plain_file(copy, audit, pack):
    """Before: a run with --aisec-replay waited for the FIFO."""
    pack.control("01")
    replaced("junit.xml", os.mkfifo)(copy)
    ended = audit(f"--aisec-replay={copy}")
    assert 4 == ended.code
    assert f"junit.xml: is a FIFO, {PLAIN}" in " ".join(ended.text.split())


def test_a_replay_of_a_giant_plan_ends(signed, copy, aisec):
    """Before: the replay read the parameter for minutes."""
    plan = json.loads((copy / PLAN).read_text())
    plan["controls"][0]["params"]["words"] = ["x" * 6_000_000]
    plan["controls"][0]["declared"].append("words")
    text = json.dumps(plan, indent=2, ensure_ascii=False) + "\n"
    (copy / PLAN).write_text(text)
    digest = hashlib.sha256(text.encode()).hexdigest()

    def fit(run):
        first = replace(run.controls[0], params=plan["controls"][0]["params"], declared=["mode", "words"])
        return replace(
            run,
            controls=[first, *run.controls[1:]],
            run=replace(run.run, plan_sha256=digest),
            inputs={**run.inputs, PLAN: digest},
        )

    forge(copy, fit, unsigned=True)
    given = ["--replay", f"--path={signed.pack}", f"--timeout={LONGEST}"]
    code, text = aisec("verify", copy, *given)
    assert 1 == code
    assert "its results cannot be made again: ERROR: " in text
    assert "has more than 4 MiB" in text
