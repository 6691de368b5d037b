"""A run against an earlier one."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from pytest_aisec.catalog.control import Severity
from pytest_aisec.catalog.plan import Exclusion
from pytest_aisec.catalog.policy import GatePolicy
from pytest_aisec.judge.compare import accounts_for, compare, state
from pytest_aisec.judge.comparison import Change, Comparison, Removed, Setting
from pytest_aisec.judge.run import Run, WaiverInfo
from tests.support.compared import control, result, run

STATES = ("passed", "failed", "waived", "error", "not_applicable", "not_reviewed", "not_run", "absent")
KINDS = (
    "new_failures",
    "still_failing",
    "fixed",
    "eased",
    "newly_waived",
    "still_waived",
    "no_longer_applicable",
    "no_longer_judged",
    "gone",
)


def kinds(comparison: Comparison) -> dict[str, list[tuple[str, str]]]:
    """Return what the comparison holds of each kind, by (control, host)."""
    found = {kind: [(item.control[-2:], item.host) for item in getattr(comparison, kind)] for kind in KINDS}
    return {kind: items for kind, items in found.items() if items}


KIND = {
    ("passed", "passed"): "",
    ("passed", "failed"): "new_failures",
    ("passed", "waived"): "newly_waived",
    ("passed", "error"): "no_longer_judged",
    ("passed", "not_applicable"): "no_longer_applicable",
    ("passed", "not_reviewed"): "no_longer_judged",
    ("passed", "not_run"): "no_longer_judged",
    ("passed", "absent"): "",
    ("failed", "passed"): "fixed",
    ("failed", "failed"): "still_failing",
    ("failed", "waived"): "newly_waived",
    ("failed", "error"): "no_longer_judged",
    ("failed", "not_applicable"): "no_longer_applicable",
    ("failed", "not_reviewed"): "no_longer_judged",
    ("failed", "not_run"): "no_longer_judged",
    ("failed", "absent"): "gone",
    ("waived", "passed"): "fixed",
    ("waived", "failed"): "new_failures",
    ("waived", "waived"): "still_waived",
    ("waived", "error"): "no_longer_judged",
    ("waived", "not_applicable"): "no_longer_applicable",
    ("waived", "not_reviewed"): "no_longer_judged",
    ("waived", "not_run"): "no_longer_judged",
    ("waived", "absent"): "gone",
    ("not_applicable", "passed"): "",
    ("not_applicable", "failed"): "new_failures",
    ("not_applicable", "waived"): "newly_waived",
    ("not_applicable", "error"): "no_longer_judged",
    ("not_applicable", "not_applicable"): "",
    ("not_applicable", "not_reviewed"): "no_longer_judged",
    ("not_applicable", "not_run"): "no_longer_judged",
    ("not_applicable", "absent"): "",
    **{
        (before, now): {"failed": "new_failures", "waived": "newly_waived"}.get(now, "")
        for before in ("error", "not_reviewed", "not_run", "absent")
        for now in STATES
        if (before, now) != ("absent", "absent")
    },
}


def test_the_table_has_every_cell() -> None:
    assert {*product(STATES, STATES)} - {("absent", "absent")} == {*KIND}


@pytest.mark.parametrize(("before", "now"), KIND)
def test_every_pair_of_states_has_its_kind(before: str, now: str) -> None:
    """Control 1 is what the table is about; control 2 is there so that a run has a host."""

    def one(state: str) -> Run:
        return run({(2, "a"): "passed"} | ({} if state == "absent" else {(1, "a"): state}))

    kind = KIND[before, now]
    found = compare(one(before), one(now))
    assert ({kind: [("01", "a")]} if kind else {}) == kinds(found)
    if kind:
        (change,) = getattr(found, kind)
        assert (before, now) == (change.before, change.now)
    assert accounts_for(found, one(now).results)


def test_a_run_has_no_difference_to_itself() -> None:
    one = run({(1, "a"): "failed", (1, "b"): "waived", (2, "a"): "error", (2, "b"): "passed"})
    found = compare(one, one, sha256="ab")
    assert {"still_failing": [("01", "a")], "still_waived": [("01", "b")]} == kinds(found)
    nothing = (found.hosts_added, found.hosts_removed, found.controls_added, found.controls_removed)
    assert (((),) * 4, ((),) * 3, []) == (
        nothing,
        (found.parameters, found.severities, found.settings),
        [*found.weaker()],
    )
    assert ("x", "2026-03-01T09:30:00Z", "ab") == (
        found.baseline.id,
        found.baseline.started_at,
        found.baseline.sha256,
    )


def test_an_expired_waiver_over_what_was_waived_is_a_regression_and_says_so() -> None:
    waiver = WaiverInfo(
        id="W-1",
        control="ACME-TST-01",
        hosts=["*"],
        reason="r",
        approved_by="a@example.com",
        approved_on="2026-01-01",
        expires="2026-02-28",
        state="expired",
        excuses=1,
        passes=0,
    )
    now = run(
        controls=(control(1),),
        results=(result(control(1), "a", "failed", ("W-1", "expired")),),
        waivers=(waiver,),
    )
    (change,) = compare(run({(1, "a"): "waived"}), now).new_failures
    assert ("waived", "failed", "waiver W-1 expired on 2026-02-28") == (
        change.before,
        change.now,
        change.note,
    )


def test_a_waiver_that_was_taken_away_is_named() -> None:
    (change,) = compare(run({(1, "a"): "waived"}), run({(1, "a"): "failed"})).new_failures
    assert "waiver W-1 covers it no longer" == change.note


def test_failures_of_new_hosts_and_new_controls_are_new() -> None:
    before = run({(1, "a"): "passed"})
    after = run({(1, "a"): "passed", (1, "b"): "failed", (2, "a"): "failed", (2, "b"): "passed"})
    found = compare(before, after)
    assert [("ACME-TST-02", "a", "the control is new"), ("ACME-TST-01", "b", "the host is new")] == [
        (item.control, item.host, item.note) for item in found.new_failures
    ]
    assert (("b",), ("ACME-TST-02",)) == (found.hosts_added, found.controls_added)


def test_what_left_is_named_and_its_failures_are_not_fixed() -> None:
    before = run({(n, host): "failed" for n in (1, 2, 3) for host in "ab"})
    after = replace(
        run({(1, "a"): "failed"}), excluded=(Exclusion(control="ACME-TST-02", reason="not ours"),)
    )
    found = compare(before, after)
    assert () == found.fixed
    assert {
        ("ACME-TST-02", "a"): "the profile leaves it out: not ours",
        ("ACME-TST-03", "a"): "the control is not in the plan",
        ("ACME-TST-01", "b"): "the host is not in the run",
        ("ACME-TST-02", "b"): "the host is not in the run",
        ("ACME-TST-03", "b"): "the host is not in the run",
    } == {(item.control, item.host): item.note for item in found.gone}
    assert (
        Removed(control="ACME-TST-02", severity="high", reason="not ours"),
        Removed(control="ACME-TST-03", severity="high"),
    ) == found.controls_removed
    assert [
        "2 controls left the plan",
        "1 host left the run",
        "5 failures went with a control or host that left",
    ] == [*found.weaker()]


@pytest.mark.parametrize(
    ("params", "declared", "setting"),
    [
        ({"mode": "0777"}, (), Setting(what="ACME-TST-01.mode", before="0700", now="0777")),
        (
            {"mode": "0700"},
            ("mode",),
            Setting(what="ACME-TST-01.mode", before="0700", now="0700", note="a default then, set now"),
        ),
        ({"mode": "0700", "more": 1}, (), Setting(what="ACME-TST-01.more", before=None, now=1)),
    ],
)
def test_a_pass_with_other_parameters_is_not_fixed(
    params: dict[str, Any], declared: tuple[str, ...], setting: Setting
) -> None:
    eased = control(1, params=params, declared=declared)
    found = compare(run({(1, "a"): "failed"}), run({(1, "a"): "passed"}, controls=(eased,)))
    assert {"eased": [("01", "a")]} == kinds(found)
    assert (setting,) == found.parameters
    assert f"with other parameters: {setting.what.partition('.')[2]}" == found.eased[0].note
    assert ["1 failure turned into a pass with other parameters"] == [*found.weaker()]


def test_other_parameters_of_one_control_leave_the_others_fixed() -> None:
    before = run({(1, "a"): "failed", (2, "a"): "failed"})
    after = run(
        {(1, "a"): "passed", (2, "a"): "passed"}, controls=(control(1, params={"mode": "0777"}), control(2))
    )
    assert {"eased": [("01", "a")], "fixed": [("02", "a")]} == kinds(compare(before, after))


@pytest.mark.parametrize(
    ("before", "now", "weaker"),
    [("high", "low", ["1 control got a lower severity"]), ("low", "critical", []), ("low", "low", [])],
)
def test_a_lower_severity_is_weaker_and_a_higher_is_not(
    before: Severity, now: Severity, weaker: list[str]
) -> None:
    found = compare(
        run({(1, "a"): "passed"}, controls=(control(1, severity=before),)),
        run({(1, "a"): "passed"}, controls=(control(1, severity=now),)),
    )
    assert weaker == [*found.weaker()]
    expected = () if before == now else (Setting(what="ACME-TST-01", before=before, now=now),)
    assert expected == found.severities


def test_more_waivers_and_newly_not_applicable_are_weaker() -> None:
    before = run({(1, "a"): "failed", (2, "a"): "failed", (3, "a"): "passed"})
    after = run({(1, "a"): "waived", (2, "a"): "not_applicable", (3, "a"): "not_applicable"})
    found = compare(before, after)
    assert () == found.fixed
    assert ["1 failure got a waiver", "2 results turned into not applicable"] == [*found.weaker()]


def test_changed_versions_and_a_changed_gate_are_named() -> None:
    after = run(
        {(1, "a"): "passed"},
        info={"profile": "other", "profile_version": "2", "package_version": "0.2", "active": True},
        policy=GatePolicy(fail_on="critical"),
    )
    assert {
        "profile": ("node", "other"),
        "profile_version": ("1", "2"),
        "package_version": ("0.1", "0.2"),
        "active": (False, True),
        "gate.fail_on": ("regression", "critical"),
    } == {item.what: (item.before, item.now) for item in compare(run({(1, "a"): "passed"}), after).settings}


def test_what_could_not_be_observed_says_why() -> None:
    (change,) = compare(run({(1, "a"): "passed"}), run({(1, "a"): "error"})).no_longer_judged
    expected = Change(
        control="ACME-TST-01", host="a", severity="high", before="passed", now="error", note="unreachable"
    )
    assert expected == change


def test_a_state_is_the_outcome_unless_an_active_waiver_excuses_it() -> None:
    of = control(1)
    assert "absent" == state(None)
    assert "waived" == state(result(of, "a", "waived"))
    assert "failed" == state(result(of, "a", "failed", ("W-1", "expired")))
    assert "passed" == state(result(of, "a", "passed", ("W-1", "stale")))


@pytest.mark.parametrize("kind", ["new_failures", "still_failing", "newly_waived", "still_waived"])
def test_a_comparison_that_conceals_or_invents_a_failure_accounts_for_nothing(kind: str) -> None:
    before = run({(1, "a"): "passed", (2, "a"): "failed", (3, "a"): "passed", (4, "a"): "waived"})
    after = run({(1, "a"): "failed", (2, "a"): "failed", (3, "a"): "waived", (4, "a"): "waived"})
    found = compare(before, after)
    changes = getattr(found, kind)
    assert accounts_for(found, after.results)
    assert 1 == len(changes)
    assert not accounts_for(replace(found, **{kind: ()}), after.results)
    assert not accounts_for(replace(found, **{kind: (*changes, *changes)}), after.results)
