import json

import pytest

from pytest_aisec.facts.network.iptables import parse_iptables_save
from pytest_aisec.facts.network.nft import parse_nft
from pytest_aisec.facts.network.nft_text import read_rules
from pytest_aisec.observe.faults import Unobservable
from tests.support.growth import Text, grows
from tests.unit.facts.network.test_packet_sets import logs


@pytest.mark.parametrize("text", ["garbage", "*filter\n:OUTPUT ACCEPT [0:0]\n"])
def test_half_a_table_is_not_believed(text):
    with pytest.raises(Unobservable):
        parse_iptables_save(text)


def nft(*statements, flags=()):
    chain = {"family": "inet", "table": "t", "name": "o", "hook": "output"}
    rule = {"family": "inet", "table": "t", "chain": "o", "expr": list(statements)}
    table = {"family": "inet", "name": "t", "flags": list(flags)}
    return json.dumps({"nftables": [{"metainfo": {}}, {"table": table}, {"chain": chain}, {"rule": rule}]})


def lists(*items):
    table = {"table": {"family": "inet", "name": "t"}}
    chain = {"chain": {"family": "inet", "table": "t", "name": "o", "hook": "output"}}
    return json.dumps({"nftables": [table, chain, *items]})


def rule(*statements, **more):
    return {"rule": {"family": "inet", "table": "t", "chain": "o", "expr": list(statements), **more}}


@pytest.mark.parametrize(
    "item",
    [
        rule({"accept": None}, table="u"),
        rule({"accept": None}, table=5),
        rule({"accept": None}, chain="p"),
        rule({"accept": None}, chain=True),
        rule({"accept": None}, family="²"),
        rule({"reject": 5}),
        rule({"reject": ["a", 5]}),
        rule({"reject": []}),
        {"table": {"family": True, "name": "t"}},
        {"table": {"family": "inet", "name": None}},
        {"table": {"family": "inet", "name": "t", "flags": 0}},
        {"chain": {"family": "inet", "table": -1, "name": "o", "hook": "output"}},
        {"set": {"family": "inet", "table": "t", "name": "s", "elem": ""}},
    ],
)
def test_what_has_no_place_or_another_type_is_not_left_out(item):
    assert 1 == len(parse_nft(lists(rule({"drop": None}))))
    with pytest.raises(Unobservable, match="parse"):
        parse_nft(lists(item))


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


def test_a_brace_that_does_not_end_takes_time_that_grows_with_the_rules():
    assert grows(read_rules, [Text("", "{ a\n", ""), Text("", '{ "}\n', ""), Text("", "x {\n", "}")]) is None


def test_what_stands_in_braces_goes_on_over_the_ends_of_lines():
    whole = read_rules('tcp dport { 22,\n\n 80 } comment "{" accept\ndrop')
    assert whole == read_rules('tcp dport { 22, 80 } comment "{" accept\ndrop')
    assert [{"drop": None}] == whole[1]
    assert 2 == len(whole)
