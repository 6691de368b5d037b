"""AISEC-NET-02 against the kernel: what it passes lets no packet out that is really sent."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_aisec.facts.network.firewall import _COMMANDS
from pytest_aisec.testing.labkit import debian
from pytest_aisec.testing.labkit.errors import LabUnavailableError
from pytest_aisec.testing.tables import Answer, Judge
from tests.support import packets

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="packets are sent in a namespace of their own, by root"),
    pytest.mark.usefixtures("programs"),
]


@pytest.fixture(scope="module")
def programs():
    try:
        debian.ensure_commands({"nft": "nftables", "unshare": "util-linux", "ip": "iproute2"})
    except LabUnavailableError as reason:
        pytest.skip(str(reason))
    debian.complete_search_path()


JUDGE = Judge(start=Path(__file__))


def nft(*rules, family="inet", policy="accept"):
    body = "\n".join(rules)
    return f"""nft -f - <<'RULES'
table {family} t {{
  set denied {{ type ipv4_addr; flags interval; elements = {{ 203.0.113.0/24 }} }}
  chain named {{ ip daddr 10.0.0.0/8 accept; meta nfproto ipv6 drop; }}
  chain o {{
    type filter hook output priority 0; policy {policy};
    {body}
  }}
}}
RULES"""


def sent(*loads):
    """Load each rule set and send packets: what the control asks, and what left."""
    done = subprocess.run(
        ["unshare", "-n", sys.executable, packets.__file__],
        input=json.dumps({"commands": list(_COMMANDS), "loads": loads}),
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(packets.__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def outcome(one):
    answers = {
        command: Answer(stdout=out, exit_status=status, stderr=err)
        for command, (status, out, err) in one["answers"].items()
    }
    return JUDGE("AISEC-NET-02", answers, require_forward=False).outcome


DENIED = {
    "drop": nft("drop"),
    "reject": nft("reject"),
    "rejects both by icmpx": nft("reject with icmpx type admin-prohibited"),
    "rejects each by its own": nft("reject with icmp type admin-prohibited", "reject with icmpv6 no-route"),
    "rejects the one, drops the other": nft("meta nfproto ipv4 reject", "meta nfproto ipv6 drop"),
    "by family and policy": nft("ip daddr 10.0.0.0/8 accept", "meta nfproto ipv4 drop", policy="drop"),
    "a chain without a name": nft('jump { oifname "lo" accept; ip daddr 10.0.0.0/8 accept; drop; }'),
    "to broadcast alone": nft("meta pkttype broadcast accept", policy="drop"),
    "a chain without a name by family": nft(
        "meta nfproto ipv4 jump { ct state established,related accept; reject; }", "drop"
    ),
}
OPEN = {
    "nothing": "true",
    "icmp": nft("reject with icmp type admin-prohibited"),
    "icmpv6": nft("reject with icmpv6 type admin-prohibited"),
    "one family": nft("meta nfproto ipv4 reject"),
    "tcp reset": nft("reject with tcp reset"),
    "tcp reset, then tcp": nft(
        "meta nfproto ipv4 meta l4proto tcp reject with tcp reset", "meta l4proto tcp accept", policy="drop"
    ),
    "unicast": nft("meta pkttype unicast accept", policy="drop"),
    "host": nft("meta pkttype host accept", "drop"),
    "a chain without a name": nft("jump { meta nfproto ipv4 reject; }"),
    "a chain without a name that accepts": nft('jump { oifname "lo" accept; accept; }', "drop"),
    "a chain of one family": nft("meta nfproto ipv4 jump { drop; }"),
    "users and groups": nft("meta skuid 65534 jump { meta skgid != 65534 accept; }", policy="drop"),
    "a mark and a family": nft("meta nfproto . meta mark { ipv4 . 1, ipv6 . 1 } drop"),
}


@pytest.fixture(scope="module")
def known(programs):
    cases = {**{("denied", name): load for name, load in DENIED.items()}}
    cases |= {("open", name): load for name, load in OPEN.items()}
    return dict(zip(cases, sent(*cases.values()), strict=True))


@pytest.mark.parametrize("name", DENIED)
def test_what_lets_nothing_out_passes(known, name):
    one = known["denied", name]
    assert [] == one["left"]
    assert "passed" == outcome(one)


@pytest.mark.parametrize("name", OPEN)
def test_what_lets_packets_out_does_not_pass(known, name):
    one = known["open", name]
    assert one["left"]
    assert outcome(one) in {"failed", "error"}


MATCHES = (
    "meta nfproto ipv4",
    "meta nfproto != ipv4",
    "meta l4proto tcp",
    "meta l4proto != tcp",
    "ip protocol udp",
    "ip6 nexthdr tcp",
    "tcp dport 8080",
    "udp dport != 8080",
    "th dport { 443, 9999 }",
    "ip daddr 10.0.0.0/8",
    "ip daddr != 10.0.0.0/8",
    "ip daddr @denied",
    "ip6 daddr 2001:db8::/32",
    "ip6 daddr != 2001:db8::/32",
    "ip daddr != @denied",
    'oifname "lo"',
    'oifname != "lo"',
    "ct state established,related",
    "ct state new",
    "meta skuid 0",
    "meta skuid != 0",
    "meta skgid 65534",
    "meta pkttype unicast",
    "meta mark 0",
    "limit rate 1/day",
    "counter",
    "ip saddr 192.0.2.2",
    "fib daddr type unicast",
    "meta nfproto . th dport { ipv4 . 8080, ipv6 . 9999 }",
)
ENDS = (
    *("accept", "drop", "reject", "return", "jump named"),
    "reject with icmp type admin-prohibited",
    "reject with icmpv6 type admin-prohibited",
    "meta l4proto tcp reject with tcp reset",
    'log prefix "x"',
)


def made(draw):
    """Return a rule: conditions, and what becomes of the packets."""
    conditions = " ".join(draw.sample(MATCHES, draw.choice([0, 1, 1, 2])))
    if draw.random() < 0.15:
        inner = "; ".join(f"{draw.choice(MATCHES)} {draw.choice(ENDS[:4])}" for _ in range(2))
        return f"{conditions} jump {{ {inner}; }}"
    return f"{conditions} {draw.choice(ENDS)}"


def test_of_rule_sets_by_chance_none_passes_that_lets_packets_out():
    draw = random.Random(20261128)
    sets = [
        nft(*(made(draw) for _ in range(draw.randint(1, 5))), policy=draw.choice(["accept", "drop", "drop"]))
        for _ in range(160)
    ]
    loaded = [(load, one) for load, one in zip(sets, sent(*sets), strict=True) if one is not None]
    seen = [(load, outcome(one), one["left"]) for load, one in loaded]
    assert [] == [(load, left) for load, ended, left in seen if ended == "passed" and left]
    assert sum(ended == "passed" for _, ended, _ in seen) > 10
