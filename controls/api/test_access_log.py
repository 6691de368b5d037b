import ipaddress
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Any

from pydantic import Field

from pytest_aisec import (
    Host,
    Unobservable,
    control,
    is_active,
    is_declared,
    not_applicable,
    not_reviewed,
    now,
    raise_unless,
)
from pytest_aisec.facts.core.together import ahead
from pytest_aisec.facts.model.unnamed import LISTS, other_apis
from pytest_aisec.facts.system.logs import LogFile, companions, log_files, moment, read_log
from pytest_aisec.facts.system.services import INFERENCE, services
from pytest_aisec.facts.web.access_logs import ALIASES, address_of, requests_in, value_of
from pytest_aisec.observe.redaction.redact import MARK


@control(
    "AISEC-API-15",
    severity="medium",
    objectives=["attack_detection"],
    nist_800_53=["AU-6(1)"],
    owasp_llm=["LLM10:2025"],
    atlas_techniques=["AML.T0006", "AML.T0040"],
    remediation="Look into the clients' requests in {access_log}, block or throttle them",
    remediation_is_words="whom to block is to be decided by who reads the requests",
)
def test_refused_api_calls_stay_under_the_threshold(
    host: Host,
    *,
    access_log: str = "/var/log/api/api_access.log",
    window_min: Annotated[int, Field(ge=1)] = 60,
    max_per_ip: Annotated[int, Field(ge=0)] = 20,
    max_total: Annotated[int, Field(ge=0)] = 200,
    codes: Annotated[list[int], Field(min_length=1)] = [401, 403],
    aliases: dict[str, list[str]] = ALIASES,
) -> None:
    """401/403 responses per client stay under the threshold.

    Many refusals to one client are somebody guessing keys, or probing what a stolen one may do. In a log
    without times, all entries of a file that was written to within the window count.
    """
    since = now() - timedelta(minutes=window_min)
    directory, name = companions(access_log)
    files = log_files(host, directory, [name], since=since)
    if files is None:
        not_applicable(f"there is no access log {access_log}", claims=["access_log"])
    refused: Counter[str] = Counter()
    traffic = 0
    faults: list[Unobservable] = []
    for file in files:
        text, whole = read_log(host, file)
        entries, unread = requests_in(text, file, aliases, since=since, whole=whole)
        faults += unread
        if not whole and (not entries or entries[0][0] is None or entries[0][0] >= since):
            faults.append(
                Unobservable(
                    "truncated", f"the end of {file.path} that was read covers no {window_min} minutes"
                )
            )
        recent = [(status, client) for at, status, client in entries if at is None or at >= since]
        traffic += len(recent)
        refused.update(client for status, client in recent if status in codes)
    observed: dict[str, int] = {client: count for client, count in refused.items() if count > max_per_ip}
    if refused.total() > max_total:
        observed["all clients"] = refused.total()
    raise_unless(observed, faults)
    if not traffic:
        not_applicable(f"{access_log} has no request in the last {window_min} minutes")
    assert observed == {}


_MAY_BE_EMPTY = ("principal", "model")
"""What some requests do not have; of those that were answered, at least one has to."""
_TEXTS = frozenset({*_MAY_BE_EMPTY, "method", "path", "request_id"})


@control(
    "AISEC-API-14",
    severity="high",
    objectives=["audit_logging"],
    nist_800_53=["AU-3(1)"],
    cis_v8_1=["8.7"],
    owasp_llm=["LLM10:2025"],
    atlas_techniques=["AML.T0040"],
    eu_ai_act=["12.2"],
    remediation=(
        "Have the API or the proxy before it write one JSON object per request to {access_log}, with "
        "{required_fields}; status_code as a number, no credential anywhere. nginx: log_format with "
        "escape=json"
    ),
    remediation_is_words=(
        "it is the configuration of a server before the API, which nobody can write without knowing "
        "what it serves"
    ),
)
def test_the_model_api_writes_json_access_logs(
    host: Host,
    *,
    access_log: str = "/var/log/api/api_access.log",
    sample: Annotated[int, Field(ge=1)] = 2000,
    min_ratio: Annotated[float, Field(gt=0, le=1)] = 0.99,
    required_fields: Annotated[list[str], Field(min_length=1)] = [
        "timestamp",
        "client_ip",
        "method",
        "path",
        "status_code",
        "principal",
        "request_id",
        "model",
    ],
    aliases: dict[str, list[str]] = ALIASES,
    max_age_min: Annotated[int, Field(ge=1)] = 1440,
) -> None:
    """The model API writes JSON access logs with the audit fields.

    Without them nobody sees who probed, extracted or abused the model, and nobody can prove it later. The
    last lines of the log and of its rotated predecessors are judged.
    """
    since = now() - timedelta(minutes=max_age_min)
    directory, name = companions(access_log)
    ahead(partial(log_files, host, directory, [name], since=since), partial(services, host))
    files = log_files(host, directory, [name], since=since)
    if files is None:
        known = services(host)
        serving = sorted({one.kind for one in known.of(*INFERENCE)})
        others = (
            {} if serving or is_declared("access_log") else other_apis(host, ask=is_active(), known=known)
        )
        if others and not is_active():
            not_reviewed(
                f"there is no {access_log}; --aisec-active asks whether these serve a model: {others}"
            )
        serving += [f"an API at {url}" for url, what in others.items() if what == LISTS]
        if others and not serving:
            not_reviewed(f"there is no {access_log}; declare it where these serve a model: {others}")
        missing = {access_log: f"absent, though {', '.join(serving)} runs"} if serving else {}
        if not missing:
            not_applicable(f"there is no {access_log} and no known model server", claims=["access_log"])
        assert missing == {}
    lines = _last_lines(host, list(files or []), sample)
    if not lines:
        raise Unobservable("stale", f"{access_log} has no entry of the last {max_age_min} minutes")
    observed, newest = _weaknesses(lines, required_fields, aliases, tolerated=(1 - min_ratio) * len(lines))
    if not observed and newest is not None and newest < since:
        raise Unobservable("stale", f"the newest entry of {access_log} is of {newest:%Y-%m-%d %H:%M} UTC")
    assert observed == {}


