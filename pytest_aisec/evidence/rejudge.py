"""Make the results of a bundle again from its transcripts, in a process of their own, and compare."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pytest_aisec import isolation
from pytest_aisec.errors import EvidenceError
from pytest_aisec.evidence import bundle as bundles
from pytest_aisec.evidence import files, versions
from pytest_aisec.evidence.bundle import Bundle
from pytest_aisec.evidence.consistency import PLAN
from pytest_aisec.judge.gate import ExitCode
from pytest_aisec.judge.outcome import Outcome
from pytest_aisec.judge.run import Result, Run
from pytest_aisec.report import github

_JUDGED = {ExitCode.PASSED, ExitCode.FAILED, ExitCode.INCONCLUSIVE}
_COMPARED = (
    "outcome",
    "reason",
    "message",
    "expected",
    "observed",
    "severity",
    "title",
    "waiver",
    "attestation",
)
_SHOWN = 80


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """Inputs of an audit from the machine that it runs on, besides the bundle."""

    paths: Sequence[Path] = ()
    """Content directories, as for `--aisec-path`."""
    advisories: Path | None = None
    """As for `--aisec-advisories`."""


@dataclass(frozen=True, kw_only=True)
class Compared:
    """Result of making the results again."""

    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()


def check(directory: Path, bundle: Bundle, surroundings: Surroundings) -> Compared:
    """Judge the transcripts of a bundle, whose files are those of its manifest, and compare."""
    with tempfile.TemporaryDirectory(prefix="aisec-") as place:
        try:
            plan = versions.PLAN.upgraded(files.load_json(files.read(directory, PLAN)))
            files.check_depth(plan)
            what = _write(plan, Path(place))
        except EvidenceError as error:
            return Compared(problems=(str(error),))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            return Compared(problems=(f"{PLAN}: is not a plan: {error!r}",))
        again = Path(place) / "again"
        done = _run(_command(directory, bundle.run, surroundings, what, again), place)
        if done.returncode not in _JUDGED:
            said = (done.stdout + done.stderr).decode(errors="replace").strip().splitlines()
            why = next((line for line in said if line.startswith(("ERROR", "Exit"))), " ".join(said[-3:]))
            return Compared(problems=(f"its results cannot be made again: {why}",))
        try:
            made = bundles.read(again)
            planned = json.loads((again / PLAN).read_text(encoding="utf-8"))
            problems = (
                *_plans(plan, planned),
                *_results(directory, bundle.run, made.run),
                *_overlays(bundle.run, made.run),
            )
        except EvidenceError as error:
            return Compared(problems=(str(error),))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return Compared(problems=(f"{PLAN}: is not a plan: {error!r}",))
    return Compared(problems=problems, notes=tuple(_notes(bundle.run, made.run)))


def _run(command: Sequence[str], place: str) -> subprocess.CompletedProcess[bytes]:
    # Whoever verifies may stand in the bundle, or in any other folder that holds modules.
    return subprocess.run(
        command, cwd=place, env=_environment(), stdin=subprocess.DEVNULL, capture_output=True, check=False
    )


def _environment() -> dict[str, str]:
    # It is no run of the job in which this may be: its summary is not the job's.
    found = {name: value for name, value in os.environ.items() if name not in github.VARIABLES}
    isolation.without_relative(found)
    return found


def _write(plan: Mapping[str, Any], place: Path) -> list[str]:
    """Write what gives the same plan, and return how the command line names it.

    What was declared is declared, the rest has to be default. Its gate does not matter: that the verdict
    follows from the results needs no replay.
    """
    if not plan["groups"]:
        (place / "profile.yaml").write_text(_profile(plan, ""), encoding="utf-8")
        return [str(place / "profile.yaml")]
    lines = [f"{name} = {_toml(plan[key])}" for name, key in
             (("name", "profile"), ("title", "title"), ("version", "version"))]  # fmt: skip
    for number, group in enumerate(plan["groups"]):
        file = place / f"{number}.yaml"
        file.write_text(_profile({**plan, **group}, group["name"]), encoding="utf-8")
        lines += [f"[groups.{_toml(group['name'])}]", f"profile = {_toml(str(file))}", 'hosts = ["local://"]']
    (place / "aisec.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [f"--aisec-config={place / 'aisec.toml'}"]


def _toml(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _profile(plan: Mapping[str, Any], group: str) -> str:
    return yaml.dump(
        {
            "id": plan["profile"],
            "title": plan["title"],
            "version": plan["version"],
            "exclude": {
                item["control"]: item["reason"] for item in plan["excluded"] if item["group"] == group
            },
            "controls": {
                item["id"]: {
                    "severity": item["severity"],
                    "params": {name: item["params"][name] for name in item["declared"]},
                    "references": item["frameworks"],
                }
                for item in plan["controls"]
                if item["group"] == group
            },
        },
        Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper),
        allow_unicode=True,
        sort_keys=False,
    )


def _command(
    directory: Path, run: Run, surroundings: Surroundings, what: Sequence[str], again: Path
) -> list[str]:
    command = [sys.executable, "-P", "-m", "pytest_aisec.cli", "run", *what, "-q", "--tb=no"]
    # The reports of this bundle have been compared with what run.json renders to.
    command += ["--aisec-no-reports", "-p", "no:xdist"]
    command += [f"--aisec-replay={directory.resolve()}", f"--aisec-evidence={again}"]
    command += [f"--aisec-path={path.expanduser().absolute()}" for path in surroundings.paths]
    if surroundings.advisories is not None:
        command.append(f"--aisec-advisories={surroundings.advisories.expanduser().absolute()}")
    for kind in ("waivers", "attestations", "redact"):
        command += [
            f"--aisec-{kind}={(directory / path).resolve()}"
            for path in sorted(run.inputs)
            if path.startswith(f"inputs/{kind}/")
        ]
    return command


def _plans(plan: Mapping[str, Any], made: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the program here plans in another way."""
    before = {(item["id"], item["group"]): item for item in plan["controls"]}
    after = {(item["id"], item["group"]): item for item in made["controls"]}
    for (control, group), item in before.items():
        other = after.get((control, group), {})
        for name in sorted(item.keys() | other.keys()):
            if item.get(name) != other.get(name):
                yield f"{PLAN}: {control}: {name} is {_shown(item.get(name))}, here {_shown(other.get(name))}"
    for name in sorted((plan.keys() | made.keys()) - {"controls", "gate"}):
        if plan.get(name) != made.get(name):
            yield f"{PLAN}: {name} is {_shown(plan.get(name))}, here {_shown(made.get(name))}"


