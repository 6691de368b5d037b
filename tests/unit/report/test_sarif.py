from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from pytest_aisec.judge.findings import attach
from pytest_aisec.judge.gate import decide
from pytest_aisec.judge.run import Finding, HostInfo, RunInfo
from pytest_aisec.report import sarif
from pytest_aisec.report.document import whole


def log(run, document=sarif.Document):
    (found,) = json.loads(whole(document, run, decide(run)))["runs"]
    return found


def by_place(log):
    return {(item["properties"]["host"], item["ruleId"]): item for item in log["results"]}


@pytest.fixture
def everything(run):
    return log(run, sarif.Everything)


@pytest.mark.parametrize(
    ("host", "control", "kind", "level", "suppressed"),
    [
        ("good", "AISEC-ART-01", "pass", "none", []),
        ("good", "AISEC-ART-02", "fail", "error", []),
        ("good", "AISEC-ART-03", "fail", "error", ["accepted"]),
        ("odd", "AISEC-ART-03", "fail", "error", ["rejected"]),
        ("mute", "AISEC-ART-01", "open", "none", []),
        ("good", "AISEC-ART-04", "notApplicable", "none", []),
        ("good", "AISEC-ART-05", "review", "none", []),
        ("good", "AISEC-ART-06", "open", "none", []),
    ],
)
def test_each_outcome_has_its_kind_level_and_suppression(everything, host, control, kind, level, suppressed):
    found = by_place(everything)[host, control]
    assert (kind, level) == (found["kind"], found["level"])
    assert suppressed == [item["status"] for item in found["suppressions"]]


@pytest.mark.parametrize(
    ("severity", "level", "score"),
    [("critical", "error", 9.0), ("high", "error", 7.0), ("medium", "warning", 4.0), ("low", "note", 0.1)],
)
def test_severity_decides_the_level_of_a_failure_and_the_score_of_its_rule(make, severity, level, score):
    control = make.control(1, severity=severity)
    found = log(make.run([control], [make.result(control, "a", "failed")], {"a": []}))
    assert level == found["results"][0]["level"]
    (rule,) = found["tool"]["driver"]["rules"]
    assert level == rule["defaultConfiguration"]["level"]
    least = {"critical": 9.0, "high": 7.0, "medium": 4.0, "low": 0.1}
    given = float(rule["properties"]["security-severity"])
    assert score == max(bound for bound in least.values() if bound <= given)


def test_only_what_failed_or_is_open_unless_all_is_wanted(run, everything):
    short = by_place(log(run))
    wanted = {
        (item.host, item.control) for item in run.results if item.outcome not in {"passed", "not_applicable"}
    }
    assert wanted == set(short)
    assert {(item.host, item.control) for item in run.results} == set(by_place(everything))
    assert all(by_place(everything)[place] == item for place, item in short.items())


def test_the_log_says_what_it_leaves_out(run, everything):
    assert {"passed": 6, "not_applicable": 1} == log(run)["properties"]["leftOut"]
    assert {} == everything["properties"]["leftOut"]


def test_a_suppression_says_who_approved_it_until_when_and_why(everything):
    (active,) = by_place(everything)["good", "AISEC-ART-03"]["suppressions"]
    assert "external" == active["kind"]
    assert (
        "waived until 2026-12-31: vendor image (W-1, approved by ciso@example.com on 2026-01-15, SEC-7)"
        == active["justification"]
    )
    assert {
        "waiver": "W-1",
        "state": "active",
        "approvedBy": "ciso@example.com",
        "approvedOn": "2026-01-15",
        "expires": "2026-12-31",
        "ticket": "SEC-7",
    } == active["properties"]


def test_a_stale_waiver_suppresses_nothing(statements):
    passed = by_place(log(statements, sarif.Everything))["a", "AISEC-ART-03"]
    assert ("pass", []) == (passed["kind"], passed["suppressions"])
    assert {"id": "W-3", "state": "stale"} == passed["properties"]["waiver"]


def test_what_could_not_be_observed_or_did_not_run_is_notified(run):
    (invocation,) = log(run)["invocations"]
    notified = {
        (item["locations"][0]["logicalLocations"][0]["name"], item["associatedRule"]["id"]): item
        for item in invocation["toolExecutionNotifications"]
    }
    undone = {(item.host, item.control) for item in run.results if item.outcome in {"error", "not_run"}}
    assert undone == set(notified)
    assert not invocation["executionSuccessful"]
    assert {"error"} == {item["level"] for item in notified.values()}
    dead = notified["mute", "AISEC-ART-01"]
    assert "unreachable" == dead["descriptor"]["id"]
    assert "could not be observed: unreachable; connection refused" in dead["message"]["text"]
    assert "not_run" == notified["good", "AISEC-ART-06"]["descriptor"]["id"]
    known = {item["id"] for item in log(run)["tool"]["driver"]["notifications"]}
    assert known == {item["descriptor"]["id"] for item in notified.values()}


