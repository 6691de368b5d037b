"""Every control, on real hosts: each scenario comes out as its name says, and none passes unseen."""

from dataclasses import replace

import pytest
import scenarios
import windows
from scenarios import Scenario

from pytest_aisec.catalog.content import content_root
from pytest_aisec.catalog.load import load_catalog

CATALOG = load_catalog([content_root()])
ALL = scenarios.all_scenarios()
WINDOWS = windows.all_scenarios()


@pytest.mark.parametrize("scenario", [item for item in ALL if not item.is_aws], ids=lambda item: item.id)
def test_scenario(lab, scenario: Scenario) -> None:
    with lab.host(kind=scenario.kind, layers=scenario.wheels) as host:
        check(lab, host, scenario)


def check(lab, lab_host, scenario: Scenario) -> None:
    lab_host.sh(scenario.script, timeout=240 if scenario.wheels else 60)  # these start slowly
    before = lab_host.changes()
    found = audit(lab, lab_host, scenario)
    seen = (found.conclusion.outcome.value, found.conclusion.reason if scenario.outcome == "error" else "")
    assert (scenario.outcome, scenario.reason) == seen, found.summary
    assert before == lab_host.changes(), "the audit changed the host"
    one_by_one = audit(lab, lab_host, scenario, waves=False)
    assert verdict(found.conclusion) == verdict(one_by_one.conclusion), "without waves it came out otherwise"
    assert found.conclusion == found.replayed(), "replaying the transcript gave another verdict"
    if scenario.outcome == "failed":
        check_that_it_never_passes(lab, lab_host, scenario, scenarios.tools(found.transcript, lab_host.root))


def audit(lab, host, scenario: Scenario, *, waves: bool = True) -> scenarios.Audit:
    return scenarios.run(
        CATALOG[scenario.control],
        scenario.params,
        host.spec(scenario.user),
        lab.ssh_config,
        sudo=scenario.sudo,
        waves=waves,
        active=scenario.active,
        advisories=scenario.advisories,
    )


def verdict(conclusion) -> tuple[str, str]:
    return conclusion.outcome.value, conclusion.reason


def check_that_it_never_passes(lab, host, scenario: Scenario, tools) -> None:
    """The metamorphic rule: what fails must not pass when less can be seen."""
    wrong = {}

    def attempt(how: str, user: str, *, sudo: bool = False) -> None:
        found = audit(lab, host, replace(scenario, user=user, sudo=sudo))
        if found.conclusion.outcome.value not in {"failed", "error"} or found.conclusion.reason == "internal":
            wrong[how] = found.summary

    attempt("as an unprivileged user", "auditor")
    attempt("with sudo refused", "prompter", sudo=True)
    for tool in tools:
        with scenarios.without(tool):
            attempt(f"without {tool.name}", scenario.user, sudo=scenario.sudo)
    assert wrong == {}, "\n".join(f"{how}: {summary}" for how, summary in wrong.items())


@pytest.mark.parametrize("control", CATALOG)
def test_every_control_has_a_scenario_that_passes_and_one_that_fails(control: str) -> None:
    have = {item.outcome for item in [*ALL, *WINDOWS] if item.control == control}
    assert {"passed", "failed"} <= have


def test_every_scenario_belongs_to_a_control() -> None:
    assert [item.id for item in [*ALL, *WINDOWS] if item.control not in CATALOG] == []


def test_what_runs_as_a_script_is_for_linux_and_what_is_played_for_windows() -> None:
    assert [item.id for item in ALL if "linux" not in CATALOG[item.control].platforms] == []
    assert [item.id for item in WINDOWS if "windows" not in CATALOG[item.control].platforms] == []
