"""Metrics of a run, read back by the parsers of Prometheus: of OpenMetrics, and of the older text."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import replace

import pytest

from pytest_aisec.errors import UsageProblem
from pytest_aisec.judge.findings import attach
from pytest_aisec.judge.gate import decide
from pytest_aisec.judge.outcome import Outcome
from pytest_aisec.judge.run import Scores, is_waived
from pytest_aisec.report import formats, openmetrics


def text_of(run):
    pytest.importorskip("prometheus_client")
    return openmetrics.render(run, decide(run))


def parsed(text, module="openmetrics.parser"):
    """Return name → labels → value."""
    parser = pytest.importorskip(f"prometheus_client.{module}")
    found = {}
    for family in parser.text_string_to_metric_families(text):
        assert "gauge" == family.type
        for sample in family.samples:
            labels = tuple(sorted(sample.labels.items()))
            assert labels not in found.setdefault(sample.name, {})
            found[sample.name][labels] = sample.value
    return found


def labels(**given):
    return tuple(sorted(given.items()))


@pytest.fixture(params=["openmetrics.parser", "parser"])
def read(request):
    return lambda run: parsed(text_of(run), request.param)


def test_the_counts_are_those_of_the_run(run, read):
    metrics = read(run)
    counts = Counter()
    for key, value in metrics["aisec_results"].items():
        counts[dict(key)["outcome"]] += value
    waived = sum(map(is_waived, run.results))
    assert 1 == waived == counts.pop("waived")
    ledger = {outcome.value: getattr(run.ledger, outcome.value) for outcome in Outcome}
    assert ledger | {"failed": ledger["failed"] - waived} == counts
    assert {(): run.ledger.planned} == metrics["aisec_planned_results"]
    assert len(run.results) == len(metrics["aisec_result"]) == sum(metrics["aisec_result"].values())
    assert {(): run.scores.without_waivers} == metrics["aisec_score_ratio"]
    assert {(): run.scores.with_waivers} == metrics["aisec_score_with_waivers_ratio"]


def test_the_verdict_is_one_of_three_and_has_its_exit_code(run, read):
    metrics = read(run)
    assert {labels(gate="passed"): 0, labels(gate="failed"): 1, labels(gate="inconclusive"): 0} == metrics[
        "aisec_gate"
    ]
    assert {(): 1} == metrics["aisec_exit_code"]
    assert {(): 1772357400} == metrics["aisec_run_started_timestamp_seconds"]


def test_each_result_and_each_host_can_be_asked_for(run, read):
    metrics = read(run)
    one = labels(host="good", control="AISEC-ART-03", severity="high", outcome="waived")
    assert 1 == metrics["aisec_result"][one]
    assert {labels(host="good"): 1, labels(host="mute"): 0, labels(host="odd"): 1} == metrics[
        "aisec_host_asked"
    ]
    assert 0 == metrics["aisec_results"][labels(host="mute", severity="critical", outcome="failed")]


def test_findings_are_counted_with_the_time_of_the_oldest(make, read):
    control = make.control(1)
    wrong = {"observed": {"/srv/a": "0777", "/srv/b": "0666"}, "expected": {}}
    results = [make.result(control, "a", "failed", **wrong), make.result(control, "b", "passed")]
    made = make.run([control], results, {"a": [], "b": []})
    one = labels(host="a", control=control.id, severity="high", outcome="failed")
    metrics = read(attach(made))
    assert {one: 2} == metrics["aisec_findings"]
    assert {one: 1772357400} == metrics["aisec_finding_first_seen_timestamp_seconds"]
    old = read(made)
    assert {one: 2} == old["aisec_findings"]
    assert "aisec_finding_first_seen_timestamp_seconds" not in old


def test_waivers_are_counted_by_state_with_their_ends(statements, read):
    metrics = read(statements)
    states = {dict(key)["state"]: value for key, value in metrics["aisec_waivers"].items()}
    assert {"active": 1, "expiring": 0, "expired": 1, "stale": 1, "unused": 1} == states
    one = labels(waiver="W-1", control="AISEC-ART-01", state="active")
    assert 1798761599 == metrics["aisec_waiver_expires_timestamp_seconds"][one]


def test_a_score_that_there_is_not_is_no_number(make, read):
    made = make.run([make.control(1)], [], {"a": []}, scores=Scores(without_waivers=None, with_waivers=None))
    assert not {"aisec_score_ratio", "aisec_score_with_waivers_ratio"} & {*read(made)}


def test_strange_texts_stay_values_of_labels(hostile, read):
    metrics = read(hostile)
    assert {"aisec_run", "aisec_results", "aisec_result"} <= {*metrics}
    assert 6 == len(metrics["aisec_host_asked"]) == len(metrics["aisec_result"])
    assert all(name.startswith("aisec_") for name in metrics)


def test_the_same_run_gives_the_same_text_and_it_ends(run):
    text = text_of(run)
    assert text == text_of(replace(run))
    assert text.endswith("\n# EOF\n")


def test_without_the_extra_it_is_a_usage_problem_that_names_it(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(UsageProblem, match=r"pip install 'pytest-aisec\[metrics\]'"):
        [*formats.render(formats.report("openmetrics"), run, decide(run))]
