from __future__ import annotations

import re
from dataclasses import replace
from html import unescape

import pytest

from pytest_aisec.judge.gate import decide
from pytest_aisec.judge.run import AttestationInfo, AttestationState, WaiverInfo, WaiverState
from pytest_aisec.report import html


def words(run, *, section=None):
    """The text of a report, or of one section of it."""
    text = html.render(run, decide(run))
    if section:
        text = text[text.index(f'<section id="{section}"') :]
        text = text[: text.index("</section>")]
    return " ".join(unescape(re.sub("<[^>]*>", " ", text)).split())


def waiver(state, **changes):
    return WaiverInfo(
        **{
            "id": f"W-{state}",
            "control": "AISEC-ART-01",
            "hosts": ("gpu-*", "good"),
            "reason": f"the reason of {state}",
            "approved_by": "Ada Example",
            "approved_on": "2026-02-01",
            "expires": "2026-03-20",
            "ticket": "SEC-17",
            "state": state,
            "excuses": 1,
            "passes": 2,
            "note": f"a note on {state}",
            **changes,
        }
    )


ATTESTATION = AttestationInfo(
    id="A-1",
    control="AISEC-ART-01",
    hosts=("good",),
    statement="Backups were restored in a drill.",
    status="passed",
    attested_by="Grace Example",
    attested_on="2025-12-01",
    valid_until="2026-12-01",
    state="active",
    decides=1,
)
STATES = ["active", "expiring", "expired", "stale", "unused"]


@pytest.mark.parametrize("state", STATES)
def test_everything_about_each_waiver_is_there(run, state):
    said = words(replace(run, waivers=[waiver(state)]), section="registers")
    for part in [
        f"1 {state}",
        f"W-{state}",
        f"the reason of {state}",
        "by Ada Example on 2026-02-01",
        "2026-03-20",
        "SEC-17",
        "AISEC-ART-01",
        "gpu-*, good",
        "1 failed result, 2 passed results",
        f"a note on {state}",
    ]:
        assert part in said


def test_everything_about_each_attestation_is_there(run):
    said = words(replace(run, attestations=[ATTESTATION]), section="registers")
    for part in [
        "1 active",
        "A-1",
        "Backups were restored in a drill.",
        "Says passed",
        "by Grace Example on 2025-12-01",
        "2026-12-01",
        "Decides 1 result",
    ]:
        assert part in said


def test_without_waivers_and_attestations_the_report_says_so(run):
    said = words(run, section="registers")
    assert "No waiver was given to this run." in said
    assert "No attestation was given to this run." in said


def test_a_result_shows_its_waiver_and_its_attestation_in_full(make):
    control = make.control(1)
    results = [
        make.result(control, "a", "failed", waiver=WaiverState(id="W-active", state="active")),
        make.result(control, "b", "passed", attestation=AttestationState(id="A-1", state="active")),
    ]
    run = make.run(
        [control], results, {"a": [], "b": []}, waivers=[waiver("active")], attestations=[ATTESTATION]
    )
    text = words(run)
    said = text[text.index("Failed and waived (1 control)") :]
    for part in ["Waiver W-active is active: it excuses this failure", "the reason of active", "SEC-17"]:
        assert part in said
    for part in ["Attestation A-1 is active: it gives this outcome", "Backups were restored in a drill."]:
        assert part in said


def test_hosts_whose_attestations_differ_are_told_apart(make):
    control = make.control(1)
    results = [
        make.result(
            control, host, "passed", observations=(), attestation=AttestationState(id=name, state="active")
        )
        for host, name in [("a", "A-1"), ("b", "A-2")]
    ]
    text = words(make.run([control], results, {"a": [], "b": []}))
    assert "Attestation A-1 is active" in text
    assert "Attestation A-2 is active" in text


def test_inputs_are_named_with_their_digests(run):
    said = words(replace(run, inputs={"inputs/waivers.yaml": "34" * 32}), section="scope")
    assert f"inputs/waivers.yaml {'34' * 32}" in said


def test_a_signed_run_names_its_key_and_never_says_unsigned(run):
    said = words(replace(run, run=replace(run.run, signed_by="key-17")))
    assert "Signed by key key-17" in said
    assert "Unsigned" not in said
