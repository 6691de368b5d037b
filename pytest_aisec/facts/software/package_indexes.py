"""Where pip, uv, poetry, Pipenv and conda on a host take packages from."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote, urlsplit

from pytest_aisec.facts.core.answers import check_search
from pytest_aisec.facts.core.formats import MALFORMED, ini_value, is_number, reads, toml_value, yaml_value
from pytest_aisec.facts.core.together import together
from pytest_aisec.facts.software.project_formats import Option, ProjectFile
from pytest_aisec.facts.software.projects import projects
from pytest_aisec.facts.system.accounts import accounts
from pytest_aisec.facts.system.listings import find
from pytest_aisec.facts.system.rights import NOBODY, Rights, owners, set_ids
from pytest_aisec.facts.system.texts import read_files
from pytest_aisec.observe.backend import foresee
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["PackageSource", "PackageSources", "package_sources", "read_configuration", "read_variable"]

Role = Literal["index", "extra", "explicit", "find-links", "unverified", "strategy", "channel"]


@dataclass(frozen=True, kw_only=True)
class PackageSource:
    """One setting that says where packages come from, or how much is checked."""

    where: str
    """The file, or the process and its variable."""
    role: Role
    """`extra` is searched besides another index; `explicit` only for packages that name it; `unverified` is a
    host whose certificate is not checked; `strategy` is how uv chooses among indexes."""
    value: str
    """A URL, a path, a host or a word."""

    @property
    def url(self) -> str:
        """The URL that the value stands for; conda's channel names become those of their servers."""
        if self.role != "channel" or "://" in self.value:
            return self.value
        if self.value in {"defaults", "main"} or self.value.startswith("pkgs/"):
            return "https://repo.anaconda.com/pkgs/"
        return (
            self.value
            if self.value.startswith(("/", ".", "~"))
            else f"https://conda.anaconda.org/{self.value}"
        )

    @property
    def is_local(self) -> bool:
        """Whether the packages lie on the host itself."""
        return self.url.startswith("file:") or "://" not in self.url

    @property
    def scheme(self) -> str:
        """Such as `https`, or `git+ssh`."""
        return urlsplit(self.url).scheme.lower()

    @property
    def place(self) -> str:
        """Host and path of the URL, such as `pypi.org/simple`, without credentials and port."""
        parts = urlsplit(self.url)
        path = posixpath.normpath("/" + unquote(parts.path).replace("\\", "/").lstrip("/"))
        return f"{(parts.hostname or '').rstrip('.')}{path}".rstrip("/")

    def is_at(self, allowed: Iterable[str]) -> bool:
        """Tell whether the URL is on one of the `allowed` hosts, or below one of them that has a path."""
        return any(
            self.place == one or self.place.startswith(one + "/") for one in (a.rstrip("/") for a in allowed)
        )


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


_PIP: dict[str, Role] = {
    "index-url": "index",
    "pypi-url": "index",
    "extra-index-url": "extra",
    "find-links": "find-links",
    "trusted-host": "unverified",
}
_PIP_SECTIONS = frozenset({"global", ":env:", "install", "download", "wheel", "lock"})
"""Those that count where pip takes packages from somewhere; it passes over others."""
_VARIABLES: dict[str, Role] = {
    "PIP_INDEX_URL": "index",
    "PIP_PYPI_URL": "index",
    "PIP_EXTRA_INDEX_URL": "extra",
    "PIP_FIND_LINKS": "find-links",
    "PIP_TRUSTED_HOST": "unverified",
    "UV_INDEX_URL": "index",
    "UV_DEFAULT_INDEX": "index",
    "UV_INDEX": "extra",
    "UV_EXTRA_INDEX_URL": "extra",
    "UV_FIND_LINKS": "find-links",
    "UV_INDEX_STRATEGY": "strategy",
    "UV_INSECURE_HOST": "unverified",
    "CONDA_CHANNELS": "channel",
}
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
        sources += _of_project(file)
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


_PATTERN = f"({'|'.join((*_VARIABLES, *_FILES_NAMED_BY, 'UV_INDEX_[A-Z0-9_]*URL'))})="


_PROCESS_VARIABLES = ("grep -aHzE %s /proc/[0-9]*/environ", f"^{_PATTERN}")


def _shell_variables(
    host: Host, homes: Sequence[str], faults: list[Unobservable]
) -> list[tuple[str, str, str]]:
    paths = [posixpath.join(home, one) for home in homes for one in _SHELL_IN_HOMES]
    globs = " ".join([*_SHELL, *(f"/home/*/{one}" for one in _SHELL_IN_HOMES)])
    answer = host.run(f"grep -aHZE %s {globs} {' '.join(['%s'] * len(paths))}", _PATTERN, *paths)
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
            words = shlex.split(text, comments=True)
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


