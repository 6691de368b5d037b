"""Signed content: in-toto statements about a bundle."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pytest_aisec.catalog.content import content_root
from pytest_aisec.evidence import manifest
from pytest_aisec.evidence.files import load_json
from pytest_aisec.judge.outcome import Outcome
from pytest_aisec.judge.run import Result, Run, Verdict, is_waived

STATEMENT = "https://in-toto.io/Statement/v1"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
AUDIT = "urn:pytest-aisec:audit:v1"
"""Says what a test result cannot: hosts, scores, and all that is neither passed nor failed."""
PAYLOAD_TYPE = "application/vnd.in-toto+json"

_PACKAGE = "pytest-aisec"


def statements(run: Run, verdict: Verdict, listing: bytes, code: str) -> dict[str, bytes]:
    """Return both statements about a bundle: `attestation` and `audit`.

    Args:
        run: the run.
        verdict: the verdict on it.
        listing: the content of `manifest.json`, the subject of both.
        code: what `code_digest` gave when the bundle was made.

    """
    subject = [{"name": manifest.NAME, "digest": {"sha256": hashlib.sha256(listing).hexdigest()}}]
    predicates = {
        "attestation": (TEST_RESULT, _test_result(run, verdict, code)),
        "audit": (AUDIT, _audit(run, verdict)),
    }
    return {
        name: _text(
            {"_type": STATEMENT, "subject": subject, "predicateType": kind, "predicate": predicate}
        ).encode()
        for name, (kind, predicate) in predicates.items()
    }


def code_in(statement: bytes) -> str:
    """Return the digest of the program that a test-result statement names; empty where it names none."""
    try:
        configuration = load_json(statement)["predicate"]["configuration"]
        return str(next(item["digest"]["dirHash"] for item in configuration if item["name"] == _PACKAGE))
    except (ValueError, KeyError, TypeError, StopIteration):
        return ""


def code_digest() -> str:
    """Return the in-toto `dirHash` of this package with its controls and profiles.

    It is the same however the package was installed, and another one after any change.
    """
    here, content = Path(__file__).parents[1], content_root().path
    files = {path.relative_to(here.parent): path for path in here.rglob("*")}
    files |= {
        Path(here.name) / path.relative_to(content): path
        for directory in ("controls", "profiles")
        for path in (content / directory).rglob("*")
    }
    lines = sorted(
        (str(name), path)
        for name, path in files.items()
        if path.is_file() and "__pycache__" not in name.parts
    )
    listing = hashlib.sha256()
    for name, path in lines:
        listing.update(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {name}\n".encode())
    return listing.hexdigest()


def _text(data: Mapping[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def _test_result(run: Run, verdict: Verdict, code: str) -> dict[str, Any]:
    waived = [item for item in run.results if is_waived(item)]
    failed = [item for item in run.results if item.outcome is Outcome.FAILED and not is_waived(item)]
    passed = [item for item in run.results if item.outcome is Outcome.PASSED]
    result = "FAILED" if failed or verdict.gate != "passed" else "WARNED" if waived else "PASSED"
    return {
        "result": result,
        "configuration": _configuration(run, code),
        "passedTests": _names(passed),
        "warnedTests": _names(waived),
        "failedTests": _names(failed),
    }


def _configuration(run: Run, code: str) -> list[dict[str, Any]]:
    found = [{"name": path, "digest": {"sha256": digest}} for path, digest in sorted(run.inputs.items())]
    if run.run.advisories is not None:
        found.append({"name": "advisories", "digest": {"sha256": run.run.advisories.sha256}})
    package = {
        "name": _PACKAGE,
        "uri": f"pkg:pypi/{_PACKAGE}@{run.run.package_version}",
        "digest": {"dirHash": code},
    }
    return [*found, package]


def _audit(run: Run, verdict: Verdict) -> dict[str, Any]:
    ledger, rest = run.ledger, (Outcome.ERROR, Outcome.NOT_APPLICABLE, Outcome.NOT_REVIEWED, Outcome.NOT_RUN)
    return {
        "run": run.run.id,
        "profile": {"id": run.run.profile, "version": run.run.profile_version},
        "startedAt": run.run.started_at,
        "finishedAt": run.run.finished_at,
        "active": run.run.active,
        "verdict": {
            "gate": verdict.gate,
            "exitCode": int(verdict.exit_code),
            "because": list(verdict.because),
        },
        "outcomes": {
            "planned": ledger.planned,
            **{outcome.value: getattr(ledger, outcome.value) for outcome in Outcome},
        },
        "waived": sum(is_waived(item) for item in run.results),
        "scores": {
            "withoutWaivers": run.scores.without_waivers,
            "withWaivers": run.scores.with_waivers,
        },
        "hosts": [
            {"name": host.name, "transcript": host.transcript, "fault": host.fault} for host in run.hosts
        ],
        "tests": {
            outcome.value: _names(item for item in run.results if item.outcome is outcome) for outcome in rest
        },
        "waivers": [
            {"id": waiver.id, "state": waiver.state, "expires": waiver.expires} for waiver in run.waivers
        ],
    }


def _names(results: Iterable[Result]) -> list[str]:
    return [f"{item.control}[{item.host}]" for item in results]
