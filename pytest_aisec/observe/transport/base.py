"""Send scripts through testinfra's connections, within bounds of time and output."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from testinfra.backend import base

from pytest_aisec.observe.faults import Unobservable
from pytest_aisec.observe.script import posix as batches
from pytest_aisec.observe.script import powershell
from pytest_aisec.observe.script.posix import Batch, Following, Script
from pytest_aisec.observe.transport import process as bounded


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Bounds of one question."""

    timeout: float = 30.0
    """Seconds for a command on the target."""
    connect_timeout: float = 10.0
    """Seconds until a connection must stand."""
    cap: int = 8 * 1024 * 1024
    """Bytes of each output stream; a longer answer is `truncated`."""
    slack: float = 6.0
    """Seconds that a host may take to start and to answer besides."""
    host_slack: float = 300.0
    """Seconds that a host may take in all, besides 30 times `timeout`."""

    @property
    def deadline(self) -> float:
        """Seconds after which the controlling side stops waiting for a command's answer.

        Later than the target's own watchdog, which looks five times in the time of a command.
        """
        return self.connect_timeout + 1.2 * self.timeout + self.slack

    def total(self, count: int) -> float:
        """Seconds for a script of `count` questions, however much comes forth; the rest is asked again."""
        return 2 * self.deadline + 1.2 * self.timeout * min(count - 1, 5)

    @property
    def host_time(self) -> float:
        """Seconds that all scripts of one host may take together."""
        return self.host_slack + 30 * self.timeout

    @property
    def host_bytes(self) -> int:
        """Bytes that all scripts of one host may print together."""
        return 16 * (self.cap + 65536)


@dataclass(frozen=True, kw_only=True)
class Reply:
    """Reply of a transport to one script."""

    exit_status: int
    stdout: bytes
    stderr: bytes
    timed_out: bool = False
    truncated: bool = False
    times: Mapping[int, float] = field(default_factory=dict)
    """Question → monotonic time at which its answer was complete, as far as that was seen."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One script for a host, and the bounds within which a backend has it run."""

    command: str
    """What is run on the host."""
    feed: bytes
    """What that reads from its input."""
    watch: bounded.Watch
    """What looks at its output."""
    limits: Limits
    total: float
    """Seconds that it may take in all."""
    stop: bounded.Stop | None

    def clock(self, watch: bounded.Watch | None = None) -> bounded.Clock:
        """Return a clock that starts now, with `watch` in the place of the job's own."""
        return bounded.Clock(self.limits.deadline, watch or self.watch, self.total)


class Runner(Protocol):
    """A backend that runs jobs itself, within their bounds."""

    def run_job(self, job: Job) -> bounded.Finished:
        """Return how the job ended.

        Raises:
            Unobservable: when the host cannot be asked.
            Stopped: when the run was stopped.

        """


SHELL = "exec /bin/sh"
"""What is run on a host whose shell reads the script from its input: nobody learns anything from it."""
STALLS = 3
"""How often a host may fall silent in the middle of a script."""
_WITHOUT_INPUT = {"docker", "podman", "kubectl", "openshift"}
"""Connections whose `exec` gives the command an input only with `-i`."""


