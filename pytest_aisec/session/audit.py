"""An audit, ready to run: its request with everything that had to be resolved first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pytest_aisec.catalog.context import Evaluation
from pytest_aisec.catalog.plan import Plan
from pytest_aisec.observe.hosts import Target
from pytest_aisec.observe.redaction.given import Patterns
from pytest_aisec.observe.transcript import Transcript
from pytest_aisec.session.request import AuditRequest


@dataclass(frozen=True, kw_only=True)
class Audit:
    """State that collection, waves, evaluation and evidence of one run have in common."""

    request: AuditRequest
    plan: Plan
    targets: Sequence[Target]
    """The hosts for which the plan has anything."""
    transcripts: Mapping[str, Transcript]
    circumstances: Evaluation
    patterns: Patterns
    """The user's patterns of credentials."""
    shared: Mapping[str, str]
    """What all processes of the run share: private directories and the time of its start."""
