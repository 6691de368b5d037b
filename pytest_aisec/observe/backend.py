"""The testinfra backend that controls see: it answers from the transcript, and otherwise asks and records."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from testinfra.backend import base
from testinfra.host import Host

from pytest_aisec.observe import quota
from pytest_aisec.observe.ask import SUDO_REFUSED, Question, ask, last_line
from pytest_aisec.observe.faults import Unobservable
from pytest_aisec.observe.questions import Questions
from pytest_aisec.observe.redaction.redact import redact, redact_bytes
from pytest_aisec.observe.script import powershell
from pytest_aisec.observe.transcript import Observation, Transcript
from pytest_aisec.observe.transport.base import Limits, Transport

_EXISTENCE = re.compile(r"test -(?P<flag>[a-zA-Z]) (?P<path>\S.*)", re.DOTALL)
_ABSENT = re.compile(rb"No such file or directory|Not a directory")
_LOOKS_FOR_TOOL = re.compile(r"(command -v|which|type|hash|realpath|lsb_release|sw_vers)\b")
"""Questions, of testinfra's among others, to which "there is no such tool" is an answer."""

_LONG = 64 * 1024
"""Bytes of an answer; redacting a shorter one keeps no thread waiting that matters."""


class Pending(BaseException):
    """A question without a recorded answer, while the collector looks for questions.

    Not an `Exception`, so that no `except Exception` in a control swallows it.
    """


