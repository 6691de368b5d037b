"""Read an earlier run to compare with: `run.json` alone, without transcripts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from pytest_aisec.errors import EvidenceError, UsageProblem
from pytest_aisec.evidence import bundle, files, manifest
from pytest_aisec.evidence.versions import UnknownVersion
from pytest_aisec.judge import findings
from pytest_aisec.judge.run import Result, Run


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
    content = _content(path, file)
    digest = hashlib.sha256(content).hexdigest()
    if path.is_dir() and (path / manifest.NAME).exists():
        _check_manifest(path, digest)
    try:
        run = bundle.parse(content, file).run
    except EvidenceError as error:
        raise UsageProblem(str(error)) from None
    if not run.is_complete():
        raise UsageProblem(f"{file}: not every planned control has exactly one result on every host")
    if not any(result.findings for result in run.results):
        run = findings.attach(run)
    return Baseline(run=replace(run, results=tuple(map(_slim, run.results))), sha256=digest)


def _content(path: Path, file: Path) -> bytes:
    if not (file.exists() or file.is_symlink()):
        raise UsageProblem(f"{file}: there is no such file; give a bundle or its run.json")
    try:
        if path != file:
            files.check(path)
    except EvidenceError as error:
        raise UsageProblem(str(error)) from None
    try:
        return files.read_named(file) if path == file else files.read(path, "run.json")
    except EvidenceError as error:
        raise UsageProblem(f"{path}{': ' if path == file else '/'}{error}") from None


def _check_manifest(directory: Path, digest: str) -> None:
    file = directory / manifest.NAME
    try:
        expected = manifest.read(directory).files.get("run.json")
    except UnknownVersion as error:
        raise UsageProblem(f"{directory}/{error}") from None
    except EvidenceError:
        expected = None
    if expected is None:
        raise UsageProblem(f"{file}: is not a manifest of a bundle")
    if expected != digest:
        raise UsageProblem(f"{directory / 'run.json'}: has been changed: it is not what {manifest.NAME} says")


def _slim(result: Result) -> Result:
    kept = tuple(result.findings)
    return replace(result, message="", expected=None, observed=None, observations=(), findings=kept)
