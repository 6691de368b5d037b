"""The user's patterns of credentials, read and compiled."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_aisec.observe.redaction.redact import Own


@dataclass(frozen=True, kw_only=True)
class Patterns:
    """Patterns of the user's, and the files that they are from."""

    own: Sequence[Own] = ()
    sources: Sequence[tuple[str, str]] = ()
    """(name, text) of each file."""

    def and_also(self, other: Patterns) -> Patterns:
        """Return these patterns and those of `other`, each once."""
        own = tuple(dict.fromkeys([*self.own, *other.own]))
        known = {text for _, text in self.sources}
        return Patterns(
            own=own, sources=(*self.sources, *(item for item in other.sources if item[1] not in known))
        )

    def dump(self) -> str:
        """Return a file with all patterns, for `read`."""
        return json.dumps([{"kind": item.kind, "pattern": item.pattern.pattern} for item in self.own])
