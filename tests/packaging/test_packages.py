"""What is built can be installed, and then works from an empty directory."""

import sys
import zipfile
from pathlib import Path

import pytest

from tests.support.packages import install, run

pytestmark = pytest.mark.slow


def contents(directory):
    return {str(path.relative_to(directory.parent)) for path in directory.rglob("*") if path.is_file()}


def test_the_wheel_holds_the_content_inside_of_the_package_and_nothing_beside_it(built, source):
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        names = set(wheel.namelist())
    content = {
        f"pytest_aisec/{name}" for part in ("controls", "profiles") for name in contents(source / part)
    }
    assert content | contents(source / "pytest_aisec") == {
        name for name in names if ".dist-info/" not in name
    }


def test_the_wheel_from_the_sdist_is_the_wheel_from_the_checkout(built, source, tmp_path):
    command = "import sys; from hatchling import build; build.build_wheel(sys.argv[1])"
    run(sys.executable, "-c", command, tmp_path, cwd=source)
    first, second = next(built.glob("*.whl")), next(tmp_path.glob("*.whl"))
    assert first.name == second.name
    with zipfile.ZipFile(first) as one, zipfile.ZipFile(second) as other:
        assert {name: one.read(name) for name in one.namelist()} == {
            name: other.read(name) for name in other.namelist()
        }


@pytest.fixture(params=["wheel", "sdist", "editable"])
def installed(request, built, source, tmp_path):
    """The bin directory of a fresh environment in which the project is installed; its dependencies are ours."""
    given = {
        "wheel": [next(built.glob("*.whl"))],
        "sdist": [next(built.glob("*.tar.gz"))],
        "editable": ["--editable", source],
    }[request.param]
    return install(tmp_path / "empty/.venv", given)


def test_an_installed_package_lists_and_collects_its_content_from_an_empty_directory(installed, source):
    empty = installed.parent.parent
    where = run(installed / "python", "-c", "import pytest_aisec; print(pytest_aisec.__file__)", cwd=empty)
    assert Path(where.strip()).is_relative_to(empty) or Path(where.strip()).is_relative_to(source)
    listed = run(installed / "aisec", "profiles", cwd=empty)
    assert {path.stem for path in (source / "profiles").glob("*.yaml")} == {
        line.split()[0] for line in listed.splitlines()
    }
    collected = run(
        installed / "python",
        "-m",
        "pytest",
        "--aisec-profile",
        "linux-base",
        "--collect-only",
        "-q",
        cwd=empty,
    )
    files = {Path(line.partition("::")[0]).name for line in collected.splitlines() if "::" in line}
    assert files
    assert files <= {path.name for path in (source / "controls").rglob("test_*.py")}
    assert [".venv"] == [path.name for path in empty.iterdir() if path.name != ".pytest_cache"]
