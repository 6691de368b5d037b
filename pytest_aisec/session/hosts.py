"""The hosts of a run, and connections to them that begin while the rest of the program is being loaded.

A connection takes several round trips; loading what judges and reports takes about as long.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_aisec.catalog.settings import Settings
from pytest_aisec.errors import UsageProblem, nearest
from pytest_aisec.observe.hosts import HostOptions, Target, resolve
from pytest_aisec.observe.transport.base import Limits
from pytest_aisec.session.keys import MEMBERS, ROOTS, SETTINGS, TARGETS


def begin(config: pytest.Config) -> None:
    """Begin connections, where the command line leaves no doubt that its hosts are going to be asked.

    Nothing is asked yet. What is wrong with the command line is said later, by whoever needs what it says.
    """
    if _is_doubtful(config):
        return
    try:
        targets = resolve(host_options(config))
    except UsageProblem:
        return
    config.stash[TARGETS] = targets
    for target in targets[: config.option.aisec_workers]:
        target.connect()


def _is_doubtful(config: pytest.Config) -> bool:
    option = config.option
    if hasattr(config, "workerinput") or only_asks_pytest(config):
        return True
    if (
        option.aisec_redact
        or option.aisec_replay
        or option.aisec_import
        or option.aisec_no_waves
        or option.aisec_workers < 1
    ):
        return True
    here = config.invocation_params.dir
    profiles = [root.profiles / f"{option.aisec_profile}.yaml" for root in config.stash[ROOTS]]
    if not any(path.is_file() for path in [*profiles, here / option.aisec_profile]):
        return True
    evidence = here / Path(option.aisec_evidence or "").expanduser()
    return bool(option.aisec_evidence) and evidence.exists()


def only_asks_pytest(config: pytest.Config) -> bool:
    """Tell whether the command line asks what there is, not for a run."""
    option = config.option
    return bool(option.collectonly or option.showfixtures or option.show_fixtures_per_test)


def targets(config: pytest.Config) -> list[Target]:
    """Return the hosts that the command line or the settings name, sorted by name.

    Raises:
        UsageProblem: see `resolve`; also for a host of the command line that no group of the settings has.

    """
    found = config.stash.get(SETTINGS, None)
    if found is not None and found.file.groups:
        config.stash[TARGETS] = _of_groups(config, found)
    elif TARGETS not in config.stash:
        options = host_options(config)
        where = found.where("hosts", options.hosts) if found is not None else None
        config.stash[TARGETS] = _resolved(options, where)
    return config.stash[TARGETS]


def _resolved(options: HostOptions, where: str | None) -> list[Target]:
    """Return the hosts; what is wrong with them is said of `where` they are written, if not of an option."""
    try:
        return resolve(options)
    except UsageProblem as problem:
        if where is None:
            raise
        raise UsageProblem(f"{where}: {str(problem).removeprefix('--hosts ')}") from None


def _of_groups(config: pytest.Config, found: Settings) -> list[Target]:
    """Return the hosts of all groups, or those of them that the command line names."""
    options = host_options(config)
    targets: dict[str, Target] = {}
    members: dict[str, list[str]] = {}
    for name, group in found.file.groups.items():
        where = found.document.at(("groups", name, "hosts"))
        sudo = options.sudo if group.sudo is None else group.sudo
        of_group = _resolved(replace(options, hosts=",".join(group.hosts), sudo=sudo), where)
        members[name] = [target.name for target in of_group]
        targets |= {target.name: target for target in of_group}
    if options.hosts is not None:
        wanted = [target.name for target in resolve(options)]
        for host in wanted:
            if host not in targets:
                raise UsageProblem(
                    f"--hosts {host}: no group of {found.document.path} has this host. "
                    f"{nearest(host, targets)}".rstrip()
                )
        targets = {name: target for name, target in targets.items() if name in wanted}
        members = {name: [host for host in hosts if host in wanted] for name, hosts in members.items()}
    config.stash[MEMBERS] = members
    return [targets[name] for name in sorted(targets)]


def end(config: pytest.Config) -> None:
    """Close all connections; again is harmless."""
    for target in config.stash.get(TARGETS, []):
        target.disconnect()


def host_options(config: pytest.Config) -> HostOptions:
    """Return what the command line says about hosts."""
    option = config.option
    limits = Limits(timeout=option.aisec_timeout, connect_timeout=option.aisec_connect_timeout)
    if not all(0 < seconds < math.inf for seconds in (limits.timeout, limits.connect_timeout)):
        raise UsageProblem("--aisec-timeout and --aisec-connect-timeout are seconds, more than 0")
    names = (
        "hosts",
        "connection",
        "ssh_config",
        "ssh_identity_file",
        "ssh_extra_args",
        "sudo",
        "sudo_user",
        "ansible_inventory",
        "force_ansible",
    )
    given: dict[str, Any] = {name: getattr(option, name, None) for name in names}
    given = {name: value for name, value in given.items() if value is not None}
    return HostOptions(**given, limits=limits)
