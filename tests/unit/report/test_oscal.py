from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cmarkgfm
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aisec.judge.findings import attach, identify
from pytest_aisec.judge.gate import decide
from pytest_aisec.judge.outcome import Outcome
from pytest_aisec.judge.run import Run, WaiverInfo
from pytest_aisec.report import oscal, oscal_text
from pytest_aisec.report.text import compact, visible
from tests.support.runs import STRANGE


@pytest.fixture
def waived(run: Run) -> Run:
    info = WaiverInfo(
        id="W-1",
        control="AISEC-ART-03",
        hosts=("good",),
        reason="The vendor image writes there.",
        approved_by="ciso@example.com",
        approved_on="2026-01-01",
        expires="2026-12-31",
        ticket="SEC-1182",
        state="active",
        excuses=1,
        passes=0,
    )
    return replace(
        run, waivers=(info,), inputs={"inputs/plan.json": "ab" * 32, "inputs/profiles/1-x.yaml": "cd" * 32}
    )


@pytest.fixture
def written(waived: Run) -> Any:
    return json.loads(oscal.render(waived, decide(waived)))["assessment-results"]


def test_the_same_run_gives_the_same_text(rendered: Callable[[Any], str]) -> None:
    assert rendered(oscal) == rendered(oscal)


def test_each_judged_result_has_one_finding_and_each_that_somebody_looked_at_an_observation(
    waived: Run, written: Any
) -> None:
    (result,) = written["results"]
    looked = [item for item in waived.results if item.outcome not in {Outcome.NOT_RUN, Outcome.NOT_REVIEWED}]
    assert len(waived.results) - 2 == len(looked) == len(result["observations"])
    judged = [item for item in waived.results if item.outcome is not Outcome.NOT_APPLICABLE]
    expected = Counter(
        {
            Outcome.PASSED: ("satisfied", "pass"),
            Outcome.FAILED: ("not-satisfied", "fail"),
        }.get(item.outcome, ("not-satisfied", "other"))
        for item in judged
    )
    status = [item["target"]["status"] for item in result["findings"]]
    assert expected == Counter((item["state"], item["reason"]) for item in status)


def props(item: Any) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in item["props"]}


def finding(result: Any, control: str, host: str) -> Any:
    (found,) = [item for item in result["findings"] if f"{control} on {host}" == item["title"]]
    return found


def test_what_nobody_looked_at_names_its_host_and_has_no_observation(written: Any) -> None:
    (result,) = written["results"]
    for control, outcome in (("AISEC-ART-05", "not_reviewed"), ("AISEC-ART-06", "not_run")):
        found = finding(result, control, "good")
        assert "related-observations" not in found
        assert {"host": "good", "outcome": outcome}.items() <= props(found).items()
    assert "not run: deselected" == found["target"]["status"]["remarks"]


def test_an_error_was_a_test_that_saw_nothing(written: Any) -> None:
    seen = [item for item in written["results"][0]["observations"] if item["title"].endswith(" on mute")]
    assert 7 == len(seen)
    for item in seen:
        assert ["TEST"] == item["methods"]
        assert "unreachable" == props(item)["reason"]
        assert "relevant-evidence" not in item


def test_evidence_names_lines_of_a_transcript(written: Any) -> None:
    (item,) = [
        item for item in written["results"][0]["observations"] if "AISEC-NET-01 on good" == item["title"]
    ]
    (evidence,) = item["relevant-evidence"]
    assert "transcripts/host-1.jsonl, lines 1, 2" == evidence["description"]
    assert ["1", "2"] == [entry["value"] for entry in evidence["props"]]
    assert "2026-03-01T09:30:01.250Z" == item["collected"]


def test_what_a_person_attested_is_no_test(statements: Run) -> None:
    (result,) = json.loads(oscal.render(statements, decide(statements)))["assessment-results"]["results"]
    methods = {item["title"]: item["methods"] for item in result["observations"]}
    assert ["EXAMINE"] == methods["AISEC-ART-04 on a"]
    assert ["TEST", "EXAMINE"] == methods["AISEC-ART-06 on a"]
    assert "AISEC-ART-05 on a" not in methods
    said = {item["parts"][0]["title"]: item["parts"][0] for item in result["attestations"]}
    assert {"A-1: AISEC-ART-04 passed", "A-2: AISEC-ART-05 passed", "A-3: AISEC-ART-06 failed"} == {*said}
    assert "the rack is locked" == said["A-1: AISEC-ART-04 passed"]["prose"]
    assert "expired" == props(said["A-2: AISEC-ART-05 passed"])["state"]


def test_approvers_and_attesters_are_parties(statements: Run) -> None:
    read = json.loads(oscal.render(statements, decide(statements)))["assessment-results"]
    parties = {item["uuid"]: item["name"] for item in read["metadata"]["parties"]}
    assert {"ciso@example.com", "dc@example.com"} == {*parties.values()}
    (risk,) = read["results"][0]["risks"]
    (entry,) = risk["risk-log"]["entries"]
    assert ("deviation-approved", "2026-01-15T00:00:00Z") == (entry["status-change"], entry["start"])
    assert "ciso@example.com" == parties[entry["logged-by"][0]["party-uuid"]]
    attested = {
        parties[name]
        for item in read["results"][0]["attestations"]
        for who in item["responsible-parties"]
        for name in who["party-uuids"]
    }
    assert {"dc@example.com"} == attested
    assert {"approver", "attester"} == {item["id"] for item in read["metadata"]["roles"]}


