"""Content of one's own, for tests that need controls and profiles of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from pytest_aisec.catalog.content import ContentRoot
from tests.support import forks

# How long an example takes on a busy machine says nothing about what it shows.
settings.register_profile("steady", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", settings.get_profile("steady"), max_examples=10)
PROFILES = ("steady", "quick")

CONTROL = '''
@control("{id}", severity="{severity}", remediation="{remediation}"{frameworks})
def test_{name}(host: Host{parameters}) -> None:
    """{title}.

    Why it matters.
    """
    assert host.run("true").rc == 0
'''


class Content:
    """A content root on disk that a test fills."""

    def __init__(self, path: Path) -> None:
        self.root = ContentRoot(path=path)
        self.path = path
        self.root.controls.mkdir(parents=True)
        self.root.profiles.mkdir()

    def file(self, name: str, text: str) -> Path:
        path = self.root.controls / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def control(self, control_id: str, parameters: str = "", **changes: Any) -> Path:
        name = control_id.lower().replace("-", "_")
        values = {
            "severity": "high",
            "remediation": "true",
            "frameworks": "",
            "title": f"{control_id} holds",
            **changes,
        }
        if parameters:
            parameters = ", *, " + parameters
        text = "from pytest_aisec import Host, Mode, control\n\n" + CONTROL.format(
            id=control_id, name=name, parameters=parameters, **values
        )
        return self.file(f"test_{name}.py", text)

    def profile(self, name: str, text: str = "", **changes: Any) -> Path:
        head = {"id": name, "title": f"Profile {name}", "version": "1.0.0", **changes}
        path = self.root.profiles / f"{name}.yaml"
        path.write_text("".join(f"{key}: {value}\n" for key, value in head.items()) + text, encoding="utf-8")
        return path


def pytest_configure() -> None:
    profile = os.environ.get("AISEC_HYPOTHESIS") or PROFILES[0]
    if profile not in PROFILES:
        raise pytest.UsageError(f"AISEC_HYPOTHESIS={profile}: is not one of {', '.join(PROFILES)}")
    settings.load_profile(profile)


@pytest.fixture
def content(tmp_path: Path) -> Content:
    return Content(tmp_path / "content")


def run_aisec(*arguments: object) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "pytest_aisec.cli", *map(str, arguments)]
    done = forks.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert "Traceback" not in done.stderr + done.stdout
    return done


@pytest.fixture
def aisec() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command as a user would; a traceback is never an answer."""
    return run_aisec


@pytest.fixture
def typed(capsys: pytest.CaptureFixture[str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command in this process, which is quicker, as if `aisec` and the arguments had been typed."""
    from pytest_aisec.cli import main

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        argv = [*map(str, arguments)]
        capsys.readouterr()
        with pytest.raises(SystemExit) as caught:
            main(args=argv, prog_name="aisec")
        printed = capsys.readouterr()
        return subprocess.CompletedProcess(argv, caught.value.code, printed.out, printed.err)

    return run


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name a test by the size of long bytes: workers of xdist must agree on names, and zips hold times."""
    return f"{len(val)} bytes" if isinstance(val, bytes) and len(val) > 30 else None
