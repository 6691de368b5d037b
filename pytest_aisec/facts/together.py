"""Ask questions that do not depend on one another in one wave."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pytest_aisec.observe.backend import Pending

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["together"]


def together(host: Host, commands: Sequence[tuple[str, ...]]) -> list[Any]:
    """Return the results of `commands`, each a command with the arguments that are quoted into it.

    While the collector looks for questions, all are put before the first stops the control. The first that
    cannot be answered raises what `host.run` raises.
    """
    results: list[Any] = []
    waiting: Pending | None = None
    for command in commands:
        try:
            results.append(host.run(*command))
        except Pending as question:
            waiting = waiting or question
    if waiting is not None:
        raise waiting
    return results
