"""The gate: the pure function from a run to a verdict and an exit code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum

from pytest_aisec.catalog.control import SEVERITIES
from pytest_aisec.judge.outcome import Outcome
from pytest_aisec.judge.run import Ledger, Result, Run, Verdict, is_waived

_OPEN = (Outcome.ERROR, Outcome.NOT_REVIEWED, Outcome.NOT_RUN)
"""Outcomes after which nothing is known."""
_ENDED = {
    Outcome.PASSED: ("passed", "passed"),
    Outcome.FAILED: ("failed", "failed"),
    Outcome.ERROR: ("could not be observed (error)", "could not be observed (error)"),
    Outcome.NOT_APPLICABLE: ("did not apply", "did not apply"),
    Outcome.NOT_REVIEWED: ("waits for a review by a person", "wait for a review by a person"),
    Outcome.NOT_RUN: ("did not run", "did not run"),
}
"""Wording for one result that ended so, and for several."""


class ExitCode(IntEnum):
    """Exit code of the process; where several apply, the first listed here counts."""

    USAGE = 4
    """The user asked for something that cannot be done; nothing was contacted."""
    EMPTY = 5
    """No control was selected."""
    EVIDENCE = 12
    """Evidence could not be written or signed."""
    FAILED = 1
    """A control failed that the gate does not let pass."""
    INCONCLUSIVE = 10
    """Nothing failed that counts, but not everything could be judged, or nothing passed."""
    PASSED = 0
    """Everything planned was judged, something passed, and nothing failed that counts."""


def decide(run: Run) -> Verdict:
    """Return the verdict on `run` under its policy.

    Failed: a rule of the policy is broken; without further rules, by a failure without an active waiver at or
    above the `fail_on` severity. Inconclusive: no rule is broken, but there is an error, something not
    reviewed or not run, a ledger that does not balance, or nothing that passed. Else passed.
    """
    broken = [*_broken(run)]
    notes = [*_not_counted(run)]
    open_points = {outcome: getattr(run.ledger, outcome.value) for outcome in _OPEN}
    notes += [_ended(run, number, outcome) for outcome, number in open_points.items() if number]
    if not run.ledger.is_balanced:
        notes.append(_unbalanced(run.ledger))
    if broken:
        return Verdict(gate="failed", exit_code=ExitCode.FAILED, because=(*broken, *notes))
    if not run.ledger.passed and not any(open_points.values()):
        notes.append(_nothing_passed(run.ledger))
    if any(open_points.values()) or not run.ledger.is_balanced or not run.ledger.passed:
        return Verdict(gate="inconclusive", exit_code=ExitCode.INCONCLUSIVE, because=tuple(notes))
    notes.append(f"{_counted(run, run.ledger.passed)} passed, {run.ledger.not_applicable} not applicable")
    return Verdict(gate="passed", exit_code=ExitCode.PASSED, because=tuple(notes))


def _nothing_passed(ledger: Ledger) -> str:
    """Return why nothing passed where nothing is open either."""
    if ledger.failed:
        return "nothing passed"
    if ledger.not_applicable:
        return "nothing applied, so nothing was judged"
    return (
        "nothing ran, so nothing was judged"
        if ledger.planned
        else "nothing was planned, so nothing was judged"
    )


def _broken(run: Run) -> Iterator[str]:
    """Yield one sentence, with numbers, for each rule of the policy that the run breaks."""
    policy = run.policy
    yield from _blocking(run)
    counts = Counter((item.severity, item.outcome) for item in run.results if not is_waived(item))
    for severity in SEVERITIES:
        for outcome, most in sorted(policy.max.get(severity, {}).items()):
            found = counts[severity, Outcome(outcome)]
            if found > most:
                allowed = f"at most {most}" if most else "none"
                yield f"{_ended(run, found, Outcome(outcome), severity)}, and the policy allows {allowed}"
    reached = run.scores.with_waivers
    if policy.min_score is not None and reached is not None and reached < policy.min_score:
        yield f"the score with waivers is {reached:.2%}, less than {policy.min_score:.2%}"
    if policy.error_is == "failed" and run.ledger.error:
        yield f"{_counted(run, run.ledger.error)} could not be observed, which this policy takes for failed"
    for name in policy.required:
        results = [item for item in run.results if item.control == name]
        missed = [item for item in results if item.outcome is not Outcome.PASSED]
        if missed or not results:
            yield f"required control {name} did not pass on {_hosts(missed)}"
    stale = sum(item.waiver is not None and item.waiver.state == "stale" for item in run.results)
    if policy.strict_waivers and stale:
        them = "it" if stale == 1 else "them"
        yield f"{_counted(run, stale)} passed although a waiver excuses {them} (stale)"


def _blocking(run: Run) -> Iterator[str]:
    failures, fail_on = [item for item in _failures(run) if _counts(run, item)], run.policy.fail_on
    if failures and fail_on == "regression":
        yield _regressed(run, failures)
    elif failures:
        yield f"{_counted(run, len(failures))} failed at or above severity {fail_on}: {_parts(failures)}"


def _failures(run: Run) -> list[Result]:
    return [item for item in run.results if item.outcome is Outcome.FAILED and not is_waived(item)]


def _counts(run: Run, failure: Result) -> bool:
    """Tell whether a failure fails the run by `fail_on`."""
    policy = run.policy
    if policy.fail_on == "regression":
        return (failure.host, failure.control) not in _failed_before(run)
    if "failed" in policy.max.get(failure.severity, {}):
        return False
    return SEVERITIES.index(failure.severity) <= SEVERITIES.index(policy.fail_on)


def _failed_before(run: Run) -> set[tuple[str, str]]:
    """Return host and control of what failed in the baseline, too; without a baseline everything is new."""
    still = run.comparison.still_failing if run.comparison else ()
    return {(item.host, item.control) for item in still}


def _regressed(run: Run, failures: Sequence[Result]) -> str:
    against = f"the baseline of {run.comparison.baseline.started_at}" if run.comparison else "any baseline"
    names = sorted(f"{item.control} on {item.host}" for item in failures)
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return (
        f"{_counted(run, len(failures))} failed that did not in {against}: {_parts(failures)} "
        f"({', '.join(names[:3])}{more})"
    )


def _not_counted(run: Run) -> Iterator[str]:
    """Yield one sentence, with numbers, for each kind of failure that alone does not fail the run."""
    below = [item for item in _failures(run) if not _counts(run, item)]
    yield from _known(run, below) if run.policy.fail_on == "regression" else _below(run, below)
    waived = sum(map(is_waived, run.results))
    if waived:
        why = "a waiver excuses it" if waived == 1 else "waivers excuse them"
        yield f"{_counted(run, waived)} failed, and {why}"


def _known(run: Run, below: Sequence[Result]) -> Iterator[str]:
    rest = _of_no_weight(run, below)
    if rest:
        yield f"{_counted(run, rest)} failed in the baseline, too: {_weight(run)}"
    for clause in run.comparison.weaker() if run.comparison else ():
        yield f"weaker than the baseline: {clause}"


def _below(run: Run, below: Sequence[Result]) -> Iterator[str]:
    policy = run.policy
    limited = [item for item in below if "failed" in policy.max.get(item.severity, {})]
    rest = _of_no_weight(run, [item for item in below if item not in limited])
    if rest:
        yield f"{_counted(run, rest)} failed below severity {policy.fail_on}: {_weight(run)}"
    for severity in SEVERITIES:
        found = sum(item.severity == severity for item in limited)
        most = policy.max.get(severity, {}).get("failed", 0)
        if found and found <= most:
            yield f"{_ended(run, found, Outcome.FAILED, severity)}, and the policy allows at most {most}"


def _of_no_weight(run: Run, failures: Sequence[Result]) -> int:
    """Return how many failures there are of controls that are not required."""
    return sum(item.control not in run.policy.required for item in failures)


def _weight(run: Run) -> str:
    return "not counted" if run.policy.min_score is None else "counted in the score alone"


def _parts(results: Iterable[Result]) -> str:
    counts = Counter(item.severity for item in results)
    return ", ".join(f"{counts[severity]} {severity}" for severity in SEVERITIES if counts[severity])


def _hosts(results: Sequence[Result]) -> str:
    names = sorted(f"{item.host} ({item.outcome.value.replace('_', ' ')})" for item in results)
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "") or "any host"


def _ended(run: Run, number: int, outcome: Outcome, severity: str = "") -> str:
    """Return how many results ended with `outcome`, as a sentence."""
    one, many = _ENDED[outcome]
    of = f" of severity {severity}" if severity else ""
    return f"{_counted(run, number)}{of} {one if number == 1 else many}"


def _unbalanced(ledger: Ledger) -> str:
    counts = " + ".join(
        f"{getattr(ledger, outcome.value)} {outcome.value.replace('_', ' ')}" for outcome in Outcome
    )
    return f"the ledger does not balance: {ledger.planned} planned, and the outcomes are {counts}"


def _counted(run: Run, number: int) -> str:
    """Return a number of results; on one host each is a control, on several one control has several."""
    hosts = {host.name for host in run.hosts} | {item.host for item in run.results}
    thing = "result" if len(hosts) > 1 else "control"
    return f"{number} {thing}{'' if number == 1 else 's'}"
