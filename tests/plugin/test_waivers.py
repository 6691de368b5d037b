"""Waivers and attestations, as a run shows and counts them."""

import re

import pytest

from tests.plugin.conftest import FAILS, PASSES

WAIVER = """\
- id: W-1
  control: ACME-TST-01
  hosts: ["local*"]
  reason: The vendor image writes there.
  approved_by: ciso@example.com
  approved_on: 2020-01-01
  expires: {expires}
  ticket: SEC-1182
"""
ATTESTATION = """\
- id: A-1
  control: ACME-TST-02
  hosts: ["*"]
  statement: Looked at it.
  status: {status}
  attested_by: auditor@example.com
  attested_on: 2020-01-01
  valid_until: {until}
"""
REVIEW = 'host.run("true")\nfrom pytest_aisec import not_reviewed\nnot_reviewed("needs a person")'


@pytest.fixture
def waivers(tmp_path):
    def write(text, name="waivers.yaml"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


@pytest.mark.parametrize(
    ("body", "expires", "strict", "code", "state", "shown"),
    [
        (FAILS, "2999-12-31", False, 0, "active", "waived by W-1 until 2999-12-31"),
        (FAILS, "2999-12-31", True, 0, "active", "waived by W-1 until 2999-12-31"),
        (FAILS, "2020-01-02", False, 1, "expired", "waiver W-1 expired on 2020-01-02"),
        (FAILS, "2020-01-02", True, 1, "expired", "waiver W-1 expired on 2020-01-02"),
        (PASSES, "2999-12-31", False, 0, "stale", "W-1  stale"),
        (PASSES, "2999-12-31", True, 1, "stale", "W-1  stale"),
        (PASSES, "2020-01-02", False, 0, None, "W-1  expired"),
        (PASSES, "2020-01-02", True, 0, None, "W-1  expired"),
        ('host.run("true")\nraise Unobservable("parse", "no")', "2999-12-31", False, 10, None, "W-1  unused"),
        ('host.run("true")\nnot_applicable("none")', "2999-12-31", False, 0, None, "W-1  unused"),
    ],
)
def test_what_is_waived_is_shown_and_counted(pack, audit, waivers, body, expires, strict, code, state, shown):
    pack.control("01", body)
    pack.control("03")
    done = audit(
        f"--aisec-waivers={waivers(WAIVER.format(expires=expires))}",
        *(["--aisec-strict-waivers"] if strict else []),
    )
    result = done.results["ACME-TST-01"]
    assert code == done.code, done.text
    assert state == (result["waiver"] and result["waiver"]["state"])
    assert shown in re.sub(r"\s*\n\s*", " ", done.text)
    assert [("W-1", "ciso@example.com")] == [
        (item["id"], item["approved_by"]) for item in done.run["waivers"]
    ]


def test_the_outcome_stays_failed_and_both_scores_are_kept(pack, audit, waivers):
    pack.control("01", FAILS)
    pack.control("03")
    done = audit(f"--aisec-waivers={waivers(WAIVER.format(expires='2999-12-31'))}")
    assert {"01": "failed", "03": "passed"} == done.outcomes
    assert {"without_waivers": 0.5, "with_waivers": 1.0} == done.run["scores"]


@pytest.mark.parametrize(
    ("status", "until", "code", "outcome"),
    [
        ("passed", "2999-12-31", 0, "passed"),
        ("failed", "2999-12-31", 1, "failed"),
        ("passed", "2020-01-02", 10, "not_reviewed"),
    ],
)
def test_an_attestation_stands_for_a_review(pack, audit, waivers, status, until, code, outcome):
    pack.control("02", REVIEW)
    pack.control("03")
    path = waivers(ATTESTATION.format(status=status, until=until), "attestations.yaml")
    done = audit(f"--aisec-attestations={path}")
    assert (code, outcome) == (done.code, done.outcomes["02"]), done.text
    assert 2 == done.ledger["planned"] == sum(done.ledger.values()) - 2


def test_the_files_are_kept_in_the_bundle(pack, audit, waivers):
    pack.control("01", FAILS)
    text = WAIVER.format(expires="2999-12-31")
    done = audit(f"--aisec-waivers={waivers(text)}")
    assert text == (done.bundle / "inputs/waivers/1-waivers.yaml").read_text()
    assert "inputs/waivers/1-waivers.yaml" in done.run["inputs"]


def test_a_wrong_waiver_stops_the_run_before_anything_is_asked(pack, audit, waivers):
    pack.control("01", 'host.run("touch asked")')
    path = waivers(WAIVER.format(expires="2999-12-31").replace("TST-01", "TST-10"))
    done = audit(f"--aisec-waivers={path}")
    assert 4 == done.code
    assert f"{path}:2:3: unknown control 'ACME-TST-10'" in done.problem
    assert not done.bundle.exists()