def test_a_run_without_errors_was_successful_even_if_the_gate_failed(make):
    control = make.control(1)
    (invocation,) = log(make.run([control], [make.result(control, "a", "failed")], {"a": []}))["invocations"]
    assert (True, 1, []) == (
        invocation["executionSuccessful"],
        invocation["exitCode"],
        invocation["toolExecutionNotifications"],
    )


def test_a_rule_has_help_tags_and_its_requirements(run, everything):
    driver = everything["tool"]["driver"]
    rule = next(item for item in driver["rules"] if item["id"] == "AISEC-ART-02")
    assert "chmod o-w /srv/models and below" in rule["help"]["text"]
    assert "    chmod o-w /srv/models and below" in rule["help"]["markdown"]
    assert ["security", "ART", "AC-3", "CM-5", "LLM04"] == rule["properties"]["tags"]
    names = []
    for relation in rule["relationships"]:
        target = relation["target"]
        taxonomy = everything["taxonomies"][target["toolComponent"]["index"]]
        assert target["toolComponent"]["name"] == taxonomy["name"]
        assert target["id"] == taxonomy["taxa"][target["index"]]["id"]
        names.append((taxonomy["name"], target["id"]))
    assert [("nist_800_53", "AC-3"), ("nist_800_53", "CM-5"), ("owasp_llm", "LLM04")] == names
    assert [item.id for item in run.controls] == [item["id"] for item in driver["rules"]]


def test_a_rule_has_no_more_tags_than_code_scanning_takes(make):
    control = make.control(1, frameworks={"nist_800_53": [f"AC-{number}" for number in range(1, 40)]})
    (rule,) = log(make.run([control], [], {}))["tool"]["driver"]["rules"]
    assert 20 == len(rule["properties"]["tags"])
    assert 39 == len(rule["relationships"])


def test_every_result_points_at_its_rule_its_host_and_its_transcript(run, everything):
    lines = {host.name: host.transcript for host in run.hosts}
    for place, item in by_place(everything).items():
        assert place[1] == everything["tool"]["driver"]["rules"][item["ruleIndex"]]["id"]
        (where,) = item["locations"]
        assert place[0] == where["logicalLocations"][0]["name"]
        artifact = where["physicalLocation"]["artifactLocation"]
        assert lines[place[0]] == artifact["uri"]
        assert artifact["uriBaseId"] in everything["originalUriBaseIds"]
        assert where["physicalLocation"]["region"]["startLine"] >= 1


def test_fingerprints_tell_results_apart_and_outlive_the_run(make, run, everything):
    marks = [item["partialFingerprints"]["controlAndHost/v1"] for item in everything["results"]]
    assert len(marks) == len(set(marks))
    control = make.control(2)
    later = make.run([control], [make.result(control, "good", "passed", observations=(9,))], {"good": []})
    (again,) = log(later, sarif.Everything)["results"]
    assert by_place(everything)["good", "AISEC-ART-02"]["partialFingerprints"] == again["partialFingerprints"]


def test_each_finding_of_a_failure_is_a_result_with_a_fingerprint_that_outlives_the_others(make):
    control = make.control(1)

    def results(wrong, started_at):
        failed = make.result(control, "a", "failed", observed=wrong, expected={}, message="open to others")
        made = make.run([control], [failed], {"a": []})
        made = replace(made, run=replace(made.run, started_at=started_at))
        return {item["properties"]["subject"]: item for item in log(attach(made))["results"]}

    before = results({"/srv/a": "0777", "/srv/b": "0777"}, "2026-03-01T09:30:00Z")
    after = results({"/srv/b": "0666"}, "2026-03-02T09:30:00Z")
    assert {"/srv/a", "/srv/b"} == {*before}
    assert "a: /srv/a: open to others" == before["/srv/a"]["message"]["text"]
    assert {"firstDetectionTimeUtc": "2026-03-01T09:30:00Z"} == before["/srv/a"]["provenance"]
    prints = [item["partialFingerprints"] for item in before.values()]
    assert {"finding/v1", "primaryLocationLineHash"} == {*prints[0]}
    assert not {*prints[0].values()} & {*prints[1].values()}
    assert before["/srv/b"]["partialFingerprints"] == after["/srv/b"]["partialFingerprints"]


