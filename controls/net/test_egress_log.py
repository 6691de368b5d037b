import re
from typing import Annotated

from pydantic import Field

from pytest_aisec import Host, control
from pytest_aisec.facts.network.firewall import outbound_log_rules

Port = Annotated[int, Field(ge=1, le=65535)]


@control(
    "AISEC-NET-03",
    severity="medium",
    needs_running=True,
    nist_800_53=["AC-4", "AU-2", "AU-3", "AU-12", "SC-7", "SC-7(5)", "SC-7(10)"],
    nist_csf=["DE.CM-01", "DE.CM-09", "PR.IR-01", "PR.PS-04"],
    nist_ai_rmf=["MANAGE 4.1", "MEASURE 2.4", "MEASURE 2.7"],
    nist_ai_600_1=["MG-4.1-002", "MP-2.2-002", "MS-2.7-001", "MS-2.7-004"],
    iso_27001=["A.8.12", "A.8.15", "A.8.20", "A.8.22"],
    iso_42001=["A.4.5", "A.6.2.8"],
    cis_v8_1=["4.4", "8.2", "8.5", "13.4"],
    soc2=["CC6.6", "CC6.7", "CC7.2"],
    owasp_llm=["LLM02:2025"],
    atlas_mitigations=["AML.M0024"],
    atlas_techniques=["AML.T0025"],
    eu_ai_act=["12.1", "15.5"],
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
    wanted = [rule for rule in rules if re.search(prefix_re, rule.prefix)]
    observed = {
        "logs with a prefix that matches": bool(wanted),
        "limits the rate of the log": any(rule.is_limited for rule in wanted) or not require_limit,
    }
    assert observed == {"logs with a prefix that matches": True, "limits the rate of the log": True}
