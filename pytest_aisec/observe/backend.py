"""The testinfra backend that controls see: it answers from the transcript, and otherwise asks and records."""

from __future__ import annotations

import re
import shlex
import time
from datetime import UTC, datetime
from typing import Any

from testinfra.backend import base

from pytest_aisec.observe.batch import Batch, Framed
from pytest_aisec.observe.faults import Reason, Unobservable
from pytest_aisec.observe.redact import redact, redact_bytes
from pytest_aisec.observe.transcript import Observation, Transcript
from pytest_aisec.observe.transports import Limits, Reply, Transport

SSH_FAILED = 255
"""What ssh exits with when it fails itself."""
SPECIMEN = 64 * 1024
"""Bytes of a truncated answer that are kept: enough to see what it was, never evidence."""

_EXISTENCE = re.compile(r"test -(?P<flag>[a-zA-Z]) (?P<path>\S.*)", re.DOTALL)
_ABSENT = re.compile(rb"No such file or directory|Not a directory")
_LOOKS_FOR_TOOL = re.compile(r"(command -v|which|type|hash|realpath|lsb_release|sw_vers)\b")
"""Questions, of testinfra's among others, to which "there is no such tool" is an answer."""
_SUDO_REFUSED = re.compile(
    rb"^sudo: .*(password is required|terminal is required|no tty present|not allowed|command not found)"
    rb"|is not in the sudoers file|may not run sudo|is not allowed to (execute|run)",
    re.MULTILINE,
)


