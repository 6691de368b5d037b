"""Hosts of an Ansible inventory, and how they are reached."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import testinfra.backend
from testinfra.backend import base
from testinfra.backend.ssh import SshBackend

from pytest_aisec.errors import UsageProblem
from pytest_aisec.observe.connections import PASSWORD, HostOptions, backend_of, winrm_of
from pytest_aisec.observe.redaction.redact import redact, register_secret
from pytest_aisec.observe.transport.paramiko import paramiko_backend
from pytest_aisec.observe.transport.ssh import Ssh

_INVENTORY_SECRET = re.compile(r"ansible_\w*(pass|password|passphrase)")
"""Variables of an inventory that are credentials."""


def names_of(pattern: str, keywords: dict[str, Any], where: str) -> list[str]:
    """Return the names of the hosts of an inventory that a pattern matches.

    Raises:
        UsageProblem: when Ansible is missing or cannot read the inventory, or no host matches.

    """
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


def connection_of(name: str, keywords: dict[str, Any], options: HostOptions) -> tuple[str, base.BaseBackend]:
    """Return the kind of connection to a host of an inventory, and the connection.

    It is the host's own where testinfra can use it directly, otherwise Ansible's.

    Raises:
        UsageProblem: when what it needs is missing here or in the inventory.

    """
    outer = backend_of("ansible", name, keywords, options)
    target = f"ansible://{name}"
    variables = outer.ansible_runner.get_variables(name)
    for variable, value in variables.items():
        if _INVENTORY_SECRET.fullmatch(variable) and isinstance(value, str):
            register_secret("password", value)
    if variables.get("ansible_connection") == "winrm" and not outer.force_ansible:
        try:
            return "winrm", _winrm(name, variables)
        except (ImportError, RuntimeError) as error:
            raise UsageProblem(f"{target}: WinRM needs a package that is not installed: {error}") from None
    inner = None
    if not outer.force_ansible:
        inner = outer.ansible_runner.get_host(
            name, ssh_config=outer.ssh_config, ssh_identity_file=outer.ssh_identity_file
        )
    if inner is None:
        return "ansible", outer
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
            return "paramiko", paramiko_backend(full, **shared)
        extra = " ".join(filter(None, [options.ssh_extra_args, found.ssh_extra_args]))
        backend = Ssh(full, ssh_extra_args=extra, **shared)
        return "ssh", backend
    found.sudo, found.sudo_user = sudo["sudo"], sudo["sudo_user"]
    return found.NAME, found


def _winrm(name: str, found: Mapping[str, Any]) -> base.BaseBackend:
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
    return winrm_of(
        f"{quote(str(user), safe='')}@{address}{f':{port}' if port else ''}",
        password or os.environ.get(PASSWORD, ""),
        {"no_ssl": scheme == "http", "no_verify_ssl": insecure},
    )
