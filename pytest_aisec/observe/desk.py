"""Threads that ask hosts have controls called, and long answers redacted, here: in the main thread.

It is the only one that a signal interrupts, also within a regular expression.
"""

from __future__ import annotations

import ctypes
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager, suppress
from typing import Any, Generic, TypeVar

from pytest_aisec.observe.transport.process import Stop, Stopped

Result = TypeVar("Result")
Done = TypeVar("Done")

_IDLE = 0.02
"""Seconds without anything to do before what can be done meanwhile is begun."""
_LOOK = 0.5
"""Seconds between two looks at Ctrl-C: one that comes just before a wait without end does not end it."""
_TURN = 0.05
"""Seconds between two looks at threads that are to end."""
_PATIENT_TURNS = 8
_TURNS = 24


class Desk(Generic[Done]):
    """Place for threads to have called what may take long: by the main thread, which serves it.

    Args:
        stop: after which nothing is called; `None` for a desk at which each thread calls for itself.

    """

    def __init__(self, stop: Stop | None) -> None:
        self._stop = stop
        self._inbox: queue.SimpleQueue[tuple[Callable[[], Any] | None, Future[Any]]] = queue.SimpleQueue()

    def call(self, what: Callable[[], Result]) -> Result:
        """Have `what` called, and return what it does; in any thread.

        Raises:
            Stopped: when the run was stopped.

        """
        if self._stop is None:
            return what()
        errand: Future[Result] = Future()
        self._inbox.put((what, errand))
        return errand.result()

    def note(self, done: Future[Done]) -> None:
        """Tell whoever serves that a host is done."""
        self._inbox.put((None, done))

    def serve(self, hosts: int, meanwhile: Callable[[], None]) -> Iterator[Future[Done]]:
        """Call what is to be called; yield each host that is done, until all are.

        Args:
            hosts: how many there are.
            meanwhile: called once, when there is nothing else to do.

        """
        idle = False
        while hosts:
            try:
                what, future = self._inbox.get(timeout=_LOOK if idle else _IDLE)
            except queue.Empty:
                if not idle:
                    idle = True
                    meanwhile()
                continue
            if what is None:
                hosts -= 1
                yield future
            else:
                _answer(what, future)
        if not idle:
            meanwhile()

    def refuse(self) -> None:
        """End all that waits to be called."""
        with suppress(queue.Empty):
            while True:
                what, future = self._inbox.get_nowait()
                if what is not None:
                    future.set_exception(Stopped())


def _answer(what: Callable[[], Any], errand: Future[Any]) -> None:
    try:
        result = what()
    except KeyboardInterrupt:
        errand.set_exception(Stopped())
        raise
    except BaseException as error:  # noqa: BLE001 - it belongs to the thread that has the host
        errand.set_exception(error)
    else:
        errand.set_result(result)


class Crew:
    """The threads that ask hosts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._busy: set[int] = set()

    @contextmanager
    def member(self) -> Iterator[None]:
        """Be one of them for the body."""
        me = threading.get_ident()
        with self._lock:
            self._busy.add(me)
        try:
            yield
        finally:
            with self._lock:
                self._busy.discard(me)

    def leave(self, futures: Sequence[Future[Any]], desk: Desk[Any]) -> None:
        """Wait until all have ended; not long for one that reads what its host has answered."""
        for turn in range(_TURNS):
            desk.refuse()
            if not wait(futures, timeout=_TURN).not_done:
                return
            if turn >= _PATIENT_TURNS:
                self._interrupt()

    def _interrupt(self) -> None:
        """Let `Stopped` come up in each at its next instruction: waiting for a host would have ended."""
        with self._lock:
            for thread in self._busy:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(Stopped))
