import pytest

from pytest_aisec.facts.system.rights import ROOT
from pytest_aisec.facts.system.sshd import (
    _content,
    _listening,
    _origins,
    in_force,
    parse_settings,
    parse_written,
)
from pytest_aisec.observe.faults import Unobservable


def parsed(text, **included):
    return [(one.where, one.keyword, one.value) for one in parse_written(text, path="c", **included)]


def test_only_settings_under_match_are_conditional():
    text = "PasswordAuthentication no\nMatch User bob\n  PasswordAuthentication=yes\n# Port 3\n"
    assert [
        ("c:1", "passwordauthentication", "no"),
        ("c:3: Match User bob", "passwordauthentication", "yes"),
    ] == parsed(text)
    assert ["", "User bob"] == [one.condition for one in parse_written(text, path="c")]


@pytest.mark.parametrize(
    ("expected", "line"),
    [
        ("no", "X11Forwarding no # never"),
        ("no", "X11Forwarding no #yes"),
        ("no", "X11Forwarding = no\t# yes"),
        ("no", 'X11Forwarding "no"'),
        ("no", "x11forwarding 'no' # yes"),
        ("no#yes", "X11Forwarding no#yes"),
        ("#no", 'X11Forwarding "#no" #yes'),
        ("", "X11Forwarding # no"),
    ],
)
def test_a_word_that_begins_with_a_hash_begins_a_comment(expected, line):
    assert [("c:2: Match User git", "x11forwarding", expected)] == parsed(f"Match User git # old\n{line}\n")


def test_names_of_the_same_setting_are_one():
    text = "Match User a\nChallengeResponseAuthentication no\nPubkeyAcceptedKeyTypes +ssh-rsa\n"
    assert ["kbdinteractiveauthentication", "pubkeyacceptedalgorithms"] == [item[1] for item in parsed(text)]


def test_a_match_line_of_an_included_file_is_under_the_one_that_includes_it():
    found = parsed("X11Forwarding no\nMatch Group b\nX11Forwarding yes\n", condition="User a", block="m:1")
    assert ["c:1: Match User a", "c:3: Match User a and Group b"] == [where for where, _, _ in found]


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        (["no"], "Match User a\nX11Forwarding no\nX11Forwarding yes\n"),
        (["yes"], "Match User a\nX11Forwarding yes\nX11Forwarding no\n"),
        (["no"], "Match User a\nX11Forwarding no\nMatch User b\nMatch User a # again\nX11Forwarding yes\n"),
        (["no"], "Match All\nX11Forwarding no\nMatch User a\nX11Forwarding yes\n"),
        (["no", "yes"], "Match User a\nX11Forwarding no\nMatch User A\nX11Forwarding yes\n"),
        (["yes", "no"], "Match User a\nX11Forwarding yes\nMatch All\nX11Forwarding no\n"),
    ],
)
def test_of_several_settings_under_one_condition_the_first_counts(expected, text):
    assert expected == [one.value for one in in_force(parse_written(text, path="c"))]


def test_settings():
    assert ("no",) == parse_settings("permitrootlogin no\npasswordauthentication no\n")["permitrootlogin"]
    with pytest.raises(Unobservable):
        parse_settings("sshd: usage\n")


LISTENER = "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups"


def listening(recorded, *running, apart=(), gone=()):
    """Return what is asked of which servers, for processes with these user ids and titles, and which they are.

    They are numbered from 10 on; those `apart` have a root directory of their own, those `gone` ended before
    they showed whose they are.
    """
    pids = range(10, 10 + len(running))
    comm = "".join(f"/proc/{pid}/comm:sshd\n" for pid in pids)
    status = "".join(
        f"/proc/{pid}/status:{key}:\t{uid}\t{uid}\t{uid}\t{uid}\n"
        for pid, (uid, _) in enumerate(running, 10)
        for key in ("Uid", "Gid")
        if pid not in gone
    )
    titles = "".join(f"/proc/{pid}/cmdline:{title}\0" for pid, (_, title) in enumerate(running, 10))
    host = recorded(
        {
            "/comm": f"/proc/1/comm:systemd\n{comm}",
            "/limits": "/proc/1/limits:Max core file size   0   unlimited   bytes\n",
            "cmdline": f"/proc/1/cmdline:init\0{titles}",
            "^(Uid": f"/proc/1/status:Uid:\t0\t0\t0\t0\n/proc/1/status:Gid:\t0\t0\t0\t0\n{status}",
            "/exe": "",
            "/self/root": "".join(f"0:{1 + (pid in apart)} /proc/{pid}/root\n" for pid in ["self", *pids]),
        }
    )
    host.backend = None
    return {(options, rights.uid): pids for (options, rights), pids in _listening(host).items()}


def test_what_an_account_calls_sshd_takes_no_place_of_the_systems_server(recorded):
    fake = (1000, LISTENER.replace("-D", "-f /home/x/hardened"))
    alone = ((), 0)
    own = (("-f", "/home/x/hardened"), 1000)
    assert {alone: []} == listening(recorded)
    assert {alone: [], own: [10]} == listening(recorded, fake)
    assert {own: [10], (("-f", "/etc/ssh/x"), 0): [11]} == listening(
        recorded, fake, (0, LISTENER.replace("-D", "-f /etc/ssh/x"))
    )


def test_what_ended_before_it_showed_whose_it_is_takes_no_place_of_the_systems_server(recorded):
    """Before: it counted as root's, its file was read with root's rights, and the system's was not judged."""
    fake = (1000, LISTENER.replace("-D", "-f /home/x/hardened"))
    assert {((), 0): []} == listening(recorded, fake, gone={10})
    assert {((), 0): [11]} == listening(recorded, fake, (0, LISTENER), gone={10})


def test_no_process_of_a_container_or_of_one_connection_is_asked_what_it_has_read(recorded):
    assert {((), 0): [10]} == listening(recorded, (0, LISTENER), (0, LISTENER), apart={11})
    assert {((), 0): []} == listening(recorded, (0, "sshd: root@notty"))
    assert {((), 0): []} == listening(recorded, (0, "/usr/sbin/sshd\0/proc/10/cmdline:-i"))


def test_the_first_setting_for_everybody_counts_and_the_command_line_before_it():
    files = {"50-cloud-init.conf": "PasswordAuthentication yes\n", "60.conf": "PasswordAuthentication no\n"}
    files["sshd_config"] = "MaxAuthTries 9\nX11Forwarding yes\nMatch User bob\nPermitRootLogin yes\n"
    written = [one for path, text in files.items() for one in parse_written(text, path=path)]
    assert _origins(written, ("-f", "sshd_config", "-o", "X11Forwarding=no")) == {
        "passwordauthentication": "50-cloud-init.conf:1",
        "maxauthtries": "sshd_config:1",
        "x11forwarding": "its command line",
    }


@pytest.mark.parametrize(
    ("expected", "status", "said"),
    [
        ("privilege", 1, "cat: /etc/ssh/sshd_config: Permission denied\n"),
        ("unreadable", 1, "cat: /etc/ssh/sshd_config: No such file or directory\n"),
        ("unreadable", 1, ""),
    ],
)
def test_a_configuration_that_cannot_be_read_is_not_an_empty_one(
    recorded, answer, reason, expected, status, said
):
    host = recorded({"cat": answer(status, "", said)})
    assert expected == reason(_content, host, "/etc/ssh/sshd_config", ROOT)
