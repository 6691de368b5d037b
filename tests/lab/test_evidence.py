"""The evidence of a run on real hosts that ends in every way: made again, and read by the programs of others."""

import json
import sys
from collections import Counter
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path

import jsonschema
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from pytest_aisec.report.formats import REPORTS
from pytest_aisec.testing.scenarios import read as read_scenario
from tests.support import forks, readers

PROFILE = """\
id: every-way
title: Every way to end
version: 1.0.0
controls:
  AISEC-ART-03: {}
  AISEC-ART-07: {}
  AISEC-DAT-01: {}
  AISEC-LOG-02: {}
  AISEC-NET-01: {}
  AISEC-SUP-06: {}
"""
WAIVER = """\
- id: {id}
  control: {control}
  hosts: ["{host}"]
  reason: Replaced with the next image.
  approved_by: ciso@example.com
  approved_on: 2026-01-01
  expires: {expires}
"""
ATTESTATION = """\
- {{id: A-1, control: AISEC-ART-07, hosts: ["{host}"], statement: The key is that of our registry., status: passed,
   attested_by: release@example.com, attested_on: 2026-01-01, valid_until: 2999-12-31}}
"""
SIGNED_BY_NOBODY_KNOWN = Path(__file__).parents[1] / "scenarios/AISEC-ART-07/no_key.open.sh"
SET_UP = (
    read_scenario(SIGNED_BY_NOBODY_KNOWN).script
    + """
groupadd -f ai_team; id ai_user >/dev/null 2>&1 || useradd -M -g ai_team -s /usr/sbin/nologin ai_user
mkdir -p /srv/models /mnt/ai_training_data
chown -R ai_user:ai_team /srv/models /mnt/ai_training_data
chmod -R o-rwx /srv/models; chmod 0750 /srv/models; chmod 0700 /mnt/ai_training_data
"""
)


