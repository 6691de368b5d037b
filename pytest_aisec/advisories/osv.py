"""Read OSV records (https://ossf.github.io/osv-schema/) as far as an audit of Python packages needs them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from packaging.utils import canonicalize_name

from pytest_aisec.advisories.cvss import base_score
from pytest_aisec.advisories.versions import Event, Match, Read, any_of, in_list, in_range, read_version

__all__ = ["Advisory", "join", "modified", "read_record"]

_BANDS = {"LOW": 0.1, "MODERATE": 4.0, "MEDIUM": 4.0, "HIGH": 7.0, "CRITICAL": 9.0}
"""Where a record has a word and no vector: the least score of that word's band."""


_MOST_COMPARED = 1_000_000
"""Versions of a record times the ends of its ranges."""


@dataclass(frozen=True, kw_only=True)
class Advisory:
    """Statement of one record about one package."""

    id: str
    package: str
    """Canonical name."""
    aliases: tuple[str, ...] = ()
    score: float | None = None
    """The highest CVSS base score, or the least of its severity's band; `None` where there is neither."""
    is_malicious: bool = False
    """Whether the release itself is the attack (`MAL-` records)."""
    ranges: tuple[tuple[Event, ...], ...] = ()
    versions: tuple[str, ...] = ()
    """Versions listed as affected that no range holds."""

    @property
    def names(self) -> tuple[str, ...]:
        """Its id and all aliases."""
        return (self.id, *self.aliases)

    @property
    def names_versions(self) -> bool:
        """Whether it says which versions are affected."""
        return bool(self.ranges or self.versions)

    def match(self, one: Read) -> Match:
        """Tell whether the version is affected; `UNCLEAR` also where the record names no versions."""
        if not self.names_versions:
            return Match.UNCLEAR
        return any_of([*(in_range(events, one) for events in self.ranges), in_list(self.versions, one)])

    @property
    def bounds(self) -> str:
        """The affected versions, for people, with bounds that had to be read as something else."""
        if not self.names_versions:
            return "names no versions"
        parts = [
            " ".join(filter(None, (_event(kind, text) for kind, text in events))) for events in self.ranges
        ]
        if self.versions:
            more = f" and {len(self.versions) - 3} more" if len(self.versions) > 3 else ""
            parts.append(f"listed: {', '.join(self.versions[:3])}{more}")
        return "; ".join(part for part in parts if part) or "every version"


def _event(kind: str, text: str) -> str:
    if kind == "introduced":
        return "" if text == "0" else f"from {_shown(text)}"
    words = {
        "fixed": "fixed in",
        "not_known": "before",
        "last_affected": "up to",
        "last_known": "at least up to",
        "limit": "nothing is said from",
    }
    return f"{words[kind]} {_shown(text)}"


def _shown(text: str) -> str:
    read = read_version(text)
    if read.has_local:
        return f"{text} (read as {read.version})"
    if not read.is_coerced:
        return text
    return f"{text!r} (read as {read.version})" if read.version else f"{text!r} (no version)"


def modified(record: Mapping[str, Any]) -> datetime | None:
    """Return when a record was last changed, UTC; `None` where it does not say."""
    return _moment(record.get("modified"))


def _moment(value: Any) -> datetime | None:
    try:
        when = datetime.fromisoformat(value if isinstance(value, str) else "")
        return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def read_record(record: Mapping[str, Any], *, now: datetime, ecosystem: str = "PyPI") -> list[Advisory]:
    """Return what a record says about packages of the `ecosystem`; nothing when it was withdrawn.

    Args:
        record: the record.
        now: when it is read, UTC: what will be withdrawn later still counts, and so does what was at no time.
        ecosystem: of the packages.

    Raises:
        ValueError: when it is no OSV record.

    """
    name = record.get("id")
    if not isinstance(name, str) or not name or not isinstance(record.get("affected", []), list):
        raise ValueError("no OSV record: it has no id, or its affected packages are no list")
    withdrawn = _moment(record.get("withdrawn"))
    if withdrawn is not None and withdrawn <= now:
        return []
    found: dict[str, list[Advisory]] = {}
    for affected in record.get("affected") or []:
        package = affected.get("package") if isinstance(affected, dict) else None
        if not isinstance(package, dict) or not _is_of(package, ecosystem):
            continue
        one = _read_affected(record, affected, canonicalize_name(str(package.get("name", "")).strip()))
        found.setdefault(one.package, []).append(one)
    return [join(parts) for parts in found.values()]


