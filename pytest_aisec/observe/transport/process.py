"""Run a local program with an end: of time, of output, or because the run was stopped."""

from __future__ import annotations

import math
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol, Self


class Stopped(BaseException):
    """The run was stopped while this was waiting for an answer."""


class Stop:
    """A request to stop, which wakes whoever waits for output in any thread."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        self.is_set = False

    def fileno(self) -> int:
        """Return a file descriptor that becomes readable when the stop is requested."""
        return self._read

    def set(self) -> None:
        """Request the stop; again is harmless. Safe in a signal handler and in any thread."""
        if not self.is_set:
            self.is_set = True
            os.close(self._write)

    def close(self) -> None:
        """Give the descriptors back, when nobody waits any more."""
        self.set()
        with suppress(OSError):
            os.close(self._read)


class Watch(Protocol):
    """Observer of output while it grows."""

    complete: bool
    too_long: bool
    full: bool
    """No more is read, though nothing is too long by itself."""
    progress: int

    def look(self, stdout: bytearray, stderr: bytearray) -> None:
        """Take in what has come since the last look."""


@dataclass(kw_only=True)
class Capped:
    """Looks for nothing but for too much output."""

    cap: int
    complete: bool = False
    too_long: bool = False
    full: bool = False
    progress: int = 0

    def look(self, stdout: bytearray, stderr: bytearray) -> None:
        """Compare both streams with the cap."""
        self.too_long = len(stdout) > self.cap or len(stderr) > self.cap


@dataclass(frozen=True, kw_only=True)
class Finished:
    """Result of a program."""

    exit_status: int
    """The negative signal number where a signal ended it, as `subprocess` has it."""
    stdout: bytes
    stderr: bytes
    timed_out: bool
    truncated: bool
    """Either stream grew beyond the cap; what is there is a beginning."""


class Clock:
    """Tells when to wait no longer: nothing has come forth in time, or all of it takes too long.

    Args:
        timeout: seconds until `watch` must notice the first progress, and then the next.
        total: seconds for all of it, whatever comes forth; `None` for no bound of its own.
        watch: what notices progress.

    """

    def __init__(self, timeout: float, watch: Watch, total: float | None = None) -> None:
        self._timeout = timeout
        self.watch = watch
        self._progress = watch.progress
        now = time.monotonic()
        self._next = now + timeout
        self._end = math.inf if total is None else now + total

    def left(self) -> float:
        """Return the seconds that are left to wait; 0 when the time is up."""
        now = time.monotonic()
        if self.watch.progress != self._progress:
            self._progress, self._next = self.watch.progress, now + self._timeout
        return max(0.0, min(self._next, self._end) - now)

    @property
    def is_overdue(self) -> bool:
        """Whether the time for all of it is up, while something came forth in time."""
        return self._end <= min(self._next, time.monotonic())


def is_enough(watch: Watch) -> bool:
    """Tell whether nothing more is to be read."""
    return watch.complete or watch.too_long or watch.full


@dataclass(kw_only=True)
class Gathered:
    """End of a look at a program's output."""

    timed_out: bool = False
    overdue: bool = False
    """All of it took too long, though something came forth in time."""
    ended: bool = False
    """Both streams have come to their end."""


def gather(
    process: subprocess.Popen[bytes],
    out: bytearray,
    err: bytearray,
    *,
    clock: Clock,
    stop: Stop | None = None,
    feed: bytes = b"",
    close: bool = False,
) -> Gathered:
    """Read the output of `process` until it ends, the clock's watch has seen enough or its time is up.

    Args:
        process: its pipes are open; those it reads from are written `feed`.
        out: what has come on its standard output; grows.
        err: likewise its standard error.
        clock: how long to wait; its watch looks at `out` and `err` as they grow.
        stop: ends the wait.
        feed: for its standard input.
        close: whether its input ends with `feed`.

    Raises:
        Stopped: when `stop` was set.

    """
    result, watch = Gathered(), clock.watch
    with _Pipes(process, out, err, feed, stop, close=close) as pipes:
        while pipes.readers and not is_enough(watch):
            left = clock.left()
            if not left:
                result.overdue = clock.is_overdue
                result.timed_out = not result.overdue
                break
            if pipes.move(left):
                watch.look(out, err)
        result.ended = not pipes.readers
    return result


