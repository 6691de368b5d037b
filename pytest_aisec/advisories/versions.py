"""Does a version lie in a range, when neither has to be one of PEP 440: yes, no, or nobody can tell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from packaging.version import InvalidVersion, Version

__all__ = ["Event", "Match", "Read", "any_of", "in_list", "in_range", "read_version"]

Event = tuple[str, str]
"""`introduced`, `fixed` or `last_affected`, and a version, as in OSV; or `last_known` or `not_known`.

`last_known` is a version that is affected, `not_known` one that is perhaps not; nobody has said of later ones
whether they are.
"""

_LEADING = re.compile(r"\s*v?(\d{1,9}(?:\.\d{1,9}){0,8}(?:(?:a|b|rc)\d{1,6})?)(?![\d.])", re.IGNORECASE)


class Match(StrEnum):
    """Whether a version is affected."""

    YES = "affected"
    NO = "not affected"
    UNCLEAR = "unclear"
    """The version or the bounds do not tell."""


@dataclass(frozen=True, kw_only=True)
class Read:
    """A version as it was written, and what it was read as."""

    text: str
    version: Version | None
    """Without the local part; `None` where nothing of it is a version."""
    is_coerced: bool
    """Whether only its beginning could be read, as of `2.6.0-NA`."""
    has_local: bool
    """Whether it had a local part, such as that of `2.6.0+cu124`."""

    @property
    def is_build(self) -> bool:
        """Whether it is a snapshot that somebody built, such as `2.6.0a0+nv25.1`.

        What it holds of the release that it is named after, its version does not say.
        """
        return self.has_local and self.version is not None and self.version.is_prerelease

    @property
    def release(self) -> tuple[int, ...]:
        """Epoch and release numbers without zeros at the end."""
        if self.version is None:
            return ()
        numbers = [self.version.epoch, *self.version.release]
        while len(numbers) > 1 and numbers[-1] == 0:
            numbers.pop()
        return tuple(numbers)


@lru_cache(maxsize=65536)
def read_version(text: str) -> Read:
    """Return what `text` says; never fails."""
    try:
        version = Version(text)
    except InvalidVersion:
        match = _LEADING.match(text)
        begins = Version(match[1]) if match else None
        return Read(text=text, version=begins, is_coerced=True, has_local=False)
    public = Version(version.public) if version.local else version
    return Read(text=text, version=public, is_coerced=False, has_local=bool(version.local))


def _order(one: Read, bound: Read, *, takes_it_in: bool) -> int | None:
    """Return -1, 0 or 1 as `one` is before, at or after `bound`; `None` when nobody can tell.

    Args:
        one: the installed version.
        bound: an end of a range.
        takes_it_in: whether the range ends with the bound: then `2.6.0-NA` and `2.6.0+cu124` mean 2.6.0, too.

    """
    if one.version is None or bound.version is None:
        return None
    if one.release == bound.release:
        is_inexact = bound.is_coerced or bound.has_local
        if one.is_build and not bound.version.is_prerelease:
            return None
        if one.version != bound.version and (one.is_coerced or is_inexact):
            return None
        if one.version == bound.version and is_inexact and not takes_it_in:
            return None
    return (one.version > bound.version) - (one.version < bound.version)


@dataclass(frozen=True, kw_only=True)
class _Span:
    """Versions from a bound to another; no bound means without end."""

    low: Read | None
    high: Read | None = None
    high_is_in: bool = False
    is_clear: bool = True

    def holds(self, one: Read) -> Match:
        low = 1 if self.low is None else _order(one, self.low, takes_it_in=False)
        high = -1 if self.high is None else _order(one, self.high, takes_it_in=self.high_is_in)
        after_low = None if low is None else low >= 0
        before_high = None if high is None else high < 0 or (self.high_is_in and high == 0)
        if after_low is False or before_high is False:
            return Match.NO
        return Match.YES if after_low and before_high and self.is_clear else Match.UNCLEAR


_AT_ONE_VERSION = {"fixed": 0, "not_known": 0, "introduced": 1, "last_affected": 2, "last_known": 2}
_TAKES_IN = {"last_affected", "last_known"}


@lru_cache(maxsize=4096)
def _spans(events: tuple[Event, ...]) -> list[_Span] | None:
    """Return the spans of a range; `None` when a bound is no version at all."""
    bounds: list[tuple[Read | None, str]] = []
    for kind, text in events:
        if kind in _AT_ONE_VERSION:
            bounds.append((None if kind == "introduced" and text == "0" else read_version(text), kind))
    if any(bound is not None and bound.version is None for bound, _ in bounds):
        return None
    floor = Version("0.dev0")
    bounds.sort(
        key=lambda item: (
            item[0] is not None,
            (item[0].version if item[0] else None) or floor,
            _AT_ONE_VERSION[item[1]],
        )
    )
    spans: list[_Span] = []
    is_open, low, before = False, None, None
    for bound, kind in bounds:
        if kind == "introduced":
            if not is_open:
                is_open, low = True, bound
            continue
        # An end without a beginning: what lies before it may be meant, or not.
        start, is_clear = (low, True) if is_open else (before, False)
        spans.append(_Span(low=start, high=bound, high_is_in=kind in _TAKES_IN, is_clear=is_clear))
        if kind in {"last_known", "not_known"}:
            spans.append(_Span(low=bound, is_clear=False))
        is_open, before = False, bound
    if is_open:
        spans.append(_Span(low=low))
    return spans


def in_range(events: Sequence[Event], one: Read) -> Match:
    """Tell whether `one` lies in a range of OSV events."""
    spans = _spans(tuple(events))
    if spans is None or one.version is None:
        return Match.UNCLEAR
    return any_of(span.holds(one) for span in spans)


def in_list(texts: Sequence[str], one: Read) -> Match:
    """Tell whether `one` is among the versions that are listed; local parts do not count."""
    if one.text in texts:
        return Match.YES
    if one.version is None:
        return Match.UNCLEAR if texts else Match.NO
    found = Match.NO
    for other in map(read_version, texts):
        if other.version == one.version:
            return Match.UNCLEAR if one.is_coerced else Match.YES
        if one.is_build and other.release == one.release:
            found = Match.UNCLEAR
    return found


def any_of(matches: Iterable[Match]) -> Match:
    """Return the strongest of some matches: yes before unclear before no."""
    found = set(matches)
    return Match.YES if Match.YES in found else Match.UNCLEAR if Match.UNCLEAR in found else Match.NO
