"""Settings of pip, uv, poetry, Pipenv and conda that say where packages come from: files and variables."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from pytest_aisec.facts.core.formats import MALFORMED, ini_value, reads, toml_value, yaml_value
from pytest_aisec.facts.software.project_formats import Option, ProjectFile
from pytest_aisec.observe.faults import Unobservable

__all__ = ["VARIABLES", "PackageSource", "read_configuration", "read_project", "read_variable"]

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


_PIP: dict[str, Role] = {
    "index-url": "index",
    "pypi-url": "index",
    "extra-index-url": "extra",
    "find-links": "find-links",
    "trusted-host": "unverified",
}
_PIP_SECTIONS = frozenset({"global", ":env:", "install", "download", "wheel", "lock"})
"""Those that count where pip takes packages from somewhere; it passes over others."""
VARIABLES: dict[str, Role] = {
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
"""Variables of the environment → what they set."""


@reads
def read_variable(where: str, name: str, value: str) -> list[PackageSource]:
    """Read one environment variable; those that say nothing about packages give nothing."""
    role = VARIABLES.get(name)
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


def read_project(file: ProjectFile) -> Iterator[PackageSource]:
    """Yield what a file of a project says."""
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