class ObservingBackend(base.BaseBackend):
    """Wraps any testinfra backend (`host.backend`) so that every question is recorded once.

    Args:
        name: the host's name in the plan, such as `ssh://gpu-1`.
        transport: how questions reach the host; `None` answers from the transcript alone (replay).
        transcript: where answers are looked up and recorded.
        connection: the kind of connection, such as `ssh`.

    """

    NAME = "observing"

    def __init__(
        self, name: str, transport: Transport | None, transcript: Transcript, connection: str = "ssh"
    ) -> None:
        super().__init__(name)
        self.connection = connection
        self.name = name
        self.transport = transport
        self.transcript = transcript
        self.questions = Questions()
        """Those of the evaluation that runs, or ran last."""

    def begin(self, *, collecting: bool = False) -> Questions:
        """Begin an evaluation; return its questions.

        Args:
            collecting: whether a question without an answer ends it, instead of being asked at once.

        """
        self.questions = Questions(collecting=collecting)
        return self.questions

    @property
    def limits(self) -> Limits:
        """The bounds of a question."""
        return self.transport.limits if self.transport else Limits()

    @property
    def encoding(self) -> str:
        """UTF-8 always: asking the host for its locale would change nothing that a verdict may rest on."""
        return "utf-8"

    def decode(self, data: bytes) -> str:
        """Decode what a host printed; bytes that are not UTF-8 survive as surrogates."""
        return data.decode("utf-8", "surrogateescape")

    def encode(self, data: str) -> bytes:
        """Undo `decode`."""
        return data.encode("utf-8", "surrogateescape")

    def get_pytest_id(self) -> str:
        """Return the host's name in the plan."""
        return self.name

    def quote(self, command: str, *args: str) -> str:
        """Put quoted `args` into `command` as the wrapped backend's shell needs it."""
        if self.connection == "winrm":  # on replay, too
            return powershell.quote(command, *args)
        quoting = self.transport.backend if self.transport else base.BaseBackend
        quoted: str = quoting.quote(command, *args)
        return quoted

    def run(self, command: str, *args: str, **_kwargs: Any) -> base.CommandResult:
        """Answer `command` from the transcript, or ask the host and record.

        Raises:
            Unobservable: when there is no whole answer, the tool is missing, sudo refused, or a file test's
                "no" does not prove absence.
            Pending: when there is no answer yet and the collector looks for questions.

        """
        question = self.get_command(command, *args)
        result = self._answer(question)
        if result.exit_status in {126, 127} and not _LOOKS_FOR_TOOL.match(question):
            detail = last_line(result.stderr) or f"exit status {result.exit_status}"
            raise Unobservable("tool_missing", f"{_first_word(question)}: {detail}")
        if result.exit_status and question.startswith("sudo ") and SUDO_REFUSED.search(result.stderr):
            raise Unobservable("privilege", last_line(result.stderr))
        if result.exit_status == 1:
            self._check_absence(question)
        return self.result(result.exit_status or 0, self.encode(question), result.stdout, result.stderr)

    def _check_absence(self, question: str) -> None:
        """Let a file test's "no" stand only where the file is proved absent, or of another kind."""
        second = _second_look(question)
        if second is None:
            return
        proof = self._answer(second)
        if proof.exit_status == 0 or _ABSENT.search(proof.stderr):
            return
        if proof.exit_status in {126, 127}:
            raise Unobservable("tool_missing", f"stat: {last_line(proof.stderr)}")
        denied = b"Permission denied" in proof.stderr
        raise Unobservable("privilege" if denied else "unreadable", last_line(proof.stderr))

    def _answer(self, question: str) -> Observation:
        key = redact(question)
        self.questions.note(key)
        observation = self.transcript.get(key)
        if observation is None:
            if self.questions.collecting and self.transcript.host_fault is None:
                self.questions.leave_open(key, question)
                raise Pending(key)
            observation = self._ask_once(question, key)
        if observation.fault is not None:
            raise Unobservable(observation.fault, observation.detail)
        return observation

    def _ask_once(self, question: str, key: str) -> Observation:
        self.ask_all({key: question})
        observation = self.transcript.get(key)
        if observation is None:
            raise Unobservable("internal", f"asked, and no answer was recorded: {key}")
        return observation

    def foresee(self, command: str, *args: str) -> None:
        """While the collector looks for questions, add one that is likely to come up later."""
        if not self.questions.collecting or self.transcript.host_fault is not None:
            return
        question = self.get_command(command, *args)
        key = redact(question)
        if self.transcript.get(key) is None:
            self.questions.leave_open(key, question)

    def ask_all(
        self,
        questions: Mapping[str, str],
        call: Callable[[Callable[[], bytes]], bytes] = lambda what: what(),
    ) -> int:
        """Ask the host what its transcript has no answer to, in as few scripts as hold it, and record.

        Args:
            questions: as the transcript has them → as the host is asked.
            call: has something that may take long called where it can be interrupted.

        Returns:
            How many scripts were sent.

        Raises:
            Unobservable: when the host cannot be asked at all (recorded as its fault), or on replay.

        """
        with quota.unlimited(), self.transcript.asking():
            missing = [
                Question(text=text, key=key)
                for key, text in questions.items()
                if self.transcript.get(key) is None
            ]
            if not missing:
                return 0
            if self.transcript.host_fault is not None:
                raise self.transcript.host_fault
            if self.transport is None:
                raise Unobservable("no_observation", f"the transcript has no answer to: {missing[0].key}")
            try:
                return ask(missing, self.transport, self.transcript.add, partial(self._redacted, call))
            except Unobservable as fault:
                if fault.whole_host:
                    self.transcript.give_up(fault)
                raise

    def _redacted(self, call: Callable[[Callable[[], bytes]], bytes], data: bytes) -> bytes:
        return call(partial(self._redact, data)) if len(data) > _LONG else redact_bytes(data)

    def _redact(self, data: bytes) -> bytes:
        with quota.limited(self.transcript):
            return redact_bytes(data)


def foresee(host: Host, *commands: str | tuple[str, ...]) -> None:
    """Announce commands that the control is likely to run on `host`, so that they travel in one script.

    It changes no verdict: what is not run in the end is marked as not needed.

    Args:
        host: the host.
        commands: as for `host.run`; with arguments, a tuple.

    """
    backend = host.backend
    if isinstance(backend, ObservingBackend):
        for command in commands:
            backend.foresee(*([command] if isinstance(command, str) else command))


def _second_look(question: str) -> str | None:
    """Return the `stat` that proves a file test's "no", as the same user; `None` for other questions."""
    match = _EXISTENCE.fullmatch(question)
    if match:
        follow = "" if match["flag"] in "Lh" else "-L "
        return f"stat {follow}-c %F -- {match['path']}"
    if not question.startswith("sudo "):
        return None
    try:
        *sudo, inner = shlex.split(question)
    except ValueError:
        return None
    second = _second_look(inner) if sudo[-2:] == ["/bin/sh", "-c"] else None
    return None if second is None else shlex.join([*sudo, second])


def _first_word(question: str) -> str:
    reader = shlex.shlex(question, posix=True)
    reader.whitespace_split, reader.commenters = True, ""
    try:
        return reader.get_token() or question[:40]
    except ValueError:
        return question[:40]
