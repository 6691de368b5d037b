"""Profiles: YAML files that select controls for one kind of machine and set their parameters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from pytest_aisec.catalog import yamlfile
from pytest_aisec.catalog.content import ContentRoot
from pytest_aisec.catalog.control import Severity
from pytest_aisec.catalog.policy import GatePolicy
from pytest_aisec.errors import UsageProblem, nearest

SUFFIXES = (".yaml", ".yml")

NonEmpty = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
_MOST_SELECTORS = 5000
"""Each is compared with every control."""
_MOST_EXTENDED = 100
"""For each that is not known, all that are known are named."""
References = dict[NonEmpty, list[NonEmpty]]


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class ControlEntry(_Frozen):
    """Settings of a profile for the controls that one selector matches."""

    severity: Severity | None = None
    """Overrides the control's own severity."""
    params: dict[str, Any] = Field(default_factory=dict)
    """Parameter name → value; every selected control must have it."""
    references: References = Field(default_factory=dict)
    """Your own references: framework → ids, such as `{acme: [A-12]}`."""


class ProfileFile(_Frozen):
    """A profile as written in one file."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
    """The name to give to `--aisec-profile`."""
    title: NonEmpty
    version: NonEmpty
    description: str = ""
    extends: list[NonEmpty] = Field(default_factory=list, max_length=_MOST_EXTENDED)
    """Profiles (names, or paths relative to this file) that are taken over first."""
    params: dict[str, Any] = Field(default_factory=dict)
    """Parameter name → value, for every selected control that has a parameter of that name."""
    controls: dict[str, ControlEntry | None] = Field(default_factory=dict, max_length=_MOST_SELECTORS)
    """Control id or wildcard → what to change for it."""
    exclude: dict[str, NonEmpty] = Field(default_factory=dict, max_length=_MOST_SELECTORS)
    """Control id or wildcard → why it is left out."""
    references: References = Field(default_factory=dict)
    """Your own references that every selected control serves."""
    gate: GatePolicy | None = None


@dataclass(frozen=True, kw_only=True)
class Profile:
    """One profile file with the document that it was read from."""

    file: ProfileFile
    document: yamlfile.Document


def profile_files(roots: Iterable[ContentRoot]) -> dict[str, Path]:
    """Return the profiles of all roots by name (the file's stem); of two alike, the later root's."""
    return {
        path.stem: path
        for root in roots
        for path in sorted(root.profiles.glob("*"))
        if path.suffix in SUFFIXES
    }


def is_path(name: str) -> bool:
    """Tell whether `name` is meant as a file rather than as the name of a known profile."""
    return "/" in name or name.endswith(SUFFIXES)


def load_chain(
    name: str, roots: Iterable[ContentRoot], *, cwd: Path, asked_by: str = "--aisec-profile"
) -> list[Profile]:
    """Read the profile `name` and all that it extends, the base first, each once.

    Args:
        name: a known profile's name or a path to a file.
        roots: where known profiles lie.
        cwd: what a relative path is relative to.
        asked_by: the option, or file and line, that names it.

    Raises:
        UsageProblem: an unknown name, an unreadable or wrong file, or profiles that extend one another.

    """
    chain, problems = read_chain(name, roots, cwd=cwd, asked_by=asked_by)
    if problems:
        raise UsageProblem("\n".join(problems))
    return chain


def read_chain(
    name: str, roots: Iterable[ContentRoot], *, cwd: Path, asked_by: str = "--aisec-profile"
) -> tuple[list[Profile], list[str]]:
    """Return the profiles of a chain that can be read, and one line for every mistake in any of them.

    The arguments are those of `load_chain`; `asked_by` is the option, or file and line, that names it.
    """
    problems: list[str] = []
    chain: dict[Path, Profile] = {}
    _load(name, cwd, asked_by, (), _Reading(known=profile_files(roots), chain=chain, problems=problems))
    return list(chain.values()), problems


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """State while a chain is read."""

    known: dict[str, Path]
    chain: dict[Path, Profile]
    problems: list[str]


def _load(name: str, base: Path, asked_by: str, above: tuple[Path, ...], reading: _Reading) -> None:
    try:
        path = _find(name, reading.known, base, asked_by)
        if path in above:
            circle = " → ".join(item.name for item in (*above[above.index(path) :], path))
            reading.problems.append(f"{asked_by}: profiles extend one another in a circle: {circle}")
            return
        if path in reading.chain:
            return
        document = yamlfile.read(path)
        file = yamlfile.parse(document, ProfileFile)
    except UsageProblem as problem:
        reading.problems.append(str(problem))
        return
    for index, parent in enumerate(file.extends):
        _load(parent, path.parent, document.at(("extends", index)), (*above, path), reading)
    reading.chain[path] = Profile(file=file, document=document)


def _find(name: str, known: dict[str, Path], base: Path, asked_by: str) -> Path:
    if is_path(name):
        path = (base / Path(name).expanduser()).resolve()
        if not path.is_file():
            raise UsageProblem(f"{asked_by}: there is no profile file {name!r}")
        return path
    if name not in known:
        raise UsageProblem(f"{asked_by}: unknown profile {name!r}. {nearest(name, known)}")
    return known[name].resolve()
