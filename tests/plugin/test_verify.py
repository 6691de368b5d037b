"""What `aisec verify` finds in a signed bundle that somebody touched."""

import gzip
import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_aisec.evidence import bundle as bundles
from pytest_aisec.evidence import verify
from pytest_aisec.evidence.rejudge import Surroundings
from pytest_aisec.judge.outcome import Outcome
from pytest_aisec.observe import transcript
from tests.support.signed import HOSTS, SIGNED, forge, seal

pytestmark = pytest.mark.slow


def test_what_nobody_touched_holds(signed):
    for bundle in (signed.bundle, signed.other):
        assert [] == signed.verify(bundle, replay=True)
    run = json.loads((signed.bundle / "run.json").read_text())
    outcomes = [(item["control"][-2:], item["host"], item["outcome"]) for item in run["results"]]
    assert ("02", HOSTS[0], "failed") in outcomes
    assert ("02", HOSTS[1], "passed") in outcomes
    assert {"active", "stale"} == {item["waiver"]["state"] for item in run["results"] if item["waiver"]}
    assert {"attestation.intoto.json", "audit.intoto.json", "manifest.json", "run.json"} < set(signed.files())
    assert {"transcripts/ssh_one.jsonl.gz", "transcripts/ssh_two.jsonl.gz"} < set(signed.files())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_bit_flipped_anywhere_is_found_in_its_file(signed, data):
    name = data.draw(st.sampled_from(signed.files()))
    path = signed.bundle / name
    content = path.read_bytes()
    at = data.draw(st.integers(min_value=0, max_value=len(content) - 1))
    flipped = bytearray(content)
    flipped[at] ^= 1 << data.draw(st.integers(min_value=0, max_value=7))
    path.write_bytes(flipped)
    try:
        problems = signed.verify(signed.bundle)
    finally:
        path.write_bytes(content)
    assert any(problem.startswith(f"{name}: ") for problem in problems)


def test_a_bit_flipped_in_every_file_is_found_in_it(signed, copy):
    for name in signed.files():
        content = (copy / name).read_bytes()
        for at in (0, len(content) // 2, len(content) - 1):
            flipped = bytearray(content)
            flipped[at] ^= 1
            (copy / name).write_bytes(flipped)
            assert any(problem.startswith(f"{name}: ") for problem in signed.verify(copy)), (name, at)
        (copy / name).write_bytes(content)
    assert [] == signed.verify(copy)


def test_a_removed_file_is_named(signed, copy):
    for name in signed.files():
        content = (copy / name).read_bytes()
        (copy / name).unlink()
        problems = signed.verify(copy)
        (copy / name).write_bytes(content)
        assert any(problem.startswith(f"{name}: ") for problem in problems), name


def test_a_removed_line_is_found(signed, copy):
    for name in signed.files():
        content = (copy / name).read_bytes()
        packed = name.endswith(".gz")
        lines = (gzip.decompress(content) if packed else content).splitlines(keepends=True)
        for at in {0, len(lines) // 2, len(lines) - 1}:
            left = b"".join(lines[:at] + lines[at + 1 :])
            (copy / name).write_bytes(gzip.compress(left, mtime=0) if packed else left)
            assert any(problem.startswith(f"{name}: ") for problem in signed.verify(copy)), (name, at)
        (copy / name).write_bytes(content)


@pytest.mark.parametrize(
    "name",
    ["new", ".hidden", "transcripts/three.jsonl", "inputs/waivers/2-mine.yaml", "attestation.sigstore.json"],
)
def test_an_added_file_is_named(signed, copy, name):
    (copy / name).write_text("")
    assert any(problem.startswith(f"{name}: ") for problem in signed.verify(copy))
    seal(copy)
    assert any(problem.startswith(f"{name}: ") for problem in signed.verify(copy, key=None))


@pytest.mark.parametrize("name", ["attestation.intoto.json", "audit.intoto.json"])
def test_a_link_in_the_place_of_a_signature_is_named(signed, copy, name):
    (copy / name).unlink()
    (copy / name).symlink_to(signed.bundle / name)
    assert f"{name}: is a link, and a bundle has plain files only" in signed.verify(copy)


def test_another_key_is_not_the_one_that_signed(signed):
    problems = signed.verify(signed.bundle, key="theirs")
    assert [
        f"{name}: is not signed by the key in {signed.keys['theirs']}, or was changed afterwards"
        for name in SIGNED
    ] == problems


@pytest.mark.parametrize("key", ["ours", None])
def test_signatures_of_another_bundle_by_the_same_key_are_found(signed, copy, key):
    for name in SIGNED:
        shutil.copy(signed.other / name, copy / name)
    assert [f"manifest.json: is not the one that {name} signs" for name in SIGNED] == signed.verify(
        copy, key=key
    )


def test_signatures_in_the_place_of_one_another_are_found(signed, copy):
    first, second = (copy / name for name in SIGNED)
    first.write_bytes(second.read_bytes())
    assert ["attestation.intoto.json: says something else than run.json"] == signed.verify(copy)


def test_signatures_that_were_taken_away_are_missed(signed, copy):
    for name in SIGNED:
        (copy / name).unlink()
    assert "attestation.intoto.json: cannot be read: No such file or directory" in signed.verify(
        copy, key=None
    )


def all_passed(run):
    said = {"reason": "", "message": "", "expected": None, "observed": None, "waiver": None, "findings": ()}
    return replace(run, results=[replace(item, outcome=Outcome.PASSED, **said) for item in run.results])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"subject": "/tmp"}, "do not follow from its values"),
        (
            {"first_seen": "2020-01-01T00:00:00Z"},
            "was first seen in an earlier run, and there is no baseline",
        ),
    ],
)
def test_a_forger_who_changes_a_finding_is_found_without_a_replay(signed, copy, change, said):
    def other(run):
        results = [
            replace(item, findings=[replace(found, **change) for found in item.findings])
            for item in run.results
        ]
        return replace(run, results=results)

    forge(copy, other, unsigned=True)
    (problem,) = signed.verify(copy, key=None)
    assert said in problem


