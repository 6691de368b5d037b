"""An end to what a command does with files that anybody may have made."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn


class OutOfTime(BaseException):
    """The time is up. No `Exception`, so that nothing on the way takes it for a fault of a file."""


@contextmanager
def within(seconds: int) -> Iterator[None]:
    """Raise `OutOfTime` where what is within takes longer; a program that it waits for is ended."""

    def end(*_: object) -> NoReturn:
        raise OutOfTime

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
