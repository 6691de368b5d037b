"""From testinfra's command line options to the hosts of a run, without contacting any."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import testinfra.backend
from testinfra.backend import base
from testinfra.backend.ssh import SshBackend
from testinfra.host import Host

from pytest_aisec.errors import UsageProblem, nearest
from pytest_aisec.observe.backend import ObservingBackend
from pytest_aisec.observe.redaction.redact import know, redact
from pytest_aisec.observe.transcript import Transcript
from pytest_aisec.observe.transport.base import Limits, Transport
from pytest_aisec.observe.transport.paramiko import paramiko_backend
from pytest_aisec.observe.transport.process import Stop
from pytest_aisec.observe.transport.ssh import Ssh

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
_WINRM_KEYWORDS = ("no_ssl", "no_verify_ssl", "read_timeout_sec", "operation_timeout_sec")
_INVENTORY_SECRET = re.compile(r"ansible_\w*(pass|password|passphrase)")
"""Variables of an inventory that are credentials."""
_PASSWORD = "AISEC_WINRM_PASSWORD"  # noqa: S105 - the name of a variable
"""Environment variable with the password for `winrm://` hosts."""


@dataclass(frozen=True, kw_only=True)
class HostOptions:
    """What the command line says about hosts: testinfra's own options, and ours."""

    hosts: str | None = None
    connection: str | None = None
    ssh_config: str | None = None
    ssh_identity_file: str | None = None
    ssh_extra_args: str | None = None
    sudo: bool = False
    sudo_user: str | None = None
    ansible_inventory: str | None = None
    force_ansible: bool = False
    limits: Limits = field(default_factory=Limits)


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
        if self.backend is not None and hasattr(self.backend, "transport"):
            self.backend.transport = transport
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
    if url.scheme not in testinfra.backend.BACKENDS:
        raise UsageProblem(
            f"{where}: unknown connection {url.scheme!r}. {nearest(url.scheme, testinfra.backend.BACKENDS)}"
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
            Target(name="local://", connection="local", backend=_backend("local", None, keywords, options))
        ]
    if url.scheme == "ansible":
        return [
            _ansible_target(name, keywords, options) for name in _inventory_hosts(address, keywords, where)
        ]
    name = f"{'ssh' if url.scheme == 'safe-ssh' else url.scheme}://{address}"
    return [
        Target(name=name, connection=url.scheme, backend=_backend(url.scheme, address, keywords, options))
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
        other = f"{_PASSWORD} in the environment" if scheme == "winrm" else "a key, an agent"
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


def _backend(
    scheme: str, address: str | None, keywords: dict[str, Any], options: HostOptions
) -> base.BaseBackend:
    keywords = {key: value for key, value in keywords.items() if key != "connection"}
    if scheme in {"ssh", "safe-ssh"}:
        keywords.setdefault("timeout", int(options.limits.connect_timeout))
        return Ssh(
            str(address),
            ssh_extra_args=options.ssh_extra_args,
            **keywords,
        )
    try:
        if scheme == "winrm":
            return _winrm(str(address), os.environ.get(_PASSWORD, ""), keywords)
        if scheme == "paramiko":
            keywords.setdefault("timeout", int(options.limits.connect_timeout))
            return paramiko_backend(str(address), **keywords)
        factory = testinfra.backend.get_backend_class(scheme)
    except (ImportError, RuntimeError) as error:
        extra = {"winrm": "windows", "paramiko": "paramiko"}.get(scheme)
        tip = f"; tip: pip install 'pytest-aisec[{extra}]'" if extra else ""
        raise UsageProblem(f"{scheme}:// needs a package that is not installed: {error}{tip}") from None
    return factory(**keywords) if address is None else factory(address, **keywords)


def _winrm(address: str, password: str, keywords: dict[str, Any]) -> base.BaseBackend:
    from pytest_aisec.observe.transport.winrm import WinRm  # noqa: PLC0415 - pywinrm is an extra

    know("password", password)
    if not password:
        raise UsageProblem(
            f"winrm://{address}: there is no password; set {_PASSWORD} in the environment, or use an Ansible "
            "inventory (ansible_password)"
        )
    return WinRm(
        address,
        password=password,
        **{name: keywords[name] for name in _WINRM_KEYWORDS if name in keywords},
    )


def _winrm_of_inventory(name: str, found: Mapping[str, Any]) -> base.BaseBackend:
    """Return the connection that Ansible's variables of a host with `ansible_connection: winrm` describe."""
    where = f"ansible://{name}"
    password = found.get("ansible_password", found.get("ansible_winrm_pass", found.get("ansible_ssh_pass")))
    if password is not None and (not isinstance(password, str) or "{{" in password):
        raise UsageProblem(f"{where}: the inventory shows no plain ansible_password (a vault, or a template)")
    methods = found.get("ansible_winrm_transport", "ntlm")
    if "ntlm" not in (methods.split(",") if isinstance(methods, str) else methods):
        raise UsageProblem(f"{where}: ansible_winrm_transport is {methods}; only ntlm is supported")
    user = found.get("ansible_user", found.get("ansible_winrm_user"))
    if not user:
        raise UsageProblem(f"{where}: the inventory names no ansible_user")
    address, port = str(found.get("ansible_host", name)), found.get("ansible_port")
    address = f"[{address}]" if ":" in address else address
    insecure = found.get("ansible_winrm_server_cert_validation") == "ignore"
    # Ansible's own rule: plain HTTP only on its port, or where it is asked for.
    scheme = found.get("ansible_winrm_scheme", "http" if str(port) == "5985" else "https")
    return _winrm(
        f"{quote(str(user), safe='')}@{address}{f':{port}' if port else ''}",
        password or os.environ.get(_PASSWORD, ""),
        {"no_ssl": scheme == "http", "no_verify_ssl": insecure},
    )


def _inventory_hosts(pattern: str, keywords: dict[str, Any], where: str) -> list[str]:
    if shutil.which("ansible-inventory") is None:
        raise UsageProblem(f"{where}: ansible:// needs Ansible; tip: pip install 'pytest-aisec[ansible]'")
    factory = testinfra.backend.get_backend_class("ansible")
    try:
        hosts = factory.get_hosts(pattern, **keywords)
    except Exception as error:  # noqa: BLE001 - testinfra hands on whatever Ansible and its JSON raise
        raise UsageProblem(
            f"{where}: Ansible cannot read the inventory: {redact(str(error))[:400]}"
        ) from None
    if not hosts:
        raise UsageProblem(f"{where}: the inventory has no host that matches {pattern!r}")
    return list(hosts)


def _ansible_target(name: str, keywords: dict[str, Any], options: HostOptions) -> Target:
    """Return one host of an inventory, asked by its own connection where testinfra can use it directly."""
    outer = _backend("ansible", name, keywords, options)
    target = f"ansible://{name}"
    variables = outer.ansible_runner.get_variables(name)
    for variable, value in variables.items():
        if _INVENTORY_SECRET.fullmatch(variable) and isinstance(value, str):
            know("password", value)
    if variables.get("ansible_connection") == "winrm" and not outer.force_ansible:
        try:
            return Target(name=target, connection="winrm", backend=_winrm_of_inventory(name, variables))
        except (ImportError, RuntimeError) as error:
            raise UsageProblem(f"{target}: WinRM needs a package that is not installed: {error}") from None
    inner = None
    if not outer.force_ansible:
        inner = outer.ansible_runner.get_host(
            name, ssh_config=outer.ssh_config, ssh_identity_file=outer.ssh_identity_file
        )
    if inner is None:
        return Target(name=target, connection="ansible", backend=outer)
    found = inner.backend
    sudo = {"sudo": outer.sudo or found.sudo, "sudo_user": outer.sudo_user or found.sudo_user}
    if isinstance(found, SshBackend) or found.NAME == "paramiko":
        spec = found.host
        user = f"{spec.user}{':' + spec.password if spec.password else ''}@" if spec.user else ""
        address = f"[{spec.name}]" if ":" in spec.name else spec.name
        full = f"{user}{address}{':' + spec.port if spec.port else ''}"
        shared = {
            "ssh_config": found.ssh_config,
            "ssh_identity_file": found.ssh_identity_file,
            "timeout": int(options.limits.connect_timeout),
            **sudo,
        }
        if found.NAME == "paramiko":
            return Target(name=target, connection="paramiko", backend=paramiko_backend(full, **shared))
        extra = " ".join(filter(None, [options.ssh_extra_args, found.ssh_extra_args]))
        backend = Ssh(full, ssh_extra_args=extra, **shared)
        return Target(name=target, connection="ssh", backend=backend)
    found.sudo, found.sudo_user = sudo["sudo"], sudo["sudo_user"]
    return Target(name=target, connection=found.NAME, backend=found)
