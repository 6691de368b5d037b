from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pytest_aisec.errors import UsageProblem
from pytest_aisec.judge.outcome import Outcome
from pytest_aisec.judge.run import Result, WaiverState
from pytest_aisec.judge.waivers import waiver
from pytest_aisec.judge.waivers.statement import matches
from pytest_aisec.judge.waivers.waiver import Waiver

TODAY = date(2026, 11, 15)
HOSTS = ("ssh://root@gpu-1", "ssh://gpu-2:2222", "local://")
ID = "ACME-TST-01"


def excuse(**changes: Any) -> Waiver:
    return Waiver.model_validate(
        {
            "id": "W-1",
            "control": ID,
            "hosts": ["gpu-*"],
            "reason": "The vendor image writes there.",
            "approved_by": "ciso@example.com",
            "approved_on": "2026-10-01",
            "expires": "2026-12-31",
            **changes,
        }
    )


def result(outcome: Outcome, host: str = HOSTS[0], control: str = ID) -> Result:
    return Result(control=control, host=host, outcome=outcome, reason="", severity="high", title="")


def laid(results: list[Result], *waivers: Waiver, today: date = TODAY) -> Any:
    return waiver.apply(results, waivers, HOSTS, today)


@pytest.mark.parametrize(
    ("pattern", "host", "expected"),
    [
        ("gpu-1", "ssh://root@gpu-1", True),
        ("gpu-*", "ssh://gpu-2:2222", True),
        ("ssh://root@gpu-1", "ssh://root@gpu-1", True),
        ("ssh://*", "ssh://root@gpu-1", True),
        ("local://", "local://", True),
        ("*", "local://", True),
        ("gpu", "ssh://root@gpu-1", False),
        ("root@gpu-1", "ssh://root@gpu-1", False),
        ("GPU-1", "ssh://gpu-1", False),
        ("ssh", "ssh://gpu-1", False),
    ],
)
def test_a_host_is_named_whole_or_by_its_address(pattern: str, host: str, *, expected: bool) -> None:
    assert expected == matches(pattern, host)


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize(
    ("today", "holds"),
    [
        (date(2026, 9, 30), None),
        (date(2026, 10, 1), True),
        (date(2026, 12, 31), True),
        (date(2027, 1, 1), False),
    ],
)
def test_only_a_failure_is_excused_and_only_from_its_first_through_its_last_day(
    outcome: Outcome, today: date, *, holds: bool | None
) -> None:
    expected = None
    if outcome is Outcome.FAILED and holds is not None:
        expected = WaiverState(id="W-1", state="active" if holds else "expired")
    if outcome is Outcome.PASSED and holds:
        expected = WaiverState(id="W-1", state="stale")
    ((one,), _) = laid([result(outcome)], excuse(), today=today)
    assert (outcome, expected) == (one.outcome, one.waiver)


@pytest.mark.parametrize("other", [{"hosts": ["cpu-*"]}, {"control": "ACME-TST-02"}])
def test_a_waiver_for_something_else_excuses_nothing(other: dict[str, Any]) -> None:
    ((one,), (info,)) = laid([result(Outcome.FAILED)], excuse(**other))
    assert one.waiver is None
    assert (info.state, info.excuses, info.passes) == ("unused", 0, 0)
    assert info.note in {"no host of the run is named cpu-*", "the run does not contain this control"}


def test_of_two_that_overlap_the_narrower_one_is_named() -> None:
    wide, narrow = excuse(id="W-1", hosts=["*"]), excuse(id="W-2", hosts=["gpu-1"])
    results, (first, second) = laid([result(Outcome.FAILED), result(Outcome.FAILED, HOSTS[1])], wide, narrow)
    assert ["W-2", "W-1"] == [item.waiver.id for item in results]
    assert first.note == "W-2 takes its place on ssh://root@gpu-1"
    assert (first.excuses, second.excuses, second.note) == (1, 1, "")


def test_one_that_holds_comes_before_a_narrower_one_that_is_over() -> None:
    over = excuse(id="W-1", hosts=["gpu-1"], expires="2026-11-14")
    ((one,), infos) = laid([result(Outcome.FAILED)], over, excuse(id="W-2", hosts=["*"]))
    assert one.waiver == WaiverState(id="W-2", state="active")
    assert ["expired", "active"] == [item.state for item in infos]


