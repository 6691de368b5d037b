"""Prove the scenarios of a pack, live or from their recordings, one after the other."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pytest_aisec.advisories import sources
from pytest_aisec.catalog.context import Evaluation
from pytest_aisec.errors import UsageProblem
from pytest_aisec.testing import fingerprints, proven, recordings
from pytest_aisec.testing.audits import Subject
from pytest_aisec.testing.packs import Pack
from pytest_aisec.testing.proofs import SetupError, prove
from pytest_aisec.testing.recordings import Recording, RecordingError
from pytest_aisec.testing.scenarios import Scenario
from pytest_aisec.testing.shells import PlaceError
from pytest_aisec.testing.spoiling import Answer
from pytest_aisec.testing.venues import Venue


@dataclass(frozen=True, kw_only=True)
class Tried:
    """Result of one scenario that was tried."""

    scenario: Scenario
    seconds: float
    problems: tuple[str, ...]
    """Why it is not proved, in full; empty when it is."""
    recording: Recording | None = None
    """Of a live proof without problems."""

    @property
    def is_proved(self) -> bool:
        """Whether nothing is left to say against it."""
        return not self.problems


def live(pack: Pack, venue: Venue) -> Iterator[Tried]:
    """Prove each scenario on a host, and judge what the host answered again with each answer spoiled.

    Args:
        pack: whose scenarios are proved; of each control, those that fail come last.
        venue: gives the hosts.

    """
    given: dict[str, frozenset[Answer]] = {}
    """Control → what hosts have answered: an answer that one gave is no spoiled one."""
    for scenario in sorted(
        pack.scenarios, key=lambda item: (item.control, item.outcome == "failed", item.id)
    ):
        name = scenario.control
        if name not in given:
            given[name] = _answered(pack, name)
        started = time.monotonic()
        why = venue.why_not(scenario)
        problems, recording = ((why,), None) if why else _proved(pack, scenario, venue, given[name])
        if recording is not None:
            given[name] |= recordings.answers([recording])
        yield Tried(
            scenario=scenario,
            seconds=time.monotonic() - started,
            problems=problems,
            recording=None if problems else recording,
        )


def _answered(pack: Pack, control: str) -> frozenset[Answer]:
    """Return what hosts have answered in earlier proofs of a control."""
    try:
        return recordings.answers(recordings.load(recordings.file_of(pack.recordings, control)).values())
    except RecordingError:
        return frozenset()


def _proved(
    pack: Pack, scenario: Scenario, venue: Venue, given: frozenset[Answer]
) -> tuple[tuple[str, ...], Recording | None]:
    control = pack.controls[scenario.control]
    try:
        with venue.place(scenario) as place, _index(scenario) as advisories:
            proof = prove(scenario, control, place, advisories=advisories)
            if proof.problems:
                return proof.problems, None
            recording = recordings.of_proof(proof, fingerprints.of_scenario(scenario, control, proof.image))
            return tuple(recordings.judge(recording, proof.subject, given)), recording
    except (SetupError, PlaceError) as error:
        return (str(error),), None


def recorded(pack: Pack, found: dict[str, Recording]) -> Iterator[Tried]:
    """Judge each scenario from its recording, as it is and with each answer spoiled.

    Args:
        pack: whose scenarios are judged, in their order.
        found: see `packs.recorded`.

    """
    for scenario in pack.scenarios:
        started = time.monotonic()
        recording = found.get(scenario.id)
        given = recordings.answers(
            item for key, item in found.items() if key.startswith(f"{scenario.control}/")
        )
        if recording is None:
            problems = [f"there is no recording of it; record it: aisec test {pack.given} -k {scenario.id}"]
        else:
            with _index(scenario) as advisories:
                problems = _judged(pack, scenario, recording, advisories, given)
        yield Tried(scenario=scenario, seconds=time.monotonic() - started, problems=tuple(problems))


def _judged(
    pack: Pack,
    scenario: Scenario,
    recording: Recording,
    advisories: Path | None,
    given: frozenset[Answer],
) -> list[str]:
    circumstances = Evaluation(
        now=datetime.fromisoformat(recording.recorded_at).astimezone(UTC),
        active=scenario.active,
        advisories=advisories,
    )
    subject = Subject.of(pack.controls[scenario.control], scenario.params, circumstances)
    first = recording.runs[0]
    if (first.outcome, first.reason) != (scenario.outcome, scenario.reason):
        wanted = f"{scenario.outcome} {scenario.reason}".strip()
        return [f"is to be {wanted}, but was recorded as {first.outcome} {first.reason}".strip()]
    return recordings.judge(recording, subject, given)


@contextmanager
def _index(scenario: Scenario) -> Iterator[Path | None]:
    """Yield the index of advisories that a scenario names, made of its records where it names a directory."""
    if scenario.advisories is None or not scenario.advisories.is_dir():
        yield scenario.advisories
        return
    with tempfile.TemporaryDirectory(prefix="aisec-advisories-") as directory:
        path = Path(directory, "index.sqlite")
        sources.update(str(scenario.advisories), path, now=datetime.now(UTC))
        yield path


def keep(pack: Pack, tried: list[Tried], *, whole: bool) -> list[Path]:
    """Write the recordings of live proofs, and the index of what is proven; return the files that changed.

    Args:
        pack: where they are written.
        tried: what `live` gave; what was not proved leaves an earlier recording as it is.
        whole: whether that was all of the pack: then recordings of controls that are gone are removed.

    Raises:
        UsageProblem: when they cannot be written.

    """
    try:
        return _kept(pack, tried, whole=whole)
    except OSError as error:
        raise UsageProblem(f"{error.filename}: cannot be written: {error.strerror}") from None


def _kept(pack: Pack, tried: list[Tried], *, whole: bool) -> list[Path]:
    changed = []
    for name in sorted({item.control for item in pack.scenarios}):
        fresh = [item.recording for item in tried if item.recording and item.scenario.control == name]
        scripts = [path.name for path in (pack.given / "tests/scenarios" / name).glob("*.sh")]
        if fresh and recordings.merge(pack.recordings, name, fresh, scripts):
            changed.append(recordings.file_of(pack.recordings, name))
    for name in list(recordings.all_in(pack.recordings)) if whole else []:
        if name not in pack.controls:
            path = recordings.file_of(pack.recordings, name)
            path.unlink()
            changed.append(path)
    if proven.write(pack.recordings, pack.given / "controls"):
        changed.append(pack.given / "controls" / proven.NAME)
    return changed