def _is_of(package: Mapping[str, Any], ecosystem: str) -> bool:
    """Tell whether a package is of an ecosystem, whose name may have a release behind a colon."""
    return str(package.get("ecosystem")).partition(":")[0].strip().casefold() == ecosystem.casefold()


def _read_affected(record: Mapping[str, Any], affected: Mapping[str, Any], package: str) -> Advisory:
    ranges = []
    for one in _list(affected.get("ranges")):
        if not isinstance(one, dict) or one.get("type") not in {"ECOSYSTEM", "SEMVER"}:
            continue
        events = [
            (str(kind), str(text))
            for event in _list(one.get("events"))
            if isinstance(event, dict)
            for kind, text in event.items()
            if kind in {"introduced", "fixed", "last_affected", "limit"}
        ]
        if events:
            ranges.append((*events, *_last_known(events, affected)))
    listed = [str(one) for one in _list(affected.get("versions"))]
    if len(listed) * sum(map(len, ranges)) > _MOST_COMPARED:
        raise ValueError("no OSV record: it has more versions and ranges than any")
    beyond = [
        one
        for one in listed
        if any_of(in_range(events, read_version(one)) for events in ranges) is not Match.YES
    ]
    return Advisory(
        id=str(record["id"]),
        package=package,
        aliases=tuple(str(one) for one in _list(record.get("aliases"))),
        score=_score(record, affected),
        is_malicious=str(record["id"]).startswith("MAL-"),
        ranges=tuple(ranges),
        versions=tuple(beyond),
    )


def _last_known(events: list[Event], affected: Mapping[str, Any]) -> list[Event]:
    """Return the end that GitHub's advisories give beside a range without one: `<= 1.4.1` or `< 2.0`."""
    table = affected.get("database_specific")
    hint = table.get("last_known_affected_version_range") if isinstance(table, dict) else None
    match = re.fullmatch(r"\s*(<=?)\s*(\S+)\s*", hint) if isinstance(hint, str) else None
    if match is None or any(kind != "introduced" for kind, _ in events):
        return []
    return [("last_known" if match[1] == "<=" else "not_known", match[2])]


def join(parts: Sequence[Advisory]) -> Advisory:
    """Return one advisory for what a record says about a package in several places."""
    first = parts[0]
    if len(parts) == 1:
        return first
    # Where one of them names no versions, what it means is not known: an end without a beginning says so.
    vague = [part for part in parts if not part.names_versions]
    scores = [part.score for part in parts if part.score is not None]
    return Advisory(
        id=first.id,
        package=first.package,
        aliases=tuple(dict.fromkeys(name for part in parts for name in part.aliases)),
        score=max(scores, default=None),
        is_malicious=first.is_malicious,
        ranges=(
            *(events for part in parts for events in part.ranges),
            *((("introduced", "unknown"),) for _ in vague[:1]),
        ),
        versions=tuple(dict.fromkeys(one for part in parts for one in part.versions)),
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _score(record: Mapping[str, Any], affected: Mapping[str, Any]) -> float | None:
    vectors = [
        str(one.get("score", ""))
        for one in [*_list(record.get("severity")), *_list(affected.get("severity"))]
        if isinstance(one, dict)
    ]
    scores = [score for score in map(base_score, vectors) if score is not None]
    if scores:
        return max(scores)
    words: Iterable[Any] = (
        table.get("severity")
        for table in (record.get("database_specific"), affected.get("database_specific"))
        if isinstance(table, dict)
    )
    return max((_BANDS[word] for word in words if isinstance(word, str) and word in _BANDS), default=None)
