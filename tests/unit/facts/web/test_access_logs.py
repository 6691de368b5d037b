"""Requests in access logs of several servers: who, when, and with what status."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from pytest_aisec.facts.system.logs import LogFile
from pytest_aisec.facts.web.access_logs import ALIASES, requests_in
from pytest_aisec.observe.faults import Unobservable

NOW = datetime(2026, 5, 4, 12, 0, 30, tzinfo=UTC)
SINCE = NOW - timedelta(hours=1)


def requests(*entries, written=NOW):
    lines = "".join(f"{one if isinstance(one, str) else json.dumps(one)}\n" for one in entries)
    file = LogFile(path="/a.log", size=len(lines), changed=written)
    return requests_in(lines, file, ALIASES, since=SINCE, whole=True)


def client(value, **more):
    ((_, _, found),), unread = requests({"ts": NOW.timestamp(), "status": 401, "client_ip": value, **more})
    assert not unread
    return found


@pytest.mark.parametrize(
    ("expected", "value"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1", "192.0.2.1:50123"),
        ("192.0.2.1", "::ffff:192.0.2.1"),
        ("192.0.2.1", "[::ffff:192.0.2.1]:443"),
        ("2001:db8::1", "[2001:db8::1]:50123"),
        ("2001:db8::1", "[2001:db8::1]"),
        ("2001:db8::1", "2001:DB8:0::1"),
        ("unix:", "unix:"),
        ("proxy.example:80", "proxy.example:80"),
    ],
)
def test_a_client_is_one_whatever_port_it_comes_from(expected, value):
    assert expected == client(value)


@pytest.mark.parametrize("value", ["", "-", None, 7, ["192.0.2.1"]])
def test_no_client_is_no_request(value):
    _, (fault,) = requests({"ts": 1, "status": 401, "client_ip": value})
    assert "lacks status_code or client_ip" in fault.detail


def test_a_name_that_is_filled_goes_before_one_that_is_not():
    assert client("-", remote_addr="192.0.2.7") == "192.0.2.7"


def test_caddy_has_the_client_in_the_request():
    entry = {
        "level": "info",
        "ts": NOW.timestamp(),
        "request": {"remote_ip": "192.0.2.9", "client_ip": "192.0.2.1", "method": "GET", "uri": "/v1/models"},
        "status": 401,
    }
    assert ([(NOW, 401, "192.0.2.1")], []) == requests(entry)


@pytest.mark.parametrize("hours", [-11, -5, 0, 5.5, 14])
def test_a_time_without_offset_may_be_the_hosts(hours):
    local = NOW.replace(tzinfo=None) + timedelta(hours=hours)
    entries = [
        {
            "timestamp": (local - timedelta(minutes=ago)).isoformat(" "),
            "status": 401,
            "client_ip": "192.0.2.1",
        }
        for ago in (90, 30, 0)
    ]
    found, unread = requests(*entries)
    assert [90, 30, 0] == [round((NOW - at) / timedelta(minutes=1)) for at, _, _ in found]
    assert unread == []


def test_a_time_with_offset_is_what_it_says_however_late_the_file_was_written():
    old = (NOW - timedelta(hours=5)).isoformat()
    ((at, _, _),), _ = requests({"timestamp": old, "status": 401, "client_ip": "192.0.2.1"})
    assert at == NOW - timedelta(hours=5)


def test_a_file_that_was_written_days_later_moves_nothing():
    naive = {"timestamp": "2026-05-02T12:00:00", "status": 401, "client_ip": "192.0.2.1"}
    ((at, _, _),), _ = requests(naive)
    assert at == datetime(2026, 5, 2, 12, tzinfo=UTC)


def test_broken_lines_count_from_the_last_request_before_the_window_on():
    old = {"ts": (SINCE - timedelta(hours=1)).timestamp(), "status": 401, "client_ip": "192.0.2.1"}
    new = old | {"ts": NOW.timestamp()}
    assert [] == requests("oops", old, new)[1]
    _, (fault,) = requests("oops", old, "oops", new)
    assert isinstance(fault, Unobservable)
