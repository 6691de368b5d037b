"""Ask a host many questions in few scripts; record whole answers, and a fault where there is none."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pytest_aisec.observe.faults import Reason, Unobservable
from pytest_aisec.observe.redaction.redact import redact, redact_bytes
from pytest_aisec.observe.script.posix import Script
from pytest_aisec.observe.transcript import Observation
from pytest_aisec.observe.transport.base import Reply, Transport

SSH_FAILED = 255
"""What ssh exits with when it fails itself."""
Redact = Callable[[bytes], bytes]
"""Takes the credentials out of what a host printed; raises `Unobservable` where that takes too much."""
SPECIMEN = 64 * 1024
"""Bytes of a truncated answer that are kept: enough to see what it was, never evidence."""

SUDO_REFUSED = re.compile(
    rb"^sudo: .*(password is required|terminal is required|no tty present|not allowed|command not found)"
    rb"|is not in the sudoers file|may not run sudo|is not allowed to (execute|run)",
    re.MULTILINE,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """One command, as the host is asked it and as the transcript has it."""

    text: str
    key: str
    """Redacted."""


@dataclass(frozen=True, kw_only=True)
class _Sent:
    """One script and what came back."""

    questions: Sequence[Question]
    batch: Script
    reply: Reply
    started_at: datetime
    started: float
    seconds: float
    redact: Redact

    def span(self, index: int) -> tuple[datetime, float]:
        """Return when the question was begun, UTC, and how many seconds it took.

        Where the transport hands over everything at the end, the questions share the time evenly.
        """
        times = self.reply.times
        even = self.seconds / len(self.questions)
        begun = times.get(index - 1, self.started) if times else self.started + even * index
        ended = times.get(index, self.started + self.seconds) if times else begun + even
        return self.started_at + timedelta(seconds=begun - self.started), max(0.0, ended - begun)


def ask(
    questions: Sequence[Question],
    transport: Transport,
    record: Callable[[Observation], None],
    redact: Redact = redact_bytes,
) -> int:
    """Ask all of `questions` and record an observation of each, whole or with the fault that kept it away.

    A script that breaks off is not the end: what it answered whole is recorded, the question at which it
    broke off is asked alone, and so is the rest when a script brings nothing forward.

    Args:
        questions: in the order in which they are asked.
        transport: to the host.
        record: takes each observation.
        redact: what of an answer it cannot redact is not recorded.

    Returns:
        How many scripts were sent.

    Raises:
        Unobservable: when no question to this host can be answered; what was answered before is recorded.
        Stopped: when the run was stopped; likewise.

    """
    queue, alone, scripts = deque(questions), 0, 0
    while queue:
        together = [queue.popleft() for _ in range(1 if alone else _that_fit(queue, transport))]
        scripts += 1
        sent = _send(together, transport, redact)
        left = _record_whole(sent, transport.limits.cap, record)
        if left or queue:
            transport.check_budget()
        if left and len(together) == 1:
            fault = _fault(sent, transport)
            record(_broken(sent, 0, fault))
            left = []
        alone = max(alone - 1, 0)
        if left:
            fault_of_first = _fault_of_one(sent, left[0], transport)
            if fault_of_first is not None:
                record(_broken(sent, left.pop(0), fault_of_first))
            elif sent.batch.began(sent.reply.stdout):
                alone = 1
            else:
                _check_connection(sent, transport)
                alone = len(left)
        queue.extendleft(together[index] for index in reversed(left))
    return scripts


def _that_fit(queue: deque[Question], transport: Transport) -> int:
    """Return how many questions from the left go into one script."""
    return transport.fitting(question.text for question in queue)


def _send(questions: Sequence[Question], transport: Transport, redacting: Redact) -> _Sent:
    batch = transport.batch([question.text for question in questions])
    started_at, started = datetime.now(UTC), time.monotonic()
    try:
        reply = transport.send(batch)
    except Unobservable:
        raise
    except Exception as error:
        # A transport's own libraries raise what they like (paramiko, socket, subprocess, ansible): none of it
        # says anything about the host's state, all of it says that the host could not be asked.
        name = type(error).__name__
        refused = "Auth" in name or "HostKey" in name or "not found in known_hosts" in str(error)
        reason: Reason = "auth" if refused else "unreachable"
        raise Unobservable(reason, redact(f"{name}: {error}"), whole_host=True) from error
    return _Sent(
        questions=questions,
        batch=batch,
        reply=reply,
        started_at=started_at,
        started=started,
        seconds=time.monotonic() - started,
        redact=redacting,
    )


def _record_whole(sent: _Sent, cap: int, record: Callable[[Observation], None]) -> list[int]:
    """Record what was answered whole; return which questions were not."""
    left = []
    for index, answer in enumerate(sent.batch.read(sent.reply.stdout, sent.reply.stderr)):
        if answer is None:
            left.append(index)
        elif max(len(answer.stdout), len(answer.stderr)) > cap:
            fault = Unobservable("truncated", f"the answer is longer than {cap} bytes")
            record(_observation(sent, index, answer.stdout, answer.stderr, fault=fault))
        else:
            record(_observation(sent, index, answer.stdout, answer.stderr, exit_status=answer.exit_status))
    return left


def _broken(sent: _Sent, index: int, fault: Unobservable) -> Observation:
    stdout, stderr = sent.batch.partial(sent.reply.stdout, sent.reply.stderr, index)
    return _observation(sent, index, stdout, stderr, fault=fault)


def _observation(
    sent: _Sent,
    index: int,
    stdout: bytes,
    stderr: bytes,
    *,
    exit_status: int | None = None,
    fault: Unobservable | None = None,
) -> Observation:
    started_at, seconds = sent.span(index)
    try:
        stdout, stderr = sent.redact(stdout), sent.redact(stderr)
    except Unobservable as too_much:
        stdout, stderr, exit_status, fault = b"", b"", None, too_much
    keep = SPECIMEN if fault else None  # a credential that is cut before would be none that we know
    return Observation(
        command=sent.questions[index].key,
        exit_status=exit_status,
        stdout=stdout[:keep],
        stderr=stderr[:keep],
        started_at=started_at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{started_at.microsecond // 1000:03d}Z",
        duration_ms=round(seconds * 1000),
        fault=fault.reason if fault else None,
        detail=redact(fault.detail) if fault else "",
    )


def _fault_of_one(sent: _Sent, index: int, transport: Transport) -> Unobservable | None:
    """Return why the script broke off at this question, where that is the question's own doing."""
    reply, limits = sent.reply, transport.limits
    if sent.batch.begun(reply.stdout) != index:
        return None
    if sent.batch.ended_by_watchdog(reply.stdout):
        return Unobservable("timeout", f"no end within {limits.timeout:g} s")
    if reply.truncated:
        return Unobservable("truncated", f"the answer is longer than {limits.cap} bytes")
    if reply.timed_out:
        return Unobservable("timeout", f"no answer within {limits.deadline:g} s")
    return None


