"""Settings of an audit in one file: `aisec.toml`, or `[tool.pytest-aisec]` of `pyproject.toml`."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from pytest_aisec.catalog import tomlfile, yamlfile
from pytest_aisec.catalog.policy import GatePolicy
from pytest_aisec.catalog.profile import NonEmpty, Profile, ProfileFile, is_path
from pytest_aisec.catalog.yamlfile import Document, Loc
from pytest_aisec.errors import UsageProblem

FILE = "aisec.toml"
SHARED = "pyproject.toml"
TABLE = ("tool", "pytest-aisec")
_PATHS = ("advisories", "redact", "sign_key", "sign_passphrase_file", "baseline", "ssh_config",
          "ssh_identity_file", "inventory")  # fmt: skip
_LISTS_OF_PATHS = ("path", "waivers", "attestations")
_PLAIN = ("active", "fail_on", "min_score", "error_is", "strict_waivers", "timeout", "connect_timeout",
          "workers", "evidence_mode", "sudo", "sudo_user")  # fmt: skip
_TESTINFRA = {"inventory": "ansible_inventory"} | {
    name: name for name in ("ssh_config", "ssh_identity_file", "sudo", "sudo_user")
}
"""Key of the file → testinfra's option; all others are ours."""


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class GroupSettings(_Frozen):
    """Hosts that have a profile of their own."""

    profile: NonEmpty | None = None
    """Name, or path relative to the file. Default: the profile at the top of the file."""
    hosts: Annotated[list[NonEmpty], Field(min_length=1)]
    """As `--hosts` takes them; `ansible://GROUP` is a group of the inventory."""
    params: dict[str, Any] = Field(default_factory=dict)
    """Parameter name → value, for every control of the group that has a parameter of that name."""
    sudo: bool | None = None


class SettingsFile(_Frozen):
    """The file as written. Paths are relative to it."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]*$")] = "fleet"
    """Name of the run of all groups in the evidence."""
    title: NonEmpty = "Fleet"
    version: NonEmpty = "1.0.0"
    profile: NonEmpty | None = None
    hosts: list[NonEmpty] = Field(default_factory=list)
    params: dict[str, Any] = Field(default_factory=dict)
    groups: dict[
        Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")], GroupSettings
    ] = Field(default_factory=dict)
    path: list[NonEmpty] = Field(default_factory=list)
    """Directories with `controls/` and `profiles/` of your own."""
    waivers: list[NonEmpty] = Field(default_factory=list)
    attestations: list[NonEmpty] = Field(default_factory=list)
    gate: str | dict[str, Any] | None = None
    """The path of a file, or the policy itself."""
    evidence: NonEmpty | None = None
    """The directory that gets a bundle of each run."""
    evidence_mode: Literal["0700", "0750", "0755"] | None = None
    """Who can read it."""
    fail_on: NonEmpty | None = None
    min_score: float | None = None
    error_is: NonEmpty | None = None
    strict_waivers: bool = False
    baseline: NonEmpty | None = None
    active: bool = False
    advisories: NonEmpty | None = None
    redact: NonEmpty | None = None
    sign_key: NonEmpty | None = None
    sign_passphrase_file: NonEmpty | None = None
    inventory: NonEmpty | None = None
    ssh_config: NonEmpty | None = None
    ssh_identity_file: NonEmpty | None = None
    sudo: bool = False
    sudo_user: NonEmpty | None = None
    timeout: float | None = None
    connect_timeout: float | None = None
    workers: int | None = None


@dataclass(frozen=True, kw_only=True)
class Value:
    """One value of the configuration, and where it came from."""

    name: str
    value: Any
    origin: str
    """File and line, or the option."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """A file of settings that has been read."""

    file: SettingsFile
    document: Document
    policy: GatePolicy | None
    """The gate, where the file itself holds it."""

    @property
    def directory(self) -> Path:
        """Return the base of the file's paths."""
        return self.document.path.parent

    def profile_of(self, group: str) -> tuple[str, str]:
        """Return the profile of a group, and where it is written; of the empty group, the file's own."""
        if group and self.file.groups[group].profile is not None:
            return str(self.file.groups[group].profile), self.document.at(("groups", group, "profile"))
        return str(self.file.profile), self.document.at(("profile",))

    def where(self, dest: str, value: object) -> str | None:
        """Return where the file sets an option to `value`; `None` when the value is from elsewhere."""
        names = {"aisec_profile": "profile", "hosts": "hosts"}
        given = dict(_options(self.file, self.directory))
        return self.document.at((names[dest],)) if given.get(dest) == value else None

    def overlay(self, group: str, last: ProfileFile) -> list[Profile]:
        """Return what the file sets for a group as a profile to be laid over `last`, if it sets anything.

        What stands at the top of the file holds for the groups that have such a parameter.
        """
        prefix: tuple[str, ...] = ("groups", group) if group else ()
        params = self.file.groups[group].params if group else self.file.params
        if not params:
            return []
        over = ProfileFile(id=last.id, title=last.title, version=last.version, params=params)
        return [Profile(file=over, document=tomlfile.below(self.document, prefix))]


