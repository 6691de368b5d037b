"""Policy that a run is judged by; refused where a gate with it could not do its work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pytest_aisec.catalog import yamlfile
from pytest_aisec.catalog.control import SEVERITIES
from pytest_aisec.catalog.groups import Plans
from pytest_aisec.catalog.plan import Plan
from pytest_aisec.catalog.policy import GatePolicy
from pytest_aisec.errors import UsageProblem, nearest

OPTION = "--aisec-gate"
_CHOICES = {"fail_on": (*SEVERITIES, "regression"), "error_is": ("inconclusive", "failed")}


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """A policy, and where each part of it was written."""

    policy: GatePolicy
    at: Callable[[Sequence[str | int]], str]
    """The path of keys of a value → the option, or `file:line:column`, that set it."""
    sources: Sequence[tuple[str, str]] = ()
    """Name and text of the file that was given."""


def choose(plan: Plan | Plans, file: Path | None, options: Mapping[str, Any]) -> Chosen:
    """Return the profile's policy, or the file's in its place, with single values replaced by options.

    Args:
        plan: with the profile's policy.
        file: a YAML file with the same keys as `gate:` of a profile.
        options: `--aisec-fail-on` and the like, by the key that they replace; `None` and `False` replace
            nothing.

    Raises:
        UsageProblem: for a file that is wrong, with all its mistakes, and for a wrong option.

    """
    policy, at = plan.gate, plan.gate_at
    sources: Sequence[tuple[str, str]] = ()
    if file is not None:
        document = yamlfile.read(file)
        policy, at = yamlfile.parse(document, GatePolicy), document.at
        sources = ((file.name, document.text),)
    given = {key: value for key, value in options.items() if value not in (None, False)}
    for key, value in given.items():
        policy = policy.model_copy(update={key: _value(key, value)})

    def where(loc: Sequence[str | int]) -> str:
        if loc and loc[0] in given:
            return _option(str(loc[0]), given[str(loc[0])])
        return at(loc)

    return Chosen(policy=policy, at=where, sources=sources)


def _option(key: str, value: object) -> str:
    name = f"--aisec-{key.replace('_', '-')}"
    return name if value is True else f"{name} {value}"


def _value(key: str, value: object) -> Any:
    try:
        return getattr(GatePolicy.model_validate({key: value}), key)
    except ValidationError as error:
        if key in _CHOICES:
            raise UsageProblem(f"{_option(key, value)}: {nearest(str(value), _CHOICES[key])}") from None
        message = error.errors(include_url=False)[0]["msg"]
        raise UsageProblem(f"{_option(key, value)}: {message}") from None


def check(
    chosen: Chosen,
    plan: Plan,
    known: Collection[str],
    *,
    hosts: Sequence[str],
    has_baseline: bool,
    has_waivers: bool,
    is_narrowed: bool,
) -> None:
    """Refuse a policy under which the run could only fail, or could never fail.

    Args:
        chosen: the policy.
        plan: the controls.
        known: the ids of all controls.
        hosts: the names of the hosts.
        has_baseline: whether there is a run to compare with.
        has_waivers: whether there are any that could be stale.
        is_narrowed: whether the command line selected some of the profile's controls. The policy is one for
            all of them then, and what it says of others is no mistake.

    Raises:
        UsageProblem: with where it was written, and the reason.

    """
    policy = chosen.policy
    problems = list(check_required(policy, chosen.at, known, None if is_narrowed else plan))
    if problems:
        raise UsageProblem("\n".join(problems))
    if policy.fail_on == "regression" and not has_baseline:
        raise UsageProblem(
            f"{chosen.at(('fail_on',))}: fail_on: regression compares with an earlier run, and there is "
            "none: give one with --aisec-baseline BUNDLE"
        )
    reasons = [] if is_narrowed else why_never(policy, plan, hosts, has_waivers=has_waivers)
    if reasons:
        raise UsageProblem(f"{chosen.at(('fail_on',))}: this gate can never fail: {'; '.join(reasons)}")


def check_required(
    policy: GatePolicy, at: Callable[[Sequence[str | int]], str], known: Collection[str], plan: Plan | None
) -> Iterator[str]:
    """Say which controls a policy requires that do not exist, or that a plan does not hold.

    Args:
        policy: the policy.
        at: the path of keys of a value → where it was written.
        known: the ids of all controls.
        plan: without it, only what does not exist is a mistake.

    """
    planned = [item.id for item in plan.controls] if plan else []
    excluded = {item.control: item.reason for item in plan.excluded} if plan else {}
    for index, name in enumerate(policy.required):
        where = at(("required", index))
        if name not in known:
            yield f"{where}: required: unknown control {name!r}. {nearest(name, known)}".rstrip()
        elif plan and name not in planned:
            why = f"leaves it out: {excluded[name]}" if name in excluded else "does not select it"
            yield (
                f"{where}: required control {name} cannot pass, so every run would fail: profile "
                f"{plan.profile!r} {why}"
            )


def why_never(policy: GatePolicy, plan: Plan, hosts: Sequence[str], *, has_waivers: bool) -> list[str]:
    """Return why no rule of the policy can be broken, whatever is observed; nothing if one can."""
    if (
        policy.fail_on == "regression"
        or policy.error_is == "failed"
        or policy.min_score is not None
        or policy.required
        or (policy.strict_waivers and has_waivers)
    ):
        return []
    planned = Counter(item.severity for host in hosts for item in plan.on(host).values())
    counted = SEVERITIES[: SEVERITIES.index(policy.fail_on) + 1]
    if any(planned[severity] and "failed" not in policy.max.get(severity, {}) for severity in counted):
        return []
    reasons = []
    for severity in SEVERITIES:
        for outcome, limit in sorted(policy.max.get(severity, {}).items()):
            if limit < planned[severity]:
                return []
            are = "is 1 such result" if planned[severity] == 1 else f"are {planned[severity]} such results"
            reasons.append(f"max: {severity}: {outcome}: {limit} cannot be exceeded: there {are}")
    there = ", ".join(f"{planned[severity]} {severity}" for severity in SEVERITIES if planned[severity])
    if not any(planned[severity] for severity in counted):
        reasons.insert(
            0, f"no planned control has severity {' or '.join(counted)} (planned results: {there})"
        )
    return reasons
