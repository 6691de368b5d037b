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
    from pytest_aisec import hookspecs  # noqa: PLC0415 - keeps the module graph of an idle plugin small

    pluginmanager.add_hookspecs(hookspecs)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser
) -> Generator[None, object, object]:
    """Before pytest looks for conftests and tests: say that only controls are wanted."""
    namespace = early_config.known_args_namespace
    if options.asks_for_audit(namespace):
        from pytest_aisec.own_finder import OwnFinder  # noqa: PLC0415 - an idle plugin imports nothing

        OwnFinder.install()
        early_config.add_cleanup(OwnFinder.remove)
        from pytest_aisec.session import collection, config_file  # noqa: PLC0415 - likewise

        config_file.read(early_config, namespace)
        collection.prepare(early_config, parser)
    return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Show the settings instead of running, where that is asked for."""
    if not config.option.aisec_show_config:
        return None
    from pytest_aisec.session import config_file  # noqa: PLC0415 - an idle plugin imports nothing

    return config_file.show(config)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Resolve the plan and the hosts, and take part in the run."""
    if options.asks_for_audit(config.option):
        from pytest_aisec.session import config_file, signer  # noqa: PLC0415 - an idle plugin imports nothing
        from pytest_aisec.session.hosts import Hosts  # noqa: PLC0415 - likewise
        from pytest_aisec.session.request import AuditRequest  # noqa: PLC0415 - likewise

        config_file.settle(config)
        request = AuditRequest.from_config(config)
        signs = signer.prepare(request)
        hosts = Hosts(request)
        hosts.begin()
        from pytest_aisec.session import setup  # noqa: PLC0415 - takes its time, while connections are made

        setup.start(config, request, hosts, signs)
