"""Find out what a control asks, without a host: it is called against made-up answers.

What a control asks depends on the answers. So each control is called in a few made-up worlds, in each of
which every question has an answer of the same kind, and whatever it asks in any of them is kept. That shows
what a control looks at first; it need not be all that it asks of a certain host.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from testinfra.host import Host

from pytest_aisec import audit
from pytest_aisec.catalog.context import Evaluation
from pytest_aisec.catalog.control import Platform
from pytest_aisec.catalog.plan import PlannedControl
from pytest_aisec.observe.backend import ObservingBackend, Pending
from pytest_aisec.observe.transcript import Observation, Transcript

_WORLDS: tuple[tuple[int, bytes, bytes], ...] = (
    (0, b"", b""),
    (1, b"", b"no such thing: No such file or directory\n"),
    (0, b"1\n", b""),
    (0, b"[]\n", b""),
    (0, b"{}\n", b""),
    (0, b"yes\n", b""),
)
"""Exit status, stdout and stderr of every answer."""
_DEEPEST = 20
_UNAME = "uname -s"


def questions(planned: PlannedControl, *, active: bool = False) -> list[str]:
    """Return commands that the control asks of hosts, those that come first first.

    Args:
        planned: the control and its parameters.
        active: also requests to services, as with `--aisec-active`.

    """
    found: dict[str, None] = {}
    platform = planned.control.platforms[0]
    for world in _WORLDS:
        found.update(dict.fromkeys(_in_world(planned, world, platform, active=active)))
    return [question for question in found if question != _UNAME]


def _in_world(
    planned: PlannedControl, answer: tuple[int, bytes, bytes], platform: Platform, *, active: bool
) -> Iterable[str]:
    transcript = Transcript()
    connection = "winrm" if platform == "windows" else "local"
    backend = ObservingBackend("local://", None, transcript, connection)
    host = Host(backend)
    backend.set_host(host)
    transcript.add(_observation(_UNAME, (0, platform.capitalize().encode() + b"\n", b"")))
    circumstances = Evaluation(now=datetime(2026, 1, 1, tzinfo=UTC), active=active)
    for _ in range(_DEEPEST):
        backend.pending = {}
        try:
            audit.speculate(planned, host, circumstances)
        except Pending:
            pass
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:  # noqa: BLE001 - how it ends in a made-up world says nothing
            return
        asked = list(backend.pending)
        if not asked:
            return
        yield from asked
        for question in asked:
            transcript.add(_observation(question, answer))


def _observation(command: str, answer: tuple[int, bytes, bytes]) -> Observation:
    status, stdout, stderr = answer
    return Observation(
        command=command,
        exit_status=status,
        stdout=stdout,
        stderr=stderr,
        started_at="2026-01-01T00:00:00.000Z",
        duration_ms=0,
    )
