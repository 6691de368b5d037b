"""Real Linux hosts, container engines and broken network addresses for tests, all on one machine.

Start at :class:`pytest_aisec.testing.labkit.lab.Lab`.
"""

from __future__ import annotations

from .errors import LabError, LabUnavailableError

__all__ = ["LabError", "LabUnavailableError"]
