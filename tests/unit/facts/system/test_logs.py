from datetime import UTC, datetime, timedelta

import pytest

from pytest_aisec.facts.system.logs import json_entries, moment, ssh_logins
from pytest_aisec.observe.faults import Unobservable

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        "2026-01-01T12:00:00Z",
        "2026-01-01T12:00:00",
        "01/Jan/2026:13:00:00 +0100",
        1767268800,
        1767268800000,
        "1767268800",
    ],
)
def test_moments(value):
    assert NOW == moment(value)


@pytest.mark.parametrize("value", [None, True, "noon", [], "01/Foo/2026:13:00:00 +0100", "01/Jan/2026:x"])
def test_no_moments(value):
    with pytest.raises(ValueError, match=r"."):
        moment(value)


def test_json_lines():
    assert [{"a": 1}] == json_entries('{"a": 1}\n{"b', path="x")
    broken, number, whole = json_entries('{"b\n7\n{"a": 1}\n', path="x")
    assert {"a": 1} == whole
    for fault, line in ((broken, 1), (number, 2)):
        assert isinstance(fault, Unobservable)
        assert f"x: line {line} is not" in fault.detail


AT = (NOW - timedelta(minutes=5)).timestamp()
SAID = f"{AT:.6f} host sshd[7]: Accepted publickey for root from 203.0.113.9 port 4022 ssh2\n"
FAILED = f"{AT:.6f} host sshd[7]: Failed password for root from 203.0.113.9 port 4022 ssh2\n"


@pytest.mark.parametrize(
    ("expected", "anybody", "by_root"),
    [(None, SAID, ""), (NOW - timedelta(minutes=5), SAID, SAID), (None, FAILED, "")],
)
def test_what_any_account_writes_in_the_name_of_the_server_does_not_make_its_log_a_living_one(
    recorded, expected, anybody, by_root
):
    """Before: `logger -t sshd` of any account did."""
    at = f"{NOW - timedelta(minutes=5):%b %e %T}"
    host = recorded(
        {
            "_UID=0": by_root,
            "journalctl": anybody,
            "date +%z": "+0000\n",
            "find -L": f"{AT} 90 /var/log/auth.log\n",
            "grep": f"{at} host sshd[7]: Accepted publickey for root from 203.0.113.9 port 4022 ssh2\nend 0\n",
        }
    )
    host.backend = None
    logins = ssh_logins(host, now=NOW, since=NOW - timedelta(hours=1))
    assert expected == logins.newest
    assert (FAILED == anybody) == bool(logins.failures)


def test_without_a_journal_the_files_tell_when_the_server_was_last_heard_of(recorded, answer):
    at = f"{NOW - timedelta(minutes=5):%b %e %T}"
    host = recorded(
        {
            "journalctl": answer(1, "", "No journal files were found.\n"),
            "date +%z": "+0000\n",
            "find -L": f"{AT} 90 /var/log/auth.log\n",
            "grep": f"{at} host sshd[7]: Accepted publickey for root from 203.0.113.9 port 4022 ssh2\nend 0\n",
        }
    )
    host.backend = None
    assert NOW - timedelta(minutes=5) == ssh_logins(host, now=NOW, since=NOW - timedelta(hours=1)).newest
