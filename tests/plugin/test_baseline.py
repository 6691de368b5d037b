"""A second audit against the first, the gate's options, and `aisec diff`."""

import json
import re

import pytest

from tests.plugin.conftest import FAILS, PASSES
from tests.support import forks

pytestmark = pytest.mark.slow

REGRESSION = "controls: {ACME-TST-*: {}}\ngate: {fail_on: regression}"


@pytest.fixture
def diff(pytester):
    def run(*args):
        command = [forks.AISEC, "diff", *map(str, args)]
        return forks.run(command, cwd=pytester.path, capture_output=True, text=True, timeout=60)

    return run


@pytest.fixture
def first(pack, audit, tmp_path):
    """The bundle of a first run: 01 passes, 02 and 03 fail."""
    pack.control("01", PASSES)
    pack.control("02", FAILS)
    pack.control("03", FAILS)
    done = audit(evidence=tmp_path / "first")
    assert (1, {"01": "passed", "02": "failed", "03": "failed"}) == (done.code, done.outcomes)
    return done.bundle


def unwrapped(text):
    return re.sub(r"\s*\n\s*", " ", text)


def test_after_one_fix_and_one_new_break_the_run_fails_on_the_new_break_alone(
    pack, audit, first, diff, tmp_path
):
    pack.profile(REGRESSION)
    pack.control("01", FAILS)
    pack.control("02", PASSES)
    done = audit(f"--aisec-baseline={first}", evidence=tmp_path / "second")
    assert 1 == done.code
    verdict = done.run["verdict"]
    assert [
        "1 control failed that did not in the baseline of",
        "1 control failed in the baseline, too: not counted",
    ] == [verdict["because"][0][:48], verdict["because"][1]]
    assert verdict["because"][0].endswith(": 1 high (ACME-TST-01 on local://)")
    comparison = done.run["comparison"]
    assert (["ACME-TST-01"], ["ACME-TST-02"], ["ACME-TST-03"]) == tuple(
        [item["control"] for item in comparison[kind]] for kind in ("new_failures", "fixed", "still_failing")
    )
    shown = unwrapped(done.text)
    assert "1 new failure, 1 fixed, 1 still failing new: ACME-TST-01 high local:// passed → failed" in re.sub(
        " +", " ", shown
    )
    assert [] == [line for line in done.text.splitlines() if len(line) > 80 and line.startswith("new: ")]
    told = diff(first, done.bundle)
    assert 1 == told.returncode
    assert "New failures (1)\n  ACME-TST-01  high  local://  passed → failed\n" in told.stdout
    assert "Fixed (1)\n  ACME-TST-02  high  local://  failed → passed\n" in told.stdout


def test_without_a_new_break_what_still_fails_does_not_fail_the_run(pack, audit, first, diff, tmp_path):
    pack.profile(REGRESSION)
    pack.control("02", PASSES)
    done = audit(f"--aisec-baseline={first / 'run.json'}", evidence=tmp_path / "second")
    assert 0 == done.code, done.text
    assert "1 control failed in the baseline, too: not counted" in unwrapped(done.text)
    assert 0 == diff(first, done.bundle).returncode


def test_the_verdict_follows_from_the_bundle_alone(pack, audit, first, tmp_path):
    pack.profile(REGRESSION)
    pack.control("01", FAILS)
    done = audit(f"--aisec-baseline={first}", evidence=tmp_path / "second")
    (first / "run.json").unlink()
    verify = [forks.AISEC, "verify", str(done.bundle)]
    assert 0 == forks.run(verify, capture_output=True, timeout=60).returncode
    data = json.loads((done.bundle / "run.json").read_text())
    data["comparison"]["still_failing"] += data["comparison"]["new_failures"]
    data["comparison"]["new_failures"] = []
    (done.bundle / "run.json").write_text(json.dumps(data))
    said = forks.run(verify, capture_output=True, text=True, timeout=60)
    assert "run.json: the verdict does not follow from the results" in said.stdout


def test_a_finding_keeps_its_id_and_the_day_on_which_it_was_first_seen(pack, audit, tmp_path):
    def seen(done):
        (result,) = done.run["results"]
        return {item["subject"]: (item["id"], item["first_seen"]) for item in result["findings"]}

    body = 'host.run("true")\nassert dict.fromkeys({}, "open") == {{}}'
    pack.control("01", body.format(["/srv/a", "/srv/b"]))
    before = audit(evidence=tmp_path / "first")
    pack.control("01", body.format(["/srv/b", "/srv/c"]))
    after = audit(f"--aisec-baseline={before.bundle}", evidence=tmp_path / "second")
    first, second = seen(before), seen(after)
    assert [{"/srv/a", "/srv/b"}, {"/srv/b", "/srv/c"}] == [{*first}, {*second}]
    assert first["/srv/b"] == second["/srv/b"]
    assert [before.run["run"]["started_at"], after.run["run"]["started_at"]] == [
        second[name][1] for name in ("/srv/b", "/srv/c")
    ]
    verify = [forks.AISEC, "verify", str(after.bundle)]
    assert 0 == forks.run(verify, capture_output=True, timeout=60).returncode
    file = after.bundle / "run.json"
    file.write_text(file.read_text().replace(second["/srv/c"][0], first["/srv/a"][0]))
    said = forks.run(verify, capture_output=True, text=True, timeout=60)
    assert "the findings of ACME-TST-01 on local:// do not follow from its values" in said.stdout


