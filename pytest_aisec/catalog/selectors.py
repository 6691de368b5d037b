"""Selectors of profiles and of the command line: which controls they mean."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping, Sequence

from pytest_aisec.catalog.control import CONTROL_ID, SEVERITIES
from pytest_aisec.catalog.load import Catalog
from pytest_aisec.catalog.plan import Plan, PlannedControl
from pytest_aisec.catalog.profile import ControlEntry
from pytest_aisec.errors import UsageProblem, nearest


def matching(selector: str, catalog: Iterable[str]) -> list[str]:
    """Return the controls that a selector of a profile means, by id or by wildcard."""
    if CONTROL_ID.fullmatch(selector):
        return [selector] if selector in catalog else []
    return fnmatch.filter(sorted(catalog), selector)


def in_order(entries: Mapping[str, ControlEntry | None]) -> list[tuple[str, ControlEntry]]:
    """Return the entries of a profile's `controls` as they are laid over one another, the last counts.

    A wildcard gives way to an id in the same file, wherever either stands.
    """
    pairs = [(selector, entry or ControlEntry()) for selector, entry in entries.items()]
    return sorted(pairs, key=lambda pair: bool(CONTROL_ID.fullmatch(pair[0])))


def not_there(selector: str, catalog: Iterable[str], where: str) -> str:
    """Say that a selector means no control."""
    what = "unknown control" if CONTROL_ID.fullmatch(selector) else "no control matches"
    return f"{where}: {what} {selector!r}. {nearest(selector, catalog)}".rstrip()


def selected(planned: list[PlannedControl], select: Sequence[str], catalog: Catalog) -> list[PlannedControl]:
    """Return what `--aisec-select` leaves of the planned controls.

    Raises:
        UsageProblem: for what selects none of them.

    """
    if not select:
        return planned
    kept: dict[str, PlannedControl] = {}
    for text in (part.strip() for item in select for part in item.split(",")):
        found = [item for item in planned if _is_meant(item, text)]
        if not found:
            raise UsageProblem(f"--aisec-select {text}: {_why_nothing(planned, text, catalog)}")
        kept.update((item.id, item) for item in found)
    return [item for item in planned if item.id in kept]


def matches(control_id: str, selector: str) -> bool:
    """Tell whether the selector of `--aisec-param SELECTOR.NAME=VALUE` means the control."""
    return fnmatch.fnmatchcase(control_id, selector)


def selects(text: str, plan: Plan) -> bool:
    """Tell whether one item of `--aisec-select` selects anything of the plan."""
    return any(_is_meant(item, text) for item in plan.controls)


def _is_meant(item: PlannedControl, text: str) -> bool:
    framework, colon, reference = text.partition(":")
    if colon:
        return reference in item.references.get(framework, ())
    if text in SEVERITIES:
        return item.severity == text
    return text == item.control.family or fnmatch.fnmatchcase(item.id, text)


def _why_nothing(planned: list[PlannedControl], text: str, catalog: Catalog) -> str:
    framework, colon, reference = text.partition(":")
    if colon:
        used = {
            key: {i for item in planned for i in item.references.get(key, ())}
            for item in planned
            for key in item.references
        }
        if framework not in used:
            return f"no control of the profile refers to framework {framework!r}. {nearest(framework, used)}"
        return f"no control of the profile covers {reference!r}. {nearest(reference, used[framework])}"
    if text in SEVERITIES:
        return "no control of the profile has this severity"
    if text in catalog:
        return "the profile does not select this control"
    return f"no control of the profile matches. {nearest(text, [item.id for item in planned])}"
