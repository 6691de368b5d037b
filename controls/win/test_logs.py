from collections import Counter
from datetime import timedelta
from typing import Annotated

from pydantic import Field

from pytest_aisec import Host, Unobservable, control, together
from pytest_aisec.facts.windows.event_log import (
    LOGON,
    PROCESS_CREATION,
    audited,
    forwards_events,
    lockout_threshold,
    logon_failures,
    logons_since,
    security_log,
)
from pytest_aisec.facts.windows.powershell import registry

_COMMAND_LINE = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System\Audit"
_SCRIPTS = r"SOFTWARE\Policies\Microsoft\Windows\PowerShell\ScriptBlockLogging"
_REFUSED = 4625
_HIGHEST_THRESHOLD = 10
_FRESH = 60
"""Minutes in which a log that is alive has an event: the audit's own log-on is one."""


@control(
    "AISEC-WIN-02",
    severity="high",
    platforms=("windows",),
    objectives=["secure_configuration", "audit_logging"],
    nist_800_53=["AC-7", "CM-7"],
    iso_27001=["A.8.1", "A.8.16"],
    soc2=["CC6.8"],
    atlas_techniques=["AML.T0112"],
    remediation=(
        'auditpol /set /subcategory:"{0CCE9215-69AE-11D9-BED3-505054503030}" /success:enable '
        "/failure:enable (or the same by Group Policy); see what arrives with Get-WinEvent "
        "-FilterHashtable @{LogName='Security';Id=4624,4625} -MaxEvents 20"
    ),
    remediation_is_words="the usual way is a policy of the domain, which overrides what is set on the host",
)
def test_logons_are_audited(host: Host, *, window_h: Annotated[int, Field(ge=1, le=8760)] = 24) -> None:
    """Logon success and failure are audited and events arrive.

    Without them nobody can say who used the machine, or that somebody guessed passwords. The audit's own
    log-on is an event of the last minutes, so a log without any is not being written.
    """
    newest, policy = together(lambda: logons_since(host, window_h), lambda: audited(host, LOGON))
    observed = {
        "success audited": policy.success,
        "failure audited": policy.failure,
        f"a log-on (4624) in the last {window_h} hours": newest is not None,
    }
    assert observed == dict.fromkeys(observed, True)


@control(
    "AISEC-WIN-03",
    severity="medium",
    platforms=("windows",),
    objectives=["attack_detection"],
    cis_v8_1=["4.10"],
    remediation="Block the sources in the firewall; net accounts /lockoutthreshold:10",
    remediation_is_words="whom to block is to be decided by who reads the attempts",
)
def test_failed_logons_stay_under_the_threshold(
    host: Host,
    *,
    window_h: Annotated[int, Field(ge=1, le=8760)] = 24,
    max_per_source: Annotated[int, Field(ge=0)] = 10,
) -> None:
    """Failed logons stay under the threshold.

    Many failures are somebody guessing passwords, of one account or of many. That there was none is believed
    only where failures are audited, the log is being written and it reaches back over the whole window.
    """
    (log, policy), (failures, threshold) = together(
        lambda: together(lambda: security_log(host), lambda: audited(host, LOGON)),
        lambda: together(lambda: logon_failures(host, window_h), lambda: lockout_threshold(host)),
    )
    counts: Counter[str] = Counter()
    for event in failures.events:
        if event.event != _REFUSED:
            continue
        counts[f"from {event.source}"] += bool(event.source)
        counts[f"as {event.user}"] += bool(event.user)
        counts["from and as nobody named"] += not (event.source or event.user)
    observed: dict[str, int] = {
        name: count for name, count in sorted(counts.items()) if count > max_per_source
    }
    if not 1 <= threshold <= _HIGHEST_THRESHOLD:
        observed[f"failures that lock an account (1 to {_HIGHEST_THRESHOLD}; 0 is never)"] = threshold
    if not observed:
        if failures.is_cut:
            raise Unobservable("truncated", f"more than {len(failures.events)} refused log-ons")
        if not policy.failure:
            raise Unobservable("stale", "refused log-ons are not audited, so the log shows none")
        if not log.is_enabled or log.newest < log.asked_at - timedelta(minutes=_FRESH):
            raise Unobservable(
                "stale", f"nothing was written to the log since {log.newest:%Y-%m-%d %H:%M} UTC"
            )
        if log.oldest > log.asked_at - timedelta(hours=window_h):
            raise Unobservable("stale", f"the log reaches back to {log.oldest:%Y-%m-%d %H:%M} UTC only")
    assert observed == {}


@control(
    "AISEC-WIN-04",
    severity="medium",
    platforms=("windows",),
    objectives=["audit_logging", "log_retention"],
    cis_v8_1=["8.8", "8.9"],
    remediation=(
        "wevtutil set-log Security /maxsize:BYTES /retention:false ({min_mb} MB; or forward the "
        'events); auditpol /set /subcategory:"{0CCE922B-69AE-11D9-BED3-505054503030}" /success:enable; '
        "with New-Item -Force and Set-ItemProperty -Type DWord: "
        "HKLM:\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Policies\\System\\Audit "
        "ProcessCreationIncludeCmdLine_Enabled 1, "
        "HKLM:\\SOFTWARE\\Policies\\Microsoft\\Windows\\PowerShell\\ScriptBlockLogging "
        "EnableScriptBlockLogging 1"
    ),
    remediation_is_words="it is set by policy, in the firmware or with a restart",
)
def test_the_security_log_is_sufficient(host: Host, *, min_mb: Annotated[int, Field(ge=1)] = 1024) -> None:
    """Security log size, retention and command-line auditing are sufficient.

    A small log is written over within hours, and one without command lines does not show what was run.
    """
    wanted = {
        _COMMAND_LINE: ("ProcessCreationIncludeCmdLine_Enabled",),
        _SCRIPTS: ("EnableScriptBlockLogging",),
    }
    (log, settings), (processes, forwarded) = together(
        lambda: together(lambda: security_log(host), lambda: registry(host, wanted)),
        lambda: together(lambda: audited(host, PROCESS_CREATION), lambda: forwards_events(host)),
    )
    observed = {
        "the log is written": log.is_enabled and log.mode != "Retain",
        f"{min_mb} MB, or forwarded": log.maximum >= min_mb * 1024 * 1024 or forwarded,
        "process creation audited": processes.success,
        "command lines in it": settings[_COMMAND_LINE, "ProcessCreationIncludeCmdLine_Enabled"] == 1,
        "PowerShell script blocks logged": settings[_SCRIPTS, "EnableScriptBlockLogging"] == 1,
    }
    assert observed == dict.fromkeys(observed, True)