def aisec(*arguments, cwd):
    command = [sys.executable, "-m", "pytest_aisec.cli", *map(str, arguments)]
    return forks.run(command, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def bundle(lab, tmp_path_factory):
    """A signed bundle with passed, failed, waived, expired, error, not applicable, not reviewed and attested."""
    place = tmp_path_factory.mktemp("every-way")
    with lab.enter(), ExitStack() as stack:
        good, bad = (stack.enter_context(host) for host in lab.hosts(2))
        for host in (good, bad):
            host.sh(SET_UP)
        bad.sh("chmod 0755 /srv/models; chmod 0777 /mnt/ai_training_data")
        bad.sh("printf '[global]\\nextra-index-url = http://packages.example.com\\n' > /etc/pip.conf")
        good.sh("rm -r /mnt/ai_training_data")
        dead = f"ssh://root@{lab.dead_address()}"
        waivers = [
            WAIVER.format(id="W-1", control="AISEC-ART-03", host=bad.spec(), expires="2999-12-31"),
            WAIVER.format(id="W-2", control="AISEC-DAT-01", host=bad.spec(), expires="2026-01-02"),
            WAIVER.format(id="W-3", control="AISEC-ART-03", host=good.spec(), expires="2999-12-31"),
            WAIVER.format(id="W-4", control="AISEC-ART-03", host="nowhere", expires="2999-12-31"),
        ]
        (place / "every-way.yaml").write_text(PROFILE)
        (place / "waivers.yaml").write_text("".join(waivers))
        (place / "attestations.yaml").write_text(ATTESTATION.format(host=good.spec()))
        (place / "audit.key").write_bytes(
            Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        done = aisec(
            "run",
            "./every-way.yaml",
            f"--hosts={good.spec()},{bad.spec()},{dead}",
            f"--ssh-config={lab.ssh_config}",
            "--aisec-waivers=waivers.yaml",
            "--aisec-attestations=attestations.yaml",
            "--aisec-connect-timeout=4",
            "--aisec-evidence=evidence",
            "--aisec-sign-key=audit.key",
            cwd=place,
        )
    assert done.returncode == 1, done.stdout + done.stderr
    return place / "evidence"


@pytest.fixture(scope="module")
def ended(bundle):
    """How many results of the run ended in which way, as `run.json` says."""
    results = json.loads((bundle / "run.json").read_text())["results"]
    return Counter(map(way, results))


def way(result):
    """The outcome, or what its waiver or attestation makes of it."""
    waiver = (result["waiver"] or {}).get("state")
    if result["outcome"] == "failed" and waiver:
        return {"active": "waived", "expired": "expired"}[waiver]
    return "attested" if result["attestation"] else result["outcome"]


def test_every_way_to_end_is_in_the_run(bundle, ended) -> None:
    run = json.loads((bundle / "run.json").read_text())
    wanted = {"passed", "failed", "waived", "expired", "error", "not_applicable", "not_reviewed", "attested"}
    assert wanted == {*ended}
    assert ["active", "expired", "stale", "unused"] == [item["state"] for item in run["waivers"]]


def counts(ended, **ways):
    """Return how many results a reader should see as what: what → the ways to end that it is."""
    return {what: sum(ended[each] for each in several.split()) for what, several in ways.items()}


def test_ci_systems_see_what_the_run_says(bundle, ended, jenkins) -> None:
    assert [] == jenkins((bundle / "junit.xml").read_text(encoding="utf-8"))
    expected = counts(
        ended,
        passed="passed attested",
        failure="failed expired",
        error="error",
        skipped="waived not_applicable not_reviewed",
    )
    assert expected == dict(readers.junit_cases(bundle / "junit.xml"))


def test_the_sarif_multitool_sees_what_the_run_says(bundle, ended, multitool, tmp_path) -> None:
    everything = tmp_path / "all.sarif"
    done = aisec("report", bundle, "--format=sarif", "--all", "--to", everything, cwd=tmp_path)
    assert 0 == done.returncode, done.stderr
    schema, found = multitool.schema(), Counter()
    for result in json.loads((bundle / "run.json").read_text())["results"]:
        found[way(result)] += len(result["findings"])
    for log, passes in ((bundle / "results.sarif", 0), (everything, ended["passed"] + ended["attested"])):
        validator = jsonschema.validators.validator_for(schema)(schema)
        assert validator.is_valid(json.loads(log.read_bytes()))
        assert {"SARIF2005"} >= {rule for rule, _ in multitool.objections(log)}
        expected = {
            "Kind == 'Fail' && IsSuppressed == False": found["failed"] + found["expired"],
            "Kind == 'Fail' && IsSuppressed == True": found["waived"],
            "Kind == 'Open'": ended["error"],
            "Kind == 'Review'": ended["not_reviewed"],
            "Kind == 'Pass'": passes,
            "Kind == 'NotApplicable'": ended["not_applicable"] if passes else 0,
        }
        assert expected == {expression: multitool.matching(log, expression) for expression in expected}


def test_heimdall_sees_what_the_run_says(bundle, ended, heimdall) -> None:
    hosts = heimdall(*(bundle / "hdf").iterdir())
    assert 3 == len(hosts)
    seen = [item for controls in hosts.values() for item in controls.values()]
    expected = counts(
        ended,
        **{
            "Passed": "passed attested",
            "Failed": "failed waived expired",
            "Profile Error": "error",
            "Not Applicable": "not_applicable",
            "Not Reviewed": "not_reviewed",
        },
    )
    assert expected == dict(Counter(item["status"] for item in seen))
    assert ended["attested"] == sum(item["attested"] for item in seen)
    excused = {item["waiver"]["expiration_date"] for item in seen if item["waiver"]}
    assert {"2999-12-31", "2026-01-02"} == excused
    (lapsed,) = [item for item in seen if "waiver expired on 2026-01-02" in item["message"]]
    assert "Failed" == lapsed["status"]
    assert not any(0 < item["impact"] < 0.1 for item in seen)


def test_trestle_sees_what_the_run_says(bundle, ended, trestle) -> None:
    read = trestle(bundle / "oscal-assessment-results.json")
    assert read["valid"]
    expected = counts(
        ended, passed="passed attested", failed="failed waived expired", other="error not_reviewed"
    )
    states = Counter((state, reason) for _, state, reason, *_ in read["findings"])
    assert {
        ("satisfied", "pass"): expected["passed"],
        ("not-satisfied", "fail"): expected["failed"],
        ("not-satisfied", "other"): expected["other"],
    } == dict(states)
    approved = [status for *_, risks in read["findings"] for status in risks]
    assert ["deviation-approved"] * ended["waived"] == approved
    assert ["2999-12-31T23:59:59+00:00"] == [deadline for _, deadline, *_ in read["risks"]]
    assert ended["not_applicable"] == sum(bool(host) for host, *_ in read["excluded"])
    assert 3 == len(read["hosts"])
    files = json.loads((bundle / "manifest.json").read_text())["files"]
    assert {path: files[path] for path, _ in read["resources"]} == dict(read["resources"])


def test_in_toto_sees_what_the_run_says(bundle, ended, in_toto) -> None:
    manifest = sha256((bundle / "manifest.json").read_bytes()).hexdigest()
    subjects, result = in_toto(bundle / "attestation.intoto.json")
    assert {"manifest.json": manifest} == subjects
    assert "FAILED" == result["result"]
    assert counts(
        ended, passedTests="passed attested", warnedTests="waived", failedTests="failed expired"
    ) == {name: len(result[name]) for name in ("passedTests", "warnedTests", "failedTests")}
    subjects, audit = in_toto(bundle / "audit.intoto.json")
    assert {"manifest.json": manifest} == subjects
    assert counts(
        ended, error="error", not_applicable="not_applicable", not_reviewed="not_reviewed", not_run=""
    ) == {outcome: len(names) for outcome, names in audit["tests"].items()}
    assert ended.total() == audit["outcomes"]["planned"]


def test_every_report_is_made_again_to_the_byte(bundle, tmp_path) -> None:
    for report in REPORTS:
        again = tmp_path / "again" / report.name
        done = aisec("report", bundle, "--format", report.name, "--to", again, cwd=tmp_path)
        assert (0, "") == (done.returncode, done.stderr)
        where = bundle / report.path
        made = sorted(where.parent.iterdir()) if report.is_per_host else [where]
        found = sorted(again.iterdir()) if report.is_per_host else [again]
        assert [path.read_bytes() for path in made] == [path.read_bytes() for path in found], report.name


def test_the_bundle_holds_and_its_verdicts_are_made_again(bundle, tmp_path) -> None:
    done = aisec("verify", bundle, "--replay", cwd=tmp_path)
    assert 0 == done.returncode, done.stdout
    assert done.stdout.endswith("; its results follow from its transcripts\n")
