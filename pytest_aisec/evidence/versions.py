"""Versions of what a bundle holds, and how data of an earlier version becomes data of the current one.

Each change of shape raises the version of what changed. The upgrade from the version before, a pure function
on JSON data, stays: bundles of every version since the first are read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_aisec.errors import EvidenceError
from pytest_aisec.judge.run import SCHEMA_VERSION

Data = dict[str, Any]
"""A JSON object, as it was read."""
_VERSION = re.compile(r"(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})")
_SHOWN = 40
FIRST = "1.0"


class UnknownVersion(EvidenceError):
    """A newer version, which is not read; the message names file, value and what this program reads."""


class NoVersion(ValueError):
    """A value that no program wrote as a version, or none at all."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """The shape of one file, or of several that are alike."""

    file: str
    """Where its version stands."""
    current: str
    """The version that is written."""
    upgrades: Mapping[str, Callable[[Data], Data]] = field(default_factory=dict)
    """Earlier version → what makes data of the next one of it, the earliest first."""
    key: str = "schema_version"
    unwritten: str = ""
    """The version of data that names none; empty where each names one."""

    @property
    def versions(self) -> tuple[str, ...]:
        """Every version that is read, the earliest first."""
        return (*self.upgrades, self.current)

    @property
    def stamp(self) -> Data:
        """What data that is written begins with."""
        return {self.key: self.current}

    def version(self, data: Mapping[str, Any]) -> str:
        """Return the version of `data`, an object of JSON.

        Raises:
            UnknownVersion: when it is a newer one.
            NoVersion: when it is none, or missing.
            TypeError: when it is no object.

        """
        if not isinstance(data, dict):
            raise TypeError("it is no object")
        if self.key not in data and self.unwritten:
            return self.unwritten
        if self.key not in data:
            raise NoVersion(f"it has no {self.key}, and {self._known()}")
        found = data[self.key]
        if isinstance(found, str) and found in self.versions and found != self.unwritten:
            return found
        said = f"{self.key} is {shown(found)}, and {self._known()}"
        if self._is_newer(found):
            raise UnknownVersion(f"{self.file}: is of a newer version: {said}")
        raise NoVersion(said)

    def upgraded(self, data: Mapping[str, Any]) -> Data:
        """Return `data` in the current version; raise like `version`."""
        version, made = self.version(data), dict(data)
        for upgrade in [*self.upgrades.values()][self.versions.index(version) :]:
            made = upgrade(made)
        return made

    def _known(self) -> str:
        return f"this program reads {', '.join(self.versions)}"

    def _is_newer(self, found: object) -> bool:
        if not isinstance(found, str) or not _VERSION.fullmatch(found):
            return False
        return _order(found) > max(map(_order, self.versions))


def shown(value: object) -> str:
    """Return a value that may be anything, as JSON that is not long."""
    try:
        text = json.dumps(value)
    except ValueError:
        # An int of thousands of digits.
        text = "a very long number"
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _numbered(data: Data) -> Data:
    """From manifest 1.0: neither transcripts nor reports had a number."""
    return {**data, "schema_version": "1.1", "transcript_version": FIRST, "report_layout": 0}


def _without_findings(data: Data) -> Data:
    """From run 1.0: its results had no findings."""
    if any("findings" in item for item in data["results"]):
        raise ValueError("its results have findings, and those of version 1.0 have none")
    results = [{**item, "findings": []} for item in data["results"]]
    return {**data, "schema_version": "1.1", "results": results}


def _named(data: Data) -> Data:
    """From plan 1.0: it named no version."""
    return {**data, "schema_version": "1.1"}


RUN = Shape(file="run.json", current=SCHEMA_VERSION, upgrades={FIRST: _without_findings})
PLAN = Shape(file="inputs/plan.json", current="1.1", upgrades={FIRST: _named}, unwritten=FIRST)
MANIFEST = Shape(file="manifest.json", current="1.1", upgrades={FIRST: _numbered})
TRANSCRIPT = Shape(file="manifest.json", current=FIRST, key="transcript_version")
