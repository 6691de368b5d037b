from __future__ import annotations

from pathlib import Path

import pytest

from pytest_aisec.testing import fingerprints, packs, running
from pytest_aisec.testing.running import Tried
from tests.support.local_place import LocalVenue, write_pack


@pytest.fixture
def pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pack, named as one names it from the directory that holds it."""
    write_pack(tmp_path / "pack", tmp_path / "host/srv")
    monkeypatch.chdir(tmp_path)
    return Path("pack")


@pytest.fixture
def prove(tmp_path: Path):
    """Prove a pack on this machine, and keep the recordings."""

    def run(pack: Path, *only: str) -> list[Tried]:
        for kept in (fingerprints._read, fingerprints._of_file):
            kept.cache_clear()
        found = packs.read(pack).narrowed(only)
        tried = list(running.live(found, LocalVenue(tmp_path / "host/srv")))
        running.keep(found, tried, whole=not only)
        return tried

    return run
