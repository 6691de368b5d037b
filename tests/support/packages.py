"""Packages as they are built from the checkout, and environments in which they are installed."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(*command, cwd, code=0):
    done = subprocess.run(
        [*map(str, command)],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    assert code == done.returncode, done.stdout
    return done.stdout


@pytest.fixture(scope="session")
def source(tmp_path_factory):
    """A copy of what git knows, so that nothing is built in the checkout."""
    copy = tmp_path_factory.mktemp("source") / "checkout"
    if not (ROOT / ".git").exists():
        pytest.skip("needs a checkout")
    run("git", "clone", "--quiet", ROOT, copy, cwd=ROOT)
    return copy


@pytest.fixture(scope="session")
def built(source, tmp_path_factory):
    """The directory with the sdist, and the wheel that is built from it."""
    pytest.importorskip("hatchling", reason="packages are built with hatchling")
    dist = tmp_path_factory.mktemp("dist")
    build = (
        "import sys; from hatchling import build; build.build_sdist(sys.argv[1])",
        "import sys; from hatchling import build; build.build_wheel(sys.argv[1])",
    )
    run(sys.executable, "-c", build[0], dist, cwd=source)
    with tarfile.open(next(dist.glob("*.tar.gz"))) as archive:
        archive.extractall(dist / "unpacked", filter="data")
    run(sys.executable, "-c", build[1], dist, cwd=next((dist / "unpacked").iterdir()))
    return dist


def install(environment: Path, given: list[object]) -> Path:
    """Make an environment in which `given` is installed, with our dependencies; return its bin directory."""
    venv.create(environment, with_pip=False, symlinks=True)
    bin_directory = environment / "bin"
    packages = next((environment / "lib").glob("python*/site-packages"))
    # Ours are found after the environment's own, and the build backend is among them.
    ours = [path for path in sys.path if Path(path).name == "site-packages"]
    (packages / "zz_shared.pth").write_text("".join(f"{path}\n" for path in ours))
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", f"--python={bin_directory}/python")
    options = ("--no-deps", "--no-index", "--no-build-isolation", "--ignore-installed")
    run(*pip, "install", *options, *given, cwd=environment.parent)
    return bin_directory
