"""Comparison of a run with its baseline, as text, Markdown and JSON."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from pytest_aisec.catalog.control import SEVERITIES
from pytest_aisec.judge.comparison import Change, Comparison, Setting
from pytest_aisec.report.text import compact, visible

FORMATS = ("text", "md", "json")
_SHOWN = 5
"""New failures that the summary names."""
_LONGEST = 60
"""Characters of a parameter's value that are shown."""
_MARKDOWN = re.compile(r"([\\`*_\[\]<>#|~&])")


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """Changes of one kind."""

    title: str
    items: Sequence[str]


def render(comparison: Comparison, style: str) -> str:
    """Return the comparison in one of `FORMATS`."""
    if style == "json":
        data = {
            **asdict(comparison),
            "regressions": len(comparison.new_failures),
            "weaker": [*comparison.weaker()],
        }
        return json.dumps(data, indent=2, ensure_ascii=False) + "\n"
    return _markdown(comparison) if style == "md" else _text(comparison)


def brief(comparison: Comparison) -> Iterator[str]:
    """Yield the few lines that a summary shows."""
    yield _counts(comparison)
    lines = new(comparison)
    for line in lines[:_SHOWN]:
        yield f"new: {line}"
    if len(lines) > _SHOWN:
        yield f"… and {len(lines) - _SHOWN} more"
    fixed = [f"{item.control} on {item.host}" for item in comparison.fixed]
    if fixed:
        more = f" and {len(fixed) - 3} more" if len(fixed) > 3 else ""
        yield visible(f"fixed: {', '.join(fixed[:3])}{more}")
    weaker = [*comparison.weaker()]
    if weaker:
        yield f"weaker than the baseline: {'; '.join(weaker)}"


def new(comparison: Comparison) -> list[str]:
    """Return a line for each new failure, the most severe first."""
    return [_change(item) for item in _by_severity(comparison.new_failures)]


def title(comparison: Comparison) -> str:
    """Return which run is compared with."""
    return visible(f"since {comparison.baseline.started_at} ({comparison.baseline.profile})")


def _counts(comparison: Comparison) -> str:
    new = len(comparison.new_failures)
    parts = [f"{new} new failure{'' if new == 1 else 's'}", f"{len(comparison.fixed)} fixed"]
    parts.append(f"{len(comparison.still_failing)} still failing")
    if comparison.still_waived:
        parts.append(f"{len(comparison.still_waived)} still waived")
    if comparison.no_longer_judged:
        parts.append(f"{len(comparison.no_longer_judged)} no longer judged")
    return ", ".join(parts)


def _by_severity(changes: Sequence[Change]) -> list[Change]:
    return sorted(changes, key=lambda item: (SEVERITIES.index(item.severity), item.host, item.control))


def _change(item: Change) -> str:
    words = f"{item.before} → {item.now}".replace("_", " ")
    note = f" ({item.note})" if item.note else ""
    return visible(f"{item.control}  {item.severity}  {item.host}  {words}{note}")


def _setting(item: Setting) -> str:
    note = f" ({item.note})" if item.note else ""
    return visible(f"{item.what}: {_value(item.before)} → {_value(item.now)}{note}")


def _value(value: object) -> str:
    text = compact(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _sections(comparison: Comparison) -> Iterator[Section]:
    changes = {
        "New failures": comparison.new_failures,
        "Fixed": comparison.fixed,
        "Still failing": comparison.still_failing,
        "Pass with other parameters": comparison.eased,
        "Newly waived": comparison.newly_waived,
        "Still waived": comparison.still_waived,
        "Do not apply any more": comparison.no_longer_applicable,
        "Judged then, and not now": comparison.no_longer_judged,
        "Failed then, and not in this run": comparison.gone,
    }
    for name, found in changes.items():
        yield Section(title=name, items=[_change(item) for item in _by_severity(found)])
    removed = [
        f"{item.control}  {item.severity}" + (f"  ({item.reason})" if item.reason else "")
        for item in comparison.controls_removed
    ]
    yield Section(title="Controls that are not in the plan any more", items=[*map(visible, removed)])
    yield Section(title="New controls", items=[*map(visible, comparison.controls_added)])
    yield Section(
        title="Hosts that are not in the run any more", items=[*map(visible, comparison.hosts_removed)]
    )
    yield Section(title="New hosts", items=[*map(visible, comparison.hosts_added)])
    yield Section(title="Severities", items=[_setting(item) for item in comparison.severities])
    yield Section(title="Parameters", items=[_setting(item) for item in comparison.parameters])
    yield Section(title="Settings", items=[_setting(item) for item in comparison.settings])
    yield Section(title="Weaker than the baseline", items=[*comparison.weaker()])


def _text(comparison: Comparison) -> str:
    lines = [f"{title(comparison)}: {_counts(comparison)}"]
    for section in _sections(comparison):
        if section.items:
            lines += ["", f"{section.title} ({len(section.items)})"]
            for item in section.items:
                lines += textwrap.wrap(
                    item, 80, initial_indent="  ", subsequent_indent="      ", break_on_hyphens=False
                )
    return "\n".join(lines) + "\n"


def _markdown(comparison: Comparison) -> str:
    lines = [f"**{_escaped(title(comparison))}**: {_counts(comparison)}", ""]
    for section in _sections(comparison):
        if section.items:
            lines += [f"### {section.title} ({len(section.items)})", ""]
            lines += [f"- {_escaped(item)}" for item in section.items]
            lines.append("")
    return "\n".join(lines)


def _escaped(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", text.replace("\n", " "))
