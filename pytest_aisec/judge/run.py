"""A run: what was planned, and how each control ended on each host."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pytest_aisec.catalog.control import Severity
from pytest_aisec.catalog.plan import Exclusion, GroupInfo
from pytest_aisec.catalog.policy import GatePolicy
from pytest_aisec.judge.comparison import Comparison
from pytest_aisec.judge.outcome import Outcome
from pytest_aisec.observe.transcript import Observation

SCHEMA_VERSION = "1.1"
NAMESPACE = uuid.UUID("5b4a3a0e-6a4f-5d3c-9d55-0d7a9d1f6e11")
"""For ids that are derived from what they name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AdvisoriesInfo:
    """The index of advisories that installed packages were compared with."""

    sha256: str
    """Of the file."""
    as_of: str
    """How new its data is: UTC, ISO 8601."""
    records: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RunInfo:
    """Kind of run."""

    id: str
    """Derived from the start, the plan and the hosts."""
    started_at: str
    """UTC, ISO 8601."""
    finished_at: str
    profile: str
    profile_title: str
    profile_version: str
    package_version: str
    plan_sha256: str
    """Digest of `inputs/plan.json`."""
    signed_by: str = ""
    """The id of the key that signs the bundle; empty where it is not signed."""
    active: bool = False
    """True if requests could be sent to the services that were judged."""
    advisories: AdvisoriesInfo | None = None
    """`None` where no control compares with it, or there is none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HostInfo:
    """One host of the run."""

    name: str
    connection: str
    transcript: str
    """The transcript's path in the bundle."""
    observations: int
    """How many lines the transcript has."""
    transcript_sha256: str = ""
    """Of the transcript's file, hexadecimal."""
    fault: str = ""
    """Reason why no further question could be answered, if so: `reason: detail`."""
    group: str = ""
    """Empty where one profile is for all hosts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WaiverState:
    """The waiver that covers a result."""

    id: str
    state: Literal["active", "expired", "stale"]


@dataclass(frozen=True, kw_only=True, slots=True)
class AttestationState:
    """The attestation that stands for a review."""

    id: str
    state: Literal["active", "expired"]
    """Only an active one gives the result its outcome."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WaiverInfo:
    """A waiver that was given to the run, and what became of it."""

    id: str
    control: str
    hosts: Sequence[str]
    """Names or wildcards."""
    reason: str
    approved_by: str
    approved_on: str
    """A day, ISO 8601."""
    expires: str
    """The last day on which it holds, UTC, ISO 8601."""
    ticket: str = ""
    state: Literal["active", "expiring", "expired", "stale", "unused"]
    """`expiring`: active, with at most 30 days left. `stale`: what it excuses passes. `unused`: no control of
    the run on any host of the run needs it."""
    excuses: int
    """Failed results that it covers."""
    passes: int
    """Passed results that it covers."""
    note: str = ""
    """Reason why it is stale or unused, or which narrower one takes its place."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AttestationInfo:
    """A person's dated statement on a control that no command can decide, and what became of it."""

    id: str
    control: str
    hosts: Sequence[str]
    """Names or wildcards."""
    statement: str
    status: Literal["passed", "failed"]
    attested_by: str
    attested_on: str
    """A day, ISO 8601."""
    valid_until: str
    """The last day on which it holds, UTC, ISO 8601."""
    state: Literal["active", "expiring", "expired", "unused"]
    decides: int
    """Results to which it gives, or would give, the outcome."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that a failed result says is wrong."""

    id: str
    """Digest of control, host and subject: the same in every run."""
    subject: str
    """A path, a package, a port, a container's name; empty for the result as a whole."""
    first_seen: str
    """Start of the run in which it was first seen, as far back as baselines go: UTC, ISO 8601."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """Result of one control on one host."""

    control: str
    host: str
    outcome: Outcome
    reason: str
    """Empty for `passed`, and for `failed` whose message says it."""
    severity: Severity
    title: str
    expected: Any = None
    """Value that the control required, as JSON data; only where a comparison failed."""
    observed: Any = None
    """Value found instead, as JSON data."""
    message: str = ""
    waiver: WaiverState | None = None
    attestation: AttestationState | None = None
    observations: Sequence[int] = ()
    """Line numbers in the host's transcript, in the order in which the control asked."""
    duration_ms: int = 0
    findings: Sequence[Finding] = ()
    """What is wrong, by subject; only where it failed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ControlInfo:
    """Description of a control in reports, besides its results."""

    id: str
    title: str
    rationale: str
    severity: Severity
    family: str
    frameworks: Mapping[str, Sequence[str]]
    remediation: str
    """With the parameters filled in."""
    params: Mapping[str, Any]
    declared: Sequence[str]
    """Parameters that a profile, file or command line set."""
    platforms: Sequence[str]
    group: str = ""
    """The group of hosts that this description is for; empty where one profile is for all hosts."""
    remediation_is_words: str = ""
    """Why nobody can run the remediation as it stands; empty where it is text for a shell."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ledger:
    """The proof that every planned (control, host) ended in exactly one outcome."""

    planned: int
    passed: int
    failed: int
    error: int
    not_applicable: int
    not_reviewed: int
    not_run: int

    @property
    def is_balanced(self) -> bool:
        """True if the counts add up to what was planned."""
        return self.planned == sum(int(getattr(self, outcome.value)) for outcome in Outcome)


