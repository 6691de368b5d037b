from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_aisec.catalog.content import content_root, content_roots
from pytest_aisec.errors import UsageProblem


def test_our_own_content_holds_controls_and_profiles() -> None:
    assert content_root().controls.is_dir()
    assert content_root().profiles.is_dir()


def test_our_own_content_comes_first_and_each_root_once(content: Any) -> None:
    again = content.path / ".." / content.path.name
    assert [content_root().path, content.path] == [
        root.path for root in content_roots([content.path, content_root().path, again])
    ]


def test_a_directory_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="there is no such directory"):
        content_roots([tmp_path / "absent"])


def test_a_directory_without_content_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="neither a controls/ nor a profiles/ directory"):
        content_roots([tmp_path])
