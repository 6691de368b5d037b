"""Whole profiles on a stock Debian host, which has almost nothing of what they look for."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pytest_aisec.catalog.content import content_root
from pytest_aisec.catalog.context import Evaluation
from pytest_aisec.catalog.load import load_catalog
from pytest_aisec.catalog.profile import load_chain, profile_files
from pytest_aisec.catalog.resolve import make_plan
from pytest_aisec.judge import evaluate
from pytest_aisec.observe.hosts import HostOptions, resolve
from pytest_aisec.observe.transcript import Transcript
from pytest_aisec.observe.transport.base import Limits
from pytest_aisec.observe.waves import Suggestions, Work, collect_host
from tests.support import forks

ROOTS = (content_root(),)
CATALOG = load_catalog(ROOTS)
PLANS = {
    name: make_plan(load_chain(name, ROOTS, cwd=Path()), CATALOG) for name in sorted(profile_files(ROOTS))
}
LINUX = [
    name
    for name, plan in PLANS.items()
    if any("linux" in planned.control.platforms for planned in plan.controls) and name != "aws-account"
]


@pytest.mark.parametrize("user", ["root", "auditor"])
@pytest.mark.parametrize("profile", LINUX)
def test_nothing_on_a_stock_host_is_misread(profile, user, lab, lab_host, tmp_path) -> None:
    forks.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--aisec-profile={profile}"),
            *(f"--hosts={lab_host.spec(user)}", f"--ssh-config={lab.ssh_config}", "--aisec-cache=none"),
            f"--aisec-evidence={tmp_path / 'evidence'}",
        ],
        cwd=tmp_path,
        env={**os.environ, "COLUMNS": "80"},
        capture_output=True,
        check=False,
    )
    results = json.loads((tmp_path / "evidence/run.json").read_text(encoding="utf-8"))["results"]
    assert [item.id for item in PLANS[profile].controls] == [item["control"] for item in results]
    misread = [item for item in results if item["reason"] in {"internal", "parse", "no_observation"}]
    assert misread == []


WAVES: dict[str, int] = {}
"""Of one control alone, on a stock host: several profiles have it with the same parameters."""


@pytest.mark.parametrize("profile", LINUX)
def test_a_whole_profile_takes_no_more_waves_than_its_deepest_control(profile, lab, lab_host) -> None:
    options = HostOptions(hosts=lab_host.spec(), ssh_config=str(lab.ssh_config), limits=Limits(timeout=20))
    (target,) = resolve(options)

    def waves(plan) -> int:
        host = target.observed(Transcript(), options.limits)
        circumstances = Evaluation(now=datetime.now(UTC))
        work = Work(name=target.name, open=lambda: host, close=lambda: None)
        return collect_host(work, evaluate.speculations(plan, circumstances), Suggestions()).waves

    whole = PLANS[profile]
    alone = {}
    try:
        for planned in whole.controls:
            key = f"{planned.id} {planned.params}"
            if key not in WAVES:
                WAVES[key] = waves(replace(whole, controls=(planned,)))
            alone[planned.id] = WAVES[key]
        assert max(alone.values()) >= waves(whole), alone
    finally:
        target.disconnect()


@pytest.mark.parametrize(("place", "most"), [("lab_podman", 15), ("lab_chroot", 10)])
def test_few_controls_are_errors_where_there_are_few_tools(place, most, request, tmp_path) -> None:
    """BusyBox alone, and a directory: `bench/zoo.py` tells of more kinds of hosts."""
    found = request.getfixturevalue(place)
    spec = found.spec if place == "lab_podman" else f"chroot://{found}"
    forks.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--aisec-profile=inference-server"),
            *(f"--hosts={spec}", "--aisec-cache=none", f"--aisec-evidence={tmp_path / 'evidence'}"),
        ],
        cwd=tmp_path,
        env={**os.environ},
        capture_output=True,
        check=False,
    )
    results = json.loads((tmp_path / "evidence/run.json").read_text(encoding="utf-8"))["results"]
    errors = {item["control"]: item["message"] for item in results if item["outcome"] == "error"}
    assert 100 * len(errors) <= most * len(results), errors
