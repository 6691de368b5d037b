"""Keys of what the session leaves in pytest's stashes: one place, so that who writes and who reads agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    # Connections begin before anything of that size is loaded.
    from collections.abc import Mapping, Sequence

    from pytest_aisec.catalog.content import ContentRoot
    from pytest_aisec.catalog.plan import PlannedControl
    from pytest_aisec.catalog.settings import Settings
    from pytest_aisec.evidence.signing.keys import Signer
    from pytest_aisec.observe.hosts import Target
    from pytest_aisec.observe.redaction.user_patterns import Patterns
    from pytest_aisec.report.github import Log

ROOTS: pytest.StashKey[tuple[ContentRoot, ...]] = pytest.StashKey()
"""On the configuration: where controls and profiles come from."""
PATHS: pytest.StashKey[list[str]] = pytest.StashKey()
"""On the configuration: what pytest collects."""
SETTINGS: pytest.StashKey[Settings] = pytest.StashKey()
"""On the configuration: the file of settings, where one was asked for."""
MEMBERS: pytest.StashKey[Mapping[str, Sequence[str]]] = pytest.StashKey()
"""On the configuration: group of the settings → names of its hosts."""
TARGETS: pytest.StashKey[list[Target]] = pytest.StashKey()
"""On the configuration: the hosts of the run, once they are known."""
SIGNER: pytest.StashKey[Signer] = pytest.StashKey()
"""On the configuration: what signs the evidence, if something does."""
PATTERNS: pytest.StashKey[Patterns] = pytest.StashKey()
"""On the configuration: the user's patterns of credentials."""
LOG: pytest.StashKey[Log] = pytest.StashKey()
"""On the configuration: the log that GitHub Actions reads, if it does."""

PLANNED: pytest.StashKey[PlannedControl] = pytest.StashKey()
"""On an item: the control that it evaluates."""
TARGET: pytest.StashKey[str] = pytest.StashKey()
"""On an item: the host on which it does."""
