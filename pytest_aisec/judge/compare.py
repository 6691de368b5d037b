"""Compare a run with an earlier one: a pure function."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pytest_aisec.judge.comparison import BaselineInfo, Change, Comparison, Removed, Setting, State
from pytest_aisec.judge.run import ControlInfo, Result, Run, is_waived

_BAD = {"failed", "waived"}
_JUDGED = {"passed", "failed", "waived", "not_applicable"}
_Changed = Mapping[tuple[str, str], list[str]]
"""Host and control → the parameters that have other values now."""


def compare(baseline: Run, run: Run, *, sha256: str = "") -> Comparison:
    """Return what `run` shows against `baseline`.

    What weakens the plan never counts as an improvement: a failure that is waived, left out, not applicable
    or judged by other parameters now is not fixed.

    Args:
        baseline: the earlier run.
        run: the later run, with waivers and attestations laid over it.
        sha256: the digest of the baseline's `run.json`.

    """
    parameters = [*_parameters(baseline, run)]
    changed = {
        pair: [item.what.partition(".")[2] for item in _parameters_of(before, after)]
        for pair, before, after in _pairs(baseline, run)
    }
    found: dict[str, list[Change]] = {}
    for kind, change in _changes(baseline, run, changed):
        found.setdefault(kind, []).append(change)
    then, now = baseline.distinct(), run.distinct()
    reasons = {item.control: item.reason for item in run.excluded}
    hosts_then, hosts_now = {item.name for item in baseline.hosts}, {item.name for item in run.hosts}
    info = baseline.run
    return Comparison(
        baseline=BaselineInfo(
            id=info.id,
            started_at=info.started_at,
            profile=info.profile,
            profile_version=info.profile_version,
            package_version=info.package_version,
            sha256=sha256,
        ),
        **{kind: tuple(changes) for kind, changes in found.items()},
        hosts_added=tuple(sorted(hosts_now - hosts_then)),
        hosts_removed=tuple(sorted(hosts_then - hosts_now)),
        controls_added=tuple(sorted(now.keys() - then.keys())),
        controls_removed=tuple(
            Removed(control=key, severity=then[key].severity, reason=reasons.get(key, ""))
            for key in sorted(then.keys() - now.keys())
        ),
        parameters=tuple(parameters),
        severities=tuple(_severities(baseline, run)),
        settings=tuple(_settings(baseline, run)),
    )


def state(result: Result | None) -> State:
    """Return the outcome, `waived` where an active waiver excuses it, and `absent` for no result."""
    if result is None:
        return "absent"
    return "waived" if is_waived(result) else result.outcome.value


def accounts_for(comparison: Comparison, results: Iterable[Result]) -> bool:
    """Tell whether the comparison can be one of these results: it names each failure, and none besides."""
    states = {(item.host, item.control): state(item) for item in results}
    named = [*comparison.new_failures, *comparison.still_failing]
    waived = [*comparison.newly_waived, *comparison.still_waived]
    return (
        sorted((item.host, item.control) for item in named)
        == sorted(pair for pair, now in states.items() if now == "failed")
    ) and (
        sorted((item.host, item.control) for item in waived)
        == sorted(pair for pair, now in states.items() if now == "waived")
    )


def _changes(baseline: Run, run: Run, changed: _Changed) -> Iterator[tuple[str, Change]]:
    """Yield each (control, host) that is worth telling, with the field of the comparison it belongs to."""
    then = {(item.host, item.control): item for item in baseline.results}
    now = {(item.host, item.control): item for item in run.results}
    notes = _Notes(baseline, run, changed)
    for pair in sorted(then.keys() | now.keys()):
        before, after = then.get(pair), now.get(pair)
        kind = _kind(state(before), state(after), with_other_parameters=bool(changed.get(pair)))
        if kind:
            last = after or then[pair]
            yield (
                kind,
                Change(
                    control=last.control,
                    host=last.host,
                    severity=last.severity,
                    before=state(before),
                    now=state(after),
                    note=notes.of(before, after, last),
                ),
            )


def _kind(before: State, now: State, *, with_other_parameters: bool) -> str:
    if now == "failed":
        return "still_failing" if before == "failed" else "new_failures"
    if now == "waived":
        return "still_waived" if before == "waived" else "newly_waived"
    if now == "passed":
        fixed = "eased" if with_other_parameters else "fixed"
        return fixed if before in _BAD else ""
    if now == "absent":
        return "gone" if before in _BAD else ""
    if now == "not_applicable":
        return "no_longer_applicable" if before in _BAD | {"passed"} else ""
    return "no_longer_judged" if before in _JUDGED else ""


class _Notes:
    """Return further details of a change."""

    def __init__(self, baseline: Run, run: Run, changed: _Changed) -> None:
        self._changed = changed
        self._ends = {item.id: item.expires for item in run.waivers}
        self._hosts_then = {item.name for item in baseline.hosts}
        self._hosts_now = {item.name for item in run.hosts}
        self._excluded = {item.control: item.reason for item in run.excluded}

    def of(self, before: Result | None, after: Result | None, last: Result) -> str:
        """Return a clause, or nothing."""
        if after is None:
            return self._gone(last)
        if before is None:
            return "the control is new" if last.host in self._hosts_then else "the host is new"
        states = state(before), state(after)
        if states == ("waived", "failed"):
            return self._uncovered(before, after)
        if states[1] == "waived" and after.waiver:
            return f"waiver {after.waiver.id} until {self._ends.get(after.waiver.id, 'an unknown day')}"
        if self._changed.get((last.host, last.control)):
            return f"with other parameters: {', '.join(self._changed[last.host, last.control])}"
        return after.reason if states[1] in {"error", "not_reviewed", "not_run", "not_applicable"} else ""

    def _gone(self, last: Result) -> str:
        if last.host not in self._hosts_now:
            return "the host is not in the run"
        if last.control in self._excluded:
            return f"the profile leaves it out: {self._excluded[last.control]}"
        return "the control is not in the plan"

    def _uncovered(self, before: Result, after: Result) -> str:
        if after.waiver and after.waiver.state == "expired":
            return f"waiver {after.waiver.id} expired on {self._ends.get(after.waiver.id, 'an unknown day')}"
        return f"waiver {before.waiver.id if before.waiver else ''} covers it no longer"


def _pairs(baseline: Run, run: Run) -> Iterator[tuple[tuple[str, str], ControlInfo, ControlInfo]]:
    """Yield host and control of what both runs planned, with the control as it was then and is now."""
    then, now = baseline.described(), run.described()
    for host, control in run.planned():
        if (host, control) in then:
            yield (host, control), then[host, control], now[host, control]


def _versions(baseline: Run, run: Run) -> list[tuple[ControlInfo, ControlInfo]]:
    """Return each control of both runs as it was then and is now, by id; for groups of hosts, each once.

    Where the runs have no host in common, what they have of a control is compared all the same.
    """
    known = {(then.id, then.group, now.group): (then, now) for _, then, now in _pairs(baseline, run)}
    found = {key[0] for key in known}
    before, after = baseline.distinct(), run.distinct()
    for control in before.keys() & after.keys() - found:
        known[control, "", ""] = before[control], after[control]
    return [known[key] for key in sorted(known)]


def _parameters(baseline: Run, run: Run) -> Iterator[Setting]:
    settings = (item for then, now in _versions(baseline, run) for item in _parameters_of(then, now))
    seen: list[Setting] = []
    for item in settings:
        if item not in seen:
            seen.append(item)
            yield item


def _severities(baseline: Run, run: Run) -> list[Setting]:
    changed = (
        Setting(what=now.id, before=then.severity, now=now.severity)
        for then, now in _versions(baseline, run)
        if then.severity != now.severity
    )
    return [*dict.fromkeys(changed)]


def _parameters_of(then: ControlInfo, now: ControlInfo) -> Iterator[Setting]:
    for name in sorted({*then.params, *now.params}):
        before, after = then.params.get(name), now.params.get(name)
        was_set, is_set = name in then.declared, name in now.declared
        if before != after or was_set != is_set:
            words = {True: "set", False: "a default"}
            note = "" if was_set == is_set else f"{words[was_set]} then, {words[is_set]} now"
            yield Setting(what=f"{now.id}.{name}", before=before, now=after, note=note)


def _settings(baseline: Run, run: Run) -> Iterator[Setting]:
    def of(one: Run) -> dict[str, Any]:
        info = one.run
        return {
            "profile": info.profile,
            "profile_version": info.profile_version,
            "package_version": info.package_version,
            "active": info.active,
            **{f"gate.{key}": value for key, value in one.policy.model_dump(mode="json").items()},
        }

    then, now = of(baseline), of(run)
    for what, value in now.items():
        if then[what] != value:
            yield Setting(what=what, before=then[what], now=value)
