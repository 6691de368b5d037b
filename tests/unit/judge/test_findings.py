"""Findings: their subjects come from what was observed, their ids outlive runs, and their age baselines."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aisec.judge.findings import accounted_for, attach, identify, of, subjects
from pytest_aisec.judge.outcome import Outcome
from pytest_aisec.judge.run import Result, Run
from tests.support.runs import control, result, run_of

NAMES = st.text(st.characters(codec="utf-8"), max_size=12)


@pytest.mark.parametrize(
    ("observed", "expected", "named"),
    [
        ({"/srv/b": "0666", "/srv/a": "0777"}, {}, ("/srv/a", "/srv/b")),
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, ("b",)),
        ({"a": 1}, {"a": 1, "b": 3}, ("b",)),
        ({"logon": True, "logoff": False}, {"logon": True, "logoff": True}, ("logoff",)),
        ({"vulnerable": {"torch": ["CVE-1"]}, "perhaps": {}}, {"vulnerable": {}, "perhaps": {}}, ("vulnerable: torch",)),
        ({"vllm (4711)": "v0.1"}, {}, ("vllm",)),
        ({"/etc/ssh/sshd_config:12: permitrootlogin": "yes"}, {}, ("/etc/ssh/sshd_config: permitrootlogin",)),
        ({"process 4711": 1, "process 4712 vllm": 1}, {}, ("process", "process vllm")),
        ({"ssh (4711): tunnel": 1, "cron: /etc/crontab:7 as root": 1}, {}, ("cron: /etc/crontab as root", "ssh: tunnel")),
        ({"http://gpu-1:8000/v1": 1, "nvidia-smi (MIG 1)": 1, "process2 9": 1}, {}, ("http://gpu-1:8000/v1", "nvidia-smi (MIG 1)", "process2 9")),
        ({"tcp [::]:8000": 1, "eu-west-1 i-0a (p4d)": 1}, {}, ("eu-west-1 i-0a (p4d)", "tcp [::]:8000")),
        ({"tcp 0.0.0.0:8000": "ray"}, {}, ("tcp 0.0.0.0:8000",)),
        (["/srv/a", "/srv/b", "/srv/a"], [], ("/srv/a", "/srv/b")),
        ([8000, 22], [], ("22", "8000")),
        (["archive: 12 days (rotated away)"], [], ()),
        (["/srv/a"], ["/srv/b"], ()),
        ([True], [], ()),
        ([{"path": "/srv/a"}], [], ()),
        ({}, {}, ()),
        (17, 10, ()),
        ("0777", "0640", ()),
        ({"mode": "0777"}, "0640", ()),
        (None, None, ()),
    ],
)  # fmt: skip
def test_subjects_are_the_things_that_differ(observed: Any, expected: Any, named: tuple[str, ...]) -> None:
    assert named == subjects(observed, expected)


def failed(observed: Any = None, expected: Any = None, host: str = "gpu-1", **changes: Any) -> Result:
    return result(control(1), host, "failed", observed=observed, expected=expected, **changes)


def ids(one: Result) -> set[str]:
    return {item.id for item in of(one)}


def test_a_failure_without_subjects_is_one_finding_whatever_it_says() -> None:
    (whole,) = of(failed(message="17 MB free"))
    assert ("", identify("AISEC-ART-01", "gpu-1")) == (whole.subject, whole.id)
    assert ids(failed(message="18 MB free")) == ids(failed(12, 10)) == {whole.id}


@pytest.mark.parametrize("outcome", [item for item in Outcome if item is not Outcome.FAILED])
def test_only_what_failed_has_findings(outcome: Outcome) -> None:
    assert () == of(replace(failed({"/srv/a": 1}, {}), outcome=outcome))


def test_ids_depend_on_the_subject_and_not_on_its_text() -> None:
    before = failed({"/srv/a": "mode 0777", "/srv/b": "mode 0666"}, {})
    after = failed({"/srv/b": "mode 0622, owned by nobody"}, {}, message="else", severity="low", title="T")
    assert ids(after) < ids(before)
    assert not ids(before) & ids(replace(before, host="gpu-2"))
    assert not ids(before) & ids(replace(before, control="AISEC-ART-02"))


def test_the_id_of_a_finding_is_known() -> None:
    assert "bfe84180bd921aed02cb575b9e8fe401" == identify("AISEC-ART-01", "gpu-1", "/srv/a")


@given(st.dictionaries(NAMES, st.integers(), min_size=1), st.integers())
def test_a_failed_mapping_has_a_finding_for_each_thing_and_each_id_once(
    wrong: dict[str, int], more: int
) -> None:
    found = of(failed(wrong, {}))
    assert 1 <= len(found) == len({item.id for item in found}) <= len(wrong)
    assert found == of(failed({name: value + more for name, value in reversed(wrong.items())}, {}))


def run(*results: Result, day: int = 1) -> Run:
    made = run_of([control(1)], results, {item.host: [] for item in results})
    return replace(made, run=replace(made.run, started_at=f"2026-03-{day:02}T09:30:00Z"))


def ages(one: Run) -> dict[str, str]:
    return {item.subject: item.first_seen[8:10] for each in one.results for item in each.findings}


def test_what_was_seen_before_keeps_the_day_through_several_baselines() -> None:
    first = attach(run(failed({"/srv/a": 1}, {}), day=1))
    second = attach(run(failed({"/srv/a": 2, "/srv/b": 1}, {}), day=2), first)
    third = attach(run(failed({"/srv/a": 2, "/srv/b": 1, "/srv/c": 1}, {}), day=3), second)
    assert {"/srv/a": "01", "/srv/b": "02", "/srv/c": "03"} == ages(third)


def test_what_was_mended_in_between_is_new() -> None:
    first = attach(run(failed({"/srv/a": 1, "/srv/b": 1}, {}), day=1))
    second = attach(run(failed({"/srv/a": 1}, {}), day=2), first)
    assert {"/srv/a": "01", "/srv/b": "03"} == ages(
        attach(run(failed({"/srv/a": 1, "/srv/b": 1}, {}), day=3), second)
    )


def test_another_host_has_no_part_in_it() -> None:
    first = attach(run(failed({"/srv/a": 1}, {}, host="gpu-2"), day=1))
    assert {"/srv/a": "02"} == ages(attach(run(failed({"/srv/a": 1}, {}), day=2), first))


def test_nothing_is_first_seen_after_the_run() -> None:
    later = attach(run(failed({"/srv/a": 1}, {}), day=9))
    assert {"/srv/a": "02"} == ages(attach(run(failed({"/srv/a": 1}, {}), day=2), later))


def test_what_was_written_follows_from_the_values() -> None:
    made = attach(run(failed({"/srv/a": 1, "/srv/b": 1}, {}), result(control(1), "gpu-2", "passed")))
    assert [] == [*accounted_for(made)]
    assert [] == [*accounted_for(run(failed({"/srv/a": 1}, {})))], "a run from before there were findings"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id": "0" * 32}, "do not follow from its values"),
        ({"subject": "/srv/other"}, "do not follow from its values"),
        ({"first_seen": "2026-03-02T00:00:00Z"}, "was first seen after the run"),
        (
            {"first_seen": "2025-03-02T00:00:00Z"},
            "was first seen in an earlier run, and there is no baseline",
        ),
    ],
)
def test_what_does_not_follow_is_told(change: dict[str, str], said: str) -> None:
    made = attach(run(failed({"/srv/a": 1, "/srv/b": 1}, {})))
    (one,) = made.results
    forged = replace(one, findings=(replace(one.findings[0], **change), one.findings[1]))
    (problem,) = accounted_for(replace(made, results=(forged,)))
    assert said in problem
    assert "AISEC-ART-01 on gpu-1" in problem


def test_a_finding_that_was_taken_out_is_missed() -> None:
    made = attach(run(failed({"/srv/a": 1, "/srv/b": 1}, {})))
    (one,) = made.results
    assert 1 == len([*accounted_for(replace(made, results=(replace(one, findings=one.findings[1:]),)))])
