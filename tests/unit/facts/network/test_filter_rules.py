import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aisec.facts.network.filter_rules import paths
from pytest_aisec.facts.network.iptables import parse_ipset, parse_iptables_save
from pytest_aisec.facts.network.nft import parse_nft
from pytest_aisec.observe.faults import Unobservable


def accepted(chains, family="ip", hook="output"):
    """What each chain lets through, as the texts of its conditions."""
    return [
        {" ".join(sorted(one.text for one in flow)) for flow in paths(chain, family).accepted}
        for chain in chains
        if chain.hook == hook and family in chain.families
    ]


def save(rules, policy="DROP"):
    return parse_iptables_save(
        f"*filter\n:INPUT ACCEPT [0:0]\n:OUTPUT {policy} [0:0]\n:S - [0:0]\n:T - [0:0]\n{rules}COMMIT\n"
    )


@pytest.mark.parametrize(
    ("expected", "rules"),
    [
        (set(), ""),
        ({""}, "-A OUTPUT -j ACCEPT\n"),
        ({"-p tcp"}, "-A OUTPUT -p tcp -j ACCEPT\n"),
        ({"-o lo"}, "-A OUTPUT -o lo -j ACCEPT\n-A OUTPUT -j DROP\n-A OUTPUT -j ACCEPT\n"),
        ({""}, "-A OUTPUT -j S\n-A S -j T\n-A T -j ACCEPT\n"),
        (
            {"-d 10.0.0.0/8"},
            "-A OUTPUT -j S\n-A OUTPUT -j ACCEPT\n-A S -d 10.0.0.0/8 -j RETURN\n-A S -j DROP\n",
        ),
        (
            {"-d 10.0.0.0/8 -s 1.1.1.1/32"},
            "-A OUTPUT -s 1.1.1.1/32 -g S\n-A OUTPUT -j DROP\n-A S -d 10.0.0.0/8 -j ACCEPT\n",
        ),
        ({"not (! -o lo)"}, "-A OUTPUT ! -o lo -j DROP\n-A OUTPUT -j ACCEPT\n"),
        ({"-p tcp"}, "[3:180] -A OUTPUT -p tcp -m comment --comment 'a -j DROP' -j ACCEPT\n"),
        ({"! -d 10.0.0.0/8"}, "-A OUTPUT -d 10.0.0.0/8 -j DROP\n-A OUTPUT ! -d 10.0.0.0/8 -j ACCEPT\n"),
    ],
)
def test_what_a_policy_of_drop_lets_out(expected, rules):
    assert [expected] == accepted(save(rules))


IPSET = "create ok hash:net family inet hashsize 1024\nadd ok 10.0.0.0/8\nadd ok 1.1.1.1\ncreate p hash:ip,port\nadd p 1.1.1.1,tcp:443\n"


@pytest.mark.parametrize(
    ("expected", "rules"),
    [
        ({("destination", ("10.0.0.0/8", "1.1.1.1"))}, "-A OUTPUT -m set --match-set ok dst -j ACCEPT\n"),
        ({("unknown", ("p", "dst", "dst"))}, "-A OUTPUT -m set --match-set p dst,dst -j ACCEPT\n"),
        (
            {("unknown", ("ok", "dst"))},
            "-A OUTPUT -p udp -j SET --add-set ok dst --exist\n-A OUTPUT -m set --match-set ok dst -j ACCEPT\n",
        ),
    ],
)
def test_sets_of_ipset(expected, rules):
    text = f"*filter\n:OUTPUT DROP [0:0]\n{rules}COMMIT\n"
    assert [expected] == kinds(parse_iptables_save(text, sets=parse_ipset(IPSET)), "ip")


def test_a_return_does_not_hide_what_follows():
    rules = "-A OUTPUT -j S\n-A OUTPUT -j ACCEPT\n-A S -p tcp -j RETURN\n-A S -j DROP\n"
    assert [{"-p tcp"}] == accepted(save(rules))


