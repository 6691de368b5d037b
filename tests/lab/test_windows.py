"""Every control for Windows, over real HTTP and NTLM, against played answers: no real Windows was asked."""

from __future__ import annotations

import pytest
import windows
from labkit.winrm import DENIED, MISSING, PASSWORD, Answer, Look, answers
from windows import WindowsScenario

from pytest_aisec.catalog.content import content_root
from pytest_aisec.catalog.load import load_catalog
from pytest_aisec.observe.redact import redact

CATALOG = load_catalog([content_root()])
ALL = windows.all_scenarios()
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
def test_scenario(scenario: WindowsScenario, tmp_path) -> None:
    control, look = CATALOG[scenario.control], answers(scenario.table)
    found = windows.audit(control, scenario, look, tmp_path)
    seen = (found.conclusion.outcome.value, found.conclusion.reason if scenario.outcome == "error" else "")
    assert (scenario.outcome, scenario.reason) == seen, found.summary
    one_by_one = windows.audit(control, scenario, look, tmp_path, waves=False)
    assert found.conclusion == one_by_one.conclusion, "without waves it came out otherwise"
    assert found.conclusion == found.replayed(), "replaying the transcript gave another verdict"
    for item in found.transcript:
        assert item.command == redact(item.command), "a question looks like a credential"
        assert "«redacted" not in item.command
    if scenario.outcome == "failed":
        check_that_it_never_passes(scenario, look, [item.command for item in found.transcript], tmp_path)


def check_that_it_never_passes(scenario: WindowsScenario, look: Look, questions: list[str], tmp_path) -> None:
    """The metamorphic rule: what fails must not pass when less can be seen."""
    wrong = {}

    def attempt(how: str, changed: Look) -> None:
        found = windows.audit(CATALOG[scenario.control], scenario, changed, tmp_path)
        if found.conclusion.outcome.value not in {"failed", "error"} or found.conclusion.reason == "internal":
            wrong[how] = found.summary

    attempt("as a user who may see nothing", lambda question: DENIED)
    attempt("with no cmdlet there", lambda question: MISSING)
    for unseen in questions:
        for what, answer in NOT_SEEN.items():
            attempt(f"{what}: {unseen}", lambda asked, u=unseen, a=answer: a if asked == u else look(asked))
    assert wrong == {}, "\n".join(f"{how}: {summary}" for how, summary in wrong.items())


@pytest.mark.parametrize(
    "control", [key for key, control in CATALOG.items() if "windows" in control.platforms]
)
def test_every_control_has_a_scenario_that_passes_one_that_fails_and_an_error(control: str) -> None:
    have = {item.outcome for item in ALL if item.control == control}
    assert {"passed", "failed", "error"} <= have
