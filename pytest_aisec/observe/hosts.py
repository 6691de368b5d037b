"""From testinfra's command line options to the hosts of a run, without contacting any."""

from __future__ import annotations

import hashlib
import re
import urllib.parse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import testinfra.backend
from testinfra.backend import base
from testinfra.host import Host

from pytest_aisec.errors import UsageProblem, nearest
from pytest_aisec.observe import inventory
from pytest_aisec.observe.backend import ObservingBackend
from pytest_aisec.observe.connections import PASSWORD, HostOptions, backend_of, is_known, known_connections
from pytest_aisec.observe.redaction.redact import redact
from pytest_aisec.observe.transcript import Transcript
from pytest_aisec.observe.transport.base import Limits, Transport
from pytest_aisec.observe.transport.process import Stop
from pytest_aisec.observe.transport.ssh import Ssh

__all__ = ["HostOptions", "Target", "resolve"]

_ADDRESS = re.compile(r"[A-Za-z0-9_\[][A-Za-z0-9_.:%\[\]-]*")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\\@-]*")
_CONTAINER_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]*")
_LAST_PORT = 65535
_KEYWORDS = (
    *("sudo", "ssl", "no_ssl", "no_verify_ssl", "force_ansible", "sudo_user", "namespace", "container"),
    *("read_timeout_sec", "operation_timeout_sec", "timeout", "controlpersist", "kubeconfig", "context"),
    *("ssh_config", "ansible_inventory", "ssh_identity_file"),
)
"""What testinfra reads after the `?` of a host; it ignores anything else, such as a misspelled `sudo`."""
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:/@+-]*"), "a name of letters, digits and _.:/@+-"
_FILE = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_.:/@+,=-]*"), "a path of letters, digits and _.:/@+,=-"
_NUMBER = re.compile(r"[0-9]{1,9}"), "a whole number"
_VALUES = {
    **dict.fromkeys(("namespace", "container", "context"), _NAME),
    "kubeconfig": _FILE,
    **dict.fromkeys(("timeout", "read_timeout_sec", "operation_timeout_sec"), _NUMBER),
    "controlpersist": (re.compile(r"[0-9A-Za-z]{1,20}"), "a time such as 60s"),
    "sudo_user": (re.compile(r"(#[0-9]+|[A-Za-z0-9_][A-Za-z0-9_.\\@-]*)\$?"), "the name of an account"),
}
"""Keyword → what its value can be. testinfra puts some of them into a command line for a shell, and some of
them without quotes that hold."""
_NETWORKED = {"ssh", "safe-ssh", "paramiko", "winrm"}


@dataclass(frozen=True, kw_only=True)
class Target:
    """One host of a run."""

    name: str
    """`connection://[user@]address[:port]`, unique in a run, without credentials."""
    connection: str
    backend: base.BaseBackend | None
    """`None` on replay: only the transcript answers."""

    def slug(self) -> str:
        """Return the name as part of a file name; two names never give the same."""
        scheme, _, address = self.name.partition("://")
        plain = re.sub(r"[^A-Za-z0-9._-]+", "_", address)
        digest = "" if plain == address else f"-{hashlib.sha256(self.name.encode()).hexdigest()[:8]}"
        return f"{scheme}_{plain}{digest}" if address else scheme

    def observed(self, transcript: Transcript, limits: Limits, stop: Stop | None = None) -> Host:
        """Return the testinfra host that controls see."""
        transport = None if self.backend is None else Transport(self.backend, limits, stop)
        observing = ObservingBackend(self.name, transport, transcript, self.connection)
        host = Host(observing)
        observing.set_host(host)
        return host

    def connect(self) -> None:
        """Begin a connection that is kept open between questions, where the host has such."""
        if isinstance(self.backend, Ssh):
            self.backend.connect()

    def disconnect(self) -> None:
        """Close the connection that is kept open between questions, if there is one."""
        disconnect = getattr(self.backend, "disconnect", None)
        if disconnect is not None:
            disconnect()


def resolve(options: HostOptions) -> list[Target]:
    """Return the hosts that the options name, sorted by name, each once; `local://` when they name none.

    Raises:
        UsageProblem: a malformed host, an unknown connection, a file that is not there, a password in a host
            specification, or an inventory that Ansible cannot read.

    """
    _check_file("--ssh-config", options.ssh_config)
    _check_file("--ssh-identity-file", options.ssh_identity_file)
    _check_file("--ansible-inventory", options.ansible_inventory)
    targets: dict[str, Target] = {}
    for spec in _specs(options):
        try:
            for target in _targets(spec, options):
                _check_name(target.name)
                targets.setdefault(target.name, target)
        except (TypeError, ValueError) as error:
            # What urllib and testinfra's backends raise for a malformed address or keyword.
            raise UsageProblem(f"--hosts {_without_password(spec)}: not a host: {error}") from None
    return [targets[name] for name in sorted(targets)]


def _check_name(name: str) -> None:
    """Refuse a host whose name holds a credential: names of hosts are kept as they are."""
    _, _, address = name.partition("://")
    if redact(address) != address:
        raise UsageProblem(f"host {redact(address)}: its name looks like a credential, and would be shown")


