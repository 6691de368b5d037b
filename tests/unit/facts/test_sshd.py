import pytest

from pytest_aisec.facts.sshd import _listening, parse_conditionals, parse_settings
from pytest_aisec.observe.faults import Unobservable


def test_only_settings_under_match_are_conditional():
    text = "PasswordAuthentication no\nMatch User bob\n  PasswordAuthentication=yes\n# Port 3\n"
    found = list(parse_conditionals(text, path="c"))
    assert [("c:3: Match User bob", "passwordauthentication", "yes")] == [
        (i.where, i.keyword, i.value) for i in found
    ]


def test_settings():
    assert ("no",) == parse_settings("permitrootlogin no\npasswordauthentication no\n")["permitrootlogin"]
    with pytest.raises(Unobservable):
        parse_settings("sshd: usage\n")


LISTENER = "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups"


def listening(recorded, *running):
    """Return what is asked of which servers, for processes with these user ids and titles."""
    comm = "".join(f"/proc/{pid}/comm:sshd\n" for pid in range(10, 10 + len(running)))
    status = "".join(
        f"/proc/{pid}/status:{key}:\t{uid}\t{uid}\t{uid}\t{uid}\n"
        for pid, (uid, _) in enumerate(running, 10)
        for key in ("Uid", "Gid")
    )
    titles = "".join(f"/proc/{pid}/cmdline:{title}\0" for pid, (_, title) in enumerate(running, 10))
    host = recorded(
        {
            "/comm": f"/proc/1/comm:systemd\n{comm}",
            "/limits": "/proc/1/limits:Max core file size   0   unlimited   bytes\n",
            "cmdline": f"/proc/1/cmdline:init\0{titles}",
            "^(Uid": f"/proc/1/status:Uid:\t0\t0\t0\t0\n{status}",
            "/exe": "",
        }
    )
    host.backend = None
    return [(options, rights.uid) for options, rights in _listening(host)]


def test_what_an_account_calls_sshd_takes_no_place_of_the_systems_server(recorded):
    fake = (1000, LISTENER.replace("-D", "-f /home/x/hardened"))
    alone = ((), 0)
    assert [alone] == listening(recorded)
    assert {alone, (("-f", "/home/x/hardened"), 1000)} == {*listening(recorded, fake)}
    assert {(("-f", "/etc/ssh/x"), 0), (("-f", "/home/x/hardened"), 1000)} == {
        *listening(recorded, fake, (0, LISTENER.replace("-D", "-f /etc/ssh/x")))
    }
