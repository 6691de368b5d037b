"""A bound of CPU time and memory for what a control makes of one host's answers.

A timer of the kernel interrupts the main thread, and so does Ctrl-C. Python heeds both between two
instructions and, in the main thread alone, inside of a regular expression, which lets no other thread run.
That is why controls are called in the main thread, and no process of their own is needed.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from weakref import WeakKeyDictionary

from pytest_aisec.observe.bounded import Stopped
from pytest_aisec.observe.faults import Unobservable

__all__ = ["MOST_BYTES", "MOST_SECONDS", "limited", "unlimited"]

MOST_SECONDS = 20.0
"""CPU time of one control on one host; half of it after each time that the host has used it up."""
_LEAST_SECONDS = 0.5
MOST_BYTES = 1024**3
"""By which the process may grow meanwhile."""
_TICK = 0.1
_PASS = (AssertionError, Unobservable, Stopped, KeyboardInterrupt)
"""What says enough, also where a limit was exceeded before."""

_exceeded: WeakKeyDictionary[object, int] = WeakKeyDictionary()
"""Transcript → how often what it holds was too much."""


class _Watch:
    """Looks, every now and then, at what has been used since it was made."""

    current: _Watch | None = None

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.thread_time() + seconds
        self._most = _resident() + MOST_BYTES
        self.fault: Unobservable | None = None

    def look(self, _signal: int, _frame: FrameType | None) -> None:
        """End what is running, where it has used too much; again at the next look, if it goes on."""
        if self is not _Watch.current:
            return
        if time.thread_time() > self._end:
            what = f"to read what the host answered takes more than {self._seconds:g} s of CPU time"
        elif _resident() > self._most:
            what = f"to read what the host answered takes more than {MOST_BYTES // 1024**2} MiB of memory"
        else:
            return
        self.fault = Unobservable("unreadable", what)
        raise self.fault

    def extend(self, seconds: float) -> None:
        """Do not count some seconds."""
        self._end += seconds


def _resident() -> int:
    """Return the bytes of memory that this process has; 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf(
            "SC_PAGESIZE"
        )
    except (OSError, ValueError, IndexError):
        return 0


@contextmanager
def limited(answers: object) -> Iterator[None]:
    """Let the body use `MOST_SECONDS` and `MOST_BYTES`, less where the same answers were too much before.

    Does nothing within itself, in a thread other than the main one, and where a profiler has the timer.

    Args:
        answers: the host's; a transcript.

    Raises:
        Unobservable: `unreadable`, when it uses more, also when the body takes that for an answer.

    """
    if (
        threading.current_thread() is not threading.main_thread()
        or any(signal.getitimer(signal.ITIMER_PROF))
        or signal.getsignal(signal.SIGPROF) is None
    ):
        yield
        return
    times = _exceeded.get(answers, 0)
    watch = _Watch(max(_LEAST_SECONDS, MOST_SECONDS / 2**times))
    before = signal.signal(signal.SIGPROF, watch.look)
    _Watch.current = watch
    signal.setitimer(signal.ITIMER_PROF, _TICK, _TICK)
    try:
        yield
    except _PASS:
        raise
    except BaseException:
        if watch.fault is not None:
            raise watch.fault from None
        raise
    finally:
        _Watch.current = None
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
        if watch.fault is not None:
            _exceeded[answers] = times + 1
    if watch.fault is not None:
        raise watch.fault


@contextmanager
def unlimited() -> Iterator[None]:
    """Do not count, and do not interrupt, what the body does: it talks with the host."""
    watch = _Watch.current if threading.current_thread() is threading.main_thread() else None
    if watch is None:
        yield
        return
    _Watch.current, before = None, time.thread_time()
    try:
        yield
    finally:
        watch.extend(time.thread_time() - before)
        _Watch.current = watch
