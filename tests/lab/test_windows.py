"""Every control for Windows, over real HTTP and NTLM, against played answers: no real Windows was asked."""

from __future__ import annotations

import pytest

from pytest_aisec.observe.redaction.redact import redact
from pytest_aisec.testing.audits import verdict
from pytest_aisec.testing.proofs import may_follow_failure, prove
from tests.support import live, scenarios
from tests.support.windows import WindowsScenario
from tests.support.windows_place import played
from tests.support.winrm import DENIED, MISSING, PASSWORD, Answer, answers

ALL = [item for item in scenarios.everything() if isinstance(item, WindowsScenario)]
NOT_SEEN = {
    "denied": DENIED,
    "missing": MISSING,
    "no answer in time": Answer(hangs=True),
    "nothing printed": Answer(),
    "an empty list": Answer(stdout="[]\n"),
    "a failure without a word": Answer(exit_status=1),
}


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AISEC_WINRM_PASSWORD", PASSWORD)


@pytest.mark.parametrize("scenario", ALL, ids=lambda item: item.id)
def test_windows_scenario(scenario: WindowsScenario, tmp_path) -> None:
    look = answers(scenario.table)
    with played(look, tmp_path) as place:
        proof = prove(scenario, scenarios.CATALOG[scenario.control], place)
        assert proof.problems == (), "\n".join(proof.problems)
        transcript = proof.runs[0].audit.transcript
        for item in transcript:
            assert item.command == redact(item.command), "a question looks like a credential"
            assert "«redacted" not in item.command
        if scenario.outcome == "failed":
            check_that_it_never_passes(place, proof.subject, look, [item.command for item in transcript])
    live.keep(proof)


def check_that_it_never_passes(place, subject, look, questions: list[str]) -> None:
    """The metamorphic rule: what fails must not pass when less can be seen."""
    wrong = {}

    def attempt(how: str, changed) -> None:
        place.answers(changed)
        found = place.audit(subject, "auditor")
        if not may_follow_failure(*verdict(found.conclusion)):
            wrong[how] = found.summary

    attempt("as a user who may see nothing", lambda question: DENIED)
    attempt("with no cmdlet there", lambda question: MISSING)
    for unseen in questions:
        for what, answer in NOT_SEEN.items():
            attempt(f"{what}: {unseen}", lambda asked, u=unseen, a=answer: a if asked == u else look(asked))
    assert wrong == {}, "\n".join(f"{how}: {summary}" for how, summary in wrong.items())
