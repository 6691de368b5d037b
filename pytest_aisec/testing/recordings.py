"""Recordings: the answers that live hosts gave in proofs, to be judged again by everybody.

One file a control, `recordings/CONTROL-ID.jsonl.xz`: a line of JSON for each scenario, with everything that
its hosts answered, what its proof rests on, and a digest of the line. Only a proof on a live host makes one.
"""

from __future__ import annotations

import hashlib
import json
import lzma
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pytest_aisec.observe.faults import Reason, Unobservable
from pytest_aisec.observe.transcript import Observation
from pytest_aisec.testing import fingerprints, spoiling
from pytest_aisec.testing.audits import Subject, verdict
from pytest_aisec.testing.proofs import Proof

SUFFIX = ".jsonl.xz"
_FORMAT = 1


class RecordingError(Exception):
    """A recording cannot be believed; the text names file and scenario."""


@dataclass(frozen=True, kw_only=True)
class RecordedRun:
    """One audit of a scenario."""

    how: str
    """`as it is`, or what was different."""
    outcome: str
    reason: str
    """Of an error."""
    observations: tuple[Observation, ...]
    host_fault: tuple[Reason, str] | None = None
    """Why nothing could be asked, and in how many words, if that was so."""


@dataclass(frozen=True, kw_only=True)
class Recording:
    """Answers and outcomes of one scenario on a live host."""

    scenario: str
    """Name of the script, such as `private.pass.sh`."""
    recorded_at: str
    """Start of the audit, UTC, ISO 8601: the time that controls compared with."""
    label: str
    """What kind of host it was."""
    connection: str
    rests_on: Mapping[str, str]
    """See `fingerprints`."""
    runs: tuple[RecordedRun, ...]


def of_proof(proof: Proof, rests_on: Mapping[str, str]) -> Recording:
    """Return the recording of a proof.

    Args:
        proof: without problems.
        rests_on: see `fingerprints.of_scenario`.

    """
    runs = []
    for run in proof.runs:
        outcome, reason = verdict(run.audit.conclusion)
        fault = run.audit.transcript.host_fault
        runs.append(
            RecordedRun(
                how=run.how,
                outcome=outcome,
                reason=reason,
                observations=tuple(run.audit.transcript),
                host_fault=(fault.reason, fault.detail) if fault else None,
            )
        )
    return Recording(
        scenario=proof.scenario.path.name,
        recorded_at=proof.proved_at.isoformat(),
        label=proof.label,
        connection=proof.runs[0].audit.connection,
        rests_on=rests_on,
        runs=tuple(runs),
    )


def out_of_date(recording: Recording | None, present: Mapping[str, str]) -> str:
    """Return why a recording proves nothing of what is there now, as a clause; empty when it does."""
    if recording is None:
        return "there is no recording of it"
    parts = fingerprints.changed(recording.rests_on, present)
    changed = f"changed since it was recorded on {recording.recorded_at[:10]}: {', '.join(parts)}"
    return changed if parts else ""


def differences(recording: Recording, fresh: Recording) -> list[str]:
    """Return how a live proof came out otherwise than an earlier one that rests on the same."""
    before = {run.how: f"{run.outcome} {run.reason}".strip() for run in recording.runs}
    after = {run.how: f"{run.outcome} {run.reason}".strip() for run in fresh.runs}
    return [
        f"{how}: recorded on {recording.recorded_at[:10]} as {before[how]}, now {after[how]}"
        for how in before
        if how in after and before[how] != after[how]
    ]


def judge(
    recording: Recording, subject: Subject, given: Container[spoiling.Answer] = frozenset()
) -> list[str]:
    """Judge every run of a recording again, and with each answer spoiled; return what came out wrong.

    Args:
        recording: of a scenario.
        subject: its control, as of the time of the recording.
        given: what live hosts have answered; see `spoiling.passes_when_spoiled`.

    """
    wrong = []
    for run in recording.runs:
        fault = None if run.host_fault is None else Unobservable(*run.host_fault, whole_host=True)
        ended = verdict(subject.judge(run.observations, connection=recording.connection, host_fault=fault))
        if ended != (run.outcome, run.reason):
            recorded = f"{run.outcome} {run.reason}".strip()
            wrong.append(f"{run.how}: recorded as {recorded}, judged again {' '.join(ended).strip()}")
    first = recording.runs[0]
    if first.outcome == "failed":
        wrong += spoiling.passes_when_spoiled(subject, first.observations, recording.connection, given)
    return wrong


def file_of(directory: Path, control: str) -> Path:
    """Return the file of a control's recordings."""
    return directory / f"{control}{SUFFIX}"


def dump(recordings: Iterable[Recording], control: str) -> bytes:
    """Return the file of a control: the same recordings give the same bytes."""
    lines = [json.dumps({"format": _FORMAT, "control": control})]
    lines += [_line(item, control) for item in sorted(recordings, key=lambda item: item.scenario)]
    return lzma.compress("".join(f"{line}\n" for line in lines).encode(), preset=9)


