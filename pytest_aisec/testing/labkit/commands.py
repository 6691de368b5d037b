"""Programs of the machine that the lab runs: without input, with their output kept."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence

__all__ = ["ran"]


def ran(
    command: Sequence[str], *, timeout: float, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, whatever its exit status; raises `subprocess.TimeoutExpired`."""
    return subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
