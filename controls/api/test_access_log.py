from collections import Counter
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field

from pytest_aisec import Host, Unobservable, control, not_applicable, now
from pytest_aisec.facts.logs import companions, json_entries, log_files, moment, read_log


@control(
    "AISEC-API-15",
    severity="medium",
    nist_800_53=["AC-7", "AU-6", "AU-6(1)", "SI-4"],
    nist_csf=["DE.AE-02", "DE.CM-01", "DE.CM-03"],
    nist_ai_rmf=["MEASURE 2.4"],
    nist_ai_600_1=["MS-2.7-004"],
    iso_27001=["A.8.15", "A.8.16"],
    iso_42001=["A.6.2.6"],
    cis_v8_1=["8.11", "13.1"],
    soc2=["CC7.2", "CC7.3"],
    owasp_llm=["LLM10:2025"],
    atlas_mitigations=["AML.M0024"],
    atlas_techniques=["AML.T0006", "AML.T0012", "AML.T0040"],
    eu_ai_act=["26.5"],
    remediation="Look into the clients' requests in {access_log}, block or throttle them",
)
def test_refused_api_calls_stay_under_the_threshold(
    host: Host,
    *,
    access_log: str = "/var/log/api/api_access.log",
    window_min: Annotated[int, Field(ge=1)] = 60,
    max_per_ip: Annotated[int, Field(ge=0)] = 20,
    max_total: Annotated[int, Field(ge=0)] = 200,
    codes: Annotated[list[int], Field(min_length=1)] = [401, 403],
    time_fields: list[str] = ["timestamp", "time", "ts", "@timestamp"],
) -> None:
    """401/403 responses per client stay under the threshold.

    Many refusals to one client are somebody guessing keys, or probing what a stolen one may do.
    """
    since = now() - timedelta(minutes=window_min)
    directory, name = companions(access_log)
    files = log_files(host, directory, [name], since=since)
    if files is None:
        not_applicable(f"there is no access log {access_log}", claims=["access_log"])
    refused: Counter[str] = Counter()
    traffic = 0
    for file in files:
        text, whole = read_log(host, file)
        entries = []
        for entry in json_entries(text, path=file.path, whole=whole):
            try:
                at = moment(next(entry[field] for field in time_fields if field in entry))
                entries.append((at, int(entry["status_code"]), str(entry["client_ip"])))
            except (KeyError, TypeError, ValueError, StopIteration):
                raise Unobservable(
                    "parse",
                    f"{file.path}: an entry lacks a time, status_code or client_ip, or has a malformed one",
                ) from None
        if not whole and (not entries or entries[0][0] >= since):
            raise Unobservable(
                "truncated", f"the end of {file.path} that was read covers no {window_min} minutes"
            )
        recent: list[tuple[datetime, int, str]] = [entry for entry in entries if entry[0] >= since]
        traffic += len(recent)
        refused.update(client for _, status, client in recent if status in codes)
    if not traffic:
        not_applicable(f"{access_log} has no request in the last {window_min} minutes")
    observed: dict[str, int] = {client: count for client, count in refused.items() if count > max_per_ip}
    if refused.total() > max_total:
        observed["all clients"] = refused.total()
    assert observed == {}
