"""testinfra's paramiko connection, bounded, with host keys verified."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from testinfra.backend import base

from pytest_aisec.observe.transport import process as bounded
from pytest_aisec.observe.transport.base import Job


def paramiko_backend(hostspec: str, **kwargs: Any) -> base.BaseBackend:
    """Return testinfra's paramiko connection, made to verify host keys, without Nagle's delay and bounded."""
    import paramiko  # noqa: PLC0415 - optional: only who asks for paramiko:// needs it
    from testinfra.backend.paramiko import ParamikoBackend  # noqa: PLC0415 - imports paramiko

    class VerifyingParamiko(ParamikoBackend):
        """Refuses a host whose key is not known, as ssh does, unless StrictHostKeyChecking is `no`."""

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

        def run_job(self, job: Job) -> bounded.Finished:
            text = self.get_command(job.command)
            connection = self.client.get_transport()
            connection.set_keepalive(10)
            channel = connection.open_session(timeout=job.limits.connect_timeout)
            channel.settimeout(job.limits.deadline)
            channel.exec_command(text.encode("utf-8", "surrogateescape"))
            channel.sendall(job.feed)
            channel.shutdown_write()
            return _drain(channel, job.watch, job.clock())

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
