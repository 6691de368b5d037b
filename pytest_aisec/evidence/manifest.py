"""The digests of a bundle's files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from pytest_aisec.errors import EvidenceError
from pytest_aisec.evidence import files

NAME = "manifest.json"
SIGNATURES = tuple(
    f"{what}.{kind}.json" for kind in ("intoto", "sigstore") for what in ("attestation", "audit")
)
"""Files that sign the manifest, and therefore are not in it."""


def render(digests: Mapping[str, str]) -> str:
    """Return `manifest.json` for `digests` (path in the bundle → sha256 of the file, hexadecimal)."""
    entries = {path: digests[path] for path in sorted(digests)}
    return json.dumps({"schema_version": "1.0", "algorithm": "sha256", "files": entries}, indent=2) + "\n"


def check(directory: Path) -> list[str]:
    """Return one sentence for each file of the bundle that is not what its manifest says.

    Files that can sign the manifest are taken as they are: see `signatures.check`.
    """
    try:
        found = files.listing(directory)
        if not (NAME in found.files or NAME in found.strange):
            return [f"{NAME}: is missing"]
        text = files.read(directory, NAME)
        entries = files.load_json(text)["files"]
        expected = {str(path): str(digest) for path, digest in entries.items()}
    except EvidenceError as error:
        return [str(error)]
    except (ValueError, KeyError, TypeError, AttributeError):
        return [f"{NAME}: is not a manifest"]
    problems = [] if text == render(expected).encode() else [f"{NAME}: is not as it was written"]
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
