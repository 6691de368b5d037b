"""The number of the layout of reports, which is another one where reports are."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import pytest

from pytest_aisec.report import layout
from tests import check_versions


def test_reports_are_those_of_their_layout() -> None:
    """Fails when a report has changed; `python tests/check_versions.py --write` raises the number."""
    stored = json.loads(check_versions.STORE.read_text())
    assert [] == check_versions.problems(stored, layout.LAYOUT, check_versions.digests())


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of what the check reads and writes."""
    for name in ("STORE", "SOURCE"):
        copied = shutil.copy(getattr(check_versions, name), tmp_path)
        monkeypatch.setattr(check_versions, name, Path(copied))
    templates = shutil.copytree(check_versions.TEMPLATES, tmp_path / "templates")
    made = check_versions.digests
    monkeypatch.setattr(check_versions, "digests", lambda: made(Path(templates)))
    return tmp_path


def ended(monkeypatch: pytest.MonkeyPatch, *args: str) -> int:
    monkeypatch.setattr(sys, "argv", ["check_versions.py", *args])
    return check_versions.main()


def test_a_changed_template_raises_the_number(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before: a bundle made before the change was called tampered with."""
    assert 0 == ended(monkeypatch)
    template = place / "templates/summary.html.j2"
    template.write_text(template.read_text() + "\n")
    capsys.readouterr()
    assert 1 == ended(monkeypatch)
    said = capsys.readouterr().out
    assert f"templates/summary.html.j2: is not that of report layout {layout.LAYOUT}" in said
    assert "python tests/check_versions.py --write" in said
    assert 0 == ended(monkeypatch, "--write")
    assert [str(layout.LAYOUT + 1)] == re.findall(
        r"^LAYOUT = (\d+)$", (place / "layout.py").read_text(), re.MULTILINE
    )
    assert 0 == ended(monkeypatch)


def test_a_number_that_was_raised_by_hand_needs_digests(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = place / "layout.py"
    source.write_text(check_versions.NUMBER.sub("LAYOUT = 999", source.read_text()))
    assert 1 == ended(monkeypatch)
    assert 0 == ended(monkeypatch, "--write")
    assert "\nLAYOUT = 999\n" in source.read_text()
    assert 999 == json.loads((place / "layout.json").read_text())["layout"]
