"""Files of a Python project: which packages they name, how exactly, what lock files resolve."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import Any

from packaging.utils import (
    canonicalize_name,
)

from pytest_aisec.facts.core.formats import MALFORMED, json_value, toml_value, yaml_value
from pytest_aisec.facts.software.requirement_lines import (
    Named,
    Option,
    ProjectFile,
    is_exact_url,
    logical_lines,
    named_by,
    read_lines,
    read_requirements,
    table_of,
)
from pytest_aisec.observe.faults import Unobservable

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
        return read_requirements(path, text, kind)
    except MALFORMED as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise Unobservable("parse", f"{path}: {reason[:200]}") from None


def _requirements(values: Any) -> list[Named]:
    found = [named_by(value) for value in values or [] if isinstance(value, str)]
    return [named for named in found if named]


def _read_pyproject(path: str, data: dict[str, Any]) -> ProjectFile:
    named = _requirements(table_of(data, "project", "dependencies"))
    for values in (table_of(data, "project", "optional-dependencies") or {}).values():
        named += _requirements(values)
    for values in (data.get("dependency-groups") or {}).values():
        named += _requirements(values)
    named += _requirements(table_of(data, "tool", "uv", "dev-dependencies"))
    for values in (table_of(data, "tool", "pdm", "dev-dependencies") or {}).values():
        named += _requirements(values)
    poetry = table_of(data, "tool", "poetry") or {}
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
                    or is_exact_url(str(one.get("url") or one.get("file") or one.get("path") or ""))
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
    pip = read_lines(path, "source", logical_lines("\n".join(lines)))
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
        or re.fullmatch(r"=\s*\d+\.\d+\.\d++[^*,|<>=\s]*", rest)
        or re.fullmatch(r"={1,2}\s*[^*,|<>=\s]+=[^*\s]+", rest)
        or re.fullmatch(r"\d+\.\d+\.\d++[^*,|<>=\s]*(\s+\S+)?", rest)
    )
    return Named(name=_conda_name(match["name"]), text=text, is_exact=exact)
