from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from pytest_aisec.judge.gate import decide
from pytest_aisec.judge.run import WaiverState
from pytest_aisec.report import junit


@pytest.fixture
def root(rendered):
    return ET.fromstring(rendered(junit).encode())


def suite(root, host):
    return next(item for item in root if item.get("name") == host)


def case(root, host, control):
    return next(
        item for item in suite(root, host).iter("testcase") if item.get("name").startswith(control + " ")
    )


def properties(root, host):
    return {item.get("name"): item.get("value") for item in suite(root, host).iter("property")}


def test_has_a_suite_a_host_and_a_case_a_control(root, run):
    assert [host.name for host in run.hosts] == [item.get("name") for item in root]
    for item in root:
        assert [f"{result.control} {result.title}" for result in run.by_host()[item.get("name")]] == [
            found.get("name") for found in item.iter("testcase")
        ]


@pytest.mark.parametrize(
    ("control", "tags"),
    [
        ("AISEC-ART-01", {"system-out"}),
        ("AISEC-ART-02", {"failure", "system-out"}),
        ("AISEC-ART-03", {"skipped", "system-out"}),
        ("AISEC-ART-04", {"skipped", "system-out"}),
        ("AISEC-ART-05", {"skipped", "system-out"}),
        ("AISEC-ART-06", {"error", "system-out"}),
    ],
)
def test_each_outcome_has_its_element(root, control, tags):
    assert tags == {child.tag for child in case(root, "good", control)}


def test_counts_are_those_of_the_elements(root):
    for item in root:
        for attribute, tag in [("failures", "failure"), ("errors", "error"), ("skipped", "skipped")]:
            assert len(list(item.iter(tag))) == int(item.get(attribute))
        assert len(list(item.iter("testcase"))) == int(item.get("tests"))
    assert root.get("tests") == "21"
    assert root.get("failures") == "3"
    assert root.get("errors") == "9"


def test_failure_says_what_was_wrong_and_how_to_mend_it(root):
    failure = case(root, "good", "AISEC-ART-02").find("failure")
    assert failure.get("type") == "high"
    assert failure.get("message") == "mode is 0777"
    for part in ['expected: "0640"', '"mode": "0777"', "remediation: chmod o-w /srv/models and below"]:
        assert part in failure.text


def test_an_active_waiver_excuses_and_an_expired_one_does_not(root):
    waived = case(root, "good", "AISEC-ART-03").find("skipped")
    assert waived.get("message") == (
        "waived until 2026-12-31: vendor image (W-1, approved by ciso@example.com on 2026-01-15, SEC-7)"
    )
    assert "\nexcused\n" in waived.text
    expired = case(root, "odd", "AISEC-ART-03")
    assert expired.find("skipped") is None
    assert expired.find("failure").get("message") == (
        "no longer excused; waiver expired on 2026-02-01: until the migration "
        "(W-2, approved by ciso@example.com on 2026-01-15)"
    )
    assert "waiver: W-2 (expired)" in expired.find("failure").text


def test_a_waiver_that_the_run_does_not_describe_is_still_named(make):
    control = make.control(1)
    waived = make.result(control, "a", "failed", waiver=WaiverState(id="W-9", state="active"))
    run = make.run([control], [waived], {"a": []})
    root = ET.fromstring(junit.render(run, decide(run)).encode())
    assert "waived by W-9" == case(root, "a", control.id).find("skipped").get("message")


def test_error_is_typed_by_its_reason(root):
    assert case(root, "mute", "AISEC-ART-01").find("error").get("type") == "unreachable"
    assert case(root, "odd", "AISEC-ART-02").find("error").get("type") == "timeout"
    missing = case(root, "good", "AISEC-ART-06").find("error")
    assert (missing.get("type"), missing.get("message")) == ("not_run", "not run: deselected")


def test_skipped_cases_say_why(root):
    messages = [
        case(root, "good", f"AISEC-ART-0{number}").find("skipped").get("message") for number in (4, 5)
    ]
    assert messages == [
        "not applicable: no model directory under the default paths",
        "not reviewed: needs a person",
    ]


def test_suite_properties_carry_run_host_and_controls(root, run):
    found = properties(root, "mute")
    assert run.run.id == found["run.id"]
    assert found["profile"] == "training-node"
    assert found["gate"] == "failed"
    assert found["host.fault"] == "unreachable: connection refused"
    assert found["host.connection"] == "ssh://mute"
    assert found["AISEC-ART-03.severity"] == "high"
    assert found["AISEC-ART-03.outcome"] == "error"
    assert found["AISEC-ART-03.nist_800_53"] == "AC-3, CM-5"
    assert properties(root, "good")["AISEC-ART-03.waiver"] == "W-1 (active)"


def test_system_out_names_the_commands_and_where_their_answers_are(root):
    text = case(root, "good", "AISEC-NET-01").find("system-out").text
    for part in [
        "severity: low",
        "outcome: passed",
        "nist_800_53: AC-3, CM-5",
        "$ stat -c %a /srv/models",
        "$ id -u",
    ]:
        assert part in text
    assert "exit status 0, 2026-03-01T09:30:01.250Z, 12 ms, transcripts/host-1.jsonl line 2" in text


def test_an_observation_without_its_transcript_is_still_named(root):
    assert (
        "observed: transcripts/host-3.jsonl line 7"
        in case(root, "odd", "AISEC-ART-01").find("system-out").text
    )


def test_strange_answers_are_shown_harmlessly(root):
    failure = case(root, "odd", "AISEC-ART-01").find("failure")
    message = failure.get("message")
    for part in [
        "<script>",
        "]]>",
        "\\x00",
        "\\x1b[31m",
        "\\xff",
        "\\ud800",
        "\\u202e",
        "שלום",
        "\\r\n",
        "\\ufffe",
    ]:
        assert part in message
        assert part in failure.text
    assert len(failure) == 0


def test_times_are_seconds_with_three_digits(root):
    assert case(root, "good", "AISEC-ART-01").get("time") == "1.234"
    assert case(root, "good", "AISEC-ART-06").get("time") == "0.000"
    assert suite(root, "good").get("time") == "7.404"


def test_classname_is_profile_and_family(root):
    assert case(root, "good", "AISEC-NET-01").get("classname") == "training-node.NET"


def test_only_attributes_that_the_schema_knows(root):
    allowed = {
        "name",
        "time",
        "tests",
        "failures",
        "errors",
        "skipped",
        "timestamp",
        "hostname",
        "package",
        "classname",
    }
    for tag in ("testsuites", "testsuite", "testcase"):
        for element in root.iter(tag):
            assert set() == set(element.attrib) - allowed


def test_the_same_run_gives_the_same_text(rendered):
    assert rendered(junit) == rendered(junit)


def test_a_run_without_hosts_is_a_document_without_suites(make):
    empty = make.run([], [], {})
    assert len(ET.fromstring(junit.render(empty, decide(empty)).encode())) == 0


def test_a_result_of_a_control_that_is_not_described_is_still_reported(make):
    known, unknown = make.control(1), make.control(2)
    run = make.run([known], [make.result(unknown, "a", "failed")], {"a": []})
    root = ET.fromstring(junit.render(run, decide(run)).encode())
    assert case(root, "a", unknown.id).find("failure").get("message") == "not as required"
