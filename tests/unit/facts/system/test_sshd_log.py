from datetime import UTC, datetime, timedelta, timezone

import pytest

from pytest_aisec.facts.system.sshd_log import login_events, parse_journal, parse_syslog
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
    "begin",
    [
        "Jan  1 11:00:00 h sshd[7]: ",
        "Jan  1 2026 11:00:00 h sshd[7]: ",
        "<38>Jan  1 11:00:00 h sshd[7]: ",
        "Jan  1 11:00:00 sshd[7]: ",
        "Jan  1 11:00:00 h /usr/sbin/sshd[7]: ",
        "Jan  1 11:00:00 h auth.info sshd[7]: ",
        "Jan  1 11:00:00 <auth.info> h sshd[7]: ",
        "Jan  1 11:00:00 h sshd[7]: [ID 800047 auth.info] ",
        "2026-01-01T11:00:00.123456+00:00 h sshd-session[7]: ",
        "2026-01-01 11:00:00 h sshd[7]: ",
        "<38>1 2026-01-01T11:00:00.5Z h sshd 7 - - ",
        '1 2026-01-01T11:00:00Z h sshd 7 - [a@1 x="]"][b y="\\""] \ufeff',
        "<86>1 2026-01-01T11:00:00Z h sshd-auth - - - ",
    ],
)
def test_whatever_the_format_of_a_line_beside_others(begin):
    found = events(
        "Jan  1 10:00:00 h cron[1]: (root) CMD (x)",
        f"{begin}Failed password for root from 1.2.3.4 port 1 ssh2",
        "Jan  1 11:30:00 h sshd[8]: Accepted publickey for root from 5.6.7.8 port 2",
    )
    assert ({"1.2.3.4": 1}, NOW - timedelta(minutes=30)) == (found.failures, found.newest)


@pytest.mark.parametrize(
    "line",
    [
        "yesterday h sshd[1]: Failed password for root from 1.2.3.4 port 1 ssh2",
        "Thu 2026-01-01 11:00:00 UTC h sshd[1]: Failed password for root from 1.2.3.4 port 1 ssh2",
        "Abc 41 11:00:00 h sshd[1]: Failed password for root from 1.2.3.4 port 1 ssh2",
        "2026-13-01T11:00:00Z h sshd[1]: Failed password for root from 1.2.3.4 port 1 ssh2",
        "Jan  1 11:00:00 h brand new sshd[1]: Failed password for root from 1.2.3.4 port 1 ssh2",
        "1767265200 h sshd 1 - - Failed password for root from 1.2.3.4 port 1 ssh2",
    ],
)
def test_a_line_of_the_server_in_no_known_form_is_not_passed_over(line):
    with pytest.raises(Unobservable):
        events("Jan  1 10:00:00 h sshd[1]: Accepted publickey for a from 1.2.3.4 port 1", line)


@pytest.mark.parametrize(
    "line",
    [
        "Jan  1 11:00:00 h su[1]: sshd[2]: Failed password for root from 1.2.3.4 port 1 ssh2",
        "<38>1 2026-01-01T11:00:00Z h su 1 - - sshd[2]: Failed password for root from 1.2.3.4 port 1 ssh2",
        "Jan  1 11:00:00 h sudo: a : COMMAND=/bin/systemctl restart sshd",
    ],
)
def test_what_others_say_of_the_server_does_not_count(line):
    assert ({}, None) == (events(line).failures, events(line).newest)


def test_a_time_without_an_offset_is_of_the_host():
    zone = timezone(timedelta(hours=2))
    (line,) = parse_syslog("2026-01-01 13:00:00 h sshd[1]: Accepted x", now=NOW, zone=zone)
    assert NOW - timedelta(hours=1) == line.at


