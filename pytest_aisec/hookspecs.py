"""The hooks that other plugins may implement."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest


@pytest.hookspec
def pytest_aisec_content_dirs() -> Sequence[Path]:  # type: ignore[empty-body]
    """Return directories that hold `controls/` or `profiles/` of one's own."""
