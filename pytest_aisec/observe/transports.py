"""testinfra's connections, each bounded in time and output and without credentials in arguments."""

from __future__ import annotations

import os
import shlex
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testinfra.backend import base
from testinfra.backend.ssh import SshBackend

from pytest_aisec.observe import bounded
from pytest_aisec.observe.batch import Batch
from pytest_aisec.observe.faults import Unobservable


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Bounds of one question."""

    timeout: float = 30.0
    """Seconds for a command on the target."""
    connect_timeout: float = 10.0
    """Seconds until a connection must stand."""
    cap: int = 8 * 1024 * 1024
    """Bytes of each output stream; a longer answer is `truncated`."""

    @property
    def deadline(self) -> float:
        """Seconds after which the controlling side stops waiting for a command's answer."""
        return self.connect_timeout + self.timeout + 5.0


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What a transport gave back for one script."""

    exit_status: int
    stdout: bytes
    stderr: bytes
    timed_out: bool = False
    truncated: bool = False


class Transport:
    """Sends a script to a host through the public `run()` of a testinfra backend, within limits."""

    def __init__(self, backend: base.BaseBackend, limits: Limits) -> None:
        self.backend = backend
        self.limits = limits
        self._batch: Batch | None = None
        self._last: bounded.Finished | None = None
        if self.is_local_command:
            backend.run_local = self._run_local

    @property
    def is_local_command(self) -> bool:
        """Whether the backend runs a local program for each command (local, docker, podman, kubectl, …)."""
        return self.backend.NAME not in {"ansible", "salt", "winrm", "paramiko"}

    def send(self, batch: Batch) -> Reply:
        """Run the batch's script on the host; a fault of the connection is in the reply, or is raised."""
        self._batch, self._last = batch, None
        if not self.is_local_command:
            return in_thread(lambda: _plain_reply(self.backend.run(batch.script)), self.limits.deadline)
        try:
            result = self.backend.run(batch.script)
        except FileNotFoundError as error:
            raise Unobservable(
                "tool_missing", f"{error.filename} is not installed here", whole_host=True
            ) from None
        finished: bounded.Finished | None = self._last
        return Reply(
            exit_status=result.rc,
            stdout=result.stdout_bytes,
            stderr=result.stderr_bytes,
            timed_out=finished is not None and finished.timed_out,
            truncated=finished is not None and finished.truncated,
        )

    def _run_local(self, command: str, *args: str) -> base.CommandResult:
        text = self.backend.quote(command, *args)
        return self.execute(["/bin/sh", "-c", text], text)

    def execute(
        self,
        argv: list[str],
        command: str,
        *,
        environ: dict[str, str] | None = None,
        whole_group: bool = True,
    ) -> base.CommandResult:
        """Run `argv` within the limits and remember how it ended; for backends of our own."""
        self._last = bounded.run(
            argv,
            timeout=self.limits.deadline,
            cap=self.limits.cap + 4096,
            is_complete=self._batch.is_complete if self._batch else lambda _out, _err: False,
            environ=environ,
            whole_group=whole_group,
        )
        return self.backend.result(
            self._last.exit_status,
            command.encode("utf-8", "surrogateescape"),
            self._last.stdout,
            self._last.stderr,
        )


def _plain_reply(result: base.CommandResult) -> Reply:
    return Reply(exit_status=result.rc, stdout=result.stdout_bytes, stderr=result.stderr_bytes)


def in_thread(ask: Callable[[], Reply], timeout: float) -> Reply:
    """Return what `ask` returns, or a timed-out reply after `timeout` seconds."""
    box: list[Reply | BaseException] = []

    def work() -> None:
        try:
            box.append(ask())
        except BaseException as error:  # noqa: BLE001 - handed to the caller, who raises it
            box.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(timeout)
    if not box:
        return Reply(exit_status=-1, stdout=b"", stderr=b"", timed_out=True)
    if isinstance(box[0], BaseException):
        raise box[0]
    return box[0]


class Ssh(SshBackend):
    """testinfra's ssh connection with one master connection a host and without a shell in between.

    A password (from an inventory) reaches `sshpass` in its environment, never in an argument.
    """

    def __init__(self, hostspec: str, *, control_directory: Path | None = None, **kwargs: Any) -> None:
        super().__init__(hostspec, **kwargs)
        self.control_directory = control_directory
        self.transport: Transport | None = None

    def argv(self, *tail: str) -> list[str]:
        """Return the ssh command line up to the host, with `tail` before it."""
        command = [
            *(["sshpass", "-e"] if self.host.password else []),
            "ssh",
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
        if self.control_directory is not None:
            options |= {
                "ControlMaster": "auto",
                "ControlPersist": f"{self.controlpersist}s",
                "ControlPath": f"{self.control_directory}/%C",
            }
        for key, value in options.items():
            command += ["-o", f"{key}={value}"] if value else []
        return [*command, *tail, "--", self.host.name]

    def run_ssh(self, command: str) -> base.CommandResult:
        """Run `command` on the host; exit status 255 is returned like any other and judged by the caller."""
        environ = {"SSHPASS": self.host.password} if self.host.password else None
        if self.transport is None:
            raise RuntimeError("an ssh backend of ours is only used through its transport")
        return self.transport.execute([*self.argv(), command], command, environ=environ, whole_group=False)

    def disconnect(self) -> None:
        """Close the master connection, if there is one."""
        if self.control_directory is not None:
            bounded.run([*self.argv("-O", "exit")], timeout=5, cap=65536)


def paramiko_backend(hostspec: str, **kwargs: Any) -> base.BaseBackend:
    """Return testinfra's paramiko connection, made to verify host keys, without Nagle's delay and bounded."""
    import paramiko  # noqa: PLC0415 - optional: only who asks for paramiko:// needs it
    from testinfra.backend.paramiko import ParamikoBackend  # noqa: PLC0415 - imports paramiko

    class VerifyingParamiko(ParamikoBackend):
        """Refuses a host whose key is not known, as ssh does, unless StrictHostKeyChecking is `no`."""

        limits = Limits()

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
            text = self.get_command(command, *args)
            transport = self.client.get_transport()
            transport.set_keepalive(10)
            channel = transport.open_session(timeout=self.limits.connect_timeout)
            channel.exec_command(text.encode("utf-8", "surrogateescape"))
            channel.shutdown_write()
            out, err = _drain(channel, self.limits)
            return self.result(channel.recv_exit_status(), text.encode("utf-8", "surrogateescape"), out, err)

    if not kwargs.get("ssh_config") and not Path("~/.ssh/config").expanduser().is_file():
        kwargs["ssh_config"] = os.devnull  # so that the host keys are loaded on every path
    return VerifyingParamiko(hostspec, **kwargs)


def _drain(channel: Any, limits: Limits) -> tuple[bytes, bytes]:
    out, err = bytearray(), bytearray()
    deadline = time.monotonic() + limits.deadline
    while True:
        done = channel.exit_status_ready() and (channel.eof_received or channel.closed)
        while channel.recv_ready():
            out += channel.recv(65536)
        while channel.recv_stderr_ready():
            err += channel.recv_stderr(65536)
        if done and not channel.recv_ready() and not channel.recv_stderr_ready():
            return bytes(out), bytes(err)
        if len(out) > limits.cap or len(err) > limits.cap:
            channel.close()
            raise Unobservable("truncated", f"the answer is longer than {limits.cap} bytes")
        if time.monotonic() > deadline:
            channel.close()
            raise Unobservable("timeout", f"no answer within {limits.deadline:g} s")
        channel.status_event.wait(0.002)
