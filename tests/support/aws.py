"""AWS on this machine's loopback: moto's server and the real ``aws`` CLI, with accounts that know nothing else.

Both run in forks of processes that have imported them (`moto_mother`, `cli_mother`).

No request leaves the machine: the endpoint is on loopback, and so is the proxy for names under it, which S3
Control puts the account's number into. The server is its own proxy.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.request
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_aisec.testing.labkit.errors import LabError, LabUnavailableError
from tests.support.cli_mother import CLIENT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Self

ACCESS_KEY = "AKIAIOSFODNN7EXAMPLE"
SECRET_KEY = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY12"
NUMBER = "123456789012"
REGION = "us-east-1"


@dataclass(frozen=True, kw_only=True)
class CloudAccount:
    """A fresh account, and a home directory on this machine with credentials for it in ``.aws``."""

    endpoint: str
    home: Path
    cli: str

    @property
    def environment(self) -> dict[str, str]:
        """What `aws` needs; programs in ``bin`` of the home directory stand before those of the system."""
        return {
            "PATH": f"{self.home}/bin:{self.home}/.cli:/usr/bin:/bin",
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "AWS_CLI": self.cli,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": self.endpoint,
            "HTTP_PROXY": self.endpoint,
            "http_proxy": self.endpoint,
        }

    def sh(self, script: str, *, timeout: float = 120.0) -> None:
        """Run a shell script that speaks ``aws …``; raise LabError when any of it fails."""
        done = subprocess.run(
            ["/bin/sh", "-e", "-c", script],
            env=self.environment,
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if done.returncode:
            raise LabError(f"ended with {done.returncode}:\n{script}\n{done.stdout}{done.stderr}")

    def demand_credentials(self, *, demanded: bool) -> None:
        """Have the server check signatures and permissions, or believe everybody; it knows no key."""
        request = urllib.request.Request(
            f"{self.endpoint}/moto-api/reset-auth",
            data=b"0" if demanded else b"inf",
            headers={"Content-Type": "text/plain"},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        opener.open(request, timeout=10).close()


class Cloud:
    """Gives away fresh accounts, each with a server of its own."""

    def __init__(self) -> None:
        cli = Path(sys.executable).with_name("aws")
        if not cli.exists():
            raise LabUnavailableError("no aws CLI beside this Python: pip install 'moto[server]' awscli")
        self._directory = tempfile.TemporaryDirectory(prefix="aisec-aws-cli-")
        socket = Path(self._directory.name, "socket")
        client = Path(self._directory.name, "aws")
        client.write_text(CLIENT.format(python=sys.executable, address=str(socket)))
        client.chmod(0o755)
        python = Path(self._directory.name, "python")
        python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        python.chmod(0o755)
        self._cli = str(client)
        self._mother = _start("moto_mother.py")
        self._cli_mother = _start("cli_mother.py", str(socket))
        self._cli_mother.stdout.readline()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for mother in (self._mother, self._cli_mother):
            mother.stdin.close()
            try:
                mother.wait(10)
            except subprocess.TimeoutExpired:
                mother.kill()
                mother.wait()
            mother.stdout.close()
        self._directory.cleanup()

    @contextmanager
    def account(self) -> Iterator[CloudAccount]:
        """Yield an account in which nothing has been made yet."""
        with suppress(BrokenPipeError):
            self._mother.stdin.write("\n")
            self._mother.stdin.flush()
        answer = self._mother.stdout.readline().split()
        if len(answer) != 2:
            raise LabUnavailableError("moto's server did not start: pip install 'moto[server]'")
        process, port = map(int, answer)
        with tempfile.TemporaryDirectory(prefix="aisec-aws-") as directory:
            home = Path(directory)
            (home / "bin").mkdir()
            (home / ".cli").mkdir()
            (home / ".cli/aws").symlink_to(self._cli)
            (home / ".aws").mkdir()
            (home / ".aws/credentials").write_text(
                f"[default]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n"
            )
            (home / ".aws/config").write_text(f"[default]\nregion = {REGION}\n")
            try:
                yield CloudAccount(endpoint=f"http://127.0.0.1:{port}", home=home, cli=self._cli)
            finally:
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)


def _start(script: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name(script)), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def play(account: CloudAccount, script: str) -> None:
    """Put a player in the place of ``aws``: it may go on to the real one, which is ``$AWS_CLI``."""
    player = account.home / "bin/aws"
    player.write_text(f"#!/bin/sh\n{script}\n")
    player.chmod(0o755)


def stop_playing(account: CloudAccount) -> None:
    """Take the player away, if there is one."""
    shutil.rmtree(account.home / "bin")
    (account.home / "bin").mkdir()