def test_under_xdist_the_comparison_is_the_same(pack, audit, first, tmp_path):
    pack.profile(REGRESSION)
    pack.control("01", FAILS)
    done = audit("-n2", f"--aisec-baseline={first}", evidence=tmp_path / "second")
    assert 1 == done.code, done.text
    assert ["ACME-TST-01"] == [item["control"] for item in done.run["comparison"]["new_failures"]]


def test_an_expired_waiver_over_what_was_waived_is_a_regression(pack, audit, tmp_path):
    waiver = """\
- id: W-1
  control: ACME-TST-01
  hosts: ["*"]
  reason: Known.
  approved_by: a@example.com
  approved_on: 2020-01-01
  expires: {}
"""
    pack.control("01", FAILS)
    pack.control("02", PASSES)
    file = tmp_path / "waivers.yaml"
    file.write_text(waiver.format("2999-12-31"))
    before = audit(f"--aisec-waivers={file}", evidence=tmp_path / "first")
    assert 0 == before.code, before.text
    pack.profile(REGRESSION)
    again = (f"--aisec-waivers={file}", f"--aisec-baseline={before.bundle}")
    assert 0 == audit(*again, evidence=tmp_path / "second").code
    file.write_text(waiver.format("2020-02-01"))
    after = audit(*again, evidence=tmp_path / "third")
    assert 1 == after.code
    assert "waived → failed (waiver W-1 expired on 2020-02-01)" in unwrapped(after.text)


def test_a_plan_that_is_weaker_is_told_as_such_and_fixes_nothing(pack, audit, first, tmp_path):
    pack.profile(REGRESSION + '\nexclude: {ACME-TST-02: "not ours"}')
    done = audit(f"--aisec-baseline={first}", evidence=tmp_path / "second")
    assert 0 == done.code, done.text
    assert [] == done.run["comparison"]["fixed"]
    said = unwrapped(done.text)
    assert "0 new failures, 0 fixed, 1 still failing" in said
    assert "weaker than the baseline: 1 control left the plan" in said


def test_a_file_takes_the_place_of_the_profiles_gate_and_is_kept(pack, audit, tmp_path):
    pack.control("01", FAILS)
    pack.control("02", PASSES)
    gate = tmp_path / "gate.yaml"
    gate.write_text("# For the test fleet.\nmax: {high: {failed: 1}}\n")
    done = audit(f"--aisec-gate={gate}")
    assert 0 == done.code, done.text
    assert gate.read_text() == (done.bundle / "inputs/gate/1-gate.yaml").read_text()
    assert {"high": {"failed": 1}} == done.run["policy"]["max"]
    assert "inputs/gate/1-gate.yaml" in done.run["inputs"]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--aisec-fail-on=critical", "--aisec-min-score=0.5"], 0),
        (["--aisec-fail-on=critical", "--aisec-min-score=0.6"], 1),
        (["--aisec-fail-on=high"], 1),
        (["--aisec-fail-on=critical", "--aisec-error-is=failed"], 0),
    ],
)
def test_an_option_replaces_a_value_of_the_profiles_gate(pack, audit, options, code):
    pack.control("01", FAILS)
    pack.control("02", PASSES)
    assert code == audit(*options).code


def test_an_error_can_be_told_to_fail(pack, audit, tmp_path):
    pack.control("01", 'host.run("true")\nraise Unobservable("parse", "no")')
    pack.control("02", PASSES)
    assert 10 == audit(evidence=tmp_path / "first").code
    assert 1 == audit("--aisec-error-is=failed", evidence=tmp_path / "second").code


def test_observing_alone_asks_for_no_baseline(pack, audit):
    pack.control("01", PASSES)
    pack.profile(REGRESSION)
    assert 0 == audit("--aisec-observe-only").code


def test_a_wrong_diff_is_one_message_and_exit_4(diff, first, tmp_path):
    for args, part in (
        ((first, tmp_path / "absent"), f"{tmp_path}/absent: there is no such file"),
        ((first,), "'B'"),
        ((first, first, "--format", "xml"), "xml"),
    ):
        done = diff(*args)
        assert (4, "") == (done.returncode, done.stdout)
        assert part in done.stderr
        assert "Traceback" not in done.stderr


def test_a_diff_of_a_run_with_itself_has_no_regression_in_any_format(diff, first):
    for style in ("text", "md", "json"):
        done = diff(first, first, "--format", style)
        assert 0 == done.returncode
        assert done.stdout
    assert 0 == json.loads(done.stdout)["regressions"]
