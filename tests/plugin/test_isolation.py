"""What stands in the current directory, a bundle among it, is not run by whoever audits or verifies there."""

import hashlib
import os
import subprocess
import sys

import pytest

from pytest_aisec.evidence import manifest
from tests.support import forks

pytestmark = pytest.mark.slow

MODULES = (
    "click",
    "evil",
    "execnet",
    "jinja2",
    "pydantic",
    "testinfra",
    "xdist",
    "yaml",
    "pytest_aisec_evil",
)
AISEC = [str(forks.AISEC)]
MODULE = [sys.executable, "-m", "pytest_aisec.cli"]


@pytest.fixture
def trap(tmp_path):
    """Fill a folder with what Python or pytest might load, and tell what of it was run."""
    log = tmp_path / "run"

    def fill(folder):
        for name in MODULES:
            text = f"open({str(log)!r}, 'a').write('{name}\\n')\nraise SystemExit('{name} was run')\n"
            (folder / f"{name}.py").write_text(text)
        (folder / "conftest.py").write_text("import evil\n")
        (folder / "pytest.ini").write_text("[pytest]\naddopts = -p evil\npythonpath = .\n")
        (folder / "evil-1.dist-info").mkdir()
        (folder / "evil-1.dist-info" / "METADATA").write_text(
            "Metadata-Version: 2.1\nName: evil\nVersion: 1\n"
        )
        (folder / "evil-1.dist-info" / "entry_points.txt").write_text("[pytest11]\nevil = evil\n")
        return folder

    fill.was_run = lambda: log.read_text().split() if log.exists() else []
    return fill


def start(command, folder, **env):
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **env}
    done = subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, timeout=300, check=False
    )
    return done.returncode, done.stdout + done.stderr


def seal(bundle):
    """Compute the manifest anew, as a forger would."""
    files = [path for path in bundle.rglob("*") if path.is_file() and path.name != manifest.NAME]
    (bundle / manifest.NAME).write_text(
        manifest.render(
            {str(path.relative_to(bundle)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
        )
    )


@pytest.mark.parametrize(
    ("command", "env"),
    [(AISEC, {}), (MODULE, {}), (AISEC, {"PYTHONPATH": "."}), (AISEC, {"PYTHONPATH": "/nowhere:"})],
    ids=["aisec", "python -m", "PYTHONPATH=.", "PYTHONPATH=/nowhere:"],
)
def test_a_bundle_that_is_verified_is_not_run(audit, pack, trap, command, env):
    """Before: `aisec verify . --replay` ran click.py of the bundle, with the rights of who verified."""
    pack.control("01")
    bundle = trap(audit().bundle)
    seal(bundle)
    code, text = start([*command, "verify", ".", "--replay", "--path", "../pack"], bundle, **env)
    assert [] == trap.was_run(), text
    assert 1 == code, text
    assert "click.py: does not belong to the bundle" in text
    # The replay did take place, and found nothing else.
    assert "cannot be made again" not in text


@pytest.mark.parametrize(
    ("command", "env"),
    [(AISEC, {}), (MODULE, {}), (AISEC, {"PYTHONPATH": "."})],
    ids=["aisec", "python -m", "PYTHONPATH=."],
)
def test_a_run_and_its_workers_load_nothing_of_the_current_directory(pack, trap, tmp_path, command, env):
    """Before: `aisec run -n 2` ran execnet.py, and `python -m pytest_aisec.cli` all that it imported."""
    pack.control("01")
    pack.control("02")
    folder = tmp_path / "folder"
    folder.mkdir()
    given = ["run", "acme", f"--aisec-path={pack.path}", "-n", "2", "--aisec-evidence=evidence"]
    code, text = start([*command, *given], trap(folder), **env)
    assert [] == trap.was_run(), text
    assert 0 == code, text


@pytest.mark.parametrize(
    "args",
    [
        ["explain", "ACME-TST-01", "--path=../pack"],
        ["lint", "../pack"],
        ["report", "../evidence", "--format=html"],
    ],
    ids=lambda args: args[0],
)
def test_other_commands_load_nothing_of_the_current_directory(audit, pack, trap, tmp_path, args):
    """Before: with `PYTHONPATH=.`, or as `python -m pytest_aisec.cli`, click.py was run."""
    pack.control("01")
    if args[0] == "report":
        audit()
    folder = tmp_path / "folder"
    folder.mkdir()
    trap(folder)
    for command, env in ((MODULE, {}), (AISEC, {"PYTHONPATH": f".{os.pathsep}/nowhere"})):
        code, text = start([*command, *args], folder, **env)
        assert [] == trap.was_run(), text
        assert 0 == code, text
