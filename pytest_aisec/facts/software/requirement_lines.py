"""Requirements as pip reads them, one a line, and what a project file names."""

from __future__ import annotations

import posixpath
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)

from pytest_aisec.facts.core.formats import shell_words

__all__ = [
    "Named",
    "Option",
    "ProjectFile",
    "is_exact_url",
    "logical_lines",
    "named_by",
    "read_lines",
    "read_requirements",
    "table_of",
]

STRONG = {"sha256": 64, "sha384": 96, "sha512": 128}
"""Digests that pip takes for `--require-hashes` → how many hexadecimal digits they have."""

_HASHES = re.compile(
    "|".join(
        rf"(?:\s--hash[= ]\s*{name}:|[#&]{name}=)[0-9a-fA-F]{{{size}}}(?![0-9a-fA-F])"
        for name, size in STRONG.items()
    )
)

_COMMIT = re.compile(r"@[0-9a-f]{40}(?:[#?]|$)")


@dataclass(frozen=True, kw_only=True)
class Named:
    """A package that a project file asks for."""

    name: str
    """Canonical, such as `torch`."""
    text: str
    """As it stands in the file."""
    is_exact: bool
    """Whether only one version satisfies it."""
    hashes: tuple[str, ...] = ()
    """SHA-256 digests that it must have, in hexadecimal."""


@dataclass(frozen=True, kw_only=True)
class Option:
    """A line of a requirements file that is an option of pip, such as `--index-url`."""

    name: str
    """The long name without dashes, such as `index-url`."""
    value: str


@dataclass(frozen=True, kw_only=True)
class ProjectFile:
    """Contents of one file of a project."""

    path: str
    kind: str
    """`requirements`, `constraints`, `source` (a human states wishes there) or `lock`."""
    named: tuple[Named, ...] = ()
    """What is to be installed; for constraints what would be allowed."""
    locked: frozenset[str] = frozenset()
    """Canonical names that a lock file resolves to one version."""
    includes: tuple[str, ...] = ()
    """Requirements files that are installed with it, absolute."""
    constraints: tuple[str, ...] = ()
    """Constraints files that apply to it, absolute."""
    options: tuple[Option, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The parsed tables of a TOML file."""

    @property
    def directory(self) -> str:
        """The directory of the project; that of `requirements/dev.txt` is the one above."""
        where = posixpath.dirname(self.path)
        return posixpath.dirname(where) if posixpath.basename(where) == "requirements" else where

    @property
    def project_name(self) -> str:
        """The canonical name of the project in a pyproject.toml, or nothing."""
        for table in (self.data.get("project"), table_of(self.data, "tool", "poetry")):
            if isinstance(table, dict) and isinstance(table.get("name"), str):
                return canonicalize_name(table["name"])
        return ""


def read_requirements(path: str, text: str, kind: str | None) -> ProjectFile:
    """Return what a file of requirements or constraints names and sets."""
    name = posixpath.basename(path)
    kind = kind or (
        "constraints"
        if name.startswith("constraints")
        else "source"
        if name.endswith(".in")
        else "requirements"
    )
    return read_lines(path, kind, logical_lines(text))


def logical_lines(text: str) -> Iterator[str]:
    """Yield the lines of a requirements file as pip sees them: joined, without comments."""
    joined = re.sub(r"\\\r?\n[ \t]*", " ", text.removeprefix("\ufeff"))
    for line in joined.splitlines():
        stripped = re.sub(r"(?:^|(?<=\s))#.*$", "", line).strip()
        if stripped:
            yield stripped


_OPTIONS = {"-r": "requirement", "-c": "constraint", "-e": "editable", "-i": "index-url", "-f": "find-links"}


def read_lines(path: str, kind: str, lines: Iterable[str]) -> ProjectFile:
    """Return what lines of requirements name and set."""
    named: list[Named] = []
    options: list[Option] = []
    for line in lines:
        if not line.startswith("-"):
            found = named_by(line)
            named += [found] if found else []
            continue
        for option in _read_options(line):
            if option.name == "editable":
                found = named_by(option.value)
                named += [found] if found else []
            options.append(option)

    def files(option: str) -> tuple[str, ...]:
        values = [one.value.removeprefix("file://") for one in options if one.name == option]
        return tuple(
            value if "://" in value else posixpath.normpath(posixpath.join(posixpath.dirname(path), value))
            for value in values
        )

    return ProjectFile(
        path=path,
        kind=kind,
        named=tuple(named),
        includes=files("requirement"),
        constraints=files("constraint"),
        options=tuple(options),
    )


def _read_options(line: str) -> Iterator[Option]:
    """Yield the options of one line, such as `-i URL --pre`."""
    words = deque(shell_words(line))
    while words:
        word = words.popleft()
        if word.startswith("--"):
            name, has_value, value = word[2:].partition("=")
            if not has_value and words and not words[0].startswith("-"):
                value = words.popleft()
            yield Option(name=name, value=value)
        elif word[:2] in _OPTIONS:
            value = word[2:].removeprefix("=") or (words.popleft() if words else "")
            yield Option(name=_OPTIONS[word[:2]], value=value)
        else:
            raise ValueError(f"cannot read the line {line[:100]!r}")


def named_by(text: str) -> Named | None:
    """Return what one requirement names, if it can be read."""
    """Read one requirement; `None` for a local directory, whose own files say what it needs."""
    plain = re.split(r"(?<=\s)--?[a-zA-Z]", text, maxsplit=1)[0].strip()
    hashes = tuple(match[0].strip().lower() for match in _HASHES.finditer(text))
    try:
        requirement = Requirement(plain)
    except InvalidRequirement:
        found = _by_location(plain)
        return replace(found, hashes=hashes) if found else None
    name = canonicalize_name(requirement.name)
    exact = is_exact_url(requirement.url) if requirement.url else _is_exact(requirement.specifier)
    return Named(name=name, text=plain, is_exact=exact, hashes=hashes)


def _by_location(text: str) -> Named | None:
    location, _, marker = text.partition(";") if "://" not in text else (text, "", "")
    del marker
    location = location.strip()
    egg = re.search(r"[#&]egg=([A-Za-z0-9._-]+)", location)
    if egg:
        return Named(name=canonicalize_name(egg[1]), text=text, is_exact=is_exact_url(location))
    file = posixpath.basename(re.split(r"[#?]", location)[0]).replace("%2B", "+")
    for parse in (parse_wheel_filename, parse_sdist_filename):
        try:
            return Named(name=parse(file)[0], text=text, is_exact=True)
        except (InvalidWheelFilename, InvalidSdistFilename):
            continue
    if location.startswith((".", "/", "file:")) or "/" in location.split("[")[0].split("=")[0]:
        return None
    raise ValueError(f"cannot read the requirement {text[:100]!r}")


def _is_exact(specifiers: SpecifierSet) -> bool:
    return any(one.operator in {"==", "==="} and not one.version.endswith(".*") for one in specifiers)


def is_exact_url(url: str) -> bool:
    """Tell whether a URL names one state of what it leads to."""
    if re.match(r"(git|hg|svn|bzr)\+", url):
        return bool(_COMMIT.search(url))
    return bool(re.search(r"\.(whl|tar\.gz|zip|tar\.bz2)(?:[#?]|$)", url))


def table_of(data: Any, *keys: str) -> Any:
    """Return the value below some keys, if all of them are tables."""
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data
