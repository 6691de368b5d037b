"""Keep credentials and escape sequences out of what pytest itself shows: reports, captures, log lines."""

from __future__ import annotations

import logging
from collections.abc import Generator
from typing import Any

import pytest

from pytest_aisec.observe.redaction.redact import redact
from pytest_aisec.report.text import visible

_HANDLERS = ("caplog_handler", "report_handler", "log_cli_handler", "log_file_handler")
"""Where pytest's logging plugin sends what is logged."""


class Cleaner:
    """Cleans every report before anybody else sees it, in the process in which the test ran."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Clean what is logged, from here on: only now pytest has its handlers."""
        plugin = session.config.pluginmanager.getplugin("logging-plugin")
        for name in _HANDLERS:
            handler = getattr(plugin, name, None)
            if isinstance(handler, logging.Handler):
                handler.addFilter(_clean_record)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Clean the report of a test."""
        report = yield
        if isinstance(report.longrepr, tuple):
            path, line, reason = report.longrepr
            report.longrepr = (path, line, clean(reason))
        elif report.longrepr is not None:
            # Only the text: the parts that pytest keeps of a traceback may each hold part of a credential.
            report.longrepr = clean(str(report.longrepr))
        report.sections = [(name, clean(text)) for name, text in report.sections]
        report.user_properties = [
            (name, clean(value) if isinstance(value, str) else value)
            for name, value in report.user_properties
        ]
        return report


def clean(text: Any) -> str:
    """Return text as people may see it: redacted, and nothing in it acts on a terminal."""
    return visible(redact(str(text)))


def _clean_record(record: logging.LogRecord) -> bool:
    """Redact what is logged, as a filter of a handler; testinfra's own lines are left out.

    They show scripts and answers as Python writes bytes, in which credentials have other shapes; the
    transcript has the same.
    """
    if record.name.partition(".")[0] == "testinfra":
        return False
    record.msg, record.args = clean(record.getMessage()), ()
    return True
