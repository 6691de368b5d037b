"""Python projects on disk: where they lie, and which of their files belong together."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_aisec.facts.core.formats import is_number
from pytest_aisec.facts.software.project_formats import Named, ProjectFile, read_project_file
from pytest_aisec.facts.system.files import ResolvedPath, trails
from pytest_aisec.facts.system.listings import find
from pytest_aisec.facts.system.texts import read_files
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = [
    "CRITICAL_PACKAGES",
    "Projects",
    "project_files",
    "projects",
]

CRITICAL_PACKAGES = [
    "torch",
    "tensorflow",
    "transformers",
    "jax",
    "vllm",
    "safetensors",
    "accelerate",
    "datasets",
]
"""ML libraries that see weights and data, unless a profile names others."""
DEPTH = 4
"""Levels below a root that are searched."""


_REQUIREMENTS = ("requirements*.txt", "requirements*.in", "constraints*.txt")


_LOCKS = (
    "uv.lock",
    "poetry.lock",
    "pdm.lock",
    "pylock*.toml",
    "Pipfile.lock",
    "conda-lock.y*ml",
    "*.conda-lock.y*ml",
)


_SOURCES = ("pyproject.toml", "uv.toml", "Pipfile", "environment*.y*ml")


_PRUNED = ("site-packages", "dist-packages", "node_modules", ".git", ".tox", ".nox", "__pycache__")


_MOST_INCLUDES = 8
_LEADS_ON = re.compile(r"(?m)^[^\S\n]*(-[rc]\b|--requirement|--constraint)")


@dataclass(frozen=True, kw_only=True)
class Projects:
    """All project files below some directories."""

    files: tuple[ProjectFile, ...]
    """In the order of their paths, without those that are only included."""
    included: Mapping[str, ProjectFile]
    """Every file by path, with those that are only included."""
    absent: tuple[str, ...]
    """Those of the directories that are proved to be absent."""
    faults: tuple[Unobservable, ...]
    """Why there may be more than this."""

    def along(self, file: ProjectFile) -> tuple[tuple[ProjectFile, ...], tuple[ProjectFile, ...]]:
        """Return the requirements files (`file` first) and the constraints files that pip reads with it."""
        installed, bounds = [file], list[ProjectFile]()
        for one in installed:
            installed += [
                self.included[p]
                for p in one.includes
                if p in self.included and self.included[p] not in installed
            ]
        for one in [*installed, *bounds]:
            bounds += [
                self.included[p]
                for p in one.constraints
                if p in self.included and self.included[p] not in bounds
            ]
        for one in bounds:
            also = [*one.includes, *one.constraints]
            bounds += [
                self.included[p] for p in also if p in self.included and self.included[p] not in bounds
            ]
        return tuple(installed), tuple(bounds)

    def wanted(self, file: ProjectFile) -> tuple[Named, ...]:
        """Return what installing `file` asks for, made exact by what pip reads with it."""
        installed, bounds = self.along(file)
        asked = [named for one in installed for named in one.named]
        exact = {
            named.name
            for named in [*asked, *(named for one in bounds for named in one.named)]
            if named.is_exact
        }
        return tuple(replace(named, is_exact=named.is_exact or named.name in exact) for named in asked)

    def resolved(self, file: ProjectFile) -> frozenset[str]:
        """Return the names that a lock file of the project of `file` resolves.

        A lock file further up counts when it resolves this project itself, as that of a workspace does.
        """
        names: set[str] = set()
        for lock in self.files:
            if lock.kind == "lock" and (
                lock.directory == file.directory
                or (
                    file.directory.startswith(lock.directory.rstrip("/") + "/")
                    and file.project_name
                    and file.project_name in lock.locked
                )
            ):
                names |= lock.locked
        return frozenset(names)

    def compiled(self, file: ProjectFile) -> frozenset[str]:
        """Return the names that a requirements.txt beside the source `file` makes exact."""
        return frozenset(
            named.name
            for other in self.files
            if other.kind == "requirements"
            and other.path.endswith(".txt")
            and other.directory == file.directory
            for named in self.wanted(other)
            if named.is_exact
        )


def _may_name(path: str, text: str, names: Collection[str]) -> bool:
    """Tell whether a file that cannot be parsed may be about one of `names`, or lead to a file that is."""
    if "{{" in path:  # in a template's directory of no project, such as cookiecutter's
        return False
    said = re.sub(r"[-_.]+", "-", text.lower())
    return not names or _LEADS_ON.search(text) is not None or any(name in said for name in names)


def _parsed(
    path: str, text: str, kind: str | None, names: Collection[str]
) -> tuple[ProjectFile, list[Unobservable]]:
    try:
        return read_project_file(path, text, kind=kind), []
    except Unobservable as fault:
        empty = ProjectFile(path=path, kind=kind or "requirements")
        return empty, [fault] if _may_name(path, text, names) else []


def projects(
    host: Host, roots: Sequence[str], *, names: Collection[str] = (), exclude: Collection[str] = ()
) -> Projects:
    """Return the project files at most `DEPTH` levels below `roots`, and what they include.

    What could not be seen or parsed is in the `faults`.

    Args:
        host: where they lie.
        roots: absolute paths of directories.
        names: canonical names of the packages of interest: a file that cannot be parsed is no fault where
            its text holds none of them. Without any, each is.
        exclude: patterns of paths that are left out, with all below them.

    """
    texts, absent, faults = project_files(host, roots, exclude=exclude)
    files: dict[str, ProjectFile] = {}

    def parse(path: str, text: str, *, kind: str | None = None) -> None:
        files[path], problems = _parsed(path, text, kind, names)
        faults.extend(problems)

    for path, text in texts.items():
        parse(path, text)
    found = list(files)
    for _ in range(_MOST_INCLUDES):
        missing: dict[str, str] = {}
        for file in files.values():
            missing |= {path: "requirements" for path in file.includes if path not in files}
        for file in files.values():
            missing |= {
                path: "constraints" for path in file.constraints if path not in files and path not in missing
            }
        if not missing:
            break
        remote = [path for path in missing if "://" in path]
        faults += [Unobservable("unreadable", f"{path} is included from elsewhere") for path in remote]
        files |= {path: ProjectFile(path=path, kind=missing[path]) for path in remote}
        local = [path for path in missing if path not in remote]
        naming = {path: file.path for file in files.values() for path in (*file.includes, *file.constraints)}
        answers = read_files(host, dict.fromkeys(local, 0), named_by=naming) if local else {}
        for path, answer in answers.items():
            if isinstance(answer, Unobservable):
                faults.append(answer)
                files[path] = ProjectFile(path=path, kind=missing[path])
            else:
                parse(path, answer, kind=missing[path])
    else:
        faults.append(Unobservable("truncated", "requirements files include each other too deeply"))
    return Projects(
        files=tuple(files[path] for path in sorted(found)),
        included=files,
        absent=absent,
        faults=tuple(faults),
    )


def project_files(
    host: Host, roots: Sequence[str], *, exclude: Collection[str] = ()
) -> tuple[dict[str, str], tuple[str, ...], list[Unobservable]]:
    """Return the text of every project file by path, the roots that are absent, and why there may be more."""
    ways: dict[str, ResolvedPath] = trails(host, list(roots))
    faults = [trail.fault for trail in ways.values() if trail.fault]
    absent = tuple(path for path, trail in ways.items() if trail.end is None and trail.fault is None)
    tops = list(dict.fromkeys(trail.end.path for trail in ways.values() if trail.end))
    if not tops:
        return {}, absent, faults
    names = " -o ".join(f"-name '{name}'" for name in (*_REQUIREMENTS, *_LOCKS, *_SOURCES))
    pruned = " -o ".join(f"-name '{name}'" for name in _PRUNED)
    listing = find(
        host,
        f"{' '.join(['%s'] * len(tops))} -maxdepth {DEPTH} \\( -type d \\( {pruned} \\) -prune \\) -o "
        f"{''.join('-path %s -prune -o ' for _ in exclude)}"
        f"\\( {names} -o -path '*/requirements/*.txt' -o -path '*/requirements/*.in' \\) "
        "\\( -type f -o -type l \\) -printf '%%s %%p\\n\\0'",
        *tops,
        *exclude,
    )
    faults += listing.faults
    sizes: dict[str, int] = {}
    for record in listing.records:
        size, _, path = record.partition(" ")
        if not is_number(size):
            raise Unobservable("parse", f"find printed {record[:200]!r}")
        sizes[path] = int(size)
    texts: dict[str, str] = {}
    for path, answer in (read_files(host, sizes) if sizes else {}).items():
        if isinstance(answer, Unobservable):
            faults.append(answer)
        else:
            texts[path] = answer
    return texts, absent, faults
