import math
from datetime import UTC, datetime, timedelta

import pytest

from pytest_aisec.facts.core.answers import Answer
from pytest_aisec.facts.network.kernel_log import read_kernel_log
from pytest_aisec.facts.system.log_writers import read_log_writers
from pytest_aisec.observe.faults import Unobservable

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
PACKET = "SUSPECT_OUT: IN= OUT=eth0 SRC=10.0.0.1 DST=198.51.100.7 LEN=60 PROTO=TCP"
RSYSLOG = 'module(load="imklog")\nauth,authpriv.* /var/log/auth.log\n*.*;auth,authpriv.none -/var/log/syslog\nkern.* -/var/log/kern.log\n'


RUNNING = "systemd\nsystemd-journal\nrsyslogd\n"
DROP_IN = "\0/etc/systemd/journald.conf.d/x.conf\n"
NO_LOGROTATE = "".join(
    f"ls: cannot access '/usr/{place}/logrotat[e]': No such file or directory\n" for place in ("sbin", "bin")
)


def running(*programs, apart=(), whole=True):
    """Return what is shown of programs with these names and accounts, numbered from 1 on."""
    numbered = list(enumerate(programs, 1))
    names = "".join(f"/proc/{pid}/comm:{name}\n" for pid, (name, _) in numbered)
    owners = "".join(
        f"/proc/{pid}/status:{key}:\t{uid}\t{uid}\t{uid}\t{uid}\n"
        for pid, (_, uid) in numbered
        for key in ("Uid", "Gid")
    )
    roots = "".join(f"0:{1 + (pid in apart)} /proc/{pid}/root\n" for pid in ["self", *dict(numbered)])
    accounts = "syslog:x:104:110::/nonexistent:/usr/sbin/nologin\nulog:x:105:111::/x:/bin/false\n"
    end = "end\n" if whole else ""
    return f"{names}=owners\n{owners}=roots\n{roots}=accounts\n{accounts}{end}"


@pytest.mark.parametrize(
    ("expected", "programs", "apart"),
    [
        ({"rsyslogd": 1}, [("rsyslogd", 0)], ()),
        ({"rsyslogd": 1}, [("rsyslogd", 104)], ()),
        ({"ulogd": 1}, [("ulogd", 105)], ()),
        ({}, [("rsyslogd", 1000)], ()),
        ({}, [("systemd-journal", 33)], ()),
        ({"rsyslogd": 1}, [("rsyslogd", 0), ("rsyslogd", 1000)], ()),
        ({"rsyslogd": 1}, [("rsyslogd", 0), ("rsyslogd", 0)], {2}),
        ({}, [("rsyslogd", 0)], {1}),
        ({}, [("x\n=owners\n", 1000)], ()),
    ],
)
def test_logs_are_written_by_root_and_by_the_accounts_of_logs(expected, programs, apart):
    """Before: any account wrote them that called a process `rsyslogd`, and had read what rsyslogd had not."""
    text = running(*programs, apart=apart).replace("x\n=owners", "x\n/proc/1/comm:=owners", 1)
    assert expected == read_log_writers(text)


def test_what_runs_is_shown_whole(reason):
    assert "unreadable" == reason(read_log_writers, running(("rsyslogd", 0), whole=False))
    assert "unreadable" == reason(read_log_writers, "/proc/1/comm:rsyslogd\nend\n")


def log(**texts):
    names = (
        *("files", "journal", "persistent", "logrotate", "rotates", "journald", "rsyslog", "running"),
        *("last", "last_of_journal", "settings"),
    )
    texts = {"rotates_err": "" if "rotates" in texts else NO_LOGROTATE, "running": RUNNING, **texts}
    programs = enumerate(texts["running"].split(), 1)
    texts["running"] = running(*((name, 0) for _, name in programs))
    texts["files"] = texts.get("files", "") + texts.pop("end", "end\n")
    main = f"\0/etc/systemd/journald.conf\n{texts['journald']}" if "journald" in texts else ""
    texts["journald"] = f"{main}\0end\n"
    answers = [
        Answer(
            stdout=texts.get(name, ""),
            stderr=texts.get(name + "_err", ""),
            status=2 if name + "_err" in texts and not texts.get(name) else 0,
        )
        for name in names
    ]
    return read_kernel_log(answers, ["SUSPECT_OUT: "], NOW)


