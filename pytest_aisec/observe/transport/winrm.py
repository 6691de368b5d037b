"""testinfra's WinRM connection, with one log-in and one shell a host, bounded, no password in arguments.

Imported only where a host is asked over WinRM: pywinrm is an extra.
"""

from __future__ import annotations

import contextlib
import os
from typing import Any, NamedTuple

from requests import exceptions as http
from testinfra.backend.winrm import WinRMBackend
from winrm.exceptions import AuthenticationError, WinRMOperationTimeoutError, WSManFaultError
from winrm.protocol import Protocol

from pytest_aisec.observe.faults import Unobservable
from pytest_aisec.observe.script import powershell
from pytest_aisec.observe.transport import process
from pytest_aisec.observe.transport.base import Job, Limits

HTTP_PORT, HTTPS_PORT = "5985", "5986"
_ACCESS_DENIED = 5
_UTF8 = 65001
_CHUNK = 32 * 1024
"""Bytes of input in one message; Windows takes 500 KiB with everything around."""


class _Shell(NamedTuple):
    protocol: Protocol
    id: str


class WinRm(WinRMBackend):
    """Runs framed PowerShell scripts on a Windows host, which reads them from its input.

    Logs in by NTLM and verifies the host's certificate; without TLS (`no_ssl`), NTLM encrypts each message.

    Args:
        hostspec: `user@host[:port]`, without a password.
        password: never part of a name, an argument or a message.
        no_ssl: HTTP instead of HTTPS.
        no_verify_ssl: accept any certificate.
        read_timeout_sec: seconds to wait for an answer of the WinRM service.
        operation_timeout_sec: seconds after which the service answers "nothing yet".

    """

    def __init__(
        self,
        hostspec: str,
        *,
        password: str,
        no_ssl: bool = False,
        no_verify_ssl: bool = False,
        read_timeout_sec: int | str = 20,
        operation_timeout_sec: int | str = 5,
    ) -> None:
        super().__init__(
            hostspec,
            no_ssl=no_ssl,
            no_verify_ssl=no_verify_ssl,
            read_timeout_sec=int(read_timeout_sec),
            operation_timeout_sec=int(operation_timeout_sec),
        )
        if int(read_timeout_sec) <= int(operation_timeout_sec) or int(operation_timeout_sec) < 1:
            raise ValueError("read_timeout_sec must be more than operation_timeout_sec, and that at least 1")
        scheme, port = ("http", HTTP_PORT) if no_ssl else ("https", HTTPS_PORT)
        name = f"[{self.host.name}]" if ":" in self.host.name else self.host.name
        bundle = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
        self.conn_args |= {
            "endpoint": f"{scheme}://{name}:{self.host.port or port}/wsman",
            "password": password,
            "message_encryption": "always" if no_ssl else "auto",
            "ca_trust_path": bundle,
            "proxy": None,
        }
        self._shell: _Shell | None = None

    @staticmethod
    def quote(command: str, *args: str) -> str:
        """Put `args` into `command`, each as a literal string of PowerShell."""
        return powershell.quote(command, *args)

    def run_job(self, job: Job) -> process.Finished:
        """Have the host's PowerShell read and run the job's command.

        Raises:
            Unobservable: when the host cannot be reached, refuses the log-in, or has no usable PowerShell.

        """
        kept = self._shell is not None
        try:
            found = self._exchange(job)
        except Exception as error:
            self._forget()
            fault = _fault(error)
            if not kept or fault.reason == "auth":
                raise fault from error
            try:  # the kept shell or connection is gone; nothing of this script was answered
                found = self._exchange(job)
            except Exception as second:
                self._forget()
                raise _fault(second) from second
        _check_started(found)
        return found

    def _exchange(self, job: Job) -> process.Finished:
        shell = self._shell = self._shell or self._connect(job.limits)
        started = shell.protocol.run_command(shell.id, powershell.BOOTSTRAP, console_mode_stdin=False)
        data = self.get_command(job.command).encode("ascii")
        for start in range(0, len(data), _CHUNK):
            piece, is_last = data[start : start + _CHUNK], start + _CHUNK >= len(data)
            shell.protocol.send_command_input(shell.id, started, piece, end=is_last)
        found = _receive(shell, started, job)
        if found.exit_status == _BROKEN:
            self._forget()
        elif not job.watch.complete:
            self.disconnect()  # what a question may have left running ends with the shell
        else:
            with contextlib.suppress(Exception):
                shell.protocol.cleanup_command(shell.id, started)
        return found

    def _connect(self, limits: Limits) -> _Shell:
        protocol = Protocol(**self.conn_args)
        _bound(protocol, limits.connect_timeout, protocol.read_timeout_sec)
        return _Shell(protocol, protocol.open_shell(noprofile=True, codepage=_UTF8))

    @property
    def is_connected(self) -> bool:
        """Whether a shell is kept open."""
        return self._shell is not None

    def _forget(self) -> None:
        shell, self._shell = self._shell, None
        if shell is not None:
            shell.protocol.transport.close_session()

    def disconnect(self) -> None:
        """Close the shell, if there is one; whatever still runs in it ends with it."""
        shell, self._shell = self._shell, None
        if shell is None:
            return
        _bound(shell.protocol, 2, 5)
        with contextlib.suppress(Exception):
            shell.protocol.close_shell(shell.id)


