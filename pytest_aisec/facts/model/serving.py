"""Settings of inference servers that run: their options, and the keys that they ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from testinfra.host import Host

from pytest_aisec.facts.core.formats import yaml_value
from pytest_aisec.facts.system.processes import helpers, is_renamed, processes
from pytest_aisec.facts.system.rights import given_file
from pytest_aisec.facts.system.running_config import stale
from pytest_aisec.facts.system.services import Service
from pytest_aisec.observe.faults import Unobservable

__all__ = ["Settings", "configured", "lacks_key", "mains"]

_KEYS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "vllm": (("api-key",), ("VLLM_API_KEY",)),
    "sglang": (("api-key",), ()),
    "aphrodite": (("api-keys", "api-key"), ()),
    "tgi": (("api-key",), ("API_KEY",)),
    "tei": (("api-key",), ("API_KEY",)),
    "llama.cpp": (("api-key", "api-key-file", "api_key"), ("LLAMA_API_KEY",)),
    "ollama": ((), ()),
    "lmstudio": ((), ()),
    "triton": ((), ()),
    "llamafile": (("api-key",), ()),
}
"""How a server is given the key that it asks for: options and variables; neither where it asks for none."""


_FILES: Mapping[str, str] = {
    "vllm": "config",
    "sglang": "config",
    "aphrodite": "config",
    "llama.cpp": "config-file",
}
"""Kind of server → the option that names a file with more of its options; arguments count before those."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings that a server was started with."""

    options: Mapping[str, tuple[str, ...]]
    """By its arguments and, where these do not have one, by its file."""
    given: Mapping[str, tuple[str, ...]]
    """By its arguments alone: these hold until the process ends."""
    stale: Unobservable | None = None
    """Why the running server may have read something else in its file."""


def configured(host: Host, service: Service) -> Settings:
    """Return the options of a server, those of the file that `--config` names included.

    Raises:
        Unobservable: when that file cannot be read, or the process does not show its arguments any more.

    """
    if _is_renamed(service):
        raise Unobservable("unreadable", f"{service.name} ({service.pid}) shows no arguments any more")
    found = dict(service.options)
    files = [path for path in found.get(_FILES.get(service.kind, ""), ()) if path]
    for path in files:
        if not path.startswith("/"):
            raise Unobservable("unreadable", f"{path} of {service.kind} ({service.pid}) is a relative path")
        text = given_file(host, path, service.rights, root=service.root)
        settings = yaml_value(text, path)
        if settings is not None and not isinstance(settings, dict):
            raise Unobservable("parse", f"{path} is no table")
        for name, value in (settings or {}).items():
            option = str(name).replace("_", "-")
            if option not in found and value is not None:
                found[option] = ("" if value is True else str(value),)
    return Settings(options=found, given=service.options, stale=_stale(host, service, files))


def _stale(host: Host, service: Service, files: Sequence[str]) -> Unobservable | None:
    """Return why a server may not have read its files as they are; its helpers were started afterwards."""
    if not files:
        return None
    paths = [service.root + path for path in files]
    return stale(host, service.pid, paths, what=service.kind, children=helpers(processes(host)))


def mains(running: Sequence[Service]) -> list[Service]:
    """Return the processes without the helpers that replaced their arguments and share a server's sockets."""
    mains = [one for one in running if not _is_renamed(one)]
    seen = {socket for one in mains for socket in one.listeners}
    return [
        *mains,
        *(
            one
            for one in running
            if _is_renamed(one) and (not mains or any(socket not in seen for socket in one.listeners))
        ),
    ]


def _is_renamed(service: Service) -> bool:
    return is_renamed(service.arguments)


def lacks_key(host: Host, service: Service) -> str:
    """Return why a server asks nobody for a key; empty where that is not known."""
    if service.kind not in _KEYS:
        return ""
    options, variables = _KEYS[service.kind]
    given = configured(host, service).options
    if any(any(given.get(option, ())) for option in options):
        return ""
    if any(service.setting(variable) for variable in variables):
        return ""
    return "no API key is set" if options else "knows no credentials"
