"""Versions that lock files resolve, and whether each file that will be installed has a hash."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name, parse_sdist_filename, parse_wheel_filename

from pytest_aisec.facts.software.requirement_lines import STRONG, Named, ProjectFile
from pytest_aisec.observe.faults import Unobservable

__all__ = ["Locked", "is_flat", "locked"]

_HASH = re.compile("|".join(f"{name}:[0-9a-fA-F]{{{size}}}" for name, size in STRONG.items()))


@dataclass(frozen=True, kw_only=True)
class Locked:
    """One package that a lock file resolves to one version."""

    name: str
    """Canonical."""
    version: str
    """Empty where the file leaves it open, as for the project itself."""
    artefacts: tuple[str, ...] = ()
    """The files, or the repository, that may be installed."""
    unhashed: tuple[str, ...] = ()
    """Those of them without a digest of SHA-256 or longer."""
    is_own: bool = False
    """Whether it is a directory beside the lock file: the project itself, or a member of its workspace."""
    is_conditional: bool = False
    """Whether it is only installed under some circumstances, as far as the file tells."""


def is_flat(file: ProjectFile) -> bool:
    """Tell whether the file lists exactly what is to be installed, as `pip freeze` does."""
    return file.kind in {"requirements", "constraints"}


def locked(file: ProjectFile) -> tuple[Locked, ...]:
    """Return what a lock file, or a requirements file with exact versions, resolves.

    Raises:
        Unobservable: `parse`, when it is not what its name says, or leaves a version open.

    """
    try:
        if is_flat(file):
            return tuple(_of_requirements(file))
        name = posixpath.basename(file.path)
        if name == "Pipfile.lock":
            return tuple(_of_pipfile(file.data))
        if name.endswith((".yml", ".yaml")):
            return tuple(_of_conda(file.data))
        if file.kind == "lock":
            return tuple(_of_toml(file.data))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Unobservable("parse", f"{file.path}: {type(error).__name__} {error}") from None
    raise Unobservable("parse", f"{file.path} is no lock file")


def _of_requirements(file: ProjectFile) -> Iterator[Locked]:
    if file.includes:
        raise Unobservable(
            "parse", f"{file.path} includes {file.includes[0]}: name a file that has everything"
        )
    for named in file.named:
        if not named.is_exact:
            raise Unobservable("parse", f"{file.path} leaves a version open: {named.text}")
        version, is_conditional = _exact_version(named)
        yield Locked(
            name=named.name,
            version=version,
            artefacts=(named.text,),
            unhashed=() if named.hashes else (named.text,),
            is_conditional=is_conditional,
        )


def _exact_version(named: Named) -> tuple[str, bool]:
    try:
        requirement = Requirement(named.text)
    except InvalidRequirement:
        return _version_of_file(named.text), False
    if requirement.url:
        return _version_of_file(requirement.url), bool(requirement.marker)
    versions = [one.version for one in requirement.specifier if one.operator in {"==", "==="}]
    return versions[0], bool(requirement.marker)


def _version_of_file(location: str) -> str:
    """Return the version that the name of a wheel or sdist says, or nothing, as for a repository."""
    file = posixpath.basename(re.split(r"[#?]", location)[0]).replace("%2B", "+")
    try:
        if file.endswith(".whl"):
            return str(parse_wheel_filename(file)[1])
        return str(parse_sdist_filename(file)[1])
    except ValueError:
        return ""


def _of_pipfile(data: Mapping[str, Any]) -> Iterator[Locked]:
    for section, table in data.items():
        for name, entry in ({} if section == "_meta" else table).items():
            version = str(entry.get("version", "")).removeprefix("==")
            is_own = bool(entry.get("editable")) or str(entry.get("path", entry.get("file", ""))).startswith(
                "."
            )
            hashes = [str(one) for one in entry.get("hashes") or []]
            yield Locked(
                name=canonicalize_name(name),
                version=version,
                artefacts=(f"{name} {version}".strip(),),
                unhashed=()
                if is_own or any(map(_HASH.fullmatch, hashes))
                else (f"{name} {version}".strip(),),
                is_own=is_own,
                is_conditional=True,
            )


def _of_conda(data: Mapping[str, Any]) -> Iterator[Locked]:
    for one in data["package"]:
        artefact = str(one.get("url") or one["name"])
        yield Locked(
            name=canonicalize_name(str(one["name"]).rpartition("::")[2]),
            version=str(one.get("version") or ""),
            artefacts=(artefact,),
            unhashed=() if _is_strong(one.get("hash") or {}) else (artefact,),
            is_conditional=True,
        )


def _of_toml(data: Mapping[str, Any]) -> Iterator[Locked]:
    """Read uv.lock, poetry.lock, pdm.lock and pylock.toml."""
    apart = (data.get("metadata") or {}).get("files") or {}
    for one in data.get("packages", data.get("package", [])):
        raw = one.get("source")
        source: Mapping[str, Any] = raw if isinstance(raw, dict) else {}
        is_own = any(key in source for key in ("editable", "virtual", "directory")) or "directory" in one
        is_own = is_own or source.get("type") == "directory"
        files = [*_files(one), *(apart.get(one["name"]) or [])]
        artefacts = {_name_of(file): _has_digest(file) for file in files if isinstance(file, dict)}
        if not artefacts:
            where = source.get("git") or source.get("url") or (one.get("vcs") or {}).get("url") or "no file"
            artefacts = {str(where): False}
        yield Locked(
            name=canonicalize_name(one["name"]),
            version=str(one.get("version") or ""),
            artefacts=tuple(artefacts),
            unhashed=()
            if is_own
            else tuple(file for file, has_digest in artefacts.items() if not has_digest),
            is_own=is_own,
            is_conditional=True,
        )


def _files(package: Mapping[str, Any]) -> Iterable[Any]:
    yield from package.get("files") or []
    yield from package.get("wheels") or []
    for key in ("sdist", "archive"):
        if package.get(key):
            yield package[key]


def _name_of(file: Mapping[str, Any]) -> str:
    text = file.get("file") or file.get("name") or file.get("url") or file.get("path") or file.get("filename")
    return posixpath.basename(str(text))


def _has_digest(file: Mapping[str, Any]) -> bool:
    table = file.get("hashes")
    return (
        _is_strong(table) if isinstance(table, dict) else bool(_HASH.fullmatch(str(file.get("hash") or "")))
    )


def _is_strong(table: Mapping[str, Any]) -> bool:
    """Tell whether one of the digests of a file says which file it is."""
    return any(_HASH.fullmatch(f"{name}:{digest}") for name, digest in table.items())
