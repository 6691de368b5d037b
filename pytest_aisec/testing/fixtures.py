"""The fixture for unit tests of controls: `pytest_plugins = ["pytest_aisec.testing.fixtures"]`."""

from __future__ import annotations

import pytest

from pytest_aisec.testing.tables import Judge


@pytest.fixture
def aisec(request: pytest.FixtureRequest) -> Judge:
    """Judge a control from answers that the test gives: `aisec("EX-CKP-01", {"id -u": "0"}).outcome`."""
    return Judge(start=request.path, tell=lambda text: request.node.add_report_section("call", "aisec", text))
