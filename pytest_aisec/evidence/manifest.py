"""The digests of a bundle's files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

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
        text = (directory / NAME).read_text(encoding="utf-8")
        entries = json.loads(text)["files"]
        expected = {str(path): str(digest) for path, digest in entries.items()}
    except FileNotFoundError:
        return [f"{NAME}: is missing"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return [f"{NAME}: is not a manifest"]
    problems = [] if text == render(expected) else [f"{NAME}: is not as it was written"]
    found = {
        str(path.relative_to(directory)): path
        for path in directory.rglob("*")
        if path.is_symlink() or not path.is_dir()
    }
    allowed = {NAME, *(name for name in SIGNATURES if name in found and not found[name].is_symlink())}
    problems += [f"{path}: is not in the manifest" for path in sorted(set(found) - set(expected) - allowed)]
    for path, should in sorted(expected.items()):
        if path not in found:
            problems.append(f"{path}: is missing")
        elif digest(found[path]) != should:
            problems.append(f"{path}: has been changed")
    return problems


def digest(path: Path) -> str | None:
    """Return the SHA-256 of a file, hexadecimal; `None` where it cannot be read."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return None
