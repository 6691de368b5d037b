"""Answers of PowerShell about a Windows host, whichever of 5.1 and 7 it is.

The shapes of its answers are Microsoft's documented ones. No real Windows was asked while this was written:
the lab plays such answers over real WinRM.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pytest_aisec.facts.core.formats import is_number, reads
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["System", "ask", "ask_unless", "items", "moment", "only", "registry", "rows", "run", "system"]

_STRICT = "$ErrorActionPreference='Stop';"
_DENIED = re.compile(
    r"\[PermissionDenied |UnauthorizedAccess|SecurityException|0x80070005|0x80041003|0x800702E4|0x80070522"
    r"|0x00000522|0x00000005|\bAccess (is )?denied|unauthorized operation|requires elevation"
    r"|[Aa]dministrator|[Pp]rivilege",
)
"""Codes first: messages are in the language of the host."""
_LACKING = re.compile(r"0x80041010|0x8004100E|0x80040154|0x80070424")
"""Unknown class, unknown namespace, class not registered, service not installed."""
_DATE = re.compile(r"/Date\((-?\d+)(?:[+-]\d{4})?\)/")
_ISO = re.compile(r"(?P<whole>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(?P<zone>Z|[+-]\d\d:\d\d)")


def run(host: Host, script: str, *args: str) -> str:
    """Return what `script` printed; its first error ends it.

    Args:
        host: a Windows host.
        script: PowerShell.
        args: for each `%s`.

    Raises:
        Unobservable: `privilege`, `tool_missing` or `unreadable` when the script failed.

    """
    result = host.run(_STRICT + script, *args)
    said = " ".join(result.stderr.split())[:400]
    if result.rc == 0 and not said:
        return str(result.stdout)
    detail = said or " ".join(result.stdout.split())[:400] or f"exit status {result.rc}"
    if _DENIED.search(detail):
        raise Unobservable("privilege", detail)
    raise Unobservable("tool_missing" if _LACKING.search(detail) else "unreadable", detail)


def ask(host: Host, script: str, *args: str) -> list[dict[str, Any]]:
    """Return the objects that `script` printed as JSON; see `run`.

    Raises:
        Unobservable: as `run`, or `parse` when it printed something else.

    """
    return rows(run(host, script, *args))


def ask_unless(absent: str, host: Host, script: str, *args: str) -> list[dict[str, Any]] | None:
    """Return what `ask` does; `None` where the error matches `absent`: what was asked for is not there."""
    try:
        return ask(host, script, *args)
    except Unobservable as fault:
        if fault.reason in {"unreadable", "tool_missing"} and re.search(absent, fault.detail):
            return None
        raise


@reads
def rows(text: str) -> list[dict[str, Any]]:
    """Return the objects of an answer, however `ConvertTo-Json` has wrapped them.

    A single object may come without a list around it, and 5.1 may wrap a list in
    `{"value": […], "Count": n}`.

    Raises:
        Unobservable: `parse`.

    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unobservable("parse", f"not JSON: {error}: {text[:80]!r}") from None
    found = items(data)
    if not all(isinstance(item, dict) for item in found):
        raise Unobservable("parse", f"not a list of objects: {text[:80]!r}")
    return found


def only(found: list[dict[str, Any]], what: str) -> dict[str, Any]:
    """Return the one object of an answer about `what`; raise `Unobservable` (parse) where it is not one."""
    if len(found) != 1:
        raise Unobservable("parse", f"{len(found)} answers about {what}")
    return found[0]


@reads
def items(value: object) -> list[Any]:
    """Return the items of a list of an answer: none, one without a list around it, or several."""
    if value is None:
        return []
    if isinstance(value, dict) and set(value) == {"value", "Count"}:
        value = value["value"]
    return list(value) if isinstance(value, list) else [value]


@reads
def moment(value: object) -> datetime:
    """Return the time, UTC, of a date in JSON: ISO 8601, or `/Date(…)/` of 5.1.

    Raises:
        Unobservable: `parse`.

    """
    if isinstance(value, dict):  # 5.1 wraps a date that carries a display hint
        value = value.get("value", value.get("DateTime"))
    if isinstance(value, str) and (old := _DATE.fullmatch(value)):
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(old[1]))
    if isinstance(value, str) and (iso := _ISO.fullmatch(value)):
        return datetime.fromisoformat(iso["whole"] + iso["zone"].replace("Z", "+00:00")).astimezone(UTC)
    raise Unobservable("parse", f"not a time: {value!r}")


@dataclass(frozen=True, kw_only=True)
class System:
    """Edition and version of Windows that a host runs."""

    product: str
    edition: str
    installation: str
    """`Client`, `Server` or `Server Core`."""
    build: int


def system(host: Host) -> System:
    """Return which Windows the host runs.

    Raises:
        Unobservable: when the registry cannot be read, or names no build.

    """
    key = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion"
    found = registry(host, {key: ("ProductName", "EditionID", "InstallationType", "CurrentBuild")})
    build = str(found[key, "CurrentBuild"] or "")
    if not is_number(build):
        raise Unobservable("parse", f"CurrentBuild is {build!r}")
    return System(
        product=str(found[key, "ProductName"] or ""),
        edition=str(found[key, "EditionID"] or ""),
        installation=str(found[key, "InstallationType"] or ""),
        build=int(build),
    )


def registry(host: Host, wanted: Mapping[str, Sequence[str]]) -> dict[tuple[str, str], Any]:
    """Return values below `HKEY_LOCAL_MACHINE`.

    Args:
        host: a Windows host.
        wanted: key → names of values; `*` for all that the key has.

    Returns:
        (key, name) → number, text or list of texts, `None` where key or value is absent. An error, not
        `None`, where the key may not be read: `OpenSubKey` tells the two apart.

    """
    pairs = [f"{key}|{name}" for key, names in wanted.items() for name in names]
    places = ",".join(["%s"] * len(pairs))
    answer = ask(
        host,
        "$found=foreach($item in @(" + places + ")){"
        "$path,$name=$item -split '[|]',2;"
        "$key=[Microsoft.Win32.Registry]::LocalMachine.OpenSubKey($path);"
        "$names=@($name);if($name -eq '*'){$names=@();if($key){$names=@($key.GetValueNames())}};"
        "foreach($each in $names){$value=$null;if($key){$value=$key.GetValue($each)};"
        "New-Object psobject -Property @{path=$path;name=$each;value=$value}};"
        "if($key){$key.Close()}};"
        "ConvertTo-Json -Compress -Depth 3 -InputObject @($found)",
        *pairs,
    )
    values = {(str(row.get("path")), str(row.get("name"))): row.get("value") for row in answer}
    missing = [pair for pair in pairs if not pair.endswith("|*") and tuple(pair.split("|", 1)) not in values]
    if missing:
        raise Unobservable("parse", f"no answer for {missing[0]}")
    return values
