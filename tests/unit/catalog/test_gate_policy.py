"""Which policy counts, and which are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_aisec.catalog.gate_policy import Chosen, check, choose
from pytest_aisec.catalog.load import load_catalog
from pytest_aisec.catalog.plan import Plan
from pytest_aisec.catalog.policy import GatePolicy
from pytest_aisec.catalog.profile import load_chain
from pytest_aisec.catalog.resolve import make_plan
from pytest_aisec.errors import UsageProblem

KNOWN = ("ACME-ART-01", "ACME-ART-02", "ACME-ART-03")


@pytest.fixture
def plan_of(content: Any) -> Any:
    """Return the plan of a profile with the given gate; 01 is high, 02 low, 03 is not selected."""

    def make(gate: str = "", extra: str = "") -> Plan:
        for name, severity in zip(KNOWN, ("high", "low", "critical"), strict=True):
            content.control(name, severity=severity)
        text = f"controls: {{ACME-ART-01: , ACME-ART-02: }}\n{extra}" + (f"gate: {gate}\n" if gate else "")
        content.profile("acme", text)
        return make_plan(load_chain("acme", [content.root], cwd=content.path), load_catalog([content.root]))

    return make


@pytest.fixture
def gate_file(tmp_path: Path) -> Any:
    def write(text: str) -> Path:
        path = tmp_path / "gate.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def checked(chosen: Chosen, plan: Plan, **changes: Any) -> None:
    given = {
        "hosts": ["ssh://one", "ssh://two"],
        "has_baseline": False,
        "has_waivers": False,
        "is_narrowed": False,
        **changes,
    }
    check(chosen, plan, KNOWN, **given)


def test_the_profiles_policy_counts_where_nothing_else_is_given(plan_of: Any) -> None:
    chosen = choose(
        plan_of("{fail_on: high, min_score: 0.5}"), None, {"fail_on": None, "strict_waivers": False}
    )
    assert GatePolicy(fail_on="high", min_score=0.5) == chosen.policy
    assert () == chosen.sources


def test_a_file_takes_the_place_of_the_whole_policy(plan_of: Any, gate_file: Any) -> None:
    path = gate_file("max: {low: {failed: 3}}\n")
    chosen = choose(plan_of("{fail_on: high, min_score: 0.5}"), path, {})
    assert GatePolicy(max={"low": {"failed": 3}}) == chosen.policy
    assert [("gate.yaml", "max: {low: {failed: 3}}\n")] == [*chosen.sources]


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("fail_on", "critical", "critical"),
        ("fail_on", "regression", "regression"),
        ("min_score", "0.9", 0.9),
        ("min_score", "1", 1.0),
        ("error_is", "failed", "failed"),
        ("strict_waivers", True, True),
    ],
)
def test_an_option_replaces_one_value(
    plan_of: Any, gate_file: Any, key: str, value: Any, expected: Any
) -> None:
    path = gate_file("fail_on: high\nrequired: [ACME-ART-01]\n")
    chosen = choose(plan_of(), path, {key: value})
    assert (
        GatePolicy(fail_on="high", required=["ACME-ART-01"]).model_copy(update={key: expected})
        == chosen.policy
    )


@pytest.mark.parametrize(
    ("key", "value", "parts"),
    [
        ("fail_on", "hihg", ["--aisec-fail-on hihg", "high"]),
        ("fail_on", "", ["--aisec-fail-on", "critical", "regression"]),
        ("error_is", "ok", ["--aisec-error-is ok", "inconclusive", "failed"]),
        ("min_score", "0", ["--aisec-min-score 0", "greater than 0"]),
        ("min_score", "90", ["--aisec-min-score 90", "less than or equal to 1"]),
        ("min_score", "nan", ["--aisec-min-score nan"]),
        ("min_score", "most", ["--aisec-min-score most", "number"]),
    ],
)
def test_a_wrong_option_is_refused_with_what_is_right(
    plan_of: Any, key: str, value: str, parts: list[str]
) -> None:
    with pytest.raises(UsageProblem) as refused:
        choose(plan_of(), None, {key: value})
    assert [] == [part for part in parts if part not in str(refused.value)], str(refused.value)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("fail_on: low\nfailon: low\n", [":2", "failon", "fail_on"]),
        ("max:\n  high: {failed: -1}\n", [":2", "max.high.failed", "-1"]),
        ("max:\n  high: {passed: 0}\n", [":2", "passed"]),
        ("min_score: 1.5\n", [":1", "min_score", "1.5"]),
        ("- fail_on\n", [":1"]),
        ("", ["empty"]),
    ],
)
def test_a_wrong_file_is_refused_with_its_line(
    plan_of: Any, gate_file: Any, text: str, parts: list[str]
) -> None:
    path = gate_file(text)
    with pytest.raises(UsageProblem) as refused:
        choose(plan_of(), path, {})
    assert [] == [part for part in [str(path), *parts] if part not in str(refused.value)], str(refused.value)


REFUSED: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "no control is as severe": (
        "fail_on: critical",
        {},
        [":1:1: this gate can never fail", "severity critical", "planned results: 2 high, 2 low"],
    ),
    "no control is as severe, and the rest cannot be reached": (
        "fail_on: critical\nmax: {high: {failed: 2}, low: {error: 5}}",
        {},
        [
            "can never fail",
            "max: high: failed: 2 cannot be exceeded: there are 2 such results",
            "low: error: 5",
        ],
    ),
    "every failure is within a limit that cannot be reached": (
        "max: {high: {failed: 2}, low: {failed: 2}}",
        {},
        ["can never fail", "high: failed: 2", "low: failed: 2"],
    ),
    "strict waivers without waivers": ("fail_on: critical\nstrict_waivers: true", {}, ["can never fail"]),
    "no baseline": (
        "min_score: 0.5\nfail_on: regression",
        {},
        [":2:1: fail_on: regression", "--aisec-baseline"],
    ),
    "unknown required control": (
        "required:\n- ACME-ART-01\n- ACME-ART-11",
        {},
        [":3:3: required: unknown control 'ACME-ART-11'", "ACME-ART-01"],
    ),
    "unknown required control, though narrowed": (
        "required: [ACME-ART-11]",
        {"is_narrowed": True},
        ["unknown control 'ACME-ART-11'"],
    ),
    "required control that is not planned": (
        "required:\n- ACME-ART-03",
        {},
        [":2:3: required control ACME-ART-03", "every run would fail", "'acme' does not select it"],
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_policy_that_can_do_no_work_is_refused_with_the_reason(
    plan_of: Any, gate_file: Any, name: str
) -> None:
    text, changes, parts = REFUSED[name]
    plan, path = plan_of(), gate_file(text)
    with pytest.raises(UsageProblem) as refused:
        checked(choose(plan, path, {}), plan, **changes)
    message = str(refused.value)
    assert [] == [part for part in [str(path), *parts] if part not in message], message


def test_a_required_control_that_the_profile_excludes_is_refused_with_its_reason(plan_of: Any) -> None:
    plan = plan_of("{required: [ACME-ART-03]}", "exclude: {ACME-ART-03: not on these machines}\n")
    with pytest.raises(UsageProblem, match="'acme' leaves it out: not on these machines"):
        checked(choose(plan, None, {}), plan)


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("fail_on: high", {}),
        ("fail_on: low\nmax: {high: {failed: 9}}", {}),
        ("fail_on: critical\nmax: {high: {failed: 1}}", {}),
        ("fail_on: critical\nmax: {low: {not_applicable: 0}}", {}),
        ("fail_on: critical\nmin_score: 0.1", {}),
        ("fail_on: critical\nerror_is: failed", {}),
        ("fail_on: critical\nrequired: [ACME-ART-02]", {}),
        ("fail_on: critical\nstrict_waivers: true", {"has_waivers": True}),
        ("fail_on: critical", {"is_narrowed": True}),
        ("required: [ACME-ART-03]", {"is_narrowed": True}),
        ("fail_on: regression", {"has_baseline": True}),
    ],
)
def test_a_policy_that_can_do_its_work_is_not_refused(
    plan_of: Any, gate_file: Any, text: str, changes: dict[str, Any]
) -> None:
    plan = plan_of()
    checked(choose(plan, gate_file(text), {}), plan, **changes)


def test_a_limit_that_one_host_cannot_exceed_may_be_exceeded_by_two(plan_of: Any, gate_file: Any) -> None:
    plan = plan_of()
    chosen = choose(plan, gate_file("fail_on: critical\nmax: {high: {failed: 1}}"), {})
    checked(chosen, plan)
    with pytest.raises(UsageProblem, match=r"high: failed: 1 cannot be exceeded: there is 1 such result$"):
        checked(chosen, plan, hosts=["ssh://one"])


def test_the_message_names_the_profiles_line_or_the_option(plan_of: Any, content: Any) -> None:
    plan = plan_of("\n  min_score: 0.5\n  fail_on: regression")
    with pytest.raises(UsageProblem, match=rf"^{content.path}/profiles/acme.yaml:7:3: fail_on: regression"):
        checked(choose(plan, None, {}), plan)
    with pytest.raises(UsageProblem, match=r"^--aisec-fail-on regression: fail_on: regression"):
        checked(choose(plan_of(), None, {"fail_on": "regression"}), plan)
    with pytest.raises(UsageProblem, match=r"^--aisec-fail-on critical: this gate can never fail"):
        checked(choose(plan_of(), None, {"fail_on": "critical"}), plan)
