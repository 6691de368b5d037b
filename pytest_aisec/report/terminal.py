"""Summary at the end of a run, at 80 columns and without colour."""

from __future__ import annotations

import json
import re
import shutil
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pytest_aisec.catalog.control import SEVERITIES
from pytest_aisec.catalog.plan import Plan
from pytest_aisec.judge.outcome import Outcome
from pytest_aisec.judge.run import (
    AttestationInfo,
    ControlInfo,
    Result,
    Run,
    Scores,
    Verdict,
    WaiverInfo,
    is_waived,
)
from pytest_aisec.observe.redaction.redact import redact
from pytest_aisec.report import changes
from pytest_aisec.report.text import visible
from pytest_aisec.report.wording import Index

Line = tuple[str, dict[str, bool]]
"""Text and the markup that pytest's terminal writer knows."""

_LONGEST = 20
"""Lines of one text or JSON value that are shown; the reports have all of it."""
_MOST = 8192
"""Characters of a text that are looked at."""
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_STATES = {
    "expired": {"red": True},
    "expiring": {"yellow": True},
    "stale": {"yellow": True},
    "unused": {"yellow": True},
}
_GATE = {"passed": {"green": True}, "failed": {"red": True}, "inconclusive": {"yellow": True}}


def header(plan: Plan, hosts: Sequence[str]) -> str:
    """Return what is going to be audited, one to three lines."""
    hosts = [visible(host) for host in hosts]
    profile = f"{plan.profile} {visible(redact(plan.version))}"
    what = f"{_count(len(plan.groups), 'group')} of {plan.profile}" if plan.groups else f"profile {profile}"
    text = f"aisec: {what}, {_count(plan.count(), 'control')} on "
    shown = ", ".join(hosts[:8]) + (f" … and {len(hosts) - 8} more" if len(hosts) > 8 else "")
    lines = textwrap.wrap(shown, _width() - 7, break_on_hyphens=False, break_long_words=False)
    groups = [
        f"       {group.name}: profile {group.profile} {visible(redact(group.version))}, "
        f"{_count(sum(name == group.name for name in plan.members.values()), 'host')}"
        for group in plan.groups
    ]
    return "\n".join([text + _count(len(hosts), "host"), *groups, *(f"       {line}" for line in lines)])


WORDS: dict[Outcome, tuple[str, str, tuple[str, dict[str, bool]]]] = {
    Outcome.PASSED: ("passed", ".", ("PASS", {"green": True})),
    Outcome.FAILED: ("failed", "F", ("FAIL", {"red": True})),
    Outcome.ERROR: ("error", "E", ("ERROR", {"yellow": True})),
    Outcome.NOT_APPLICABLE: ("not applicable", "-", ("N/A", {"cyan": True})),
    Outcome.NOT_REVIEWED: ("not reviewed", "?", ("REVIEW", {"yellow": True})),
    Outcome.NOT_RUN: ("not run", " ", ("NOT RUN", {"yellow": True})),
}
"""Outcome → pytest's category, the letter of the progress, and the word with its markup."""


