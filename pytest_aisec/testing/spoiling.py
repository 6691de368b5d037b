"""Spoiled answers: what a host might have said instead, when it does not let itself be seen whole."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Sequence
from dataclasses import replace

from pytest_aisec.observe.transcript import Observation
from pytest_aisec.testing.audits import Subject, verdict
from pytest_aisec.testing.proofs import may_follow_failure

_FINDS_NOTHING = re.compile(r"z?grep\b|find\b.* -exec z?grep\b", re.DOTALL)
"""A grep that finds nothing says so by exit status 1, without a word: that is its answer (POSIX)."""


def spoiled(answer: Observation) -> Iterator[tuple[str, Observation]]:
    """Yield what might have come instead of an answer, by what is wrong with it."""
    nothing = replace(answer, exit_status=None, stdout=b"", stderr=b"", fault=None, detail="")
    program = answer.command.split(" ", 1)[0]
    denied = f"{program}: Permission denied\n".encode()
    yield "refused", replace(nothing, exit_status=1, stderr=denied)
    yield "missing", replace(nothing, exit_status=127, stderr=f"sh: 1: {program}: not found\n".encode())
    yield "late", replace(nothing, fault="timeout", detail="no end within 30 s")
    if not _FINDS_NOTHING.match(answer.command):
        yield "without a word", replace(nothing, exit_status=1)
    if answer.fault is not None:
        return
    half = answer.stdout[: len(answer.stdout) // 2]
    yield "cut", replace(nothing, stdout=half, fault="truncated", detail="the answer is too long")
    if answer.stdout:
        yield "empty", replace(answer, stdout=b"")
        yield "not UTF-8", replace(answer, stdout=_unreadable(answer.stdout))


def _unreadable(data: bytes) -> bytes:
    """Return the data with a byte in each line that no UTF-8 has."""
    return b"\n".join(line[:1] + b"\xff" + line[1:] for line in data.split(b"\n"))


def passes_when_spoiled(
    subject: Subject,
    observations: Sequence[Observation],
    connection: str,
    given: Container[Answer] = frozenset(),
) -> list[str]:
    """Spoil each answer of a failed audit in turn, and return how it then did not fail: it must be none.

    Args:
        subject: the control.
        observations: its answers.
        connection: kind of the connection over which they came.
        given: what live hosts have answered. "Nothing" is a spoiled answer to most questions, and a true
            one to a search: where a host gave it, it is no spoiled one.

    Returns:
        For each wrong verdict the question, what was wrong with its answer, and the verdict.

    """
    wrong = []
    for index, answer in enumerate(observations):
        for how, instead in spoiled(answer):
            if how == "empty" and answer_of(instead) in given:
                continue
            answers = [*observations[:index], instead, *observations[index + 1 :]]
            ended = verdict(subject.judge(answers, connection=connection))
            if not may_follow_failure(*ended):
                wrong.append(f"{how}: {answer.command[:200]!r} -> {' '.join(ended).strip()}")
    return wrong


Answer = tuple[str, int | None, bytes]


def answer_of(item: Observation) -> Answer:
    """Return what makes two answers the same: question, exit status and output."""
    return item.command, item.exit_status, item.stdout