class Transport:
    """Sends a script to a host through a testinfra backend, within limits.

    The backend runs jobs itself (`run_job`), or what testinfra's `run()` starts is bounded from outside.
    """

    def __init__(self, backend: base.BaseBackend, limits: Limits, stop: bounded.Stop | None = None) -> None:
        self.backend = backend
        self.limits = limits
        self.stop = stop
        self._runner: Runner = backend if hasattr(backend, "run_job") else _Testinfras(backend)
        self._seconds, self._bytes, self._stalls = 0.0, 0, 0

    @property
    def is_local_command(self) -> bool:
        """Whether the backend runs a local program for each command (local, docker, podman, kubectl, …)."""
        return self.backend.NAME not in {"ansible", "salt", "winrm", "paramiko"}

    @property
    def is_powershell(self) -> bool:
        """Whether the host understands PowerShell, and no `/bin/sh`."""
        return bool(self.backend.NAME == "winrm")

    @property
    def has_input(self) -> bool:
        """Whether a script reaches the host's shell on its input, not as an argument that all can read."""
        return self.backend.NAME not in {"ansible", "salt"}

    def batch(self, questions: Sequence[str]) -> Script:
        """Return one script of `questions` in the language of the host."""
        if self.is_powershell:
            return powershell.PowerShellBatch(questions, timeout=self.limits.timeout, cap=self.limits.cap)
        return Batch(questions, timeout=self.limits.timeout, encoded=not self.has_input)

    def fitting(self, questions: Iterable[str]) -> int:
        """Return how many of `questions`, from the first on, go into one script; at least one."""
        room = batches.ROOM if self.has_input else batches.ROOM * 3 // 4
        number = used = 0
        for question in questions:
            if not self.is_powershell and batches.may_leave_writers(question):
                break
            used += powershell.size(question) if self.is_powershell else batches.size(question)
            if number and used > room:
                break
            number += 1
        return number or 1

    def send(self, batch: Script) -> Reply:
        """Run the batch's script on the host; a fault of the connection is in the reply, or is raised.

        Raises:
            Unobservable: when what the connection needs is not installed here.
            Stopped: when the run was stopped.

        """
        watch = batch.watch(self.limits.cap)
        job = self._job(batch, watch)
        started = time.monotonic()
        try:
            if self.is_local_command:
                reply = self._reply(job, watch)
            else:
                patience = job.total + self.limits.deadline
                reply = in_thread(lambda: self._reply(job, watch), patience, self.stop)
        except FileNotFoundError as error:
            if not self.is_local_command:
                raise
            raise Unobservable(
                "tool_missing", f"{error.filename} is not installed here", whole_host=True
            ) from None
        finally:
            self._seconds += time.monotonic() - started
        self._bytes += len(reply.stdout) + len(reply.stderr)
        self._stalls += reply.timed_out
        return reply

    def check_budget(self) -> None:
        """Give the host up when it has taken more than a host may.

        Raises:
            Unobservable: `timeout` or `truncated`.

        """
        if self._stalls >= STALLS:
            raise Unobservable(
                "timeout", f"the host fell silent {STALLS} times while it was asked", whole_host=True
            )
        if self._seconds >= self.limits.host_time:
            seconds = self.limits.host_time
            raise Unobservable("timeout", f"the host was not done after {seconds:g} s", whole_host=True)
        if self._bytes > self.limits.host_bytes:
            size = self.limits.host_bytes
            raise Unobservable("truncated", f"the host printed more than {size} bytes", whole_host=True)

    def _job(self, batch: Script, watch: bounded.Watch) -> Job:
        is_fed = self.has_input and not self.is_powershell
        return Job(
            command=SHELL if is_fed else batch.script,
            feed=batch.script.encode("utf-8", "surrogateescape") if is_fed else b"",
            watch=watch,
            limits=self.limits,
            total=min(self.limits.total(batch.count), max(0.0, self.limits.host_time - self._seconds)),
            stop=self.stop,
        )

    def _reply(self, job: Job, watch: Following) -> Reply:
        return Reply(**vars(self._runner.run_job(job)), times=watch.times)


class _Testinfras:
    """Runs jobs through the `run()` of a backend of testinfra's, whose local programs are bounded."""

    def __init__(self, backend: base.BaseBackend) -> None:
        self._backend = backend

    def run_job(self, job: Job) -> bounded.Finished:
        """Return how the job ended; a backend that starts no program here has its own bounds."""
        ran: list[bounded.Finished] = []

        def run_local(command: str, *args: str) -> base.CommandResult:
            if self._backend.NAME in _WITHOUT_INPUT:
                command = command.replace("exec ", "exec -i ", 1)
            text = self._backend.quote(command, *args)
            found = bounded.run(
                ["/bin/sh", "-c", text],
                timeout=job.limits.deadline,
                total=job.total,
                watch=job.watch,
                stop=job.stop,
                feed=job.feed,
            )
            ran.append(found)
            sent = text.encode("utf-8", "surrogateescape")
            return self._backend.result(found.exit_status, sent, found.stdout, found.stderr)

        # What testinfra makes of a command for its own programs is seen nowhere else.
        self._backend.run_local = run_local
        result = self._backend.run(job.command)
        return bounded.Finished(
            exit_status=result.rc,
            stdout=result.stdout_bytes,
            stderr=result.stderr_bytes,
            timed_out=any(one.timed_out for one in ran),
            truncated=any(one.truncated for one in ran),
        )


def in_thread(ask: Callable[[], Reply], timeout: float, stop: bounded.Stop | None = None) -> Reply:
    """Return what `ask` returns, or a timed-out reply after `timeout` seconds.

    Raises:
        Stopped: when `stop` was set meanwhile; what `ask` does is then left to itself.

    """
    box: list[Reply | BaseException] = []

    def work() -> None:
        try:
            box.append(ask())
        except BaseException as error:  # noqa: BLE001 - handed to the caller, who raises it
            box.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    deadline = time.monotonic() + timeout
    while thread.is_alive() and time.monotonic() < deadline:
        thread.join(min(0.25, max(0.0, deadline - time.monotonic())))
        if stop is not None and stop.is_set:
            raise bounded.Stopped
    if not box:
        return Reply(exit_status=-1, stdout=b"", stderr=b"", timed_out=True)
    if isinstance(box[0], BaseException):
        raise box[0]
    return box[0]
