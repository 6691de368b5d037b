from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from testinfra.host import Host

from pytest_aisec.facts.windows import event_log, powershell, protection
from pytest_aisec.observe.backend import ObservingBackend
from pytest_aisec.observe.faults import Unobservable
from pytest_aisec.observe.transcript import Observation, Transcript


class Anything(Transcript):
    """Gives one answer to every question."""

    def __init__(self, stdout: object = "", stderr: str = "", exit_status: int = 0) -> None:
        super().__init__()
        text = stdout if isinstance(stdout, str) else json.dumps(stdout)
        self.answer = (text.encode(), stderr.encode(), exit_status)

    def get(self, command: str) -> Observation:
        stdout, stderr, exit_status = self.answer
        return Observation(
            command=command,
            exit_status=exit_status,
            stdout=stdout,
            stderr=stderr,
            started_at="2026-11-25T08:00:00.000Z",
            duration_ms=1,
        )


def host(stdout: object = "", stderr: str = "", exit_status: int = 0) -> Host:
    return Host(ObservingBackend("winrm://u@h", None, Anything(stdout, stderr, exit_status), "winrm"))


def reason(call) -> str:
    with pytest.raises(Unobservable) as caught:
        call()
    return caught.value.reason


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[]", []),
        ("null", []),
        ('{"a":1}', [{"a": 1}]),
        ('[{"a":1}]', [{"a": 1}]),
        ('{"value":[{"a":1},{"a":2}],"Count":2}', [{"a": 1}, {"a": 2}]),
    ],
)
def test_json_is_read_however_it_is_wrapped(text, expected) -> None:
    assert expected == powershell.rows(text)


@pytest.mark.parametrize("text", ["", "x", "[", "3", '"@{a=1}"', '["@{a=1}"]', "[[1]]"])
def test_what_is_no_list_of_objects_is_not_read(text) -> None:
    assert "parse" == reason(lambda: powershell.rows(text))


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(Unobservable):
        assert isinstance(powershell.rows(text), list)


@pytest.mark.parametrize(
    "value",
    [
        "/Date(1795593600000)/",
        "/Date(1795593600000+0100)/",
        "2026-11-25T08:00:00.0000000Z",
        "2026-11-25T08:00:00Z",
        "2026-11-25T09:00:00.1234567+01:00",
        {"value": "/Date(1795593600000)/", "DisplayHint": 2, "DateTime": "Mittwoch"},
    ],
)
def test_times_of_5_1_and_7(value) -> None:
    assert datetime(2026, 11, 25, 8, tzinfo=UTC) == powershell.moment(value)


@pytest.mark.parametrize("value", [None, "", "25.11.2026 08:00:00", 3, "2026-11-25T08:00:00"])
def test_a_time_without_a_zone_is_not_guessed(value) -> None:
    assert "parse" == reason(lambda: powershell.moment(value))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("[PermissionDenied CimException 0x80131500] Zugriff verweigert (HRESULT 0x80041003,X)", "privilege"),
        ("[NotSpecified UnauthorizedAccessException 0x80070005] (x)", "privilege"),
        ("[NotSpecified COMException 0x800702E4] (x)", "privilege"),
        ("[NotSpecified SecurityException 0x8013150A] (x)", "privilege"),
        ("[ObjectNotFound CimException 0x80131500] (HRESULT 0x80041010,X)", "tool_missing"),
        ("[InvalidOperation RuntimeException 0x80131501] You cannot call a method (x)", "unreadable"),
    ],
)
def test_errors_are_told_apart_by_their_codes(said, expected) -> None:
    assert expected == reason(lambda: powershell.ask(host("[]", said, 1), "x"))
    assert expected == reason(lambda: powershell.ask(host("[]", said, 0), "x")), "whatever the exit status"


def test_a_refusal_is_not_taken_for_absence() -> None:
    denied = "[PermissionDenied CimException 0x80131500] 0x8004100E (HRESULT 0x80041003,X)"
    assert "privilege" == reason(lambda: protection.antiviruses(host("", denied, 1)))


def test_registry_tells_absent_values_from_no_answer() -> None:
    rows = [{"path": "K", "name": "a", "value": None}]
    assert {("K", "a"): None} == powershell.registry(host(rows), {"K": ("a",)})
    assert "parse" == reason(lambda: powershell.registry(host(rows), {"K": ("a", "b")}))
    assert {} == powershell.registry(host([]), {"K": ("*",)})


@pytest.mark.parametrize("setting", ["Success and Failure", "success and failure", "Erfolg und Fehler"])
def test_audit_policy_is_found_by_guid(setting) -> None:
    text = (
        "\r\nMachine Name,Policy Target,Subcategory,Subcategory GUID,Inclusion Setting,Exclusion Setting\r\n"
        "WS,System,Logoff,{0CCE9216-69AE-11D9-BED3-505054503030},No Auditing,\r\n"
        f"WS,System,Logon,{event_log.LOGON},{setting},\r\n"
    )
    found = event_log.parse_audit_policy(text, event_log.LOGON)
    assert (True, True) == (found.success, found.failure)


@pytest.mark.parametrize("text", ["", "Machine Name\n", f"WS,System,Logon,{event_log.LOGON},Aciertos,\n"])
def test_audit_policy_that_is_not_understood(text) -> None:
    assert "parse" == reason(lambda: event_log.parse_audit_policy(text, event_log.LOGON))


@pytest.mark.parametrize("newest", [None, "7"])
def test_no_events_are_believed_only_where_the_log_shows_one(newest) -> None:
    rows = [{"newest": newest, "rows": []}]
    assert "stale" == reason(lambda: event_log.logons_since(host(rows), 24))


def test_an_address_is_one_however_it_is_written() -> None:
    rows = [
        {"id": 4625, "time": "2026-11-25T08:00:00Z", "source": source, "user": "Ada"}
        for source in ("::ffff:10.0.0.9", "10.0.0.9", "-", None)
    ]
    found = event_log.logon_failures(host([{"newest": 9, "rows": rows}]), 24)
    assert [("10.0.0.9", "ada")] * 2 + [("", "ada")] * 2 == [
        (item.source, item.user) for item in found.events
    ]


@pytest.mark.parametrize("number", [None, "", "4740", [], True])
def test_an_event_without_its_number_is_no_event_of_another_kind(number) -> None:
    rows = [{"id": number, "time": "2026-11-25T08:00:00Z", "source": "10.0.0.9", "user": "Ada"}]
    assert "parse" == reason(lambda: event_log.logon_failures(host([{"newest": 9, "rows": rows}]), 24))


def test_exclusions_that_are_hidden_are_not_taken_for_one() -> None:
    row = {"ExclusionPath": "N/A: Administrators are not allowed to view exclusions"}
    assert "privilege" == reason(lambda: protection.preferences(host([row])))


def test_rules_without_actions_are_not_guessed() -> None:
    row = {"AttackSurfaceReductionRules_Ids": ["a", "b"], "AttackSurfaceReductionRules_Actions": [1]}
    assert "parse" == reason(lambda: protection.preferences(host([row])))


@pytest.mark.parametrize(
    ("state", "is_on"), [(397568, True), (266240, True), (393472, False), (262144, False), (270336, False)]
)
def test_a_registered_product_is_on_or_not(state, is_on) -> None:
    rows = [{"displayName": "X", "instanceGuid": "{1}", "productState": state}]
    assert [is_on] == [item.is_on for item in protection.antiviruses(host(rows))]
