import re
from datetime import timedelta
from typing import Annotated

from pydantic import Field

from pytest_aisec import Host, Unobservable, control, not_applicable, now
from pytest_aisec.facts.network.firewall import outbound_log_rules
from pytest_aisec.facts.network.kernel_log import kernel_log, not_reread


@control(
    "AISEC-NET-04",
    severity="medium",
    objectives=["limited_egress", "log_retention"],
    remediation=(
        "for f in /etc/systemd/journald.conf /etc/systemd/journald.conf.d/*.conf "
        '/run/systemd/journald.conf.d/*.conf; do test ! -f "$f" || sed -i -E '
        "'s/^[[:blank:]]*(Storage|ReadKMsg|SystemMaxUse|SystemMaxFiles|SystemKeepFree|MaxRetentionSec)"
        "[[:blank:]]*=/#&/' "
        '"$f"; done; mkdir -p /var/log/journal /etc/systemd/journald.conf.d && printf '
        "'[Journal]\\nStorage=persistent\\nReadKMsg=yes\\nMaxRetentionSec={min_days}day\\n' > "
        "/etc/systemd/journald.conf.d/zz-keep.conf && systemctl restart systemd-journald && journalctl "
        "--flush  # with rsyslog instead: imklog, a rule for kern.*, and in logrotate's block for it "
        "daily and rotate {min_days}; in a network namespace the kernel logs only with sysctl "
        "net.netfilter.nf_log_all_netns=1"
    ),
)
def test_egress_log_entries_are_written_and_retained(
    host: Host,
    *,
    min_days: Annotated[int, Field(ge=1)] = 90,
    max_silent_days: Annotated[int, Field(ge=1)] = 7,
    prefix_re: str = "^(SUSPECT_OUT|AISEC_EGRESS|EGRESS)[: ]?",
) -> None:
    """Egress log entries are written and retained.

    A rule that logs to nowhere, or for a week, leaves no trace of weights that left a month ago. A log that
    nothing was written to for max_silent_days does not show that entries are written today.
    """
    rules = [rule for rule in outbound_log_rules(host) if re.search(prefix_re, rule.prefix)]
    if not rules:
        not_applicable("no rule logs outbound packets with such a prefix (AISEC-NET-03)")
    prefixes = sorted({rule.prefix for rule in rules})
    seen = kernel_log(host, prefixes, now=now(), days=max_silent_days)
    logged = sum(rule.packets or 0 for rule in rules)
    written = seen.written_since(now() - timedelta(days=max_silent_days))
    places = seen.holding or (() if logged else seen.intended)
    longest = max((place.days for place in written or places), default=0)
    wrong = []
    if not places and seen.abandoned:
        wrong.append(f"entries lie in {', '.join(seen.abandoned)}, and nothing that runs writes them")
    elif not places:
        wrong.append(
            "the rules have logged packets, and no entry of them is found"
            if logged
            else "no entry is found, and no service keeps what the kernel logs"
        )
    elif longest < min_days:
        wrong += sorted(f"{place.name}: {place.days:g} days ({place.why})" for place in written or places)
    if seen.faults and (wrong or not seen.holding):
        raise seen.faults[0]
    if not wrong and seen.holding and not written:
        raise Unobservable(
            "stale",
            f"{', '.join(place.name for place in seen.holding)}: entries are there, and nothing was written "
            f"there in the last {max_silent_days} days",
        )
    enough = [place for place in written or places if place.days >= min_days]
    if not wrong and not any(place.name.startswith("/") for place in enough if place in written):
        old = not_reread(host, seen, enough)
        if old is not None:
            raise old
    assert wrong == []
