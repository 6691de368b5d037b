"""The hosts of a run, and connections to them that begin while the rest of the program is being loaded.

A connection takes several round trips; loading what judges and reports takes about as long.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from pytest_aisec.collection import ROOTS
from pytest_aisec.errors import UsageProblem
from pytest_aisec.observe.hosts import HostOptions, Target, resolve
from pytest_aisec.observe.transports import Limits

_TARGETS = pytest.StashKey[list[Target]]()


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
    config.stash[_TARGETS] = targets
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
    """Return the hosts that the command line names.

    Raises:
        UsageProblem: see `resolve`.

    """
    if _TARGETS not in config.stash:
        config.stash[_TARGETS] = resolve(host_options(config))
    return config.stash[_TARGETS]


def end(config: pytest.Config) -> None:
    """Close all connections; again is harmless."""
    for target in config.stash.get(_TARGETS, []):
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
