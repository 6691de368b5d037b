"""Proofs: a scenario on a real host comes out as its name says, and never passes when less can be seen."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from pytest_aisec.catalog.context import Evaluation
from pytest_aisec.catalog.control import Control
from pytest_aisec.observe.transcript import Observation
from pytest_aisec.testing.audits import Audit, Subject, verdict
from pytest_aisec.testing.scenarios import Scenario

UNPRIVILEGED, REFUSED = "auditor", "prompter"
"""Accounts of a host: one without rights, and one whose sudo wants a password that nobody gives."""


class SetupError(Exception):
    """A scenario's script failed: an error of the proof, not of the control. Its text has line and output."""


class Place(Protocol):
    """A fresh host on which one scenario is proved."""

    label: str
    """What kind of host it is, such as `debian bookworm, systemd-nspawn`."""
    image: str
    """The digest of what the host was made from."""

    def run(self, scenario: Scenario) -> None:
        """Run the scenario's script as root.

        Raises:
            SetupError: when the script ends with another status than 0, or not in time.

        """

    def audit(
        self,
        subject: Subject,
        user: str,
        *,
        sudo: bool = False,
        in_waves: bool = True,
        known: Iterable[Observation] = (),
    ) -> Audit:
        """Audit the host as `user`; see `Connections.audit`."""

    def has(self, user: str) -> bool:
        """Tell whether the host has this account, to be logged in as."""

    def changes(self) -> object:
        """Return something that compares equal as long as nothing on the host was changed."""

    def watched(self) -> AbstractContextManager[Callable[[], Sequence[Path]]]:
        """Follow which programs run on the host; the value gives those that did, as paths on this machine.

        Empty where that cannot be seen.
        """

    def without(self, program: Path) -> AbstractContextManager[None]:
        """Take a program from the host for the body."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One audit of a proof."""

    how: str
    """`as it is`, or what was different: `as an unprivileged user`, `without stat` …"""
    audit: Audit


@dataclass(frozen=True, kw_only=True)
class Proof:
    """Result of one scenario on one host."""

    scenario: Scenario
    subject: Subject
    proved_at: datetime
    label: str
    image: str
    runs: tuple[Run, ...]
    """The first is the audit as the scenario's header has it."""
    problems: tuple[str, ...]
    """Sentences with everything that a person needs; empty when it is proved."""


@dataclass(kw_only=True)
class _Draft:
    scenario: Scenario
    runs: list[Run] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


AS_IT_IS = "as it is"


def prove(scenario: Scenario, control: Control, place: Place, *, advisories: Path | None = None) -> Proof:
    """Bring the host into the scenario's state, audit it in every way, and return what came of it.

    Args:
        scenario: whose control is `control`.
        control: from the catalog.
        place: a fresh host.
        advisories: the index that the scenario's `advisories` stands for.

    Raises:
        SetupError: when the host could not be brought into the state.

    """
    draft = _Draft(scenario=scenario)
    place.run(scenario)
    circumstances = Evaluation(now=datetime.now(UTC), active=scenario.active, advisories=advisories)
    subject = Subject.of(control, scenario.params, circumstances)
    before = place.changes()
    with place.watched() as programs:
        found = place.audit(subject, scenario.user, sudo=scenario.sudo)
        draft.runs.append(Run(how=AS_IT_IS, audit=found))
        ran = programs()
    if verdict(found.conclusion) != (scenario.outcome, scenario.reason):
        wanted = f"{scenario.outcome} {scenario.reason}".strip()
        draft.problems.append(f"{scenario.id} is to be {wanted}, but the audit gave {found.summary}")
    if before != place.changes():
        draft.problems.append(f"{scenario.id}: the audit changed the host")
    one_by_one = place.audit(subject, scenario.user, sudo=scenario.sudo, in_waves=False)
    if verdict(one_by_one.conclusion) != verdict(found.conclusion):
        draft.problems.append(f"{scenario.id}: without waves it came out otherwise: {one_by_one.summary}")
    if found.conclusion != found.replayed():
        draft.problems.append(f"{scenario.id}: replaying the transcript gave {found.replayed()}")
    if scenario.outcome == "failed":
        _see_less(draft, subject, place, ran)
    return Proof(
        scenario=scenario,
        subject=subject,
        proved_at=circumstances.now,
        label=place.label,
        image=place.image,
        runs=tuple(draft.runs),
        problems=tuple(draft.problems),
    )


def _see_less(draft: _Draft, subject: Subject, place: Place, ran: Sequence[Path]) -> None:
    """Apply the metamorphic rule: what fails must not pass when less can be seen."""
    scenario, found = draft.scenario, draft.runs[0].audit

    def attempt(how: str, user: str, *, sudo: bool = False, known: Iterable[Observation] = ()) -> None:
        seen = place.audit(subject, user, sudo=sudo, known=known)
        draft.runs.append(Run(how=how, audit=seen))
        if not may_follow_failure(*verdict(seen.conclusion)):
            draft.problems.append(f"{scenario.id} {how}: {seen.summary}")

    if place.has(UNPRIVILEGED):
        attempt("as an unprivileged user", UNPRIVILEGED)
    if place.has(REFUSED):
        attempt("with sudo refused", REFUSED, sudo=True)
    for name, places in named_by(found.transcript, ran).items():
        known = [item for item in found.transcript if not names(item.command, name)]
        with ExitStack() as stack:
            for program in places:
                stack.enter_context(place.without(program))
            attempt(f"without {name}", scenario.user, sudo=scenario.sudo, known=known)


def may_follow_failure(outcome: str, reason: str) -> bool:
    """Tell whether what fails may come out like this when less can be seen."""
    return outcome in {"failed", "error"} and reason != "internal"


_SHELLS = {"sh", "dash", "bash", "sshd"}
"""Without these nothing can be asked, or nobody comes in."""


def named_by(transcript: Iterable[Observation], ran: Sequence[Path]) -> dict[str, list[Path]]:
    """Return the programs of those that `ran` that a question of the transcript names, but for the shell.

    Returns:
        Name → the paths under which the host has it.

    """
    text = "\n".join(item.command for item in transcript)
    found: dict[str, list[Path]] = {}
    for path in ran:
        if path.name not in _SHELLS and names(text, path.name):
            found.setdefault(path.name, []).append(path)
    return found


def names(text: str, program: str) -> bool:
    """Tell whether the name of a program stands in a text as a word."""
    return re.search(rf"(?<![A-Za-z0-9_.+-]){re.escape(program)}(?![A-Za-z0-9_.+-])", text) is not None