@pytest.mark.parametrize(
    "line",
    [
        f"Nov 25 02:00:00 h kernel: [ 4211.22] {PACKET}",
        f"2026-11-25T02:00:00+00:00 h kernel: {PACKET}",
    ],
)
def test_entries(line):
    found = log(files=f"file /var/log/kern.log.2.gz\n{line}\n")
    assert [("/var/log/kern.log", math.inf)] == [(one.name, one.days) for one in found.holding]


@pytest.mark.parametrize(
    "line",
    [
        f"Nov 25 02:00:00 h sudo: root : COMMAND=/sbin/iptables --log-prefix {PACKET}",
        f"Nov 25 02:00:00 h kernel: OTHER {PACKET}",
        "Nov 25 02:00:00 h kernel: SUSPECT_OUT: module loaded",
    ],
)
def test_what_only_quotes_the_prefix(line):
    assert () == log(files=f"file /var/log/kern.log\n{line}\n").holding


@pytest.mark.parametrize(
    ("days", "body"),
    [
        (28, "rotate 4\nweekly"),
        (90, "daily\nrotate 90"),
        (30, "daily\nrotate 90\nmaxage 30"),
        (0, "daily\nrotate 90\nsize 100M"),
        (0, "daily\nmaxsize=1G\nrotate 900"),
        (84, "rotate 12"),
    ],
)
def test_rotation(days, body):
    lines = [
        "/var/log/*.log",
        '"/var/log/other"',
        "{",
        *body.split("\n"),
        "postrotate",
        "rotate 1 }",
        "endscript",
        "}",
    ]
    text = "/etc/logrotate.conf:weekly\n/etc/logrotate.conf:rotate 1\n" + "".join(
        f"/etc/logrotate.d/r:{line}\n" for line in lines
    )
    found = log(
        files=f"file /var/log/kern.log\nx kernel: {PACKET}\n", logrotate=text, rotates="/usr/sbin/logrotate\n"
    )
    assert [days] == [one.days for one in found.holding]


@pytest.mark.parametrize(
    ("expected", "texts"),
    [
        (
            [("/var/log/syslog", math.inf), ("/var/log/kern.log", math.inf)],
            {"rsyslog": RSYSLOG, "running": "rsyslogd"},
        ),
        ([], {"rsyslog": RSYSLOG, "running": "systemd-journal\n"}),
        ([], {"persistent": "/var/log/journal/x/system.journal", "running": "rsyslogd\n"}),
        ([], {"rsyslog": RSYSLOG.replace("module", "#module"), "running": "rsyslogd"}),
        ([("journal", math.inf)], {"persistent": "/var/log/journal/x/system.journal"}),
        ([], {"persistent": "x", "journald": "[Journal]\nStorage=volatile\n"}),
        ([], {"persistent": "x", "journald": "[Journal]\nReadKMsg=no\n"}),
        (
            [("journal", 7)],
            {"persistent": "x", "journald": "[Journal]\n#MaxRetentionSec=9year\nMaxRetentionSec=1week\n"},
        ),
        ([("journal", 0)], {"persistent": "x", "journald": "[Journal]\nSystemMaxUse=50M\n"}),
        ([], {"persistent": "x", "journald": "[Journal]\nStorage=volatile\nStorage=\nStorage=disk\n"}),
        ([], {"persistent": "x", "journald": f"[Journal]\nStorage=volatile\n{DROP_IN}Storage=persistent\n"}),
    ],
)
def test_where_entries_are_to_go(expected, texts):
    assert expected == [(one.name, one.days) for one in log(**texts).intended]


def test_what_no_running_program_writes_is_abandoned():
    entries = f"file /var/log/kern.log\nx kernel: {PACKET}\n"
    journal = {"journal": f"1764115200.0 h kernel: {PACKET}\n", "persistent": "x"}
    found = log(files=entries, **journal, running="systemd\nsshd\n")
    assert ((), ("/var/log/kern.log", "journal")) == (found.holding, found.abandoned)
    found = log(files=entries, **journal, running="systemd-journal\n")
    assert (["journal"], ("/var/log/kern.log",)) == ([one.name for one in found.holding], found.abandoned)
    found = log(files=entries, **journal, running="syslog-ng\n")
    assert (["/var/log/kern.log"], ("journal",)) == ([one.name for one in found.holding], found.abandoned)


