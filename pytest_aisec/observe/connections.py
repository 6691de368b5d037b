"""From the address of a host to the testinfra backend that reaches it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

import testinfra.backend
from testinfra.backend import base

from pytest_aisec import extensions
from pytest_aisec.errors import UsageProblem
from pytest_aisec.observe.redaction.redact import register_secret
from pytest_aisec.observe.transport.base import Limits
from pytest_aisec.observe.transport.paramiko import paramiko_backend
from pytest_aisec.observe.transport.ssh import Ssh

PASSWORD = "AISEC_WINRM_PASSWORD"  # noqa: S105 - the name of a variable
"""Environment variable with the password for `winrm://` hosts."""
_WINRM_KEYWORDS = ("no_ssl", "no_verify_ssl", "read_timeout_sec", "operation_timeout_sec")


@dataclass(frozen=True, kw_only=True)
class HostOptions:
    """Options about hosts: testinfra's own, and ours."""

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


def is_known(scheme: str) -> bool:
    """Tell whether there is such a kind of connection: of ours, testinfra's or another package's."""
    return scheme in testinfra.backend.BACKENDS or scheme in extensions.names("transports")


def known_connections() -> list[str]:
    """Return all kinds of connections."""
    return [*testinfra.backend.BACKENDS, *extensions.names("transports")]


def backend_of(
    scheme: str, address: str | None, keywords: dict[str, Any], options: HostOptions
) -> base.BaseBackend:
    """Return the connection to a host; nothing is sent yet.

    Raises:
        UsageProblem: when a package or a password that it needs is missing.

    """
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
            return winrm_of(str(address), os.environ.get(PASSWORD, ""), keywords)
        if scheme == "paramiko":
            keywords.setdefault("timeout", int(options.limits.connect_timeout))
            return paramiko_backend(str(address), **keywords)
        if scheme in testinfra.backend.BACKENDS:
            factory = testinfra.backend.get_backend_class(scheme)
        else:
            factory = extensions.load("transports", scheme)
    except (ImportError, RuntimeError) as error:
        extra = {"winrm": "windows", "paramiko": "paramiko"}.get(scheme)
        tip = f"; tip: pip install 'pytest-aisec[{extra}]'" if extra else ""
        raise UsageProblem(f"{scheme}:// needs a package that is not installed: {error}{tip}") from None
    return factory(**keywords) if address is None else factory(address, **keywords)


def winrm_of(address: str, password: str, keywords: dict[str, Any]) -> base.BaseBackend:
    """Return a connection by WinRM; nothing is sent yet.

    Raises:
        UsageProblem: when there is no password.

    """
    from pytest_aisec.observe.transport.winrm import WinRm  # noqa: PLC0415 - pywinrm is an extra

    register_secret("password", password)
    if not password:
        raise UsageProblem(
            f"winrm://{address}: there is no password; set {PASSWORD} in the environment, or use an Ansible "
            "inventory (ansible_password)"
        )
    return WinRm(
        address,
        password=password,
        **{name: keywords[name] for name in _WINRM_KEYWORDS if name in keywords},
    )
