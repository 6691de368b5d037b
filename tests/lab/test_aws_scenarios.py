"""Every control of an AWS account, against moto's server with the real `aws` CLI.

What moto cannot give (answers that are refused, cut off or hollow) is put into the recordings of these audits,
in `tests/recorded/test_aws.py`.
"""

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from pathlib import Path

import pytest

from pytest_aisec.observe.hosts import HostOptions
from pytest_aisec.observe.transcript import Observation
from pytest_aisec.observe.transport.base import Limits
from pytest_aisec.testing.audits import Audit, Connections, Subject, verdict
from pytest_aisec.testing.proofs import SetupError, prove
from pytest_aisec.testing.scenarios import Scenario
from tests.support import aws, forks, live, scenarios
from tests.support.aws_answers import check_that_it_only_reads

ALL = [item for item in scenarios.everything() if isinstance(item, Scenario) and item.is_aws]


class AwsPlace:
    """A fresh account; a `proofs.Place`."""

    label = "moto on loopback, the real aws CLI"

    def __init__(self, account: aws.CloudAccount, image: str) -> None:
        self.account, self.image = account, image
        self._connections = Connections(options=HostOptions(limits=Limits(timeout=20)))

    def run(self, scenario: Scenario) -> None:
        try:
            self.account.sh(scenario.script)
        except aws.LabError as error:
            raise SetupError(f"{scenario.id}: its set-up failed: {error}") from None

    def audit(
        self,
        subject: Subject,
        user: str = "",
        *,
        sudo: bool = False,
        in_waves: bool = True,
        known: Iterable[Observation] = (),
    ) -> Audit:
        return self._connections.audit(subject, "local://", in_waves=in_waves, known=known)

    def has(self, user: str) -> bool:
        return False

    def changes(self) -> object:
        return None

    def watched(self) -> nullcontext[Callable[[], Sequence[Path]]]:
        return nullcontext(lambda: ())


@pytest.mark.parametrize("scenario", ALL, ids=lambda item: item.id)
def test_aws_scenario(aws_account, scenario: Scenario) -> None:
    place = AwsPlace(aws_account, scenarios.image_of(scenario))
    proof = prove(scenario, scenarios.CATALOG[scenario.control], place)
    assert proof.problems == (), "\n".join(proof.problems)
    transcript = proof.runs[0].audit.transcript
    check_that_it_only_reads(transcript)
    check_that_credentials_stay(transcript)
    if scenario == next(
        item for item in ALL if item.control == scenario.control and item.outcome == "failed"
    ):
        check_that_it_never_passes(place, proof.subject)
    live.keep(proof)


def check_that_credentials_stay(transcript: Iterable[Observation]) -> None:
    text = "\n".join(f"{item.command}\n{item.stdout.decode()}\n{item.stderr.decode()}" for item in transcript)
    assert [aws.ACCESS_KEY not in text, aws.SECRET_KEY not in text, "*****" not in text] == [True, True, True]


def check_that_it_never_passes(place: AwsPlace, subject: Subject) -> None:
    """The metamorphic rule for real, once for each control: what fails must not pass when less can be seen."""
    account, seen = place.account, {}

    def attempt(how: str) -> None:
        seen[how] = verdict(place.audit(subject).conclusion)

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
    done = forks.run(
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