def test_of_very_many_findings_the_rest_is_one_result(make):
    control = make.control(1)
    wrong = {f"/srv/{number:04}": "0777" for number in range(250)}
    failed = make.result(control, "a", "failed", observed=wrong, expected={})
    found = log(make.run([control], [failed], {"a": []}))["results"]
    assert (100, "a: 151 more: not as required") == (len(found), found[-1]["message"]["text"])
    assert 151 == found[-1]["properties"]["moreFindings"]
    assert 100 == len({item["partialFingerprints"]["finding/v1"] for item in found})
    assert [*sorted(wrong)][:99] == [item["properties"]["subject"] for item in found[:-1]]


def test_a_time_that_is_none_is_no_time_of_detection(make):
    control = make.control(1)
    findings = [Finding(id="0" * 32, subject="/srv/a", first_seen="long ago")]
    failed = make.result(control, "a", "failed", findings=findings)
    (found,) = log(make.run([control], [failed], {"a": []}))["results"]
    assert "provenance" not in found


def test_the_verdict_and_the_counts_are_there(run):
    found = log(run)["properties"]
    assert ("failed", 21, 1) == (found["gate"], found["planned"], found["waived"])
    assert list(decide(run).because) == found["because"]
    assert {"passed": 6, "failed": 4, "error": 8} == {
        key: found["outcomes"][key] for key in ("passed", "failed", "error")
    }


def test_a_long_answer_is_cut_and_says_so(make):
    control, line = make.control(1), "x" * 10_000_000
    failed = make.result(control, "a", "failed", message=line, observed=[line], expected=line)
    run = make.run([control], [failed], {"a": []})
    text = sarif.render(run, decide(run))
    assert len(text) < 30_000
    assert 3 == text.count("cut: the first 4,096 of 10,000,0")


def test_numbers_that_json_does_not_know_become_text(make):
    control = make.control(1)
    run = make.run([control], [make.result(control, "a", "failed", observed=[float("inf"), 1.5])], {"a": []})
    assert ["inf", 1.5] == log(run)["results"][0]["properties"]["observed"]


def test_strange_texts_are_shown_harmlessly(hostile):
    text = whole(sarif.Everything, hostile, decide(hostile))
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", text)
    assert 6 == len(json.loads(text.encode())["runs"][0]["results"])
    help_ = json.loads(text)["runs"][0]["tool"]["driver"]["rules"][0]["help"]["markdown"]
    assert all(line.startswith(("    ", "**")) or not line for line in help_.split("\n"))


def test_the_place_of_a_result_is_a_uri_whatever_the_file_is_called(make):
    control = make.control(1)
    host = HostInfo(name="a", connection="", transcript="transcripts/a b:c#ü.jsonl", observations=0)
    run = make.run([control], [make.result(control, "a", "failed")], {"a": []}, hosts=[host])
    where = log(run)["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert "transcripts/a%20b%3Ac%23%C3%BC.jsonl" == where["uri"]


def test_the_same_run_gives_the_same_text(run):
    assert sarif.render(run, decide(run)) == sarif.render(run, decide(run))


def test_a_run_without_hosts_is_a_log_without_results(make):
    assert [] == log(make.run([], [], {}))["results"]


def test_a_host_and_a_control_that_are_not_described_are_still_reported(make):
    run = make.run([], [make.result(make.control(2), "elsewhere", "error")], {"a": []})
    found = log(run)
    assert {("elsewhere", "AISEC-ART-02")} == set(by_place(found))
    assert "physicalLocation" not in found["results"][0]["locations"][0]
    assert 1 == len(found["invocations"][0]["toolExecutionNotifications"])


def test_an_unknown_framework_is_a_taxonomy_of_its_ids(make):
    found = log(make.run([make.control(1, frameworks={"house_rules": ["R-1"]})], [], {}))
    assert [{"name": "house_rules", "taxa": [{"id": "R-1"}]}] == found["taxonomies"]


def test_a_run_id_that_is_no_uuid_is_no_guid(make, run):
    assert run.run.id == log(run)["automationDetails"]["guid"]
    info = {name: getattr(run.run, name) for name in RunInfo.__slots__} | {"id": "run-1"}
    found = log(make.run([], [], {}, run=RunInfo(**info)))
    assert "guid" not in found["automationDetails"]
    assert "pytest-aisec/training-node/run-1" == found["automationDetails"]["id"]
