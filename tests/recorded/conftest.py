"""Options of the recorded proof."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--stale-recordings",
        choices=["refuse", "judge"],
        default="refuse",
        help="judge recordings of other code, too: for code that is wrong on purpose",
    )


@pytest.fixture(scope="session")
def stale_is_allowed(pytestconfig: pytest.Config) -> bool:
    return pytestconfig.getoption("stale_recordings") == "judge"
