"""Ctrl-C, where Python would lose it: while something is finalized, or in a weak reference's callback.

A worker of xdist that starts has it in its main loop at the earliest: a terminal sends it to all processes.
"""

from __future__ import annotations

import _thread
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest

_SOON = 0.05
"""Seconds after which it is pressed again: at once, it would be lost again."""


class Interruption:
    """While pytest runs its tests, presses Ctrl-C again where Python has only written of it on stderr.

    Args:
        is_worker: whether this is a worker of xdist.

    """

    def __init__(self, *, is_worker: bool) -> None:
        self._is_worker = is_worker

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> Iterator[None]:
        """Let workers start with the signal held back, as it is here meanwhile."""
        if not session.config.pluginmanager.hasplugin("dsession"):
            return (yield)
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            return (yield)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self) -> Iterator[None]:
        """Be asked before pytest and Python about what could not be raised."""
        before = sys.unraisablehook
        again: list[threading.Timer] = []

        def heed(unraisable: Any) -> None:
            if not issubclass(unraisable.exc_type, KeyboardInterrupt):
                before(unraisable)
                return
            timer = threading.Timer(_SOON, _thread.interrupt_main)
            timer.daemon = True
            again.append(timer)
            timer.start()

        sys.unraisablehook = heed
        try:
            if self._is_worker:
                signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
            return (yield)
        except KeyboardInterrupt as pressed:
            if any(line is None for _, line in traceback.walk_tb(pressed.__traceback__)):
                # It came at an instruction without a line, of which pytest can make no report.
                raise KeyboardInterrupt from None
            raise
        finally:
            _put_back(heed, before)
            for timer in again:
                timer.cancel()


def _put_back(ours: Callable[[Any], None], before: Callable[[Any], Any]) -> None:
    if sys.unraisablehook is ours:
        sys.unraisablehook = before
