"""The ids of the frameworks that controls may refer to.

The lists lie in `framework_ids/`, one file a framework, each with its version and source. Titles are there
only where the source's licence allows. Other packages register frameworks of their own. Reports look up ours
alone: a bundle's are the same wherever they are made again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from pytest_aisec import extensions
from pytest_aisec.errors import UsageProblem, nearest

KEYS: tuple[str, ...] = (
    "atlas_mitigations",
    "atlas_techniques",
    "cis_v8_1",
    "eu_ai_act",
    "iso_27001",
    "iso_42001",
    "nist_800_53",
    "nist_ai_600_1",
    "nist_ai_rmf",
    "nist_csf",
    "owasp_llm",
    "soc2",
)
"""The keys under which a control names framework ids."""


@dataclass(frozen=True, kw_only=True)
class Framework:
    """One framework and its ids."""

    key: str
    title: str
    version: str
    source: str
    """Where the ids come from, and under which terms."""
    ids: Mapping[str, str | None]
    """Id → title, `None` where the title may not be reproduced."""
    withdrawn: frozenset[str]
    """Ids that the framework itself has withdrawn; controls may not use them."""


@cache
def framework(key: str) -> Framework:
    """Return the framework of ours `key`; raise `UsageProblem` when there is none of that key."""
    if key not in KEYS:
        raise UsageProblem(f"unknown framework {key!r}. {nearest(key, KEYS)}")
    text = resources.files(__package__).joinpath("framework_ids", f"{key}.json").read_text(encoding="utf-8")
    return _made(key, json.loads(text))


def is_known(key: str) -> bool:
    """Tell whether there is a framework `key`, of ours or of another package."""
    return key in KEYS or key in extensions.names("frameworks")


@cache
def known(key: str) -> Framework:
    """Return the framework `key`, of ours or of another package; raise `UsageProblem` when there is none."""
    if key in KEYS:
        return framework(key)
    others = extensions.names("frameworks")
    if key not in others:
        raise UsageProblem(f"unknown framework {key!r}. {nearest(key, [*KEYS, *others])}")
    try:
        return _made(key, extensions.load("frameworks", key))
    except (KeyError, TypeError) as error:
        raise UsageProblem(
            f"framework {key!r} of another package is no table with title, version, source, ids and "
            f"withdrawn: {error!r}"
        ) from None


def _made(key: str, data: Mapping[str, Any]) -> Framework:
    return Framework(
        key=key,
        title=data["title"],
        version=data["version"],
        source=data["source"],
        ids=data["ids"],
        withdrawn=frozenset(data["withdrawn"]),
    )


def check(key: str, ids: Sequence[str]) -> None:
    """Raise `UsageProblem` unless `key` is a framework and all `ids` are in it; name the nearest."""
    found = known(key)
    if isinstance(ids, str):
        raise UsageProblem(f"{key}: ids are a list, got the string {ids!r}")
    for wrong in ids:
        if wrong in found.withdrawn:
            raise UsageProblem(f"{key}: {wrong} was withdrawn by {found.title} {found.version}")
        if wrong not in found.ids:
            raise UsageProblem(f"{key}: unknown id {wrong!r}. {nearest(str(wrong), found.ids)}")
