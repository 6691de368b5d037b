"""Check that the contents of a bundle agree with each other."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pytest_aisec.errors import EvidenceError
from pytest_aisec.evidence import bundle as bundles
from pytest_aisec.evidence import files, manifest, versions
from pytest_aisec.evidence.bundle import Bundle
from pytest_aisec.evidence.versions import UnknownVersion
from pytest_aisec.judge import findings
from pytest_aisec.judge.compare import accounts_for
from pytest_aisec.judge.gate import decide
from pytest_aisec.judge.run import Run, Verdict, count, score
from pytest_aisec.report.layout import LAYOUT

PLAN = versions.PLAN.file


def check(directory: Path) -> list[str]:
    """Return one sentence for each inconsistency of the bundle; nothing when there is none.

    Whether signatures, reports and verdicts follow from what is there is not looked at.
    """
    if not directory.is_dir():
        return [f"{directory}: is not a directory"]
    problems = manifest.check(directory)
    try:
        bundle = bundles.read(directory)
    except EvidenceError as error:
        return [*problems, str(error)]
    try:
        problems += _run(bundle, is_worded_alike=_is_worded_alike(directory, bundle))
    except Exception as error:  # noqa: BLE001 - whatever a forger has put there
        problems.append(f"run.json: cannot be judged: {error!r}")
    return [*problems, *_transcripts(directory, bundle.run), *_inputs(directory, bundle.run)]


def _is_worded_alike(directory: Path, bundle: Bundle) -> bool:
    """Tell whether sentences are those of this program, as far as what can be read says."""
    try:
        layout = manifest.read(directory).layout
    except EvidenceError:  # it has been named
        layout = LAYOUT
    return (layout, bundle.version) == (LAYOUT, versions.RUN.current)


def _run(bundle: Bundle, *, is_worded_alike: bool) -> Iterator[str]:
    run = bundle.run
    if count(run.results, planned=run.ledger.planned) != run.ledger or not run.ledger.is_balanced:
        yield "run.json: the ledger does not follow from the results"
    if score(run.results) != run.scores:
        yield "run.json: the scores do not follow from the results"
    due, said = _plain(decide(run)), _plain(bundle.verdict)
    if due[:2] != said[:2] or (is_worded_alike and due != said):
        yield "run.json: the verdict does not follow from the results"
    if run.comparison is not None and not accounts_for(run.comparison, run.results):
        yield "run.json: the comparison with the baseline is not one of these results"
    for problem in findings.accounted_for(run):
        yield f"run.json: {problem}"
    if not run.is_complete():
        yield "run.json: not every planned control has exactly one result on every host"
        places = Counter((result.host, result.control) for result in run.results)
        for host, control in run.planned():
            if places[host, control] != 1:
                yield f"run.json: {control} on {host} has {places[host, control]} results"


def _plain(verdict: Verdict) -> tuple[object, ...]:
    return verdict.gate, int(verdict.exit_code), [*verdict.because]


def _transcripts(directory: Path, run: Run) -> Iterator[str]:
    by_host = run.by_host()
    for host in run.hosts:
        try:
            lines = len(run.transcripts[host.name])
        except EvidenceError as error:
            yield str(error)
            continue
        if manifest.digest(directory, host.transcript) != host.transcript_sha256:
            yield f"{host.transcript}: is not the transcript of {host.name} whose digest run.json has"
        if lines != host.observations:
            yield f"{host.transcript}: has {lines} lines, not {host.observations}"
        for result in by_host[host.name]:
            if not all(1 <= number <= lines for number in result.observations):
                yield (
                    f"run.json: {result.control} on {result.host} rests on an observation that is not in "
                    "the transcript"
                )


def concerned(directory: Path, run: Run) -> Iterator[str]:
    """Yield one sentence for each transcript that was changed: its host, and the controls that rest on it."""
    by_host = run.by_host()
    for host in run.hosts:
        numbers: Collection[int] = ()
        try:
            len(run.transcripts[host.name])
            is_whole = manifest.digest(directory, host.transcript) == host.transcript_sha256
        except EvidenceError as error:
            is_whole, found = False, _LINE.search(str(error))
            # It may be the line before whose digest the named one does not hold.
            numbers = (int(found[1]) - 1, int(found[1])) if found else ()
        if is_whole:
            continue
        resting = [
            item.control
            for item in by_host[host.name]
            if item.observations and (not numbers or not {*numbers}.isdisjoint(item.observations))
        ]
        where = " or ".join(f"line {number}" for number in numbers if number)
        more = f" and {len(resting) - _MOST} more" if len(resting) > _MOST else ""
        what = ", ".join(resting[:_MOST]) + more if resting else "no control"
        yield f"{host.transcript} is of {host.name}: on {where or 'it'} rests {what}"


_LINE = re.compile(r": line ([0-9]{1,9}) ")
_MOST = 20
"""Controls that are named for one host."""


def _inputs(directory: Path, run: Run) -> Iterator[str]:
    """Yield what the inputs are not; that they are those of the manifest has been looked at."""
    try:
        inside = files.listing(directory).files
    except EvidenceError:  # it has been named
        inside = frozenset()
    found = {path: manifest.digest(directory, path) for path in inside if path.startswith("inputs/")}
    for path in sorted(found.keys() | run.inputs.keys()):
        if found.get(path) != run.inputs.get(path):
            yield f"{path}: is not the file whose digest run.json has"
    if found.get(PLAN) != run.run.plan_sha256:
        yield f"{PLAN}: is not the plan whose digest run.json has"
    try:
        yield from _plan(versions.PLAN.upgraded(files.load_json(files.read(directory, PLAN))), run)
    except EvidenceError as error:
        yield str(error)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        yield f"{PLAN}: is not a plan: {error!r}"


def is_plan_unknown(directory: Path) -> bool:
    """Tell whether the plan is of a version that is not read; `check` then names it last."""
    try:
        versions.PLAN.version(files.load_json(files.read(directory, PLAN)))
    except UnknownVersion:
        return True
    except (EvidenceError, ValueError, TypeError):
        pass
    return False


def _plan(plan: dict[str, Any], run: Run) -> Iterator[str]:
    if [host.name for host in run.hosts] != plan["hosts"]:
        yield f"{PLAN}: its hosts are not those of run.json"
    planned = {
        (item["id"], item["group"]): (item["severity"], sorted(item["declared"])) for item in plan["controls"]
    }
    known = {(item.id, item.group): (item.severity, sorted(item.declared)) for item in run.controls}
    for control, group in sorted(planned.keys() | known.keys()):
        if planned.get((control, group)) != known.get((control, group)):
            where = f" for group {group}" if group else ""
            yield f"{PLAN}: {control} is not planned{where} as run.json says"
    if [asdict(item) for item in run.groups] != plan["groups"]:
        yield f"{PLAN}: its groups are not those of run.json"
    if {item.name: item.group for item in run.hosts if item.group} != plan["members"]:
        yield f"{PLAN}: the groups of its hosts are not those of run.json"
    if [asdict(item) for item in run.excluded] != plan["excluded"]:
        yield f"{PLAN}: what it excludes is not what run.json says"
    if run.policy.model_dump(mode="json") != plan["gate"]:
        yield f"{PLAN}: its gate is not that of run.json"
