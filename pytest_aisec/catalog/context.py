"""Context of a control besides its parameters: the time, who set a value, what is allowed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The circumstances of one evaluation of one control on one host."""

    now: datetime
    """The start of the run, UTC: the only time that a control may compare with."""
    declared: frozenset[str] = frozenset()
    """Names of the parameters that a profile, file or command line set."""
    active: bool = False
    """True if requests may be sent to the services that are judged (`--aisec-active`)."""
    advisories: Path | None = None
    """The index of advisories that `--aisec-advisories` names; `None` for the default one."""


_CURRENT: ContextVar[Evaluation | None] = ContextVar("pytest_aisec_evaluation", default=None)


@contextmanager
def evaluating(evaluation: Evaluation) -> Iterator[None]:
    """Make `evaluation` the current one for the body."""
    token = _CURRENT.set(evaluation)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def now() -> datetime:
    """Return the start of the run (UTC), the wall clock where the plugin is not active.

    Replaying a bundle gives the same answer as the run did, so verdicts do not change with age.
    """
    current = _CURRENT.get()
    return current.now if current else datetime.now(UTC)


def is_declared(parameter: str) -> bool:
    """Tell whether a profile, file or command line set `parameter`.

    A declared value is a claim: when what it names is not there, the control fails. A default may turn
    out not to apply.
    """
    current = _CURRENT.get()
    return current is not None and parameter in current.declared


def is_active() -> bool:
    """Tell whether the control may send requests to the services that it judges (`--aisec-active`).

    A control that cannot judge without them ends with `not_reviewed(...)`.
    """
    current = _CURRENT.get()
    return current is not None and current.active


def advisories() -> Path | None:
    """Return the index of advisories that `--aisec-advisories` names; `None` where it was not given."""
    current = _CURRENT.get()
    return current.advisories if current else None
