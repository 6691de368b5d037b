"""Sources from which pip, uv, poetry, Pipenv and conda on a host take packages."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_aisec.facts.core.answers import check_search
from pytest_aisec.facts.core.formats import is_number, shell_words
from pytest_aisec.facts.core.together import together
from pytest_aisec.facts.software.index_settings import (
    VARIABLES,
    PackageSource,
    read_configuration,
    read_project,
    read_variable,
)
from pytest_aisec.facts.software.projects import projects
from pytest_aisec.facts.system.accounts import accounts
from pytest_aisec.facts.system.find_forms import lacks_z, mentions
from pytest_aisec.facts.system.listings import find
from pytest_aisec.facts.system.rights import NOBODY, Rights, owners, set_ids
from pytest_aisec.facts.system.texts import read_files
from pytest_aisec.observe.backend import foresee
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["PackageSources", "package_sources"]


@dataclass(frozen=True, kw_only=True)
class PackageSources:
    """Every such setting found."""

    sources: tuple[PackageSource, ...]
    files: tuple[str, ...]
    """The configuration and project files that were read, whether they set anything or not."""
    absent: tuple[str, ...]
    """Those of the project roots that are proved to be absent."""
    faults: tuple[Unobservable, ...]
    """Why there may be more."""


_FILES_NAMED_BY = ("PIP_CONFIG_FILE", "UV_CONFIG_FILE", "CONDARC")
_IN_SYSTEM = (
    "/etc/pip.conf",
    "/etc/xdg/pip/pip.conf",
    "/etc/uv/uv.toml",
    "/etc/xdg/uv/uv.toml",
    "/etc/conda/.condarc",
    "/etc/conda/condarc",
    "/var/lib/conda/.condarc",
)
_IN_HOMES = (
    ".config/pip/pip.conf",
    ".pip/pip.conf",
    ".config/uv/uv.toml",
    ".condarc",
    ".conda/.condarc",
    ".config/conda/.condarc",
)
_SHELL = ("/etc/environment", "/etc/profile", "/etc/bash.bashrc", "/etc/profile.d/*")
_SHELL_IN_HOMES = (".profile", ".bash_profile", ".bashrc", ".zshrc", ".zprofile", ".zshenv")
_NAMES = ("pip.conf", ".condarc", "condarc")
_NO_HOMES = re.compile(r"/|/(nonexistent|proc|dev|sys|bin|sbin|usr|run|var/run)(/.*)?")


def package_sources(host: Host, roots: Sequence[str]) -> PackageSources:
    """Return where packages come from, by configuration, environment and the projects below `roots`."""
    of_shells: list[Unobservable] = []

    def shells() -> tuple[list[str], list[tuple[str, str, str]]]:
        homes = list(dict.fromkeys(one.home for one in accounts(host) if not _NO_HOMES.fullmatch(one.home)))
        return homes, _shell_variables(host, homes, of_shells)

    foresee(host, _PROCESS_VARIABLES)
    seen, (homes, in_shells) = together(lambda: projects(host, roots), shells)
    sources: list[PackageSource] = []
    faults = [*seen.faults, *of_shells]
    variables = [*in_shells, *_process_variables(host, faults)]
    named: dict[str, str | Rights] = {}
    rights: dict[int, Rights] = {}
    if any(name in _FILES_NAMED_BY for _, name, _ in variables):
        starters = set_ids(host)
        rights = {pid: one for pid, one in owners(host).items() if pid not in starters}
    for where, name, value in dict.fromkeys(variables):
        if name in _FILES_NAMED_BY and value.startswith("/") and value != "/dev/null":
            by = rights.get(int(where.split("/")[2]), NOBODY) if where.startswith("/proc/") else where
            if value not in named or (isinstance(by, Rights) and by.uid == 0):
                named[value] = by
        sources += read_variable(where, name, value)
    tops = [root for root in roots if root not in seen.absent]
    texts = _configurations(host, homes, tops, named, faults)
    for path, text in texts.items():
        try:
            sources += read_configuration(path, text)
        except Unobservable as fault:
            faults.append(fault)
    for file in seen.included.values():
        sources += read_project(file)
    return PackageSources(
        sources=tuple(dict.fromkeys(sources)),
        files=(*texts, *seen.included, *(where for where, _, _ in variables)),
        absent=seen.absent,
        faults=tuple(faults),
    )


def _configurations(
    host: Host,
    homes: Sequence[str],
    roots: Sequence[str],
    named: Mapping[str, str | Rights],
    faults: list[Unobservable],
) -> dict[str, str]:
    paths = [*_IN_SYSTEM, *(posixpath.join(home, one) for home in homes for one in _IN_HOMES), *roots, *named]
    globs = " ".join(f"/home/*/{one}" for one in _IN_HOMES)
    names = " -o ".join(f"-name '{name}'" for name in (*_NAMES, "uv.toml"))
    also = "".join(" -o -path %s" for _ in named)
    listing = find(
        host,
        f"-H {' '.join(['%s'] * len(paths))} {globs} -maxdepth 4 \\( {names}{also} \\) "
        "\\( -type f -o -type l \\) -printf '%%s %%p\\n\\0'",
        *paths,
        *named,
    )
    faults += listing.faults
    sizes = {}
    for record in listing.records:
        size, _, path = record.partition(" ")
        if not is_number(size):
            raise Unobservable("parse", f"find printed {record[:200]!r}")
        sizes[path] = int(size)
    texts = {}
    for path, answer in (read_files(host, sizes, named_by=named) if sizes else {}).items():
        if isinstance(answer, Unobservable):
            faults.append(answer)
        else:
            texts[path] = answer
    return texts


_PATTERN = f"({'|'.join((*VARIABLES, *_FILES_NAMED_BY, 'UV_INDEX_[A-Z0-9_]*URL'))})="


_PROCESS_VARIABLES = ("grep -aHzE %s /proc/[0-9]*/environ", f"^{_PATTERN}")


def _shell_variables(
    host: Host, homes: Sequence[str], faults: list[Unobservable]
) -> list[tuple[str, str, str]]:
    paths = [posixpath.join(home, one) for home in homes for one in _SHELL_IN_HOMES]
    globs = " ".join([*_SHELL, *(f"/home/*/{one}" for one in _SHELL_IN_HOMES)])
    places = f"{globs} {' '.join(['%s'] * len(paths))}"
    answer = host.run(f"grep -aHZE %s {places}", _PATTERN, *paths)
    if lacks_z(answer.stderr):
        answer = host.run(f"p=%s; set -- {places}; {mentions('aE', of_text=False)}", _PATTERN, *paths)
    check_search(answer.exit_status, answer.stdout)
    _check_grep(answer.exit_status, answer.stderr, faults)
    found = []
    for line in answer.stdout.splitlines():
        path, separator, text = line.partition("\0")
        if not separator:
            raise Unobservable("parse", f"grep printed {line[:200]!r}")
        if text.lstrip().startswith("#"):
            continue
        try:
            words = shell_words(text, comments=True)
        except ValueError:
            faults.append(Unobservable("parse", f"{path}: {text[:200]!r}"))
            continue
        for word in words:
            match = re.fullmatch(r"([A-Z][A-Z0-9_]*)=(.*)", word.rstrip(";"), re.DOTALL)
            if match:
                found.append((path, match[1], match[2]))
    return found


def _process_variables(host: Host, faults: list[Unobservable]) -> list[tuple[str, str, str]]:
    answer = host.run(*_PROCESS_VARIABLES)
    check_search(answer.exit_status, answer.stdout)
    _check_grep(answer.exit_status, answer.stderr, faults)
    found = []
    for record in answer.stdout.split("\0"):
        match = re.fullmatch(r"(/proc/\d+/environ):([A-Z][A-Z0-9_]*)=(.*)", record.strip("\n"), re.DOTALL)
        if match:
            found.append((match[1], match[2], match[3]))
        elif record.strip():
            raise Unobservable("parse", f"grep printed {record[:200]!r}")
    return found


def _check_grep(status: int, stderr: str, faults: list[Unobservable]) -> None:
    lines = [line for line in stderr.splitlines() if line.strip()]
    if any("option" in line or line.startswith("Usage") for line in lines):
        raise Unobservable("tool_missing", f"grep on the host cannot do this: {lines[0]}")
    denied = [line for line in lines if line.endswith("Permission denied")]
    if denied:
        faults.append(Unobservable("privilege", denied[-1]))
    harmless = ("Permission denied", "No such file or directory", "No such process", "Is a directory")
    other = [line for line in lines if not line.endswith(harmless)]
    if other or (status > 1 and not lines):
        faults.append(Unobservable("unreadable", other[-1] if other else f"grep ended with status {status}"))
