"""Keep GitHub Actions from taking what hosts answer for its commands. Only in the controlling process."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from pytest_aisec.report.github import Log


class Announcer:
    """Closes the log of a step for commands from the first line to the last."""

    def __init__(self, config: pytest.Config, log: Log) -> None:
        self.config = config
        self.log = log

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Close it, before pytest prints anything."""
        self._say(self.log.close())

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        """Open it for what comes after this process."""
        self._say(self.log.open())

    def _say(self, lines: Iterable[str]) -> None:
        reporter = self.config.pluginmanager.getplugin("terminalreporter")
        if reporter is not None:
            for line in lines:
                reporter.ensure_newline()
                reporter.write_line(line)
            reporter.flush()
