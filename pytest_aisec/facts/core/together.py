"""Independent readings in one wave: none waits for the answer of another.

While the collector looks for questions, a reading stops at its first question without an answer. Here every
reading comes as far as it can before the control is stopped: together they take as many round trips as
the longest of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Sized
from typing import Any, TypeVar, overload

from testinfra.host import Host

from pytest_aisec.observe.backend import Pending
from pytest_aisec.observe.faults import Unobservable

__all__ = ["ahead", "outcomes", "raise_unless", "run_all", "together"]

T = TypeVar("T")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")


def outcomes(readings: Iterable[Callable[[], T]]) -> list[T | Unobservable]:
    """Return what each of `readings` returns, or why it could not be observed.

    Raises:
        Pending: when the collector looks for questions, and any reading has one open.

    """
    found: list[T | Unobservable] = []
    pending: Pending | None = None
    for read in readings:
        try:
            found.append(read())
        except Pending as question:
            pending = pending or question
        except Unobservable as fault:
            found.append(fault)
    if pending is not None:
        raise pending
    return found


@overload
def together(first: Callable[[], A], second: Callable[[], B], /) -> tuple[A, B]: ...


@overload
def together(
    first: Callable[[], A], second: Callable[[], B], third: Callable[[], C], /
) -> tuple[A, B, C]: ...


def together(*readings: Callable[[], Any]) -> tuple[Any, ...]:
    """Return what each of `readings` returns.

    Raises:
        Unobservable: the first that any of them raises.
        Pending: see `outcomes`.

    """
    return tuple(_whole(outcomes(readings)))


def raise_unless(wrong: Sized, faults: Sequence[Unobservable]) -> None:
    """Raise the first of `faults`, unless something is `wrong`: what was seen fails, whatever was not seen.

    A control calls it before it asserts that nothing is wrong.

    Raises:
        Unobservable: the first of `faults`, where nothing is wrong.

    """
    if not len(wrong) and faults:
        raise faults[0]


def ahead(*readings: Callable[[], object]) -> None:
    """Ask what all of `readings` ask; call them again for what they return, or for why it is not known.

    Raises:
        Pending: see `outcomes`.

    """
    outcomes(readings)


def run_all(host: Host, commands: Sequence[tuple[str, ...]]) -> list[Any]:
    """Return the results of `commands`, each a command with the arguments that are quoted into it.

    Raises:
        Unobservable: the first that `host.run` raises.
        Pending: see `outcomes`.

    """
    return _whole(outcomes([_running(host, command) for command in commands]))


def _running(host: Host, command: tuple[str, ...]) -> Callable[[], Any]:
    return lambda: host.run(*command)


def _whole(found: list[Any]) -> list[Any]:
    fault = next((item for item in found if isinstance(item, Unobservable)), None)
    if fault is not None:
        raise fault
    return found
