import ipaddress

import pytest

from pytest_aisec.facts.network.fabric import admits, read_members
from pytest_aisec.facts.network.firewall import PacketFilter
from pytest_aisec.facts.network.interfaces import read_interfaces
from pytest_aisec.facts.network.iptables import parse_iptables_save
from pytest_aisec.facts.system.processes import Process
from pytest_aisec.observe.faults import Unobservable


def filtered(rules, policy="ACCEPT"):
    chains = parse_iptables_save(f"*filter\n:INPUT {policy} [0:0]\n:S - [0:0]\n{rules}COMMIT\n")
    seen = PacketFilter(chains=tuple(chains), gaps=(), families=("ip",), forwards=())
    return admits(seen, 29500, family="ip", through="eth0", trusted=[ipaddress.ip_network("10.0.0.0/8")])


@pytest.mark.parametrize(
    ("expected", "rules"),
    [
        (True, ""),
        (False, "-A INPUT -p tcp -m tcp --dport 29500 -j DROP\n"),
        (False, "-A INPUT ! -s 10.0.0.0/8 -p tcp -m tcp --dport 29500 -j DROP\n"),
        (True, "-A INPUT ! -s 0.0.0.0/1 -p tcp -m tcp --dport 29500 -j DROP\n"),
        (False, "-A INPUT -i eth0 -p tcp -m multiport --dports 22,29000:29600 -j REJECT\n"),
        (True, "-A INPUT -i eth1 -p tcp -m tcp --dport 29500 -j DROP\n"),
        (True, "-A INPUT -p udp -m udp --dport 29500 -j DROP\n"),
        (True, "-A INPUT -p tcp -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 29500 -j DROP\n"),
        (True, "-A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 29500 -j DROP\n"),
    ],
)
def test_who_gets_to_a_port(expected, rules):
    assert expected is filtered(rules)


def test_denied_by_default():
    rules = (
        "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A INPUT -s 10.9.0.0/16 -j ACCEPT\n"
    )
    assert filtered(rules, "DROP") is False
    assert filtered(rules + "-A INPUT -m mark --mark 0x1 -j ACCEPT\n", "DROP") is None


def test_members_by_environment_arguments_and_title():
    def process(pid, *arguments):
        return Process(pid=pid, name=arguments[0][:15], arguments=arguments, core_limit="")

    running = [
        process(1, "init"),
        process(2, "python3", "train.py"),
        process(3, "python3", "-m", "torch.distributed.run", "train.py"),
        process(4, "ray::Worker"),
        process(5, "vllm", "serve", "m", "--nnodes", "2"),
        process(6, "python3", "single.py"),
    ]
    environments = "/proc/2/environ:WORLD_SIZE=8\0/proc/6/environ:WORLD_SIZE=1\0"
    assert [(2, False), (3, False), (4, False), (5, True)] == [
        (one.pid, one.is_vllm_of_many) for one in read_members(environments, running)
    ]


def test_interfaces():
    text = "1: lo    inet 127.0.0.1/8 scope host lo\n2: eth0@if7    inet6 fe80::1/64 scope link\n"
    assert ["lo", "eth0"] == [one.name for one in read_interfaces(text)]
    with pytest.raises(Unobservable):
        read_interfaces("")


@pytest.mark.parametrize("environments", ["/proc/2/environ:WORLD_\xffSIZE=8\0", "/proc/2/environ:WORLD"])
def test_an_environment_that_cannot_be_read_is_not_left_out(environments):
    with pytest.raises(Unobservable) as caught:
        list(read_members(environments, []))
    assert "parse" == caught.value.reason