def test_a_queue_and_an_extension_are_not_known():
    for rules in ("-A OUTPUT -j NFQUEUE --queue-num 0\n", "-A OUTPUT -j SNAKEOIL\n"):
        (chain,) = [one for one in save(rules) if one.hook == "output"]
        assert (frozenset(),) == paths(chain, "ip").unknown


def nft(*rules, policy="drop", family="inet", sets=()):
    chain = {
        "family": family,
        "table": "t",
        "name": "o",
        "type": "filter",
        "hook": "output",
        "policy": policy,
    }
    items = [{"metainfo": {}}, {"table": {"family": family, "name": "t"}}, {"chain": chain}]
    items += [{"rule": {"family": family, "table": "t", "chain": "o", "expr": rule}} for rule in rules]
    items += [{"set": {"family": family, "table": "t", **one}} for one in sets]
    return parse_nft(json.dumps({"nftables": items}))


def match(left, right, op="=="):
    return {"match": {"op": op, "left": left, "right": right}}


DADDR = {"payload": {"protocol": "ip", "field": "daddr"}}
ACCEPT = {"accept": None}


def kinds(chains, family):
    return [
        {(one.kind, one.values) for flow in paths(chain, family).accepted for one in flow} for chain in chains
    ]


def test_nft_sets_are_looked_up_wherever_they_stand():
    known = {
        "name": "s",
        "elem": [{"prefix": {"addr": "10.0.0.0", "len": 8}}, {"range": ["1.1.1.1", "1.1.1.9"]}],
    }
    chains = nft([match(DADDR, "@s"), ACCEPT], sets=[known])
    assert [{("destination", ("10.0.0.0/8", "1.1.1.1-1.1.1.9"))}] == kinds(chains, "ip")
    assert [set()] == kinds(chains, "ip6")


def test_a_set_that_packets_add_to_is_no_allowlist():
    chains = nft([match(DADDR, "@s"), ACCEPT], sets=[{"name": "s", "flags": ["dynamic"], "elem": []}])
    assert [{"unknown"}] == [{kind for kind, _ in one} for one in kinds(chains, "ip")]


def test_a_family_is_no_condition_for_its_own_packets():
    chains = nft([match({"meta": {"key": "nfproto"}}, "ipv4"), {"drop": None}], policy="accept")
    assert ([set()], [{""}]) == (accepted(chains, "ip"), accepted(chains, "ip6"))


def test_verdict_maps():
    key = {"ct": {"key": "state"}}
    table = {"set": [["established", ACCEPT], ["invalid", {"drop": None}]]}
    assert [{("state", ("established",))}] == kinds(nft([{"vmap": {"key": key, "data": table}}]), "ip")


REJECTS = {
    "icmp": {"ip"},
    "icmpv6": {"ip6"},
    "icmpx": {"ip", "ip6"},
    "tcp reset": set(),
    "brand-new": set(),
}


@pytest.mark.parametrize("kind", REJECTS)
def test_a_reject_denies_the_family_of_its_answer_alone(kind):
    chains = nft([{"reject": {"type": kind, "expr": "port-unreachable"}}], policy="accept")
    assert REJECTS[kind] == {family for family in ("ip", "ip6") if accepted(chains, family) == [set()]}


def test_nft_before_2021_shows_a_reject_of_both_families_as_nothing():
    chains = nft([{"reject": None}], policy="accept")
    assert ([set()], [set()]) == (accepted(chains, "ip"), accepted(chains, "ip6"))


TCP = match({"meta": {"key": "l4proto"}}, "tcp")


@pytest.mark.parametrize(
    ("expected", "family"), [([set()], "ip"), ([{json.dumps(TCP["match"], sort_keys=True)}], "inet")]
)
def test_which_family_a_reset_is_for_is_not_shown(expected, family):
    chains = nft([TCP, {"reject": {"type": "tcp reset"}}], [TCP, ACCEPT], family=family)
    assert expected == accepted(chains, "ip")


def test_a_user_and_a_group_of_the_same_number_do_not_exclude_each_other():
    user, group = ({"meta": {"key": key}} for key in ("skuid", "skgid"))
    (chain,) = nft([match(user, 65534), match(group, 65534, op="!="), ACCEPT])
    assert 1 == len(paths(chain, "ip").accepted)


