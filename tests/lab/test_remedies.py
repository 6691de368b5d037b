"""The remediation of a control, run as it stands on a host that fails: it mends that, and breaks nothing else."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from pytest_aisec.catalog.resolve import single
from pytest_aisec.observe.hosts import HostOptions
from pytest_aisec.observe.transport.base import Limits
from pytest_aisec.testing import setups
from pytest_aisec.testing.audits import Connections, verdict
from pytest_aisec.testing.labkit.lab import Lab, LabHost
from pytest_aisec.testing.scenarios import Scenario
from tests.lab.test_aws_scenarios import AwsPlace
from tests.support import live, scenarios
from tests.support.hardened import audit, outcomes

MENDED = [item for item in scenarios.everything() if isinstance(item, Scenario) and item.remedy is not None]
LEFT_OUT = ("CLD", "WIN", "MDL")
"""Families that are not about a Linux host itself."""


def commands(scenario: Scenario) -> str:
    """Return the remediation with the parameters of the scenario, and what stands there for words in capitals."""
    text = single(scenarios.CATALOG[scenario.control], scenario.params).remediation
    for word, meant in (scenario.remedy or {}).items():
        assert re.search(rf"\b{word}\b", text), f"the remediation of {scenario.control} has no {word}"
        text = re.sub(rf"\b{word}\b", lambda _, meant=meant: meant, text)
    return text


WITH_ALL = live.part({item.control: item for item in reversed(MENDED)}.values(), of=3)
"""Scenarios, one of a control, with which all other controls are audited, too."""


def profile(scenario: Scenario) -> str:
    """Return a profile of all controls of Linux hosts, with the parameters of the scenario for its own."""
    lines = ["id: all", "title: All", "version: 1.0.0", "controls:"]
    for name, control in scenarios.CATALOG.items():
        if "linux" in control.platforms and control.family not in LEFT_OUT:
            own = scenario.params if name == scenario.control else {}
            lines.append(f"  {name}: {json.dumps({'params': own} if own else {})}")
    return "\n".join(lines) + "\n"


def whole_audit(lab: Lab, host: LabHost, scenario: Scenario, directory: Path) -> dict[str, str]:
    """Return how each control ended on the host, as a user sees it."""
    path = directory / "all.yaml"
    path.write_text(profile(scenario), encoding="utf-8")
    spec = host.spec(scenario.user)
    sudo = ["--sudo"] if scenario.sudo else []
    arguments = [f"--aisec-profile={path}", f"--hosts={spec}", f"--ssh-config={lab.ssh_config}", *sudo]
    ended, run = audit(directory, *arguments)
    assert run is not None, ended.stdout + ended.stderr
    return outcomes(run, spec)


def one_audit(lab: Lab, host: LabHost, scenario: Scenario) -> dict[str, str]:
    """Return how the scenario's control ended on the host, over a connection of its own."""
    options = HostOptions(ssh_config=str(lab.ssh_config), limits=Limits(timeout=20.0))
    with Connections(options=options) as connections:
        subject = scenarios.subject_of(scenario)
        found = connections.audit(subject, host.spec(scenario.user), sudo=scenario.sudo)
    return {scenario.control: found.conclusion.outcome.value}


@pytest.mark.parametrize("scenario", [item for item in MENDED if not item.is_aws], ids=lambda item: item.id)
def test_a_remedy_mends_and_breaks_nothing(lab, tmp_path, scenario: Scenario) -> None:
    def audited(host: LabHost) -> dict[str, str]:
        is_with_all = scenario.id in WITH_ALL
        return whole_audit(lab, host, scenario, tmp_path) if is_with_all else one_audit(lab, host, scenario)

    with lab.host(kind=scenario.host, layers=scenario.wheels) as host:
        done = host.sh(setups.command(scenario, 60), check=False)
        setups.check(scenario, done.returncode, done.stdout, done.stderr)
        before = audited(host)
        assert before[scenario.control] == "failed"
        by = f"SUDO_USER={scenario.user} export SUDO_USER\n" if scenario.sudo else ""
        mending = host.sh(f"cd /\n{by}{commands(scenario)}", check=False)
        after = audited(host)
    said = f"{commands(scenario)}\n{mending.stdout}{mending.stderr}"
    assert (mending.returncode, after[scenario.control]) == (0, "passed"), said
    assert [] == [
        f"{name}: {after[name]}"
        for name, outcome in before.items()
        if outcome == "passed" and after[name] not in {"passed", "not_applicable"}
    ], said


@pytest.mark.parametrize("scenario", [item for item in MENDED if item.is_aws], ids=lambda item: item.id)
def test_a_remedy_mends_an_account(aws_account, scenario: Scenario) -> None:
    place = AwsPlace(aws_account, "")
    place.run(scenario)
    subject = scenarios.subject_of(scenario)
    assert ("failed", "") == verdict(place.audit(subject).conclusion)
    aws_account.sh(commands(scenario))
    again = AwsPlace(aws_account, "").audit(subject)
    assert ("passed", "") == verdict(again.conclusion), again.summary