@dataclass(frozen=True, kw_only=True, slots=True)
class Scores:
    """`passed / (passed + failed + error + not_reviewed + not_run)`; `None` when nothing counts."""

    without_waivers: float | None
    with_waivers: float | None
    """Waived failures counted as passed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """Decision of the gate."""

    gate: Literal["passed", "failed", "inconclusive"]
    exit_code: int
    because: Sequence[str]
    """The sentences that led to it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """A finished run. Results are sorted by host, then control."""

    schema_version: str = SCHEMA_VERSION
    run: RunInfo
    hosts: Sequence[HostInfo]
    controls: Sequence[ControlInfo]
    """Where there are groups of hosts, each control once for each group that has it."""
    excluded: Sequence[Exclusion]
    results: Sequence[Result]
    ledger: Ledger
    scores: Scores
    policy: GatePolicy
    """When the gate fails."""
    groups: Sequence[GroupInfo] = ()
    """None where one profile is for all hosts."""
    waivers: Sequence[WaiverInfo] = ()
    """All that were given, by id."""
    attestations: Sequence[AttestationInfo] = ()
    """All that were given, by id."""
    comparison: Comparison | None = None
    """With an earlier run, where one was given."""
    inputs: Mapping[str, str] = field(default_factory=dict)
    """Path in the bundle → SHA-256, hexadecimal: profiles, plan, waivers and whatever else was given."""
    transcripts: Mapping[str, Sequence[Observation]] = field(default_factory=dict, compare=False)
    """Host name → observations, in the order of the transcript file. Perhaps read only when looked at, so go
    host by host. Not part of `run.json`."""

    def planned(self) -> list[tuple[str, str]]:
        """Return host and control of each result that there must be, host by host."""
        of_group: dict[str, list[str]] = {}
        for control in self.controls:
            of_group.setdefault(control.group, []).append(control.id)
        return [(host.name, control) for host in self.hosts for control in of_group.get(host.group, ())]

    def is_complete(self) -> bool:
        """Tell whether every planned control has exactly one result on every host."""
        planned = self.planned()
        places = {(result.host, result.control) for result in self.results}
        return (
            len(planned) == len(places) == len(self.results) == self.ledger.planned and set(planned) == places
        )

    def profile_of(self, host: HostInfo) -> GroupInfo:
        """Return the profile that holds for a host; without groups it is the run's, and the name is empty."""
        own = next((group for group in self.groups if group.name == host.group), None)
        info = self.run
        return own or GroupInfo(
            name="", profile=info.profile, title=info.profile_title, version=info.profile_version
        )

    def described(self) -> dict[tuple[str, str], ControlInfo]:
        """Return the description that holds for each planned result, by host and control."""
        of_group: dict[str, list[ControlInfo]] = {}
        for control in self.controls:
            of_group.setdefault(control.group, []).append(control)
        return {
            (host.name, control.id): control
            for host in self.hosts
            for control in of_group.get(host.group, ())
        }

    def distinct(self) -> dict[str, ControlInfo]:
        """Return the controls by id, each once: as the first group has it."""
        found: dict[str, ControlInfo] = {}
        for control in self.controls:
            found.setdefault(control.id, control)
        return found

    def by_host(self) -> dict[str, list[Result]]:
        """Return the results of each host, by control; hosts without any have an empty list."""
        found: dict[str, list[Result]] = {host.name: [] for host in self.hosts}
        for result in self.results:
            found.setdefault(result.host, []).append(result)
        return found


def count(results: Iterable[Result], *, planned: int) -> Ledger:
    """Return the ledger of `results`, of which there should be `planned`."""
    counts = Counter(result.outcome.value for result in results)
    return Ledger(planned=planned, **{outcome.value: counts[outcome.value] for outcome in Outcome})


def score(results: Iterable[Result]) -> Scores:
    """Return both scores of `results`."""
    counted = [result for result in results if result.outcome is not Outcome.NOT_APPLICABLE]
    if not counted:
        return Scores(without_waivers=None, with_waivers=None)
    passed = sum(result.outcome is Outcome.PASSED for result in counted)
    waived = sum(is_waived(result) for result in counted)
    return Scores(
        without_waivers=_share(passed, len(counted)), with_waivers=_share(passed + waived, len(counted))
    )


def _share(part: int, whole: int) -> float:
    """Return `part / whole` with four digits, and never 1 for less than all."""
    return 1.0 if part == whole else min(round(part / whole, 4), 0.9999)


def is_waived(result: Result) -> bool:
    """Tell whether the result failed and an active waiver excuses it."""
    return bool(result.outcome is Outcome.FAILED and result.waiver and result.waiver.state == "active")
