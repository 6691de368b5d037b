from __future__ import annotations

import json
import re

import pytest

from pytest_aisec.judge.findings import attach, identify
from pytest_aisec.judge.gate import decide
from pytest_aisec.report import formats, hdf

STATUSES = {
    "passed": "passed",
    "failed": "failed",
    "error": "error",
    "not_applicable": "skipped",
    "not_reviewed": "skipped",
    "not_run": "error",
}


def documents(run):
    made = formats.render(formats.report("hdf"), run, decide(run))
    return {path: json.loads(text) for path, text in made}


def controls(document):
    (profile,) = document["profiles"]
    return {item["id"]: item for item in profile["controls"]}


@pytest.fixture
def good(run):
    return controls(documents(run)["hdf/host-1.json"])


def test_each_host_has_a_document_with_all_its_controls(run):
    made = documents(run)
    assert [f"hdf/host-{number}.json" for number in (1, 2, 3)] == list(made)
    for host, document in zip(run.hosts, made.values(), strict=True):
        assert host.name == document["platform"]["target_id"]
        assert [item.control for item in run.by_host()[host.name]] == list(controls(document))


@pytest.mark.parametrize("outcome", STATUSES)
def test_each_outcome_has_its_status(make, outcome):
    control = make.control(1, severity="medium")
    run = make.run([control], [make.result(control, "a", outcome, reason="why")], {"a": []})
    found = controls(documents(run)["hdf/host-1.json"])[control.id]
    (result,) = found["results"]
    assert STATUSES[outcome] == result["status"]
    assert (0.0 if outcome == "not_applicable" else 0.5) == found["impact"]
    assert ("skip_message" in result, "message" in result) == (
        (True, False) if STATUSES[outcome] == "skipped" else (False, True)
    )
    assert ("exception" in result) == (STATUSES[outcome] == "error")
    assert result["backtrace"] is None


@pytest.mark.parametrize(
    ("severity", "impact"), [("critical", 1.0), ("high", 0.7), ("medium", 0.5), ("low", 0.3)]
)
def test_severity_decides_the_impact(make, severity, impact):
    control = make.control(1, severity=severity)
    run = make.run([control], [make.result(control, "a", "failed")], {"a": []})
    assert impact == controls(documents(run)["hdf/host-1.json"])[control.id]["impact"]


def test_a_failure_says_what_was_required_and_observed(good):
    (result,) = good["AISEC-ART-02"]["results"]
    assert 'mode is 0777\nexpected: "0640"\nobserved: {\n  "mode": "0777"\n}' == result["message"]
    assert "Model files are not writable by others (2)" == result["code_desc"]
    assert ("2026-03-01T09:30:01.250Z", 1.234) == (result["start_time"], result["run_time"])
    assert {"label": "fix", "data": "chmod o-w /srv/models and below"} in good["AISEC-ART-02"]["descriptions"]


def test_what_was_asked_nothing_has_the_start_of_the_run(good):
    assert "2026-03-01T09:30:00Z" == good["AISEC-ART-05"]["results"][0]["start_time"]


def test_the_commands_stand_where_a_reader_looks_for_code(good):
    assert good["AISEC-ART-02"]["code"].startswith("$ stat -c %a /srv/models\n  exit status 0, ")
    assert good["AISEC-ART-02"]["code"].endswith("transcripts/host-1.jsonl line 1")


def test_nist_tags_come_with_their_revision(good):
    tags = good["AISEC-ART-02"]["tags"]
    assert ["AC-3", "CM-5", "Rev_5"] == tags["nist"]
    assert ["LLM04"] == tags["owasp_llm"]


def test_a_waived_failure_is_failed_with_its_waiver(statements):
    found = controls(documents(statements)["hdf/host-1.json"])
    waived = found["AISEC-ART-01"]
    assert "failed" == waived["results"][0]["status"]
    assert {
        "expiration_date": "2026-12-31",
        "justification": "accepted (W-1, approved by ciso@example.com)",
        "run": True,
        "skipped_due_to_waiver": False,
        "message": "",
    } == waived["waiver_data"]
    expired = found["AISEC-ART-02"]
    assert "failed" == expired["results"][0]["status"]
    assert expired["waiver_data"]["message"].startswith("waiver expired on 2026-02-01")
    assert found["AISEC-ART-03"]["waiver_data"]["message"].startswith("passed although waived")
    assert "waiver_data" not in found["AISEC-ART-04"]


def test_an_attestation_that_holds_stands_with_its_control_and_no_other(statements):
    found = controls(documents(statements)["hdf/host-1.json"])
    assert {
        "control_id": "AISEC-ART-04",
        "explanation": "the rack is locked (A-1)",
        "frequency": "91d",
        "status": "passed",
        "updated": "2026-02-01",
        "updated_by": "dc@example.com",
    } == found["AISEC-ART-04"]["attestation_data"]
    assert "failed" == found["AISEC-ART-06"]["attestation_data"]["status"]
    expired = found["AISEC-ART-05"]
    assert "attestation_data" not in expired
    assert "expired on 2026-02-20" in expired["results"][0]["skip_message"]


def test_strange_texts_are_shown_harmlessly(hostile):
    made = [*formats.render(formats.report("hdf"), hostile, decide(hostile))]
    assert 6 == len(made)
    for path, text in made:
        assert re.fullmatch(r"hdf/host-\d\.json", path)
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", text)
        assert 1 == len(controls(json.loads(text.encode())))


def test_the_same_run_gives_the_same_text(run):
    assert hdf.render(run, decide(run)) == hdf.render(run, decide(run))


def test_a_host_without_results_has_a_document_without_controls(make):
    assert {} == controls(documents(make.run([], [], {"a": []}))["hdf/host-1.json"])


def test_a_failure_names_its_findings_and_nothing_else_has_any(make):
    control = make.control(1)
    wrong = {"observed": {"/srv/a": "0777"}, "expected": {}}
    results = [make.result(control, "a", "failed", **wrong), make.result(control, "b", "passed")]
    made = documents(attach(make.run([control], results, {"a": [], "b": []})))
    bad, good = (controls(document)[control.id]["tags"] for document in made.values())
    told = {
        "id": identify(control.id, "a", "/srv/a"),
        "subject": "/srv/a",
        "first_seen": "2026-03-01T09:30:00Z",
    }
    assert [told] == bad["findings"]
    assert "findings" not in good
