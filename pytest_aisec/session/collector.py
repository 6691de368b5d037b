"""Ask all hosts in waves before pytest evaluates. Only in the controlling process."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from importlib.metadata import version
from pathlib import Path

import pytest

from pytest_aisec.catalog.plan import Plan
from pytest_aisec.judge import evaluate
from pytest_aisec.observe.hosts import Target
from pytest_aisec.observe.question_cache import Learned, default_directory
from pytest_aisec.observe.transport.base import Limits
from pytest_aisec.observe.transport.process import Stop
from pytest_aisec.observe.waves import Collected, Work, collect
from pytest_aisec.report.progress import Progress
from pytest_aisec.session.audit import Audit


class Collector:
    """Runs the waves between pytest's collection and its evaluation."""

    def __init__(
        self,
        config: pytest.Config,
        audit: Audit,
        limits: Limits,
    ) -> None:
        self.config = config
        self.audit = audit
        self.limits = limits
        self.collected: dict[str, Collected] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Ask all hosts; pytest then evaluates, unless only observing was asked for."""
        if session.testsfailed and not self.audit.request.ignores_collection_errors:
            return None
        learned = Learned(
            question_keys(self.audit.plan, active=self.audit.circumstances.active),
            cache_directory(self.audit.request.cache),
        )
        progress = self._progress()
        stop = Stop()

        def note(found: Collected, done: bool) -> None:  # noqa: FBT001 - the collector's callback
            self.collected[found.name] = found
            if progress is not None:
                progress.note(found, done)

        try:
            with _silence():
                collect(
                    [self._work(target, stop) for target in self.audit.targets],
                    evaluate.speculations(self.audit.plan, self.audit.circumstances),
                    workers=self.audit.request.workers,
                    stop=stop,
                    suggestions=learned,
                    note=note,
                    meanwhile=_prepare_reports,
                )
        finally:
            stop.close()
            if progress is not None:
                progress.finish()
        learned.save()
        return True if self.audit.request.observe_only else None

    @property
    def needed(self) -> dict[str, set[str]]:
        """By host name, the commands that a control asked."""
        return {
            name: {command for commands in found.needed.values() for command in commands}
            for name, found in self.collected.items()
        }

    def _work(self, target: Target, stop: Stop) -> Work:
        transcript = self.audit.transcripts[target.name]

        def close() -> None:
            target.disconnect()
            if len(self.audit.targets) > 1:
                transcript.release()

        planned = {item.key for item in self.audit.plan.on(target.name).values()}
        return Work(
            name=target.name,
            open=lambda: target.observed(transcript, self.limits, stop),
            close=close,
            suits=suited(self.audit.plan, target).__contains__,
            is_planned=planned.__contains__,
        )

    def _progress(self) -> Progress | None:
        reporter = self.config.pluginmanager.getplugin("terminalreporter")
        if reporter is None or self.config.get_verbosity() < 0:
            return None
        rewrite = (lambda line: reporter.rewrite(line, erase=True)) if reporter.isatty else None
        return Progress(len(self.audit.targets), reporter.write_line, rewrite)


@contextmanager
def _silence() -> Iterator[None]:
    """Let nothing that controls print reach the terminal: it will be captured when they are evaluated."""
    with (
        Path(os.devnull).open("w", encoding="utf-8") as nowhere,
        redirect_stdout(nowhere),
        redirect_stderr(nowhere),
    ):
        yield


def _prepare_reports() -> None:
    """Load what writing the evidence needs."""
    from pytest_aisec.report import html, junit  # noqa: F401, PLC0415 - while the hosts are thinking

    html.prepare()


def suited(plan: Plan, target: Target) -> set[str]:
    """Return the controls whose questions are in the language of the target's shell, whatever host they had.

    What was learned from a host with `/bin/sh` must not reach PowerShell, nor the other way round.
    """
    is_windows = target.connection == "winrm"
    return {
        planned.key
        for planned in plan.on(target.name).values()
        if (
            set(planned.control.platforms) == {"windows"}
            if is_windows
            else "windows" not in planned.control.platforms
        )
    }


def question_keys(plan: Plan, *, active: bool = False) -> dict[str, str]:
    """Return, for each control, a text that changes with whatever changes its questions."""
    texts: dict[Path, str] = {}
    for planned in plan.controls:
        path = planned.control.path
        if path not in texts:
            texts[path] = hashlib.sha256(path.read_bytes()).hexdigest()
    ours = version("pytest-aisec")
    return {
        planned.key: json.dumps(
            [
                ours,
                texts[planned.control.path],
                evaluate.jsonable(dict(planned.params)),
                sorted(planned.declared),
                active,
            ],
            sort_keys=True,
        )
        for planned in plan.controls
    }


def cache_directory(given: str | None) -> Path | None:
    """Return where learned questions are kept, if they are."""
    if given == "none":
        return None
    return Path(given).expanduser() if given else default_directory()
