"""Findings: what failed results say is wrong, each with an id that stays the same from run to run."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pytest_aisec.judge.outcome import Outcome
from pytest_aisec.judge.run import Finding, Result, Run

_PROCESS = re.compile(r"(?<=\bprocess) \d+\b| \(\d+\)(?=[:;,\s]|$)")
"""Number of a process, behind the word or a name: another one after each start."""
_LINE = re.compile(r"(^/[^:]*|(?<=\s)/[^:\s]*):\d+(?=[:;,\s]|$)")
"""A path, and the line in that file: another one after each change above it."""
ABSENT: Any = object()
"""Value of a key that is not there."""
_LENGTH = 32
"""Hexadecimal digits of an id: 128 bits."""


def identify(control: str, host: str, subject: str = "") -> str:
    """Return the id of a finding: a digest, 32 hexadecimal digits.

    Args:
        control: its id.
        host: its canonical name.
        subject: what is wrong, as `subjects` names it; empty for the result as a whole.

    """
    text = json.dumps([control, host, subject])
    return hashlib.sha256(text.encode()).hexdigest()[:_LENGTH]


def subjects(observed: Any, expected: Any) -> tuple[str, ...]:
    """Return what a failed comparison says is wrong, sorted, each once; nothing where that is not told.

    Of two mappings: the keys whose values differ, in mappings inside of them as well (`OUTER: INNER`). Of a
    sequence where nothing was expected: its items, if all are numbers or words. All else is one value or a
    text, and names nothing.
    """
    if isinstance(observed, Mapping) and isinstance(expected, Mapping):
        return tuple(sorted({_lasting(name) for name, _, _ in differences(observed, expected)}))
    if isinstance(observed, list | tuple) and expected in ([], (), {}) and all(map(_is_name, observed)):
        return tuple(sorted({_lasting(str(item)) for item in observed}))
    return ()


def differences(
    observed: Mapping[str, Any], expected: Mapping[str, Any], outer: str = ""
) -> Iterator[tuple[str, Any, Any]]:
    """Yield name, observed and expected value of each key that differs, sorted; `ABSENT` for no such key.

    Of mappings in both the keys that differ are named instead, `OUTER: INNER`.
    """
    for key in sorted(observed.keys() | expected.keys()):
        if key in observed and key in expected and observed[key] == expected[key]:
            continue
        name, here, wanted = f"{outer}{key}", observed.get(key, ABSENT), expected.get(key, ABSENT)
        if isinstance(here, Mapping) and isinstance(wanted, Mapping):
            yield from differences(here, wanted, f"{name}: ")
        else:
            yield name, here, wanted


def of(result: Result, first_seen: str = "") -> tuple[Finding, ...]:
    """Return the findings of a result: none unless it failed, else one at least.

    Args:
        result: with what was observed and expected.
        first_seen: of each of them, UTC, ISO 8601; empty where that is not known.

    """
    if result.outcome is not Outcome.FAILED:
        return ()
    named = subjects(result.observed, result.expected) or ("",)
    return tuple(
        Finding(id=identify(result.control, result.host, name), subject=name, first_seen=first_seen)
        for name in named
    )


def attach(run: Run, baseline: Run | None = None) -> Run:
    """Return the run with the findings of its results, first seen when the baseline says, or in this run."""
    now = run.run.started_at
    seen = {
        item.id: item.first_seen
        for result in (baseline.results if baseline else ())
        for item in result.findings
    }
    return replace(
        run,
        results=tuple(
            replace(result, findings=tuple(_dated(item, seen.get(item.id), now) for item in of(result, now)))
            if result.outcome is Outcome.FAILED
            else result
            for result in run.results
        ),
    )


def accounted_for(run: Run) -> Iterator[str]:
    """Yield a sentence for each result whose findings are not those that follow from it.

    A run from before there were findings has none at all.
    """
    if not any(result.findings for result in run.results):
        return
    now = run.run.started_at
    for result in run.results:
        where = f"{result.control} on {result.host}"
        undated = tuple(replace(item, first_seen="") for item in result.findings)
        if undated != of(result):
            yield f"the findings of {where} do not follow from its values"
        elif any(item.first_seen > now for item in result.findings):
            yield f"a finding of {where} was first seen after the run"
        elif run.comparison is None and any(item.first_seen != now for item in result.findings):
            yield f"a finding of {where} was first seen in an earlier run, and there is no baseline"


def first_seen(findings: Sequence[Finding]) -> str:
    """Return when the earliest was first seen; empty where there is none, or nobody knows."""
    return min((item.first_seen for item in findings), default="")


def _dated(item: Finding, before: str | None, now: str) -> Finding:
    return replace(item, first_seen=min(before, now)) if before else item


def _is_name(item: object) -> bool:
    is_word = isinstance(item, str) and bool(item) and not any(map(str.isspace, item))
    return is_word or (isinstance(item, int) and not isinstance(item, bool))


def _lasting(name: str) -> str:
    """Return a name without numbers that say nothing of what it names."""
    return _LINE.sub(r"\1", _PROCESS.sub("", name))