class _Pipes:
    """The pipes of a process while it is talked with."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        out: bytearray,
        err: bytearray,
        feed: bytes,
        stop: Stop | None,
        *,
        close: bool,
    ) -> None:
        self._close = close
        self._selector = selectors.DefaultSelector()
        self._pending = memoryview(feed)
        self._stop = stop
        for stream, data in ((process.stdout, out), (process.stderr, err)):
            if stream is not None:
                self._selector.register(stream, selectors.EVENT_READ, data)
        self.readers = len(self._selector.get_map())
        if stop is not None:
            self._selector.register(stop, selectors.EVENT_READ)
        if feed and process.stdin is not None:
            os.set_blocking(process.stdin.fileno(), False)
            self._selector.register(process.stdin, selectors.EVENT_WRITE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._selector.close()

    def move(self, timeout: float) -> bool:
        """Wait for what can be read or written, and do it; tell whether there was anything."""
        ready = self._selector.select(timeout)
        if self._stop is not None and self._stop.is_set:
            raise Stopped
        for key, events in ready:
            if events & selectors.EVENT_WRITE:
                self._pending = _write(key.fd, self._pending)
                if not self._pending:
                    self._selector.unregister(key.fileobj)
                    if self._close:
                        key.fileobj.close()  # type: ignore[union-attr]  # the stream that was registered
                continue
            chunk = os.read(key.fd, 65536)
            key.data.extend(chunk)
            if not chunk:
                self._selector.unregister(key.fileobj)
                self.readers -= 1
        return bool(ready)


def _write(descriptor: int, pending: memoryview) -> memoryview:
    try:
        return pending[os.write(descriptor, pending[:65536]) :]
    except BlockingIOError:
        return pending
    except OSError:  # nobody reads any more: the streams end, too
        return pending[:0]


def run(
    argv: Sequence[str],
    *,
    timeout: float,
    watch: Watch,
    total: float | None = None,
    environ: Mapping[str, str] | None = None,
    stop: Stop | None = None,
    feed: bytes = b"",
) -> Finished:
    """Run `argv` until it ends, `watch` has seen enough, or its time is up.

    Args:
        argv: program and arguments; no shell is involved.
        timeout: seconds in which `watch` must notice progress.
        watch: looks at the output; a child left in the background may hold the pipes open long after all
            that matters has come.
        total: seconds for all of it, whatever comes forth.
        environ: added to the environment.
        stop: ends the wait.
        feed: its standard input, which no other account can read.

    Raises:
        Stopped: when `stop` was set; the program and its children are ended.

    """
    process = subprocess.Popen(
        argv,
        bufsize=0,
        stdin=subprocess.PIPE if feed else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=None if environ is None else {**os.environ, **environ},
        start_new_session=True,
    )
    out, err = bytearray(), bytearray()
    early = True
    how = Gathered()
    clock = Clock(timeout, watch, total)
    try:
        how = gather(process, out, err, clock=clock, stop=stop, feed=feed, close=True)
        early = how.timed_out or how.overdue or watch.too_long or watch.full
        if not early:
            # Output has ended, and so does the program, but for one that waits for a daemon's pipes.
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.5 if watch.complete else max(0.5, clock.left()))
    finally:
        # A program that has ended itself may leave children: its group stands until it is waited for.
        if early or process.poll() is None:
            end(process)
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()
    return Finished(
        exit_status=process.wait(),
        stdout=bytes(out),
        stderr=bytes(err),
        timed_out=how.timed_out,
        truncated=watch.too_long,
    )


def end(process: subprocess.Popen[bytes]) -> None:
    """End a program of a session of its own, with its children."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    if process.poll() is None:
        process.kill()
    process.wait()
