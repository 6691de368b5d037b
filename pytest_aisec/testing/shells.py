"""Hosts on which a program of this machine runs commands: containers, and machines behind ssh, as places."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pytest_aisec.errors import AisecError
from pytest_aisec.observe.hosts import HostOptions
from pytest_aisec.observe.transcript import Observation
from pytest_aisec.observe.transport.base import Limits
from pytest_aisec.testing import setups
from pytest_aisec.testing.audits import Audit, Connections, Subject
from pytest_aisec.testing.scenarios import Scenario

_SETUP_TIMEOUT = 120.0
"""Seconds for a scenario's script."""
_TIMEOUT = 60.0
"""Seconds for anything else."""
_LISTED = "find {where} -xdev -printf '%p\\t%T@\\t%C@\\t%m\\t%U:%G\\t%s\\n' 2>/dev/null || test $? = 1"
_PROGRAMS = "ls -d /usr/local/sbin/* /usr/local/bin/* /usr/sbin/* /usr/bin/* 2>/dev/null || :"


class PlaceError(AisecError):
    """A host on which a scenario was to be proved did not do what it must; the text says what."""


@dataclass(kw_only=True)
class ShellPlace:
    """A place (see `proofs.Place`) where commands are run as root by a command of this machine."""

    label: str
    image: str
    prefix: Sequence[str]
    """What comes before one argument, a shell command, to run it on the host as root."""
    spec: Callable[[str], str]
    """User → host, as testinfra names it."""
    can_be: Callable[[str], bool]
    """Whether the host can be asked as a user."""
    compared: str = "/"
    """Directories of which `changes` tells, separated by blanks."""
    ssh_config: str | None = None
    connections: Connections = field(init=False)

    def __post_init__(self) -> None:
        self.connections = Connections(
            options=HostOptions(ssh_config=self.ssh_config, limits=Limits(timeout=20.0))
        )

    def run(self, scenario: Scenario) -> None:
        """Run the scenario's script as root; raises SetupError."""
        done = self.shell(setups.command(scenario, _SETUP_TIMEOUT), timeout=2 * _SETUP_TIMEOUT)
        setups.check(scenario, done.returncode, done.stdout, done.stderr)

    def audit(
        self,
        subject: Subject,
        user: str,
        *,
        sudo: bool = False,
        in_waves: bool = True,
        known: Iterable[Observation] = (),
    ) -> Audit:
        """Audit the host as `user`; see `Connections.audit`."""
        return self.connections.audit(subject, self.spec(user), sudo=sudo, in_waves=in_waves, known=known)

    def has(self, user: str) -> bool:
        """Tell whether the host can be asked as this account."""
        return self.can_be(user)

    def changes(self) -> object:
        """Return a listing of the file system that differs when anything was written, moved or made there."""
        return self._checked(_LISTED.format(where=self.compared))

    @contextmanager
    def watched(self) -> Iterator[Callable[[], Sequence[Path]]]:
        """Give all programs of the host: which of them run cannot be seen, but questions name them."""
        found = [Path(line) for line in self._checked(_PROGRAMS).splitlines()]
        yield lambda: found

    @contextmanager
    def without(self, program: Path) -> Iterator[None]:
        """Take a program from the host for the body."""
        there, gone = shlex.quote(str(program)), shlex.quote(f"{program}.gone")
        mover = gone if program.name == "mv" else "mv"
        self._checked(f"mv {there} {gone}")
        try:
            yield
        finally:
            self._checked(f"{mover} {gone} {there}")

    def shell(self, text: str, *, timeout: float = _TIMEOUT) -> subprocess.CompletedProcess[str]:
        """Run shell text as root; raises PlaceError where it does not end in time."""
        return do([*self.prefix, text], timeout=timeout)

    def _checked(self, text: str) -> str:
        done = self.shell(text)
        if done.returncode:
            raise PlaceError(f"{self.label}: {text} ended with {done.returncode}: {done.stderr.strip()}")
        return done.stdout


def do(command: Sequence[str], *, timeout: float = _TIMEOUT) -> subprocess.CompletedProcess[str]:
    """Run a program without input.

    Raises:
        PlaceError: when it cannot be started, or does not end in time.

    """
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise PlaceError(f"{shlex.join(command)[:300]} did not end within {timeout:g} s") from None
    except OSError as error:
        raise PlaceError(f"{command[0]} cannot be run: {error.strerror}") from None