class ObservingBackend(base.BaseBackend):
    """Wraps any testinfra backend (`host.backend`) so that every question is recorded once.

    Args:
        name: the host's name in the plan, such as `ssh://gpu-1`.
        transport: how questions reach the host; `None` answers from the transcript alone (replay).
        transcript: where answers are looked up and recorded.

    """

    NAME = "observing"

    def __init__(self, name: str, transport: Transport | None, transcript: Transcript) -> None:
        super().__init__(name)
        self.name = name
        self.transport = transport
        self.transcript = transcript
        self.asked: list[str] = []
        """Commands asked since the list was last emptied, in order, each once."""
        self.asked_before: list[str] = []
        """Commands asked on the control's behalf before it ran, such as for the platform."""

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
        quoting = self.transport.backend if self.transport else base.BaseBackend
        quoted: str = quoting.quote(command, *args)
        return quoted

    def run(self, command: str, *args: str, **_kwargs: Any) -> base.CommandResult:
        """Answer `command` from the transcript, or ask the host and record.

        Raises:
            Unobservable: when there is no whole answer, the tool is missing, sudo refused, or a file test's
                "no" does not prove absence.

        """
        question = self.get_command(command, *args)
        result = self._answer(question)
        if result.exit_status in {126, 127} and not _LOOKS_FOR_TOOL.match(question):
            detail = _last_line(result.stderr) or f"exit status {result.exit_status}"
            raise Unobservable("tool_missing", f"{_first_word(question)}: {detail}")
        if result.exit_status and question.startswith("sudo ") and _SUDO_REFUSED.search(result.stderr):
            raise Unobservable("privilege", _last_line(result.stderr))
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
            raise Unobservable("tool_missing", f"stat: {_last_line(proof.stderr)}")
        denied = b"Permission denied" in proof.stderr
        raise Unobservable("privilege" if denied else "unreadable", _last_line(proof.stderr))

    def _answer(self, question: str) -> Observation:
        key = redact(question)
        if key not in self.asked:
            self.asked.append(key)
        observation = self.transcript.get(key)
        if observation is None:
            observation = self._ask_once(question, key)
        if observation.fault is not None:
            raise Unobservable(observation.fault, observation.detail)
        return observation

    def _ask_once(self, question: str, key: str) -> Observation:
        with self.transcript.asking():
            known = self.transcript.get(key)
            if known is not None:
                return known
            if self.transcript.host_fault is not None:
                raise self.transcript.host_fault
            if self.transport is None:
                raise Unobservable("no_observation", f"the transcript has no answer to: {key}")
            try:
                observation = self._ask(question, key, self.transport)
            except Unobservable as fault:
                if fault.whole_host:
                    self.transcript.give_up(fault)
                raise
            self.transcript.add(observation)
            return observation

    def _ask(self, question: str, key: str, transport: Transport) -> Observation:
        limits = transport.limits
        batch = Batch([question], timeout=limits.timeout)
        started_at, started = datetime.now(UTC), time.monotonic()
        reply, fault = _send(transport, batch)
        seconds = time.monotonic() - started
        framed = batch.read(reply.stdout, reply.stderr)[0]
        partial = batch.partial(reply.stdout, reply.stderr)
        fault = fault or (None if framed else _fault(reply, batch, transport))
        if framed and framed.exit_status in {124, 137, 143} and seconds >= limits.timeout * 0.95:
            fault = Unobservable("timeout", f"no end within {limits.timeout:g} s")
        elif framed and max(len(framed.stdout), len(framed.stderr)) > limits.cap:
            fault = Unobservable("truncated", f"the answer is longer than {limits.cap} bytes")
        whole = framed or Framed(exit_status=0, stdout=partial[0], stderr=partial[1])
        keep = SPECIMEN if fault else None
        return Observation(
            command=key,
            exit_status=whole.exit_status if framed and fault is None else None,
            stdout=redact_bytes(whole.stdout[:keep]),
            stderr=redact_bytes(whole.stderr[:keep]),
            started_at=started_at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{started_at.microsecond // 1000:03d}Z",
            duration_ms=round(seconds * 1000),
            fault=fault.reason if fault else None,
            detail=redact(fault.detail) if fault else "",
        )


def _send(transport: Transport, batch: Batch) -> tuple[Reply, Unobservable | None]:
    """Return the reply, or an empty one with the fault that concerns this question alone."""
    try:
        return transport.send(batch), None
    except Unobservable as fault:
        if fault.whole_host:
            raise
        return Reply(exit_status=-1, stdout=b"", stderr=b""), fault
    except Exception as error:
        # A transport's own libraries raise what they like (paramiko, socket, subprocess, ansible): none of it
        # says anything about the host's state, all of it says that the host could not be asked.
        name = type(error).__name__
        refused = "Auth" in name or "HostKey" in name or "not found in known_hosts" in str(error)
        reason: Reason = "auth" if refused else "unreachable"
        raise Unobservable(reason, redact(f"{name}: {error}"), whole_host=True) from error


def _fault(reply: Reply, batch: Batch, transport: Transport) -> Unobservable:
    """Say why there is no whole answer in `reply`; raise it when no other question would fare better."""
    limits = transport.limits
    began = batch.began(reply.stdout)
    detail = redact(_last_line(reply.stderr))
    if reply.truncated:
        return Unobservable("truncated", f"the answer is longer than {limits.cap} bytes")
    if began and reply.timed_out:
        return Unobservable("timeout", f"no answer within {limits.deadline:g} s")
    if began and reply.exit_status != SSH_FAILED:
        return Unobservable(
            "internal", f"the answer is cut off: {detail or f'exit status {reply.exit_status}'}"
        )
    if reply.timed_out:
        raise Unobservable(
            "unreachable", f"connected, but no shell answered within {limits.deadline:g} s", whole_host=True
        )
    raise _refusal(reply, detail)


def _refusal(reply: Reply, detail: str) -> Unobservable:
    text = reply.stderr.decode("utf-8", "replace")
    if _SUDO_REFUSED.search(reply.stderr) or re.search(r"^sudo: ", text, re.MULTILINE):
        return Unobservable("privilege", detail or "sudo refused", whole_host=True)
    if re.search(r"Permission denied|Host key verification failed|HOST IDENTIFICATION HAS CHANGED", text):
        if "verification failed" in text or "IDENTIFICATION" in text:
            detail = "host key verification failed: the host's key is not the known one"
        return Unobservable("auth", detail, whole_host=True)
    if "Operation not permitted" in text:
        return Unobservable("privilege", detail, whole_host=True)
    return Unobservable("unreachable", detail or f"exit status {reply.exit_status}", whole_host=True)


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


def _last_line(data: bytes) -> str:
    lines = [line.strip() for line in data.decode("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1][:400] if lines else ""


def _first_word(question: str) -> str:
    try:
        return shlex.split(question)[0]
    except (ValueError, IndexError):
        return question[:40]
