import pytest

from pytest_aisec.facts.system.sockets import parse_netstat, parse_ss
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


@pytest.mark.parametrize("table", [parse_ss(SS), parse_netstat(NETSTAT)])
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
