"""The scenarios of this repository: where they lie, what they rest on, and on what each is proved."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from pytest_aisec.advisories import sources
from pytest_aisec.catalog.content import content_root
from pytest_aisec.catalog.context import Evaluation
from pytest_aisec.catalog.load import load_catalog
from pytest_aisec.testing import fingerprints, recordings
from pytest_aisec.testing.audits import Subject
from pytest_aisec.testing.labkit import place
from pytest_aisec.testing.recordings import Recording, RecordingError
from pytest_aisec.testing.scenarios import Scenario, find
from pytest_aisec.testing.spoiling import Answer
from tests.support import windows
from tests.support.windows import WindowsScenario

TESTS = Path(__file__).parents[1]
DIRECTORY = TESTS / "scenarios"
RECORDINGS = TESTS / "recordings"
CATALOG = load_catalog([content_root()])

AnyScenario = Scenario | WindowsScenario


@cache
def everything() -> list[AnyScenario]:
    """Return every scenario, by control and name."""
    found: list[AnyScenario] = [*find(DIRECTORY), *windows.find(DIRECTORY)]
    return sorted(found, key=lambda item: item.id)


def rests_on(scenario: AnyScenario) -> dict[str, str]:
    """Return what a recording of the scenario rests on now."""
    control = CATALOG[scenario.control]
    if isinstance(scenario, WindowsScenario):
        parts = {
            "script": fingerprints.of_files([scenario.path]),
            "libraries": fingerprints.of_files([scenario.base]),
            "image": windows.IMAGE,
        }
        return parts | fingerprints.of_control(control)
    return fingerprints.of_scenario(scenario, control, image_of(scenario))


def image_of(scenario: Scenario) -> str:
    """Return the digest of what the host of a scenario is made from."""
    if scenario.is_aws:
        support = Path(__file__).parent
        return fingerprints.of_files([support / "aws.py", support / "moto_mother.py"])
    return place.digest_of(scenario)


@cache
def recorded(control: str) -> dict[str, Recording]:
    """Return the recordings of a control by name of the scenario; raises RecordingError."""
    return recordings.load(recordings.file_of(RECORDINGS, control))


@cache
def answered(control: str) -> frozenset[Answer]:
    """Return what live hosts answered when they were asked by a control."""
    return recordings.answers(recorded(control).values())


def recording_of(scenario: AnyScenario) -> Recording | None:
    """Return the recording of a scenario; raises RecordingError."""
    return recorded(scenario.control).get(scenario.path.name)


def why_out_of_date(scenario: AnyScenario) -> str:
    """Return why the recording of a scenario does not count; empty when it does."""
    try:
        return recordings.out_of_date(recording_of(scenario), rests_on(scenario))
    except RecordingError as error:
        return str(error)


def subject_of(scenario: AnyScenario, now: datetime | None = None) -> Subject:
    """Return the control of a scenario with its parameters, as of a time."""
    circumstances = Evaluation(
        now=now or datetime.now(UTC),
        active=getattr(scenario, "active", False),
        advisories=index(getattr(scenario, "advisories", None)),
    )
    return Subject.of(CATALOG[scenario.control], scenario.params, circumstances)


@cache
def index(advisories: Path | None) -> Path | None:
    """Return the index that a scenario names, made of its records where it names a directory of them."""
    if advisories is None or not advisories.is_dir():
        return advisories
    path = Path(tempfile.mkdtemp(prefix="aisec-advisories-")) / "index.sqlite"
    sources.update(str(advisories), path, now=datetime.now(UTC))
    return path
