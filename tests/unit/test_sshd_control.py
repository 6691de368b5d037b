"""Keyboard-interactive and `AuthenticationMethods` under `Match` lines: what they come to together."""

import pytest

from pytest_aisec.catalog.content import content_root
from pytest_aisec.catalog.load import load_catalog
from pytest_aisec.facts.system.sshd import Effective, parse_written

CONTROL = load_catalog([content_root()])["AISEC-HST-01"].function
ASKS, ASKS_NOT = "KbdInteractiveAuthentication yes", "KbdInteractiveAuthentication no"
KEY, BOTH, ANY = (
    f"AuthenticationMethods {one}" for one in ("publickey", "publickey,keyboard-interactive", "any")
)


def weak(monkeypatch, text, asks, methods):
    server = Effective(
        settings={
            **dict.fromkeys(("passwordauthentication", "permitrootlogin", "x11forwarding"), ("no",)),
            "kbdinteractiveauthentication": (asks,),
            "authenticationmethods": (methods,),
        },
        conditionals=tuple(parse_written(text, path="c")),
    )
    monkeypatch.setitem(CONTROL.__globals__, "effective", lambda _: [server])
    try:
        CONTROL(None)
    except AssertionError:
        return True
    return False


@pytest.mark.parametrize(
    ("expected", "lines", "asks", "methods"),
    [
        (True, [ASKS], "no", "any"),
        (False, [ASKS, KEY], "no", "any"),
        (False, [BOTH, ASKS], "no", "any"),
        (False, [ASKS], "no", "publickey"),
        (True, [ASKS, ANY], "no", "publickey"),
        (True, [ANY], "yes", "publickey"),
        (False, [ANY, ASKS_NOT], "yes", "publickey"),
        (False, [ANY], "no", "publickey"),
        (True, [BOTH], "yes", "any"),
        (True, [f"{KEY} keyboard-interactive", ASKS], "no", "any"),
        (True, [ANY, "Match Group b", ASKS], "no", "publickey"),
        (False, [ANY, "Match User b", ASKS], "no", "publickey"),
        (True, [ANY, "Match User a,b", ASKS], "no", "publickey"),
    ],
)
def test_what_asks_and_what_is_demanded_besides(monkeypatch, expected, lines, asks, methods):
    assert expected == weak(monkeypatch, "\n".join(["Match User a", *lines]), asks, methods)
