from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from pytest_aisec.catalog.load import load_catalog
from pytest_aisec.catalog.plan import Plan
from pytest_aisec.catalog.profile import load_chain
from pytest_aisec.catalog.resolve import make_plan
from pytest_aisec.errors import EmptyPlan, UsageProblem

Resolve = Callable[..., Plan]


@pytest.fixture
def resolve(content: Any) -> Resolve:
    """Resolve the profile `mine` over four controls of three families."""
    content.control(
        "ACME-ART-01", 'dirs: list[str] = ["/srv"], mode: Mode = "0750"', remediation="chmod {mode} {dirs}"
    )
    content.control("ACME-ART-02", 'mode: Mode = "0700"', severity="low")
    content.control(
        "ACME-NET-01", "ports: list[int] = [22], strict: bool = False", frameworks=', nist_800_53=["AC-3"]'
    )
    content.control("ACME-SEC-01", 'pattern: str = "x", limit: int = 5, most: float | None = None')
    catalog = load_catalog([content.root])

    def work(text: str = "", *, params: Sequence[str] = (), select: Sequence[str] = (), **base: str) -> Plan:
        for name, lines in base.items():
            content.profile(name, lines)
        content.profile("mine", text)
        return make_plan(
            load_chain("mine", [content.root], cwd=content.path), catalog, params=params, select=select
        )

    return work


@pytest.fixture
def refusal(resolve: Resolve, content: Any) -> Callable[..., str]:
    def work(*args: Any, **kwargs: Any) -> str:
        with pytest.raises(UsageProblem) as caught:
            resolve(*args, **kwargs)
        return str(caught.value).replace(f"{content.root.profiles}/", "")

    return work


ALL = "controls: {ACME-*: }\n"


def ids(plan: Plan) -> list[str]:
    return [planned.id for planned in plan.controls]


def test_a_wildcard_selects_all_that_match_in_order(resolve: Resolve) -> None:
    assert ids(resolve(ALL)) == ["ACME-ART-01", "ACME-ART-02", "ACME-NET-01", "ACME-SEC-01"]
    assert ids(resolve("controls:\n  ACME-*-01:\n  ACME-ART-0?:\n")) == ids(resolve(ALL))


def test_defaults_are_not_declared(resolve: Resolve) -> None:
    planned = resolve(ALL).on("")["ACME-ART-01"]
    assert planned
    assert (dict(planned.params), planned.declared) == ({"dirs": ["/srv"], "mode": "0750"}, frozenset())


def test_a_profile_value_reaches_every_control_with_that_parameter(resolve: Resolve) -> None:
    plan = resolve(ALL + 'params: {mode: "0700"}\n')
    assert {
        item.id: (item.params["mode"], item.declared) for item in plan.controls if "mode" in item.params
    } == {
        "ACME-ART-01": ("0700", frozenset({"mode"})),
        "ACME-ART-02": ("0700", frozenset({"mode"})),
    }


@pytest.mark.parametrize(
    "entries",
    [
        ("ACME-*: {severity: low, params: {}}", "ACME-ART-01: {severity: critical}"),
        ("ACME-ART-01: {severity: critical}", "ACME-*: {severity: low, params: {}}"),
    ],
)
def test_an_id_outweighs_a_wildcard_wherever_it_stands(resolve: Resolve, entries: tuple[str, str]) -> None:
    plan = resolve("controls:\n" + "".join(f"  {entry}\n" for entry in entries))
    assert [item.severity for item in plan.controls] == ["critical", "low", "low", "low"]


def test_a_control_s_own_value_outweighs_the_profile_s(resolve: Resolve) -> None:
    plan = resolve(
        'params: {mode: "0711"}\ncontrols:\n  ACME-ART-01: {params: {mode: "0700"}}\n  ACME-ART-02:\n'
    )
    assert [item.params["mode"] for item in plan.controls] == ["0700", "0711"]


def test_a_profile_overrides_its_base(resolve: Resolve) -> None:
    plan = resolve(
        'extends: [base]\nparams: {mode: "0711"}\n',
        base='controls:\n  ACME-ART-01: {severity: low, params: {mode: "0700"}}\ngate: {fail_on: critical}\n',
    )
    (planned,) = plan.controls
    assert (planned.severity, planned.params["mode"], plan.gate.fail_on) == ("low", "0711", "critical")
    assert [name for name, _ in plan.sources] == ["base.yaml", "mine.yaml"]


