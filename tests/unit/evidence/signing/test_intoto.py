"""Statements, read back by in-toto's own library."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256

import google.protobuf.json_format as pb_json
import in_toto_attestation.predicates.test_result.v0.test_result_pb2 as test_result
import in_toto_attestation.v1.statement_pb2 as statement_pb
import pytest
from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor
from in_toto_attestation.v1.statement import Statement

from pytest_aisec.evidence.signing import intoto
from pytest_aisec.judge.gate import decide
from pytest_aisec.judge.outcome import Outcome
from pytest_aisec.judge.run import AdvisoriesInfo, Result, Run, WaiverState, count, score

LISTING = b"the manifest"


def with_results(run: Run, *outcomes: tuple[str, str]) -> Run:
    """The run with one control for each (outcome, state of the waiver), on one host."""
    results = [
        Result(
            control=f"ACME-ART-{number:02}",
            host="ssh://one",
            outcome=Outcome(outcome),
            reason="",
            severity="high",
            title="T",
            waiver=WaiverState(id="W", state=waiver) if waiver else None,
        )
        for number, (outcome, waiver) in enumerate(outcomes, start=1)
    ]
    planned = len(results)
    return replace(run, results=results, ledger=count(results, planned=planned), scores=score(results))


def read(run: Run) -> tuple[Statement, test_result.TestResult, dict]:
    """What the library says of both statements: the first, its predicate, and the second's predicate."""
    made = intoto.statements(run, decide(run), LISTING, "c0de")
    statements = {}
    for name, text in made.items():
        statements[name] = Statement.copy_from_pb(pb_json.Parse(text, statement_pb.Statement()))
        statements[name].validate()
    first = statements["attestation"]
    result = pb_json.ParseDict(pb_json.MessageToDict(first.pb.predicate), test_result.TestResult())
    for descriptor in result.configuration:
        ResourceDescriptor.copy_from_pb(descriptor).validate()
    return first, result, pb_json.MessageToDict(statements["audit"].pb.predicate)


EVERY = (
    ("passed", ""),
    ("passed", "stale"),
    ("failed", ""),
    ("failed", "active"),
    ("failed", "expired"),
    ("error", ""),
    ("not_applicable", ""),
    ("not_reviewed", ""),
    ("not_run", ""),
)


def test_both_statements_are_about_the_manifest(run: Run) -> None:
    made = intoto.statements(run, decide(run), LISTING, "c0de")
    found = {name: pb_json.Parse(text, statement_pb.Statement()) for name, text in made.items()}
    assert {"attestation", "audit"} == set(found)
    for statement in found.values():
        (subject,) = statement.subject
        assert ("manifest.json", sha256(LISTING).hexdigest()) == (subject.name, subject.digest["sha256"])
    assert "https://in-toto.io/attestation/test-result/v0.1" == found["attestation"].predicate_type
    assert "urn:pytest-aisec:audit:v1" == found["audit"].predicate_type


def test_the_library_sees_how_every_test_ended(run: Run) -> None:
    _, result, audit = read(with_results(run, *EVERY))
    assert "FAILED" == result.result
    assert ["ACME-ART-01[ssh://one]", "ACME-ART-02[ssh://one]"] == list(result.passed_tests)
    assert ["ACME-ART-04[ssh://one]"] == list(result.warned_tests)
    assert ["ACME-ART-03[ssh://one]", "ACME-ART-05[ssh://one]"] == list(result.failed_tests)
    assert {
        "error": ["ACME-ART-06[ssh://one]"],
        "not_applicable": ["ACME-ART-07[ssh://one]"],
        "not_reviewed": ["ACME-ART-08[ssh://one]"],
        "not_run": ["ACME-ART-09[ssh://one]"],
    } == audit["tests"]
    assert {
        "planned": 9,
        "passed": 2,
        "failed": 3,
        "error": 1,
        "not_applicable": 1,
        "not_reviewed": 1,
        "not_run": 1,
    } == audit["outcomes"]
    assert 1 == audit["waived"]
    assert {"withoutWaivers": 0.25, "withWaivers": 0.375} == audit["scores"]
    assert ["ssh://one", "ssh://two"] == [host["name"] for host in audit["hosts"]]
    assert ("failed", 1) == (audit["verdict"]["gate"], audit["verdict"]["exitCode"])


@pytest.mark.parametrize(
    ("result", "outcomes"),
    [
        ("PASSED", [("passed", "")]),
        ("PASSED", [("passed", ""), ("not_applicable", "")]),
        ("PASSED", [("passed", "stale")]),
        ("WARNED", [("passed", ""), ("failed", "active")]),
        ("FAILED", [("passed", ""), ("failed", "expired")]),
        ("FAILED", [("passed", ""), ("failed", "")]),
        ("FAILED", [("failed", "active"), ("failed", "")]),
        ("FAILED", [("passed", ""), ("failed", "active"), ("error", "")]),
        ("FAILED", [("passed", ""), ("error", "")]),
        ("FAILED", [("passed", ""), ("not_reviewed", "")]),
        ("FAILED", [("passed", ""), ("not_run", "")]),
        ("FAILED", [("not_applicable", "")]),
        ("FAILED", []),
    ],
)
def test_the_result_of_a_run(run: Run, result: str, outcomes: list[tuple[str, str]]) -> None:
    assert result == read(with_results(run, *outcomes))[1].result


def test_a_failure_that_the_gate_lets_pass_is_still_failed(run: Run) -> None:
    lenient = replace(run, policy=run.policy.model_copy(update={"fail_on": "critical"}))
    found = with_results(lenient, ("passed", ""), ("failed", ""))
    assert "passed" == decide(found).gate
    assert "FAILED" == read(found)[1].result


def test_the_configuration_names_every_input_and_the_package(run: Run) -> None:
    advisories = AdvisoriesInfo(sha256="ad", as_of="2026-03-01T00:00:00Z", records=1)
    _, result, _ = read(replace(run, run=replace(run.run, advisories=advisories)))
    found = {item.name: dict(item.digest) for item in result.configuration}
    assert {"inputs/plan.json", "inputs/profiles/1-mine.yaml"} == set(run.inputs)
    assert {
        **{path: {"sha256": digest} for path, digest in run.inputs.items()},
        "advisories": {"sha256": "ad"},
        "pytest-aisec": {"dirHash": "c0de"},
    } == found
    assert "pkg:pypi/pytest-aisec@0" == result.configuration[-1].uri


def test_the_digest_of_the_package_stands_in_the_statement(run: Run) -> None:
    made = intoto.statements(run, decide(run), LISTING, "c0de")
    assert "c0de" == intoto.code_in(made["attestation"])
    assert "" == intoto.code_in(made["audit"])
    assert "" == intoto.code_in(b"no statement")


def test_the_digest_of_the_package_is_the_same_each_time() -> None:
    found = intoto.code_digest()
    assert 64 == len(found)
    assert found == intoto.code_digest()


def test_the_same_run_gives_the_same_statements(run: Run) -> None:
    verdict = decide(run)
    assert intoto.statements(run, verdict, LISTING, "") == intoto.statements(run, verdict, LISTING, "")
    assert json.loads(intoto.statements(run, verdict, LISTING, "")["audit"])["predicate"]["run"] == run.run.id
