"""Every reader of a file that an account named, or could have put where it is, is given one that is none of its own."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_aisec.facts.artifacts.datasets import dataset
from pytest_aisec.facts.artifacts.model_files import model_files, read_range
from pytest_aisec.facts.artifacts.remote_code import ModelProcess, _configuration
from pytest_aisec.facts.containers.image_reports import image_reports
from pytest_aisec.facts.model.serving import configured
from pytest_aisec.facts.software.package_indexes import _configurations
from pytest_aisec.facts.software.projects import projects
from pytest_aisec.facts.system.logs import LogFile, read_log
from pytest_aisec.facts.system.processes import Process
from pytest_aisec.facts.system.rights import Rights, given_file
from pytest_aisec.facts.system.services import Service
from pytest_aisec.facts.system.sshd import _matching, _written
from pytest_aisec.facts.web.jupyter import jupyter_servers
from pytest_aisec.facts.web.nginx_files import configuration
from pytest_aisec.facts.web.tls import certificate
from pytest_aisec.observe.faults import Unobservable

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("setpriv"), reason="root reads with the rights of others"
)

ALICE = Rights(uid=61000, gid=61000)
SECRET = "of root alone"
LONGEST = 20.0
"""Seconds for one reader, on a slow machine: none waits for who will never write."""


def service(kind: str, *arguments: str) -> Service:
    return Service(
        kind=kind,
        pid=os.getpid(),
        name=kind,
        arguments=arguments,
        uid=ALICE.uid,
        rights=ALICE,
        environment={"HOME": "/nonexistent"},
        listeners=(),
    )


def of_process(host: Any, path: Path) -> object:
    process = Process(pid=os.getpid(), name="vllm", arguments=("vllm", "--config", str(path)), core_limit="")
    serving = ModelProcess(
        process=process, is_enabled=False, is_refused=False, model="", revision="", code_revision=""
    )
    return _configuration(host, serving, ALICE, ())()


READERS: dict[str, Callable[[Any, Path], object]] = {
    "given file": lambda host, path: given_file(host, str(path), ALICE),
    "settings of a model server": lambda host, path: configured(
        host, service("vllm", "vllm", "serve", "--config", str(path))
    ),
    "remote code": of_process,
    "certificate": lambda host, path: certificate(host, str(path), service("vllm"), names=(), ca_files=()),
    "nginx": lambda host, path: configuration(
        host, service("nginx", "nginx:", "master", "process", "nginx", "-c", str(path))
    ),
    "jupyter": lambda host, path: jupyter_servers(
        host, [service("jupyter", "jupyter-lab", f"--config={path}")]
    ),
    "sshd": lambda host, path: _written(host, str(path), ALICE),
    "what sshd includes": lambda host, path: _matching(host, f"{path.parent}/private/*", ALICE),
    "package indexes": lambda host, path: _configurations(host, [], [], {str(path): ALICE}, []),
    "projects": lambda host, path: projects(host, [str(path.parent)]),
    "log": lambda host, path: read_log(host, log(path)),
    "compressed log": lambda host, path: read_log(host, log(path.with_suffix(".gz"))),
    "log of the server": lambda host, path: read_log(host, log(path), containing="of"),
    "report on an image": lambda host, path: image_reports(
        host, {f"sha256:{'0' * 64}": "a"}, str(path.parent), lambda _: True
    ),
    "models": lambda host, path: [
        read_range(host, file, 0, 64) for file in model_files(host, [str(path.parent)]).files
    ],
    "manifest of a data set": lambda host, path: dataset(host, str(path.parent), ["MANIFEST.sha256"]),
}
NAMES = (
    "requirements.txt",
    "pyproject.toml",
    "MANIFEST.sha256",
    "version.json",
    "a.json",
    "model.gguf",
    "x.gz",
)


def log(path: Path) -> LogFile:
    return LogFile(path=str(path), size=14, changed=datetime(2026, 1, 1, tzinfo=UTC))


TRAPS: dict[str, Callable[[Path, Path], object]] = {
    "link to a file of root": lambda path, secret: path.symlink_to(secret),
    "FIFO": lambda path, _: os.mkfifo(path),
    "device": lambda path, _: path.symlink_to("/dev/zero"),
    "file of the kernel": lambda path, _: path.symlink_to("/proc/1/environ"),
    "link to itself": lambda path, _: path.symlink_to(path.name),
    "directory": lambda path, _: path.mkdir(),
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a directory of an account's, beside a file of root's."""
    top = tmp_path
    while top.parent != top.parent.parent:
        top.chmod(0o755)
        top = top.parent
    secret = tmp_path / "secret"
    secret.write_text(f"{SECRET}\n{SECRET} 1\n[{SECRET}]\n", encoding="ascii")
    secret.chmod(0o600)
    made = tmp_path / "alice"
    made.mkdir()
    os.chown(made, ALICE.uid, ALICE.gid)
    return made


@pytest.fixture
def host(local: Any) -> Any:
    """Return this machine, and keep what it answers."""
    asked = SimpleNamespace(said=[], backend=None)

    def run(command: str, *arguments: str) -> Any:
        answer = local.run(command, *arguments)
        asked.said.append(answer.stdout + answer.stderr)
        return answer

    asked.run = run
    return asked


@pytest.mark.parametrize("trap", TRAPS)
@pytest.mark.parametrize("reader", READERS)
def test_nothing_that_the_account_could_not_read_is_answered_and_nothing_is_waited_for(
    host: Any, home: Path, reader: str, trap: str
) -> None:
    """Before: a log, a stored report and what an account's sshd includes were read with the rights of root."""
    for name in ("named.conf", *NAMES):
        TRAPS[trap](home / name, home.parent / "secret")
    (home / "private").symlink_to("/root")
    begun = time.monotonic()
    with suppress(Unobservable):
        READERS[reader](host, home / "named.conf")
    assert host.said, "nothing was asked"
    assert not [said for said in host.said if SECRET in said]
    assert time.monotonic() - begun < LONGEST


@pytest.mark.parametrize("reader", ["given file", "log", "log of the server", "settings of a model server"])
def test_what_is_its_own_is_read(host: Any, home: Path, reader: str) -> None:
    path = home / "named.conf"
    path.write_text("text: of its own\n", encoding="ascii")
    path.chmod(0o600)
    os.chown(path, ALICE.uid, ALICE.gid)
    READERS[reader](host, path)
    assert any("of its own" in said for said in host.said)


def test_a_link_of_an_account_to_a_log_of_its_own_is_followed(host: Any, home: Path) -> None:
    path = home / "named.conf"
    path.write_text("text: of its own\n", encoding="ascii")
    os.chown(path, ALICE.uid, ALICE.gid)
    (home / "latest").symlink_to("named.conf")
    assert ("text: of its own\n", True) == read_log(host, log(home / "latest"))
