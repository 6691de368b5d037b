"""Fresh lab hosts as places where scenarios are proved."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, cast

from pytest_aisec.observe.hosts import HostOptions
from pytest_aisec.observe.transport.base import Limits
from pytest_aisec.testing import setups
from pytest_aisec.testing.audits import Audit, Connections, Subject
from pytest_aisec.testing.proofs import SetupError

from . import programs
from .errors import LabError
from .image import SUITE, USERS, Kind, image_digest, layer_digest
from .lab import Lab, LabHost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from pytest_aisec.observe.transcript import Observation
    from pytest_aisec.testing.scenarios import Scenario

LABEL = f"Debian {SUITE} in systemd-nspawn"
_TIMEOUT = 20.0  # seconds for a question
_SETUP_TIMEOUT = 60.0  # seconds for a script
_SLOW_SETUP_TIMEOUT = 240.0  # likewise, where programs from PyPI start


def digest_of(scenario: Scenario) -> str:
    """Return a digest of all that the host of a scenario is made from; nothing is built."""
    return "+".join([image_digest(cast("Kind", scenario.host)), *map(layer_digest, scenario.wheels)])


class LabPlace:
    """One lab host; a :class:`pytest_aisec.testing.proofs.Place`."""

    label = LABEL

    def __init__(self, lab: Lab, host: LabHost, image: str) -> None:
        self.image = image
        self._host = host
        self._connections = Connections(
            options=HostOptions(ssh_config=str(lab.ssh_config), limits=Limits(timeout=_TIMEOUT))
        )

    def run(self, scenario: Scenario) -> None:
        """Run the script as root."""
        timeout = _SLOW_SETUP_TIMEOUT if scenario.wheels else _SETUP_TIMEOUT
        try:
            done = self._host.sh(setups.command(scenario, timeout), check=False, timeout=2 * timeout)
        except LabError as error:
            raise SetupError(f"{scenario.id}: its set-up failed: {error}") from None
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
        """Audit the host over ssh; one connection for each user."""
        return self._connections.audit(
            subject, self._host.spec(user), sudo=sudo, in_waves=in_waves, known=known
        )

    def has(self, user: str) -> bool:
        """Tell whether the lab's key opens this account."""
        return user in USERS

    def changes(self) -> object:
        """Return what differs from the image now."""
        return self._host.changes()

    def watched(self) -> AbstractContextManager[Callable[[], Sequence[Path]]]:
        """Follow what is executed on the host."""
        return programs.watched(self._host.root)

    @contextmanager
    def without(self, program: Path) -> Iterator[None]:
        """Take a program from the host for the body."""
        aside = program.with_name(program.name + ".gone")
        program.rename(aside)
        try:
            yield
        finally:
            aside.rename(program)

    def close(self) -> None:
        """End the connections and the host."""
        self._connections.close()
        self._host.close()


class Places:
    """Fresh places, one after the other: while one is judged, the next one boots. A context manager."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="boot")
        self._next: dict[Kind, Future[LabHost]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for future in self._next.values():
            with suppress(LabError):
                future.result().close()
        self._pool.shutdown()

    @contextmanager
    def place(self, scenario: Scenario) -> Iterator[LabPlace]:
        """Yield a fresh place for a scenario; raises LabError and LabUnavailableError."""
        kind = cast("Kind", scenario.host)
        if scenario.wheels:
            host = self._lab.host(kind=kind, layers=scenario.wheels)
        else:
            host = (self._next.pop(kind, None) or self._boot(kind)).result()
            self._next[kind] = self._boot(kind)
        place = LabPlace(self._lab, host, digest_of(scenario))
        try:
            yield place
        finally:
            place.close()

    def _boot(self, kind: Kind) -> Future[LabHost]:
        return self._pool.submit(self._lab.host, kind=kind)