def _check_file(option: str, path: str | None) -> None:
    if path and not Path(path).expanduser().exists():
        raise UsageProblem(f"{option} {path}: there is no such file")


def _specs(options: HostOptions) -> Sequence[str]:
    if options.hosts is None:
        if options.ansible_inventory or options.connection == "ansible":
            return ["ansible://all"]
        return ["local://"]
    specs = [spec.strip() for spec in options.hosts.split(",")]
    if not all(specs):
        raise UsageProblem(f"--hosts {_without_password(options.hosts)}: a host between commas is empty")
    return specs


def _targets(spec: str, options: HostOptions) -> list[Target]:
    where = f"--hosts {_without_password(spec)}"
    default = options.connection or ("ansible" if options.ansible_inventory else "ssh")
    url = urllib.parse.urlsplit(spec if "://" in spec else f"{default}://{spec}")
    if not is_known(url.scheme):
        raise UsageProblem(
            f"{where}: unknown connection {url.scheme!r}. {nearest(url.scheme, known_connections())}"
        )
    if url.scheme != "chroot" and (url.path.strip("/") or url.fragment):
        raise UsageProblem(f"{where}: not a host; write connection://[user@]host[:port]")
    address = url.netloc
    if url.scheme == "chroot":
        address = url.netloc + url.path
    _check_address(where, url.scheme, address)
    for name in urllib.parse.parse_qs(url.query, keep_blank_values=True):
        if name not in _KEYWORDS:
            raise UsageProblem(f"{where}: unknown keyword {name!r}. {nearest(name, _KEYWORDS)}")
    _check_values(where, url.query, options)
    keywords = _keywords(f"{url.scheme}://{address}" + (f"?{url.query}" if url.query else ""), options)
    if url.scheme == "local":
        return [
            Target(name="local://", connection="local", backend=backend_of("local", None, keywords, options))
        ]
    if url.scheme == "ansible":
        return [
            Target(name=f"ansible://{name}", connection=connection, backend=backend)
            for name in inventory.names_of(address, keywords, where)
            for connection, backend in [inventory.connection_of(name, keywords, options)]
        ]
    name = f"{'ssh' if url.scheme == 'safe-ssh' else url.scheme}://{address}"
    return [
        Target(name=name, connection=url.scheme, backend=backend_of(url.scheme, address, keywords, options))
    ]


def _check_values(where: str, query: str, options: HostOptions) -> None:
    """Refuse what a shell, or the program that it starts, could take for something else than a value."""
    given = [(f"{where}: {name}", name, value) for name, value in urllib.parse.parse_qsl(query)]
    if options.sudo_user:
        given.append(("--sudo-user", "sudo_user", options.sudo_user))
    for what, name, value in given:
        allowed = _VALUES.get(name)
        if allowed is not None and not allowed[0].fullmatch(value):
            raise UsageProblem(f"{what}: {value!r} is not {allowed[1]}")


def _without_password(spec: str) -> str:
    return re.sub(r"((?:^|,)\s*(?:[a-z-]+://)?[^:@/,]*):(?!//)[^,]*@", r"\1:…@", spec)


def _check_address(where: str, scheme: str, address: str) -> None:
    if scheme == "local":
        return
    if not address:
        raise UsageProblem(f"{where}: there is no host after {scheme}://")
    if scheme == "chroot":
        if address.startswith("-") or not Path(address).is_dir():
            raise UsageProblem(f"{where}: there is no directory {address}")
        return
    user, at, host = address.rpartition("@")
    if at and ":" in user and scheme in _NETWORKED:
        other = f"{PASSWORD} in the environment" if scheme == "winrm" else "a key, an agent"
        raise UsageProblem(
            f"{where}: a password in a host specification is visible to everyone on this machine; use "
            f"{other} or an Ansible inventory"
        )
    if scheme == "winrm" and not user:
        raise UsageProblem(f"{where}: winrm:// needs a user; write winrm://user@host[:port]")
    port = re.fullmatch(r"(?:\[[^\]]+\]|[^:\[]+):(.*)", host)
    if (
        port
        and scheme in _NETWORKED
        and not (port[1].isascii() and port[1].isdigit() and 0 < int(port[1]) <= _LAST_PORT)
    ):
        raise UsageProblem(f"{where}: {port[1]!r} is not a port (1 to 65535)")
    users = _USER if scheme in _NETWORKED else _CONTAINER_USER
    if (at and scheme != "ansible" and not users.fullmatch(user)) or not (
        _ADDRESS.fullmatch(host) or (scheme == "ansible" and not host.startswith("-"))
    ):
        raise UsageProblem(f"{where}: not a host; write connection://[user@]host[:port]")


def _keywords(spec: str, options: HostOptions) -> dict[str, Any]:
    keywords: dict[str, Any] = testinfra.backend.parse_hostspec(spec)[1]
    for name in ("ssh_config", "ssh_identity_file", "ansible_inventory", "sudo_user"):
        value = getattr(options, name)
        if value:
            keywords.setdefault(name, str(Path(value).expanduser()) if name != "sudo_user" else value)
    for name in ("sudo", "force_ansible"):
        if getattr(options, name):
            keywords.setdefault(name, True)
    return keywords
