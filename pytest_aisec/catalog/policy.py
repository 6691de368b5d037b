"""The gate's policy: when a run fails, as people write it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from pytest_aisec.catalog.control import Severity

FailOn = Literal["critical", "high", "medium", "low", "regression"]
Limited = Literal["failed", "error", "not_applicable", "not_reviewed", "not_run"]
"""Outcomes whose number a policy can limit."""
Limit = Annotated[int, Field(ge=0)]


class GatePolicy(BaseModel):
    """When a run fails."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    fail_on: FailOn = "low"
    """The least severity whose failures fail the run; those below are shown, and do not fail it.
    `regression`: whatever fails without a waiver, of any severity, and did not in the baseline."""
    max: dict[Severity, dict[Limited, Limit]] = Field(default_factory=dict)
    """Severity → outcome → how many at most. Where failures of a severity are limited here, a `fail_on`
    severity does not count for them; `regression` does."""
    min_score: Annotated[float, Field(gt=0, le=1)] | None = None
    """The least score with waivers, more than 0 and at most 1."""
    error_is: Literal["inconclusive", "failed"] = "inconclusive"
    """Effect on the run of a control that could not be observed."""
    required: list[str] = Field(default_factory=list)
    """Controls that must have passed on every host, whatever else holds; waivers do not help."""
    strict_waivers: bool = False
    """True if a waiver for a control that passes fails the run."""
