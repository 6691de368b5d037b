"""Python projects on disk: which packages they name, how exactly, and what their lock files resolve."""

from __future__ import annotations

import json
import posixpath
import re
import shlex
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import yaml
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)

from pytest_aisec.facts.files import Trail, trails
from pytest_aisec.facts.listings import find
from pytest_aisec.facts.together import ahead
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = [
    "Named",
    "Option",
    "ProjectFile",
    "Projects",
    "project_files",
    "projects",
    "read_files",
    "read_project_file",
]

DEPTH = 4
"""Levels below a root that are searched."""

READ_AT_ONCE = 4 * 1024 * 1024
"""Bytes of files in one answer; a larger file is not read."""

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
_CONDA_NAMES = {
    "pytorch": "torch",
    "pytorch-gpu": "torch",
    "pytorch-cpu": "torch",
    "tensorflow-base": "tensorflow",
}
_MOST_INCLUDES = 8
_A_PORTION = 200
_MOST_FILES = 5000
_MOST_BYTES = 8 * 1024 * 1024
"""What is read of all project files of a host: beyond it they are faults, so that nothing passes unread."""
_SHA256 = re.compile(r"(?:\s--hash[= ]\s*sha256:|[#&]sha256=)([0-9a-fA-F]{64})(?![0-9a-fA-F])")
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


def projects(host: Host, roots: Sequence[str]) -> Projects:
    """Return the project files at most `DEPTH` levels below `roots`, and what they include.

    What could not be seen or parsed is in the `faults`.
    """
    texts, absent, faults = project_files(host, roots)
    files: dict[str, ProjectFile] = {}

    def parse(path: str, text: str, *, kind: str | None = None) -> None:
        try:
            files[path] = read_project_file(path, text, kind=kind)
        except Unobservable as fault:
            faults.append(fault)
            files[path] = ProjectFile(path=path, kind=kind or "requirements")

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
        for path, answer in (read_files(host, dict.fromkeys(local, 0)) if local else {}).items():
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
    host: Host, roots: Sequence[str]
) -> tuple[dict[str, str], tuple[str, ...], list[Unobservable]]:
    """Return the text of every project file by path, the roots that are absent, and why there may be more."""
    ways: dict[str, Trail] = trails(host, list(roots))
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
        f"\\( {names} -o -path '*/requirements/*.txt' -o -path '*/requirements/*.in' \\) "
        "\\( -type f -o -type l \\) -printf '%%s %%p\\n\\0'",
        *tops,
    )
    faults += listing.faults
    sizes: dict[str, int] = {}
    for record in listing.records:
        size, _, path = record.partition(" ")
        if not size.isdigit():
            raise Unobservable("parse", f"find printed {record[:200]!r}")
        sizes[path] = int(size)
    texts: dict[str, str] = {}
    for path, answer in (read_files(host, sizes) if sizes else {}).items():
        if isinstance(answer, Unobservable):
            faults.append(answer)
        else:
            texts[path] = answer
    return texts, absent, faults


def read_files(host: Host, sizes: Mapping[str, int]) -> dict[str, str | Unobservable]:
    """Return the text of the files of these `sizes`, in as few answers as the sizes allow.

    Of very many files, or of very much text, the rest is `truncated`.
    """
    answers: dict[str, str | Unobservable] = {}
    portions: list[list[str]] = [[]]
    weight = total = 0
    for number, path in enumerate(sorted(sizes)):
        if sizes[path] > READ_AT_ONCE:
            answers[path] = Unobservable("truncated", f"{path} has {sizes[path]} bytes")
            continue
        total += sizes[path]
        if number >= _MOST_FILES or total > _MOST_BYTES:
            answers[path] = Unobservable(
                "truncated", f"{path} is one of too many: {len(sizes)} project files"
            )
            continue
        if portions[-1] and (weight + sizes[path] > READ_AT_ONCE or len(portions[-1]) >= _A_PORTION):
            portions.append([])
            weight = 0
        portions[-1].append(path)
        weight += sizes[path]
    readings = [partial(_read_portion, host, portion) for portion in portions if portion]
    ahead(*readings)
    for read in readings:
        answers |= read()
    return answers