def test_the_nearest_gate_counts(resolve: Resolve) -> None:
    plan = resolve("extends: [base]\ngate: {fail_on: high}\n", base=ALL + "gate: {fail_on: critical}\n")
    assert plan.gate.fail_on == "high"


def test_every_failure_counts_where_no_profile_says_otherwise(resolve: Resolve) -> None:
    assert resolve(ALL).gate.fail_on == "low"


def test_an_excluded_control_is_left_out_with_its_reason(resolve: Resolve) -> None:
    plan = resolve(ALL + "exclude: {ACME-ART-*: No models here.}\n")
    assert ids(plan) == ["ACME-NET-01", "ACME-SEC-01"]
    assert [(item.control, item.reason) for item in plan.excluded] == [
        ("ACME-ART-01", "No models here."),
        ("ACME-ART-02", "No models here."),
    ]


def test_a_profile_may_exclude_what_its_base_selects(resolve: Resolve) -> None:
    plan = resolve("extends: [base]\nexclude: {ACME-ART-01: Not here.}\n", base=ALL)
    assert ids(plan) == ["ACME-ART-02", "ACME-NET-01", "ACME-SEC-01"]


def test_a_profile_may_take_back_what_its_base_excludes(resolve: Resolve) -> None:
    plan = resolve(
        "extends: [base]\ncontrols: {ACME-ART-01: }\n", base=ALL + "exclude: {ACME-ART-01: Not here.}\n"
    )
    assert "ACME-ART-01" in ids(plan)
    assert plan.excluded == ()


def test_a_control_that_is_selected_by_id_and_excluded_is_refused(refusal: Callable[..., str]) -> None:
    text = "controls:\n  ACME-ART-01:\nexclude:\n  ACME-ART-*: Not here.\n"
    assert refusal(text) == "mine.yaml:7:3: ACME-ART-01 is both selected and excluded"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "controls:\n  ACME-ART-10:\n",
            "mine.yaml:5:3: unknown control 'ACME-ART-10'. Did you mean ACME-ART-0",
        ),
        ("controls:\n  ACME-ATR-*:\n", "mine.yaml:5:3: no control matches 'ACME-ATR-*'. Did you mean ACME-"),
        ("controls:\n  acme-art-01:\n", "mine.yaml:5:3: no control matches 'acme-art-01'. "),
        (ALL + "exclude:\n  ACME-XXX-01: No.\n", "mine.yaml:6:3: unknown control 'ACME-XXX-01'. "),
        (
            ALL + "params:\n  mdoe: x\n",
            "mine.yaml:6:3: no selected control has the parameter 'mdoe'. Did you mean mode",
        ),
        (
            "controls:\n  ACME-NET-01:\nparams:\n  mode: '0700'\n",
            "mine.yaml:7:3: no selected control has the parameter 'mode'. Known: ",
        ),
        (
            "controls:\n  ACME-ART-01:\n    params:\n      mdoe: x\n",
            "mine.yaml:7:7: ACME-ART-01 has no parameter 'mdoe'. Did you mean mode?",
        ),
        (
            "controls:\n  ACME-ART-01:\n    params:\n      dirs: /srv\n",
            "mine.yaml:7:7: parameter 'dirs' of ACME-ART-01 is list[str]: ",
        ),
        (
            "controls:\n  ACME-ART-01:\n    params:\n      dirs: [/srv, 3]\n",
            "mine.yaml:7:7: parameter 'dirs' of ACME-ART-01 is list[str]: at 1: ",
        ),
        (
            "controls:\n  ACME-ART-01:\n    references: {nist_800_53: [AC-99]}\n",
            "mine.yaml:6:5: nist_800_53: unknown id 'AC-99'",
        ),
    ],
)
def test_what_does_not_resolve_is_refused_with_file_line_and_the_nearest(
    refusal: Callable[..., str], text: str, expected: str
) -> None:
    assert refusal(text).startswith(expected)


def test_an_unquoted_mode_is_refused_with_the_hint(refusal: Callable[..., str]) -> None:
    text = refusal(ALL + "params:\n  mode: 0700\n")
    assert text.startswith(
        "mine.yaml:6:3: parameter 'mode' of ACME-ART-01 is Mode: a mode is a quoted string"
    )
    assert 'write "0700"' in text


