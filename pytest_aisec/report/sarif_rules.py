"""The rules of a SARIF log, and the frameworks that they refer to, as its taxonomies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_aisec.catalog import frameworks
from pytest_aisec.catalog.control import Severity
from pytest_aisec.errors import UsageProblem
from pytest_aisec.judge.run import ControlInfo
from pytest_aisec.report.wording import bounded, short

LEVELS: Mapping[Severity, str] = {"critical": "error", "high": "error", "medium": "warning", "low": "note"}
_SCORES: Mapping[Severity, str] = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "2.5"}
"""`security-severity`: the middle of the range to which code scanning gives the same name."""
_PROBLEMS: Mapping[Severity, str] = {
    "critical": "error",
    "high": "error",
    "medium": "warning",
    "low": "recommendation",
}
_MOST_TAGS = 20
"""Code scanning refuses rules with more tags; the taxonomies have all ids."""


class Rules:
    """The rules for the controls of a run, each with a number.

    Args:
        controls: by id, in the order of the rules.

    """

    def __init__(self, controls: Mapping[str, ControlInfo]) -> None:
        self._controls = controls
        self._numbers = {name: number for number, name in enumerate(controls)}
        used: dict[str, dict[str, None]] = {}
        for control in controls.values():
            for key, ids in control.frameworks.items():
                used.setdefault(key, {}).update(dict.fromkeys(ids))
        self._taxa = {
            key: {name: index for index, name in enumerate(sorted(used[key]))} for key in sorted(used)
        }
        self._places = {key: index for index, key in enumerate(self._taxa)}

    def number(self, control: str) -> int:
        """Return the place of a control's rule."""
        return self._numbers[control]

    def rules(self) -> list[dict[str, Any]]:
        """Return all rules."""
        return [self._rule(control) for control in self._controls.values()]

    def taxonomies(self) -> list[dict[str, Any]]:
        """Return each framework that a rule refers to, with the ids that are referred to."""
        return [self._taxonomy(key) for key in self._taxa]

    def supported(self) -> list[dict[str, Any]]:
        """Return references to all taxonomies."""
        return [{"name": key, "index": index} for key, index in self._places.items()]

    def _rule(self, control: ControlInfo) -> dict[str, Any]:
        named = [name for key in self._taxa for name in control.frameworks.get(key, ())]
        tags = [*dict.fromkeys(("security", control.family, *named))]
        return {
            "id": control.id,
            "shortDescription": {"text": _sentence(control.title)},
            "fullDescription": {"text": _sentence(control.rationale or control.title)},
            "help": {"text": _help(control), "markdown": _markdown(control)},
            "defaultConfiguration": {"level": LEVELS[control.severity]},
            "relationships": [
                {
                    "target": {
                        "id": name,
                        "index": self._taxa[key][name],
                        "toolComponent": {"name": key, "index": self._places[key]},
                    },
                    "kinds": ["relevant"],
                }
                for key, ids in sorted(control.frameworks.items())
                for name in dict.fromkeys(ids)
            ],
            "properties": {
                "tags": [tag for tag in tags if tag][:_MOST_TAGS],
                "security-severity": _SCORES[control.severity],
                "problem.severity": _PROBLEMS[control.severity],
                "precision": "very-high",
                "severity": control.severity,
                "platforms": [*control.platforms],
                "parameters": {name: bounded(value) for name, value in control.params.items()},
                "declared": [*control.declared],
            },
        }

    def _taxonomy(self, key: str) -> dict[str, Any]:
        try:
            known = frameworks.framework(key)
        except UsageProblem:
            return {"name": key, "taxa": [{"id": name} for name in self._taxa[key]]}
        return {
            "name": key,
            "fullName": f"{known.title} {known.version}",
            "version": known.version,
            "shortDescription": {"text": _sentence(f"{known.title} {known.version}")},
            "taxa": [
                {"id": name, **({"shortDescription": {"text": _sentence(title)}} if title else {})}
                for name, title in ((name, known.ids.get(name)) for name in self._taxa[key])
            ],
        }


def _help(control: ControlInfo) -> str:
    parts = [f"{title}: {text}" for title, text in _parts(control)]
    return short("\n\n".join((control.title, *parts)))


def _markdown(control: ControlInfo) -> str:
    """Return the help as Markdown in which nothing of the control's texts is markup."""
    return "\n\n".join(f"**{title}**\n\n{_block(text)}" for title, text in _parts(control))


def _parts(control: ControlInfo) -> list[tuple[str, str]]:
    parts = {"Required": control.title, "Why": control.rationale, "Remedy": control.remediation}
    return [(title, text) for title, text in parts.items() if text]


def _block(text: str) -> str:
    """Return an indented code block, which has no end that a text could write."""
    return "\n".join(f"    {line}" for line in short(text).split("\n"))


def _sentence(text: str) -> str:
    shown = short(text.strip(), 1000)
    return shown if shown.endswith((".", "!", "?")) else f"{shown}."
