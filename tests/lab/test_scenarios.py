"""Every control, on real hosts: each scenario comes out as its name says, and none passes unseen."""

import pytest

from pytest_aisec.testing.proofs import prove
from pytest_aisec.testing.scenarios import Scenario
from tests.support import live, scenarios

ALL = [item for item in scenarios.everything() if isinstance(item, Scenario) and not item.is_aws]


@pytest.mark.parametrize("scenario", ALL, ids=lambda item: item.id)
def test_scenario(places, scenario: Scenario) -> None:
    control, advisories = scenarios.CATALOG[scenario.control], scenarios.index(scenario.advisories)
    with places.place(scenario) as place:
        proof = prove(scenario, control, place, advisories=advisories)
    assert proof.problems == (), "\n".join(proof.problems)
    live.keep(proof)
