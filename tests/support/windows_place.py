"""A Windows that is played, as a place where scenarios are proved."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

from pytest_aisec.observe.hosts import HostOptions
from pytest_aisec.observe.transcript import Observation
from pytest_aisec.observe.transport.base import Limits
from pytest_aisec.testing.audits import Audit, Connections, Subject
from tests.support import windows
from tests.support.winrm import Endpoint, Look, Player


class WindowsPlace:
    """A played Windows that gives the answers of `look`; a `proofs.Place`."""

    label, image = windows.LABEL, windows.IMAGE

    def __init__(self, player: Player) -> None:
        self._player = player
        self._connections = Connections(options=HostOptions(limits=Limits(timeout=20)))

    def answers(self, look: Look) -> None:
        """Have the host answer otherwise from now on."""
        self._player.look = look

    def run(self, scenario: object) -> None:
        """Do nothing: the answers are the state."""

    def audit(
        self,
        subject: Subject,
        user: str,
        *,
        sudo: bool = False,
        in_waves: bool = True,
        known: Iterable[Observation] = (),
    ) -> Audit:
        spec = f"winrm://{user}@127.0.0.1:{self._player.port}?no_ssl=true"
        return self._connections.audit(subject, spec, in_waves=in_waves, known=known)

    def has(self, user: str) -> bool:
        return False

    def changes(self) -> object:
        return None

    def watched(self) -> nullcontext[Callable[[], Sequence[Path]]]:
        return nullcontext(lambda: ())

    def close(self) -> None:
        self._connections.close()


@contextmanager
def played(look: Look, directory: Path) -> Iterator[WindowsPlace]:
    """Yield a host that gives the answers of `look`, over HTTP and NTLM."""
    player = Player(look)
    with Endpoint(player, directory):
        place = WindowsPlace(player)
        try:
            yield place
        finally:
            place.close()
    assert player.problems == []
    assert player.open_shells == {}, "a shell was left open"
