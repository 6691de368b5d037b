"""The fixture that takes the place of testinfra's `host` during an audit."""

from __future__ import annotations

from typing import cast

import pytest
from testinfra.host import Host

from pytest_aisec.session.evaluator import NAME, Session


@pytest.fixture(scope="session")
def host(request: pytest.FixtureRequest) -> Host:
    """Return one host of the run, whose every answer is recorded."""
    session = cast("Session", request.config.pluginmanager.getplugin(NAME))
    return session.observed_host(request.param)
