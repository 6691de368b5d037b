"""A bound of CPU time and memory for what redaction and a control make of one host's answers.

A timer of the kernel interrupts the main thread, and so does Ctrl-C. Python heeds both between two
instructions and, in the main thread alone, inside of a regular expression, which lets no other thread run.
That is why controls are called and long answers redacted in the main thread, and no process of their own is
needed.
"""

from __future__ import annotations

import contextlib
import inspect
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from weakref import WeakKeyDictionary

from pytest_aisec.observe.faults import Unobservable
from pytest_aisec.observe.transport.process import Stopped

__all__ = ["MOST_BYTES", "MOST_SECONDS", "limited", "unlimited"]

MOST_SECONDS = 20.0
"""CPU time of one control on one host; half of it after each time that the host has used it up."""
_LEAST_SECONDS = 0.5
MOST_BYTES = 1024**3
"""By which the process may grow meanwhile."""
_TICK = 0.1
_WHOLE = ("backend", "transcript")
"""Modules here whose calls are short, and are not left half-way."""
_PASS = (AssertionError, Unobservable, Stopped, KeyboardInterrupt)
"""What says enough, also where a limit was exceeded before."""

_exceeded: WeakKeyDictionary[object, int] = WeakKeyDictionary()
"""Transcript → how often what it holds was too much."""


class _Watch:
    """Looks, every now and then, at what has been used since it was made."""

    current: _Watch | None = None

    def __init__(self, seconds: float, begun_by: FrameType | None) -> None:
        self._seconds = seconds
        self._begun_by = begun_by
        self._end = time.thread_time() + seconds
        self._most = _resident() + MOST_BYTES
        self.fault: Unobservable | None = None

    def look(self, frame: FrameType | None) -> None:
        """End what is running, where it has used too much; again at the next look, if it goes on."""
        if time.thread_time() > self._end:
            what = f"to read what the host answered takes more than {self._seconds:g} s of CPU time"
        elif _resident() > self._most:
            what = f"to read what the host answered takes more than {MOST_BYTES // 1024**2} MiB of memory"
        else:
            return
        self.fault = Unobservable("unreadable", what)
        if not self._is_ours(frame):
            raise self.fault

    def _is_ours(self, frame: FrameType | None) -> bool:
        """Tell whether what is interrupted must come to its end: it keeps what several controls rest on."""
        while frame is not None and frame is not self._begun_by:
            if frame.f_code.co_filename in _OURS:
                return True
            frame = frame.f_back
        return False

    def extend(self, seconds: float) -> None:
        """Do not count some seconds."""
        self._end += seconds


_OURS = frozenset(
    {__file__, contextlib.__file__, *(str(Path(__file__).with_name(f"{name}.py")) for name in _WHOLE)}
)


def _look(_signal: int, frame: FrameType | None) -> None:
    if _Watch.current is not None:
        _Watch.current.look(frame)


def _has_timer() -> bool:
    """Tell whether the timer is ours; what is taken once is kept: a late signal would end the process."""
    handler = signal.getsignal(signal.SIGPROF)
    if handler in {signal.SIG_DFL, signal.SIG_IGN} and not any(signal.getitimer(signal.ITIMER_PROF)):
        signal.signal(signal.SIGPROF, _look)
        signal.siginterrupt(signal.SIGPROF, False)  # noqa: FBT003 - its only argument
        return True
    return handler is _look


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
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or _Watch.current is not None or not _has_timer():
        yield
        return
    times = _exceeded.get(answers, 0)
    manager = inspect.currentframe()
    begun_by = manager.f_back.f_back if manager and manager.f_back else None
    watch = _Watch(max(_LEAST_SECONDS, MOST_SECONDS / 2**times), begun_by)
    del manager, begun_by
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
