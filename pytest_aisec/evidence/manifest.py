"""The digests of a bundle's files, and by which versions they were made."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_aisec.errors import EvidenceError
from pytest_aisec.evidence import files, versions
from pytest_aisec.evidence.versions import NoVersion, UnknownVersion
from pytest_aisec.report.layout import LAYOUT

NAME = versions.MANIFEST.file
SIGNATURES = tuple(
    f"{what}.{kind}.json" for kind in ("intoto", "sigstore") for what in ("attestation", "audit")
)
"""Files that sign the manifest, and therefore are not in it."""
_FIELDS = {
    "1.0": ("schema_version", "algorithm", "files"),
    "1.1": ("schema_version", "algorithm", "transcript_version", "report_layout", "own_sha256", "files"),
}
"""By version, what a manifest holds, in its order."""
_LARGEST = 10**9


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """Contents of `manifest.json`."""

    version: str
    """As it was written."""
    layout: int
    """Of the reports; 0 where it was not written yet."""
    files: Mapping[str, str]
    """Path in the bundle → SHA-256 of the file, hexadecimal."""
    is_as_written: bool
    """True if it is, to the byte, what a program wrote for this content."""


def render(digests: Mapping[str, str]) -> str:
    """Return `manifest.json` for `digests` (path in the bundle → sha256 of the file, hexadecimal)."""
    data = {
        "schema_version": versions.MANIFEST.current,
        "algorithm": "sha256",
        "transcript_version": versions.TRANSCRIPT.current,
        "report_layout": LAYOUT,
        _OWN: "",
        "files": {path: digests[path] for path in sorted(digests)},
    }
    return _text({**data, _OWN: hashlib.sha256(_text(data).encode()).hexdigest()})


_OWN = "own_sha256"
"""Of the manifest, with nothing in its place: without a signature, nothing else tells of a flipped bit."""


def _is_damaged(content: bytes, written: Mapping[str, Any]) -> bool:
    own = written.get(_OWN, "")
    if own == "":
        return _OWN in written
    rest = content.replace(str(own).encode(), b"", 1)
    return bool(hashlib.sha256(rest).hexdigest() != own)


def _text(data: Mapping[str, Any]) -> str:
    return json.dumps(data, indent=2) + "\n"


def read(directory: Path) -> Manifest:
    """Return the manifest of a bundle, of whichever version it is.

    Raises:
        UnknownVersion: when it is of a newer version, or its transcripts are.
        EvidenceError: when it is missing or no manifest.

    """
    content = files.read(directory, NAME)
    is_damaged = False
    try:
        written = files.load_json(content)
        is_damaged = _is_damaged(content, written)
        entries = {str(path): str(digest) for path, digest in written["files"].items()}
        data = versions.MANIFEST.upgraded(written)
        version = versions.MANIFEST.version(written)
        is_ordered = tuple(written) == _FIELDS[version] and written["algorithm"] == "sha256"
        canonical = _text({**written, "files": dict(sorted(entries.items()))}).encode()
        versions.TRANSCRIPT.version(data)
        layout = _layout(data["report_layout"], least=0 if version == versions.FIRST else 1)
    except UnknownVersion:
        if is_damaged:
            raise EvidenceError(f"{NAME}: is not as it was written") from None
        raise
    except NoVersion as error:
        raise EvidenceError(f"{NAME}: is not a manifest: {error}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise EvidenceError(f"{NAME}: is not a manifest") from None
    return Manifest(
        version=version,
        layout=layout,
        files=entries,
        is_as_written=is_ordered and canonical == content and not is_damaged,
    )


def _layout(value: object, *, least: int) -> int:
    if type(value) is int and least <= value < _LARGEST:
        return value
    raise NoVersion(f"report_layout is {versions.shown(value)}, and that is no number of a layout")


def check(directory: Path) -> list[str]:
    """Return one sentence for each file of the bundle that is not what its manifest says.

    Files that can sign the manifest are taken as they are: see `signatures.check`.
    """
    try:
        found = files.listing(directory)
        if not (NAME in found.files or NAME in found.strange):
            return [f"{NAME}: is missing"]
        manifest = read(directory)
    except EvidenceError as error:
        return [str(error)]
    expected = manifest.files
    problems = [] if manifest.is_as_written else [f"{NAME}: is not as it was written"]
    added = found.files - expected.keys() - {NAME, *SIGNATURES}
    problems += [f"{path}: is not in the manifest" for path in sorted(added)]
    problems += found.problems()
    for path, should in sorted(expected.items()):
        if path in found.strange:
            continue
        if path not in found.files:
            problems.append(f"{path}: is missing")
        elif digest(directory, path) != should:
            problems.append(f"{path}: has been changed")
    return problems


def digest(directory: Path, name: str) -> str | None:
    """Return the SHA-256 of a file of a bundle, hexadecimal; `None` where it cannot be read."""
    try:
        with files.opened(directory, name) as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except (EvidenceError, OSError):
        return None
