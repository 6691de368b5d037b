from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_aisec.errors import UsageProblem
from pytest_aisec.observe.faults import Unobservable
from pytest_aisec.observe.hosts import HostOptions, resolve
from pytest_aisec.observe.transcript import Transcript
from pytest_aisec.observe.transport.base import Limits
from pytest_aisec.observe.transport.ssh import Ssh


def names(hosts: str | None, **options: Any) -> list[str]:
    return [target.name for target in resolve(HostOptions(hosts=hosts, **options))]


def refusal(hosts: str | None, **options: Any) -> str:
    with pytest.raises(UsageProblem) as caught:
        resolve(HostOptions(hosts=hosts, **options))
    return str(caught.value)


def test_without_hosts_it_is_this_machine() -> None:
    assert names(None) == ["local://"]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("gpu-1", ["ssh://gpu-1"]),
        ("gpu-2,gpu-1", ["ssh://gpu-1", "ssh://gpu-2"]),
        ("ssh://gpu-1,gpu-1, ssh://gpu-1", ["ssh://gpu-1"]),
        ("safe-ssh://gpu-1", ["ssh://gpu-1"]),
        ("ssh://root@gpu-1:2222", ["ssh://root@gpu-1:2222"]),
        ("ssh://[2001:db8::1]:22", ["ssh://[2001:db8::1]:22"]),
        ("local://", ["local://"]),
        ("docker://box", ["docker://box"]),
        ("podman://box", ["podman://box"]),
        ("kubectl://pod?namespace=ml&container=main", ["kubectl://pod"]),
        ("lxc://box", ["lxc://box"]),
    ],
)
def test_a_host_has_one_name(spec: str, expected: list[str]) -> None:
    assert names(spec) == expected


def test_a_bare_name_goes_to_the_connection_that_was_named() -> None:
    assert names("box", connection="docker") == ["docker://box"]


def test_salt_resolves_or_says_what_is_missing() -> None:
    if importlib.util.find_spec("salt"):
        assert names("salt://minion") == ["salt://minion"]
    else:
        assert "salt:// needs a package that is not installed" in refusal("salt://minion")


def test_a_chroot_is_a_directory(tmp_path: Path) -> None:
    assert names(f"chroot://{tmp_path}") == [f"chroot://{tmp_path}"]
    assert f"there is no directory {tmp_path}/absent" in refusal(f"chroot://{tmp_path}/absent")


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("", "a host between commas is empty"),
        ("a,,b", "a host between commas is empty"),
        ("a,", "a host between commas is empty"),
        ("ssh://", "there is no host after ssh://"),
        ("docker://", "there is no host after docker://"),
        ("shs://gpu-1", "unknown connection 'shs'. Did you mean ssh"),
        ("ssh://gpu-1:0", "'0' is not a port"),
        ("ssh://gpu-1:65536", "'65536' is not a port"),
        ("ssh://gpu-1:http", "'http' is not a port"),
        ("ssh://gpu-1:", "'' is not a port"),
        ("ssh://gpu-1:\u0662\u0662", "is not a port"),
        ("ssh://gpu-1:\u00b2", "is not a port"),
        ("ssh://-oProxyCommand=touch", "not a host"),
        ("-oProxyCommand=touch", "not a host"),
        ("ssh://-l@gpu-1", "not a host"),
        ("ssh://@gpu-1", "not a host"),
        ("ssh://root@", "not a host"),
        ("ssh://a b", "not a host"),
        ("ssh://a;b", "not a host"),
        ("ssh://a$(b)", "not a host"),
        ("docker://-v", "not a host"),
        ("kubectl://-h", "not a host"),
        ("ssh://[::1", "not a host"),
        ("ssh://gpu-1/path", "not a host"),
    ],
)
def test_what_is_no_host_is_refused(spec: str, expected: str) -> None:
    message = refusal(spec)
    assert message.startswith("--hosts ")
    assert expected in message


