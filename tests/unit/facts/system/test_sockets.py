import re

import pytest

from pytest_aisec.facts.system.sockets import parse_netstat, parse_proc, parse_ss
from pytest_aisec.observe.faults import Unobservable

SS = """Netid State  Recv-Q Send-Q Local Address:Port Peer Address:PortProcess
udp   UNCONN 0 0 127.0.0.53%lo:53 0.0.0.0:* users:(("systemd-resolve",pid=9,fd=13))
tcp   LISTEN 0 128 [::]:22 [::]:* users:(("sshd",pid=1,fd=4))
tcp   ESTAB 0 0 [::ffff:10.77.1.5]:22 [::ffff:10.77.0.1]:52344 users:(("sshd",pid=7,fd=4))
tcp   ESTAB 0 0 10.77.1.5:40000 203.0.113.9:443
"""
NETSTAT = """Active Internet connections (servers and established)
Proto Recv-Q Send-Q Local Address           Foreign Address         State       PID/Program name
tcp        0      0 0.0.0.0:22              0.0.0.0:*               LISTEN      1/sshd: /usr/sbin/s
tcp        0      0 10.77.1.5:22            10.77.0.1:52344         ESTABLISHED -
tcp        0      0 10.77.1.5:40000         203.0.113.9:443         ESTABLISHED 8/curl
udp        0      0 0.0.0.0:68              0.0.0.0:*                           9/dhclient
"""
_HEADING = (
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
)
_REST = "00000000:00000000 00:00000000 00000000     0        0"
_V6, _MAPPED = "0" * 32, "0000000000000000FFFF0000"
PROC = (
    "x86_64\ndirectory\n"
    f"table tcp\n{_HEADING}"
    f"   0: 0100007F:1F90 00000000:0000 0A {_REST} 31 1 0000000000000000 100 0 0 10 0\n"
    f"   1: 05014D0A:9C40 097100CB:01BB 01 {_REST} 32 1 0000000000000000 20 4 30 10 -1\n"
    f"table tcp6\n{_HEADING}"
    f"   0: {_V6}:0016 {_V6}:0000 0A {_REST} 33 1 0000000000000000 100 0 0 10 0\n"
    f"   1: {_MAPPED}05014D0A:0016 {_MAPPED}01004D0A:CC78 01 {_REST} 34 1 0000000000000000 20 4 30 10 -1\n"
    f"table udp\n{_HEADING}"
    f"   4: 00000000:0044 00000000:0000 07 {_REST} 35 2 0000000000000000 0\n"
    f"table udp6\n{_HEADING}"
    "/proc/net/if_inet6\n"
    "holders\n"
    "31 socket /proc/7/fd/3\n99 regular file /proc/7/fd/4\n33 socket /proc/8/fd/3\n35 regular file /proc/8/fd/9\n"
    "/proc/7/comm:vllm\n/proc/8/comm:sshd\nend\n"
)


@pytest.mark.parametrize("table", [parse_ss(SS), parse_netstat(NETSTAT), parse_proc(PROC)])
def test_outbound_is_what_no_listener_took_in(table):
    assert ["203.0.113.9"] == [str(socket.peer) for socket in table.outbound]


def test_listeners():
    assert ["udp 127.0.0.53:53", "tcp [::]:22"] == [socket.where for socket in parse_ss(SS).listeners]
    assert [("sshd",), ("dhclient",)] == [socket.processes for socket in parse_netstat(NETSTAT).listeners]


@pytest.mark.parametrize("text", ["", "garbage", SS + "tcp ESTAB x\n"])
def test_what_is_no_table_is_not_an_empty_one(text):
    with pytest.raises(Unobservable):
        parse_ss(text)
    with pytest.raises(Unobservable):
        parse_netstat(text)


def test_the_kernels_tables_name_addresses_and_holders():
    listeners = parse_proc(PROC).listeners
    assert [("tcp 127.0.0.1:8080", ("vllm",)), ("tcp *:22", ("sshd",)), ("udp 0.0.0.0:68", ())] == [
        (socket.where, socket.processes) for socket in listeners
    ]


def test_a_kernel_without_ipv6_has_no_tables_of_it():
    six = re.compile(r"(table (?:tcp|udp)6\n).*?(?=table udp\n|/proc/net/if_inet6|holders)", re.DOTALL)
    without = six.sub(r"\1absent\n", PROC).replace("/proc/net/if_inet6\n", "")
    assert ["tcp 127.0.0.1:8080", "udp 0.0.0.0:68"] == [
        socket.where for socket in parse_proc(without).listeners
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("x86_64", "s390x"),
        ("directory\n", ""),
        ("end\n", ""),
        (f"table tcp6\n{_HEADING}", "table tcp6\nabsent\n"),
        (f"table udp\n{_HEADING}", "table udp\nabsent\n"),
        (" 0A ", " 0D "),
        ("table udp\n", ""),
        ("0100007F:1F90", "0100:1F90"),
    ],
    ids=str,
)
def test_a_kernel_that_does_not_show_all_is_not_one_without_sockets(old, new):
    assert old in PROC
    with pytest.raises(Unobservable):
        parse_proc(PROC.replace(old, new))


@pytest.mark.parametrize("name", ['sshd",pid=812', '",pid=8,fd=3),(', '"', 'a"b', '")', '",pid=8,fd=3)'])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_no_name_of_a_process_stands_for_another_holder(name, count):
    """Before: whoever called itself `sshd",pid=812` was process 812, and no API."""
    users = ",".join(f'("{name}",pid=4{number},fd=3)' for number in range(count))
    line = f"tcp LISTEN 0 5 0.0.0.0:8000 0.0.0.0:* users:({users})\n"
    (socket,) = parse_ss(SS.partition("\n")[0] + "\n" + line).sockets
    assert ((), ()) == (socket.processes, socket.pids)


@pytest.mark.parametrize("name", ["a b", "a)b", "(a", "a,pid=8", "a\x0bb", "a\x85b", "a\u2028b"])
def test_a_name_may_hold_what_no_list_of_holders_ends_with(name):
    line = f'tcp LISTEN 0 5 0.0.0.0:8000 0.0.0.0:* users:(("{name}",pid=4,fd=3),("b",pid=5,fd=3))\n'
    (socket,) = parse_ss(SS.partition("\n")[0] + "\n" + line).sockets
    assert (4, 5) == socket.pids
