import pytest

from pytest_aisec.facts.core.answers import Answer
from pytest_aisec.facts.network.forwarded import read_forwarded
from pytest_aisec.observe.faults import Unobservable

FLOWS = """\
ipv4     2 tcp      6 431999 ESTABLISHED src=172.17.0.2 dst=203.0.113.9 sport=4000 dport=443 src=203.0.113.9 dst=10.0.0.5 sport=443 dport=4000 [ASSURED] mark=0 use=1
ipv4     2 tcp      6 100 SYN_SENT src=172.17.0.2 dst=203.0.113.10 sport=4000 dport=443 [UNREPLIED] src=203.0.113.10 dst=10.0.0.5 sport=443 dport=4000 mark=0 use=1
ipv4     2 udp      17 20 src=172.17.0.2 dst=8.8.8.8 sport=5000 dport=53 src=8.8.8.8 dst=10.0.0.5 sport=53 dport=5000 mark=0 use=1
ipv4     2 tcp      6 431999 ESTABLISHED src=198.51.100.3 dst=10.0.0.5 sport=9 dport=8000 src=172.17.0.2 dst=198.51.100.3 sport=80 dport=9 [ASSURED] mark=0 use=1
"""
SHOWN = "conntrack v1.4.7 (conntrack-tools): 4 flow entries have been shown.\n"
ADDRESSES = "3: docker0    inet 172.17.0.1/16 scope global docker0\n1: lo    inet 127.0.0.1/8 scope host lo\n2: eth0    inet 10.0.0.5/24 scope global eth0\n"


def answer(stdout="", stderr="", status=0):
    return Answer(stdout=stdout, stderr=stderr, status=status)


def read(switches="0\n1\n", four=None, six=None, table=None, addresses=ADDRESSES):
    return read_forwarded(
        (
            answer(switches),
            four or answer(FLOWS, SHOWN),
            six or answer("", SHOWN),
            table or answer("", "cat: /proc/net/nf_conntrack: No such file or directory", 1),
            answer(addresses),
        )
    )


def test_what_is_passed_on_for_others():
    assert [("tcp", "203.0.113.9", 443), ("udp", "8.8.8.8", 53)] == [
        (one.protocol, str(one.peer), one.peer_port) for one in read().flows
    ]


def test_nothing_is_passed_on_without_forwarding():
    found = read("0\n0\n", four=answer("", "sh: conntrack: not found", 127))
    assert ((), None) == (found.flows, found.fault)


@pytest.mark.parametrize(
    ("reason", "four", "table"),
    [
        ("tool_missing", answer("", "sh: conntrack: not found", 127), None),
        (
            "privilege",
            answer("", "x: not found", 127),
            answer("", "cat: /proc/net/nf_conntrack: Permission denied", 1),
        ),
        ("privilege", answer("", "conntrack v1.4.7: Operation failed: Operation not permitted", 1), None),
    ],
)
def test_not_being_able_to_look_is_no_absence(reason, four, table):
    assert reason == read(four=four, table=table).fault.reason


def test_one_interface_passes_nothing_on():
    found = read(four=answer("", "x: not found", 127), addresses=ADDRESSES.partition("\n")[2])
    assert ((), None) == (found.flows, found.fault)


def test_a_kernel_that_tracks_nothing_is_noticed():
    assert read(four=answer("", SHOWN)).is_untracked
    assert not read().is_untracked


def test_the_kernels_own_table():
    found = read(four=answer("", "x: not found", 127), table=answer(FLOWS))
    assert 2 == len(found.flows)


def test_what_is_no_entry():
    with pytest.raises(Unobservable):
        read(four=answer("nonsense\n", SHOWN))


@pytest.mark.parametrize("addresses", ["", "1: l\xffo    inet 127.0.0.1/8 scope host lo\n", "2: eth0    in"])
def test_interfaces_that_cannot_be_read_are_not_few(addresses):
    with pytest.raises(Unobservable) as caught:
        read(addresses=addresses)
    assert "parse" == caught.value.reason