def _read_portion(host: Host, paths: Sequence[str]) -> dict[str, str | Unobservable]:
    answer = host.run(
        f"for f in {' '.join(['%s'] * len(paths))}; do if test -d \"$f\"; then printf 'directory\\n'; "
        "elif test -r \"$f\"; then printf 'text\\n'; "
        f"head -c {READ_AT_ONCE + 1} -- \"$f\" | tr '\\000' '\\001'; "
        "else stat -L -c 'denied' -- \"$f\" 2>&1; fi; printf '\\n\\000'; done",
        *paths,
    )
    return read_texts(paths, answer.stdout, answer.stderr)


def read_texts(paths: Sequence[str], stdout: str, stderr: str) -> dict[str, str | Unobservable]:
    """Read what was printed about some files.

    Raises:
        Unobservable: when the answers cannot be told apart, or a tool failed.

    """
    problem = stderr.strip().splitlines()
    if problem:
        missing = any("not found" in line for line in problem)
        raise Unobservable("tool_missing" if missing else "unreadable", problem[-1])
    parts = stdout.split("\n\0")
    if len(parts) != len(paths) + 1 or parts[-1]:
        raise Unobservable(
            "parse", f"{len(paths)} files gave {len(parts) - 1} answers: one looks like a credential"
        )
    answers: dict[str, str | Unobservable] = {}
    for path, part in zip(paths, parts, strict=False):
        first, _, text = part.partition("\n")
        if first == "text":
            too_long = len(text.encode("utf-8", "surrogateescape")) > READ_AT_ONCE
            answers[path] = Unobservable("truncated", f"{path} is too long") if too_long else text
        elif first == "directory":
            answers[path] = Unobservable("unreadable", f"{path} is a directory")
        elif first == "denied" or first.endswith("Permission denied"):
            answers[path] = Unobservable("privilege", f"{path}: Permission denied")
        elif first.endswith(("not found", "Permission denied")):
            answers[path] = Unobservable("tool_missing", first)
        else:
            answers[path] = Unobservable("unreadable", first or path)
    return answers


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
            return _read_pyproject(path, tomllib.loads(text))
        if name == "uv.toml" and kind is None:
            return ProjectFile(path=path, kind="source", data=tomllib.loads(text))
        if name == "Pipfile":
            return _read_pipfile(path, tomllib.loads(text))
        if name == "Pipfile.lock":
            return _read_pipfile_lock(path, json.loads(text))
        if name.endswith(".lock") or (name.startswith("pylock") and name.endswith(".toml")):
            return _read_toml_lock(path, tomllib.loads(text))
        if name.endswith(("conda-lock.yml", "conda-lock.yaml")):
            return _read_conda_lock(path, yaml.safe_load(text))
        if name.endswith((".yml", ".yaml")) and kind is None:
            return _read_environment(path, yaml.safe_load(text))
        return _read_requirements(path, text, kind)
    except (ValueError, TypeError, AttributeError, KeyError, yaml.YAMLError, RecursionError) as error:
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
        stripped = re.sub(r"(^|\s+)#.*$", "", line).strip()
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
    words = shlex.split(line)
    while words:
        word = words.pop(0)
        if word.startswith("--"):
            name, has_value, value = word[2:].partition("=")
            if not has_value and words and not words[0].startswith("-"):
                value = words.pop(0)
            yield Option(name=name, value=value)
        elif word[:2] in _OPTIONS:
            value = word[2:].removeprefix("=") or (words.pop(0) if words else "")
            yield Option(name=_OPTIONS[word[:2]], value=value)
        else:
            raise ValueError(f"cannot read the line {line[:100]!r}")


def _named(text: str) -> Named | None:
    """Read one requirement; `None` for a local directory, whose own files say what it needs."""
    plain = re.split(r"\s+--?[a-zA-Z]", text, maxsplit=1)[0].strip()
    hashes = tuple(match[1].lower() for match in _SHA256.finditer(text))
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
