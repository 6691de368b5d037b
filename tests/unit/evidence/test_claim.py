from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from pytest_aisec.errors import EvidenceError
from pytest_aisec.evidence.claim import Claim


def put(claim: Claim, files: Mapping[str, bytes]) -> None:
    """Write a bundle of `files`."""
    for path, content in files.items():
        claim.add(path, [content])
    claim.finish()


def test_a_claim_takes_an_empty_directory(tmp_path: Path) -> None:
    (tmp_path / "e").mkdir()
    put(Claim(tmp_path / "e"), {"a": b"x"})
    assert (tmp_path / "e/a").read_bytes() == b"x"


def test_a_claim_on_a_directory_with_content_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "e").mkdir()
    (tmp_path / "e/old").write_text("")
    with pytest.raises(EvidenceError, match="it is not an empty directory"):
        Claim(tmp_path / "e")
    assert [path.name for path in tmp_path.iterdir()] == ["e"]


def test_a_claim_on_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "e").write_text("")
    with pytest.raises(EvidenceError, match="it is not an empty directory"):
        Claim(tmp_path / "e")


def test_a_claim_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "e").write_text("")
    with pytest.raises(EvidenceError, match="evidence cannot be written"):
        Claim(tmp_path / "e/deeper/still")


def test_a_claim_that_is_released_leaves_nothing(tmp_path: Path) -> None:
    Claim(tmp_path / "a/b/c").release()
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_there_until_all_is(tmp_path: Path) -> None:
    claim = Claim(tmp_path / "e")
    assert not (tmp_path / "e").exists()
    put(claim, {"a": b"x"})
    assert [path.name for path in tmp_path.iterdir()] == ["e"]


def test_a_bundle_that_cannot_be_written_whole_leaves_nothing(tmp_path: Path) -> None:
    claim = Claim(tmp_path / "e")
    with pytest.raises(EvidenceError, match="evidence cannot be written"):
        put(claim, {"a": b"x", "a/b": b"y"})
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_was_taken_meanwhile_is_left_as_it_is(tmp_path: Path) -> None:
    claim = Claim(tmp_path / "e")
    (tmp_path / "e").mkdir()
    (tmp_path / "e/theirs").write_text("x")
    with pytest.raises(EvidenceError, match="evidence cannot be written"):
        put(claim, {"a": b"x"})
    assert os.listdir(tmp_path) == ["e"]  # noqa: PTH208 - names only
    assert (tmp_path / "e/theirs").read_text() == "x"
