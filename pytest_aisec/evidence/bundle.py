"""Contents of a bundle: `run.json` and its inputs, written and read back."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from pytest_aisec.catalog.plan import Plan
from pytest_aisec.errors import EvidenceError
from pytest_aisec.evidence import files, manifest, transcript_files, versions
from pytest_aisec.evidence.transcript_files import Stored
from pytest_aisec.judge.run import SCHEMA_VERSION, HostInfo, Result, Run, Verdict
from pytest_aisec.observe.faults import Unobservable
from pytest_aisec.observe.redaction.redact import redact
from pytest_aisec.observe.transcript import Observation


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """Contents of `run.json`."""

    run: Run
    """In the current version, whichever was written."""
    verdict: Verdict
    version: str
    """The version that was written."""


@cache
def _runs() -> TypeAdapter[Run]:
    return TypeAdapter(Run)


@cache
def _verdicts() -> TypeAdapter[Verdict]:
    return TypeAdapter(Verdict)


@cache
def _items() -> TypeAdapter[HostInfo | Result]:
    return TypeAdapter(HostInfo | Result)


def run_json(run: Run, verdict: Verdict) -> Iterator[bytes]:
    """Yield `run.json` in pieces that stay small however many hosts there are."""
    # What is long is written item by item, in the place that json.dumps would give it.
    long: dict[str, Sequence[HostInfo | Result]] = {"hosts": run.hosts, "results": run.results}
    data = _runs().dump_python(replace(run, hosts=(), results=()), mode="json", exclude={"transcripts"})
    data["verdict"] = _verdicts().dump_python(verdict, mode="json")
    rest = json.dumps(data, indent=2, ensure_ascii=False) + "\n"
    for name, items in long.items():
        before, _, rest = rest.partition(f'\n  "{name}": []')
        yield f'{before}\n  "{name}": '.encode()
        separator = "["
        for item in items:
            text = json.dumps(_items().dump_python(item, mode="json"), indent=2, ensure_ascii=False)
            yield f"{separator}\n    {text.replace(_NEXT_LINE, _NEXT_LINE_INSIDE)}".encode()
            separator = ","
        yield b"\n  ]" if items else b"[]"
    yield rest.encode()


_NEXT_LINE, _NEXT_LINE_INSIDE = "\n", "\n    "


def inputs(plan_json: str, plan: Plan, given: Mapping[str, Sequence[tuple[str, str]]]) -> dict[str, str]:
    """Return the files that say what was asked for: path in the bundle → text, redacted.

    Args:
        plan_json: the plan.
        plan: its profiles are stored.
        given: kind, such as `waivers` → name and text of each file of that kind.

    """
    kinds = {"profiles": plan.sources, **given}
    return {"inputs/plan.json": plan_json} | {
        f"inputs/{kind}/{number}-{name}": redact(text)
        for kind, of_kind in kinds.items()
        for number, (name, text) in enumerate(of_kind, start=1)
    }


def read(directory: Path) -> Bundle:
    """Return the run and verdict of a bundle; its transcripts are read when they are looked at.

    Raises:
        EvidenceError: when `run.json` is missing or is not what it should be; looking at a transcript raises
            the same. It names the file.

    """
    try:
        content = files.read(directory, "run.json")
    except EvidenceError as error:
        raise EvidenceError(f"{directory}/{error}") from None
    found = parse(content, directory / "run.json")
    return replace(found, run=replace(found.run, transcripts=Stored(directory, found.run.hosts)))


def parse(content: bytes, path: Path) -> Bundle:
    """Return what a `run.json` holds, without transcripts.

    Raises:
        UnknownVersion: when it is of a newer version; it names `path`.
        EvidenceError: when it is not a run; it names `path`.

    """
    shape = replace(versions.RUN, file=str(path))
    try:
        written: dict[str, Any] = files.load_json(content)
        version, data = shape.version(written), shape.upgraded(written)
        verdict = _verdicts().validate_python(data.pop("verdict"))
        data.pop("transcripts", None)
        run = _runs().validate_python(data)
        _check_bounds(run)
        return Bundle(run=run, verdict=verdict, version=version)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        detail = str(error.errors()[0] if isinstance(error, ValidationError) else error)
        shown = detail if len(detail) <= _SHOWN else detail[: _SHOWN - 1] + "…"
        raise EvidenceError(f"{path}: is not a run: {shown}") from None


_SHOWN = 1000
_MISSING = 100_000
"""So many results can be missing in a run that is looked at; each of them is one sentence."""
_LARGE = 2**53
"""No number of milliseconds is as large."""


def _check_bounds(run: Run) -> None:
    """Raise `ValueError` for what no run has, and what would take its reader endless time or memory."""
    _check_hosts(run.hosts)
    controls = Counter(control.group for control in run.controls)
    planned = sum(controls[host.group] for host in run.hosts)
    if planned - len(run.results) > _MISSING:
        raise ValueError(f"it plans {planned} results and has {len(run.results)}")
    for control in run.controls:
        files.check_depth(control.params)
    for result in run.results:
        files.check_depth([result.expected, result.observed])
        if not 0 <= result.duration_ms < _LARGE:
            raise ValueError(f"the duration_ms of {result.control} on {result.host} is no duration")


def _check_hosts(hosts: Sequence[HostInfo]) -> None:
    for name, times in Counter(host.name for host in hosts).most_common(1):
        if times > 1:
            raise ValueError(f"{times} hosts have the name {name!r}")


@dataclass(frozen=True, kw_only=True)
class Replayable:
    """Inputs for replaying a bundle."""

    started_at: str
    """UTC, ISO 8601: the time that controls compare with."""
    hosts: Sequence[HostInfo]
    directory: Path
    active: bool = False
    """True if its controls could send requests to the services that they judged."""

    def load(self, host: HostInfo) -> list[Observation]:
        """Return the observations of one host, in the order of its transcript."""
        try:
            return transcript_files.read(self.directory, host)
        except EvidenceError as error:
            raise Unobservable("unreadable", str(error), whole_host=True) from None


def replayable(directory: Path, *, check: bool = True) -> Replayable:
    """Return what replaying the bundle needs, without reading its transcripts into memory.

    Args:
        directory: the bundle.
        check: compare every file with the manifest first.

    Raises:
        EvidenceError: when it is no bundle, or its files are not those of its manifest.

    """
    if not directory.is_dir():
        raise EvidenceError("is not a directory")
    problems = manifest.check(directory) if check else []
    if problems:
        raise EvidenceError(problems[0])
    try:
        data = versions.RUN.upgraded(files.load_json(files.read(directory, "run.json")))
        started_at = str(data["run"]["started_at"])
        started = datetime.fromisoformat(started_at)
        active = data["run"].get("active") is True
        hosts = TypeAdapter(list[HostInfo]).validate_python(data["hosts"])
        _check_hosts(hosts)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EvidenceError(f"run.json: is not a run: {error!r}") from None
    if started.tzinfo is None:
        raise EvidenceError("run.json: started_at has no time zone")
    for host in hosts:
        if not (directory / host.transcript).resolve().is_relative_to(directory.resolve()):
            raise EvidenceError(f"run.json: the transcript of {host.name} lies outside of the bundle")
    return Replayable(started_at=started_at, hosts=hosts, directory=directory, active=active)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of `run.json`, in which everything is written that this version knows."""
    schema = _runs().json_schema(mode="serialization")
    schema["properties"].pop("transcripts")
    schema["$defs"].pop("Observation", None)
    verdict = _verdicts().json_schema(mode="serialization")
    schema["$defs"]["Verdict"] = verdict
    schema["properties"]["verdict"] = {"$ref": "#/$defs/Verdict"}
    schema["properties"]["schema_version"]["const"] = SCHEMA_VERSION
    for part in (schema, *schema["$defs"].values()):
        if "properties" in part:
            part["required"] = sorted(part["properties"])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
