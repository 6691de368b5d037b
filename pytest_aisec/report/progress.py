"""Progress shown while hosts are being asked."""

from __future__ import annotations

import time
from collections.abc import Callable

from pytest_aisec.observe.waves import Collected
from pytest_aisec.report.text import visible

EVERY = 10.0
"""Seconds between two lines where the output is not a terminal."""


class Progress:
    """Says how far the collection is: one line that is rewritten on a terminal, plain lines elsewhere.

    Args:
        hosts: how many there are.
        write: prints one line.
        rewrite: prints a line over the last one; `None` where that is impossible.
        clock: seconds.

    """

    def __init__(
        self,
        hosts: int,
        write: Callable[[str], None],
        rewrite: Callable[[str], None] | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hosts = hosts
        self._write = write
        self._rewrite = rewrite
        self._clock = clock
        self._started = self._shown = clock()
        self._open: dict[str, Collected] = {}
        self._done = self._faults = self._waves = self._asked = self._scripts = 0

    def note(self, found: Collected, done: bool) -> None:  # noqa: FBT001 - the collector's callback
        """Take in one more wave of a host, or its end."""
        if done:
            self._open.pop(found.name, None)
            self._done += 1
            self._faults += found.fault is not None
            self._asked += found.asked
        else:
            self._open[found.name] = found
        self._waves = max(self._waves, found.waves)
        now = self._clock()
        if self._rewrite is not None and (now - self._shown > 0.1 or done):
            self._rewrite(self._line(now))
            self._shown = now
        elif self._rewrite is None and now - self._shown >= EVERY and self._done < self._hosts:
            self._write(self._line(now))
            self._shown = now

    def finish(self) -> None:
        """Print the line that stays."""
        seconds = self._clock() - self._started
        asked = str(self._hosts) if self._done == self._hosts else f"{self._done} of {self._hosts}"
        line = f"asked {asked} host{'s' * (self._hosts != 1)} in {seconds:.1f} s: "
        line += _number(self._asked, "question")
        line += f", {_number(self._waves, 'wave')} at most"
        if self._faults:
            line += f"; {_hosts(self._faults)} could not be asked"
        if self._rewrite is not None:
            self._rewrite(line)
            self._write("")
        else:
            self._write(line)

    def _line(self, now: float) -> str:
        line = f"asking: {self._done} of {_hosts(self._hosts)} done, wave {self._waves}"
        if self._faults:
            line += f", {_number(self._faults, 'error')}"
        if self._open:
            slowest = max(self._open.values(), key=lambda found: found.seconds)
            line += f", {now - self._started:.0f} s, waiting for {slowest.name}"
        return visible(line)[:79]


def _hosts(count: int) -> str:
    return _number(count, "host")


def _number(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