def test_forwarding():
    found = log(rsyslog=RSYSLOG + "*.* @@logs.example:6514\n", running="rsyslogd")
    assert "forwarded by rsyslog (@@logs.example:6514)" in [one.name for one in found.intended]


def test_without_grep_nothing_is_known():
    with pytest.raises(Unobservable):
        log(files_err="sh: 1: grep: not found\n")


@pytest.mark.parametrize(
    "texts",
    [
        {"rotates_err": "ls: Permission denied\n"},
        {"rotates_err": NO_LOGROTATE.splitlines(keepends=True)[0]},
        {"rotates": ""},
        {"rotates": "/usr/sbin/logrotate\n"},
        {
            "rotates": "/usr/sbin/logrotate\n",
            "logrotate_err": "grep: /etc/logrotate.conf: Permission denied\n",
        },
    ],
)
def test_how_long_a_file_is_kept_is_unknown_where_logrotate_cannot_be_read(texts):
    found = log(files=f"file /var/log/kern.log\nx kernel: {PACKET}\n", **texts)
    assert ((), True) == (found.holding, bool(found.faults))


def test_a_listing_without_its_end_is_not_whole():
    assert ["unreadable"] == [one.reason for one in log(end="").faults]


def test_entries_of_no_file():
    with pytest.raises(Unobservable, match="parse"):
        log(files=f"f\udcffile /var/log/kern.log\nx kernel: {PACKET}\n")


KERN = f"file /var/log/kern.log\nx kernel: {PACKET}\n"


def fresh(**texts):
    """Return which places of entries were written to in the last week."""
    return [one.name for one in log(**texts).written_since(NOW - timedelta(days=7))]


@pytest.mark.parametrize(
    ("expected", "last"),
    [
        (["/var/log/kern.log"], "file /var/log/kern.log\nNov 28 01:00:00 h kernel: x\nend\n"),
        (["/var/log/kern.log"], "file /var/log/kern.log.1\n2026-11-28T01:00:00+01:00 h kernel: x\nend\n"),
        (
            ["/var/log/kern.log"],
            "file /var/log/kern.log\nfile /var/log/kern.log.1.gz\nNov 28 01:00:00 h x\nend\n",
        ),
        ([], "file /var/log/kern.log\nNov  9 01:00:00 h kernel: x\nend\n"),
        ([], "file /var/log/syslog\nNov 28 01:00:00 h kernel: x\nend\n"),
        ([], "file /var/log/kern.log\nDec 24 01:00:00 h kernel: x\nend\n"),
        ([], "file /var/log/kern.log\n2027-11-28T01:00:00Z h kernel: x\nend\n"),
        ([], "file /var/log/kern.log\n-- MARK --\nend\n"),
        ([], "end\n"),
    ],
)
def test_a_log_is_written_where_its_last_line_says_so(expected, last):
    assert expected == fresh(files=KERN, last=last)


def test_the_journal_is_written_where_its_last_entry_says_so():
    held = {"journal": f"1764115200.0 h kernel: {PACKET}\n", "persistent": "x"}
    at = NOW - timedelta(days=2)
    assert ["journal"] == fresh(**held, last_of_journal=f"{at.timestamp():f} h cron: x\n")
    assert [] == fresh(**held, last_of_journal=f"{(at - timedelta(days=18)).timestamp():f} h cron: x\n")
    assert [] == fresh(**held)


def test_forwarding_counts_where_a_file_of_the_same_program_is_written():
    held = {"files": KERN, "rsyslog": RSYSLOG + "*.* @@logs.example:6514\n"}
    there = "forwarded by rsyslog (@@logs.example:6514)"
    assert ["/var/log/kern.log", there] == fresh(
        **held, last="file /var/log/kern.log\nNov 28 01:00:00 h kernel: x\nend\n"
    )
    assert [] == fresh(**held, last="file /var/log/kern.log\nNov  8 01:00:00 h kernel: x\nend\n")
