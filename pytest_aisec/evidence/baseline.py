"""Read an earlier run to compare with: `run.json` alone, without transcripts."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path

from pytest_aisec.errors import EvidenceError, UsageProblem
from pytest_aisec.evidence import bundle, manifest
from pytest_aisec.judge.run import SCHEMA_VERSION, Result, Run

_MOST = 512 * 1024 * 1024
"""Bytes of a `run.json`: enough for some thousands of hosts."""


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """A run, and the digest of its `run.json`."""

    run: Run
    sha256: str


def read(path: Path) -> Baseline:
    """Return the run of a bundle or of a `run.json`; what its results say in words is left out.

    Raises:
        UsageProblem: when it is no run, is too large, is not what the bundle's manifest says, or has other
            results than one for each control and host; it names the file.

    """
    file = path / "run.json" if path.is_dir() else path
    content = _content(file)
    digest = hashlib.sha256(content).hexdigest()
    if path.is_dir() and (path / manifest.NAME).exists():
        _check_manifest(path, digest)
    try:
        run = bundle.parse(content, file).run
    except EvidenceError as error:
        raise UsageProblem(str(error)) from None
    if run.schema_version.partition(".")[0] != SCHEMA_VERSION.partition(".")[0]:
        raise UsageProblem(f"{file}: has schema version {run.schema_version!r}, and not {SCHEMA_VERSION!r}")
    pairs = sorted((item.host, item.control) for item in run.results)
    if pairs != sorted(run.planned()):
        raise UsageProblem(f"{file}: not every planned control has exactly one result on every host")
    return Baseline(run=replace(run, results=tuple(map(_slim, run.results))), sha256=digest)


def _content(file: Path) -> bytes:
    if not file.is_file():
        raise UsageProblem(f"{file}: there is no such file; give a bundle or its run.json")
    try:
        with file.open("rb") as stream:
            content = stream.read(_MOST + 1)
    except OSError as error:
        raise UsageProblem(f"{file}: cannot be read: {error.strerror}") from None
    if len(content) > _MOST:
        raise UsageProblem(f"{file}: has more than {_MOST // 1024**2} MiB")
    return content


def _check_manifest(directory: Path, digest: str) -> None:
    file = directory / manifest.NAME
    try:
        with file.open("rb") as stream:
            expected = json.loads(stream.read(_MOST))["files"]["run.json"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise UsageProblem(f"{file}: is not a manifest of a bundle") from None
    if expected != digest:
        raise UsageProblem(f"{directory / 'run.json'}: has been changed: it is not what {manifest.NAME} says")


def _slim(result: Result) -> Result:
    return replace(result, message="", expected=None, observed=None, observations=())
