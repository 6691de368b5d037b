"""What docs/techniques.md says of a host has a scenario that proves it."""

import re
from pathlib import Path

import pytest

TREE = Path(__file__).parents[2]
ROWS = [
    [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
    for line in (TREE / "docs/techniques.md").read_text(encoding="utf-8").splitlines()
    if "[AISEC-" in line and line.startswith("|")
]
FAIL_AS_SAID = {"AISEC-SUP-04", "AISEC-CTR-07"}
"""What the advice itself does wrong."""


def control_of(row: list[str]) -> str:
    """Return the control of a row."""
    return re.findall(r"AISEC-[A-Z]{3}-\d+", row[1])[0]


def scenarios_of(cells: list[str]) -> list[str]:
    """Return the scenarios that cells name."""
    return [name for cell in cells for name in re.findall(r"`(\w+\.(?:pass|fail|error))`", cell)]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{control_of(row)}: {row[2]}")
def test_each_scenario_is_there(row):
    there = {path.name.rpartition(".")[0] for path in (TREE / "tests/scenarios" / control_of(row)).iterdir()}
    named = scenarios_of(row[2:])
    assert named
    assert set(named) <= there


def test_advice_that_is_followed_passes():
    failing = {control_of(row) for row in ROWS if not row[2].endswith(".pass`")}
    assert failing == FAIL_AS_SAID


def test_advice_that_is_followed_wrongly_never_passes():
    assert [] == [name for row in ROWS for name in scenarios_of(row[3:]) if name.endswith(".pass")]


def test_three_ways_of_doing_it_wrong_are_tried():
    few = {control_of(row) for row in ROWS if len(scenarios_of(row[3:])) < 3}
    assert few <= {"AISEC-CTR-07"}


def test_every_recommended_scenario_is_in_the_table():
    named = {(control_of(row), name) for row in ROWS for name in scenarios_of(row[2:])}
    found = {
        (path.parent.name, path.name.rpartition(".")[0])
        for path in (TREE / "tests/scenarios").glob("*/*as_recommended*")
    }
    assert found - named <= {("AISEC-SUP-04", "as_recommended.pass"), ("AISEC-SUP-07", "as_recommended.pass")}
