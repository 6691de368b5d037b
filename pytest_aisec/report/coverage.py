"""The results of a run by framework: which requirements have controls, and which have none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pytest_aisec.catalog import frameworks
from pytest_aisec.errors import UsageProblem
from pytest_aisec.judge.run import ControlInfo
from pytest_aisec.report.grouping import STATUSES, Group, Status


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    """The hosts on which a control ended with one status."""

    status: Status
    group: str
    """The id of the first group of these hosts."""
    hosts: Sequence[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Contribution:
    """A control that contributes to requirements, and how it ended."""

    control: str
    endings: Sequence[Ending]
    """The worst first; empty where the control has no result."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Requirement:
    """One requirement of a framework."""

    id: str
    title: str
    """Empty where it may not be reproduced."""
    contributions: Sequence[Contribution]

    @property
    def status(self) -> Status | None:
        """The worst of its controls on any host; `None` where none has a result."""
        found = [item.endings[0].status for item in self.contributions if item.endings]
        return min(found, key=STATUSES.index, default=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Coverage:
    """One framework, as the run covers it."""

    key: str
    title: str
    covered: Sequence[Requirement]
    uncovered: Sequence[Requirement]
    """Requirements to which no control of the run contributes."""

    def counts(self) -> Iterator[tuple[Status, int]]:
        """Yield how many covered requirements have which worst status."""
        for status in STATUSES:
            number = sum(item.status == status for item in self.covered)
            if number:
                yield status, number


def by_framework(controls: Iterable[ControlInfo], groups: Mapping[str, Sequence[Group]]) -> list[Coverage]:
    """Return the coverage of every known framework, and of those that only controls of the run name.

    Args:
        controls: the controls of the run.
        groups: control id → its groups, the worst first.

    """
    held: dict[str, dict[str, list[Contribution]]] = {key: {} for key in frameworks.KEYS}
    for control in controls:
        contribution = Contribution(control=control.id, endings=[*_endings(groups.get(control.id, ()))])
        for key, ids in control.frameworks.items():
            for name in ids:
                held.setdefault(key, {}).setdefault(name, []).append(contribution)
    return [_coverage(key, found) for key, found in held.items()]


def _endings(groups: Sequence[Group]) -> Iterator[Ending]:
    for status in STATUSES:
        alike = [group for group in groups if group.status == status]
        if alike:
            hosts = [host.name for group in alike for host, _ in group.results]
            yield Ending(status=status, group=alike[0].id, hosts=hosts)


def _coverage(key: str, found: Mapping[str, Sequence[Contribution]]) -> Coverage:
    try:
        framework = frameworks.framework(key)
    except UsageProblem:
        title, known = key, {}
    else:
        title, known = f"{framework.title} {framework.version}", dict(framework.ids)
    # In the framework's own order; ids that it does not have come last.
    requirements = [
        Requirement(id=name, title=known.get(name) or "", contributions=found.get(name, ()))
        for name in [*known, *(name for name in found if name not in known)]
    ]
    return Coverage(
        key=key,
        title=title,
        covered=[item for item in requirements if item.contributions],
        uncovered=[item for item in requirements if not item.contributions],
    )
