"""Evaluate one planned control on one host, and fold results into a run."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from testinfra.host import Host

from pytest_aisec.catalog.context import Evaluation, evaluating
from pytest_aisec.catalog.control import PLATFORMS, NotApplicable
from pytest_aisec.catalog.plan import Plan, PlannedControl
from pytest_aisec.judge.outcome import Conclusion, Outcome, conclude
from pytest_aisec.observe import quota
from pytest_aisec.observe.backend import ObservingBackend, Pending
from pytest_aisec.observe.directory import nothing_runs
from pytest_aisec.observe.faults import Unobservable
from pytest_aisec.observe.redaction.redact import redact, redact_value

_OTHER_PLATFORMS = ("aix", "dragonfly", "sunos")
"""Lower-case output of `uname -s` on systems that no control can be for."""
_LONGEST_NUMBER = 4096
"""Bits; Python refuses to write much longer ones in decimal."""


class OtherPlatform(NotApplicable):
    """The control is for other platforms than the host's."""


def evaluate(
    planned: PlannedControl, host: Host, call: Callable[..., None], circumstances: Evaluation
) -> None:
    """Call the control's function on `host`, as pytest or the collector do; its outcome is what it raises.

    Args:
        planned: the control and its parameters.
        host: whose backend is an `ObservingBackend`; its list of questions is begun anew.
        call: the control's test function.
        circumstances: those of the run; what is declared is the control's.

    Raises:
        OtherPlatform: when the host's platform is not one of the control's.

    """
    backend: ObservingBackend = host.backend
    questions = backend.begin()
    found = platform(host)
    if found not in planned.control.platforms:
        wanted = ", ".join(planned.control.platforms)
        raise OtherPlatform(f"the host is {found}, the control is for {wanted}")
    questions.begin_control()
    if planned.control.needs_running and nothing_runs(host):
        raise NotApplicable("the target is a directory without /proc: nothing runs in a directory")
    declared = dataclasses.replace(circumstances, declared=planned.declared)
    with evaluating(declared), quota.limited(backend.transcript):
        call(host, **planned.arguments())


def speculations(plan: Plan, circumstances: Evaluation) -> dict[str, Callable[[Host], None]]:
    """Return, for each control that may be called early, a call that asks its questions of a host."""

    def of(planned: PlannedControl) -> Callable[[Host], None]:
        return lambda host: speculate(planned, host, circumstances)

    return {planned.key: of(planned) for planned in plan.controls if planned.control.speculate}


def speculate(planned: PlannedControl, host: Host, circumstances: Evaluation) -> None:
    """Call the control as `evaluate` does, but go on while the platform is still a pending question."""
    try:
        if platform(host) not in planned.control.platforms:
            return
        if planned.control.needs_running and nothing_runs(host):
            return
        waiting = None
    except Pending as question:
        waiting = question
    declared = dataclasses.replace(circumstances, declared=planned.declared)
    with evaluating(declared), quota.limited(host.backend.transcript):
        planned.control.function(host, **planned.arguments())
    if waiting is not None:
        raise waiting


def platform(host: Host) -> str:
    """Return the host's platform: one of `catalog.control.PLATFORMS`, or another kernel that is known.

    Raises:
        Unobservable: when `uname -s` names none of them: what nobody recognises is no other platform.

    """
    backend: ObservingBackend = host.backend
    if backend.connection == "winrm":
        return "windows"
    answer = host.run("uname -s")
    name: str = answer.stdout.strip().lower()
    if answer.rc != 0 or name not in {*PLATFORMS, *_OTHER_PLATFORMS}:
        raise Unobservable(
            "parse", f"uname -s does not tell the platform: {answer.stdout or answer.stderr!r}"
        )
    return name


def observed_anything(host: Host, error: BaseException | None) -> bool:
    """Tell whether the evaluation that ended with `error` rests on anything observed."""
    backend: ObservingBackend = host.backend
    return bool(backend.questions.asked) or isinstance(error, OtherPlatform)


def judge(planned: PlannedControl, host: Host, circumstances: Evaluation) -> Conclusion:
    """Evaluate the control outside of pytest and return how it ended."""
    error: BaseException | None = None
    try:
        evaluate(planned, host, planned.control.function, circumstances)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as raised:  # noqa: BLE001 - whatever a control raises is its outcome
        error = raised
    return conclude(error, has_observed=observed_anything(host, error))


def jsonable(value: object) -> Any:
    """Return `value` as JSON data, redacted: containers stay, sets are sorted, anything else is its text."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and value.bit_length() > _LONGEST_NUMBER:
        return hex(value)
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return redact(value).encode("utf-8", "backslashreplace").decode()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: jsonable(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(jsonable(str(key))): _setting(str(key), item) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted((jsonable(item) for item in value), key=repr)
    if isinstance(value, (list, tuple)):
        return [jsonable(item) for item in value]
    return jsonable(str(value))


def _setting(name: str, value: object) -> Any:
    """Return the value of a setting as JSON data; the name may say that it is a credential."""
    if isinstance(value, (list, tuple)):
        return [_setting(name, item) for item in value]
    return jsonable(redact_value(name, value))


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Evaluated:
    """One evaluation of one control on one host: how it ended, and on what that rests."""

    control: str
    host: str
    conclusion: Conclusion
    """Redacted."""
    expected: Any = None
    observed: Any = None
    asked: Sequence[str] = ()
    duration_ms: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data, to be sent to another process."""
        ended = self.conclusion
        own = {item.name: getattr(self, item.name) for item in dataclasses.fields(self)}
        own["conclusion"] = [ended.outcome.value, ended.reason, ended.message]
        return own

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Evaluated:
        """Undo `as_dict`."""
        outcome, reason, message = data["conclusion"]
        ended = Conclusion(outcome=Outcome(outcome), reason=reason, message=message)
        return cls(**{**data, "conclusion": ended})
