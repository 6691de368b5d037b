from dataclasses import replace

import pytest

from pytest_aisec.facts.containers.containers import Monitor
from pytest_aisec.facts.containers.engines import read_engines
from pytest_aisec.observe.faults import Unobservable

ABSENT = "cat: /etc/docker/daemon.json: No such file or directory"


def dockerd(arguments=""):
    return Monitor(pid=7, uid=0, is_own=True, name="dockerd", arguments=f" /usr/bin/dockerd {arguments} ")


def read(doors="", settings=ABSENT, status=1, monitors=()):
    text = f"0\n/usr/bin/docker\n=doors\n{doors}=docker docker:x:999:ann,bob\n=settings\n{settings}\n\n=is {status}\n"
    return read_engines(text, monitors)


@pytest.mark.parametrize(
    ("addresses", "verifies", "arguments", "settings"),
    [
        ((), False, "-H fd:// --containerd=/run/containerd/containerd.sock", None),
        (("tcp://0.0.0.0:2375",), False, "-H unix:///x -H tcp://0.0.0.0:2375", None),
        (("tcp://:2376",), True, "--host=tcp://:2376 --tlsverify --tlscacert=/ca", None),
        (("tcp://:2376",), False, "--host tcp://:2376 --tlsverify=false --tls", '{"tlsverify": true}'),
        (("tcp://1.2.3.4:1",), True, "", '{"hosts": ["unix:///x", "tcp://1.2.3.4:1"], "tlsverify": true}'),
        (("0.0.0.0:4243",), False, "-H 0.0.0.0:4243", None),
    ],
)
def test_where_dockerd_listens(addresses, verifies, arguments, settings):
    found = read(settings=settings or ABSENT, status=0 if settings else 1, monitors=[dockerd(arguments)])
    assert (addresses, verifies) == (found.addresses, found.verifies_clients)


def test_one_of_two_daemons_without_certificates():
    found = read(monitors=[dockerd("-H tcp://a:1 --tlsverify"), dockerd("-H tcp://b:1")])
    assert not found.verifies_clients


def test_what_an_account_calls_dockerd_says_nothing_of_the_ports_of_roots():
    other = replace(dockerd("--metrics-addr 0.0.0.0:2375"), uid=1000, is_own=False)
    found = read(monitors=[dockerd("-H tcp://:2375 --metrics-addr 127.0.0.1:9323"), other])
    assert ((9323,), False) == (found.metrics_ports, found.verifies_clients)
    assert (2375,) == read(monitors=[other]).metrics_ports


def test_doors():
    found = read(
        "=door 660 root docker /run/docker.sock\n=members docker:x:999:ann\n=member carl\n"
        "stat: cannot statx '/run/crio/crio.sock': No such file or directory\n"
    )
    (door,) = found.doors
    assert (0o660, ("ann", "carl"), ("ann", "bob")) == (door.mode, door.members, found.docker_group)


@pytest.mark.parametrize(
    ("reason", "doors", "settings", "status"),
    [
        ("privilege", "stat: cannot statx '/run/podman/podman.sock': Permission denied\n", ABSENT, 1),
        ("parse", "sh: 1: stat: not found\n", ABSENT, 1),
        ("privilege", "", "cat: /etc/docker/daemon.json: Permission denied", 1),
        ("parse", "", '{"hosts": [', 0),
        ("tool_missing", "", "sh: 1: cat: not found", 127),
    ],
)
def test_what_could_not_be_seen(reason, doors, settings, status):
    with pytest.raises(Unobservable, match=reason):
        read(doors, settings, status)


def test_a_reading_that_printed_nothing_is_not_whole():
    with pytest.raises(Unobservable, match="parse"):
        read_engines("", [])
