"""Comparison of a run with an earlier one, the baseline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pytest_aisec.catalog.control import SEVERITIES, Severity

State = Literal["passed", "failed", "waived", "error", "not_applicable", "not_reviewed", "not_run", "absent"]
"""An outcome; `waived`: failed, and an active waiver excuses it; `absent`: the run has no such result."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BaselineInfo:
    """The run that is compared with."""

    id: str
    started_at: str
    """UTC, ISO 8601."""
    profile: str
    profile_version: str
    package_version: str
    sha256: str = ""
    """Of its `run.json`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One control on one host, then and now."""

    control: str
    host: str
    severity: Severity
    """Now; of what is gone, then."""
    before: State
    now: State
    note: str = ""
    """Further details: a clause."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """Something of the plan or the run that has another value."""

    what: str
    """`CONTROL.NAME` for a parameter, the control for a severity, otherwise a name of `run.json`."""
    before: Any
    now: Any
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Removed:
    """A control of the baseline's plan that is not in this one."""

    control: str
    severity: Severity
    reason: str = ""
    """Reason why the profile leaves it out, if it says so."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """A run against its baseline, by control and host. Everything is sorted by host, then control."""

    baseline: BaselineInfo
    new_failures: Sequence[Change] = ()
    """Fails now without an active waiver, and did not then. What the baseline does not have, or has waived,
    counts as new."""
    still_failing: Sequence[Change] = ()
    fixed: Sequence[Change] = ()
    """Failed then, waived or not, and passes now with the same parameters."""
    eased: Sequence[Change] = ()
    """Failed then, and passes now with other parameters."""
    newly_waived: Sequence[Change] = ()
    """Fails now with an active waiver, and had none then."""
    still_waived: Sequence[Change] = ()
    no_longer_applicable: Sequence[Change] = ()
    """Passed or failed then, and does not apply now."""
    no_longer_judged: Sequence[Change] = ()
    """Was judged then, and now could not be observed, waits for a review or did not run."""
    gone: Sequence[Change] = ()
    """Failed then, and its control or host is not in this run."""
    hosts_added: Sequence[str] = ()
    hosts_removed: Sequence[str] = ()
    controls_added: Sequence[str] = ()
    controls_removed: Sequence[Removed] = ()
    parameters: Sequence[Setting] = ()
    severities: Sequence[Setting] = ()
    settings: Sequence[Setting] = ()
    """Profile, versions, gate, and whether requests could be sent to services."""

    def weaker(self) -> Iterator[str]:
        """Yield one clause, with numbers, for each way in which less is demanded than in the baseline."""
        lowered = [item for item in self.severities if is_lower(item.now, item.before)]
        for things, one, what in (
            (self.controls_removed, "control", "left the plan"),
            (self.hosts_removed, "host", "left the run"),
            (self.gone, "failure", "went with a control or host that left"),
            (lowered, "control", "got a lower severity"),
            (self.eased, "failure", "turned into a pass with other parameters"),
            (self.newly_waived, "failure", "got a waiver"),
            (self.no_longer_applicable, "result", "turned into not applicable"),
        ):
            if things:
                yield f"{len(things)} {one}{'' if len(things) == 1 else 's'} {what}"


def is_lower(severity: Severity, than: Severity) -> bool:
    """Tell whether a severity is lower than another."""
    return SEVERITIES.index(severity) > SEVERITIES.index(than)
