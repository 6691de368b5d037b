"""Reports count in whole sentences: what is said of one, and of several."""

from __future__ import annotations

import re

import pytest

from pytest_aisec.judge.gate import decide
from pytest_aisec.report import html, markdown, terminal


def on_hosts(make, number, **changes):
    control = make.control(1)
    names = [f"{at:03}-{'n' * 200}" for at in range(number)]
    results = [make.result(control, name, "failed", message=name, **changes) for name in names]
    return make.run([control], results, {name: [] for name in names})


@pytest.mark.parametrize(
    ("more", "said"),
    [(1, "1 more result that differs from these"), (2, "2 more results that differ from these")],
)
def test_html_counts_what_is_told_in_brief(make, more, said):
    run = on_hosts(make, html.WHOLE + more)
    assert said in html.render(run, decide(run))


def test_the_summary_counts_what_it_leaves_out(make):
    def left_out(number):
        run = on_hosts(make, number)
        return re.findall(r"\*\*(\d+) (more .*) left out here", markdown.render(run, decide(run)))[-1]

    several, words = left_out(600)
    assert "more rows are" == words
    assert ("1", "more row is") == left_out(600 - int(several) + 1)


@pytest.mark.parametrize(("lines", "said"), [(21, "… 1 more line in"), (22, "… 2 more lines in")])
def test_the_terminal_counts_what_it_leaves_out(make, lines, said):
    observed = ["x" * 30] * (lines - 2)
    run = on_hosts(make, 1, observed=observed, expected=[])
    shown = "\n".join(line for line, _ in terminal.render(run, decide(run), "evidence", "", verbose=False))
    assert said in shown