def verdict_line(outcome: Outcome, control: str, host: str, title: str) -> Line:
    """Return one line for how one control ended on one host, cut to the terminal's width."""
    _, _, (word, markup) = WORDS[outcome]
    line = visible(f"{word:<7} {control:<13} {host}  {title}")
    width = _width()
    return line if len(line) <= width else line[: width - 1] + "…", markup


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of the summary."""

    title: str = ""
    """Empty where it has no line of its own."""
    markup: dict[str, bool] = field(default_factory=lambda: {"bold": True})
    """Of the title."""
    lines: Iterator[Line]
    is_detail: bool = False
    """True if it may be folded away, where that is possible."""


def render(run: Run, verdict: Verdict, bundle: str, problem: str, *, verbose: bool) -> Iterator[Line]:
    """Yield the lines of the summary; nothing in them acts on the terminal.

    Args:
        run: the run.
        verdict: what the gate decided.
        bundle: the path of the bundle, as it is to be shown.
        problem: why there is no bundle, if so.
        verbose: show all that could not be judged, too, not just counts of repeated reasons.

    """
    for section in sections(run, verdict, bundle, problem, verbose=verbose):
        if section.title:
            yield _rule(section.title, _width()), section.markup
        yield from section.lines


def sections(run: Run, verdict: Verdict, bundle: str, problem: str, *, verbose: bool) -> Iterator[Section]:
    """Yield the parts of which `render` gives the lines."""
    for section in _sections(run, verdict, bundle, problem, verbose=verbose):
        lines = ((visible(line), markup) for line, markup in section.lines)
        yield replace(section, title=visible(section.title), lines=lines)


def _sections(run: Run, verdict: Verdict, bundle: str, problem: str, *, verbose: bool) -> Iterator[Section]:
    width = _width()
    yield Section(lines=_failures(run, width))
    yield Section(lines=_open_points(run, width, verbose=verbose))
    yield Section(title="hosts", lines=_hosts(run), is_detail=True)
    yield from _said(run, width)
    if run.comparison is not None:
        lines = (
            line
            for text in changes.brief(run.comparison)
            for line in _wrapped(text, width, red=text.startswith("new: "))
        )
        yield Section(title=changes.title(run.comparison), lines=lines)
    yield Section(
        title=f"verdict: {verdict.gate.upper()}",
        markup={"bold": True, **_GATE[verdict.gate]},
        lines=_decided(run, verdict, bundle, problem, width),
    )


def _failures(run: Run, width: int) -> Iterator[Line]:
    index = Index(run)
    order = {severity: number for number, severity in enumerate(SEVERITIES)}
    failed = [item for item in run.results if item.outcome is Outcome.FAILED]
    for result in sorted(failed, key=lambda item: (order[item.severity], item.control, item.host)):
        yield from _failure(run, result, index.control(result), width)


def _decided(run: Run, verdict: Verdict, bundle: str, problem: str, width: int) -> Iterator[Line]:
    for reason in verdict.because:
        yield from _wrapped(reason, width)
    yield from _wrapped(f"ledger: {_ledger(run)}", width)
    yield from _wrapped(f"score: {_scores(run.scores)}", width)
    if problem:
        yield from _wrapped(f"NO EVIDENCE: {problem}", width, red=True, bold=True)
    else:
        yield f"evidence: {bundle}", {}


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _width() -> int:
    return min(shutil.get_terminal_size().columns, 110)


def _rule(title: str, width: int) -> str:
    return f"---- {title} ".ljust(width, "-")


def _wrapped(text: str, width: int, indent: int = 0, **markup: bool) -> Iterator[Line]:
    plain = _CONTROL_CHARACTERS.sub("\N{REPLACEMENT CHARACTER}", text[:_MOST])
    lines = [
        line
        for paragraph in plain.splitlines() or [""]
        for line in textwrap.wrap(paragraph, width - indent, break_on_hyphens=False) or [""]
    ]
    for line in lines[:_LONGEST]:
        yield " " * indent + line, markup
    if len(lines) > _LONGEST or len(text) > _MOST:
        yield " " * indent + "… all of it is in the report", markup


def _failure(run: Run, result: Result, control: ControlInfo, width: int) -> Iterator[Line]:
    yield "", {}
    word, markup = ("WAIVED", {"yellow": True}) if is_waived(result) else ("FAIL", {"red": True})
    yield f"{word} {result.control}  {result.severity}  {result.host}", {"bold": True, **markup}
    yield from _wrapped(control.title, width, 5)
    if result.observed is not None or result.expected is not None:
        yield from _value("expected", result.expected, width)
        yield from _value("observed", result.observed, width)
    else:
        yield from _wrapped(result.message, width, 5)
    waiver = next((item for item in run.waivers if result.waiver and item.id == result.waiver.id), None)
    if waiver is not None and is_waived(result):
        text = f"waived by {waiver.id} until {waiver.expires}: {waiver.reason} ({waiver.approved_by})"
        yield from _wrapped(text, width, 5)
        return
    if waiver is not None:
        yield from _wrapped(f"waiver {waiver.id} expired on {waiver.expires}", width, 5)
    yield from _wrapped(f"remediation: {control.remediation}", width, 5)


def _said(run: Run, width: int) -> Iterator[Section]:
    """Yield what became of waivers and attestations, with a count of each state."""
    for title, items in (("waivers", run.waivers), ("attestations", run.attestations)):
        if not items:
            continue
        counts = Counter(item.state for item in items)
        said = ", ".join(f"{counts[state]} {state}" for state in sorted(counts))
        lines = (line for item in items for line in _statement(item, width))
        yield Section(title=f"{title}: {said}", lines=lines, is_detail=True)


def _statement(item: WaiverInfo | AttestationInfo, width: int) -> Iterator[Line]:
    note = f": {item.note}" if isinstance(item, WaiverInfo) and item.note else ""
    end = item.expires if isinstance(item, WaiverInfo) else item.valid_until
    line = f"{item.id}  {item.state}, {item.control} on {', '.join(item.hosts)} until {end}{note}"
    yield from _wrapped(line, width, **_STATES.get(item.state, {}))


def _value(name: str, value: Any, width: int) -> Iterator[Line]:
    short = json.dumps(value, ensure_ascii=False)
    if len(short) <= width - 15:
        yield from _wrapped(f"{name}: {short}", width, 5)
        return
    yield f"     {name}:", {}
    lines = json.dumps(value, ensure_ascii=False, indent=2).splitlines()
    for line in lines[:_LONGEST]:
        plain = _CONTROL_CHARACTERS.sub("\N{REPLACEMENT CHARACTER}", line)
        yield f"       {plain[: width - 8]}{'…' if len(plain) > width - 8 else ''}", {}
    if len(lines) > _LONGEST:
        more = len(lines) - _LONGEST
        yield f"       … {more} more {'line' if more == 1 else 'lines'} in the report", {}


def _open_points(run: Run, width: int, *, verbose: bool) -> Iterator[Line]:
    kinds = {Outcome.ERROR: "ERROR", Outcome.NOT_REVIEWED: "REVIEW", Outcome.NOT_RUN: "NOT RUN"}
    grouped: dict[tuple[Outcome, str, str, str], list[Result]] = {}
    for result in run.results:
        if result.outcome in kinds:
            key = (result.outcome, result.host, result.reason, result.message)
            grouped.setdefault(key, []).append(result)
    if grouped:
        yield "", {}
    for (outcome, host, reason, message), results in grouped.items():
        names = [result.control for result in results]
        shown = names if verbose or len(names) <= 3 else [*names[:2], f"and {len(names) - 2} more"]
        yield (
            f"{kinds[outcome]} {reason if outcome is Outcome.ERROR else ''} on {host}".replace("  ", " "),
            {"yellow": True},
        )
        yield from _wrapped(", ".join(shown), width, 5)
        yield from _wrapped(message, width, 5)


def _hosts(run: Run) -> Iterator[Line]:
    longest = max((len(host.name) for host in run.hosts), default=0)
    by_host = run.by_host()
    for host in run.hosts:
        results = by_host[host.name]
        words = "  ".join(_counts(results))
        bad = any(item.outcome in {Outcome.FAILED, Outcome.ERROR} and not is_waived(item) for item in results)
        yield f"{host.name:<{longest}}  {words}", {"red": True} if bad else {}


def _ledger(run: Run) -> str:
    return f"{run.ledger.planned} planned = {' + '.join(_counts(run.results)) or '0'}"


def _counts(results: Sequence[Result]) -> Iterator[str]:
    """Yield how many ended in each way, such as `3 failed (1 waived)`, and no way in which none did."""
    counts, waived = Counter(item.outcome for item in results), sum(map(is_waived, results))
    for outcome in Outcome:
        if counts[outcome]:
            excused = f" ({waived} waived)" if outcome is Outcome.FAILED and waived else ""
            yield f"{counts[outcome]} {outcome.value.replace('_', ' ')}{excused}"


def _scores(scores: Scores) -> str:
    if scores.without_waivers is None or scores.with_waivers is None:
        return "none, nothing applied"
    formula = "passed / (passed + failed + error + not reviewed + not run)"
    return f"{scores.without_waivers:.0%} ({scores.with_waivers:.0%} with waivers) = {formula}"
