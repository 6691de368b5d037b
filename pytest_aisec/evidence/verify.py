"""Check a bundle: digests, signature, consistency, reports, and on demand its results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from importlib.metadata import version
from pathlib import Path

from pytest_aisec.errors import EvidenceError
from pytest_aisec.evidence import bundle as bundles
from pytest_aisec.evidence import consistency, manifest, rejudge, rendered, versions
from pytest_aisec.evidence.bundle import Bundle
from pytest_aisec.evidence.manifest import Manifest
from pytest_aisec.evidence.rejudge import Compared, Surroundings
from pytest_aisec.evidence.signing import keys, signatures
from pytest_aisec.evidence.versions import UnknownVersion
from pytest_aisec.judge.outcome import Outcome
from pytest_aisec.judge.run import RunInfo
from pytest_aisec.report.layout import LAYOUT


class State(Enum):
    """State of a bundle."""

    WHOLE = "whole"
    """Whole and verified: its reports are what it renders to, too."""
    OF_ANOTHER_VERSION = "of another version"
    """Digests and signature hold; its reports were not rendered again."""
    CHANGED = "changed"
    """Changed since it was written, or another bundle than the one that was expected."""
    UNREADABLE = "unreadable"
    """No bundle, or none that this program reads: nothing is known of it."""


@dataclass(frozen=True, kw_only=True)
class Verified:
    """Result of checking a bundle."""

    state: State
    origin: str
    """One sentence on who can have made it, where no key tells; empty otherwise."""
    problems: tuple[str, ...]
    """One sentence for each problem found."""
    notes: tuple[str, ...]
    """Notes on what could not be compared, and why."""
    signature: str
    """One sentence on who signed it, and whether that was checked."""
    results: str
    """One sentence on the results in it; empty where nothing is known of them."""


@dataclass(frozen=True, kw_only=True)
class Expected:
    """Expectation which of all bundles of one key it is."""

    run: str = ""
    """The id of the run."""
    plan: str = ""
    """The SHA-256 of its plan, hexadecimal."""
    not_before: datetime | None = None
    """When it began at the earliest."""


_ANY = Expected()


def verify(
    directory: Path,
    *,
    key: Path | None = None,
    replay: Surroundings | None = None,
    expected: Expected = _ANY,
) -> Verified:
    """Check the bundle in `directory`.

    Args:
        directory: the bundle.
        key: the file with the public key that must have signed it.
        replay: with what to make its results again; `None` leaves that out.
        expected: which bundle it must be.

    Raises:
        UsageProblem: when the key cannot be used.

    """
    public = None if key is None else keys.load_public_key(key)
    origin = "" if key is not None else "no key was given: anybody could have made this"
    try:
        listing = manifest.read(directory)
    except UnknownVersion as error:
        return _refused(origin, str(error), [*signatures.of_others(directory)])
    except EvidenceError:
        # What is wrong with it is named below.
        listing = None
    problems = consistency.check(directory)
    try:
        bundle = bundles.read(directory)
    except EvidenceError as error:
        if listing is None:
            return _refused(origin, _no_bundle(directory, problems), [])
        return _refused(origin, str(error), [item for item in problems if item != str(error)])
    if consistency.is_plan_unknown(directory):
        return _refused(origin, problems[-1], problems[:-1])
    other = _other(bundle, listing)
    problems += _unexpected(bundle.run.run, expected)
    written = versions.MANIFEST.current if listing is None else listing.version
    problems += signatures.check(directory, bundle, public, str(key), version=written)
    notes: list[str] = []
    if not bundle.run.is_complete():
        notes.append("its results are not those of its plan, so nothing was made of them again")
    else:
        layout = LAYOUT if listing is None else listing.layout
        problems += rendered.run(directory, bundle)
        problems += (
            rendered.others(directory, bundle, layout) if other else rendered.reports(directory, bundle)
        )
        notes += rendered.unknown(directory, bundle, layout)
        again = _again(directory, bundle, replay)
        problems += again.problems
        notes += again.notes
    if other:
        notes.append(other)
    if problems:
        notes += consistency.concerned(directory, bundle.run)
    whole = State.OF_ANOTHER_VERSION if other else State.WHOLE
    return Verified(
        state=State.CHANGED if problems else whole,
        origin=origin,
        problems=tuple(dict.fromkeys(problems)),
        notes=tuple(notes),
        signature=_signature(bundle, key),
        results=_results(bundle, is_replayed=replay is not None),
    )


def _refused(origin: str, why: str, changes: Sequence[str]) -> Verified:
    """Return what is known of what cannot be read: nothing, or that it was changed as well."""
    state = State.CHANGED if changes else State.UNREADABLE
    problems = tuple(dict.fromkeys([*changes, why]))
    return Verified(state=state, origin=origin, problems=problems, notes=(), signature="", results="")


def _no_bundle(directory: Path, problems: Sequence[str]) -> str:
    return f"{directory}: is no bundle: {problems[0]}" if directory.is_dir() else problems[0]


def _other(bundle: Bundle, listing: Manifest | None) -> str:
    """Say which other version made a bundle, whose reports are then not rendered again; empty for ours."""
    ours, theirs = version("pytest-aisec"), bundle.run.run.package_version
    layout = LAYOUT if listing is None else listing.layout
    if (ours, LAYOUT, versions.RUN.current) == (theirs, layout, bundle.version):
        return ""
    number = f"report layout {layout}" if layout else "a report layout without a number"
    return (
        f"pytest-aisec {theirs[:_SHOWN]} made it, with {number}, and this is {ours}, with report layout "
        f"{LAYOUT}: its reports were not rendered again, so whether they show what run.json says is not known"
    )


_SHOWN = 80


def _again(directory: Path, bundle: Bundle, replay: Surroundings | None) -> Compared:
    if replay is None:
        return Compared(problems=())
    if manifest.check(directory):
        note = "its files are not those of its manifest, so its results were not made again"
        return Compared(problems=(), notes=(note,))
    return rejudge.check(directory, bundle, replay)


def _unexpected(run: RunInfo, expected: Expected) -> Iterator[str]:
    """Yield in what it is another bundle than the one that was expected, such as an older one."""
    if expected.run and run.id != expected.run:
        yield f"run.json: is run {run.id}, and not {expected.run}"
    if expected.plan and run.plan_sha256 != expected.plan:
        yield f"run.json: is of plan {run.plan_sha256}, and not {expected.plan}"
    if expected.not_before is None:
        return
    try:
        is_early = datetime.fromisoformat(run.started_at) < expected.not_before
    except (ValueError, TypeError):
        yield f"run.json: started_at {run.started_at!r} is no time"
        return
    if is_early:
        limit = expected.not_before.strftime("%Y-%m-%dT%H:%M:%SZ")
        yield f"run.json: began at {run.started_at}, and that is before {limit}"


def _results(bundle: Bundle, *, is_replayed: bool) -> str:
    """Return what can be said of the results of a bundle that holds."""
    if all(result.outcome is Outcome.NOT_RUN for result in bundle.run.results):
        return "it has no results: nothing was judged"
    return "its results follow from its transcripts" if is_replayed else ""


def _signature(bundle: Bundle, key: Path | None) -> str:
    by, how = bundle.run.run.signed_by, signatures.kind(bundle.run)
    if not how:
        return "it is not signed"
    if how == keys.KIND and key is not None:
        return f"it is signed by the key in {key} ({by})"
    if how == keys.KIND:
        return f"it is signed by key {by}, which was not checked: give --key"
    return f"it is signed by {by}, which was not checked: see docs/evidence.md"
