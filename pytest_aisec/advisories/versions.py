"""Compare versions with ranges, where neither has to be one of PEP 440: inside, outside, or unknown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from packaging.version import InvalidVersion, Version

__all__ = ["Event", "Match", "Read", "any_of", "in_list", "in_range", "read_version"]

Event = tuple[str, str]
"""`introduced`, `fixed`, `last_affected` or `limit` as in OSV, `last_known` or `not_known`; and a version.

`last_known` is a version that is affected, `not_known` one that is perhaps not; nobody has said of later ones
whether they are.
"""

_LEADING = re.compile(
    r"\s*v?(\d{1,9}(?:\.\d{1,9}){0,8}(?:(?:a|b|rc)\d{1,6})?)(?![\d.])", re.IGNORECASE | re.ASCII
)
_UNFINISHED = re.compile(r"(?:^|[.])(?:alpha|beta|rc|pre|preview|dev|snapshot|nightly)\d*(?:[.]|$)")
"""In a local part: no release, whatever stands before it."""
_COUNTED = re.compile(r"-[0-9]+(?:\+|$)")
"""The first release after another for PEP 440 and for packages, a pre-release for semantic versions."""


class Match(StrEnum):
    """Answer to whether a version is affected."""

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
    is_build: bool = False
    """Whether it is a snapshot that somebody built, such as `2.6.0a0+nv25.1`.

    What it holds of the release that it is named after, its version does not say.
    """
    side: int = 0
    """-1 or 1 where a package manager puts it before or after the release that it begins with.

    That is what `~` says to dpkg and rpm, and `^` to rpm.
    """

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
def read_version(text: str, *, is_program: bool = False) -> Read:
    """Return what `text` says; never fails.

    Args:
        text: the version.
        is_program: whether a program names it, not the metadata of a package: `1.3.6-12` may then be
            before 1.3.6.

    """
    if "really" in text:  # as in 1.19.1+really1.18.0, where Debian took an upgrade back
        return Read(text=text, version=None, is_coerced=True, has_local=False)
    try:
        version = Version(text)
    except InvalidVersion:
        match = _LEADING.match(text)
        begins = Version(match[1]) if match else None
        side = {"~": -1, "^": 1}.get(text[match.end() : match.end() + 1], 0) if match else 0
        return Read(text=text, version=begins, is_coerced=True, has_local=False, side=side)
    public = Version(version.public) if version.local else version
    return Read(
        text=text,
        version=public,
        is_coerced=is_program and bool(_COUNTED.search(text)),
        has_local=bool(version.local),
        is_build=bool(version.local)
        and (public.is_prerelease or bool(_UNFINISHED.search(version.local or ""))),
    )


def _order(one: Read, bound: Read, *, takes_it_in: bool) -> int | None:
    """Return -1, 0 or 1 as `one` is before, at or after `bound`; `None` where that is unknown.

    What is only like a version of PEP 440 is never at a bound of its release: `1.3.6-rc.1-12-g0123456` is
    not 1.3.6, whatever it is.

    Args:
        one: the installed version.
        bound: an end of a range.
        takes_it_in: whether the range ends with the bound: then `2.6.0-NA` and `2.6.0+cu124` mean 2.6.0, too.

    """
    if one.version is None or bound.version is None:
        return None
    if one.release == bound.release:
        is_inexact = bound.is_coerced or bound.has_local
        if one.text == bound.text and takes_it_in:
            return 0
        if one.is_coerced or (one.is_build and not bound.version.is_prerelease):
            return None
        if is_inexact and (one.version != bound.version or not takes_it_in):
            return None
    return (one.version > bound.version) - (one.version < bound.version)


def _is_before(one: Read, end: Read, *, is_in: bool) -> bool | None:
    """Tell whether a package manager puts `one` before the end of a range; `None` where it does not tell.

    dpkg and rpm put what follows `~` before the release. What rpm puts behind it (`^`) has what
    mended the release, and may have what was wrong with it.
    """
    if one.version != end.version or end.is_coerced or end.has_local:
        return None
    return True if one.side < 0 else False if one.side > 0 and not is_in else None


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
        if self.high is not None and before_high is None:
            before_high = _is_before(one, self.high, is_in=self.high_is_in)
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
            is_start = kind == "introduced" and text == "0"
            bounds.append((None if is_start else read_version(text, is_program=True), kind))
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
    found = any_of(span.holds(one) for span in spans)
    within = _within(tuple(text for kind, text in events if kind == "limit"), one)
    return Match.NO if Match.NO in {found, within} else found if within is Match.YES else Match.UNCLEAR


def _within(limits: Sequence[str], one: Read) -> Match:
    """Tell whether a version is before any of the limits of a range, which says nothing of what is not."""
    if not limits or "*" in limits:
        return Match.YES
    return any_of(_Span(low=None, high=read_version(text)).holds(one) for text in limits)


def in_list(texts: Sequence[str], one: Read) -> Match:
    """Tell whether `one` is among the versions that are listed; local parts do not count."""
    if one.text in texts:
        return Match.YES
    if one.version is None:
        return Match.UNCLEAR if texts else Match.NO
    found = Match.NO
    for other in map(read_version, texts):
        if other.version == one.version and not one.is_coerced:
            return Match.YES
        if (one.is_build or one.is_coerced) and other.release == one.release:
            found = Match.UNCLEAR
    return found


def any_of(matches: Iterable[Match]) -> Match:
    """Return the strongest of some matches: yes before unclear before no."""
    found = set(matches)
    return Match.YES if Match.YES in found else Match.UNCLEAR if Match.UNCLEAR in found else Match.NO
