from datetime import timedelta
from typing import Annotated

from pydantic import Field

from pytest_aisec import Host, Unobservable, control, not_applicable, now
from pytest_aisec.facts.system.logs import ssh_logins
from pytest_aisec.facts.system.sshd import is_absent


@control(
    "AISEC-LOG-02",
    severity="medium",
    needs_running=True,
    objectives=["attack_detection"],
    nist_800_53=["AU-6(1)"],
    cis_v8_1=["4.10", "6.4"],
    remediation=(
        "Block the sources, and slow guessing down with fail2ban (at most {max_per_source} failures "
        "from one source in {window_h} hours); keep sshd at LogLevel INFO or VERBOSE"
    ),
    remediation_is_words="whom to block is to be decided by who reads the attempts",
)
def test_failed_ssh_logins_stay_under_the_threshold(
    host: Host,
    *,
    window_h: Annotated[int, Field(ge=1)] = 24,
    max_per_source: Annotated[int, Field(ge=0)] = 10,
    max_total: Annotated[int, Field(ge=0)] = 100,
    fresh_min: Annotated[int, Field(ge=1)] = 60,
) -> None:
    """Failed SSH logins stay under the threshold and are detectable.

    Many failures are somebody guessing passwords; a log that nobody writes hides them. The log counts as
    alive when the SSH server wrote to it in the last minutes, as every log-in (this audit's too) makes it do.
    """
    logins = ssh_logins(host, now=now(), since=now() - timedelta(hours=window_h))
    observed: dict[str, int] = {}
    if logins is not None:
        observed = {source: count for source, count in logins.failures.items() if count > max_per_source}
        if sum(logins.failures.values()) > max_total:
            observed["all sources"] = sum(logins.failures.values())
    fresh = (
        logins is not None
        and logins.newest is not None
        and logins.newest >= now() - timedelta(minutes=fresh_min)
    )
    if not observed and not fresh:
        if is_absent(host):
            not_applicable("there is no SSH server: no program, no process and nothing on port 22")
        raise Unobservable(
            "stale", f"no log shows a line of the SSH server from the last {fresh_min} minutes"
        )
    assert observed == {}
