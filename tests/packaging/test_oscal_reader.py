"""The OSCAL file as compliance-trestle reads it, which checks it against NIST's model."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter

import pytest

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
def read(bundle):
    """What trestle makes of the file, in a process of its own: it warns when it is imported."""
    program = """
import sys, json, warnings
from pathlib import Path
warnings.simplefilter("ignore")
from trestle.oscal.assessment_results import AssessmentResults
found = AssessmentResults.oscal_read(Path(sys.argv[1]))
(result,) = found.results
subjects = {item.uuid: item.props[0].value for item in result.local_definitions.inventory_items}
print(json.dumps({
    "version": str(getattr(found.metadata.oscal_version, "root", found.metadata.oscal_version)),
    "methods": sorted({str(method) for item in result.observations for method in item.methods}),
    "observations": len(result.observations),
    "subjects": sorted({subjects[ref.subject_uuid] for item in result.observations for ref in item.subjects}),
    "findings": [[item.target.target_id, getattr(item.target.status.state, "value", item.target.status.state),
                  item.target.status.reason, len(item.related_risks or [])] for item in result.findings],
    "risks": [[str(getattr(item.status, "root", item.status)), item.deadline.isoformat(), item.statement] for item in result.risks],
    "resources": [[link.href, link.hashes[0].value] for item in found.back_matter.resources for link in item.rlinks],
}))
"""
    done = subprocess.run(
        [sys.executable, "-c", program, bundle / "oscal-assessment-results.json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_findings_are_what_the_run_says(read) -> None:
    expected = {
        "EX-ONE-01": ["satisfied", "pass", 0],
        "EX-ONE-02": ["not-satisfied", "fail", 0],
        "EX-ONE-03": ["not-satisfied", "fail", 1],
        "EX-ONE-04": ["not-satisfied", "fail", 0],
        "EX-ONE-05": ["not-satisfied", "other", 0],
        "EX-ONE-07": ["not-satisfied", "other", 0],
    }
    assert expected == {name: rest for name, *rest in read["findings"]}
    assert Counter(satisfied=1, **{"not-satisfied": 5}) == Counter(item[1] for item in read["findings"])


def test_every_result_was_observed_by_a_test_on_its_host(read) -> None:
    assert (7, ["local://"]) == (read["observations"], read["subjects"])
    assert all("TEST" in method for method in read["methods"])


def test_the_waived_failure_is_an_approved_deviation_with_a_deadline(read) -> None:
    ((status, deadline, statement),) = read["risks"]
    assert "deviation-approved" in status
    assert deadline.startswith("2999-12-31T23:59:59")
    assert "Until \\u202e then." in statement


def test_evidence_is_named_with_the_digest_that_the_manifest_has(read, bundle) -> None:
    files = json.loads((bundle / "manifest.json").read_text())["files"]
    assert read["resources"]
    assert {path: files[path] for path, _ in read["resources"]} == dict(read["resources"])
