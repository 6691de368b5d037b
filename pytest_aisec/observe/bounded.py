"""Run a local program with an end: of time, and of output."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Finished:
    """What came of a program."""

    exit_status: int
    """The negative signal number where a signal ended it, as `subprocess` has it."""
    stdout: bytes
    stderr: bytes
    timed_out: bool
    truncated: bool
    """Either stream grew beyond the cap; what is there is a beginning."""


def run(
    argv: Sequence[str],
    *,
    timeout: float,
    cap: int,
    is_complete: Callable[[bytearray, bytearray], bool] = lambda _out, _err: False,
    environ: Mapping[str, str] | None = None,
    whole_group: bool = True,
) -> Finished:
    """Run `argv` without input until it ends, `is_complete` holds, time is up or a stream exceeds `cap`.

    Args:
        argv: program and arguments; no shell is involved.
        timeout: seconds.
        cap: bytes of each stream.
        is_complete: looks at stdout and stderr so far; a child left in the background may hold the pipes open
            long after all that matters has come.
        environ: added to the environment.
        whole_group: on stopping early, end the program's children too.

    """
    process = subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=None if environ is None else {**os.environ, **environ},
        start_new_session=True,
    )
    out, err = bytearray(), bytearray()
    deadline = time.monotonic() + timeout
    timed_out = truncated = complete = False
    try:
        with selectors.DefaultSelector() as selector:
            for stream, data in ((process.stdout, out), (process.stderr, err)):
                if stream is not None:
                    selector.register(stream, selectors.EVENT_READ, data)
            while selector.get_map() and not (timed_out or truncated or complete):
                ready = selector.select(max(0.0, deadline - time.monotonic()))
                timed_out = not ready
                for key, _ in ready:
                    chunk = os.read(key.fd, 65536)
                    key.data.extend(chunk)
                    if not chunk:
                        selector.unregister(key.fileobj)
                truncated = len(out) > cap or len(err) > cap
                complete = is_complete(out, err)
        if not (timed_out or truncated):
            # Output has ended, and so does the program, but for one that waits for a daemon's pipes.
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.5 if complete else max(0.5, deadline - time.monotonic()))
    finally:
        # A program that has ended itself may leave children: its group stands until it is waited for.
        if ((timed_out or truncated) and whole_group) or process.poll() is None:
            _end(process, whole_group=whole_group)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
    return Finished(
        exit_status=process.wait(),
        stdout=bytes(out),
        stderr=bytes(err),
        timed_out=timed_out,
        truncated=truncated,
    )


def _end(process: subprocess.Popen[bytes], *, whole_group: bool) -> None:
    with suppress(ProcessLookupError, PermissionError):
        if whole_group:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(1)
    if process.poll() is None:
        process.kill()
    process.wait()
