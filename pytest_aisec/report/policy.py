"""A gate's policy and what it made of a run, in sentences that hold whatever its rules are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_aisec.catalog.control import SEVERITIES
from pytest_aisec.catalog.policy import GatePolicy
from pytest_aisec.judge.run import Run, Verdict

_OUTCOMES = {
    "failed": "fail without an active waiver",
    "error": "end as error",
    "not_applicable": "be not applicable",
    "not_reviewed": "wait for a review",
    "not_run": "fail to run",
}


def verdict(run: Run, verdict: Verdict) -> str:
    """Return what the verdict means, without its numbers."""
    if verdict.gate == "failed":
        return "The run breaks its policy: first what broke it, then what is open or does not count."
    if verdict.gate == "passed":
        return "Everything planned was judged, and no rule of the policy is broken."
    ledger = run.ledger
    if ledger.error or ledger.not_reviewed or ledger.not_run:
        why = "not everything planned was judged"
    elif not ledger.is_balanced:
        why = "some of what was planned has no outcome, or more than one"
    else:
        why = "nothing passed and nothing is open: there was nothing to judge"
    return f"Nothing can be concluded: {why}. As far as it was judged, no rule of the policy is broken."


def rules(policy: GatePolicy) -> Iterator[str]:
    """Yield a sentence for each rule of the policy."""
    yield _fail_on(policy)
    for severity in SEVERITIES:
        for outcome, most in sorted(policy.max.get(severity, {}).items()):
            number = f"At most {most}" if most else "None"
            yield f"{number} of severity {severity} may {_OUTCOMES[outcome]}."
    if policy.min_score is not None:
        yield f"The score with waivers must be at least {policy.min_score:.2%}."
    if policy.error_is == "failed":
        yield "What could not be observed (error) fails the run."
    else:
        yield "What could not be observed (error) does not fail the run, but leaves it inconclusive."
    yield "What waits for a review or did not run leaves it inconclusive."
    if policy.required:
        names = ", ".join(policy.required)
        yield f"Must have passed on every host, and no waiver helps: {names}."
    if policy.strict_waivers:
        yield "A waiver for something that passes (stale) fails the run."


def _fail_on(policy: GatePolicy) -> str:
    if policy.fail_on == "regression":
        return (
            "Whatever fails without an active waiver, and did not fail in the baseline, fails the run. What "
            "already failed there does not."
        )
    least = SEVERITIES.index(policy.fail_on)
    limited = [severity for severity in SEVERITIES if "failed" in policy.max.get(severity, {})]
    counting = [severity for severity in SEVERITIES[: least + 1] if severity not in limited]
    below = [severity for severity in SEVERITIES[least + 1 :] if severity not in limited]
    sentences = []
    if counting:
        sentences.append(f"A failure of severity {_or(counting)} without an active waiver fails the run.")
    if below:
        sentences.append(f"One of severity {_or(below)} is shown, and does not fail it.")
    if limited:
        sentences.append(f"For severity {' and '.join(limited)}, only the number below counts.")
    return " ".join(sentences)


def _or(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
