"""How a comparison is shown."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_aisec.judge.compare import compare
from pytest_aisec.judge.comparison import Comparison
from pytest_aisec.report import changes
from tests.support.compared import control, run

STRANGE = "gpu\x1b[31m\u202e<b>*x*|\n# y"


def everything() -> Comparison:
    """Return a comparison with something in every section."""
    before = dict.fromkeys((2, 3, 4, 5, 7, 9), "failed") | {1: "passed", 6: "waived", 8: "passed"}
    after = {1: "failed", 2: "passed", 3: "failed", 4: "passed", 5: "waived", 6: "waived", 7: "not_applicable", 8: "error", 10: "passed"}  # fmt: skip
    controls = [control(n, params={"mode": "0777"}) if n == 4 else control(n) for n in after]
    return compare(
        run({**{(n, "a"): item for n, item in before.items()}, **{(n, "old"): "passed" for n in before}}),
        run(
            {**{(n, "a"): item for n, item in after.items()}, **{(n, "new"): "passed" for n in after}},
            controls=(control(1, severity="low"), *controls[1:]),
            info={"profile_version": "2"},
        ),
        sha256="ab",
    )


TITLES = [
    "New failures (1)",
    "Fixed (1)",
    "Still failing (1)",
    "Pass with other parameters (1)",
    "Newly waived (1)",
    "Still waived (1)",
    "Do not apply any more (1)",
    "Judged then, and not now (1)",
    "Failed then, and not in this run (1)",
    "Controls that are not in the plan any more (1)",
    "New controls (1)",
    "Hosts that are not in the run any more (1)",
    "New hosts (1)",
    "Severities (1)",
    "Parameters (1)",
    "Settings (1)",
    "Weaker than the baseline (7)",
]


def test_text_has_every_section_in_80_columns() -> None:
    text = changes.render(everything(), "text")
    first, *lines = text.splitlines()
    expected = "since 2026-03-01T09:30:00Z (node): 1 new failure, 1 fixed, 1 still failing, 1 still waived, 1 no longer judged"
    assert expected == first
    assert TITLES == [line for line in lines if line and not line.startswith(" ")]
    assert [] == [line for line in lines if len(line) > 80]
    assert "  ACME-TST-01  low  a  passed → failed\n" in text
    assert '  ACME-TST-04.mode: "0700" → "0777"\n' in text
    assert "  ACME-TST-08  high  a  passed → error (unreachable)\n" in text


def test_markdown_has_the_same_sections() -> None:
    text = changes.render(everything(), "md")
    assert [f"### {title}" for title in TITLES] == [
        line for line in text.splitlines() if line.startswith("#")
    ]
    assert "- ACME-TST-02  high  a  failed → passed\n" in text


def test_json_has_the_comparison_and_what_follows_from_it() -> None:
    data = json.loads(changes.render(everything(), "json"))
    assert 1 == data["regressions"] == len(data["new_failures"])
    assert [*everything().weaker()] == data["weaker"]
    assert "ab" == data["baseline"]["sha256"]
    assert [{"what": "profile_version", "before": "1", "now": "2", "note": ""}] == data["settings"]


def test_nothing_is_said_of_what_did_not_change() -> None:
    one = run({(1, "a"): "passed"})
    expected = "since 2026-03-01T09:30:00Z (node): 0 new failures, 0 fixed, 0 still failing\n"
    assert expected == changes.render(compare(one, one), "text")
    assert ["0 new failures, 0 fixed, 0 still failing"] == [*changes.brief(compare(one, one))]


@pytest.mark.parametrize("style", ["text", "md"])
def test_a_strange_host_name_is_shown_and_does_nothing(style: str) -> None:
    found = compare(run({(1, "a"): "passed"}), run({(1, "a"): "passed", (1, STRANGE): "failed"}))
    text = changes.render(found, style)
    assert "\\x1b" in text
    assert not {"\x1b", "\u202e"} & {*text}
    assert not [line for line in text.splitlines() if line.startswith("# y")]
    if style == "md":
        assert "<b>" not in text.replace("\\<", "")


def test_the_summary_names_five_new_failures_and_counts_the_rest() -> None:
    found = compare(
        run({(n, "a"): "passed" for n in range(1, 9)}), run({(n, "a"): "failed" for n in range(1, 9)})
    )
    lines = [*changes.brief(found)]
    assert "8 new failures, 0 fixed, 0 still failing" == lines[0]
    assert 5 == sum(line.startswith("new: ACME-TST-0") for line in lines)
    assert "… and 3 more" == lines[6]


def test_the_summary_says_what_is_weaker() -> None:
    (last,) = [line for line in changes.brief(everything()) if line.startswith("weaker")]
    assert last.startswith(
        "weaker than the baseline: 1 control left the plan; 1 host left the run; 1 failure went"
    )


def test_the_most_severe_come_first() -> None:
    controls: Any = (control(1, severity="low"), control(2, severity="critical"), control(3, severity="high"))
    before = run({(n, "a"): "passed" for n in (1, 2, 3)}, controls=controls)
    after = run({(n, "a"): "failed" for n in (1, 2, 3)}, controls=controls)
    lines = [line.split()[1] for line in changes.brief(compare(before, after)) if line.startswith("new: ")]
    assert ["ACME-TST-02", "ACME-TST-03", "ACME-TST-01"] == lines
