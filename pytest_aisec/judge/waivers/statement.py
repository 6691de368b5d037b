"""Base of waivers and attestations: files, days, and the hosts that they are meant for."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, RootModel

from pytest_aisec.catalog import yamlfile
from pytest_aisec.catalog.profile import SUFFIXES, NonEmpty
from pytest_aisec.errors import UsageProblem, nearest

EXPIRING_DAYS = 30
"""So many days before its end a waiver or an attestation is called expiring."""


State = Literal["active", "expiring", "expired", "unused"]


def state_of(left: int, *, is_used: bool) -> State:
    """Return the state of a statement that has so many days left."""
    if left < 0:
        return "expired"
    if not is_used:
        return "unused"
    return "expiring" if left <= EXPIRING_DAYS else "active"


def _day(value: object) -> object:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        return date.fromisoformat(value)
    raise ValueError("must be a day such as 2026-12-31")


Day = Annotated[date, BeforeValidator(_day)]
"""A day in UTC, the whole of it."""


class Dated(BaseModel):
    """Statement of a person about one control on some hosts."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    id: NonEmpty
    control: NonEmpty
    hosts: list[NonEmpty] = Field(min_length=1)
    """Names of hosts or wildcards: the whole `ssh://root@gpu-1:22`, or `gpu-1` alone."""

    def is_for(self, control: str, host: str) -> bool:
        """Tell whether it is meant for `control` on `host`."""
        return control == self.control and any(matches(pattern, host) for pattern in self.hosts)


Item = TypeVar("Item", bound=Dated)


@dataclass(frozen=True, kw_only=True)
class Given(Generic[Item]):
    """The entries of one or more files."""

    items: tuple[Item, ...] = ()
    """In the order of the files."""
    places: tuple[str, ...] = ()
    """`file:line:column` of each entry."""
    at: tuple[Callable[[str], str], ...] = ()
    """For each entry: one of its keys → `file:line:column`."""
    sources: tuple[tuple[str, str], ...] = ()
    """Name and text of each file."""


def matches(pattern: str, host: str) -> bool:
    """Tell whether `pattern` names `host`, by its whole name or by its address without user and port."""
    address = re.sub(r":\d+$", "", host.partition("://")[2].rpartition("@")[2])
    return any(fnmatch.fnmatchcase(name, pattern) for name in (host, address) if name)


def load(paths: Iterable[Path], entry: type[Item], option: str, known: Collection[str] | None) -> Given[Item]:
    """Read files of entries; of a directory, all its YAML files.

    Args:
        paths: files and directories.
        entry: the model of one entry; a file holds a list of them.
        option: that named them, for messages.
        known: the ids of all known controls; `None` lets an entry be for any.

    Raises:
        UsageProblem: with one line for every mistake in any of the files.

    """
    given, problems = read(_files(paths, option), entry, known)
    if problems:
        raise UsageProblem("\n".join(problems))
    return given


def read(
    files: Iterable[Path], entry: type[Item], known: Collection[str] | None
) -> tuple[Given[Item], list[str]]:
    """Return the entries of the files that are as they should be, and one line for every mistake in any.

    `entry` and `known` are those of `load`.
    """
    of_file: Any = RootModel[list[entry]]  # type: ignore[valid-type]
    problems: list[str] = []
    found: list[tuple[Item, Callable[[str], str]]] = []
    sources: list[tuple[str, str]] = []
    first: dict[str, str] = {}
    for path in files:
        try:
            document = yamlfile.read(path, empty=[])
        except UsageProblem as problem:
            problems.append(str(problem))
            continue
        problems += _mistakes(document, known, first)
        try:
            items: list[Item] = yamlfile.parse(document, of_file).root
        except UsageProblem as problem:
            problems.append(str(problem))
            continue
        sources.append((path.name, document.text))
        found += [(item, partial(_at, document, index)) for index, item in enumerate(items)]
    given = Given(
        items=tuple(item for item, _ in found),
        places=tuple(at("") for _, at in found),
        at=tuple(at for _, at in found),
        sources=tuple(sources),
    )
    return given, problems


def _at(document: yamlfile.Document, index: int, key: str) -> str:
    return document.at((index, key))


def _files(paths: Iterable[Path], option: str) -> Iterator[Path]:
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        inside = sorted(item for item in path.iterdir() if item.suffix in SUFFIXES)
        if not inside:
            raise UsageProblem(f"{option} {path}: the directory holds no .yaml or .yml file")
        yield from inside


def _mistakes(
    document: yamlfile.Document, known: Collection[str] | None, first: dict[str, str]
) -> Iterator[str]:
    """Say what is wrong with entries, whatever else is; `first` is the place of each id."""
    suggestions = yamlfile.MOST_MISTAKES
    for index, raw in enumerate(document.data if isinstance(document.data, list) else ()):
        control, name = (raw.get("control"), raw.get("id")) if isinstance(raw, dict) else (None, None)
        named = control.strip() if isinstance(control, str) else ""
        if known is not None and named and named not in known:
            where = document.at((index, "control"))
            suggestions -= 1
            hint = nearest(named, known) if suggestions >= 0 else ""
            yield f"{where}: unknown control {control!r}. {hint}".rstrip()
        if not isinstance(name, str):
            continue
        if name.strip() in first:
            yield f"{document.at((index, 'id'))}: id {name!r} is taken, by {first[name.strip()]}"
        first.setdefault(name.strip(), document.at((index,)))


def narrowest(items: Sequence[Item], hosts: Sequence[str]) -> Item:
    """Return the one that is meant for the fewest of `hosts`; of equals, the first by id."""
    return min(items, key=lambda item: (sum(item.is_for(item.control, host) for host in hosts), item.id))


def days_left(end: date, today: date) -> int:
    """Return how many days after `today` the last day `end` is; negative when it is over."""
    return (end - today).days


def check_order(begin: Any, end: date, name: str) -> date:
    """Return `end`; raise `ValueError` when it is before `begin`, the day called `name`."""
    if isinstance(begin, date) and end < begin:
        raise ValueError(f"must not be before {name}, {begin}")
    return end