@reads
def read_variable(where: str, name: str, value: str) -> list[PackageSource]:
    """Read one environment variable; those that say nothing about packages give nothing."""
    role = _VARIABLES.get(name)
    if role is None:
        return []
    values = re.split(r"[\s,]+" if role in {"unverified", "channel"} else r"\s+", value.strip())
    if name == "UV_INDEX":
        values = [one.partition("=")[2] if re.match(r"[\w.-]+=", one) else one for one in values]
    return [PackageSource(where=f"{where}: {name}", role=role, value=one) for one in values if one]


def read_configuration(path: str, text: str) -> list[PackageSource]:
    """Read a configuration file of pip, uv or conda, whose name says which it is.

    Raises:
        Unobservable: `parse`, when it is not what its name says.

    """
    name = posixpath.basename(path)
    try:
        if name.endswith(".toml"):
            return list(_of_uv(path, toml_value(text, path)))
        if name.endswith(("condarc", ".yml", ".yaml")):
            return list(_of_conda(path, yaml_value(text, path)))
        return list(_of_pip(path, text))
    except MALFORMED as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise Unobservable("parse", f"{path}: {reason[:200]}") from None


def _of_pip(path: str, text: str) -> Iterator[PackageSource]:
    for section, settings in ini_value(text, path).items():
        if section not in _PIP_SECTIONS:
            continue
        for key, value in settings.items():
            role = _PIP.get(key.replace("_", "-").removeprefix("--"))
            for one in value.split() if role else []:
                yield PackageSource(where=path, role=role or "index", value=one)


def _texts(value: Any) -> list[str]:
    if value is None:
        return []
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


def _of_uv(path: str, table: Mapping[str, Any]) -> Iterator[PackageSource]:
    for part in (table, table.get("pip") or {}):
        for key, role in (
            ("index-url", "index"),
            ("extra-index-url", "extra"),
            ("find-links", "find-links"),
            ("index-strategy", "strategy"),
            ("allow-insecure-host", "unverified"),
        ):
            for value in _texts(part.get(key)):
                yield PackageSource(where=path, role=role, value=value)  # type: ignore[arg-type]
    for index in table.get("index") or []:
        if not isinstance(index.get("url"), str):
            raise ValueError("an index without a URL")
        known: Role = "explicit" if index.get("explicit") else "index" if index.get("default") else "extra"
        yield PackageSource(
            where=path, role="find-links" if index.get("format") == "flat" else known, value=index["url"]
        )


def _of_conda(path: str, data: Any) -> Iterator[PackageSource]:
    if data is None:
        return
    keys = ("channels", "default_channels", "channel_alias", "migrated_channel_aliases")
    for key in keys:
        for value in _texts(data.get(key)):
            yield PackageSource(where=path, role="channel", value=value)
    for table in (data.get("custom_channels") or {}, data.get("custom_multichannels") or {}):
        for value in table.values():
            for one in _texts(value):
                yield PackageSource(where=path, role="channel", value=one)
    if "ssl_verify" in data and data["ssl_verify"] in {False, "false", "False", "no", "0"}:
        yield PackageSource(where=path, role="unverified", value="ssl_verify: false")


def _of_options(path: str, options: Iterable[Option]) -> Iterator[PackageSource]:
    for option in options:
        role = _PIP.get(option.name)
        if role:
            yield PackageSource(where=path, role=role, value=option.value)


def _of_project(file: ProjectFile) -> Iterator[PackageSource]:
    yield from _of_options(file.path, file.options)
    name = posixpath.basename(file.path)
    if name == "uv.toml":
        yield from _of_uv(file.path, file.data)
    elif name == "Pipfile":
        for one in file.data.get("source") or []:
            yield PackageSource(where=file.path, role="index", value=str(one.get("url", "")))
            if one.get("verify_ssl") is False:
                yield PackageSource(where=file.path, role="unverified", value=str(one.get("url", "")))
    elif name == "pyproject.toml":
        tools = file.data.get("tool") or {}
        yield from _of_uv(file.path, tools.get("uv") or {})
        for one in (tools.get("poetry") or {}).get("source") or []:
            priority = str(one.get("priority", "secondary" if one.get("secondary") else "primary")).lower()
            known: dict[str, Role] = {"explicit": "explicit", "supplemental": "extra", "secondary": "extra"}
            url = (
                "https://pypi.org/simple"
                if one.get("name", "").lower() == "pypi"
                else str(one.get("url", ""))
            )
            yield PackageSource(where=file.path, role=known.get(priority, "index"), value=url)
        for one in (tools.get("pdm") or {}).get("source") or []:
            yield PackageSource(where=file.path, role="index", value=str(one.get("url", "")))
            if one.get("verify_ssl") is False:
                yield PackageSource(where=file.path, role="unverified", value=str(one.get("url", "")))
    elif name.endswith((".yml", ".yaml")) and file.kind != "lock":
        yield from _of_conda(file.path, {"channels": file.data.get("channels")})
