from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pytest_aisec.judge.gate import decide
from pytest_aisec.judge.outcome import Outcome
from pytest_aisec.judge.run import Run, WaiverInfo
from pytest_aisec.report import oscal


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


def test_each_result_has_one_observation_and_each_judged_one_finding(waived: Run, written: Any) -> None:
    (result,) = written["results"]
    assert len(waived.results) == len(result["observations"])
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


def test_a_waived_failure_is_an_approved_deviation_with_its_end(written: Any) -> None:
    (risk,) = written["results"][0]["risks"]
    assert ("deviation-approved", "2026-12-31T23:59:59Z") == (risk["status"], risk["deadline"])
    assert "The vendor image writes there." in risk["statement"]
    related = [item for item in written["results"][0]["findings"] if "related-risks" in item]
    assert [[{"risk-uuid": risk["uuid"]}]] == [item["related-risks"] for item in related]
    assert "AISEC-ART-03" == related[0]["target"]["target-id"]


def test_an_expired_waiver_is_no_deviation(written: Any) -> None:
    said = [item["remarks"] for item in written["results"][0]["findings"] if "remarks" in item]
    assert ["Waiver W-2 is expired."] == said


def test_every_reference_leads_somewhere(written: Any) -> None:
    (result,) = written["results"]
    hosts = {item["uuid"] for item in result["local-definitions"]["inventory-items"]}
    observed = {item["uuid"] for item in result["observations"]}
    resources = {f"#{item['uuid']}" for item in written["back-matter"]["resources"]}
    assert hosts == {ref["subject-uuid"] for item in result["observations"] for ref in item["subjects"]}
    assert observed >= {
        ref["observation-uuid"] for item in result["findings"] for ref in item["related-observations"]
    }
    used = {ref["href"] for item in result["observations"] for ref in item["relevant-evidence"]}
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
    (objectives,) = reviewed["control-objective-selections"]
    assert [{"objective-id": "AISEC-ART-02"}] == objectives["include-objectives"]
    assert [{"objective-id": "AISEC-ART-01"}, {"objective-id": "AISEC-NET-09"}] == objectives[
        "exclude-objectives"
    ]
    assert "AISEC-NET-09: no inbound network on these machines" in objectives["remarks"]
    assert [{"control-id": "ac-6.9"}] == reviewed["control-selections"][0]["include-controls"]


def test_a_run_without_results_has_no_empty_arrays(make: Any) -> None:
    run = make.run([], [], {})
    (result,) = json.loads(oscal.render(run, decide(run)))["assessment-results"]["results"]
    assert not {"observations", "findings", "risks"} & {*result}
