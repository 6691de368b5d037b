"""What a control may know about its evaluation besides its parameters: the time, and who set a value."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The circumstances of one evaluation of one control on one host."""

    now: datetime
    """The start of the run, UTC: the only time that a control may compare with."""
    declared: frozenset[str] = frozenset()
    """Names of the parameters that a profile, file or command line set."""


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
