"""The GitHub Action on a machine that has nothing but Debian, Python and a way to a package index."""

import http.server
import json
import re
import shlex
import shutil
import subprocess
import sys
import threading
import tomllib
from functools import partial
from pathlib import Path

import pytest

from pytest_aisec.testing.labkit import kernel
from pytest_aisec.testing.labkit.lab import CLIENT_ADDRESS
from tests.support.action_steps import CASES, Job, read, write_pack
from tests.support.github_runner import Runner

ROOT = Path(__file__).parents[2]
PARTS = ("action.yml", "pyproject.toml", "README.md", "LICENSE", "pytest_aisec", "controls", "profiles")
"""What of the checkout the Action needs."""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """A package index of what this project and its build depend on, as wheels for Debian's Python."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheels = tmp_path_factory.mktemp("index") / "wheels"
    command = [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
        *("--dest", str(wheels), "--only-binary=:all:", "--python-version=3.11", "--implementation=cp"),
        *project["build-system"]["requires"],
        *project["project"]["dependencies"],
    ]
    with kernel.outside_network():
        subprocess.run(command, check=True)
    simple = wheels.parent / "simple"
    for wheel in wheels.iterdir():
        name = re.sub(r"[-_.]+", "-", wheel.name.partition("-")[0]).lower()
        (simple / name).mkdir(parents=True, exist_ok=True)
        (simple / name / wheel.name).hardlink_to(wheel)
    return simple.parent


@pytest.fixture
def served(lab, index):
    """The address of the index in the network of the lab, which has no other way out."""
    server = http.server.ThreadingHTTPServer((CLIENT_ADDRESS, 0), partial(Quiet, directory=index))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://{CLIENT_ADDRESS}:{server.server_address[1]}/simple"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def job(lab, served):
    """A job on a fresh machine; `log` holds what its steps print."""
    with lab.host(kind="job") as host:
        for part in PARTS:
            copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copyfile
            (host.root / "srv/action").mkdir(exist_ok=True)
            copy(ROOT / part, host.root / "srv/action" / part)
        for directory in ("temp", "files", "work"):
            (host.root / "srv" / directory).mkdir()
        log = []

        def execute(script):
            (host.root / "srv/step.sh").write_text(script.text)
            env = " ".join(shlex.quote(f"{name}={value}") for name, value in script.env.items())
            shell = "bash --noprofile --norc -eo pipefail /srv/step.sh"
            done = host.sh(f"cd /srv/work && exec env -i {env} {shell}", check=False, timeout=300)
            log.append(done.stdout + done.stderr)
            return done.returncode

        env = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/root",
            "RUNNER_TEMP": "/srv/temp",
            "GITHUB_ACTION_PATH": "/srv/action",
            "GITHUB_WORKSPACE": "/srv/work",
            "PIP_INDEX_URL": served,
            "PIP_TRUSTED_HOST": CLIENT_ADDRESS,
        }
        made = Job(execute=execute, env=env, files=host.root / "srv/files", seen_as="/srv/files")
        made.log, made.host = log, host
        yield made


def test_the_action_runs_as_written_on_a_machine_with_nothing_but_a_package_index(job):
    action, uploaded = read(ROOT / "action.yml"), []
    job.use = lambda name, given: uploaded.append(given)
    job.run(action, {"profile": "linux-base"})
    assert job.code in {1, 10}, job.log
    assert str(job.code) == job.outputs["exit-code"]
    assert {1: "failed", 10: "inconclusive"}[job.code] == job.outputs["verdict"]
    bundle = job.host.root / job.outputs["bundle"].lstrip("/")
    assert "2.1.0" == json.loads((job.host.root / job.outputs["sarif"].lstrip("/")).read_text())["version"]
    assert (bundle / "summary.md").read_text() == job.summary
    assert (bundle / "manifest.json").exists()
    assert [job.outputs["bundle"]] == [given["path"] for given in uploaded]
    read_log = Runner("\n".join(job.log))
    assert [] == read_log.others
    assert read_log.named("error", "warning", "notice")

    write_pack(job.host.root / "srv/work/pack")
    job.done = {"install": job.steps["install"]}
    for profile, (code, verdict) in CASES.items():
        shutil.rmtree(bundle)
        job.run(action, {"profile": profile, "path": "pack"})
        assert (code, verdict) == (job.code, job.outputs["verdict"]), job.log
        assert (bundle / "results.sarif").exists()
        assert job.summary.startswith(f"# Gate {verdict}\n")