@pytest.mark.parametrize(
    "message",
    [
        "error: PAM: Authentication failure for root from 1.2.3.4",
        "error: PAM: Authentication failure for illegal user x y from 1.2.3.4",
        "fatal: PAM: Permission denied for root from 1.2.3.4",
        "error: PAM: User not known to the underlying authentication module for illegal user x from 1.2.3.4",
        "User not known to the underlying authentication module for x from 1.2.3.4",
        "Authentication error for root from 1.2.3.4 via 5.6.7.8",
        "authentication failure for x from 1.2.3.4 port 7 [preauth]",
        "Failed none for invalid user x from 1.2.3.4 port 1 ssh2; Invalid user x from 1.2.3.4 port 1",
        "Failed password for root from ::ffff:1.2.3.4 port 1 ssh2",
        "Failed keyboard-interactive/pam for root from 1.2.3.4 port 1 ssh2",
        "Failed publickey for root from 1.2.3.4 port 1 ssh2: RSA SHA256:abc",
        "Failed publickey for root from 1.2.3.4 port 1 ssh2: ED25519-CERT SHA256:a ID a from 9.9.9.9 port 2 ssh2",
        "Failed password for invalid user a from 9.9.9.9 port 1 ssh2: x from 1.2.3.4 port 2 ssh2",
        "error: maximum authentication attempts exceeded for root from 1.2.3.4 port 1 ssh2 [preauth]",
        "maximum authentication attempts exceeded for invalid user a from 9.9.9.9 from 1.2.3.4 port 1 ssh2",
        "Disconnecting: Too many authentication failures for root from 1.2.3.4 port 1 ssh2 [preauth]",
        "Illegal user x from 1.2.3.4",
        "User root from 1.2.3.4 not allowed because not listed in AllowUsers",
        "User root from 1.2.3.4 not allowed because x from 9.9.9.9 not allowed because y",
        "ROOT LOGIN REFUSED FROM 1.2.3.4 port 22",
        "Connection closed by authenticating user root 1.2.3.4 port 22 [preauth]",
        "Connection reset by invalid user a 9.9.9.9 port 1 1.2.3.4 port 22 [preauth]",
        "Disconnecting authenticating user root 1.2.3.4 port 2: Too many authentication failures [preauth]",
        "Disconnecting invalid user a 9.9.9.9 port 1 1.2.3.4 port 2: Too many authentication failures [preauth]",
        (
            "Disconnecting invalid user a 1.2.3.4 port 2: Change of username or service not allowed: "
            "(a,ssh-connection) -> (x 9.9.9.9 port 1,ssh-connection) [preauth]"
        ),
        "Received disconnect from 1.2.3.4 port 1:3: com.jcraft.jsch.JSchException: Auth fail [preauth]",
        "Received disconnect from 1.2.3.4: 3: com.jcraft.jsch.JSchException: Auth cancel",
    ],
)
def test_failures_are_told_in_many_ways_and_counted_at_their_source(message):
    lines = [f"Jan  1 11:00:00 h sshd[1]: {one}" for one in message.split("; ")]
    assert {"1.2.3.4": 1} == events(*lines).failures


def test_what_pam_and_the_server_say_of_the_same_attempts_counts_once():
    attempt = [
        "Jan  1 11:00:0{0} h sshd[1]: error: PAM: Authentication failure for root from 1.2.3.4",
        "Jan  1 11:00:0{0} h sshd[1]: Failed keyboard-interactive/pam for root from 1.2.3.4 port 1 ssh2",
    ]
    lines = [line.format(number) for number in range(3) for line in attempt]
    lines.append("Jan  1 11:00:09 h sshd[2]: error: PAM: Authentication failure for root from 1.2.3.4")
    assert {"1.2.3.4": 4} == events(*lines).failures


@pytest.mark.parametrize(
    "message",
    [
        "Accepted publickey for root from 1.2.3.4 port 1 ssh2: RSA SHA256:x",
        "Connection closed by 1.2.3.4 port 22 [preauth]",
        "Received disconnect from 1.2.3.4 port 1:11: disconnected by user",
        "Disconnected from user root 1.2.3.4 port 22",
        "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=1.2.3.4",
    ],
)
def test_what_is_no_failure(message):
    assert {} == events(f"Jan  1 11:00:00 h sshd[1]: {message}").failures