def find(directory: Path, given: str | None) -> Settings:
    """Read the settings.

    Args:
        directory: where they are looked for: `aisec.toml`, then `[tool.pytest-aisec]` of `pyproject.toml`.
        given: a file to read instead.

    Raises:
        UsageProblem: when there are none, or for all mistakes of the file at once.

    """
    if given is not None:
        path = directory / Path(given).expanduser()
        document = tomlfile.read(path, TABLE if path.name == SHARED else ())
        if document is None:
            raise UsageProblem(f"--aisec-config {given}: has no [{'.'.join(TABLE)}]")
        return _settings(document)
    for name, table in ((FILE, ()), (SHARED, TABLE)):
        path = directory / name
        if path.is_file() and (document := tomlfile.read(path, table)) is not None:
            return _settings(document)
    raise UsageProblem(
        f"nothing says what to audit: there is neither {FILE} nor a {SHARED} with [{'.'.join(TABLE)}] in "
        f"{directory}. Name a profile, or begin with: aisec init"
    )


def _settings(document: Document) -> Settings:
    file, at = yamlfile.parse(document, SettingsFile), document.at
    policy = None
    if isinstance(file.gate, dict):
        policy = yamlfile.parse(tomlfile.below(document, ("gate",)), GatePolicy)
    if file.groups and file.hosts:
        raise UsageProblem(f"{at(('hosts',))}: hosts: where there are groups, each host is in one of them")
    if file.groups and file.params:
        raise UsageProblem(f"{at(('params',))}: params: where there are groups, each has params of its own")
    if not file.groups and file.profile is None:
        raise UsageProblem(f"{document.path}: names neither a profile nor groups that have one")
    _check_paths(file, document)
    for name, group in file.groups.items():
        if group.profile is None and file.profile is None:
            raise UsageProblem(
                f"{at(('groups', name))}: group {name!r} has no profile, and the file has none"
            )
    return Settings(file=file, document=document, policy=policy)


def _check_paths(file: SettingsFile, document: Document) -> None:
    """Refuse paths that lead nowhere, all at once."""
    given: list[tuple[Loc, str]] = [((name,), getattr(file, name)) for name in _PATHS if getattr(file, name)]
    if isinstance(file.gate, str):
        given.append((("gate",), file.gate))
    for name in _LISTS_OF_PATHS:
        given += [((name, number), item) for number, item in enumerate(getattr(file, name))]
    problems = []
    for loc, text in given:
        path = document.path.parent / Path(text).expanduser()
        if not path.exists():
            beside = [item.name for item in path.parent.glob("*")] if path.parent.is_dir() else []
            close = difflib.get_close_matches(path.name, beside, n=1)
            hint = f". Did you mean {close[0]}?" if close else ""
            problems.append(
                f"{document.at(loc)}: {loc[0]}: {text!r}: there is no such file or directory{hint}"
            )
    if problems:
        raise UsageProblem("\n".join(problems))


