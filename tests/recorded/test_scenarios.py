"""Every scenario of every control, judged again from what live hosts answered, and with each answer spoiled."""

from __future__ import annotations

from datetime import datetime

import pytest

from pytest_aisec.testing import recordings
from tests.support import scenarios
from tests.support.scenarios import CATALOG, AnyScenario

ALL = scenarios.everything()
MEND = "`tox -e lab -- tests/lab -k {control}` as root on Debian records it, to be committed"


@pytest.mark.parametrize("scenario", ALL, ids=lambda item: item.id)
def test_scenario(scenario: AnyScenario, stale_is_allowed) -> None:
    why = scenarios.why_out_of_date(scenario)
    mend = MEND.format(control=scenario.control)
    if why and not stale_is_allowed:
        pytest.fail(f"{scenario.id}: {why}; {mend}", pytrace=False)
    recording = scenarios.recording_of(scenario)
    assert recording is not None
    first = recording.runs[0]
    assert (scenario.outcome, scenario.reason) == (first.outcome, first.reason)
    subject = scenarios.subject_of(scenario, datetime.fromisoformat(recording.recorded_at))
    wrong = recordings.judge(recording, subject, scenarios.answered(scenario.control))
    assert wrong == [], "\n".join(wrong)


@pytest.mark.parametrize("control", [*recordings.all_in(scenarios.RECORDINGS)])
def test_every_recording_is_of_a_scenario(control: str) -> None:
    names = {item.path.name for item in ALL if item.control == control}
    gone = sorted(set(scenarios.recorded(control)) - names)
    assert gone == [], MEND.format(control=control)


@pytest.mark.parametrize("control", CATALOG)
def test_every_control_has_a_scenario_that_passes_and_one_that_fails(control: str) -> None:
    have = {item.outcome for item in ALL if item.control == control}
    assert {"passed", "failed"} <= have


@pytest.mark.parametrize(
    "control", [key for key, control in CATALOG.items() if "windows" in control.platforms]
)
def test_every_control_for_windows_has_an_error(control: str) -> None:
    assert "error" in {item.outcome for item in ALL if item.control == control}


def test_every_scenario_belongs_to_a_control_of_its_platform() -> None:
    platforms = {
        item.id: (("windows" if item.path.suffix == ".json" else "linux"), CATALOG.get(item.control))
        for item in ALL
    }
    assert [
        key for key, (name, control) in platforms.items() if control is None or name not in control.platforms
    ] == []


def test_the_recordings_are_small() -> None:
    sizes = [path.stat().st_size for path in scenarios.RECORDINGS.glob(f"*{recordings.SUFFIX}")]
    assert sum(sizes) < 8 * 1024 * 1024
