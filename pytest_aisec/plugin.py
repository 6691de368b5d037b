"""The pytest plugin: wiring. Without `--aisec-profile` it does nothing and imports nothing."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from pytest_aisec import options


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add our options."""
    options.add(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Add the hooks that other plugins may implement."""
    from pytest_aisec import hooks  # noqa: PLC0415 - keeps the module graph of an idle plugin small

    pluginmanager.add_hookspecs(hooks)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser
) -> Generator[None, object, object]:
    """Before pytest looks for conftests and tests: say that only controls are wanted."""
    if early_config.known_args_namespace.aisec_profile is not None:
        from pytest_aisec import collection  # noqa: PLC0415 - an idle plugin imports nothing

        collection.prepare(early_config, parser)
    return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Resolve the plan and the hosts, and take part in the run."""
    if config.getoption("aisec_profile") is not None:
        from pytest_aisec import connecting, signing  # noqa: PLC0415 - an idle plugin imports nothing

        signing.prepare(config)
        connecting.begin(config)
        from pytest_aisec import session  # noqa: PLC0415 - takes its time, while connections are made

        session.start(config)
