"""The JSON Schema of `run.json`: what runs write fits it, and what is no run does not."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from typing import Any

import jsonschema
import pytest

from pytest_aisec.evidence import bundle
from pytest_aisec.judge.findings import attach
from pytest_aisec.judge.gate import decide
from pytest_aisec.judge.outcome import Outcome
from pytest_aisec.judge.run import Run
from tests.support.runs import all_strange, every_outcome, run_of, with_findings, with_statements

RUNS: dict[str, Callable[[], Run]] = {
    "every outcome": every_outcome,
    "statements": with_statements,
    "findings": with_findings,
    "strange": all_strange,
    "empty": lambda: run_of([], [], {}),
}


@pytest.fixture(scope="module")
def schema() -> Any:
    found = bundle.json_schema()
    jsonschema.Draft202012Validator.check_schema(found)
    return jsonschema.Draft202012Validator(found)


def encodable(value: Any) -> Any:
    """Return `value` without halves of characters, which audits and files keep out of runs."""
    if type(value) is str:
        return value.encode("utf-8", "backslashreplace").decode()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        return dataclasses.replace(value, **{name: encodable(getattr(value, name)) for name in names})
    if isinstance(value, Mapping):
        return {encodable(name): encodable(item) for name, item in value.items()}
    return [encodable(item) for item in value] if isinstance(value, (list, tuple)) else value


def written(run: Run) -> Any:
    whole = encodable(run)
    return json.loads(b"".join(bundle.run_json(whole, decide(whole))))


@pytest.mark.parametrize("make", RUNS.values(), ids=RUNS)
def test_what_is_written_fits(schema: Any, make: Callable[[], Run]) -> None:
    assert [] == [error.message for error in schema.iter_errors(written(make()))]


def test_the_runs_that_fit_end_in_every_way() -> None:
    runs = [make() for make in RUNS.values()]
    assert {*Outcome} == {item.outcome for run in runs for item in run.results}
    assert {"active", "expired", "stale"} == {
        item.waiver.state for run in runs for item in run.results if item.waiver
    }
    assert {"active", "expired"} == {
        item.attestation.state for run in runs for item in run.results if item.attestation
    }


def test_every_member_that_is_written_has_to_be_there(schema: Any) -> None:
    data = written(attach(with_statements()))
    places = {
        "": data,
        "run": data["run"],
        "host": data["hosts"][0],
        "control": data["controls"][0],
        "result": data["results"][0],
        "finding": data["results"][0]["findings"][0],
        "waiver of a result": data["results"][0]["waiver"],
        "waiver": data["waivers"][0],
        "attestation": data["attestations"][0],
        "ledger": data["ledger"],
        "scores": data["scores"],
        "policy": data["policy"],
        "verdict": data["verdict"],
    }
    accepted = []
    for place, item in places.items():
        for name, value in [*item.items()]:
            del item[name]
            if schema.is_valid(data):
                accepted.append(f"{place}.{name}")
            item[name] = value
    assert schema.is_valid(data)
    assert [] == accepted


BROKEN: dict[str, Callable[[Any], object]] = {
    "another outcome": lambda data: data["results"][0].update(outcome="fine"),
    "another severity": lambda data: data["results"][0].update(severity="mild"),
    "a line that is no number": lambda data: data["results"][0].update(observations=["1"]),
    "a waiver in another state": lambda data: data["results"][0]["waiver"].update(state="perhaps"),
    "a waiver that is its id": lambda data: data["results"][0].update(waiver="W-1"),
    "an attestation in another state": lambda data: data["attestations"][0].update(state="stale"),
    "a finding that is its id": lambda data: data["results"][0].update(findings=["0123"]),
    "a count that is text": lambda data: data["ledger"].update(passed="1"),
    "a score that is text": lambda data: data["scores"].update(with_waivers="1"),
    "another gate": lambda data: data["verdict"].update(gate="open"),
    "a policy that is not known": lambda data: data["policy"].update(fail_on="often"),
    "a rule that is not known": lambda data: data["policy"].update(lenient=True),
    "a later version": lambda data: data.update(schema_version="2.0"),
    "results by host": lambda data: data.update(results={"a": data["results"]}),
}


@pytest.mark.parametrize("change", BROKEN.values(), ids=BROKEN)
def test_what_is_no_run_is_refused(schema: Any, change: Callable[[Any], object]) -> None:
    data = written(with_statements())
    assert schema.is_valid(data)
    change(data)
    assert not schema.is_valid(data)
