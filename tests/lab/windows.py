"""Scenarios for Windows: the answers of a host, and what its audit must find.

A scenario is a JSON file beside the shell scripts, `<what>.<outcome>.json`:

    {"about": "…", "host": "windows-11-24h2", "params": {}, "reason": "privilege", "answers": {PART: VALUE}}

Its answers are laid over those of the named host in `tests/scenarios/windows/`; see `labkit.winrm.answers`.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from labkit.winrm import USER, Endpoint, Look, Player, answers
from scenarios import DIRECTORY, OUTCOMES, Audit, observe

from pytest_aisec.catalog.context import Evaluation
from pytest_aisec.catalog.control import Control
from pytest_aisec.observe.hosts import HostOptions
from pytest_aisec.observe.transports import Limits

_KEYS = {"about", "host", "params", "reason", "answers"}


@dataclass(frozen=True, kw_only=True)
class WindowsScenario:
    """One file, and what its name says."""

    control: str
    path: Path
    outcome: str
    reason: str
    params: dict[str, Any] = field(default_factory=dict)
    table: dict[str, Any] = field(default_factory=dict)

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
    base = DIRECTORY / "windows" / f"{found['host']}.json"
    table = json.loads(base.read_text(encoding="utf-8"))
    unknown = set(found.get("answers", {})) - set(table)
    if unknown:
        raise ValueError(f"{path}: {base.name} has no {sorted(unknown)}")
    return WindowsScenario(
        control=path.parent.name,
        path=path,
        outcome=OUTCOMES[parts[1]],
        reason=found.get("reason", ""),
        params=found.get("params", {}),
        table=table | found.get("answers", {}),
    )


def all_scenarios() -> list[WindowsScenario]:
    """Return every scenario for Windows, by control and name."""
    return [read(path) for path in sorted(DIRECTORY.glob("AISEC-*/*.json"))]


def audit(
    control: Control, scenario: WindowsScenario, look: Look, directory: Path, *, waves: bool = True
) -> Audit:
    """Audit one control on a host that gives the answers of `look`, over HTTP and NTLM."""
    player = Player(look)
    with ExitStack() as stack:
        stack.enter_context(Endpoint(player, directory))
        options = HostOptions(
            hosts=f"winrm://{USER}@127.0.0.1:{player.port}?no_ssl=true", limits=Limits(timeout=20)
        )
        found = observe(control, scenario.params, options, Evaluation(now=datetime.now(UTC)), waves=waves)
    assert player.problems == []
    assert player.open_shells == {}, "a shell was left open"
    return found


__all__ = ["WindowsScenario", "all_scenarios", "answers", "audit", "read"]
