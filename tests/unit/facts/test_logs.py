from datetime import UTC, datetime, timedelta

import pytest

from pytest_aisec.facts.logs import json_entries, login_events, moment, parse_journal, parse_syslog
from pytest_aisec.observe.faults import Unobservable

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
DAY_AGO = NOW - timedelta(days=1)


def events(*lines):
    return login_events(parse_syslog("\n".join(lines), now=NOW, zone=UTC), since=DAY_AGO)


@pytest.mark.parametrize(
    ("expected", "lines"),
    [
        (
            {"203.0.113.9": 1},
            ["Dec 31 23:00:00 h sshd[1]: Failed password for root from 203.0.113.9 port 1 ssh2"],
        ),
        ({}, ["Dec 30 23:00:00 h sshd[1]: Failed password for root from 203.0.113.9 port 1 ssh2"]),
        (
            {"1.2.3.4": 5},
            [
                "2026-01-01T11:00:00+00:00 h sshd-session[1]: message repeated 5 times: [ Failed password for a from 1.2.3.4 port 1 ssh2]"
            ],
        ),
        (
            {"1.2.3.4": 1},
            [
                "Jan  1 11:00:00 h sshd[1]: Invalid user x from 1.2.3.4 port 1",
                "Jan  1 11:00:01 h sshd[1]: Failed password for invalid user x from 1.2.3.4 port 1 ssh2",
                "Jan  1 11:00:02 h sshd[1]: Connection closed by invalid user x 1.2.3.4 port 1 [preauth]",
            ],
        ),
        (
            {"1.2.3.4": 1},
            [
                "Jan  1 11:00:00 h sshd[1]: Failed password for invalid user a from 9.9.9.9 port 1 ssh2 from 1.2.3.4 port 2 ssh2"
            ],
        ),
    ],
)
def test_failures_by_source(expected, lines):
    assert expected == events(*lines).failures


def test_an_unknown_time_is_not_passed_over():
    with pytest.raises(Unobservable):
        events("yesterday h sshd[1]: Failed password for root from 1.2.3.4 port 1 ssh2")


def test_journal():
    lines = parse_journal(
        "1767265200.5 h sshd[3]: Accepted publickey for root from 1.2.3.4 port 2\n-- No entries --\n"
    )
    assert ["3"] == [line.process for line in lines]


@pytest.mark.parametrize(
    "value", ["2026-01-01T12:00:00Z", "2026-01-01T12:00:00", 1767268800, 1767268800000, "1767268800"]
)
def test_moments(value):
    assert NOW == moment(value)


@pytest.mark.parametrize("value", [None, True, "noon", []])
def test_no_moments(value):
    with pytest.raises(ValueError, match=r"."):
        moment(value)


def test_json_lines():
    assert [{"a": 1}] == json_entries('{"a": 1}\n{"b', path="x")
    with pytest.raises(Unobservable):
        json_entries('{"b\n{"a": 1}\n', path="x")
