"""What sends scripts through testinfra's connections, within bounds of time and output."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

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
    """What a transport gave back for one script."""

    exit_status: int
    stdout: bytes
    stderr: bytes
    timed_out: bool = False
    truncated: bool = False
    times: Mapping[int, float] = field(default_factory=dict)
    """Question → monotonic time at which its answer was complete, as far as that was seen."""


SHELL = "exec /bin/sh"
"""What is run on a host whose shell reads the script from its input: nobody learns anything from it."""
STALLS = 3
"""How often a host may fall silent in the middle of a script."""
_WITHOUT_INPUT = {"docker", "podman", "kubectl", "openshift"}
"""Connections whose `exec` gives the command an input only with `-i`."""


class Transport:
    """Sends a script to a host through the public `run()` of a testinfra backend, within limits."""

    def __init__(self, backend: base.BaseBackend, limits: Limits, stop: bounded.Stop | None = None) -> None:
        self.backend = backend
        self.limits = limits
        self.stop = stop
        self.watch: bounded.Watch = bounded.Capped(cap=limits.cap)
        """What looks at the output of the program that runs; for backends of our own."""
        self.finished: bounded.Finished | None = None
        """How the program ended; set by backends of our own."""
        self.feed = b""
        """What the program that runs reads from its input; for backends of our own."""
        self.total = limits.total(1)
        """Seconds that the program may take in all; for backends of our own."""
        self._seconds, self._bytes, self._stalls = 0.0, 0, 0
        if self.is_local_command:
            backend.run_local = self._run_local

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
        self.watch, self.finished = watch, None
        self.total = min(self.limits.total(batch.count), max(0.0, self.limits.host_time - self._seconds))
        started = time.monotonic()
        try:
            if self.is_local_command:
                reply = self._reply(batch, watch)
            else:
                patience = self.total + self.limits.deadline
                reply = in_thread(lambda: self._reply(batch, watch), patience, self.stop)
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

    def _reply(self, batch: Script, watch: Following) -> Reply:
        if self.has_input and not self.is_powershell:
            self.feed = batch.script.encode("utf-8", "surrogateescape")
            result = self.backend.run(SHELL)
        else:
            result = self.backend.run(batch.script)
        finished: bounded.Finished | None = self.finished
        return Reply(
            exit_status=result.rc,
            stdout=result.stdout_bytes,
            stderr=result.stderr_bytes,
            timed_out=finished is not None and finished.timed_out,
            truncated=finished is not None and finished.truncated,
            times=watch.times,
        )

    def _run_local(self, command: str, *args: str) -> base.CommandResult:
        if self.backend.NAME in _WITHOUT_INPUT:
            command = command.replace("exec ", "exec -i ", 1)
        text = self.backend.quote(command, *args)
        self.finished = bounded.run(
            ["/bin/sh", "-c", text],
            timeout=self.limits.deadline,
            total=self.total,
            watch=self.watch,
            stop=self.stop,
            feed=self.feed,
        )
        return self.result(text)

    def result(self, command: str) -> base.CommandResult:
        """Return how the program ended as testinfra has it; for backends of our own."""
        found = self.finished
        if found is None:
            raise RuntimeError("nothing has been run")
        return self.backend.result(
            found.exit_status, command.encode("utf-8", "surrogateescape"), found.stdout, found.stderr
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
