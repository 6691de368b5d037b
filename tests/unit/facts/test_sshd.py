import pytest

from pytest_aisec.facts.sshd import parse_conditionals, parse_settings
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
