"""Faults: reasons why a question could not be answered."""

from __future__ import annotations

from typing import Literal, get_args

Reason = Literal[
    "unreachable",
    "auth",
    "privilege",
    "timeout",
    "unreadable",
    "tool_missing",
    "parse",
    "truncated",
    "stale",
    "no_observation",
    "internal",
]
REASONS: tuple[Reason, ...] = get_args(Reason)

MALFORMED = (ArithmeticError, AttributeError, LookupError, RuntimeError, StopIteration, TypeError, ValueError)
"""What Python raises where a text, or what was read from it, is not what a reader takes it for."""


class Unobservable(BaseException):
    """A control could not see what it judges: the outcome is `error`, never `passed` or `failed`.

    Not an `Exception`, so that no `except Exception` in a control turns "could not look" into a verdict.

    Args:
        reason: one of `REASONS`.
        detail: one sentence for a person, without credentials.
        whole_host: true when no further question to this host can be answered (unreachable, refused log-in).

    """

    def __init__(self, reason: Reason, detail: str, *, whole_host: bool = False) -> None:
        super().__init__(reason, detail)
        self.reason: Reason = reason
        self.detail = detail
        self.whole_host = whole_host

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"