def test_an_unquoted_mode_without_a_leading_zero_is_refused_too(refusal: Callable[..., str]) -> None:
    assert "a mode is a quoted string" in refusal(ALL + "params: {mode: 700}\n")


@pytest.mark.parametrize(
    ("option", "control", "name", "expected"),
    [
        ("mode=0700", "ACME-ART-02", "mode", "0700"),
        ("dirs=/a", "ACME-ART-01", "dirs", ["/a"]),
        ("dirs=/a, /b", "ACME-ART-01", "dirs", ["/a", "/b"]),
        ('dirs=["/a,b"]', "ACME-ART-01", "dirs", ["/a,b"]),
        ("dirs=[]", "ACME-ART-01", "dirs", []),
        ("ports=22,80", "ACME-NET-01", "ports", [22, 80]),
        ("ports=443", "ACME-NET-01", "ports", [443]),
        ("dirs=8080", "ACME-ART-01", "dirs", ["8080"]),
        ("dirs=no", "ACME-ART-01", "dirs", ["no"]),
        ("ports=[443]", "ACME-NET-01", "ports", [443]),
        ("strict=true", "ACME-NET-01", "strict", True),
        ("strict=no", "ACME-NET-01", "strict", False),
        ("limit=7", "ACME-SEC-01", "limit", 7),
        ("most=null", "ACME-SEC-01", "most", None),
        ("most=1.5", "ACME-SEC-01", "most", 1.5),
        ("pattern=a=b", "ACME-SEC-01", "pattern", "a=b"),
        ("pattern=", "ACME-SEC-01", "pattern", ""),
        ("pattern=[1, 2]", "ACME-SEC-01", "pattern", "[1, 2]"),
        ("pattern=a.b=c", "ACME-SEC-01", "pattern", "a.b=c"),
        ("ACME-SEC-01.limit=7", "ACME-SEC-01", "limit", 7),
        ("ACME-*.limit=7", "ACME-SEC-01", "limit", 7),
    ],
)
def test_the_command_line_sets_a_parameter(
    resolve: Resolve, option: str, control: str, name: str, expected: object
) -> None:
    planned = resolve(ALL, params=[option]).on("")[control]
    assert planned
    assert planned.params[name] == expected
    assert type(planned.params[name]) is type(expected)
    assert name in planned.declared


def test_the_command_line_outweighs_the_profile(resolve: Resolve) -> None:
    plan = resolve(ALL + "params: {limit: 9}\n", params=["limit=7", "limit=8"])
    planned = plan.on("")["ACME-SEC-01"]
    assert planned
    assert planned.params["limit"] == 8


def test_the_command_line_may_name_one_control(resolve: Resolve) -> None:
    plan = resolve(ALL, params=["ACME-ART-02.mode=0500"])
    assert [item.params["mode"] for item in plan.controls if "mode" in item.params] == ["0750", "0500"]


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("mode", "write NAME=VALUE or CONTROL.NAME=VALUE"),
        ("=x", "write NAME=VALUE or CONTROL.NAME=VALUE"),
        ("", "write NAME=VALUE or CONTROL.NAME=VALUE"),
        ("mdoe=0700", "unknown parameter 'mdoe'. Did you mean mode"),
        (
            "ACME-XRT-01.mode=0700",
            "no control of the profile matches 'ACME-XRT-01'. Did you mean ACME-ART-01",
        ),
        ("ACME-NET-01.mode=0700", "unknown parameter 'mode'. Known: ports, strict."),
        (".mode=0700", "no control of the profile matches ''"),
        ("mode=888", "parameter 'mode' of ACME-ART-01 is Mode: "),
        ("limit=many", "parameter 'limit' of ACME-SEC-01 is int: "),
        ("limit=[1", "parameter 'limit' of ACME-SEC-01 is int: "),
        ("dirs=", "parameter 'dirs' of ACME-ART-01 is list[str]: "),
        ("ports=http", "parameter 'ports' of ACME-NET-01 is list[int]: "),
    ],
)
def test_an_option_that_does_not_resolve_is_refused(
    refusal: Callable[..., str], option: str, expected: str
) -> None:
    assert refusal(ALL, params=[option]).startswith(f"--aisec-param {option}: {expected}")