def _weaknesses(
    lines: list[str], fields: list[str], aliases: Mapping[str, list[str]], *, tolerated: float
) -> tuple[dict[str, str], datetime | None]:
    """Return what is wrong with more lines than tolerated, and when the newest was written."""
    wrong: Counter[str] = Counter()
    filled: Counter[str] = Counter()
    times: list[datetime] = []
    answered = 0
    leaking = sum(bool(MARK.search(line)) for line in lines)
    for entry in map(_object, lines):
        if entry is None:
            wrong["not a JSON object"] += 1
            continue
        values = {field: value_of(entry, field, aliases) for field in fields}
        wrong.update(_flaws(values))
        with suppress(ValueError):
            times.append(moment(values.get("timestamp")))
        if values.get("status_code") in range(200, 300):
            answered += 1
            filled.update(field for field in _MAY_BE_EMPTY if _is_said(values.get(field)))
    observed = {
        flaw: f"{count} of {len(lines)} lines" for flaw, count in sorted(wrong.items()) if count > tolerated
    }
    if leaking:
        observed["holds a credential"] = f"{leaking} of {len(lines)} lines"
    for field in _MAY_BE_EMPTY:
        if answered and field in fields and not filled[field] and f"no {field}" not in observed:
            observed[f"{field} is empty"] = f"all {answered} answered requests"
    return observed, max(times, default=None)


def _last_lines(host: Host, files: list[LogFile], sample: int) -> list[str]:
    """Return the last lines, the newest file's first, without one that is still being written."""
    lines: list[str] = []
    ahead(*(partial(read_log, host, file) for file in files[-2:]))
    for file in reversed(files):
        text, whole = read_log(host, file)
        found = text.split("\n")
        if not whole:
            found = found[1:]
        if found and _object(found[-1]) is None:
            found = found[:-1]
        lines += [line for line in found if line.strip()][-(sample - len(lines)) :]
        if len(lines) >= sample:
            break
    return lines


def _object(line: str) -> Mapping[str, Any] | None:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None


def _is_empty(value: object) -> bool:
    return value is None or (isinstance(value, str) and value.strip() in {"", "-"})


def _is_said(value: object) -> bool:
    """Tell whether a value names something: a text, a number, or an object with one of these in it."""
    if isinstance(value, dict):
        return any(map(_is_said, value.values()))
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return is_number or (isinstance(value, str) and not _is_empty(value))


def _flaws(values: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the fields of one line; `...` stands for a field that is not there."""
    for field, value in values.items():
        if value is ...:
            yield f"no {field}"
        elif _is_empty(value):
            if field not in _MAY_BE_EMPTY:
                yield f"{field} is empty"
        elif field in _TEXTS and not _is_said(value):
            yield f"{field} is no text"
        elif field in _READABLE:
            flaw, read = _READABLE[field]
            try:
                read(value)
            except ValueError:
                yield flaw


def _status(value: object) -> None:
    if type(value) is not int or not 100 <= value <= 599:
        raise ValueError(f"not a status: {value!r}")


_READABLE: Mapping[str, tuple[str, Callable[[Any], object]]] = {
    "status_code": ("status_code is not a number from 100 to 599", _status),
    "client_ip": ("client_ip is not an address", lambda value: ipaddress.ip_address(address_of(value))),
    "timestamp": ("timestamp is not a time", moment),
}
