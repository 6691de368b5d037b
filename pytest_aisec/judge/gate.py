"""The gate: the pure function from a run to a verdict and an exit code."""

from __future__ import annotations

from collections import Counter
from enum import IntEnum

from pytest_aisec.catalog.control import SEVERITIES
from pytest_aisec.judge.outcome import Outcome
from pytest_aisec.judge.run import Run, Verdict, is_waived


class ExitCode(IntEnum):
    """What the process returns; where several apply, the first listed here counts."""

    USAGE = 4
    """The user asked for something that cannot be done; nothing was contacted."""
    EMPTY = 5
    """No control was selected."""
    EVIDENCE = 12
    """Evidence could not be written or signed."""
    FAILED = 1
    """A control failed that the gate does not let pass."""
    INCONCLUSIVE = 10
    """Nothing failed, but not everything could be judged."""
    PASSED = 0
    """Everything planned was judged, and nothing failed."""


def decide(run: Run) -> Verdict:
    """Return the verdict on `run`.

    Failed: a failure without an active waiver at or above the run's `fail_on` severity. Inconclusive: no such
    failure, but an error, something not reviewed or not run, a ledger that does not balance, or nothing that
    passed. Else passed.
    """
    limit = SEVERITIES.index(run.fail_on)
    failures = [item for item in run.results if item.outcome is Outcome.FAILED and not is_waived(item)]
    blocking = [item for item in failures if SEVERITIES.index(item.severity) <= limit]
    because: list[str] = []
    if blocking:
        counts = Counter(item.severity for item in blocking)
        parts = ", ".join(f"{counts[severity]} {severity}" for severity in SEVERITIES if counts[severity])
        because.append(f"{_controls(len(blocking))} failed at or above severity {run.fail_on}: {parts}")
    if len(failures) > len(blocking):
        because.append(
            f"{_controls(len(failures) - len(blocking))} failed below severity {run.fail_on}: not counted"
        )
    open_points = {
        "could not be observed (error)": run.ledger.error,
        "wait for a review by a person": run.ledger.not_reviewed,
        "did not run": run.ledger.not_run,
    }
    because += [f"{_controls(number)} {what}" for what, number in open_points.items() if number]
    if not run.ledger.is_balanced:
        because.append(f"the ledger does not balance: {run.ledger}")
    if blocking:
        return Verdict(gate="failed", exit_code=ExitCode.FAILED, because=tuple(because))
    if not run.ledger.passed and not any(open_points.values()):
        because.append("nothing applied, so nothing was judged")
    if any(open_points.values()) or not run.ledger.is_balanced or not run.ledger.passed:
        return Verdict(gate="inconclusive", exit_code=ExitCode.INCONCLUSIVE, because=tuple(because))
    because.append(f"{_controls(run.ledger.passed)} passed, {run.ledger.not_applicable} not applicable")
    return Verdict(gate="passed", exit_code=ExitCode.PASSED, because=tuple(because))


def _controls(number: int) -> str:
    return f"{number} control{'' if number == 1 else 's'}"
