from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser

import pytest

from pytest_aisec.judge.gate import decide
from pytest_aisec.judge.outcome import DIFFERS
from pytest_aisec.judge.run import Scores, WaiverState
from pytest_aisec.report import markdown
from pytest_aisec.report.text import visible

OURS = {"h1", "h2", "ul", "li", "p", "table", "thead", "tbody", "tr", "th", "td", "code", "strong"}
HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "[click](https://example.com)",
    "![x](https://example.com/x.png)",
    "https://example.com/a",
    "see www.example.com now",
    "someone@example.com",
    "@everyone #12 owner/repo#3",
    "a | b \\| c",
    "`code` ``more`` `",
    "a `` b",
    "<!-- hidden",
    "line\n\n# heading\n\n- item\n\n    code",
    "**bold** _it_ ~~gone~~ $x$ :smile:",
    "&lt;b&gt; &#64;x",
    "mailto:a@example.com",
    "ftp://example.com",
    "[ref]: https://example.com",
    "- item",
    "1. item",
    "1) item",
    "+ item",
    "# heading",
    "> quote",
    "---",
    "trailing \\",
    "| cell |",
    "WWW.EXAMPLE.COM",
    "</td></tr></table>",
    "snake_case_name and _under_",
    "\x1b]8;;https://example.com\x07link\x1b]8;;\x07",
]


class Seen(HTMLParser):
    """What a reader of the rendered summary sees: elements, attributes, headings, and rows of tables."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.rows, self.here = Counter(), [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags[tag] += 1
        self.attributes += attrs
        self.here.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert tag == self.here.pop()

    def handle_data(self, data):
        if {"td", "th"} & set(self.here):
            self.rows[-1][-1] += data


def rendered(text):
    """What GitHub's own implementation of Markdown makes of a text."""
    cmarkgfm = pytest.importorskip(
        "cmarkgfm", reason="GitHub's implementation is what shows that nothing is injected"
    )
    options = cmarkgfm.cmark.Options.CMARK_OPT_UNSAFE
    return Seen(cmarkgfm.github_flavored_markdown_to_html(text, options))


def summary(run):
    return markdown.render(run, decide(run))


