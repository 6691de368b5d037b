"""Real Linux hosts, container engines and broken network addresses for tests, all on one machine.

Start at :class:`labkit.lab.Lab`.
"""

from __future__ import annotations

from labkit.errors import LabError, LabUnavailableError

__all__ = ["LabError", "LabUnavailableError"]
