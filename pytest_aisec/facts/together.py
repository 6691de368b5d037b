"""Ask several things that do not depend on one another, without one waiting for the answer of another."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from pytest_aisec.observe.backend import Pending
from pytest_aisec.observe.faults import Unobservable

__all__ = ["together"]

T = TypeVar("T")


def together(calls: Iterable[Callable[[], T]]) -> list[T | Unobservable]:
    """Return what each of `calls` returns, or why it could not be observed.

    While questions are being collected, every call comes as far as it can before the control is stopped, so
    that the calls take as many round trips as the longest of them, not as all of them.
    """
    found: list[T | Unobservable] = []
    stopped: Pending | None = None
    for call in calls:
        try:
            found.append(call())
        except Pending as pending:
            stopped = stopped or pending
        except Unobservable as fault:
            found.append(fault)
    if stopped is not None:
        raise stopped
    return found
