"""Measures of a regular expression: how long its matches are, and whether matching may take forever."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import inf

__all__ = ["Measures", "measure"]

_MANY = 16
"""Repetitions from which on a repeated group must have one length, or matching may take forever."""
_REPEATED = re.compile(
    r"(?:(?P<sign>[*+?])|\{(?P<least>[0-9]*)(?P<comma>,?)(?P<most>[0-9]*)\})(?P<kind>[?+]?)"
)
_ESCAPED = re.compile(
    r"\\(?:(?P<nothing>[AbBZz])|0[0-7]{0,2}|[0-7]{3}|(?P<group>[1-9][0-9]?)|x..|u.{4}|U.{8}|N\{[^}]*\}|.)",
    re.DOTALL,
)
_OPENED = re.compile(
    r"\((?:\?(?:#(?P<comment>[^)]*)\)|P=(?P<again>\w+)\)|(?P<on>[aiLmsux]+)\)|P<(?P<name>\w+)>|(?P<look><?[=!])|"
    r"(?P<condition>\(\w+\))|(?P<kept>>)|(?P<flags>[aiLmsux]*)(?:-(?P<off>[imsx]+))?:))?"
)
_CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_BLANK = re.compile(r"(?:[ \t\n\r\v\f]|#[^\n]*)*")


@dataclass(frozen=True, kw_only=True)
class Measures:
    """Lengths of what an expression matches, and in how many ways it can do so."""

    least: int
    most: float
    """Infinite where nothing bounds it."""
    is_character: bool = False
    """One character, whichever."""
    has_branch: bool = False
    is_endless: bool = False
    """A group that may be repeated often can be matched in more than one way."""


_CHARACTER = Measures(least=1, most=1, is_character=True)
_NOTHING = Measures(least=0, most=0)


def measure(pattern: str) -> Measures:
    """Measure an expression that `re.compile` takes.

    Raises:
        RecursionError: when it is nested too deeply.

    """
    return _Reader(pattern).alternatives()


class _Reader:
    """An expression that is read from its beginning to its end."""

    def __init__(self, pattern: str) -> None:
        self.pattern, self.at, self.is_verbose = pattern, 0, False
        self.groups: list[Measures] = []
        self.names: dict[str, int] = {}

    def take(self, expression: re.Pattern[str]) -> re.Match[str] | None:
        """Step over what an expression matches here."""
        match = expression.match(self.pattern, self.at)
        if match:
            self.at = match.end()
        return match

    def alternatives(self) -> Measures:
        """Measure what stands before the end of this group."""
        found = [self.sequence()]
        while self.pattern.startswith("|", self.at):
            self.at += 1
            found.append(self.sequence())
        return found[0] if len(found) == 1 else _either(found)

    def choice(self) -> Measures:
        """Measure what depends on whether a group has matched."""
        matched, other = self.sequence(), _NOTHING
        if self.pattern.startswith("|", self.at):
            self.at += 1
            other = self.sequence()
        return replace(_either([matched, other]), has_branch=True)

    def sequence(self) -> Measures:
        """Measure what stands before the next alternative."""
        parts: list[Measures] = []
        while True:
            if self.is_verbose:
                self.take(_BLANK)
            if self.at == len(self.pattern) or self.pattern[self.at] in "|)":
                break
            if parts and (repeated := self.repetition()):
                least, most, is_kept = repeated
                parts[-1] = _repeat(parts[-1], least, most, is_kept=is_kept)
            elif part := self.atom():
                parts.append(part)
        return parts[0] if len(parts) == 1 else _joined(parts)

    def repetition(self) -> tuple[int, float, bool] | None:
        """Step over a repetition: how often at least and at most, and whether it gives nothing back."""
        match = _REPEATED.match(self.pattern, self.at)
        if match is None or (not match["sign"] and not (match["least"] or match["comma"])):
            return None
        self.at = match.end()
        is_kept = match["kind"] == "+"
        if match["sign"]:
            least, most = {"*": (0, inf), "+": (1, inf), "?": (0, 1)}[match["sign"]]
            return int(least), most, is_kept
        least = int(match["least"] or 0)
        most = (int(match["most"]) if match["most"] else inf) if match["comma"] else least
        return least, most, is_kept

    def atom(self) -> Measures | None:
        """Measure one character, place or group; `None` for a comment or a flag."""
        here = self.pattern[self.at]
        if here == "(":
            return self.group()
        if here == "\\":
            match = self.take(_ESCAPED)
            if match and match["group"]:
                return self.again(int(match["group"]) - 1)
            return _NOTHING if match and match["nothing"] else _CHARACTER
        if here != "[" or not self.take(_CLASS):
            self.at += 1
        return _NOTHING if here in "^$" else _CHARACTER

    def again(self, number: int) -> Measures:
        """Measure what a group before has matched."""
        before = self.groups[number]
        return Measures(least=before.least, most=before.most)

    def group(self) -> Measures | None:
        """Measure a group; `None` for a comment or a flag."""
        opened = self.take(_OPENED)
        if opened is None or opened["comment"] is not None:
            return None
        if opened["on"]:
            self.is_verbose = self.is_verbose or "x" in opened["on"]
            return None
        if opened["again"]:
            return self.again(self.names[opened["again"]])
        number = -1
        if opened[0] == "(" or opened["name"]:
            number = len(self.groups)
            self.groups.append(_NOTHING)
            self.names[opened["name"] or ""] = number
        outside = self.is_verbose
        self.is_verbose = (outside or "x" in (opened["flags"] or "")) and "x" not in (opened["off"] or "")
        inner = self.choice() if opened["condition"] else self.alternatives()
        self.is_verbose = outside
        self.at += 1
        if number >= 0:
            self.groups[number] = inner
        if opened["look"]:
            return replace(inner, least=0, most=0, is_character=False)
        return inner


def _either(parts: Iterable[Measures]) -> Measures:
    """Measure alternatives; of characters alone they are no more than one character."""
    parts = [*parts]
    if all(one.is_character for one in parts):
        return _CHARACTER
    return Measures(
        least=min(one.least for one in parts),
        most=max(one.most for one in parts),
        has_branch=True,
        is_endless=any(one.is_endless for one in parts),
    )


def _joined(parts: Iterable[Measures]) -> Measures:
    parts = [*parts]
    return Measures(
        least=sum(one.least for one in parts),
        most=sum(one.most for one in parts),
        has_branch=any(one.has_branch for one in parts),
        is_endless=any(one.is_endless for one in parts),
    )


def _repeat(inner: Measures, least: int, most: float, *, is_kept: bool) -> Measures:
    is_varied = inner.least != inner.most or inner.has_branch
    return Measures(
        least=inner.least * least,
        most=inner.most * most if inner.most and most else 0,
        has_branch=inner.has_branch,
        is_endless=inner.is_endless or (not is_kept and most > _MANY and most != least and is_varied),
    )
