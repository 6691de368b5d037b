"""Scenarios for Windows: the answers of a host, and what its audit must find.

A scenario is a JSON file beside the shell scripts, `<what>.<outcome>.json`:

    {"about": "…", "host": "windows-11-24h2", "params": {}, "reason": "privilege", "answers": {PART: VALUE}}

Its answers are laid over those of the named host in `tests/scenarios/windows/`; see `tests.support.winrm.answers`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_aisec.testing import fingerprints
from pytest_aisec.testing.scenarios import OUTCOMES

LABEL = "played PowerShell answers over HTTP and NTLM; no real Windows"
IMAGE = fingerprints.of_files([Path(__file__).with_name("winrm.py")])
_KEYS = {"about", "host", "params", "reason", "answers"}


@dataclass(frozen=True, kw_only=True)
class WindowsScenario:
    """One file, and what its name says."""

    control: str
    path: Path
    base: Path
    """The answers under those of the scenario."""
    outcome: str
    reason: str
    params: dict[str, Any] = field(default_factory=dict)
    table: dict[str, Any] = field(default_factory=dict)
    user: str = "auditor"
    sudo: bool = False
    active: bool = False
    advisories: Path | None = None

    @property
    def id(self) -> str:
        """How tests name the scenario."""
        return f"{self.control}/{self.path.name}"


def read(path: Path) -> WindowsScenario:
    """Return the scenario of a file; raise `ValueError` when its name or content is wrong."""
    parts = path.name.split(".")
    if len(parts) != 3 or parts[1] not in OUTCOMES:
        raise ValueError(f"{path}: must be named <what>.<{'|'.join(OUTCOMES)}>.json")
    found = json.loads(path.read_text(encoding="utf-8"))
    if set(found) - _KEYS or "host" not in found or "about" not in found:
        raise ValueError(f"{path}: has {sorted(found)}, of {sorted(_KEYS)}")
    if (parts[1] == "error") != ("reason" in found):
        raise ValueError(f"{path}: an error scenario, and no other, names its reason")
    base = path.parent.parent / "windows" / f"{found['host']}.json"
    table = json.loads(base.read_text(encoding="utf-8"))
    unknown = set(found.get("answers", {})) - set(table)
    if unknown:
        raise ValueError(f"{path}: {base.name} has no {sorted(unknown)}")
    return WindowsScenario(
        control=path.parent.name,
        path=path,
        base=base,
        outcome=OUTCOMES[parts[1]],
        reason=found.get("reason", ""),
        params=found.get("params", {}),
        table=table | found.get("answers", {}),
    )


def find(directory: Path) -> Iterator[WindowsScenario]:
    """Yield every scenario for Windows below a `scenarios/` directory."""
    for path in sorted(directory.glob("*-*-*/*.json")):
        yield read(path)