@pytest.mark.parametrize(
    ("outcomes", "changes", "state", "note"),
    [
        ([Outcome.FAILED], {}, "active", ""),
        ([Outcome.FAILED], {"expires": "2026-12-15"}, "expiring", ""),
        ([Outcome.FAILED], {"expires": "2026-12-16"}, "active", ""),
        ([Outcome.FAILED], {"expires": "2026-11-15"}, "expiring", ""),
        ([Outcome.FAILED], {"expires": "2026-11-14"}, "expired", ""),
        ([Outcome.PASSED], {}, "stale", "passes on ssh://root@gpu-1"),
        ([Outcome.PASSED, Outcome.FAILED], {}, "active", "passes on ssh://root@gpu-1"),
        (
            [Outcome.ERROR],
            {},
            "unused",
            "error on ssh://root@gpu-1, which no waiver excuses: nothing is known there",
        ),
        ([Outcome.NOT_APPLICABLE], {}, "unused", "neither passed nor failed on ssh://root@gpu-1"),
        (
            [Outcome.FAILED],
            {"approved_on": "2026-11-16"},
            "unused",
            "approved only on 2026-11-16, after the run",
        ),
    ],
)
def test_the_life_of_a_waiver(outcomes: list[Outcome], changes: Any, state: str, note: str) -> None:
    results = [result(outcome, host) for outcome, host in zip(outcomes, HOSTS, strict=False)]
    _, (info,) = laid(results, excuse(**changes))
    assert (state, note) == (info.state, info.note)


GOOD = """\
- id: W-1
  control: ACME-TST-01
  hosts: ["gpu-*"]
  reason: The vendor image writes there.
  approved_by: ciso@example.com
  approved_on: 2026-10-01
  expires: 2026-12-31
"""


def refusal(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageProblem) as caught:
        waiver.load([path], [ID])
    return str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("TST-01", "TST-10", ":2:3: unknown control 'ACME-TST-10'. Did you mean ACME-TST-01?"),
        (
            "expires: 2026-12-31",
            "expires: 2026-09-30",
            ":7:3: 0.expires: must not be before approved_on, 2026-10-01",
        ),
        ("2026-12-31", "soon", ":7:3: 0.expires: must be a day such as 2026-12-31 (got 'soon')"),
        ("2026-12-31", "20261231", ":7:3: 0.expires: must be a day such as 2026-12-31 (got 20261231)"),
        ("2026-12-31", "2026-12-31T10:00:00", ":7:3: 0.expires: must be a day"),
        ("2026-12-31", "'2026-02-30'", ":7:3: 0.expires: day "),
        ("  expires: 2026-12-31\n", "", ":1:3: '0.expires' is missing"),
        ('hosts: ["gpu-*"]', "hosts: []", ":3:3: 0.hosts: "),
        ('hosts: ["gpu-*"]', "hosts: gpu-1", ":3:3: 0.hosts: "),
        ("reason: The vendor image writes there.", "reason: ' '", ":4:3: 0.reason: "),
        ("approved_by", "aproved_by", ":5:3: unknown key '0.aproved_by'. Did you mean approved_by"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert old in GOOD
    path = tmp_path / "waivers.yaml"
    assert f"{path}{expected}" in refusal(path, GOOD.replace(old, new))


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "waivers.yaml"
    text = GOOD.replace("TST-01", "TST-99") + GOOD
    problems = refusal(path, text).splitlines()
    assert [
        f"{path}:2:3: unknown control 'ACME-TST-99'. Did you mean ACME-TST-01?",
        f"{path}:8:3: id 'W-1' is taken, by {path}:1:3",
    ] == problems


def test_a_directory_holds_several_files(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD)
    (tmp_path / "b.yml").write_text("# none yet\n")
    (tmp_path / "c.txt").write_text("no waivers\n")
    given = waiver.load([tmp_path], [ID])
    assert [("a.yaml", GOOD), ("b.yml", "# none yet\n")] == [*given.sources]
    assert [f"{tmp_path}/a.yaml:1:3"] == [*given.places]
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(UsageProblem, match=r"holds no \.yaml or \.yml file"):
        waiver.load([empty], [ID])


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match=r"nowhere\.yaml: cannot be read: No such file"):
        waiver.load([tmp_path / "nowhere.yaml"], [ID])
