"""The Security log of a Windows host and what is written to it."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pytest_aisec.facts.core.formats import reads
from pytest_aisec.facts.windows.powershell import ask, items, moment, only, registry, run
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = [
    "LOGON",
    "PROCESS_CREATION",
    "Audited",
    "Failures",
    "LogonFailure",
    "SecurityLog",
    "audited",
    "forwards_events",
    "lockout_threshold",
    "logon_failures",
    "logons_since",
    "parse_audit_policy",
    "security_log",
]

LOGON = "{0CCE9215-69AE-11D9-BED3-505054503030}"
"""Audit subcategory "Logon", in every language."""
PROCESS_CREATION = "{0CCE922B-69AE-11D9-BED3-505054503030}"
"""Audit subcategory "Process Creation"."""
_MOST_FAILURES = 2000
_SETTINGS = {
    # auditpol speaks the language of the host; what is not known here is not guessed.
    **dict.fromkeys(("success and failure", "erfolg und fehler"), (True, True)),
    **dict.fromkeys(("success", "erfolg"), (True, False)),
    **dict.fromkeys(("failure", "fehler"), (False, True)),
    **dict.fromkeys(("no auditing", "keine überwachung"), (False, False)),
}


@dataclass(frozen=True, kw_only=True)
class Audited:
    """A subcategory of events, and whether it is written to the Security log."""

    success: bool
    failure: bool


def audited(host: Host, subcategory: str) -> Audited:
    """Return what the audit policy in force says about `subcategory`.

    Args:
        host: a Windows host.
        subcategory: its GUID in braces.

    Raises:
        Unobservable: `privilege` without the right to see the policy, `parse` in a language not known.

    """
    return parse_audit_policy(run(host, "auditpol /get %s /r", f"/subcategory:{subcategory}"), subcategory)


@reads
def parse_audit_policy(text: str, subcategory: str) -> Audited:
    """Return what `auditpol /get … /r` says about `subcategory`, found by its GUID, not by its name.

    Raises:
        Unobservable: `parse`.

    """
    try:
        rows = list(csv.reader(io.StringIO(text.replace("\x00", ""))))
    except csv.Error as error:
        raise Unobservable("parse", f"auditpol printed no table: {error}") from None
    for row in rows:
        if len(row) < 5 or row[3].strip().upper() != subcategory.upper():
            continue
        setting = row[4].strip()
        if setting.lower() not in _SETTINGS:
            raise Unobservable("parse", f"auditpol says {setting!r}, in a language that is not known here")
        success, failure = _SETTINGS[setting.lower()]
        return Audited(success=success, failure=failure)
    raise Unobservable("parse", f"auditpol says nothing about {subcategory}")


@dataclass(frozen=True, kw_only=True)
class SecurityLog:
    """Settings by which the Security log is kept."""

    is_enabled: bool
    maximum: int
    """Bytes."""
    mode: str
    """`Circular`, `AutoBackup`, or `Retain`: when full, nothing more is written."""
    oldest: datetime
    """Time of the oldest event, UTC."""
    newest: datetime
    """Likewise of the newest."""
    asked_at: datetime
    """By the host's clock, UTC."""


def security_log(host: Host) -> SecurityLog:
    """Return how the Security log is kept, and how far back it reaches.

    Raises:
        Unobservable: when it may not be read, or holds no event.

    """
    found = ask(
        host,
        "$log=Get-WinEvent -ListLog Security;"
        "$oldest=Get-WinEvent -LogName Security -Oldest -MaxEvents 1;"
        "$newest=Get-WinEvent -LogName Security -MaxEvents 1;"
        "$answer=New-Object psobject -Property @{enabled=[bool]$log.IsEnabled;"
        "maximum=[long]$log.MaximumSizeInBytes;mode=[string]$log.LogMode;"
        "oldest=$oldest.TimeCreated.ToUniversalTime().ToString('o');"
        "newest=$newest.TimeCreated.ToUniversalTime().ToString('o');"
        "now=[DateTime]::UtcNow.ToString('o')};"
        "ConvertTo-Json -Compress -InputObject @($answer)",
    )
    row = only(found, "the Security log")
    if not isinstance(row.get("maximum"), int) or not isinstance(row.get("enabled"), bool):
        raise Unobservable("parse", f"the Security log is described as {row}")
    return SecurityLog(
        is_enabled=row["enabled"],
        maximum=row["maximum"],
        mode=str(row.get("mode")),
        oldest=moment(row.get("oldest")),
        newest=moment(row.get("newest")),
        asked_at=moment(row.get("now")),
    )