def test_every_target_is_an_objective_that_the_file_defines(hostile: Run, waived: Run) -> None:
    for run in (waived, hostile):
        read = json.loads(oscal.render(run, decide(run)))["assessment-results"]
        defined = {
            part["id"]
            for item in read["local-definitions"]["objectives-and-methods"]
            for part in item["parts"]
            if part["name"] == "assessment-objective"
        }
        targets = {item["target"]["target-id"] for item in read["results"][0]["findings"]}
        assert targets
        assert targets <= defined


def test_the_result_has_the_ledger_and_the_verdict(written: Any, waived: Run) -> None:
    found = props(written["results"][0])
    assert {"gate": "failed", "exit-code": "1", "planned": "21"}.items() <= found.items()
    expected = {
        outcome.value.replace("_", "-"): str(getattr(waived.ledger, outcome.value)) for outcome in Outcome
    }
    assert expected.items() <= found.items()


def test_a_waived_failure_is_an_approved_deviation_with_its_end(written: Any) -> None:
    (risk,) = written["results"][0]["risks"]
    assert ("deviation-approved", "2026-12-31T23:59:59Z") == (risk["status"], risk["deadline"])
    assert "The vendor image writes there." in risk["statement"]
    related = [item for item in written["results"][0]["findings"] if "related-risks" in item]
    assert [[{"risk-uuid": risk["uuid"]}]] == [item["related-risks"] for item in related]
    assert "AISEC-ART-03" == related[0]["target"]["target-id"]


def test_a_failure_has_the_id_of_each_thing_that_is_wrong(make: Any) -> None:
    control = make.control(1)
    wrong = {"observed": {"/srv/a_b": "0777", "/srv/*": "0666"}, "expected": {}}
    made = attach(make.run([control], [make.result(control, "a", "failed", **wrong)], {"a": []}))
    (found,) = json.loads(oscal.render(made, decide(made)))["assessment-results"]["results"][0]["findings"]
    told = {item["value"]: item["remarks"] for item in found["props"] if "finding-id" == item["name"]}
    assert {
        identify(control.id, "a", "/srv/*"): "/srv/\\*; first seen 2026-03-01T09:30:00Z",
        identify(control.id, "a", "/srv/a_b"): "/srv/a_b; first seen 2026-03-01T09:30:00Z",
    } == told


def test_an_expired_waiver_is_no_deviation(written: Any) -> None:
    found = finding(written["results"][0], "AISEC-ART-03", "odd")
    assert "related-risks" not in found
    assert {"waiver": "W-2", "waiver-state": "expired"}.items() <= props(found).items()
    assert {"state": "not-satisfied", "reason": "fail"}.items() <= found["target"]["status"].items()


def test_every_reference_leads_somewhere(written: Any) -> None:
    (result,) = written["results"]
    hosts = {item["uuid"] for item in result["local-definitions"]["inventory-items"]}
    observed = {item["uuid"] for item in result["observations"]}
    resources = {f"#{item['uuid']}" for item in written["back-matter"]["resources"]}
    assert hosts == {ref["subject-uuid"] for item in result["observations"] for ref in item["subjects"]}
    assert observed >= {
        ref["observation-uuid"] for item in result["findings"] for ref in item.get("related-observations", ())
    }
    used = {ref["href"] for item in result["observations"] for ref in item.get("relevant-evidence", ())}
    assert resources >= used | {written["import-ap"]["href"]}


def test_identifiers_are_unique_and_those_of_another_run_are_others(waived: Run, written: Any) -> None:
    text = json.dumps(written)
    ids = [
        item["uuid"] for kind in ("observations", "findings", "risks") for item in written["results"][0][kind]
    ]
    assert len(ids) == len(set(ids))
    other = replace(waived, run=replace(waived.run, id="another"))
    assert not any(name in oscal.render(other, decide(other)) for name in ids)
    assert all(name in text for name in ids)


def test_what_applies_nowhere_is_excluded_from_what_was_reviewed(make: Any) -> None:
    controls = [make.control(1), make.control(2, frameworks={"nist_800_53": ["AC-6(9)"]})]
    results = [make.result(controls[0], "a", "not_applicable"), make.result(controls[1], "a", "passed")]
    run = make.run(controls, results, {"a": [make.observation("id")]})
    reviewed = json.loads(oscal.render(run, decide(run)))["assessment-results"]["results"][0][
        "reviewed-controls"
    ]
    objectives, host = reviewed["control-objective-selections"]
    assert [{"objective-id": "AISEC-ART-02"}] == objectives["include-objectives"]
    assert [
        {"objective-id": "AISEC-ART-01", "remarks": "not applicable on any host of the run"},
        {"objective-id": "AISEC-NET-09", "remarks": "no inbound network on these machines"},
    ] == objectives["exclude-objectives"]
    assert {"host": "a"} == props(host)
    assert [{"control-id": "ac-6.9"}] == reviewed["control-selections"][0]["include-controls"]