def load(path: Path) -> dict[str, Recording]:
    """Return the recordings of a file by name of the scenario; none where there is no file.

    Raises:
        RecordingError: when the file, or a line of it, is not as it was written.

    """
    if not path.exists():
        return {}
    control = path.name.removesuffix(SUFFIX)
    try:
        head, *lines = lzma.decompress(path.read_bytes()).decode().splitlines()
        if json.loads(head) != {"format": _FORMAT, "control": control}:
            raise RecordingError(f"{path}: is not a file of recordings of {control}: {head[:80]}")
    except (OSError, lzma.LZMAError, ValueError) as error:
        raise RecordingError(f"{path}: cannot be read: {error}") from None
    found = [_recording(line, path, control) for line in lines]
    return {item.scenario: item for item in found}


def merge(directory: Path, control: str, fresh: Iterable[Recording], scenarios: Iterable[str]) -> bool:
    """Put fresh recordings in the place of older ones, leave out those of scenarios that are gone, and write.

    Returns:
        Whether the file has changed.

    """
    path = file_of(directory, control)
    try:
        before = load(path)
    except RecordingError:
        before = {}
    names = set(scenarios)
    after = {**before, **{item.scenario: item for item in fresh}}
    after = {name: item for name, item in after.items() if name in names}
    if after == before:
        return False
    directory.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    partial.write_bytes(dump(after.values(), control))
    partial.replace(path)
    return True


def to_json(recording: Recording) -> dict[str, Any]:
    """Return a recording as JSON data: each answer once, and by number in the runs that had it."""
    answers: dict[Observation, int] = {}
    entries: list[Observation] = []

    def number(item: Observation) -> int:
        key = replace(item, started_at="", duration_ms=0)
        if key not in answers:
            answers[key] = len(entries)
            entries.append(item)
        return answers[key]

    runs = [
        {
            "how": run.how,
            "outcome": run.outcome,
            "reason": run.reason,
            "observations": [number(item) for item in run.observations],
            "host_fault": run.host_fault,
        }
        for run in recording.runs
    ]
    return {
        "scenario": recording.scenario,
        "recorded_at": recording.recorded_at,
        "label": recording.label,
        "connection": recording.connection,
        "rests_on": dict(recording.rests_on),
        "runs": runs,
        "observations": [item.to_json() for item in entries],
    }


def from_json(data: Mapping[str, Any]) -> Recording:
    """Return the recording that `to_json` gave `data` for; raises KeyError, TypeError or ValueError."""
    answers: Sequence[Observation] = [Observation.from_json(item) for item in data["observations"]]
    return Recording(
        scenario=data["scenario"],
        recorded_at=data["recorded_at"],
        label=data["label"],
        connection=data["connection"],
        rests_on=data["rests_on"],
        runs=tuple(
            RecordedRun(
                how=run["how"],
                outcome=run["outcome"],
                reason=run["reason"],
                observations=tuple(answers[index] for index in run["observations"]),
                host_fault=tuple(run["host_fault"]) if run["host_fault"] else None,
            )
            for run in data["runs"]
        ),
    )


def _line(recording: Recording, control: str) -> str:
    data = to_json(recording)
    return json.dumps({"digest": _digest(data, control), **data}, separators=(",", ":"))


def _digest(data: Mapping[str, Any], control: str) -> str:
    text = json.dumps([control, data], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _recording(line: str, path: Path, control: str) -> Recording:
    try:
        data = json.loads(line)
        name, digest = str(data["scenario"]), data.pop("digest")
        if digest != _digest(data, control):
            raise RecordingError(f"{path}: the recording of {name} was edited: its digest is another")
        recording = from_json(data)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise RecordingError(f"{path}: a line is no recording: {error!r}") from None
    if not recording.rests_on.get("image") or not recording.runs:
        raise RecordingError(f"{path}: the recording of {name} has no live run behind it")
    return recording


def all_in(directory: Path) -> Iterator[str]:
    """Yield the ids of the controls that have a file of recordings."""
    for path in sorted(directory.glob(f"*{SUFFIX}")):
        yield path.name.removesuffix(SUFFIX)


def answers(found: Iterable[Recording]) -> frozenset[spoiling.Answer]:
    """Return everything that live hosts answered in some recordings."""
    return frozenset(
        spoiling.answer_of(item) for recording in found for run in recording.runs for item in run.observations
    )


def show(recording: Recording) -> str:
    """Return a recording as text for people, without what differs each time: one answer after the other."""
    data = to_json(recording)
    lines = [
        f"== {recording.scenario}",
        f"recorded {recording.recorded_at[:10]} on {recording.label}, over {recording.connection}",
        *(f"rests on {part} {digest}" for part, digest in sorted(recording.rests_on.items()) if digest),
    ]
    for run in data["runs"]:
        fault = f", {': '.join(run['host_fault'])}" if run["host_fault"] else ""
        numbers = " ".join(str(number + 1) for number in run["observations"])
        lines.append(f"{run['how']}: {run['outcome']} {run['reason']}".rstrip() + f"{fault} [{numbers}]")
    for number, answer in enumerate(data["observations"], start=1):
        end = f"{answer['fault']}: {answer['detail']}" if answer["fault"] else f"exit {answer['exit_status']}"
        lines += ["", f"[{number}] $ {_text(answer['command'])}", f"    {end}"]
        lines += [f"    {line}" for line in _text(answer["stdout"]).splitlines()]
        lines += [f"  ! {line}" for line in _text(answer["stderr"]).splitlines()]
    return "\n".join(lines) + "\n\n"


def _text(value: str | Mapping[str, str]) -> str:
    text = value if isinstance(value, str) else f"base64 {value['base64']}"
    return text.replace("\0", "␀").encode("utf-8", "backslashreplace").decode()
