"""Keys of what the session leaves in pytest's stashes: one place, so that who writes and who reads agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    # Connections begin before anything of that size is loaded.
    from pytest_aisec.catalog.content import ContentRoot
    from pytest_aisec.catalog.plan import PlannedControl
    from pytest_aisec.catalog.settings import Settings
    from pytest_aisec.session.modules import Rewriter

ROOTS: pytest.StashKey[tuple[ContentRoot, ...]] = pytest.StashKey()
"""On the configuration: where controls and profiles come from."""
PATHS: pytest.StashKey[list[str]] = pytest.StashKey()
"""On the configuration: what pytest collects."""
SETTINGS: pytest.StashKey[Settings] = pytest.StashKey()
"""On the configuration: the file of settings, where one was asked for."""
REWRITER: pytest.StashKey[Rewriter] = pytest.StashKey()
"""On the configuration: what has executed the control files."""

PLANNED: pytest.StashKey[PlannedControl] = pytest.StashKey()
"""On an item: the control that it evaluates."""
TARGET: pytest.StashKey[str] = pytest.StashKey()
"""On an item: the host on which it does."""