def logons_since(host: Host, hours: int) -> datetime | None:
    """Return the time of the newest successful log-on in the last hours, UTC; `None` where there was none.

    None is believed only because the same question shows an event of the log: without the right to read it,
    Windows says "no events", too.
    """
    found = _events(
        host,
        f"*[System[EventID=4624 and TimeCreated[timediff(@SystemTime)<={hours * 3_600_000}]]]",
        1,
    )
    return moment(found[0].get("time")) if found else None


@dataclass(frozen=True, kw_only=True)
class LogonFailure:
    """One refused log-on (event 4625) or locked account (4740)."""

    event: int
    time: datetime
    source: str
    """Address, empty where Windows names none."""
    user: str


@dataclass(frozen=True, kw_only=True)
class Failures:
    """The refused log-ons of a window of time."""

    events: tuple[LogonFailure, ...]
    is_cut: bool
    """There are more than were read."""


def logon_failures(host: Host, hours: int) -> Failures:
    """Return the refused log-ons and locked accounts of the last hours, the newest first."""
    found = _events(
        host,
        "*[System[(EventID=4625 or EventID=4740) and "
        f"TimeCreated[timediff(@SystemTime)<={hours * 3_600_000}]]]",
        _MOST_FAILURES,
    )
    return Failures(
        events=tuple(
            LogonFailure(
                event=row["id"],
                time=moment(row.get("time")),
                source=_named(row.get("source")),
                user=_named(row.get("user")),
            )
            for row in found
        ),
        is_cut=len(found) >= _MOST_FAILURES,
    )


def _named(value: object) -> str:
    text = str(value or "").strip()
    return "" if text == "-" else text.removeprefix("::ffff:").lower()


def _events(host: Host, query: str, most: int) -> list[dict[str, Any]]:
    found = ask(
        host,
        "$newest=Get-WinEvent -LogName Security -MaxEvents 1;"
        "$events=@();try{$events=@(Get-WinEvent -LogName Security -FilterXPath %s -MaxEvents %s)}"
        "catch{if($_.FullyQualifiedErrorId -notlike 'NoMatchingEventsFound*'){throw}};"
        "$rows=@(foreach($one in $events){$data=@{};"
        "foreach($node in ([xml]$one.ToXml()).GetElementsByTagName('Data'))"
        "{$data[$node.GetAttribute('Name')]=$node.InnerText};"
        "New-Object psobject -Property @{id=$one.Id;time=$one.TimeCreated.ToUniversalTime().ToString('o');"
        "source=$data['IpAddress'];user=$data['TargetUserName']}});"
        "$answer=New-Object psobject -Property @{newest=[long]$newest.RecordId;rows=$rows};"
        "ConvertTo-Json -Compress -Depth 4 -InputObject @($answer)",
        query,
        str(most),
    )
    row = only(found, "events")
    if not isinstance(row.get("newest"), int):
        raise Unobservable("stale", "the Security log shows no event at all")
    listed = items(row.get("rows"))
    if not all(isinstance(item, dict) and type(item.get("id")) is int for item in listed):
        raise Unobservable("parse", "events are not shown as objects with their numbers")
    return listed


def lockout_threshold(host: Host) -> int:
    """Return after how many refused log-ons a local account is locked; 0 for never.

    Raises:
        Unobservable: when the host does not say.

    """
    found = ask(
        host,
        "$computer=[ADSI]('WinNT://'+$env:COMPUTERNAME+',computer');"
        "$answer=New-Object psobject -Property @{threshold=$computer.MaxBadPasswordsAllowed.Value};"
        "ConvertTo-Json -Compress -InputObject @($answer)",
    )
    value = only(found, "the lockout policy").get("threshold")
    if not isinstance(value, int):
        raise Unobservable("parse", f"the lockout threshold is {value!r}")
    return value


def forwards_events(host: Host) -> bool:
    """Tell whether a policy names a server that events are forwarded to."""
    key = r"SOFTWARE\Policies\Microsoft\Windows\EventLog\EventForwarding\SubscriptionManager"
    values = registry(host, {key: ("*",)})
    return any(re.match(r"\s*Server=\S", str(value), re.IGNORECASE) for value in values.values())
