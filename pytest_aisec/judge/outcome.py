"""From what a control's evaluation raised to its one outcome."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import testinfra

from pytest_aisec.observe.faults import MALFORMED, Unobservable

_TESTINFRA = str(Path(testinfra.__file__).parent)
_READERS = str(Path(__file__).parents[1] / "facts") + "/"

DIFFERS = "what was observed is not what is expected"
"""Message of a failure whose values say all there is to say."""


class Outcome(StrEnum):
    """End of a control on a host."""

    PASSED = "passed"
    """Observed what was required."""
    FAILED = "failed"
    """Observed something else."""
    ERROR = "error"
    """Could not be observed or judged."""
    NOT_APPLICABLE = "not_applicable"
    """What the control judges is not there, and that was observed."""
    NOT_REVIEWED = "not_reviewed"
    """Needs a person, and no valid attestation is there."""
    NOT_RUN = "not_run"
    """Was planned, and no result came."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Conclusion:
    """An outcome with its reason and a message for people."""

    outcome: Outcome
    reason: str = ""
    """For `error` one of `observe.faults.REASONS`; where nothing was judged, a clause."""
    message: str = ""
    """Message that a person reads first; for an internal error, where it happened."""


def conclude(error: BaseException | None, *, has_observed: bool) -> Conclusion:
    """Return the outcome of an evaluation that ended with `error`, or without one.

    Args:
        error: what the control raised.
        has_observed: whether the control asked the host anything. Without that nothing was seen, and neither
            `passed` nor `not_applicable` can be true.

    """
    kind = _kind(error)
    if kind in {Outcome.PASSED, Outcome.NOT_APPLICABLE} and not has_observed:
        what = f"ended as {kind.value} without having asked the host anything"
        return Conclusion(outcome=Outcome.ERROR, reason="no_observation", message=f"the control {what}")
    if error is None:
        return Conclusion(outcome=Outcome.PASSED)
    if isinstance(error, Unobservable):
        return Conclusion(outcome=Outcome.ERROR, reason=error.reason, message=error.detail)
    if kind in {Outcome.NOT_APPLICABLE, Outcome.NOT_REVIEWED}:
        return Conclusion(outcome=kind, reason=_message(error), message=_message(error))
    if kind is Outcome.FAILED:
        return Conclusion(outcome=kind, message=_message(error))
    if isinstance(error, AssertionError):
        return Conclusion(outcome=Outcome.ERROR, reason="unreadable", message=_message(error))
    # What our readers of facts stumble over is what the host answered.
    is_answer = isinstance(error, MALFORMED) and any(name.startswith(_READERS) for name in _files(error))
    reason = "parse" if is_answer else "internal"
    return Conclusion(outcome=Outcome.ERROR, reason=reason, message=_where(error))


def _kind(error: BaseException | None) -> Outcome:
    if error is None:
        return Outcome.PASSED
    if isinstance(error, AssertionError):
        # testinfra asserts that its own probes work: such a failure says that it could not look.
        return Outcome.ERROR if _innermost(error).startswith(_TESTINFRA) else Outcome.FAILED
    if getattr(error, "outcome", None) == Outcome.NOT_REVIEWED.value and _pytest_outcome(error) == "Skipped":
        return Outcome.NOT_REVIEWED
    return {"Skipped": Outcome.NOT_APPLICABLE, "Failed": Outcome.FAILED}.get(
        _pytest_outcome(error), Outcome.ERROR
    )


def _pytest_outcome(error: BaseException) -> str:
    """Return `Skipped` or `Failed` for pytest's own outcome exceptions, without importing pytest."""
    for kind in type(error).__mro__:
        if kind.__module__ == "_pytest.outcomes" or kind.__qualname__ in {"Skipped", "Failed"}:
            return kind.__name__
    return ""


def _innermost(error: BaseException) -> str:
    return (_files(error) or [""])[-1]


def _files(error: BaseException) -> list[str]:
    return [frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__)]


def _message(error: BaseException) -> str:
    return str(getattr(error, "msg", None) or error)


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    at = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}: {error}{at}"
