"""The errors that pytest-aisec raises on purpose, and how it suggests a correction."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class AisecError(Exception):
    """Base of every error that is reported as one message without a traceback."""


class UsageProblem(AisecError):
    """The user asked for something that cannot be done as written: exit code 4, nothing was contacted."""


class EmptyPlan(AisecError):
    """No control is left to run: exit code 5."""


class EvidenceError(AisecError):
    """Evidence could not be written, read or verified: exit code 12 where a run was to write it."""


def nearest(wrong: str, known: Iterable[str], *, limit: int = 3) -> str:
    """Return a sentence that names the nearest known choices to `wrong`, or all of them when they are few.

    The empty string when there is nothing to choose from.
    """
    choices = sorted(set(known))
    close = difflib.get_close_matches(wrong, choices, n=limit, cutoff=0.6)
    if close:
        return f"Did you mean {' or '.join(close)}?"
    if not choices:
        return ""
    shown = ", ".join(choices[:12]) + (f" … ({len(choices)} in all)" if len(choices) > 12 else "")
    return f"Known: {shown}."
