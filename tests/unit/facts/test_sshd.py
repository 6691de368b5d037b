import pytest

from pytest_aisec.facts.sshd import in_force, parse_conditionals, parse_settings
from pytest_aisec.observe.faults import Unobservable


def parsed(text, **included):
    return [(one.where, one.keyword, one.value) for one in parse_conditionals(text, path="c", **included)]


def test_only_settings_under_match_are_conditional():
    text = "PasswordAuthentication no\nMatch User bob\n  PasswordAuthentication=yes\n# Port 3\n"
    assert [("c:3: Match User bob", "passwordauthentication", "yes")] == parsed(text)


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
    assert expected == [one.value for one in in_force(parse_conditionals(text, path="c"))]


def test_settings():
    assert ("no",) == parse_settings("permitrootlogin no\npasswordauthentication no\n")["permitrootlogin"]
    with pytest.raises(Unobservable):
        parse_settings("sshd: usage\n")