def test_what_is_not_applicable_on_one_host_is_excluded_there_alone(written: Any) -> None:
    everywhere, host = written["results"][0]["reviewed-controls"]["control-objective-selections"]
    assert 7 == len(everywhere["include-objectives"])
    assert [{"objective-id": "AISEC-NET-09", "remarks": "no inbound network on these machines"}] == (
        everywhere["exclude-objectives"]
    )
    assert ({"host": "good"}, {}) == (props(host), host["include-all"])
    said = "no model directory under the default paths"
    assert [{"objective-id": "AISEC-ART-04", "remarks": said}] == host["exclude-objectives"]


def test_controls_without_a_requirement_of_nist_are_named_themselves(make: Any) -> None:
    control = make.control(1, frameworks={"owasp_llm": ["LLM04"]})
    run = make.run([control], [make.result(control, "a", "passed")], {"a": [make.observation("id")]})
    (result,) = json.loads(oscal.render(run, decide(run)))["assessment-results"]["results"]
    (selection,) = result["reviewed-controls"]["control-selections"]
    assert [{"control-id": "AISEC-ART-01"}] == selection["include-controls"]


def test_a_result_of_a_host_and_control_that_are_not_described_is_still_reported(make: Any) -> None:
    known, unknown = make.control(1), make.control(2)
    run = make.run([known], [make.result(unknown, "b", "failed")], {"a": []})
    read = json.loads(oscal.render(run, decide(run)))["assessment-results"]
    (result,) = read["results"]
    hosts = {
        item["uuid"]: item["props"][0]["value"] for item in result["local-definitions"]["inventory-items"]
    }
    (seen,) = result["observations"]
    assert "b" == hosts[seen["subjects"][0]["subject-uuid"]]
    assert "AISEC-ART-02" == finding(result, "AISEC-ART-02", "b")["target"]["target-id"]


def test_a_run_without_results_has_no_empty_arrays(make: Any) -> None:
    run = make.run([], [], {})
    (result,) = json.loads(oscal.render(run, decide(run)))["assessment-results"]["results"]
    assert not {"observations", "findings", "risks"} & {*result}


MARKUP = [
    STRANGE,
    "<img src=x onerror=alert(1)> <script>alert(1)</script>",
    "**bold** _em_ __em__ `code` ~~gone~~ ^up^ a_b_c *a",
    "[link](javascript:alert(1)) ![image](x) <javascript:alert(1)> [a]: /x",
    "# heading\n> quote\n- item\n+ item\n1. one\n2) two\n---\n===\n    code\n```\nfence\n~~~",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "&lt;b&gt; &amp; &#60; AT&T a & b",
    "\\<b> \\\\<b> \\ \\\\ C:\\x \\",
    "-rw-r--r-- 1 root root 0\ndrwx 10. x",
]


def shown(text: str) -> str:
    """Return the text that a reader sees, as GitHub's own implementation shows Markdown."""
    root = ET.fromstring(f"<x>{cmarkgfm.github_flavored_markdown_to_html(text)}</x>")
    assert {item.tag for item in root.iter()} <= {"x", "p", "code", "br", "a"}
    assert all(item.get("href", "").startswith(("http", "mailto:")) for item in root.iter("a"))
    return " ".join("".join(root.itertext()).split())


@pytest.mark.parametrize("text", MARKUP, ids=range(len(MARKUP)))
def test_text_of_others_is_shown_as_it_is(text: str) -> None:
    assert " ".join(visible(text).split()) == shown(oscal_text.markup(text))
    assert " ".join(visible(" ".join(text.split())).split()) == shown(oscal_text.markup_line(text))


@given(st.text(st.sampled_from("ab1 \\`*_{}[]()<>#+-.!|&~^;:/=\"'\n\t"), max_size=40))
def test_whatever_is_written_is_shown_as_it_is(text: str) -> None:
    expected = " ".join(visible(text).split()) or "(none)"
    assert expected == shown(oscal_text.markup(text))


@given(st.recursive(st.text(max_size=20) | st.integers(), lambda item: st.lists(item, max_size=3)))
def test_data_is_shown_as_it_is(value: Any) -> None:
    assert " ".join(visible(compact(value)).split()) == shown(oscal_text.code(value))


@given(st.text(max_size=30))
def test_names_and_lines_are_as_the_model_wants_them(text: str) -> None:
    assert re.fullmatch(r"[^\W\d][\w.-]*", oscal_text.token(text))
    assert re.fullmatch(r"\S(.*\S)?", oscal_text.line(text))
    assert re.fullmatch(r"[\x21-\x7e]*", oscal_text.path(text))


@pytest.mark.parametrize(
    ("name", "expected"), [("AC-3", "ac-3"), ("AC-6(9)", "ac-6.9"), ("SC-28(1)", "sc-28.1")]
)
def test_requirements_have_the_ids_of_the_catalogue(name: str, expected: str) -> None:
    assert expected == oscal_text.requirement(name)
