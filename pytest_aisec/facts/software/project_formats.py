"""What files of a Python project say: which packages they name, how exactly, what lock files resolve."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)

from pytest_aisec.facts.core.formats import MALFORMED, json_value, toml_value, yaml_value
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    pass

__all__ = [
    "Named",
    "Option",
    "ProjectFile",
    "read_project_file",
]

_CONDA_NAMES = {
    "pytorch": "torch",
    "pytorch-gpu": "torch",
    "pytorch-cpu": "torch",
    "tensorflow-base": "tensorflow",
}


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
    """What one file of a project says."""

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
        for table in (self.data.get("project"), _table(self.data, "tool", "poetry")):
            if isinstance(table, dict) and isinstance(table.get("name"), str):
                return canonicalize_name(table["name"])
        return ""


def read_project_file(path: str, text: str, *, kind: str | None = None) -> ProjectFile:
    """Read one project file, whose name says how.

    Args:
        path: absolute.
        text: its content.
        kind: `requirements` or `constraints` for a file that another includes under any name.

    Raises:
        Unobservable: `parse`, when it is not what its name says.

    """
    name = posixpath.basename(path)
    try:
        if name == "pyproject.toml" and kind is None:
            return _read_pyproject(path, toml_value(text, path))
        if name == "uv.toml" and kind is None:
            return ProjectFile(path=path, kind="source", data=toml_value(text, path))
        if name == "Pipfile":
            return _read_pipfile(path, toml_value(text, path))
        if name == "Pipfile.lock":
            return _read_pipfile_lock(path, json_value(text, path))
        if name.endswith(".lock") or (name.startswith("pylock") and name.endswith(".toml")):
            return _read_toml_lock(path, toml_value(text, path))
        if name.endswith(("conda-lock.yml", "conda-lock.yaml")):
            return _read_conda_lock(path, yaml_value(text, path))
        if name.endswith((".yml", ".yaml")) and kind is None:
            return _read_environment(path, yaml_value(text, path))
        return _read_requirements(path, text, kind)
    except MALFORMED as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise Unobservable("parse", f"{path}: {reason[:200]}") from None


def _read_requirements(path: str, text: str, kind: str | None) -> ProjectFile:
    name = posixpath.basename(path)
    kind = kind or (
        "constraints"
        if name.startswith("constraints")
        else "source"
        if name.endswith(".in")
        else "requirements"
    )
    return _lines(path, kind, _logical_lines(text))


def _logical_lines(text: str) -> Iterator[str]:
    """Yield the lines of a requirements file as pip sees them: joined, without comments."""
    joined = re.sub(r"\\\r?\n[ \t]*", " ", text.removeprefix("\ufeff"))
    for line in joined.splitlines():
        stripped = re.sub(r"(?:^|(?<=\s))#.*$", "", line).strip()
        if stripped:
            yield stripped


_OPTIONS = {"-r": "requirement", "-c": "constraint", "-e": "editable", "-i": "index-url", "-f": "find-links"}


def _lines(path: str, kind: str, lines: Iterable[str]) -> ProjectFile:
    named: list[Named] = []
    options: list[Option] = []
    for line in lines:
        if not line.startswith("-"):
            found = _named(line)
            named += [found] if found else []
            continue
        for option in _read_options(line):
            if option.name == "editable":
                found = _named(option.value)
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
    words = deque(shlex.split(line))
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


def _named(text: str) -> Named | None:
    """Read one requirement; `None` for a local directory, whose own files say what it needs."""
    plain = re.split(r"(?<=\s)--?[a-zA-Z]", text, maxsplit=1)[0].strip()
    hashes = tuple(match[0].strip().lower() for match in _HASHES.finditer(text))
    try:
        requirement = Requirement(plain)
    except InvalidRequirement:
        found = _by_location(plain)
        return replace(found, hashes=hashes) if found else None
    name = canonicalize_name(requirement.name)
    exact = _is_exact_url(requirement.url) if requirement.url else _is_exact(requirement.specifier)
    return Named(name=name, text=plain, is_exact=exact, hashes=hashes)


def _by_location(text: str) -> Named | None:
    location, _, marker = text.partition(";") if "://" not in text else (text, "", "")
    del marker
    location = location.strip()
    egg = re.search(r"[#&]egg=([A-Za-z0-9._-]+)", location)
    if egg:
        return Named(name=canonicalize_name(egg[1]), text=text, is_exact=_is_exact_url(location))
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


def _is_exact_url(url: str) -> bool:
    if re.match(r"(git|hg|svn|bzr)\+", url):
        return bool(_COMMIT.search(url))
    return bool(re.search(r"\.(whl|tar\.gz|zip|tar\.bz2)(?:[#?]|$)", url))


def _table(data: Any, *keys: str) -> Any:
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data


def _requirements(values: Any) -> list[Named]:
    found = [_named(value) for value in values or [] if isinstance(value, str)]
    return [named for named in found if named]


def _read_pyproject(path: str, data: dict[str, Any]) -> ProjectFile:
    named = _requirements(_table(data, "project", "dependencies"))
    for values in (_table(data, "project", "optional-dependencies") or {}).values():
        named += _requirements(values)
    for values in (data.get("dependency-groups") or {}).values():
        named += _requirements(values)
    named += _requirements(_table(data, "tool", "uv", "dev-dependencies"))
    for values in (_table(data, "tool", "pdm", "dev-dependencies") or {}).values():
        named += _requirements(values)
    poetry = _table(data, "tool", "poetry") or {}
    groups = [poetry, *(poetry.get("group") or {}).values()]
    for group in groups:
        for key in ("dependencies", "dev-dependencies"):
            named += _caret_requirements(group.get(key) or {}, bare_is_exact=True)
    return ProjectFile(path=path, kind="source", named=tuple(named), data=data)


def _caret_requirements(table: Mapping[str, Any], *, bare_is_exact: bool) -> list[Named]:
    """Read a table of poetry or Pipenv, in which a version may be a text, a table or a list of tables."""
    named = []
    for name, value in table.items():
        for one in value if isinstance(value, list) else [value]:
            exact = False
            version = one.get("version", "") if isinstance(one, dict) else one
            if isinstance(version, str) and version:
                wanted = version.strip()
                bare = bool(re.fullmatch(r"\d[\w.+!-]*", wanted)) and "*" not in wanted
                exact = (bare and bare_is_exact) or bool(
                    re.search(r"(^|,)\s*={2,3}\s*[^*,]+\s*(,|$)", wanted)
                )
            elif isinstance(one, dict):
                exact = bool(
                    re.fullmatch(r"[0-9a-f]{40}", str(one.get("rev") or one.get("ref") or ""))
                    or _is_exact_url(str(one.get("url") or one.get("file") or one.get("path") or ""))
                )
            named.append(Named(name=canonicalize_name(name), text=f"{name} = {one}", is_exact=exact))
    return named


def _read_pipfile(path: str, data: dict[str, Any]) -> ProjectFile:
    named: list[Named] = []
    for key, table in data.items():
        if key not in {"source", "requires", "scripts", "pipenv"} and isinstance(table, dict):
            named += _caret_requirements(table, bare_is_exact=False)
    return ProjectFile(path=path, kind="source", named=tuple(named), data=data)


def _read_pipfile_lock(path: str, data: dict[str, Any]) -> ProjectFile:
    locked = {
        canonicalize_name(name)
        for key, table in data.items()
        if key != "_meta"
        for name, entry in table.items()
        if str(entry.get("version", "")).startswith("==") or entry.get("ref") or entry.get("file")
    }
    return ProjectFile(path=path, kind="lock", locked=frozenset(locked), data=data)


def _read_toml_lock(path: str, data: dict[str, Any]) -> ProjectFile:
    packages = data.get("packages", data.get("package", []))
    locked = {
        canonicalize_name(one["name"])
        for one in packages
        if one.get("version") or "source" in one or "vcs" in one
    }
    return ProjectFile(path=path, kind="lock", locked=frozenset(locked), data=data)


def _read_conda_lock(path: str, data: Any) -> ProjectFile:
    locked = {_conda_name(one["name"]) for one in data["package"] if one.get("version")}
    return ProjectFile(path=path, kind="lock", locked=frozenset(locked), data=data)


def _conda_name(name: str) -> str:
    plain = canonicalize_name(name.rpartition("::")[2])
    return _CONDA_NAMES.get(plain, plain)


def _read_environment(path: str, data: Any) -> ProjectFile:
    """Read a conda environment; other YAML files of that name say nothing about packages."""
    dependencies = data.get("dependencies") if isinstance(data, dict) else None
    if not isinstance(dependencies, list):
        return ProjectFile(path=path, kind="source")
    named: list[Named] = []
    lines: list[str] = []
    for one in dependencies:
        if isinstance(one, str):
            named.append(_conda_named(one))
        elif isinstance(one, dict):
            lines += [str(line) for line in one.get("pip") or []]
    pip = _lines(path, "source", _logical_lines("\n".join(lines)))
    return ProjectFile(
        path=path,
        kind="requirements",
        named=(*named, *pip.named),
        includes=pip.includes,
        constraints=pip.constraints,
        options=pip.options,
        data=data,
    )


def _conda_named(text: str) -> Named:
    """Read a conda match specification.

    `=2.1.0` is a prefix in conda; with three numbers it is taken to be exact, as `conda env export` without
    builds writes it.
    """
    match = re.match(r"\s*([\w.:/-]*::)?(?P<name>[\w.-]+)(\[.*\])?\s*(?P<rest>.*)$", text)
    if match is None:
        raise ValueError(f"cannot read the dependency {text[:100]!r}")
    rest = match["rest"].strip()
    exact = bool(
        re.fullmatch(r"={2,3}\s*[^*,|<>=\s]+", rest)
        or re.fullmatch(r"=\s*\d+\.\d+\.\d+[^*,|<>=\s]*", rest)
        or re.fullmatch(r"={1,2}\s*[^*,|<>=\s]+=[^*\s]+", rest)
        or re.fullmatch(r"\d+\.\d+\.\d+[^*,|<>=\s]*(\s+\S+)?", rest)
    )
    return Named(name=_conda_name(match["name"]), text=text, is_exact=exact)