def _fault(sent: _Sent, transport: Transport) -> Unobservable:
    """Say why there is no whole answer to a question that was asked alone.

    Raises:
        Unobservable: when no other question would fare better.

    """
    reply = sent.reply
    fault = _fault_of_one(sent, 0, transport)
    if fault is not None:
        return fault
    if sent.batch.began(reply.stdout) and reply.exit_status != SSH_FAILED:
        detail = _complaint(sent) or f"exit status {reply.exit_status}"
        return Unobservable("internal", f"the answer is cut off: {detail}")
    _check_connection(sent, transport)
    raise _refusal(sent)


def _check_connection(sent: _Sent, transport: Transport) -> None:
    """Raise the fault of the host, when a script did not run because of the connection."""
    reply = sent.reply
    if reply.timed_out:
        seconds = transport.limits.deadline
        raise Unobservable(
            "unreachable", f"connected, but no shell answered within {seconds:g} s", whole_host=True
        )
    refusal = _refusal(sent)
    if reply.exit_status == SSH_FAILED or refusal.reason != "unreachable":
        raise refusal


def _complaint(sent: _Sent) -> str:
    """Return the last line of what a broken script or its transport complained of, redacted."""
    try:
        return last_line(sent.redact(sent.reply.stderr))
    except Unobservable as too_much:
        return too_much.detail


def _refusal(sent: _Sent) -> Unobservable:
    reply, detail = sent.reply, _complaint(sent)
    text = reply.stderr.decode("utf-8", "replace")
    if SUDO_REFUSED.search(reply.stderr) or re.search(r"^sudo: ", text, re.MULTILINE):
        return Unobservable("privilege", detail or "sudo refused", whole_host=True)
    if re.search(r"Permission denied|Host key verification failed|HOST IDENTIFICATION HAS CHANGED", text):
        if "verification failed" in text or "IDENTIFICATION" in text:
            detail = "host key verification failed: the host's key is not the known one"
        return Unobservable("auth", detail, whole_host=True)
    if "Operation not permitted" in text:
        return Unobservable("privilege", detail, whole_host=True)
    return Unobservable("unreachable", detail or f"exit status {reply.exit_status}", whole_host=True)


def last_line(data: bytes) -> str:
    """Return the last line that is not empty: where programs say why they failed."""
    lines = [line.strip() for line in data.decode("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1][:400] if lines else ""
