"""Which log rules packets get to that really leave a host: generated rule sets against single packets."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aisec.facts.core.answers import Answer
from pytest_aisec.facts.network.iptables import parse_iptables_save
from pytest_aisec.facts.network.nft import parse_nft
from pytest_aisec.facts.network.origin import Origin, read_origin
from pytest_aisec.facts.network.packet_sets import Sender, reached_logs
from pytest_aisec.observe.faults import Unobservable
from tests.unit.facts.network.test_filter_rules import nft

ORIGIN = Origin(
    addresses=frozenset(map(ipaddress.ip_address, ("192.0.2.5", "2001:db8::5"))),
    interfaces=frozenset({"eth0"}),
)
OWNERS = {"uid": frozenset({0, 33, 1000}), "gid": frozenset({0, 33, 1000}), "uid www-data": frozenset({33})}
LOG = '-A OUTPUT -d 198.51.100.7/32 -j LOG --log-prefix "SUSPECT_OUT: "\n'


def logs(chains, family="ip", ports=(22, 80, 443)):
    sender = Sender(origin=ORIGIN, owners=OWNERS, ports=frozenset(ports))
    return reached_logs(
        [base for base in chains if base.hook == "output" and family in base.families], family, sender
    )


def saved(rules, table="filter", policy="ACCEPT"):
    return parse_iptables_save(f"*{table}\n:OUTPUT {policy} [0:0]\n:S - [0:0]\n{rules}COMMIT\n")


@pytest.mark.parametrize(
    ("expected", "rules"),
    [
        (1, LOG),
        (0, ""),
        (0, "-A OUTPUT -j ACCEPT\n" + LOG),
        (0, "-A OUTPUT -d 198.51.100.7/32 -j DROP\n" + LOG),
        (1, "-A OUTPUT -d 203.0.113.1/32 -j DROP\n" + LOG),
        (0, LOG.replace("OUTPUT", "S", 1)),
        (1, "-A OUTPUT -p tcp -j S\n" + LOG.replace("OUTPUT", "S", 1)),
        (0, "-A OUTPUT -p udp -j S\n" + LOG.replace("OUTPUT", "S", 1)),
        (0, "-A OUTPUT -j S\n-A S -j DROP\n" + LOG),
        (1, "-A OUTPUT -j S\n-A S -p tcp -j RETURN\n-A S -j DROP\n" + LOG),
        (0, "-A OUTPUT -g S\n" + LOG),
        (0, "-A OUTPUT -d 198.51.100.0/24 -j ACCEPT\n" + LOG),
        (0, "-A OUTPUT ! -d 10.0.0.0/8 -j ACCEPT\n" + LOG),
        (1, "-A OUTPUT ! -d 198.51.0.0/16 -j ACCEPT\n" + LOG),
        (0, "-A OUTPUT -d 198.51.100.0/24 -p tcp -j ACCEPT\n" + LOG),
        (0, "-A OUTPUT -p tcp -m multiport --dports 1:1000 -j ACCEPT\n" + LOG),
        (1, "-A OUTPUT -p tcp --dport 443 -j ACCEPT\n" + LOG),
        (1, "-A OUTPUT -p udp -j ACCEPT\n" + LOG),
        (1, "-A OUTPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\n" + LOG),
        (0, "-A OUTPUT -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT\n" + LOG),
        (1, "-A OUTPUT -d 198.51.100.8/29 -j ACCEPT\n" + LOG),
        (0, "-A OUTPUT -s 192.0.2.5/32 -j ACCEPT\n" + LOG),
        (1, "-A OUTPUT -s 192.0.2.6/32 -j ACCEPT\n" + LOG),
        (0, "-A OUTPUT -o eth+ -j DROP\n" + LOG),
        (1, "-A OUTPUT -o lo -j DROP\n" + LOG),
        (1, "-A OUTPUT -m limit --limit 1/sec -j ACCEPT\n" + LOG),
        (1, "-A OUTPUT -m owner --uid-owner 1000 -j ACCEPT\n" + LOG),
        (0, "-A OUTPUT -m owner --uid-owner 0-65535 -j ACCEPT\n" + LOG),
        (
            0,
            "-A OUTPUT -d 198.51.100.0/25 -j ACCEPT\n-A OUTPUT -d 198.51.100.128/25 -j DROP\n"
            + LOG.replace("7/32", "0/24"),
        ),
        (1, "-A OUTPUT -d 198.51.100.0/25 -j ACCEPT\n" + LOG.replace("7/32", "0/24")),
    ],
)
def test_what_is_decided_before_the_log(expected, rules):
    assert expected == len(logs(saved(rules)))


@pytest.mark.parametrize(
    ("expected", "conditions"),
    [
        (1, "-s 192.0.2.0/24"),
        (0, "-s 198.51.100.7/32"),
        (0, "! -s 192.0.2.5/32"),
        (0, "-d 127.0.0.9/32"),
        (0, "-d 192.0.2.5/32"),
        (0, "-d 224.0.0.0/4"),
        (0, "-o lo"),
        (1, "! -o lo"),
        (0, "-o eth9"),
        (1, "-o eth+"),
        (0, "! -o eth0"),
        (0, "-m owner --uid-owner 4711"),
        (1, "-m owner --uid-owner 1000"),
        (1, "-m owner --uid-owner 0-99999"),
        (0, "-m owner --gid-owner 4711"),
        (0, "-p tcp --dport 1"),
        (1, "-p tcp --dport 443"),
        (1, "-p tcp -m multiport --dports 4444,80"),
        (0, "-p tcp ! --dport 1:65535"),
        (0, "-p tcp --sport 1"),
        (1, "-p tcp --sport 32768:60999"),
        (0, "-p udp"),
        (0, "-p icmp"),
        (1, "-p tcp --syn"),
        (0, "-m conntrack --ctstate INVALID"),
        (1, "-m conntrack --ctstate NEW"),
        (0, "-m addrtype --dst-type LOCAL"),
    ],
)
def test_what_the_log_itself_is_for(expected, conditions):
    assert expected == len(logs(saved(f"-A OUTPUT {conditions} -j LOG --log-prefix x\n")))


def sure(chains, **more):
    return [not rule.is_doubtful for rule in logs(chains, **more)]


@pytest.mark.parametrize(
    ("expected", "conditions"),
    [
        ([], "-f"),
        ([True], "! -f"),
        ([False], "-m ttl --ttl-eq 3"),
        ([False], "-m ttl --ttl-gt 1"),
        ([False], "-m length --length 9000"),
        ([False], "-m mark --mark 0x1"),
        ([True], "-m mark ! --mark 0x1"),
        ([True], "-m mark --mark 0x0/0xff"),
        ([False], "-m mark ! --mark 0x0"),
        ([False], "-m dscp --dscp 0x2e"),
        ([False], "-m set --match-set elsewhere dst"),
        ([False], "-m time --timestart 03:00:00 --timestop 03:01:00"),
        ([False], "-m string --string secret --algo bm"),
        ([False], "-m cgroup --path trusted.slice"),
        ([False], "-m policy --dir out --pol ipsec"),
        ([True], "-m policy --dir out --pol none"),
        ([False], "-m conntrack --ctdir REPLY"),
        ([True], "-m conntrack --ctdir ORIGINAL"),
        ([False], "-m bpf --bytecode 4,48"),
        ([], "-p tcp -m tcp --tcp-flags FIN,SYN,RST,PSH,ACK,URG NONE"),
        ([], "-p tcp -m tcp --tcp-flags ALL ALL"),
        ([True], "-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN"),
        ([True], "-p tcp -m tcp ! --tcp-flags SYN,RST SYN,RST"),
        ([True], "-m addrtype --src-type LOCAL"),
        ([], "-m addrtype --src-type BROADCAST"),
        ([True], "-m limit --limit 10/min"),
        ([], "-p tcp ! --sport 1024:65535"),
        ([True], "-p tcp ! --sport 1:1023"),
        ([], "-m mac --mac-source 02:00:00:00:00:01"),
    ],
)
def test_a_log_of_what_the_rules_do_not_decide_is_in_doubt(expected, conditions):
    assert expected == sure(saved(f"-A OUTPUT {conditions} -j LOG --log-prefix x\n"))


@pytest.mark.parametrize(
    ("expected", "before"),
    [
        ([False], "-A OUTPUT -m ttl --ttl-gt 1 -j ACCEPT\n"),
        ([False], "-A OUTPUT -m mark --mark 0x0 -j DROP\n"),
        ([True], "-A OUTPUT -m mark --mark 0x8000/0x8000 -j DROP\n"),
        ([False], "-A OUTPUT -m set --match-set allowed dst -j ACCEPT\n"),
        ([True], "-A OUTPUT -d 192.0.2.0/24 -m ttl --ttl-gt 1 -j ACCEPT\n"),
        ([False], "-A OUTPUT -m ttl --ttl-gt 1 -j S\n-A S -j ACCEPT\n"),
        ([True], "-A OUTPUT -m ttl --ttl-gt 1 -j S\n-A S -p udp -j ACCEPT\n"),
        ([False], "-A OUTPUT -m ttl --ttl-gt 1 -g S\n-A S -p udp -j ACCEPT\n"),
        ([True], "-A OUTPUT -m ttl --ttl-gt 1 -j MARK --set-xmark 0x1\n"),
        ([True], "-A OUTPUT -m limit --limit 1/sec -j S\n-A S -j ACCEPT\n"),
        ([], "-A OUTPUT -m ttl --ttl-gt 1 -j ACCEPT\n-A OUTPUT -j ACCEPT\n"),
    ],
)
def test_a_log_behind_what_the_rules_do_not_decide_is_in_doubt(expected, before):
    assert expected == sure(saved(before + LOG))


def met(left, right, op="=="):
    return {"match": {"op": op, "left": left, "right": right}}


FLAGS = {"payload": {"protocol": "tcp", "field": "flags"}}
PORT = {"payload": {"protocol": "tcp", "field": "dport"}}


@pytest.mark.parametrize(
    ("expected", "condition"),
    [
        ([False], met({"payload": {"protocol": "ip", "field": "ttl"}}, 3)),
        ([False], met({"payload": {"protocol": "ip", "field": "dscp"}}, "ef")),
        ([False], met({"meta": {"key": "length"}}, 9000, ">")),
        ([False], met({"meta": {"key": "mark"}}, 1)),
        ([True], met({"meta": {"key": "mark"}}, 1, "!=")),
        ([True], met({"&": [{"meta": {"key": "mark"}}, 255]}, 0)),
        ([False], met({"meta": {"key": "hour"}}, "03:00")),
        ([False], met({"ct": {"key": "direction"}}, "reply")),
        ([True], met({"ct": {"key": "direction"}}, "original")),
        ([False], met({"numgen": {"mode": "inc", "mod": 2, "offset": 0}}, 0)),
        ([True], met(FLAGS, "syn")),
        ([True], met({"&": [FLAGS, ["fin", "syn", "rst", "ack"]]}, "syn")),
        ([], met({"&": [FLAGS, ["fin", "syn"]]}, ["fin", "syn"])),
        ([], met(PORT, 22, "<")),
        ([True], met(PORT, 22, "<=")),
        ([], met(PORT, 443, ">")),
        ([True], met(PORT, 443, ">=")),
        ([True], met({"meta": {"key": "nfproto"}}, {"set": ["ipv4", "ipv6"]})),
        ([], met({"meta": {"key": "nfproto"}}, {"set": ["ipv4", "ipv6"]}, "!=")),
        ([True], met({"fib": {"result": "type", "flags": ["saddr"]}}, "local")),
        ([], met({"payload": {"protocol": "udp", "field": "length"}}, 100)),
        ([True], {"limit": {"rate": 10, "per": "minute"}}),
        ([False], {"xt": {"type": "match", "name": "u32"}}),
    ],
)
def test_nft_logs_of_what_the_rules_do_not_decide_are_in_doubt(expected, condition):
    assert expected == sure(nft([condition, {"log": {"prefix": "x"}}]))


def test_what_an_earlier_table_drops_is_not_logged_by_a_later_one():
    later = saved(LOG)
    assert [] == logs([*later, *saved("-A OUTPUT -d 198.51.100.0/24 -j DROP\n", "mangle")])
    assert 1 == len(logs([*later, *saved("-A OUTPUT -d 198.51.100.0/24 -j DROP\n", "security")]))
    assert [] == logs([*later, *saved("", "raw", policy="DROP")])


UDP = {"match": {"op": "==", "left": {"payload": {"protocol": "udp", "field": "dport"}}, "right": 443}}
USER = {"match": {"op": "==", "left": {"meta": {"key": "skuid"}}, "right": "www-data"}}


@pytest.mark.parametrize(("expected", "before"), [(1, {"counter": {}}), (0, UDP), (1, USER)])
def test_nft_names_a_protocol_with_the_port_and_accounts_by_name(expected, before):
    assert expected == len(logs(nft([before, {"log": {"prefix": "x"}}])))


def test_a_rule_for_the_other_family_logs_where_that_leaves():
    rule = parse_iptables_save(
        "*filter\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -d 2001:db8:1::/48 -j LOG\nCOMMIT\n", family="ip6"
    )
    assert (0, 1) == (len(logs(rule, "ip")), len(logs(rule, "ip6")))


NETS = ["198.51.100.0/24", "198.51.100.0/25", "198.51.100.128/25", "198.51.100.7/32", "203.0.113.0/24"]
PORTS = ["", "-p tcp --dport 443", "-p tcp --dport 1:443", "-p tcp ! --dport 22", "-p tcp"]
VERDICTS = ["-j ACCEPT", "-j DROP", "-j RETURN"]


@given(
    st.lists(
        st.tuples(st.sampled_from(NETS), st.booleans(), st.sampled_from(PORTS), st.sampled_from(VERDICTS)),
        max_size=6,
    ),
    st.sampled_from(NETS),
    st.sampled_from(PORTS),
)
def test_a_rule_counts_exactly_where_a_single_packet_gets_to_it(before, net, port):
    def takes(rule_net, negated, rule_port, address, number):
        inside = ipaddress.ip_address(address) in ipaddress.ip_network(rule_net)
        numbers = {PORTS[1]: number == 443, PORTS[2]: 1 <= number <= 443, PORTS[3]: number != 22}
        return inside != negated and numbers.get(rule_port, True)

    text = "".join(
        f"-A OUTPUT {'! ' if negated else ''}-d {one} {ports} {verdict}\n"
        for one, negated, ports, verdict in before
    )
    reaches = any(
        takes(net, not net, port, address, number)
        and not any(takes(one, negated, ports, address, number) for one, negated, ports, _ in before)
        for address in ("198.51.100.7", "198.51.100.1", "198.51.100.200", "203.0.113.9", "8.8.8.8")
        for number in (22, 80, 443)
    )
    assert reaches == bool(logs(saved(f"{text}-A OUTPUT -d {net} {port} -j LOG\n")))


def test_many_rules_are_no_long_walk():
    rules = "".join(
        f"-A OUTPUT -d 10.{n // 250}.{n % 250}.0/24 -p tcp --dport 443 -j ACCEPT\n" for n in range(600)
    )
    assert 1 == len(logs(saved(rules + LOG)))


TRIE = """Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 192.0.2.0
        /24 link UNICAST
     |-- 192.0.2.5
        /32 host LOCAL
     |-- 127.0.0.1
        /32 host LOCAL
"""


def said(text, status=0):
    return Answer(stdout=text, stderr="", status=status)


def test_where_packets_come_from():
    inet6 = "20010db8000000000000000000000005 02 40 00 80     eth0\n" + "0" * 31 + "1 01 80 10 80       lo\n"
    links = "eth0 0x1003\neth1 0x1002\nlo 0x9\ndocker0 0x1003\nend\n"
    assert ORIGIN == read_origin([said(TRIE), said(inet6), said(links)])
    with pytest.raises(Unobservable, match="parse"):
        read_origin([said(""), said(""), said(links)])
    for less in ("", links.removesuffix("end\n"), "end\n"):
        with pytest.raises(Unobservable, match="does not show all interfaces"):
            read_origin([said(TRIE), said(inet6), said(less)])


def test_text_in_nft_json_is_no_reason_to_count_a_dropped_packet():
    assert [] == logs(nft([{"drop": None}, {"log": {"prefix": "x"}}]))
    assert [] == parse_nft('{"nftables": [{"metainfo": {}}]}')