def test_a_column_that_cannot_be_read_is_unknown_beside_one_that_can():
    left = {"concat": [{"meta": {"key": "nfproto"}}, {"meta": {"key": "mark"}}]}
    chains = nft([match(left, {"set": [{"concat": ["ipv4", 1]}]}), {"drop": None}], policy="accept")
    assert [{""}] == accepted(chains, "ip")


def text(rules):
    """A chain without a name, as nft prints it in its JSON."""
    return "jump {\n\t\t\t" + rules.replace("; ", "\n\t\t\t") + "\n\t\t}"


@pytest.mark.parametrize(
    ("expected", "rules"),
    [
        (set(), "drop"),
        ({()}, "counter packets 0 bytes 0 accept"),
        (
            {("destination", ("10.0.0.0/8", "192.168.0.0/16"))},
            "ip daddr { 10.0.0.0/8, 192.168.0.0/16 } accept",
        ),
        (
            {("destination", ("1.1.1.1",)), ("port", ("443",))},
            "ip daddr . tcp dport { 1.1.1.1 . 443 } accept",
        ),
        ({("out", ("lo",))}, 'oifname "lo" accept comment "x { y"; drop'),
        ({("state", ("established", "related"))}, "ct state established,related accept"),
        ({("state", ("established",))}, "ct state vmap { invalid : drop, established : accept }"),
        ({("owner", ("0",)), ("port", ("53",))}, "meta skuid 0 udp dport 53 accept"),
        (set(), "ip6 daddr ::1 accept; ip6 daddr fc00::/7 accept"),
        (set(), "reject with icmp port-unreachable; accept"),
        ({()}, "reject with icmpv6 admin-prohibited; accept"),
        ({("kind of address", ("host",))}, "meta pkttype host accept"),
        ({("limit", ())}, 'limit rate 10/minute burst 5 packets log prefix "a b" group 2 accept'),
        ({()}, "return; drop"),
    ],
)
def test_a_chain_without_a_name_is_read_as_text(expected, rules):
    chains = nft([text(rules)], *([[ACCEPT]] if rules.startswith("return") else []))
    found = {(one.kind, one.values) for flow in paths(chains[0], "ip").accepted for one in flow} or {
        () for _ in paths(chains[0], "ip").accepted
    }
    assert expected == found
    assert () == paths(chains[0], "ip").unknown


@pytest.mark.parametrize(
    "rules",
    [
        'meta day "Monday" accept',
        "tcp flags syn / syn,ack accept",
        "queue num 1",
        "ip daddr { 1.1.1.1 accept",
        "accept }",
        'log prefix "a',
        "ip daddr 1.1.1.1 brand new",
        "ip ttl 1-2,5 accept",
    ],
)
def test_text_that_cannot_be_read_decides_what_nobody_knows(rules):
    (chain,) = nft([text(rules)])
    assert paths(chain, "ip").unknown


def test_a_statement_that_is_text_and_no_chain_is_not_known():
    (chain,) = nft(["brand new"])
    assert paths(chain, "ip").unknown


@pytest.mark.parametrize(
    "statement", [{"brand-new": 1}, {"xt": None}, {"xt": {"type": "target", "name": "X"}}]
)
def test_a_statement_that_nobody_knows_is_not_passed_over(statement):
    (chain,) = nft([statement])
    assert paths(chain, "ip").unknown


def test_jumps_in_a_circle_are_no_endless_walk():
    with pytest.raises(Unobservable):
        accepted(save("-A OUTPUT -p tcp -j S\n-A S -j T\n-A T -p udp -j S\n"))


@pytest.mark.parametrize(
    "statement", [{}, {"match": {"left": {}, "right": 1, "op": "=="}}, None, {"jump": {}}]
)
def test_a_statement_that_says_nothing_is_no_rule_set(statement):
    with pytest.raises(Unobservable):
        nft([statement])


@given(st.text())
def test_garbage_is_never_a_rule_set(text):
    for parse in (parse_nft, parse_iptables_save):
        try:
            found = parse(text)
        except Unobservable:
            continue
        assert [] == found
