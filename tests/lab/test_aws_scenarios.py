"""Every control of an AWS account, against moto's server with the real `aws` CLI.

What moto cannot give is played: answers that are refused, cut off or hollow are put into the transcript of a
real audit, which is then judged again.
"""

import json
import re
import subprocess
import sys
from dataclasses import replace

import pytest
import scenarios
from scenarios import Scenario

from pytest_aisec.catalog.content import content_root
from pytest_aisec.catalog.load import load_catalog
from pytest_aisec.observe.transcript import Transcript
from tests.support import aws

CATALOG = load_catalog([content_root()])
ALL = [item for item in scenarios.all_scenarios() if item.is_aws]
OPERATION = re.compile(r"aws (configure list|[a-z0-9]+ (?:describe|get|list)-[a-z0-9-]+)")


@pytest.mark.parametrize("scenario", ALL, ids=lambda item: item.id)
def test_aws_scenario(aws_account, scenario: Scenario) -> None:
    aws_account.sh(scenario.path.read_text(encoding="utf-8"))
    found = audit(scenario)
    seen = (found.conclusion.outcome.value, found.conclusion.reason if scenario.outcome == "error" else "")
    assert (scenario.outcome, scenario.reason) == seen, found.summary
    assert found.conclusion == found.replayed(), "replaying the transcript gave another verdict"
    if scenario.path.name.startswith("as_recommended"):
        assert found.conclusion == audit(scenario, waves=False).conclusion, (
            "without waves it came out otherwise"
        )
    check_that_it_only_reads(found.transcript)
    check_that_credentials_stay(found.transcript)
    if scenario.outcome != "error":
        check_that_every_answer_counts(found, scenario)
    if scenario == next(
        item for item in ALL if item.control == scenario.control and item.outcome == "failed"
    ):
        check_that_it_never_passes(aws_account, scenario)


def audit(scenario: Scenario, *, waves: bool = True) -> scenarios.Audit:
    return scenarios.run(
        CATALOG[scenario.control], scenario.params, "local://", None, waves=waves, active=scenario.active
    )


def check_that_it_only_reads(transcript: Transcript) -> None:
    other = [
        item.command for item in transcript if "aws" in item.command and not OPERATION.search(item.command)
    ]
    assert other == []


def check_that_credentials_stay(transcript: Transcript) -> None:
    text = "\n".join(f"{item.command}\n{item.stdout.decode()}\n{item.stderr.decode()}" for item in transcript)
    assert [aws.ACCESS_KEY not in text, aws.SECRET_KEY not in text, "*****" not in text] == [True, True, True]


def service_error(code: str) -> dict:
    text = f"\nAn error occurred ({code}) when calling the Some operation: no\n"
    return {"exit_status": 254, "stdout": b"", "stderr": text.encode()}


def spoiled(observation) -> dict[str, dict]:
    """Return answers that might come instead of one that is whole, by what is wrong with them."""
    answers = {
        "denied": service_error("AccessDeniedException"),
        "expired": service_error("ExpiredToken"),
        "throttled": service_error("ThrottlingException"),
        "silent": {"exit_status": 0, "stdout": b""},
        "hollow": {"exit_status": 0, "stdout": b"{}"},
    }
    if observation.exit_status == 0 and "configure" not in observation.command:
        answers["cut off"] = {"stdout": observation.stdout[: len(observation.stdout) // 2]}
        whole = json.loads(observation.stdout)
        if isinstance(whole, dict):
            answers["one page"] = {"stdout": json.dumps({**whole, "NextToken": "more"}).encode()}
            blank = {key: blanked(value) for key, value in whole.items()}
        else:
            blank = blanked(whole)
        if blank != whole:
            answers["blank"] = {"stdout": json.dumps(blank).encode()}
    return answers


def blanked(value):
    """Return a value with objects that say nothing in the place of those that say something."""
    if isinstance(value, dict):
        return {}
    return [{} for _ in value] if isinstance(value, list) and value and isinstance(value[0], dict) else value


def check_that_every_answer_counts(found: scenarios.Audit, scenario: Scenario) -> None:
    """No verdict rests on less than all the answers; what failed may still fail on the rest."""
    wrong = []
    asked = [item for item in found.transcript if OPERATION.search(item.command)]
    for one in asked:
        for how, answer in spoiled(one).items():
            transcript = Transcript()
            for item in found.transcript:
                transcript.add(replace(item, **answer) if item is one else item)
            ended = found.replayed(transcript)
            may_fail = scenario.outcome == "failed" or how == "blank"
            allowed = {"error", "failed"} if may_fail else {"error"}
            if ended.outcome.value not in allowed or ended.reason == "internal":
                wrong.append(f"{OPERATION.search(one.command)[1]} {how}: {ended}")
    assert wrong == []


def check_that_it_never_passes(account: aws.CloudAccount, scenario: Scenario) -> None:
    """The metamorphic rule for real, once for each control: what fails must not pass when less can be seen."""
    seen = {}

    def attempt(how: str) -> None:
        ended = audit(scenario).conclusion
        seen[how] = (ended.outcome.value, ended.reason)

    account.demand_credentials(demanded=True)
    attempt("with credentials that nobody knows")
    account.demand_credentials(demanded=False)
    keys = account.home / ".aws/credentials"
    text = keys.read_text()
    keys.unlink()
    attempt("without credentials")
    keys.write_text(text)
    aws.play(account, "echo 'aws: not found' >&2; exit 127")
    attempt("without aws")
    assert seen == {
        "with credentials that nobody knows": ("error", "auth"),
        "without credentials": ("error", "auth"),
        "without aws": ("error", "tool_missing"),
    }


def test_a_whole_account_in_one_run(aws_account, tmp_path):
    aws_account.sh(
        "aws logs create-log-group --log-group-name /ai/training-jobs; "
        "aws s3api create-bucket --bucket acme-models"
    )
    evidence = tmp_path / "evidence"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider"),
            *("--aisec-profile=aws-account", f"--aisec-evidence={evidence}"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert 1 == done.returncode, done.stdout + done.stderr
    run = json.loads((evidence / "run.json").read_text())
    assert {
        "AISEC-CLD-01": "failed",
        "AISEC-CLD-02": "failed",
        "AISEC-CLD-03": "failed",
        "AISEC-CLD-05": "failed",
        "AISEC-CLD-09": "not_applicable",
        "AISEC-CLD-10": "passed",
    } == {item["control"]: item["outcome"] for item in run["results"]}
    text = "".join(path.read_text() for path in evidence.rglob("*") if path.is_file())
    assert [False] * 3 == [part in text for part in (aws.ACCESS_KEY, aws.SECRET_KEY, "****")]
