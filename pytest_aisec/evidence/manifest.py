"""The digests of a bundle's files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

NAME = "manifest.json"


def render(digests: Mapping[str, str]) -> str:
    """Return `manifest.json` for `digests` (path in the bundle → sha256 of the file, hexadecimal)."""
    entries = {path: digests[path] for path in sorted(digests)}
    return json.dumps({"schema_version": "1.0", "algorithm": "sha256", "files": entries}, indent=2) + "\n"


def check(directory: Path) -> list[str]:
    """Return one sentence for each file of the bundle that is not what its manifest says."""
    try:
        entries = json.loads((directory / NAME).read_text(encoding="utf-8"))["files"]
        expected = {str(path): str(digest) for path, digest in entries.items()}
    except FileNotFoundError:
        return [f"{NAME}: is missing"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return [f"{NAME}: is not a manifest"]
    found = {
        str(path.relative_to(directory)): path
        for path in directory.rglob("*")
        if path.is_symlink() or not path.is_dir()
    }
    problems = [f"{path}: is not in the manifest" for path in sorted(set(found) - set(expected) - {NAME})]
    for path, digest in sorted(expected.items()):
        if path not in found:
            problems.append(f"{path}: is missing")
        elif _digest(found[path]) != digest:
            problems.append(f"{path}: has been changed")
    return problems


def _digest(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None
