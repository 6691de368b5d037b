"""`aisec init`, the first run after it, and every typo in what it wrote."""

import json
import os
import subprocess
import sys

import pytest
import yaml

from pytest_aisec.cli.authoring import starter
from tests.support import forks

pytestmark = pytest.mark.slow


@pytest.fixture
def aisec(tmp_path):
    where = tmp_path / "project"
    where.mkdir()

    def run(*args):
        return forks.run(
            [sys.executable, "-m", "pytest_aisec.cli", *args],
            cwd=where,
            capture_output=True,
            text=True,
            timeout=120,
        )

    run.where = where
    return run


@pytest.fixture
def project(aisec):
    done = aisec("init")
    assert 0 == done.returncode, done.stderr
    assert [
        "aisec.toml",
        "profile.yaml",
        "waivers.yaml",
        ".github/workflows/aisec.yml",
    ] == done.stdout.split()
    return aisec


def test_the_first_run_works(project) -> None:
    done = project("run")
    assert done.returncode in {0, 1, 10}, done.stdout + done.stderr
    (bundle,) = (project.where / "aisec-evidence").iterdir()
    run = json.loads((bundle / "run.json").read_text())
    assert ("our-hosts", ["local://"]) == (run["run"]["profile"], [host["name"] for host in run["hosts"]])
    assert [] == [item for item in run["results"] if item["reason"] in {"internal", "parse"}]
    # pytest alone does the same, and plain pytest nothing of it
    done = forks.run(
        [sys.executable, "-m", "pytest", "--aisec", "--collect-only", "-q"],
        cwd=project.where,
        capture_output=True,
        text=True,
    )
    assert 0 == done.returncode
    assert len(run["results"]) == done.stdout.count("[local://]")


@pytest.mark.parametrize(
    ("file", "right", "wrong", "expected"),
    [
        ("aisec.toml", 'profile = "profile', 'profil = "profile', (":4:1: unknown key 'profil'", "profile")),
        (
            "aisec.toml",
            '"profile.yaml"',
            '"linux-bsae"',
            (":4:1: unknown profile 'linux-bsae'", "linux-base"),
        ),
        ("aisec.toml", '"waivers.yaml"', '"waiver.yaml"', (":6:12: waivers: 'waiver.yaml'", "waivers.yaml")),
        ("aisec.toml", '"local://"', '"lokal://"', ("aisec.toml:5:1: ", "lokal", "local")),
        ("aisec.toml", '["local://"]', '["local://"', ("aisec.toml:6:", "not valid TOML")),
        (
            "profile.yaml",
            "extends: [linux-base]",
            "extend: [linux-base]",
            (":5:1: unknown key 'extend'", "extends"),
        ),
        ("profile.yaml", "[linux-base]", "[linux-bas]", (":5:11: unknown profile 'linux-bas'", "linux-base")),
        (
            "profile.yaml",
            "AISEC-NET-01: {}",
            "AISEC-NET-10: {}",
            ("yaml:7:3: unknown control", "AISEC-NET-08"),
        ),
        ("profile.yaml", "fail_on: low", "fail_on: lo", (":12:3: gate.fail_on", "'lo'", "'low'")),
    ],
)
def test_every_typo_is_named_with_file_line_value_and_choices(project, file, right, wrong, expected) -> None:
    path = project.where / file
    text = path.read_text()
    assert 1 == text.count(right)
    path.write_text(text.replace(right, wrong))
    done = project("run")
    said = done.stdout + done.stderr
    assert 4 == done.returncode
    assert "Traceback" not in said
    for part in expected:
        assert part in said
    assert not (project.where / "aisec-evidence").exists()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("control: AISEC-NET-10", ("waivers.yaml:2:3: ", "AISEC-NET-10", "AISEC-NET-08")),
        ("aproved_by: a@example.com", ("waivers.yaml:5:3: ", "aproved_by", "approved_by")),
        ("expires: soon", ("waivers.yaml:7:3: ", "expires", "such as 2026-12-31", "soon")),
    ],
)
def test_a_typo_in_a_waiver_is_named_too(project, line, expected) -> None:
    lines = ["- id: W-1", "control: AISEC-NET-01", "hosts: ['*']", "reason: r", "approved_by: a@example.com"]
    lines += ["approved_on: 2026-01-01", "expires: 2999-01-01"]
    key = line.partition(":")[0].replace("aproved", "approved")
    lines = [line if item.startswith(key) else item for item in lines]
    (project.where / "waivers.yaml").write_text("\n  ".join(lines) + "\n")
    done = project("run")
    said = done.stdout + done.stderr
    assert 4 == done.returncode
    for part in expected:
        assert part in said


def test_what_is_there_is_not_overwritten(project) -> None:
    (project.where / "aisec.toml").unlink()
    before = {path: path.read_bytes() for path in project.where.rglob("*") if path.is_file()}
    done = project("init")
    assert (4, True) == (done.returncode, "profile.yaml: is already there" in done.stderr)
    assert before == {path: path.read_bytes() for path in project.where.rglob("*") if path.is_file()}


@pytest.mark.skipif(os.geteuid() != 0, reason="makes a file system of its own")
def test_a_full_disk_leaves_nothing_behind(aisec, tmp_path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", small], check=True)
    try:
        done = aisec("init", str(small))
        assert (4, True) == (done.returncode, "cannot be written" in done.stderr)
        assert [] == [path for path in small.rglob("*") if path.is_file()]
    finally:
        subprocess.run(["umount", small], check=True)


@pytest.mark.parametrize("service", sorted(starter.CI))
def test_the_job_of_each_service_is_yaml_that_runs_the_audit(service) -> None:
    path, text = starter.CI[service]
    assert path in starter.files(service)
    assert "aisec run" in json.dumps(yaml.safe_load(text))
    assert {"aisec.toml", "profile.yaml", "waivers.yaml"} == {*starter.files(None)}