def apply(settings: Settings, namespace: argparse.Namespace) -> None:
    """Set the options that the command line leaves open to what the file says.

    Raises:
        UsageProblem: when the command line says what cannot be together with the file's groups.

    """
    file, base = settings.file, settings.directory
    if file.groups and namespace.aisec_profile not in (None, file.name):
        raise UsageProblem(
            f"--aisec-profile {namespace.aisec_profile}: {settings.document.path} has groups with "
            "profiles of their own; leave one of the two out"
        )
    namespace.aisec_config = str(settings.document.path.absolute())
    if file.groups:
        namespace.aisec_profile = file.name
    has_hosts = bool(namespace.aisec_replay or namespace.aisec_import)
    for dest, value in _options(file, base):
        if has_hosts and dest in {"hosts", "ansible_inventory"}:
            continue
        if getattr(namespace, dest, None) in (None, False) or getattr(namespace, dest) == []:
            setattr(namespace, dest, value)


def _options(file: SettingsFile, base: Path) -> Iterator[tuple[str, Any]]:
    """Yield each option that the file sets, with the value that the command line would give."""
    if file.profile is not None and not file.groups:
        known = str(base / Path(file.profile).expanduser())
        yield "aisec_profile", known if is_path(file.profile) else file.profile
    if file.hosts:
        yield "hosts", ",".join(file.hosts)
    for name in _PATHS:
        value = getattr(file, name)
        if value is not None:
            yield _TESTINFRA.get(name, f"aisec_{name}"), str(base / Path(value).expanduser())
    for name in _LISTS_OF_PATHS:
        value = getattr(file, name)
        if value:
            yield f"aisec_{name}", [str(base / Path(item).expanduser()) for item in value]
    if isinstance(file.gate, str):
        yield "aisec_gate", str(base / Path(file.gate).expanduser())
    for name in _PLAIN:
        value = getattr(file, name)
        if value not in (None, False):
            yield _TESTINFRA.get(name, f"aisec_{name}"), value


def values(settings: Settings, namespace: argparse.Namespace) -> Iterator[Value]:
    """Yield everything that the audit is going to use and that somebody set, with where it came from.

    Args:
        settings: the file.
        namespace: the options, with those of the file applied.

    """
    file, at = settings.file, settings.document.at
    options = dict(_options(file, settings.directory))
    keys = {"hosts": "hosts", "aisec_profile": "profile"} | {
        _TESTINFRA.get(name, f"aisec_{name}"): name
        for name in (*_PATHS, *_LISTS_OF_PATHS, *_PLAIN, "gate", "evidence")
    }
    for dest, name in sorted(keys.items(), key=lambda item: item[1]):
        value = getattr(namespace, dest, None)
        if value in (None, False) or value == [] or (name == "profile" and file.groups):
            continue
        is_files = dest in options and options[dest] == value
        option = f"--{dest.replace('_', '-')}"
        yield Value(name=name, value=value, origin=at((name,)) if is_files else option)
    if file.evidence and not namespace.aisec_evidence:
        yield Value(name="evidence", value=str(settings.directory / file.evidence), origin=at(("evidence",)))
    if settings.policy is not None:
        for name, value in settings.policy.model_dump(mode="json", exclude_unset=True).items():
            yield Value(name=f"gate.{name}", value=value, origin=at(("gate", name)))
    for name, value in file.params.items():
        yield Value(name=f"params.{name}", value=value, origin=at(("params", name)))
    for option in namespace.aisec_param:
        name, _, value = option.partition("=")
        yield Value(name=f"params.{name}", value=value, origin="--aisec-param")
    for name in file.groups:
        yield from _group(settings, name)


def _group(settings: Settings, name: str) -> Iterator[Value]:
    group, at = settings.file.groups[name], settings.document.at
    profile, where = settings.profile_of(name)
    yield Value(name=f"groups.{name}.profile", value=profile, origin=where)
    yield Value(name=f"groups.{name}.hosts", value=group.hosts, origin=at(("groups", name, "hosts")))
    if group.sudo is not None:
        yield Value(name=f"groups.{name}.sudo", value=group.sudo, origin=at(("groups", name, "sudo")))
    for key, value in group.params.items():
        loc: Sequence[str] = ("groups", name, "params", key)
        yield Value(name=f"groups.{name}.params.{key}", value=value, origin=at(loc))