def _results(directory: Path, run: Run, made: Run) -> Iterator[str]:
    again = {(item.host, item.control): item for item in made.results}
    places = _places(files.read(directory, "run.json"))
    by_host: dict[str, list[tuple[str, Result]]] = {host.name: [] for host in run.hosts}
    for number, result in enumerate(run.results):
        line = f"line {places[number]}: " if number < len(places) else ""
        where = f"run.json: {line}{result.control} on {result.host}"
        if result.outcome is not Outcome.NOT_RUN:
            by_host.setdefault(result.host, []).append((where, result))
    for host in run.hosts:
        for where, result in by_host[host.name]:
            other = again.get((result.host, result.control))
            if other is None:
                yield f"{where}: no verdict comes of {host.transcript}"
                continue
            lines = ", ".join(map(str, result.observations))
            proof = f"{host.transcript}, line {lines}," if lines else host.transcript
            yield from _differences(where, proof, result, other)
            if _commands(run, result) != _commands(made, other):
                yield f"{where}: rests on other observations than {host.transcript} gives"


def _overlays(run: Run, made: Run) -> Iterator[str]:
    for name in ("waivers", "attestations"):
        if list(getattr(run, name)) != list(getattr(made, name)):
            yield f"run.json: its {name} do not follow from the results and inputs/{name}"


def _differences(where: str, proof: str, result: Result, other: Result) -> Iterator[str]:
    for name in _COMPARED:
        one, two = getattr(result, name), getattr(other, name)
        if one != two:
            yield f"{where}: {name} is {_shown(one)}, and {proof} gives {_shown(two)}"


def _commands(run: Run, result: Result) -> list[str]:
    observations = run.transcripts[result.host]
    known = [number for number in result.observations if number <= len(observations)]
    return [observations[number - 1].command for number in known]


def _places(content: bytes) -> list[int]:
    """Return the line of `run.json` in which each result begins."""
    found: list[int] = []
    within = False
    for number, line in enumerate(content.decode().split("\n"), start=1):
        if line.startswith('  "'):
            within = line.startswith('  "results"')
        elif within and line == "    {":
            found.append(number)
    return found


def _notes(run: Run, made: Run) -> Iterator[str]:
    open_results = sum(item.outcome is Outcome.NOT_RUN for item in run.results)
    if 0 < open_results < len(run.results):
        results = "1 result is" if open_results == 1 else f"{open_results} results are"
        yield f"{results} not_run, so there was nothing to compare"
    if run.run.advisories != made.run.advisories:
        yield "the index of advisories here is not the one that was compared with (--advisories)"


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
