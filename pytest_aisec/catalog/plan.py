"""The plan: each selected control with its final parameters and severity."""

from __future__ import annotations

import copy
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pytest_aisec.catalog.control import PLACEHOLDER, Control, Severity
from pytest_aisec.catalog.policy import GatePolicy


def _quoted(value: object) -> str:
    return shlex.quote(str(value))


@dataclass(frozen=True, kw_only=True)
class PlannedControl:
    """One control as it will be run."""

    control: Control
    severity: Severity
    params: Mapping[str, Any]
    """All parameters with their final values."""
    declared: frozenset[str]
    """The parameters that a profile, file or command line set: claims, not defaults."""
    references: Mapping[str, tuple[str, ...]]
    """The control's framework ids and the user's own references, by key."""
    group: str = ""
    """The group of hosts that it is planned for; empty where one profile is for all hosts."""

    @property
    def id(self) -> str:
        """The control's id."""
        return self.control.id

    @property
    def key(self) -> str:
        """Unique in the plan: the id, with the group where there are groups."""
        return f"{self.group}/{self.id}" if self.group else self.id

    def arguments(self) -> dict[str, Any]:
        """Return the parameters as keyword arguments of one call, not shared with any other call."""
        return copy.deepcopy(dict(self.params))

    @property
    def remediation(self) -> str:
        """The remediation with the parameters filled in, each value quoted where it is for a shell."""
        write = str if self.control.remediation_is_words else _quoted
        shown = {
            name: " ".join(map(write, value))
            if isinstance(value, (list, tuple, set, frozenset))
            else write(value)
            for name, value in self.params.items()
        }
        return PLACEHOLDER.sub(lambda found: shown[found[1]], self.control.remediation)


@dataclass(frozen=True, kw_only=True, slots=True)
class Exclusion:
    """A control that the profile leaves out."""

    control: str
    reason: str
    group: str = ""
    """Whose profile leaves it out; empty where one profile is for all hosts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupInfo:
    """Some hosts of the run, with a profile of their own."""

    name: str
    profile: str
    title: str
    version: str


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A resolved profile, or several for groups of hosts: what will be run on each host."""

    profile: str
    title: str
    version: str
    controls: tuple[PlannedControl, ...]
    """Sorted by id, then in the order of the groups; a control is there once for each group that has it."""
    excluded: tuple[Exclusion, ...]
    gate: GatePolicy
    gate_at: Callable[[Sequence[str | int]], str] = field(default=lambda _: "the gate", compare=False)
    """The path of keys of a value of the gate → `file:line:column`."""
    sources: tuple[tuple[str, str], ...]
    """(name, text) of each profile file that went into it, the base first."""
    groups: tuple[GroupInfo, ...] = ()
    """None where the profile is for all hosts."""
    members: Mapping[str, str] = field(default_factory=dict)
    """Host → its group; empty where there are no groups."""

    @cached_property
    def _by_group(self) -> Mapping[str, Mapping[str, PlannedControl]]:
        found: dict[str, dict[str, PlannedControl]] = {}
        for item in self.controls:
            found.setdefault(item.group, {})[item.id] = item
        return found

    def on(self, host: str) -> Mapping[str, PlannedControl]:
        """Return what is planned for a host, by id."""
        return self._by_group.get(self.members.get(host, ""), {})

    def holds(self, control_id: str) -> bool:
        """Tell whether the control is planned for any host."""
        return any(control_id in controls for controls in self._by_group.values())

    def count(self) -> int:
        """Return the number of different controls."""
        return len({item.id for item in self.controls})
