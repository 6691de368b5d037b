"""testinfra's connections, each bounded in time and output and without credentials in arguments."""

from __future__ import annotations

import os
import random
import re
import secrets
import select
import shlex
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from testinfra.backend import base
from testinfra.backend.ssh import SshBackend

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
        self.transport: Transport | None = None
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

    def run_ssh(self, command: str) -> base.CommandResult:
        """Run `command` on the host; exit status 255 is returned like any other and judged by the caller."""
        if self.transport is None:
            raise RuntimeError("an ssh backend of ours is only used through its transport")
        kept = self.is_connected and self._has_answered
        found = self._exchange(command, self.transport)
        if kept and not self.is_connected and not found.stdout and not found.timed_out:
            # Closed since the last question: nothing of this one has run.
            found = self._exchange(command, self.transport)
        for number in range(1, self.TRIES):
            if not _was_dropped(found):
                break
            _rest(0.25 * 2**number * random.uniform(0.5, 1.5), self.transport.stop)  # noqa: S311 - spreads log-ins
            found = self._exchange(command, self.transport)
        self.transport.finished = found
        return self.transport.result(command)

    def _exchange(self, command: str, transport: Transport) -> bounded.Finished:
        token = secrets.token_hex(16)
        script = transport.feed.decode("utf-8", "surrogateescape")
        ending = f'o "\n{token} $s\n"'
        feed = f"{_OUT}o {shlex.quote(script)} | {command}\ns=$?\n{ending}\n{ending} >&2\n"
        exchange = _Exchange(transport.watch, token.encode())
        process = self._shell = self._shell or self._connect()
        out, err = bytearray(), bytearray()
        how = None
        try:
            how = bounded.gather(
                *(process, out, err),
                clock=bounded.Clock(transport.limits.deadline, exchange, transport.total),
                stop=transport.stop,
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


def paramiko_backend(hostspec: str, **kwargs: Any) -> base.BaseBackend:
    """Return testinfra's paramiko connection, made to verify host keys, without Nagle's delay and bounded."""
    import paramiko  # noqa: PLC0415 - optional: only who asks for paramiko:// needs it
    from testinfra.backend.paramiko import ParamikoBackend  # noqa: PLC0415 - imports paramiko

    class VerifyingParamiko(ParamikoBackend):
        """Refuses a host whose key is not known, as ssh does, unless StrictHostKeyChecking is `no`."""

        transport: Transport | None = None

        def _load_ssh_config(
            self, client: Any, cfg: Any, ssh_config: Any, ssh_config_dir: str = "~/.ssh"
        ) -> None:
            client.load_system_host_keys()
            client.set_missing_host_key_policy(paramiko.RejectPolicy())
            found = ssh_config.lookup(self.host.name)
            for path in found.get("userknownhostsfile", "").split():
                if Path(path).expanduser().is_file():
                    client.load_host_keys(str(Path(path).expanduser()))
            super()._load_ssh_config(client, cfg, ssh_config, ssh_config_dir)

        def run(self, command: str, *args: str, **_kwargs: Any) -> base.CommandResult:
            if self.transport is None:
                raise RuntimeError("a paramiko backend of ours is only used through its transport")
            text = self.get_command(command, *args)
            limits = self.transport.limits
            connection = self.client.get_transport()
            connection.set_keepalive(10)
            channel = connection.open_session(timeout=limits.connect_timeout)
            channel.settimeout(limits.deadline)
            channel.exec_command(text.encode("utf-8", "surrogateescape"))
            channel.sendall(self.transport.feed)
            channel.shutdown_write()
            watch = self.transport.watch
            clock = bounded.Clock(limits.deadline, watch, self.transport.total)
            self.transport.finished = _drain(channel, watch, clock)
            return self.transport.result(text)

    if not kwargs.get("ssh_config") and not Path("~/.ssh/config").expanduser().is_file():
        kwargs["ssh_config"] = os.devnull  # so that the host keys are loaded on every path
    return VerifyingParamiko(hostspec, **kwargs)


def _drain(channel: Any, watch: bounded.Watch, clock: bounded.Clock) -> bounded.Finished:
    """Read a channel of paramiko's until it ends, `watch` has seen enough, or its time is up."""
    out, err = bytearray(), bytearray()
    is_late = False
    while not (bounded.is_enough(watch) or is_late):
        done = channel.exit_status_ready() and (channel.eof_received or channel.closed)
        while channel.recv_ready() and not bounded.is_enough(watch):
            out += channel.recv(65536)
            watch.look(out, err)
        while channel.recv_stderr_ready() and not bounded.is_enough(watch):
            err += channel.recv_stderr(65536)
            watch.look(out, err)
        if done and not channel.recv_ready() and not channel.recv_stderr_ready():
            break
        is_late = not clock.left()
        channel.status_event.wait(0.002)
    status = channel.recv_exit_status() if channel.exit_status_ready() else -1
    channel.close()
    return bounded.Finished(
        exit_status=status,
        stdout=bytes(out),
        stderr=bytes(err),
        timed_out=is_late and not watch.complete and not clock.is_overdue,
        truncated=watch.too_long,
    )