@pytest.mark.parametrize(
    "spec",
    [
        "ssh://root:hunter2@gpu-1",
        "root:hunter2@gpu-1",
        "paramiko://root:hunter2@gpu-1",
        "a,ssh://root:hunter2@b",
        "ssh://root:hun@ter2@gpu-1",
        "ssh://root:hunter2/x@gpu-1",
        "ssh://root:hunter2@a,,b",
        "shs://root:hunter2@gpu-1",
        "ssh://root:hunter2@gpu-1:http",
    ],
)
def test_a_password_is_refused_and_not_echoed(spec: str) -> None:
    message = refusal(spec)
    assert "hunter2" not in message
    assert "ter2" not in message


@pytest.mark.parametrize("option", ["ssh_config", "ssh_identity_file", "ansible_inventory"])
def test_a_file_that_is_not_there_is_refused_by_its_option(option: str) -> None:
    assert (
        refusal("gpu-1", **{option: "/no/such/file"})
        == f"--{option.replace('_', '-')} /no/such/file: there is no such file"
    )


def ssh(spec: str, **options: Any) -> list[str]:
    (target,) = resolve(HostOptions(hosts=spec, **options))
    assert isinstance(target.backend, Ssh)
    return target.backend.argv()


def test_ssh_never_asks_and_ends_its_options_before_the_host() -> None:
    argv = ssh("ssh://root@gpu-1:2222", limits=Limits(connect_timeout=7))
    assert argv[-2:] == ["--", "gpu-1"]
    assert {"User=root", "Port=2222", "ConnectTimeout=7", "BatchMode=yes"} <= set(argv)


def test_ssh_gets_a_password_in_no_argument() -> None:
    argv = Ssh("root:hunter2@gpu-1").argv()
    assert argv[:3] == ["sshpass", "-e", "ssh"]
    assert not [word for word in argv if "hunter2" in word]


def test_two_hosts_never_share_a_transcript_file() -> None:
    slugs = [target.slug() for target in resolve(HostOptions(hosts="ssh://a@b,ssh://a_b,docker://a_b"))]
    assert len(set(slugs)) == 3


@pytest.mark.skipif(not shutil.which("ssh"), reason="no ssh")
def test_a_host_that_refuses_connections_is_unreachable_once() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        (target,) = resolve(HostOptions(hosts=f"ssh://127.0.0.1:{port}"))
        transcript = Transcript()
        host = target.observed(transcript, Limits(timeout=2, connect_timeout=2))
        with pytest.raises(Unobservable) as caught:
            host.run("true")
    assert (caught.value.reason, caught.value.whole_host) == ("unreachable", True)
    assert transcript.host_fault is not None


@pytest.fixture
def ssh_server() -> Iterator[int]:
    """Start an SSH server with a fresh host key that lets everyone in."""
    paramiko = pytest.importorskip("paramiko")

    class Server(paramiko.ServerInterface):  # type: ignore[misc,name-defined]
        def check_auth_none(self, username: str) -> int:
            return int(paramiko.AUTH_SUCCESSFUL)

        def get_allowed_auths(self, username: str) -> str:
            return "none"

    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    transports = []

    def serve() -> None:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        transport = paramiko.Transport(connection)
        transport.add_server_key(paramiko.ECDSAKey.generate())
        transports.append(transport)
        transport.start_server(event=threading.Event(), server=Server())

    thread = threading.Thread(target=serve)
    thread.start()
    yield listening.getsockname()[1]
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    thread.join(10)
    for transport in transports:
        transport.close()
        transport.join(10)


def test_paramiko_refuses_a_host_whose_key_is_not_known(
    ssh_server: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "HOME", str(tmp_path))
    (target,) = resolve(HostOptions(hosts=f"paramiko://root@127.0.0.1:{ssh_server}"))
    host = target.observed(Transcript(), Limits(timeout=2, connect_timeout=5))
    with pytest.raises(Unobservable) as caught:
        host.run("true")
    assert (caught.value.reason, caught.value.whole_host) == ("auth", True)
    assert "not found in known_hosts" in caught.value.detail


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("winrm://u:secret@ws", "AISEC_WINRM_PASSWORD in the environment or an Ansible inventory"),
        ("winrm://ws", "winrm:// needs a user"),
        ("winrm://u@ws:x", "'x' is not a port"),
        ("winrm://u@ws?no_verfy_ssl=true", "unknown keyword 'no_verfy_ssl'. Did you mean no_verify_ssl"),
        ("winrm://u@ws?read_timeout_sec=3", "read_timeout_sec must be more than"),
    ],
)
def test_a_windows_host_that_cannot_be(monkeypatch, spec: str, expected: str) -> None:
    pytest.importorskip("winrm")
    monkeypatch.setenv("AISEC_WINRM_PASSWORD", "x")
    text = refusal(spec)
    assert expected in text
    assert "secret" not in text


