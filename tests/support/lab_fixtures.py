"""The lab as pytest fixtures; a conftest.py imports those it wants."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeVar

import pytest

from pytest_aisec.observe.script import posix
from pytest_aisec.testing.labkit import engines
from pytest_aisec.testing.labkit.errors import LabUnavailableError
from pytest_aisec.testing.labkit.lab import Lab, LabHost
from tests.support import aws

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

_T = TypeVar("_T")


def give_up(error: LabUnavailableError) -> NoReturn:
    """Skip the test, saying why in one line; fail it where ``CI=true`` says that the lab has to be there."""
    reason = f"no lab: {error}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def _enter(stack: ExitStack, context: AbstractContextManager[_T]) -> _T:
    try:
        return stack.enter_context(context)
    except LabUnavailableError as error:
        give_up(error)


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """The network that all hosts of this session are in."""
    with ExitStack() as stack:
        yield _enter(stack, Lab())


@pytest.fixture(autouse=True)
def client_side(request: pytest.FixtureRequest) -> Iterator[None]:
    """Have every test that uses the lab run in the client's place in its network."""
    with ExitStack() as stack:
        if "lab" in request.fixturenames:
            stack.enter_context(request.getfixturevalue("lab").enter())
        yield


@pytest.fixture(scope="session")
def cloud() -> Iterator[aws.Cloud]:
    """AWS on loopback; needs no lab."""
    with ExitStack() as stack:
        yield _enter(stack, aws.Cloud())


@pytest.fixture
def aws_account(cloud: aws.Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[aws.CloudAccount]:
    """A fresh AWS account; ``aws`` finds it, in this process's environment too."""
    with ExitStack() as stack:
        account = _enter(stack, cloud.account())
        for name in [
            name for name in os.environ if name.startswith("AWS_") or name.lower().endswith("_proxy")
        ]:
            monkeypatch.delenv(name)
        for name, value in account.environment.items():
            monkeypatch.setenv(name, value)
        first = f"{account.home}/bin:{account.home}/.cli"  # though this machine may have an aws of its own
        monkeypatch.setattr(posix, "SETTING", f'{posix.SETTING}PATH="{first}:$PATH"\n')
        yield account


@pytest.fixture
def lab_host(lab: Lab) -> Iterator[LabHost]:
    """A fresh host."""
    with lab.host() as host:
        yield host


@pytest.fixture
def lab_hosts(lab: Lab) -> Iterator[Callable[[int], list[LabHost]]]:
    """Make any number of fresh hosts: ``lab_hosts(3)``."""
    with ExitStack() as stack:

        def make(count: int) -> list[LabHost]:
            return [stack.enter_context(host) for host in lab.hosts(count)]

        yield make


@pytest.fixture
def lab_podman(monkeypatch: pytest.MonkeyPatch) -> Iterator[engines.Container]:
    """A podman container; ``podman`` finds it."""
    with ExitStack() as stack:
        container = _enter(stack, engines.podman_container())
        for name, value in container.environment.items():
            monkeypatch.setenv(name, value)
        yield container


@pytest.fixture
def lab_debian_podman(monkeypatch: pytest.MonkeyPatch) -> Iterator[engines.Container]:
    """A podman that has `debian:bookworm-slim`, which is the image of the lab's hosts; `podman` finds it."""
    with ExitStack() as stack:
        container = _enter(stack, engines.podman_container(root="debian"))
        container.run("tag", "localhost/lab:1", "debian:bookworm-slim")
        for name, value in container.environment.items():
            monkeypatch.setenv(name, value)
        yield container


@pytest.fixture
def lab_debian_docker(monkeypatch: pytest.MonkeyPatch) -> Iterator[engines.Container]:
    """A docker that has `debian:bookworm-slim`, which is the image of the lab's hosts; `docker` finds it."""
    with ExitStack() as stack:
        container = _enter(stack, engines.docker_container(root="debian"))
        container.run("tag", "localhost/lab:1", "debian:bookworm-slim")
        for name, value in container.environment.items():
            monkeypatch.setenv(name, value)
        yield container


@pytest.fixture
def lab_docker(monkeypatch: pytest.MonkeyPatch) -> Iterator[engines.Container]:
    """A docker container; ``docker`` finds it."""
    with ExitStack() as stack:
        container = _enter(stack, engines.docker_container())
        for name, value in container.environment.items():
            monkeypatch.setenv(name, value)
        yield container


@pytest.fixture
def lab_chroot() -> Iterator[Path]:
    """A directory with the root of a host in it."""
    with ExitStack() as stack:
        yield _enter(stack, engines.chroot_directory())
