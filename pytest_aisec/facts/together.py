"""Questions that do not depend on one another, put to the host in one wave."""

from __future__ import annotations

from collections.abc import Callable

from pytest_aisec.observe.backend import Pending
from pytest_aisec.observe.faults import Unobservable

__all__ = ["ahead"]


def ahead(*readings: Callable[[], object]) -> None:
    """Ask what all of `readings` ask; call them again for what they return.

    While the collector looks for questions, a reading stops at its first unanswered one. Here each is called
    until it stops, so that the questions of all go to the host together. What could not be observed is raised
    by the reading when it is called again.

    Raises:
        Pending: while a question of any reading has no answer yet.

    """
    pending: Pending | None = None
    for reading in readings:
        try:
            reading()
        except Pending as stop:
            pending = stop
        except Unobservable:
            continue
    if pending is not None:
        raise pending
