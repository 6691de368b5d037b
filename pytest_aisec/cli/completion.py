"""Completions that a shell offers on the tab key."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from pytest_aisec.errors import AisecError

_TESTINFRA = {
    "--hosts": "Hosts to audit, separated by commas.",
    "--sudo": "Use sudo on the hosts.",
    "--sudo-user": "The account that sudo changes to.",
    "--connection": "The connection of hosts that name none.",
    "--ssh-config": "A configuration file of ssh.",
    "--ssh-identity-file": "A private key.",
    "--ansible-inventory": "Where ansible://group finds its hosts.",
}


def profiles(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the profiles of that beginning, or leave it to the shell to offer files."""
    from pytest_aisec.catalog.content import content_roots  # noqa: PLC0415 - keeps `aisec --help` quick
    from pytest_aisec.catalog.profile import profile_files  # noqa: PLC0415 - likewise

    try:
        names = profile_files(content_roots(_paths(ctx)))
    except AisecError:
        names = {}
    return _beginning(sorted(names), incomplete) or [CompletionItem(incomplete, type="file")]


def controls(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the ids of that beginning."""
    from pytest_aisec.catalog.content import content_roots  # noqa: PLC0415 - keeps `aisec --help` quick
    from pytest_aisec.catalog.load import control_ids  # noqa: PLC0415 - likewise

    try:
        return _beginning(control_ids(content_roots(_paths(ctx))), incomplete)
    except AisecError:
        return []


def files(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Leave it to the shell to offer files."""
    return [CompletionItem(incomplete, type="file")]


def pytest_options() -> dict[str, str]:
    """Return the options that an audit takes from pytest's command line, with their help."""
    from pytest_aisec import options  # noqa: PLC0415 - keeps `aisec --help` quick

    keeper = _Keeper()
    options.add(keeper)  # type: ignore[arg-type]
    return {**keeper.help, **_TESTINFRA}


class _Keeper:
    """Stands where pytest's parser would, and keeps what is added."""

    def __init__(self) -> None:
        self.help: dict[str, str] = {}

    def getgroup(self, *_names: str) -> _Keeper:
        return self

    def addoption(self, name: str, **settings: Any) -> None:
        if settings["help"] != argparse.SUPPRESS:
            self.help[name] = settings["help"]


def _paths(ctx: click.Context) -> Iterable[Path]:
    return [Path(path) for path in ctx.params.get("paths") or ()]


def _beginning(names: Iterable[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]
