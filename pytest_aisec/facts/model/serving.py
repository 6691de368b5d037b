"""Settings of inference servers that run: their options, and the keys that they ask for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from testinfra.host import Host

from pytest_aisec.facts.core.formats import yaml_value
from pytest_aisec.facts.system.rights import given_file
from pytest_aisec.facts.system.services import Service
from pytest_aisec.observe.faults import Unobservable

__all__ = ["configured", "lacks_key", "mains"]

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


def configured(host: Host, service: Service) -> dict[str, tuple[str, ...]]:
    """Return the options of a server, those of the file that `--config` names included.

    Raises:
        Unobservable: when that file cannot be read, or the process does not show its arguments any more.

    """
    if _is_renamed(service):
        raise Unobservable("unreadable", f"{service.name} ({service.pid}) shows no arguments any more")
    found = dict(service.options)
    for path in found.get("config", ()):
        if service.kind not in {"vllm", "sglang", "aphrodite"} or not path:
            continue
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
    return found


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
    return bool(service.arguments and re.match(r"[A-Za-z]+::", service.arguments[0]))


def lacks_key(host: Host, service: Service) -> str:
    """Return why a server asks nobody for a key; empty where that is not known."""
    if service.kind not in _KEYS:
        return ""
    options, variables = _KEYS[service.kind]
    given = configured(host, service)
    if any(any(given.get(option, ())) for option in options):
        return ""
    if any(service.setting(variable) for variable in variables):
        return ""
    return "no API key is set" if options else "knows no credentials"