def section(text, title):
    return re.search(rf"^## {title}.*?(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)[0]


def test_the_verdict_comes_first_with_its_reasons(run):
    text = summary(run)
    assert text.startswith(
        "# Gate failed\n\n"
        "- 3 results failed at or above severity high: 3 high\n"
        "- 1 result failed, and a waiver excuses it\n"
        "- 8 results could not be observed (error)\n"
    )


def test_counts_and_scores_are_shown(run):
    rows = rendered(summary(run)).rows
    assert ["planned", "passed", "failed", "error", "not applicable", "not reviewed", "not run"] == rows[0]
    assert ["21", "6", "4 (1 waived)", "8", "1", "1", "1"] == rows[1]
    assert "Score: 30.00%; 35.00% with waived failures counted as passed." in summary(run)


def test_failures_are_told_with_what_was_found(run):
    text = section(summary(run), "Failed:")
    assert "Failed: 3" in text
    assert (
        "| high | AISEC-ART-02 | Model files are not writable by others (2) | good "
        '| mode is 0777; observed `{"mode": "0777"}`, expected 0640 |' in text
    )
    assert "waiver expired on 2026-02-01" in text
    assert "AISEC-ART-01" in section(summary(run), "Failed:")
    assert "vendor image" not in text


def test_open_points_and_waived_failures_have_sections_of_their_own(run):
    text = section(summary(run), "Open")
    assert "Open: 10" in text
    for part in [
        "not reviewed: needs a person",
        "not run: deselected",
        "could not be observed: timeout; dmesg",
    ]:
        assert part in text
    assert "waived until 2026-12-31: vendor image" in section(summary(run), "Failed and waived")


def test_the_most_severe_comes_first(statements):
    rows = rendered(section(summary(statements), "Failed:")).rows
    assert ["critical", "high"] == [row[0] for row in rows[1:]]


def test_hosts_that_failed_alike_are_one_row(make):
    control, names = make.control(1), [f"gpu-{number:02}" for number in range(25)]
    results = [make.result(control, name, "failed", message="open") for name in names]
    run = make.run([control], results, {name: [] for name in names})
    assert [["high", control.id, control.title, f"{', '.join(names[:10])} and 15 more", "open"]] == rendered(
        section(summary(run), "Failed:")
    ).rows[1:]


VALUES = [
    ({"/srv/a": "mode 0777"}, {}, "/srv/a: mode 0777"),
    ({"/srv/a": ["r", "w"], "/srv/b": 7}, {}, "/srv/a: r, w; /srv/b: 7"),
    ({"logon": True, "logoff": False}, {"logon": True, "logoff": True}, "logoff: false, expected true"),
    ({"logon": True, "size": None}, {"logon": True, "size": 4}, "size: null, expected 4"),
    ({"logon": True}, {"logon": True, "size": 4}, "size: absent, expected 4"),
    ({"bad": {"torch": "2.1"}, "seen": 3}, {"bad": {}, "seen": 3}, "bad: torch: 2.1"),
    (["archive: 12 days", "none"], [], "archive: 12 days; none"),
    (17, 10, "observed 17, expected 10"),
    ("", "0640", "observed (empty), expected 0640"),
    (False, True, "observed false, expected true"),
    ({}, {}, "observed {}, expected {}"),
    (
        {f"/srv/{n}": "open" for n in range(8)},
        {},
        "; ".join(f"/srv/{n}: open" for n in range(5)) + "; and 3 more",
    ),
]


@pytest.mark.parametrize(("observed", "expected", "shown"), VALUES)
def test_a_failed_comparison_shows_the_values_that_it_saw(make, observed, expected, shown):
    control = make.control(1)
    failed = make.result(control, "a", "failed", observed=observed, expected=expected, message=DIFFERS)
    text = summary(make.run([control], [failed], {"a": []}))
    (row,) = rendered(section(text, "Failed:")).rows[1:]
    assert shown == row[-1]
    assert DIFFERS not in text


def test_the_values_of_a_waived_failure_stand_before_its_waiver(make):
    control, waiver = make.control(1), WaiverState(id="W-1", state="active")
    failed = make.result(control, "a", "failed", observed=1, expected=2, message=DIFFERS, waiver=waiver)
    run = make.run([control], [failed], {"a": []}, waivers=[make.waiver("W-1", control.id)])
    (row,) = rendered(section(summary(run), "Failed and waived")).rows[1:]
    assert row[-1].startswith("observed 1, expected 2; waived until 2026-02-01: accepted")


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("wrap", [lambda it: ({it: it}, {}), lambda it: ([it], []), lambda it: (it, [it])])
def test_values_are_shown_as_text_and_are_nothing_else(make, hostile, wrap):
    control, (observed, expected) = make.control(1, title="t"), wrap(hostile)
    failed = make.result(control, "a", "failed", observed=observed, expected=expected, message=DIFFERS)
    seen = rendered(summary(make.run([control], [failed], {"a": []})))
    assert not set(seen.tags) - OURS
    assert [] == seen.attributes
    assert {5} == {len(row) for row in seen.rows if "high" == row[0]}


def test_long_values_and_hosts_with_ever_other_values_are_bounded(make):
    control, names = make.control(1), [f"gpu-{number:02}" for number in range(50)]
    results = [
        make.result(
            control, name, "failed", observed={f"/srv/{name}": "x" * 9000}, expected={}, message=DIFFERS
        )
        for name in names
    ]
    text = section(summary(make.run([control], results, {name: [] for name in names})), "Failed:")
    rows = rendered(text).rows[1:]
    assert (20, "31 other ways; report.html has them") == (len(rows), rows[-1][-1])
    assert "gpu-19, gpu-20" in rows[-1][3]
    assert rows[-1][3].endswith("and 21 more")
    assert len(text) < 8000


def test_waivers_and_attestations_are_told_by_state(statements):
    text = summary(statements)
    assert "## Waivers: 1 active, 1 expired, 1 stale, 1 unused\n" in text
    assert "## Attestations: 2 active, 1 expired\n" in text
    rows = rendered(section(text, "Waivers")).rows[1:]
    assert [("active", "W-1"), ("expired", "W-2"), ("stale", "W-3"), ("unused", "W-4")] == [
        tuple(row[:2]) for row in rows
    ]
    assert ["2026-12-31", "ciso@example.com", "accepted SEC-7"] == rows[0][4:]


def test_hosts_are_counted_the_worst_first_with_their_faults(run):
    rows = rendered(section(summary(run), "Hosts")).rows[1:]
    assert ["odd", "good", "mute"] == [row[0] for row in rows]
    assert ["mute", "0", "7", "0", "0", "0", "0", "unreachable: connection refused"] == rows[2]


def test_without_waivers_there_is_no_word_of_them(make):
    control = make.control(1)
    text = summary(make.run([control], [make.result(control, "a", "passed")], {"a": []}))
    assert text.startswith("# Gate passed\n")
    assert not re.search("^## (?!Hosts)", text, re.MULTILINE)


def test_an_unbalanced_ledger_and_a_missing_score_are_said(make):
    run = make.run([make.control(1)], [], {"a": []}, scores=Scores(without_waivers=None, with_waivers=None))
    assert "The ledger does not balance" in summary(run)
    assert "Score: none, nothing counted" in summary(run)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_text_is_shown_as_it_is_and_is_nothing_else(make, hostile):
    control = make.control(1, title=hostile)
    waiver = make.waiver("W-1", control.id, reason=hostile, approved_by=hostile, hosts=[hostile])
    failed = make.result(control, hostile, "failed", message=hostile)
    run = make.run([control], [failed], {hostile: []}, faults={hostile: hostile}, waivers=[waiver])
    seen = rendered(summary(run))
    assert not set(seen.tags) - OURS
    assert [] == seen.attributes
    assert {"h1": 1, "h2": 3, "ul": 1, "table": 4} == {
        tag: seen.tags[tag] for tag in ("h1", "h2", "ul", "table")
    }
    shown = visible(hostile).replace("\n", "\\n").replace("|", "\\x7c").strip()
    words = [[" ".join(cell.split()) for cell in row] for row in seen.rows]
    wanted = " ".join(shown.split())
    assert ["high", control.id, wanted, wanted, wanted] in words
    assert [wanted, "1", "0", "0", "0", "0", "0", wanted] in words


def test_a_run_of_nothing_but_strange_texts_stays_a_summary(hostile):
    text = summary(hostile)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", text)
    seen = rendered(text)
    assert not set(seen.tags) - OURS
    assert [] == seen.attributes
    assert 6 == len(rendered(section(text, "Hosts")).rows[1:])


@pytest.mark.slow
def test_a_huge_run_stays_within_what_github_shows_and_says_what_is_left_out(make):
    controls = [make.control(number, title="t" * 300) for number in range(1, 31)]
    names = [f"host-{number}-{'n' * 200}" for number in range(1000)]
    results = [
        make.result(control, name, "failed" if number % 2 else "error", message=f"{name} {control.id}")
        for name in names
        for number, control in enumerate(controls)
    ]
    run = make.run(controls, results, {name: [] for name in names}, faults=dict.fromkeys(names, "f" * 300))
    text = summary(run)
    assert len(text.encode()) < markdown.BOUND
    left = [int(number) for number in re.findall(r"\*\*(\d+) more rows are left out here; report.html", text)]
    shown = sum(len(rendered(section(text, name)).rows) - 1 for name in ("Failed:", "Open", "Hosts"))
    assert 3 == len(left)
    assert 15_000 + 15_000 + 1000 == sum(left) + shown


def test_a_long_text_is_cut():
    assert "x" * 300 + " …" == markdown.text("x" * 10_000_000)


def test_the_same_run_gives_the_same_text(run):
    assert summary(run) == summary(run)
