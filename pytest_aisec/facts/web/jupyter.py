"""Jupyter servers: what their arguments and configuration files come to."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_aisec.facts.core.formats import MALFORMED
from pytest_aisec.facts.core.together import ahead
from pytest_aisec.facts.system.accounts import accounts
from pytest_aisec.facts.system.rights import given_text, with_rights
from pytest_aisec.facts.system.running_config import stale
from pytest_aisec.facts.system.services import Service
from pytest_aisec.facts.web.python_settings import read_python
from pytest_aisec.facts.web.python_values import UNKNOWN
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["JupyterServer", "jupyter_servers", "read_json", "read_python", "traits_of"]

_FILES = ("jupyter_config", "jupyter_server_config", "jupyter_notebook_config", "jupyter_lab_config")
"""From the weakest to the strongest of one directory."""
_WRITTEN = ("migrated", "lab", "nbconfig", "custom")
"""What Jupyter puts into a directory of its configuration by itself."""

_ALIASES = {
    "ip": "ServerApp.ip",
    "certfile": "ServerApp.certfile",
    "allow-root": "ServerApp.allow_root",
    "base-url": "ServerApp.base_url",
}
_MASK = r"""s/\([Tt]oken['"]\{0,1\}[])]\{0,1\} *[:=] *[rRuUbBfF]\{0,2\}['"]\)[^'"]\{1,\}/\1set/g"""
_ANSWERS = re.compile(r"(?s)(?P<path>\.?/[^\n]*)\n(?P<text>.*)")


@dataclass(frozen=True, kw_only=True)
class JupyterServer:
    """One Jupyter server and its effective settings."""

    service: Service
    traits: Mapping[str, Any]
    """Trait such as `token` → its value; of several classes' traits of that name the values in a list."""
    is_dynamic: tuple[str, ...]
    """Configuration files of which only running them would tell what they set."""
    stale: Unobservable | None = None
    """Why it may run with other settings than its files say."""

    def values(self, trait: str) -> list[Any]:
        """Return what was set for a trait, by class; nothing where it has its default."""
        return list(self.traits.get(trait, ()))

    def is_true(self, trait: str) -> bool:
        """Tell whether a switch is on."""
        return any(
            value is True or str(value).lower() in {"true", "1", "yes"} for value in self.values(trait)
        )

    @property
    def is_open(self) -> bool:
        """Whether it is set to ask for neither token nor password."""
        tokens, passwords = self.values("token"), [*self.values("password"), *self.values("hashed_password")]
        return bool(tokens) and all(token == "" for token in tokens) and not any(passwords)

    @property
    def undecided(self) -> list[str]:
        """Reason why its settings do not tell whether it lets anybody in."""
        reasons = [f"{path} is a program" for path in self.is_dynamic]
        reasons += [
            f"{trait} is computed"
            for trait in ("token", "password", "hashed_password")
            if any(value is UNKNOWN for value in self.values(trait))
        ]
        tokens = self.values("token")
        if "" in tokens and any(token != "" for token in tokens):
            reasons.append("there are two different settings of token")
        reasons += [
            f"{trait} is not the default"
            for trait in ("identity_provider_class", "login_handler_class", "authorizer_class")
            if self.values(trait)
        ]
        return reasons

    @property
    def base_url(self) -> str:
        """The path below which it serves, without a slash at its end."""
        given = [value for value in self.values("base_url") if isinstance(value, str)]
        return "/" + given[-1].strip("/") if given and given[-1].strip("/") else ""


def _plain(value: str) -> Any:
    """Read a value from a command line as traitlets does: it takes off one pair of quotes."""
    quoted = len(value) >= 2 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if quoted else value


def read_arguments(service: Service) -> dict[str, Any]:
    """Return traits such as `ServerApp.token` from the command line."""
    found: dict[str, Any] = {}
    for name, values in service.options.items():
        value = _plain(values[-1])
        if name in _ALIASES:
            found[_ALIASES[name]] = True if name == "allow-root" else value
        elif "." in name:
            owner, _, trait = name.rpartition(".")
            found[f"{owner}.{trait.replace('-', '_')}"] = value
    return found


def read_json(text: str) -> dict[str, Any]:
    """Return the traits of a JSON configuration file.

    Raises:
        ValueError: when it is none.

    """
    try:
        data = json.loads(text)
    except RecursionError as error:
        raise ValueError(str(error)) from None
    if not isinstance(data, dict):
        raise ValueError("not a JSON object")
    return {
        f"{owner}.{trait}": value
        for owner, traits in data.items()
        if isinstance(traits, dict)
        for trait, value in traits.items()
    }


def traits_of(layers: Iterable[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Return the effective values of each trait by its bare name.

    Args:
        layers: traits such as `ServerApp.token`, from the weakest place to the strongest.

    """
    effective: dict[str, Any] = {}
    for layer in layers:
        effective.update(layer)
    found: dict[str, list[Any]] = {}
    for name in sorted(effective):
        found.setdefault(name.rpartition(".")[2], []).append(effective[name])
    return found


def _places(service: Service, homes: Mapping[int, str]) -> tuple[list[str], list[str]]:
    """Return the directories of configuration from the strongest to the weakest, and named files."""
    home = service.setting("HOME") or homes.get(service.uid if service.uid is not None else -1, "/root")
    first = service.setting("JUPYTER_CONFIG_PATH")
    prefixes = [
        posixpath.dirname(posixpath.dirname(word))
        for word in service.arguments[:3]
        if word.startswith("/") and posixpath.basename(posixpath.dirname(word)) == "bin"
    ]
    directories = [
        *filter(None, first.split(":")),
        service.setting("JUPYTER_CONFIG_DIR") or f"{home}/.jupyter",
        f"{home}/.local/etc/jupyter",
        *(f"{prefix}/etc/jupyter" for prefix in prefixes),
        "/usr/local/etc/jupyter",
        "/etc/jupyter",
    ]
    named = [value for option in ("config", "f") for value in service.options.get(option, ()) if value]
    return list(dict.fromkeys(directories)), named


def _read(host: Host, service: Service, directories: Sequence[str], named: Sequence[str]) -> dict[str, str]:
    """Return the configuration files in some directories and those that are named, by path.

    They are read with the rights of the server. What a token is set to is not read, only whether it is.
    """
    if service.rights is None:
        raise Unobservable("unreadable", f"jupyter ({service.pid}) has ended")
    look = (
        "-maxdepth 2 -type f \\( -name 'jupyter_*config.py' -o -name 'jupyter_*config.json' "
        "-o -path '*/jupyter_*config.d/*.json' \\)"
    )
    script = (
        'm=$1; shift; for d; do case $d in =*) printf "%s\\n" "${d#=}";; *) '
        'if test -e "$d" || ! stat -- "$d" 2>&1 | grep -q "No such file"; '
        f'then find -L "$d" {look} -print; fi;; esac; done | while IFS= read -r f; '
        'do printf "%s\\n" "$f"; g "$f" | sed -e "$m"; printf "\\n\\000"; done; '
        'printf "end\\n\\000"'
    )
    here = "." if service.root else ""
    places = [*(here + path for path in directories), *(f"={here}{path}" for path in named)]
    answer = host.run(*with_rights(service.rights, script, _MASK, *places, root=service.root))
    found = {}
    text = given_text(answer, f"the configuration of jupyter ({service.pid}) as uid {service.rights.uid}")
    parts = text.split("\n\0")
    if parts[-2:] != ["end", ""]:
        raise Unobservable("unreadable", "the configuration files of Jupyter are not shown whole")
    for part in parts[:-2]:
        match = _ANSWERS.fullmatch(part)
        if match is None:
            raise Unobservable("parse", f"a configuration file of Jupyter: {part[:80]!r}")
        path = match["path"]
        found[service.root + path.removeprefix(here)] = match["text"]
    return found


def _rank(path: str, directories: Sequence[str], named: Sequence[str]) -> tuple[int, int, int, int]:
    """Return how strong a file is: the greater, the stronger."""
    if path in named:
        return (1, 0, 0, 0)
    place = next((i for i, directory in enumerate(directories) if path.startswith(directory + "/")), 99)
    stem = posixpath.basename(path).rpartition(".")[0]
    if posixpath.dirname(path).endswith(".d"):
        return (0, -place, -1, 0)
    return (0, -place, _FILES.index(stem) if stem in _FILES else 9, path.endswith(".json"))


def _layers(files: Mapping[str, str], order: Iterable[str]) -> Iterator[tuple[str, dict[str, Any], bool]]:
    for path in order:
        try:
            if path.endswith(".json"):
                yield path, read_json(files[path]), False
            else:
                traits, is_dynamic = read_python(files[path])
                yield path, traits, is_dynamic
        except MALFORMED as error:
            raise Unobservable("parse", f"{path}: {str(error)[:200]}") from None


def _server(host: Host, service: Service, homes: Mapping[int, str]) -> JupyterServer:
    directories, named = _places(service, homes)
    relative = [path for path in named if not path.startswith("/")]
    if relative:
        raise Unobservable("unreadable", f"the configuration file {relative[0]} is named by a relative path")
    files = _read(host, service, directories, named)
    old = _stale(host, service, directories, files)
    directories, named = ([service.root + path for path in paths] for paths in (directories, named))
    order = sorted(files, key=lambda path: (_rank(path, directories, named), path))
    layers = list(_layers(files, order))
    return JupyterServer(
        service=service,
        traits=traits_of([*(traits for _, traits, _ in layers), read_arguments(service)]),
        is_dynamic=tuple(path for path, _, is_dynamic in layers if is_dynamic),
        stale=old,
    )


def _stale(
    host: Host, service: Service, directories: Sequence[str], files: Iterable[str]
) -> Unobservable | None:
    """Return why a server may not have read its files since they changed; a file may also be gone."""
    places: dict[str, Sequence[str]] = {}
    for path in (service.root + one for one in directories if one.startswith("/")):
        places[path] = _WRITTEN
        places.update({f"{path}/{name}.d": () for name in _FILES})
    return stale(host, service.pid, sorted(files), what="jupyter", directories=places)


def jupyter_servers(
    host: Host, running: Sequence[Service]
) -> tuple[tuple[JupyterServer, ...], tuple[Unobservable, ...]]:
    """Return the servers with their settings, and why the settings of others are not known.

    Args:
        host: where they run.
        running: the services of the kind `jupyter`.

    """
    homes = {account.uid: account.home for account in accounts(host)}
    ahead(*((lambda service=service: _server(host, service, homes)) for service in running))
    found, faults = [], []
    for service in running:
        try:
            found.append(_server(host, service, homes))
        except Unobservable as fault:
            faults.append(fault)
    return tuple(found), tuple(faults)
