"""Lay the file of settings below the command line."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_aisec import options
from pytest_aisec.errors import UsageProblem
from pytest_aisec.observe.redaction.redact import redact, redact_value
from pytest_aisec.report.text import visible
from pytest_aisec.session.keys import SETTINGS

if TYPE_CHECKING:
    # Loaded where a file of settings is asked for.
    from pytest_aisec.catalog.settings import Value


def read(config: pytest.Config, namespace: argparse.Namespace) -> None:
    """Read the settings where they are asked for, and lay them below the options in `namespace`.

    Raises:
        pytest.UsageError: when they are wrong, or there are none.

    """
    if not (namespace.aisec or namespace.aisec_config):
        return
    from pytest_aisec.catalog import settings  # noqa: PLC0415 - only where a file of settings is asked for

    try:
        found = settings.find(config.invocation_params.dir, namespace.aisec_config)
        settings.apply(found, namespace)
    except UsageProblem as problem:
        raise pytest.UsageError(visible(redact(str(problem)))) from None
    config.stash[SETTINGS] = found


def settle(config: pytest.Config) -> None:
    """Lay the settings that have been read below the options of the run, and fill in defaults."""
    found = config.stash.get(SETTINGS, None)
    if found is not None:
        from pytest_aisec.catalog import settings  # noqa: PLC0415 - only where there is a file of settings

        settings.apply(found, config.option)
    options.fill(config.option)


def show(config: pytest.Config) -> int:
    """Print every setting with where it came from; return the exit code.

    Raises:
        pytest.UsageError: when no file of settings was asked for.

    """
    found = config.stash.get(SETTINGS, None)
    if found is None:
        raise pytest.UsageError(
            "--aisec-show-config shows a file of settings: give --aisec or --aisec-config"
        )
    from pytest_aisec.catalog import settings  # noqa: PLC0415 - only where there is a file of settings

    settings.apply(found, config.option)
    rows = [(item.name, _text(item), visible(item.origin)) for item in settings.values(found, config.option)]
    for name, value, origin in rows:
        sys.stdout.write(f"{name} = {value}\n    {origin}\n")
    return 0


def _text(item: Value) -> str:
    value = redact_value(item.name.rpartition(".")[2], item.value)
    return visible(redact(json.dumps(value, ensure_ascii=False, default=str)))