def test_a_forger_who_makes_all_digests_fit_is_found_by_key_and_by_replay(signed, copy):
    forge(copy, all_passed)
    by_key = signed.verify(copy)
    assert [f"manifest.json: is not the one that {name} signs" for name in SIGNED] == by_key
    forge(copy, all_passed, unsigned=True)
    assert [] == signed.verify(copy, key=None)
    assert [
        f"{copy}: is not signed by a key, and the one in {signed.keys['ours']} is asked for"
    ] == signed.verify(copy)
    found = signed.verify(copy, key=None, replay=True)
    line = next(
        number
        for number, text in enumerate((copy / "run.json").read_text().splitlines(), start=1)
        if '"control": "ACME-TST-02"' in text
    )
    where = f"run.json: line {line - 1}: ACME-TST-02 on {HOSTS[0]}"
    proof = "transcripts/ssh_one.jsonl.gz, line 1, 3,"
    assert f'{where}: outcome is "passed", and {proof} gives "failed"' in found
    assert all("ACME-TST-02 on ssh://" in problem or "its waivers" in problem for problem in found)


def test_transcripts_that_were_swapped_are_found(signed, copy):
    one, two = (copy / f"transcripts/ssh_{name}.jsonl.gz" for name in ("one", "two"))
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)
    seal(copy)
    problems = signed.verify(copy, key=None)
    assert "transcripts/ssh_one.jsonl.gz: line 1 does not begin the transcript of ssh://one" in problems
    assert "transcripts/ssh_two.jsonl.gz: line 1 does not begin the transcript of ssh://two" in problems


def swapped(run):
    """Each host's answers under the name of the other."""
    first, second = (run.transcripts[name] for name in HOSTS)
    return {HOSTS[0]: second, HOSTS[1]: first}


def test_transcripts_that_were_swapped_with_all_digests_fitting_are_found_by_replay(signed, copy):
    forge(copy, transcripts=swapped(bundles.read(copy).run), unsigned=True)
    assert [] == signed.verify(copy, key=None)
    problems = signed.verify(copy, key=None, replay=True)
    assert {HOSTS[0], HOSTS[1]} == {
        host for host in HOSTS if any(f" on {host}: outcome" in item for item in problems)
    }


