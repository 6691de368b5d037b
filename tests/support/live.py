"""Which scenarios are proved live in this run, and what becomes of their recordings.

`AISEC_LAB=all` proves all of them. Otherwise these are proved: those without a recording that counts, one pass
and one fail of every control, and a tenth of the rest. Which ones of several changes with `AISEC_LAB_SEED`, by
default the day. What was proved becomes the recording where there was none that counts; where there was one,
the outcomes must be the same. `AISEC_RECORD=all` makes new recordings of all that is proved.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from pytest_aisec.catalog.content import content_root
from pytest_aisec.testing import proven, recordings
from pytest_aisec.testing.proofs import Proof
from tests.support import scenarios
from tests.support.scenarios import AnyScenario

MODES = ("some", "all")
SPOOL = "AISEC_RECORDINGS_SPOOL"
"""Environment variable with the directory in which the processes of a run leave what they recorded."""


def mode() -> str:
    """Return what `AISEC_LAB` says; raise ValueError for what it cannot say."""
    found = os.environ.get("AISEC_LAB") or MODES[0]
    if found not in MODES:
        raise ValueError(f"AISEC_LAB={found}: is not one of {', '.join(MODES)}")
    return found


def seed() -> str:
    """Return what chooses among scenarios."""
    return os.environ.get("AISEC_LAB_SEED") or datetime.now(UTC).date().isoformat()


def choose(found: Iterable[AnyScenario], by: str) -> dict[str, str]:
    """Return the scenarios to prove live, by id, each with the reason."""
    order = random.Random(by)
    given = sorted(found, key=lambda item: item.id)
    order.shuffle(given)
    chosen = {item.id: "changed" for item in given if scenarios.why_out_of_date(item)}
    for outcome, why in (("passed", "one pass of each control"), ("failed", "one fail of each control")):
        for item in {item.control: item for item in given if item.outcome == outcome}.values():
            chosen.setdefault(item.id, why)
    rest = [item for item in given if item.id not in chosen]
    chosen |= {item.id: "a tenth of the rest" for item in rest[: -(-len(rest) // 10)]}
    return chosen


def part(found: Iterable[AnyScenario], of: int) -> set[str]:
    """Return the ids of those that are proved in full: all with `AISEC_LAB=all`, else changed ones and one in `of`."""
    given = sorted(found, key=lambda item: item.id)
    if mode() == "all":
        return {item.id for item in given}
    chosen = random.Random(seed()).sample(given, -(-len(given) // of))
    return {item.id for item in given if item in chosen or scenarios.why_out_of_date(item)}


def describe(chosen: dict[str, str], of: int) -> str:
    """Return the line that a run says of its choice."""
    counts = Counter(chosen.values())
    parts = ", ".join(f"{number} {why}" for why, number in sorted(counts.items()))
    return f"{len(chosen)} of {of} scenarios are proved live: {parts} (AISEC_LAB_SEED={seed()})"


def keep(proof: Proof) -> None:
    """Compare a proof with its recording, or leave it to become one."""
    scenario = proof.scenario
    fresh = recordings.of_proof(proof, scenarios.rests_on(scenario))
    if not scenarios.why_out_of_date(scenario) and os.environ.get("AISEC_RECORD") != "all":
        before = scenarios.recording_of(scenario)
        wrong = recordings.differences(before, fresh) if before else []
        assert wrong == [], (
            f"{scenario.id} came out otherwise than recorded, though nothing that it rests on has changed: {wrong};"
            " AISEC_RECORD=all replaces the recording"
        )
        return
    if SPOOL in os.environ:
        entry = {"control": scenario.control, "recording": recordings.to_json(fresh)}
        name = hashlib.sha256(scenario.id.encode()).hexdigest()
        Path(os.environ[SPOOL], name).write_text(json.dumps(entry), encoding="utf-8")


def open_spool() -> None:
    """Make the directory for what this run records; processes that it starts find it."""
    os.environ[SPOOL] = tempfile.mkdtemp(prefix="aisec-recordings-")


def close_spool() -> list[str]:
    """Put what was recorded into the files of the controls; return the ids of those that changed."""
    spool = Path(os.environ.pop(SPOOL))
    fresh: dict[str, list[recordings.Recording]] = {}
    for path in sorted(spool.iterdir()):
        entry = json.loads(path.read_text(encoding="utf-8"))
        fresh.setdefault(entry["control"], []).append(recordings.from_json(entry["recording"]))
    shutil.rmtree(spool)
    names: dict[str, list[str]] = {}
    for item in scenarios.everything():
        names.setdefault(item.control, []).append(item.path.name)
    changed = [
        control
        for control, found in fresh.items()
        if recordings.merge(scenarios.RECORDINGS, control, found, names.get(control, []))
    ]
    if changed:
        proven.write(scenarios.RECORDINGS, content_root().controls)
    return changed