@pytest.mark.parametrize(
    ("select", "expected"),
    [
        (["ACME-ART-01"], ["ACME-ART-01"]),
        (["ART"], ["ACME-ART-01", "ACME-ART-02"]),
        (["ACME-*-02"], ["ACME-ART-02"]),
        (["low"], ["ACME-ART-02"]),
        (["nist_800_53:AC-3"], ["ACME-NET-01"]),
        (["acme:A-12"], ["ACME-ART-02"]),
        (["ACME-SEC-01", "low"], ["ACME-ART-02", "ACME-SEC-01"]),
        (["ACME-SEC-01, NET"], ["ACME-NET-01", "ACME-SEC-01"]),
    ],
)
def test_a_selection_keeps_what_matches_any_part_of_it(
    resolve: Resolve, select: list[str], expected: list[str]
) -> None:
    text = "controls:\n  ACME-*:\n  ACME-ART-02: {references: {acme: [A-12]}}\n"
    assert ids(resolve(text, select=select)) == expected


@pytest.mark.parametrize(
    ("select", "expected"),
    [
        ("ACME-ART-09", "no control of the profile matches. Did you mean ACME-ART-0"),
        ("art", "no control of the profile matches. "),
        ("critical", "no control of the profile has this severity"),
        ("ACME-NET-01", "the profile does not select this control"),
        ("nist_800_53:AC-4", "no control of the profile refers to framework 'nist_800_53'. "),
        ("acme:A-13", "no control of the profile covers 'A-13'. Did you mean A-12?"),
        ("", "no control of the profile matches. "),
        ("ACME-ART-01,", "no control of the profile matches. "),
    ],
)
def test_a_selection_that_matches_nothing_is_refused(
    refusal: Callable[..., str], select: str, expected: str
) -> None:
    text = "controls: {ACME-ART-*: {references: {acme: [A-12]}}}\n"
    part = select.rsplit(",", maxsplit=1)[-1]
    assert refusal(text, select=[select]).startswith(f"--aisec-select {part}: {expected}")


def test_a_severity_is_selected_as_the_profile_has_it(resolve: Resolve) -> None:
    plan = resolve("controls:\n  ACME-*:\n  ACME-ART-02: {severity: critical}\n", select=["critical"])
    assert ids(plan) == ["ACME-ART-02"]


def test_own_references_stand_beside_the_control_s(resolve: Resolve) -> None:
    plan = resolve(
        "references: {acme: [A-1]}\n"
        "controls:\n  ACME-NET-01: {references: {acme: [A-2, A-1], nist_800_53: [AC-4, AC-3]}}\n"
    )
    assert {key: list(found) for key, found in plan.controls[0].references.items()} == {
        "acme": ["A-2", "A-1"],
        "nist_800_53": ["AC-3", "AC-4"],
    }


@pytest.mark.parametrize("text", ["", "controls: {}\n", ALL + "exclude: {ACME-*: Nothing.}\n"])
def test_a_profile_without_controls_is_an_empty_plan(resolve: Resolve, text: str) -> None:
    with pytest.raises(EmptyPlan, match="profile 'mine' selects no control"):
        resolve(text)


def test_arguments_are_not_shared_between_calls(resolve: Resolve) -> None:
    planned = resolve(ALL).on("")["ACME-ART-01"]
    assert planned
    planned.arguments()["dirs"].append("/tmp")
    assert planned.arguments()["dirs"] == ["/srv"]


def test_the_remediation_names_the_final_values(resolve: Resolve) -> None:
    planned = resolve(ALL, params=["dirs=/a,/b"]).on("")["ACME-ART-01"]
    assert planned
    assert planned.remediation == "chmod 0750 /a /b"


def test_a_value_that_looks_like_a_placeholder_stays_as_it_is(resolve: Resolve) -> None:
    planned = resolve(ALL + "params: {dirs: ['{mode}']}\n").on("")["ACME-ART-01"]
    assert planned
    assert planned.remediation == "chmod 0750 '{mode}'"


def test_values_in_a_remediation_are_quoted_where_it_is_for_a_shell(resolve: Resolve) -> None:
    planned = resolve(ALL + "params: {dirs: [/a, /b c]}\n").on("")["ACME-ART-01"]
    assert planned
    assert planned.remediation == "chmod 0750 /a '/b c'"
    words = replace(planned, control=replace(planned.control, remediation_is_words="it is for people"))
    assert words.remediation == "chmod 0750 /a /b c"
