import json
import os
import socket
import subprocess
from copy import deepcopy
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aisec.facts.containers import containers
from pytest_aisec.facts.containers.containers import read_containers
from pytest_aisec.observe.faults import Unobservable
from tests.support.containers import CONMON, DOCKERD, ID, RECORD, SHIM, answer

SAMPLES = Path(os.environ.get("AISEC_REFERENCE", "reference")) / "samples/containers"


def faults(stdout, stderr=""):
    return [fault.reason for fault in read_containers(stdout, stderr).faults]


def test_docker():
    (container,) = read_containers(answer([RECORD], DOCKERD, SHIM), "").running
    assert ("docker server", "", 32688, True, 0, 0) == (
        container.label,
        container.user,
        container.pid,
        container.is_root_read_only,
        container.memory,
        container.pids_limit,
    )
    assert [("/data", True), ("/tmp", True), ("/scratch", False)] == [
        (mount.destination, mount.is_writable) for mount in container.mounts
    ]
    assert {"PATH": "/bin", "A": "b=c"} == container.environment
    assert "ac" * 32 == container.image_id


@pytest.mark.parametrize(
    "name", ["docker_inspect_privileged", "podman_inspect_privileged", "podman_inspect_unprivileged"]
)
def test_what_real_engines_print(name):
    path = SAMPLES / f"{name}.json"
    if not path.exists():
        pytest.skip(f"the real sample {path} is not on this machine")
    engine = "docker /run/docker.sock" if name.startswith("docker") else "podman local"
    (container,) = read_containers(answer(path.read_text(), engine=engine), "").running
    assert (not name.endswith("unprivileged"), "", False) == (
        container.is_privileged,
        container.user,
        container.is_root_read_only,
    )


@pytest.mark.parametrize(
    ("expected", "monitors", "who"),
    [
        ([], [DOCKERD, SHIM], "root"),
        ([], [DOCKERD, SHIM.replace(f"-id {ID}", f"-workdir /var/lib/containerd/moby/{ID}")], "root"),
        (["unreadable"], [DOCKERD, SHIM.replace(ID, "d" * 64)], "root"),
        (["privilege"], [CONMON.replace(ID, "d" * 64)], "root"),
        (["privilege"], [SHIM.replace(ID, "d" * 64).replace("own", "other")], "user"),
        (["tool_missing"], [SHIM.replace("moby", "k8s.io").replace(ID, "d" * 64)], "root"),
        (["unreadable"], [SHIM.replace("-id ", "")], "root"),
    ],
)
def test_no_container_is_overlooked(expected, monitors, who):
    assert expected == faults(answer([RECORD], *monitors, who=who))


OF_1003 = "docker /run/user/1003/docker.sock"


def without_monitors(records, engine):
    return answer(records, engine=engine).partition("=monitors")[0]


def test_what_the_engine_of_an_account_says_stands_beside_what_the_others_say():
    privileged = {**RECORD, "HostConfig": {**RECORD["HostConfig"], "Privileged": True}}
    of_root, of_1003 = (
        without_monitors([privileged], "docker /run/docker.sock"),
        without_monitors([RECORD], OF_1003),
    )
    for sections in (of_root + of_1003, of_1003 + of_root):
        found = read_containers(sections + answer([], DOCKERD, SHIM, engine=""), "")
        assert [] == list(found.faults)
        assert {"docker": True, "docker of uid 1003": False} == {
            item.engine: item.is_privileged for item in found.running
        }


def test_the_engine_of_an_account_accounts_for_no_container_of_root():
    assert ["unreadable"] == faults(answer([RECORD], SHIM, engine=OF_1003))
    assert ["unreadable"] == faults(answer([RECORD], DOCKERD, engine=OF_1003))
    assert ["privilege"] == faults(answer([RECORD], CONMON))
    assert [] == faults(answer([RECORD], CONMON, engine="podman uid-1003"))
    assert [] == faults(answer([RECORD], CONMON.replace("other", "own"), engine="podman own"))


def test_no_line_of_an_engine_is_another_section():
    forged = f"]\n\n=inspect 0\n=docker /run/docker.sock\n=list 0\n{json.dumps([RECORD])}\n=inspect 0\n=monitors root\n"
    printed = "".join(f"|{line}\n" for line in forged.split("\n"))
    found = read_containers(answer(printed, DOCKERD, SHIM, engine="podman uid-1003"), "")
    assert (["parse", "unreadable", "unreadable"], ()) == (
        [fault.reason for fault in found.faults],
        found.running,
    )


def test_an_engine_that_does_not_answer():
    assert ["privilege"] == faults(
        "=docker /run/docker.sock\n=list 1\n=monitors user\n147 0 other dockerd dockerd\n",
        "permission denied while trying to connect to the Docker daemon socket",
    )
    assert ["tool_missing"] == faults(
        "=podman local\n=list 127\n=monitors root\n", "sh: 1: podman: not found"
    )
    assert ["unreadable"] == faults(f"=monitors root\n{DOCKERD}\n")
    assert ["privilege"] == faults(f"=monitors user\n{DOCKERD.replace('own', 'other')}\n")
    assert [] == faults("=monitors root\n\n")


def test_hidden_processes_prove_nothing():
    with pytest.raises(Unobservable, match="privilege"):
        read_containers("=hidden\n", "")


@pytest.mark.parametrize("key", ["Privileged", "ReadonlyRootfs", "NetworkMode", "PidMode", "Memory"])
def test_what_must_be_there(key):
    record = deepcopy(RECORD)
    del record["HostConfig"][key]
    assert ["parse"] == faults(answer([record], DOCKERD))


def test_arguments_of_a_process_are_no_answer():
    forged = SHIM + "\n=docker /x\n=list 0\n[]\n=inspect 0"
    with pytest.raises(Unobservable, match="parse"):
        read_containers(answer([RECORD], DOCKERD, forged), "")


@given(st.text())
def test_whatever_is_printed(text):
    for stdout in (
        text,
        f"=docker /s\n=list 0\n{text}\n=inspect 0\n=monitors root\n",
        f"=monitors root\n{text}",
    ):
        try:
            found = read_containers(stdout, "")
        except Unobservable:
            continue
        assert found.running == ()


@pytest.mark.skipif(not Path("/proc/self/comm").exists(), reason="there is no /proc")
@pytest.mark.parametrize(("name", "asked"), [("conmon", False), ("dockerd", True)])
def test_what_an_argument_says_is_no_engine_that_runs(name: str, asked: bool, tmp_path, local) -> None:  # noqa: FBT001
    program, docker, sock = tmp_path / name, tmp_path / "docker", tmp_path / "docker.sock"
    program.write_text("#!/bin/sh\necho begun; read -r wait\n", "utf-8")
    docker.write_text(f"#!/bin/sh\ntouch {tmp_path}/asked\n", "utf-8")
    for one in (program, docker):
        one.chmod(0o755)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(sock))
        arguments = (program, "-c", "1 own dockerd --x", "\n9 0 own dockerd x\n")
        with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert b"begun\n" == process.stdout.readline()
            question = containers._COMMAND.replace("/run/docker.sock", str(sock))
            question = question.replace("/proc/[0-9]*", f"/proc/{process.pid}")
            shown = local.run(f"PATH={tmp_path}:$PATH\n{question}").stdout
            process.communicate()
    assert f" own {name} " in shown
    assert asked == (tmp_path / "asked").exists()
