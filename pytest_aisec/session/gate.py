"""Gate that the command line asks for, and the earlier run that it compares with."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_aisec.catalog import gate_policy
from pytest_aisec.catalog.groups import Plans
from pytest_aisec.catalog.plan import Plan
from pytest_aisec.errors import UsageProblem
from pytest_aisec.session.request import AuditRequest, Named

if TYPE_CHECKING:
    # Loaded where an earlier run is named.
    from pytest_aisec.evidence.baseline import Baseline


@dataclass(frozen=True, kw_only=True)
class Gating:
    """The policy of a run, and the run that it is compared with."""

    chosen: gate_policy.Chosen
    baseline: Baseline | None
    is_narrowed: bool

    def check(self, plan: Plan, known: Collection[str], *, hosts: Sequence[str], has_waivers: bool) -> None:
        """Refuse a policy that can do no work; see `catalog.gate.check`."""
        gate_policy.check(
            self.chosen,
            plan,
            known,
            hosts=hosts,
            has_baseline=self.baseline is not None,
            has_waivers=has_waivers,
            is_narrowed=self.is_narrowed,
        )


def of(request: AuditRequest, plans: Plans) -> Gating:
    """Read what the options name; only the controlling process reads the baseline.

    Raises:
        UsageProblem: for a wrong option, and for a file that is not what it should be.

    """
    chosen = gate_policy.choose(plans, request.gate, request.gate_values)
    earlier = None if request.is_worker else request.baseline
    found = _read(earlier) if earlier is not None else None
    return Gating(chosen=chosen, baseline=found, is_narrowed=bool(request.select))


def _read(earlier: Named) -> Baseline:
    from pytest_aisec.evidence import baseline  # noqa: PLC0415 - only where an earlier run is named

    try:
        return baseline.read(earlier.path)
    except UsageProblem as problem:
        raise UsageProblem(f"--aisec-baseline {earlier.text}: {problem}") from None
