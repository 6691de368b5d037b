import re
from typing import Annotated

from pydantic import Field

from pytest_aisec import Host, Unobservable, control
from pytest_aisec.facts.network.firewall import outbound_log_rules
from pytest_aisec.facts.system.sockets import Port


@control(
    "AISEC-NET-03",
    severity="medium",
    needs_running=True,
    objectives=["limited_egress", "audit_logging"],
    remediation=(
        "for t in iptables ip6tables; do $t -I OUTPUT ! -o lo -p tcp --syn -m limit --limit 10/min -j "
        "LOG --log-prefix 'SUSPECT_OUT: '; done  # at the head of the chain, before all verdicts; the "
        "prefix has to match {prefix_re}; -d ADDRESS for suspects alone"
    ),
)
def test_outbound_traffic_is_logged_with_a_prefix(
    host: Host,
    *,
    prefix_re: str = "^(SUSPECT_OUT|AISEC_EGRESS|EGRESS)[: ]?",
    require_limit: bool = False,
    ports: Annotated[list[Port], Field(min_length=1)] = [22, 80, 443],
) -> None:
    """Outbound traffic to suspect or unlisted destinations is logged with a prefix.

    Without it, weights can leave and nobody can say afterwards when, or where to. A
    rule counts when it logs TCP connections to one of `ports` elsewhere, as this host can send them.
    """
    rules = outbound_log_rules(host, ports=ports)
    named = [rule for rule in rules if re.search(prefix_re, rule.prefix)]
    wanted = [rule for rule in named if not rule.is_doubtful]
    if named and not wanted:
        raise Unobservable("unreadable", f"the rules alone do not tell what gets to: {named[0].text}")
    observed = {
        "logs with a prefix that matches": bool(wanted),
        "limits the rate of the log": any(rule.is_limited for rule in wanted) or not require_limit,
    }
    assert observed == {"logs with a prefix that matches": True, "limits the rate of the log": True}
