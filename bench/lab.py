"""Lab hosts to measure on; needs root on Debian."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from pytest_aisec.testing.labkit.lab import Lab, LabHost

HARDENED = (Path(__file__).parents[1] / "tests/lab/hardened.sh").read_text(encoding="utf-8")


@contextlib.contextmanager
def hosts(count: int, rtt_ms: float = 0) -> Iterator[tuple[Lab, Sequence[LabHost]]]:
    """Bring up hosts, the first and every other one hardened, and put this thread in their client's place."""
    with Lab(rtt=rtt_ms / 1000 or None) as lab:
        running = lab.hosts(count)
        for host in running[::2]:
            host.sh(HARDENED)
        with lab.enter():
            yield lab, running


def specs(running: Sequence[LabHost]) -> str:
    """Return the hosts as an option for pytest."""
    return f"--hosts={','.join(host.spec() for host in running)}"
