"""What the plan of a run is, once it is known which hosts its groups have."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_aisec.catalog.groups import Plans
from pytest_aisec.catalog.load import load_catalog
from pytest_aisec.catalog.policy import GatePolicy
from pytest_aisec.catalog.profile import load_chain
from pytest_aisec.catalog.resolve import make_plan
from pytest_aisec.errors import UsageProblem

GATE = GatePolicy(min_score=0.5)


@pytest.fixture
def plans(content: Any) -> Plans:
    """Return plans of two groups: web has 01 and leaves 02 out, gpu has 01 and 02."""
    content.control("ACME-ART-01")
    content.control("ACME-ART-02")
    content.profile("web-node", "controls: {ACME-ART-01: }\nexclude: {ACME-ART-02: no GPU}\n")
    content.profile("gpu-node", "controls: {ACME-ART-01: , ACME-ART-02: }\n")
    catalog = load_catalog([content.root])
    made = {
        name: make_plan(load_chain(f"{name}-node", [content.root], cwd=content.path), catalog)
        for name in ("web", "gpu")
    }
    first = made["web"]
    return Plans(name="all", title="All", version="1", by_group=made, gate=first.gate, gate_at=first.gate_at)


def test_a_host_has_what_is_planned_for_its_group(plans: Plans) -> None:
    plan = plans.for_hosts({"web": ["ssh://w"], "gpu": ["ssh://g"]}, GATE)
    assert ["ACME-ART-01"] == [*plan.on("ssh://w")]
    assert ["ACME-ART-01", "ACME-ART-02"] == [*plan.on("ssh://g")]
    assert ["web/ACME-ART-01", "gpu/ACME-ART-01", "gpu/ACME-ART-02"] == [item.key for item in plan.controls]
    assert [] == [*plan.on("ssh://unknown")]
    assert GATE == plan.gate


def test_what_is_planned_for_a_group_without_hosts_is_not_in_the_plan(plans: Plans) -> None:
    plan = plans.for_hosts({"gpu": ["ssh://g"]}, GATE)
    assert ["gpu"] == [group.name for group in plan.groups]
    assert {"gpu"} == {item.group for item in plan.controls}
    assert () == plan.excluded


def test_a_host_in_two_groups_is_refused(plans: Plans) -> None:
    with pytest.raises(UsageProblem, match=r"^host ssh://h is in the groups web and gpu,"):
        plans.for_hosts({"web": ["ssh://h"], "gpu": ["ssh://h"]}, GATE)


def test_recorded_hosts_keep_their_groups(plans: Plans) -> None:
    assert {"web": ["ssh://w"], "gpu": ["ssh://g"]} == plans.recorded({"ssh://w": "web", "ssh://g": "gpu"})


@pytest.mark.parametrize(
    ("group", "why"), [("", "is in no group of the settings"), ("wep", "did you mean web")]
)
def test_a_recorded_host_without_a_group_of_the_settings_is_refused(
    plans: Plans, group: str, why: str
) -> None:
    with pytest.raises(UsageProblem, match=r"^recorded host ssh://w is in ") as refused:
        plans.recorded({"ssh://w": group})
    assert why.lower() in str(refused.value).lower()