def _bound(protocol: Protocol, connect: float, read: float) -> None:
    """Set the seconds until a connection stands and until an answer comes; requests takes a pair."""
    limits: Any = (connect, read)
    protocol.transport.read_timeout_sec = limits


_BROKEN = -1
"""Exit status of a script whose connection broke."""


def _receive(shell: _Shell, started: str, job: Job) -> process.Finished:
    """Read what a command prints until it ends, the job's watch has seen enough, or nothing comes."""
    watch, out, err = job.watch, bytearray(), bytearray()
    exit_status, done, is_late = 0, False, False
    clock = job.clock()
    while not (done or process.is_enough(watch) or is_late):
        if job.stop is not None and job.stop.is_set:
            raise process.Stopped
        try:
            stdout, stderr, exit_status, done = shell.protocol.get_command_output_raw(shell.id, started)
        except WinRMOperationTimeoutError:
            stdout = stderr = b""
        except Exception:
            if not out:
                raise
            exit_status = _BROKEN
            break
        out += stdout
        err += stderr
        watch.look(out, err)
        is_late = not clock.left() and not (done or watch.complete)
    return process.Finished(
        exit_status=exit_status,
        stdout=bytes(out),
        stderr=bytes(err),
        timed_out=is_late and not clock.is_overdue,
        truncated=watch.too_long,
    )


def _check_started(found: process.Finished) -> None:
    mode = powershell.LANGUAGE_MODE.search(found.stdout)
    if mode:
        detail = (
            f"PowerShell runs this account's commands in {mode[1].decode()} mode; it has to be FullLanguage"
        )
        raise Unobservable("privilege", detail, whole_host=True)
    if (
        not found.stdout
        and found.exit_status in {1, 9009}
        and b"powershell'" in found.stderr.replace(b'"', b"'")
    ):
        detail = " ".join(found.stderr.decode("utf-8", "replace").split())[:400]
        raise Unobservable("tool_missing", detail, whole_host=True)


def _fault(error: Exception) -> Unobservable:
    """Return what an exception of pywinrm, requests or the socket below says about the host."""
    text = " ".join(str(error).split())[:400]
    if isinstance(error, Unobservable):
        return error
    if isinstance(error, AuthenticationError):
        return Unobservable("auth", text, whole_host=True)
    if isinstance(error, http.SSLError):
        return Unobservable("auth", f"the host's certificate was not accepted: {text}", whole_host=True)
    if isinstance(error, WSManFaultError) and error.wsman_fault_code == _ACCESS_DENIED:
        return Unobservable("auth", f"logged in, but WinRM is not allowed: {text}", whole_host=True)
    if isinstance(error, http.Timeout):
        return Unobservable("unreachable", f"no answer in time: {text}", whole_host=True)
    return Unobservable("unreachable", f"{type(error).__name__}: {text}", whole_host=True)
