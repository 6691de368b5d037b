"""An audit with pytest-aisec, as a user starts it."""

import base64
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import measure


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What one audit took, and what came of it; hosts by address."""

    measured: measure.Measured
    outcomes: Mapping[tuple[str, str], str]
    """(address, control) → `passed`, `not_applicable` or `failed`, which is also what an error is."""
    asked: Mapping[str, Sequence[tuple[str, int]]]
    """The commands that a verdict rests on, with their exit status."""


def audit(profile: str, options: Sequence[str], *, cache: str) -> Audit:
    """Audit with the learned questions of the directory `cache`, or of `none`."""
    with tempfile.TemporaryDirectory(prefix="aisec-b-") as directory:
        here = Path(directory)
        measured = measure.run(
            [
                *(sys.executable, "-m", "pytest_aisec.cli", "run", profile, "-q"),
                *("--aisec-evidence=bundle", f"--aisec-cache={cache}", *options),
            ],
            cwd=here,
            ends_with=(0, 1, 10),
        )
        bundle = here / "bundle"
        run = json.loads((bundle / "run.json").read_text(encoding="utf-8"))
        return Audit(
            measured=measured,
            outcomes={
                (_address(result["host"]), result["control"]): _simple(result["outcome"])
                for result in run["results"]
            },
            asked={_address(host["name"]): _asked(bundle, run, host) for host in run["hosts"]},
        )


def start_up(profile: str, options: Sequence[str]) -> float:
    """Return the seconds that the same command takes when it only resolves the plan: it contacts no host."""
    command = [sys.executable, "-m", "pytest_aisec.cli", "run", profile, "-q", "--collect-only", *options]
    with tempfile.TemporaryDirectory(prefix="aisec-b-") as directory:
        return measure.run(command, cwd=Path(directory)).seconds


def _address(name: str) -> str:
    return name.rpartition("@")[2]


def _simple(outcome: str) -> str:
    return outcome if outcome in {"passed", "not_applicable"} else "failed"


def _asked(bundle: Path, run: Mapping[str, Any], host: Mapping[str, Any]) -> list[tuple[str, int]]:
    needed = {
        number
        for result in run["results"]
        if result["host"] == host["name"]
        for number in result["observations"]
    }
    lines = (bundle / host["transcript"]).read_text(encoding="utf-8").splitlines()
    entries = [json.loads(line) for line in lines]
    return [
        (_text(entry["command"]), entry["exit_status"])
        for entry in entries
        if entry["number"] in needed and entry["exit_status"] is not None
    ]


def _text(value: str | Mapping[str, str]) -> str:
    if isinstance(value, str):
        return value
    return base64.b64decode(value["base64"]).decode("utf-8", "surrogateescape")
