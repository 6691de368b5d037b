"""`aisec test` proves a pack in the lab, in a container, and on a machine behind ssh."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from pytest_aisec.testing import recordings
from tests.support import forks
from tests.support.local_place import write_pack

DIRECTORY = Path("/srv/checkpoints")
ERROR = """\
# as: auditor
# reason: unreadable
# params: {directory: /srv/closed/checkpoints}
mkdir -m 700 /srv/closed
mkdir /srv/closed/checkpoints
"""


@pytest.fixture
def pack(tmp_path, monkeypatch) -> Path:
    path = write_pack(tmp_path / "pack", DIRECTORY)
    (path / "tests/scenarios/EX-CKP-01/no_look.error.sh").write_text(ERROR)
    monkeypatch.chdir(tmp_path)
    return Path("pack")


def aisec(*arguments: object, code: int = 0) -> str:
    done = forks.run(
        [sys.executable, "-m", "pytest_aisec.cli", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    assert code == done.returncode, done.stdout
    return done.stdout


def runs(scenario: str = "open.fail.sh") -> set[str]:
    found = recordings.load(Path("pack/tests/recordings/EX-CKP-01.jsonl.xz"))
    return {run.how for run in found[scenario].runs}


def test_four_scenarios_are_proved_with_podman_and_then_without(pack, lab_debian_podman, monkeypatch) -> None:
    before = lab_debian_podman.run("ps", "--all", "--quiet").stdout
    started = time.monotonic()
    text = aisec("test", pack, "--on", "podman")
    assert time.monotonic() - started < 60  # a quarter of that where nothing else runs
    assert "4 scenarios of 1 control, on debian:bookworm-slim in podman\n" in text
    assert {"as it is", "as an unprivileged user", "without stat", "without uname"} <= runs()
    assert before == lab_debian_podman.run("ps", "--all", "--quiet").stdout
    monkeypatch.setenv("PATH", "/nowhere")
    assert "4 scenarios proved" in aisec("test", pack, "--recorded")


def test_a_container_shows_what_an_audit_leaves_and_what_a_script_printed(pack, lab_debian_podman) -> None:
    control = pack / "controls/ckp/test_closed.py"
    control.write_text(control.read_text().replace('"stat -L', '"touch /tmp/left; stat -L'))
    script = pack / "tests/scenarios/EX-CKP-01/absent.na.sh"
    script.write_text("echo looking\nls /nowhere\n")
    text = aisec("test", pack, "--on", "podman", "-k", "EX-CKP-01/[ac]*", code=1)
    assert "the audit changed the host" in text
    assert f"{script}:2: the set-up ended with 2 at: ls /nowhere" in text
    assert "    looking\n" in text


def test_an_image_that_is_nowhere_is_one_message(pack, lab_debian_podman) -> None:
    text = aisec("test", pack, "--on", "podman", "--image", "registry.invalid/none:1", code=4)
    assert text.startswith(
        "ERROR: --image registry.invalid/none:1: podman does not have it and cannot fetch it: "
    )


def test_four_scenarios_are_proved_with_docker(pack, lab_debian_docker) -> None:
    before = lab_debian_docker.run("ps", "--all", "--quiet").stdout
    text = aisec("test", pack, "--on", "docker")
    assert "4 scenarios of 1 control, on debian:bookworm-slim in docker\n" in text
    assert {"as an unprivileged user", "without stat"} <= runs()
    assert before == lab_debian_docker.run("ps", "--all", "--quiet").stdout


def test_an_image_that_is_no_debian_is_told(pack, lab_podman) -> None:
    options = ("--on", "podman", "--image", "localhost/lab:1", "-k", "EX-CKP-01/absent*")
    text = aisec("test", pack, *options, code=1)
    assert "localhost/lab:1: has no account auditor, and none can be made" in text


def test_four_scenarios_are_proved_in_the_lab(pack, lab) -> None:
    text = aisec("test", pack, "--on", "lab")
    assert "4 scenarios proved" in text
    assert {"as an unprivileged user", "with sudo refused", "without stat"} <= runs()


def test_a_machine_that_may_be_broken_is_proved_on_one_scenario_after_the_other(pack, lab, lab_host) -> None:
    for name in ("closed.pass.sh", "open.fail.sh"):
        path = pack / "tests/scenarios/EX-CKP-01" / name
        path.write_text("rm -rf /srv/checkpoints\n" + path.read_text())
    named = f"ssh://root@{lab_host.address}"
    options = ("--ssh-config", lab.ssh_config)
    assert "nothing is cleaned up" in aisec("test", pack, "--on", named, *options, code=4)
    text = aisec("test", pack, "--on", named, "--expendable", lab_host.address, *options)
    assert "4 scenarios of 1 control, on a machine behind ssh\n" in text
    assert {"as an unprivileged user", "with sudo refused", "without stat"} <= runs()
    assert (
        "ssh" == recordings.load(Path("pack/tests/recordings/EX-CKP-01.jsonl.xz"))["open.fail.sh"].connection
    )