@pytest.mark.parametrize(
    ("spec", "endpoint"),
    [
        ("winrm://CORP\\ada@ws", "https://ws:5986/wsman"),
        ("winrm://ada@ws:443", "https://ws:443/wsman"),
        ("winrm://ada@ws?no_ssl=true", "http://ws:5985/wsman"),
        ("winrm://ada@[2001:db8::1]", "https://[2001:db8::1]:5986/wsman"),
    ],
)
def test_a_windows_host_has_the_usual_port(monkeypatch, spec: str, endpoint: str) -> None:
    pytest.importorskip("winrm")
    monkeypatch.setenv("AISEC_WINRM_PASSWORD", "x")
    (target,) = resolve(HostOptions(hosts=spec, sudo=True))
    assert spec.partition("?")[0] == target.name
    assert endpoint == target.backend.conn_args["endpoint"]
    assert "server_cert_validation" not in target.backend.conn_args
    assert not target.backend.sudo


def test_without_pywinrm_it_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "winrm", None)
    for name in [
        name
        for name in sys.modules
        if name.startswith(("testinfra.backend.winrm", "pytest_aisec.observe.transport.winrm"))
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setenv("AISEC_WINRM_PASSWORD", "x")
    assert "pip install 'pytest-aisec[windows]'" in refusal("winrm://u@ws")


@pytest.mark.parametrize("scheme", ["kubectl", "openshift"])
@pytest.mark.parametrize("name", ["namespace", "container", "context", "kubeconfig", "sudo_user"])
@pytest.mark.parametrize(
    "value",
    [
        "$(touch%20reached)",
        "`touch%20reached`",
        "a;b",
        "a%20b",
        "a%22b",
        "a'b",
        "-h",
        "a%0Ab",
        "a%00b",
        "a%5Cb|",
    ],
)
def test_no_value_of_a_host_reaches_a_shell_as_more_than_a_value(scheme: str, name: str, value: str) -> None:
    """Before: `kubectl://pod?context=$(…)` and `kubeconfig=` ran the command on this machine."""
    message = refusal(f"{scheme}://pod?{name}={value}")
    assert message.startswith("--hosts ")
    assert f": {name}: " in message
    assert " is not a" in message or " is not the name" in message


@pytest.mark.parametrize(
    "query",
    [
        "context=arn:aws:eks:eu-west-1:123456789012:cluster/ml",
        "context=ml/api-example-com:6443/kube:admin",
        "context=admin@cluster.local",
        "kubeconfig=/home/me/.kube/config-2",
        "kubeconfig=./kube.yaml",
        "namespace=ml-1&container=main.x",
        "sudo_user=CORP%5Csvc",
        "sudo_user=%231000",
        "timeout=30",
    ],
)
def test_values_that_people_use_are_taken(query: str) -> None:
    assert ["kubectl://pod"] == names(f"kubectl://pod?{query}")


@pytest.mark.parametrize(
    "hosts", ["docker://-u@box", "docker://a;b@box", "podman://$(id)@box", "ssh://a?timeout=x"]
)
def test_users_of_containers_and_times_are_checked_too(hosts: str) -> None:
    assert "not a" in refusal(hosts)


def test_an_account_for_sudo_is_a_name() -> None:
    assert "--sudo-user: '-s' is not the name of an account" in refusal("a", sudo_user="-s")
    assert ["docker://1000:1000@box"] == names("docker://1000:1000@box")
