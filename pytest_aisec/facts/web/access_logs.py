"""Requests in access logs of JSON, whatever server wrote them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from pytest_aisec.facts.system.logs import LogFile, json_entries, moment
from pytest_aisec.observe.faults import Unobservable

__all__ = ["ALIASES", "NOTHING", "Request", "address_of", "requests_in", "value_of"]

ALIASES: dict[str, list[str]] = {
    "timestamp": ["time", "ts", "@timestamp", "time_iso8601", "time_local", "start_time", "StartUTC"],
    "client_ip": ["request.client_ip", "request.remote_ip", "remote_addr", "remote_ip", "ClientHost"],
    "status_code": ["status", "response_code", "DownstreamStatus"],
    "method": ["request.method", "request_method", "RequestMethod"],
    "path": ["request.uri", "request_uri", "uri", "RequestPath"],
}
"""Names that nginx, Caddy, Traefik, Envoy and loggers of Python use; behind a dot what lies in an object."""

NOTHING = (None, "", "-")
"""What stands for a value that is not there."""
_MOST_QUARTERS = 14 * 4
"""No place on earth is farther from UTC."""
Request = tuple[datetime | None, int, str]
"""Time, status and client."""


def requests_in(
    text: str, file: LogFile, aliases: Mapping[str, list[str]], *, since: datetime, whole: bool
) -> tuple[list[Request], list[Unobservable]]:
    """Return each request, and why lines since then are none.

    Times without an offset may be the host's own: the newest is of when the file was last written to.
    """
    read: list[Request | Unobservable] = []
    local: list[int] = []
    for entry in json_entries(text, path=file.path, whole=whole):
        if isinstance(entry, Unobservable):
            read.append(entry)
            continue
        time, status, client = (
            value_of(entry, field, aliases) for field in ("timestamp", "status_code", "client_ip")
        )
        try:
            request = None if time is ... else moment(time), int(status), address_of(client)
        except (TypeError, ValueError, OverflowError):
            lacks = "an entry lacks status_code or client_ip, or has a malformed time or status"
            read.append(Unobservable("parse", f"{file.path}: {lacks}"))
            continue
        if _is_local(time):
            local.append(len(read))
        read.append(request)
    _shift(read, local, file.changed)
    older = [
        number
        for number, one in enumerate(read)
        if isinstance(one, tuple) and one[0] is not None and one[0] < since
    ]
    unread = [one for one in read[max(older, default=0) :] if isinstance(one, Unobservable)]
    return [one for one in read if isinstance(one, tuple)], unread


def _shift(read: list[Request | Unobservable], local: list[int], written: datetime) -> None:
    """Move requests at the places `local` by quarters of an hour, so that the newest is of `written`."""
    times = {number: one[0] for number in local if isinstance(one := read[number], tuple) and one[0]}
    if not times:
        return
    quarters = round((written - max(times.values())) / timedelta(minutes=15))
    if abs(quarters) > _MOST_QUARTERS:
        return
    for number, at in times.items():
        one = read[number]
        if isinstance(one, tuple):
            read[number] = (at + quarters * timedelta(minutes=15), *one[1:])


def _is_local(time: object) -> bool:
    """Tell whether a time is a date that does not say of which zone it is."""
    if not isinstance(time, str):
        return False
    with suppress(ValueError):
        return datetime.fromisoformat(time[:100]).tzinfo is None
    return False


def address_of(client: object) -> str:
    """Return the address in what a log has for a client: some write its port, too.

    Raises:
        ValueError: where there is no client.

    """
    if not isinstance(client, str) or client in NOTHING:
        raise ValueError(f"no client: {client!r}")
    text = client.strip()
    match = re.fullmatch(r"\[(?P<six>[^\]]*)\](?::\d+)?|(?P<four>[\d.]+):\d+", text)
    bare = (match["six"] or match["four"] or text) if match else text
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        return text
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def value_of(entry: Mapping[str, Any], field: str, aliases: Mapping[str, list[str]]) -> Any:
    """Return a field of an entry by any of its names, one that is filled first; `...` where it has none."""
    found = [_lying(entry, name) for name in [field, *aliases.get(field, [])]]
    there = [value for value in found if value is not ...]
    filled = [value for value in there if isinstance(value, list | dict) or value not in NOTHING]
    return next(iter([*filled, *there]), ...)


def _lying(entry: Mapping[str, Any], name: str) -> Any:
    """Return what an entry has of this name, or in an object of the name before a dot."""
    outer, dot, inner = name.partition(".")
    if name in entry or not dot:
        return entry.get(name, ...)
    within = entry.get(outer)
    return within.get(inner, ...) if isinstance(within, dict) else ...