def test_an_edited_answer_with_all_digests_fitting_is_found_by_replay(signed, copy):
    run = bundles.read(copy).run
    lines = [
        replace(line, stdout=line.stdout.replace(b"mode 0644", b"mode 0600"))
        for line in run.transcripts[HOSTS[0]]
    ]
    forge(copy, transcripts={HOSTS[0]: lines, HOSTS[1]: run.transcripts[HOSTS[1]]}, unsigned=True)
    assert [] == signed.verify(copy, key=None)
    problems = signed.verify(copy, key=None, replay=True)
    assert any(f'ACME-TST-02 on {HOSTS[0]}: outcome is "failed"' in problem for problem in problems)


def message_edited(run):
    results = [replace(item, message="Looked at by hand.") if item.message else item for item in run.results]
    return replace(run, results=results)


def test_an_edited_message_with_all_digests_fitting_is_found_by_replay(signed, copy):
    forge(copy, message_edited, unsigned=True)
    assert [] == signed.verify(copy, key=None)
    assert any(
        ': message is "Looked at by hand."' in item for item in signed.verify(copy, key=None, replay=True)
    )


def test_an_edited_plan_is_not_that_of_the_run(signed, copy):
    path = copy / "inputs/plan.json"
    path.write_text(path.read_text().replace('"severity": "high"', '"severity": "low"', 1))
    seal(copy)
    problems = signed.verify(copy, key=None)
    assert "inputs/plan.json: is not the file whose digest run.json has" in problems
    assert "inputs/plan.json: ACME-TST-02 is not planned as run.json says" in problems


def test_an_edited_report_is_found_by_its_line(signed, copy):
    path = copy / "junit.xml"
    text = path.read_text()
    at = text.index("ACME-TST-02")
    path.write_text(text[:at] + "ACME-TST-00" + text[at + 11 :])
    seal(copy)
    line = text[:at].count("\n") + 1
    assert f"junit.xml: line {line} is not what run.json renders to" in signed.verify(copy, key=None)
    path.write_text(text + "<!-- more -->")
    seal(copy)
    assert any(item.startswith("junit.xml: line ") for item in signed.verify(copy, key=None))


def test_an_unknown_field_of_run_json_is_found(signed, copy):
    path = copy / "run.json"
    path.write_text(path.read_text().replace("{\n", '{\n  "approved": true,\n', 1))
    seal(copy)
    assert any(item == "run.json: line 2 is not as it was written" for item in signed.verify(copy, key=None))


def test_a_replay_without_the_controls_says_so(signed):
    found = verify.verify(signed.bundle, replay=Surroundings())
    assert 1 == len(found.problems)
    assert found.problems[0].startswith("its results cannot be made again: ERROR: ")
    assert "unknown control 'ACME-TST-0" in found.problems[0]


def test_a_replay_with_other_controls_names_what_differs(signed, tmp_path):
    pack = Path(shutil.copytree(signed.pack, tmp_path / "pack"))
    path = pack / "controls" / "test_acme_02.py"
    path.write_text(path.read_text().replace('"0600"]', '"0644"]').replace("Mend it.", "Mend this."))
    problems = verify.verify(signed.bundle, replay=Surroundings(paths=[pack])).problems
    assert 'inputs/plan.json: ACME-TST-02: remediation is "Mend it.", here "Mend this."' in problems
    assert any(f'ACME-TST-02 on {HOSTS[0]}: outcome is "failed"' in problem for problem in problems)


def test_a_bundle_that_was_touched_is_not_replayed(signed, copy):
    (copy / "new").write_text("")
    found = verify.verify(copy, replay=Surroundings(paths=[signed.pack]))
    assert ("its files are not those of its manifest, so its results were not made again",) == found.notes


def test_a_chain_is_over_the_lines_before_compression(signed):
    lines = (
        gzip.decompress((signed.bundle / "transcripts/ssh_one.jsonl.gz").read_bytes()).decode().splitlines()
    )
    previous = transcript.genesis(HOSTS[0])
    for line in lines:
        assert previous == json.loads(line)["previous"]
        previous = hashlib.sha256(line.encode()).hexdigest()
    assert 1 < len(lines)
