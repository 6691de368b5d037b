import json

import pytest

from pytest_aisec.facts.network.filter_rules import paths
from pytest_aisec.facts.network.iptables import parse_iptables_save
from pytest_aisec.facts.network.nft import parse_nft
from pytest_aisec.observe.faults import Unobservable

LOG = '-A OUTPUT -d 198.51.100.7/32 -j LOG --log-prefix "SUSPECT_OUT: "\n'


def logs(chains):
    return [rule for base in chains if base.hook == "output" for rule in paths(base, "ip").logs]


def save(rules):
    return f"*filter\n:OUTPUT ACCEPT [0:0]\n:S - [0:0]\n{rules}COMMIT\n"


@pytest.mark.parametrize(
    ("expected", "rules"),
    [
        (["SUSPECT_OUT: "], LOG),
        ([], ""),
        ([], "-A OUTPUT -j ACCEPT\n" + LOG),
        ([], "-A OUTPUT -d 198.51.100.7/32 -j DROP\n" + LOG),
        (["SUSPECT_OUT: "], "-A OUTPUT -d 203.0.113.1/32 -j DROP\n" + LOG),
        ([], LOG.replace("OUTPUT", "S", 1)),
        (["SUSPECT_OUT: "], "-A OUTPUT -p tcp -j S\n" + LOG.replace("OUTPUT", "S", 1)),
        ([], "-A OUTPUT -o lo -j LOG --log-prefix x\n"),
        ([], "-A OUTPUT -j S\n-A S -j DROP\n" + LOG),
        ([], "-A OUTPUT -d 198.51.100.0/24 -j ACCEPT\n" + LOG),
        ([], "-A OUTPUT ! -d 10.0.0.0/8 -j ACCEPT\n" + LOG),
        (["SUSPECT_OUT: "], "-A OUTPUT ! -d 198.51.0.0/16 -j ACCEPT\n" + LOG),
        (["SUSPECT_OUT: "], "-A OUTPUT -d 198.51.100.0/24 -p tcp -j ACCEPT\n" + LOG),
        (["SUSPECT_OUT: "], "-A OUTPUT -d 198.51.100.8/29 -j ACCEPT\n" + LOG),
        ([], "-A OUTPUT -o lo -j S\n" + LOG.replace("OUTPUT", "S", 1)),
        ([], "-A OUTPUT -d 127.0.0.0/16 -j S\n" + LOG.replace("OUTPUT -d 198.51.100.7/32", "S", 1)),
    ],
)
def test_log_rules_that_packets_get_to(expected, rules):
    assert expected == [rule.prefix for rule in logs(parse_iptables_save(save(rules)))]


@pytest.mark.parametrize("text", ["garbage", "*filter\n:OUTPUT ACCEPT [0:0]\n"])
def test_half_a_table_is_not_believed(text):
    with pytest.raises(Unobservable):
        parse_iptables_save(text)


def nft(*statements, flags=()):
    chain = {"family": "inet", "table": "t", "name": "o", "hook": "output"}
    rule = {"family": "inet", "table": "t", "chain": "o", "expr": list(statements)}
    table = {"family": "inet", "name": "t", "flags": list(flags)}
    return json.dumps({"nftables": [{"metainfo": {}}, {"table": table}, {"chain": chain}, {"rule": rule}]})


def test_nft():
    log = {"log": {"prefix": "EGRESS: "}}
    assert [("EGRESS: ", True)] == [
        (r.prefix, r.is_limited) for r in logs(parse_nft(nft({"limit": {}}, log, {"drop": None})))
    ]
    assert [] == logs(parse_nft(nft({"drop": None}, log)))
    assert [] == logs(parse_nft(nft(log, flags=["dormant"])))
    assert [] == logs(parse_nft(nft(log).replace('"flags": []', '"flags": "t"')))
    with pytest.raises(Unobservable):
        parse_nft("{}")
