"""Fixtures for tests on real hosts. They need root on Debian; elsewhere the tests are skipped."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytest_aisec.testing.labkit.lab import Lab
from pytest_aisec.testing.labkit.place import Places
from tests.support import live
from tests.support.lab_fixtures import (
    aws_account,
    client_side,
    cloud,
    lab,
    lab_chroot,
    lab_debian_docker,
    lab_debian_podman,
    lab_docker,
    lab_host,
    lab_hosts,
    lab_podman,
)
from tests.support.readers import (
    heimdall,
    in_toto,
    installed,
    jenkins,
    jenkins_schema,
    kept,
    multitool,
    trestle,
)

__all__ = [
    "aws_account",
    "client_side",
    "cloud",
    "heimdall",
    "in_toto",
    "installed",
    "jenkins",
    "jenkins_schema",
    "kept",
    "lab",
    "lab_chroot",
    "lab_debian_docker",
    "lab_debian_podman",
    "lab_docker",
    "lab_host",
    "lab_hosts",
    "lab_podman",
    "multitool",
    "trestle",
]


@pytest.fixture(scope="session")
def places(lab: Lab) -> Iterator[Places]:
    """Fresh hosts for scenarios."""
    with Places(lab) as found:
        yield found


def pytest_configure(config: pytest.Config) -> None:
    try:
        live.mode()
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None
    if not hasattr(config, "workerinput"):
        live.open_spool()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the scenarios that need not be proved live; with -k, all that match are proved."""
    if live.mode() == "all" or config.getoption("keyword"):
        return
    of = {item: item.callspec.params["scenario"] for item in items if _is_of_scenario(item)}
    if not of:
        return
    chosen = live.choose(of.values(), live.seed())
    left_out = [item for item, scenario in of.items() if scenario.id not in chosen]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in set(left_out)]
    config.stash[CHOICE] = live.describe(chosen, len(of))


CHOICE = pytest.StashKey[str]()


def _is_of_scenario(item: pytest.Item) -> bool:
    return isinstance(item, pytest.Function) and "scenario" in getattr(item, "callspec", _NONE).params


class _NONE:
    params = ()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        return
    changed = live.close_spool()
    if CHOICE in config.stash:
        terminalreporter.write_line(config.stash[CHOICE])
    if changed:
        terminalreporter.write_line(f"recorded anew, to be committed: {', '.join(changed)}")
