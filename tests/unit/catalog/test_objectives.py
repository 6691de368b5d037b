from __future__ import annotations

from collections import Counter

import pytest

from pytest_aisec import Host
from pytest_aisec.catalog import frameworks
from pytest_aisec.catalog.control import control, control_of
from pytest_aisec.catalog.objectives import OBJECTIVES, Objective, merged
from pytest_aisec.errors import UsageProblem


def example(host: Host) -> None:
    """Logs are kept."""


@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_ids_of_an_objective_are_known_and_in_order(name: Objective) -> None:
    ids = OBJECTIVES[name]
    for key, named in ids.items():
        frameworks.check(key, named)
    assert {key: tuple(named) for key, named in ids.items()} == merged([name], {})


def test_a_control_has_the_ids_of_its_objectives_and_its_own_each_once_and_in_order() -> None:
    declared = control(
        "ACME-LOG-01",
        severity="low",
        remediation="true",
        objectives=["log_retention", "audit_logging"],
        nist_800_53=["AU-9", "AU-2"],
        owasp_llm=["LLM10:2025"],
    )(example)
    found = control_of(declared)
    assert found is not None
    assert ("AU-2", "AU-3", "AU-4", "AU-9", "AU-11", "AU-12") == found.frameworks["nist_800_53"]
    assert ("LLM10:2025",) == found.frameworks["owasp_llm"]
    assert ("12.1", "15.5", "19", "26.6") == found.frameworks["eu_ai_act"]
    assert sorted(found.frameworks) == [*found.frameworks]


def test_an_unknown_objective_is_refused_with_the_nearest() -> None:
    with pytest.raises(
        UsageProblem, match=r"unknown objective 'audit_loging'\. Did you mean audit_logging\?"
    ):
        control("ACME-LOG-01", severity="low", remediation="true", objectives=["audit_loging"])(example)  # type: ignore[list-item]


def test_no_two_objectives_have_the_same_ids() -> None:
    assert {1} == set(Counter(map(str, OBJECTIVES.values())).values())
