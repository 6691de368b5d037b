"""testinfra's ssh connection as a shell that stays, bounded, without credentials in arguments."""

from __future__ import annotations

import os
import random
import re
import secrets
import select
import shlex
import subprocess
import time
from contextlib import suppress
from typing import Any

from testinfra.backend.ssh import SshBackend

from pytest_aisec.observe.transport import process as bounded
from pytest_aisec.observe.transport.base import Job


class _Exchange:
    """Follows one command in a shell that stays: complete when the shell says so on both streams."""

    def __init__(self, inner: bounded.Watch, token: bytes) -> None:
        self._inner = inner
        self._end = re.compile(rb"\n%s (\d{1,4})\n\Z" % token)
        self.exit_status: int | None = None
        self.complete = self.too_long = self.full = False
        self.progress = 0

    def look(self, stdout: bytearray, stderr: bytearray) -> None:
        """Take in what has come since the last look."""
        self._inner.look(stdout, stderr)
        self.progress, self.too_long, self.full = (
            self._inner.progress,
            self._inner.too_long,
            self._inner.full,
        )
        ends = [self._end.search(stream, max(0, len(stream) - 80)) for stream in (stdout, stderr)]
        if ends[0] and ends[1]:
            self.complete, self.exit_status = True, int(ends[0][1])
            for stream, end in zip((stdout, stderr), ends, strict=True):
                if end:
                    del stream[end.start() :]


_OUT = """\
case $(command -v printf) in printf) o() { printf %s "$1"; } ;; *) o() { print -rn -- "$1"; } ;; esac
"""
"""Writes without a program, whose arguments all could read: by `printf`, in some Korn shells by `print`."""


class Ssh(SshBackend):
    """testinfra's ssh connection, with one connection a host: a shell that stays and is told what to run.

    The log-in shell only starts `/bin/sh`, so it may be of any kind. That one hands each script through a
    pipe to another, or to sudo's; no script is ever in an argument. A password (from an inventory) reaches
    `sshpass` in its environment, never in an argument.
    """

    TRIES = 4
    """How often a connection is begun that the host, or a jump host with many log-ins, drops at once."""

    def __init__(self, hostspec: str, *, ssh_extra_args: str | None = None, **kwargs: Any) -> None:
        super().__init__(hostspec, ssh_extra_args=ssh_extra_args, **kwargs)
        self._shell: subprocess.Popen[bytes] | None = None
        self._has_answered = False

    def argv(self) -> list[str]:
        """Return the ssh command line up to the host."""
        command = [
            *(["sshpass", "-e"] if self.host.password else []),
            *("ssh", "-T"),
            *shlex.split(self.ssh_extra_args or ""),
        ]
        command += ["-F", self.ssh_config] if self.ssh_config else []
        command += ["-i", self.ssh_identity_file] if self.ssh_identity_file else []
        options = {
            "User": self.host.user,
            "Port": self.host.port,
            "ConnectTimeout": str(self.timeout),
            "BatchMode": None if self.host.password else "yes",
            "ServerAliveInterval": "10",
            "ServerAliveCountMax": "3",
        }
        for key, value in options.items():
            command += ["-o", f"{key}={value}"] if value else []
        return [*command, "--", self.host.name]

    def run_job(self, job: Job) -> bounded.Finished:
        """Run a job on the host; exit status 255 is returned like any other and judged by the caller."""
        kept = self.is_connected and self._has_answered
        found = self._exchange(job)
        if kept and not self.is_connected and not found.stdout and not found.timed_out:
            # Closed since the last question: nothing of this one has run.
            found = self._exchange(job)
        for number in range(1, self.TRIES):
            if not _was_dropped(found):
                break
            _rest(0.25 * 2**number * random.uniform(0.5, 1.5), job.stop)  # noqa: S311 - spreads log-ins
            found = self._exchange(job)
        return found

    def _exchange(self, job: Job) -> bounded.Finished:
        token = secrets.token_hex(16)
        script = job.feed.decode("utf-8", "surrogateescape")
        ending = f'o "\n{token} $s\n"'
        feed = (
            f"{_OUT}o {shlex.quote(script)} | {self.get_command(job.command)}\ns=$?\n{ending}\n{ending} >&2\n"
        )
        exchange = _Exchange(job.watch, token.encode())
        process = self._shell = self._shell or self._connect()
        out, err = bytearray(), bytearray()
        how = None
        try:
            how = bounded.gather(
                *(process, out, err),
                clock=job.clock(exchange),
                stop=job.stop,
                feed=feed.encode("utf-8", "surrogateescape"),
            )
        finally:
            self._has_answered = exchange.complete
            if not exchange.complete:
                self.disconnect(patience=1.0 if how is not None and how.ended else 0.0)
        return bounded.Finished(
            exit_status=process.wait() if exchange.exit_status is None else exchange.exit_status,
            stdout=bytes(out),
            stderr=bytes(err),
            timed_out=how.timed_out,
            truncated=exchange.too_long,
        )

    def connect(self) -> None:
        """Begin the connection; how that ended is seen when something is asked."""
        if self._shell is None:
            with suppress(OSError):
                self._shell = self._connect()

    def _connect(self) -> subprocess.Popen[bytes]:
        environ = {**os.environ, "SSHPASS": self.host.password} if self.host.password else None
        return subprocess.Popen(
            [*self.argv(), "exec /bin/sh"],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environ,
            start_new_session=True,
        )

    @property
    def is_connected(self) -> bool:
        """Whether a connection is kept open."""
        return self._shell is not None

    def disconnect(self, *, patience: float = 0.0) -> None:
        """Close the connection, if there is one, after at most `patience` seconds for its program to end."""
        process, self._shell = self._shell, None
        if process is None:
            return
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            bounded.end(process)
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()


_DROPPED = re.compile(rb"kex_exchange_identification|Connection (reset|closed) by|Exceeded MaxStartups")


def _was_dropped(found: bounded.Finished) -> bool:
    """Tell whether a busy host or jump host closed the connection before anything was said."""
    return found.exit_status == 255 and not found.stdout and _DROPPED.search(found.stderr) is not None


def _rest(seconds: float, stop: bounded.Stop | None) -> None:
    if stop is None:
        time.sleep(seconds)
    elif select.select([stop], [], [], seconds)[0]:
        raise bounded.Stopped
