"""Installed Python distributions, by the names of `.dist-info` and `.egg-info`. No Python runs there."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from pytest_aisec.facts.core.formats import reads
from pytest_aisec.facts.core.together import together
from pytest_aisec.facts.software.environments import search
from pytest_aisec.facts.system.texts import read_files
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["Distribution", "Distributions", "distributions", "read_name"]

_KEPT = re.compile(r"/pkgs/[^/]+-\d[^/-]*-[^/-]*_\d+/(lib/python[\d.]+/)?site-packages/")
"""Where conda keeps packages unpacked."""
_MARK = re.compile(
    r"(?=(?s:.*)\.egg(?:-info)?\Z)(?P<name>[^/]+?)-(?P<version>\d[^/-]*|v\d[^/-]*)(?:-py[\d.]+(?:-[^/]+)?)?\.(?:egg-info|egg)"
)
_DIST_INFO = re.compile(r"(?P<name>[^/-]+)-(?P<version>[^/-]+)\.dist-info")


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """One installed distribution."""

    name: str
    """Canonical, such as `torch`."""
    version: str
    """As it is written there; empty where nothing says it."""
    path: str
    """Its `.dist-info`, `.egg-info` or `.egg`."""
    is_packaged: bool = False
    """Whether it is of a package of the operating system, whose maintainers mend it under its old number."""

    @property
    def where(self) -> str:
        """The directory that it is installed in."""
        return posixpath.dirname(self.path)

    @property
    def text(self) -> str:
        """Name and version."""
        return f"{self.name} {self.version or 'of unknown version'}"


@dataclass(frozen=True, kw_only=True)
class Distributions:
    """The distributions below some directories."""

    found: tuple[Distribution, ...]
    """In the order of their paths."""
    absent: tuple[str, ...]
    """Those of the directories that are not there."""
    faults: tuple[Unobservable, ...]
    """Why there may be more than this."""

    @property
    def own(self) -> tuple[Distribution, ...]:
        """Those that are not part of a package of the operating system."""
        return tuple(one for one in self.found if not one.is_packaged)


def distributions(host: Host, roots: Sequence[str]) -> Distributions:
    """Return what is installed below `roots`, at any depth.

    What has no metadata, such as a module that was copied, is not seen, nor what is packed into one file.
    What could not be seen is in the `faults`.

    Raises:
        Unobservable: when the host cannot be searched at all.

    """
    names = "\\( -name '*.dist-info' -o -name '*.egg-info' -o -name '*.egg' \\)"
    owned, found_there = together(
        lambda: _packaged(host), lambda: search(host, roots, f"{names} -printf '%%y %%p\\n\\000'")
    )
    faults = found_there.faults
    paths: dict[str, str] = {}
    for record in found_there.records:
        match = re.fullmatch(r"(.) (/.*)", record, re.DOTALL)
        if match is None:
            raise Unobservable("parse", f"find printed {record[:200]!r}")
        if _is_installed(match[2]):
            paths.setdefault(match[2], match[1])
    found = {path: read_name(path) for path in paths}
    found |= _read_metadata(host, {path: paths[path] for path, one in found.items() if one is None}, faults)
    return Distributions(
        found=tuple(
            replace(one, is_packaged=path in owned)
            for path in sorted(found)
            if (one := found[path]) is not None
        ),
        absent=found_there.absent,
        faults=tuple(faults),
    )


def _is_installed(path: str) -> bool:
    name = posixpath.basename(path)
    return not (
        name.startswith(("~", "."))
        or name == ".egg-info"
        or posixpath.basename(posixpath.dirname(path)) == "_vendor"
        or _KEPT.search(path)
    )


@reads
def read_name(path: str) -> Distribution | None:
    """Return what the name of a `.dist-info`, `.egg-info` or `.egg` says; `None` where it is not enough."""
    name = posixpath.basename(path)
    match = _DIST_INFO.fullmatch(name) or _MARK.fullmatch(name)
    if match is None:
        return None
    version = match["version"].replace("_", "-")
    return Distribution(name=canonicalize_name(match["name"]), version=version, path=path)


def _read_metadata(
    host: Host, kinds: dict[str, str], faults: list[Unobservable]
) -> dict[str, Distribution | None]:
    """Read the metadata of those whose names do not say enough."""
    files: dict[str, str] = {}
    for path, kind in kinds.items():
        inside = {".dist-info": "METADATA", ".egg-info": "PKG-INFO", ".egg": "EGG-INFO/PKG-INFO"}
        file = inside[posixpath.splitext(path)[1]]
        files[path if kind == "f" else posixpath.join(path, file)] = path
    answers = read_files(host, dict.fromkeys(files, 0)) if files else {}
    found: dict[str, Distribution | None] = {}
    for file, answer in answers.items():
        path = files[file]
        if isinstance(answer, Unobservable):
            if answer.reason == "unreadable" and answer.detail.endswith("No such file or directory"):
                continue  # an empty directory is no distribution
            faults.append(answer)
            continue
        head = answer.split("\n\n", 1)[0]
        name = re.search(r"^Name:[ \t]*(\S+)", head, re.MULTILINE)
        version = re.search(r"^Version:[ \t]*(\S+)", head, re.MULTILINE)
        if name is None:
            faults.append(Unobservable("parse", f"{file} names no distribution"))
            continue
        found[path] = Distribution(
            name=canonicalize_name(name[1]), version=version[1] if version else "", path=path
        )
    return found


def _packaged(host: Host) -> frozenset[str]:
    """Return which `.dist-info` and `.egg-info` the package manager of the operating system installed."""
    answer = host.run(
        "if test -e /var/lib/dpkg/status; then "
        "grep -hE '[.](dist-info|egg-info)$' /var/lib/dpkg/info/*.list; printf 'status %s\\n' \"$?\"; "
        "elif command -v rpm >/dev/null 2>&1 && "
        "{ test -d /var/lib/rpm || ! rpm --help 2>&1 | grep -q '^BusyBox '; }; then "
        "rpm -qa --qf '[%{FILENAMES}\\n]' | grep -E '[.](dist-info|egg-info)$'; "
        "printf 'status %s\\n' \"$?\"; "
        "else printf 'status 1\\n'; fi"
    )
    return read_packaged(answer.stdout, answer.stderr)


@reads
def read_packaged(stdout: str, stderr: str) -> frozenset[str]:
    """Read what was printed about the package manager's files.

    Raises:
        Unobservable: when it could not be asked.

    """
    *lines, last = stdout.splitlines() or [""]
    problem = next((line for line in reversed(stderr.splitlines()) if line.strip()), "")
    if last in {"status 126", "status 127"} or "not found" in problem:
        raise Unobservable("tool_missing", problem or "grep")
    if last not in {"status 0", "status 1"} or problem:
        raise Unobservable("unreadable", problem or "the list of installed files")
    return frozenset(line for line in lines if line.startswith("/"))
