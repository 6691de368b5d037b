"""For the tests of the plugin: pytest wants this line beside its configuration."""

import pytest

pytest_plugins = "pytester"


@pytest.fixture(autouse=True)
def _no_job_of_github(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what a run inside a test prints from the job in which the tests are run."""
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
