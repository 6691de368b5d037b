"""Groups of real hosts, each with its own profile, in one run; and what every report counts of it."""

import json
import re
import shutil
import sys
from collections import Counter
from contextlib import ExitStack

import pytest
from lxml import html

from tests.lab.test_evidence import ATTESTATION, SET_UP, WAIVER, way
from tests.support import forks, readers

SETTINGS = """\
name = "three-kinds"
title = "Three kinds of machines"
waivers = ["waivers.yaml"]
attestations = ["attestations.yaml"]
evidence = "evidence"
ssh_config = "{ssh_config}"

[groups.storage]
profile = "storage.yaml"
hosts = ["{hosts[0]}", "{hosts[1]}"]

[groups.serving]
profile = "serving.yaml"
hosts = ["{hosts[2]}"]
params = {{ model_dirs = ["/srv/other"] }}

[groups.any]
profile = "linux-base"
hosts = ["{hosts[3]}"]
"""
STORAGE = """\
id: storage
title: Where data and weights lie
version: 1.0.0
controls: {AISEC-ART-03: {}, AISEC-DAT-01: {}, AISEC-ART-07: {}}
"""
SERVING = """\
id: serving
title: Where models are served
version: 2.0.0
controls: {AISEC-ART-03: {severity: low}, AISEC-NET-01: {}}
"""


@pytest.fixture(scope="module")
def fleet(lab, tmp_path_factory):
    """Four hosts in three groups; waivers that are active, expired, stale and unused, and an attestation."""
    place = tmp_path_factory.mktemp("fleet")

    def aisec(*arguments):
        command = [sys.executable, "-m", "pytest_aisec.cli", *map(str, arguments)]
        return forks.run(
            command, cwd=place, capture_output=True, text=True, check=False, env=readers.plain_terminal()
        )

    with lab.enter(), ExitStack() as stack:
        hosts = [stack.enter_context(host) for host in lab.hosts(4)]
        for host in hosts[:3]:
            host.sh(SET_UP)
        hosts[1].sh("chmod 0755 /srv/models; chmod 0777 /mnt/ai_training_data")
        hosts[2].sh("mkdir /srv/other; chown ai_user:ai_team /srv/other; chmod 0750 /srv/other")
        names = [host.spec() for host in hosts]
        waivers = [
            WAIVER.format(id="W-1", control="AISEC-ART-03", host=names[1], expires="2999-12-31"),
            WAIVER.format(id="W-2", control="AISEC-DAT-01", host=names[1], expires="2026-01-02"),
            WAIVER.format(id="W-3", control="AISEC-ART-03", host=names[2], expires="2999-12-31"),
            WAIVER.format(id="W-4", control="AISEC-NET-01", host=names[3], expires="2999-12-31"),
        ]
        (place / "aisec.toml").write_text(SETTINGS.format(hosts=names, ssh_config=lab.ssh_config))
        (place / "storage.yaml").write_text(STORAGE)
        (place / "serving.yaml").write_text(SERVING)
        (place / "waivers.yaml").write_text("".join(waivers))
        (place / "attestations.yaml").write_text(ATTESTATION.format(host=names[0]))
        done = aisec("run")
    assert (place / "evidence").is_dir(), done.stdout + done.stderr
    (bundle,) = (place / "evidence").iterdir()
    return done, bundle, names, aisec


@pytest.fixture(scope="module")
def run(fleet):
    return json.loads((fleet[1] / "run.json").read_text())


@pytest.fixture(scope="module")
def ended(run):
    """How many results ended in which way."""
    return Counter(map(way, run["results"]))


def test_each_host_is_judged_by_the_profile_of_its_group(fleet, run) -> None:
    done, _, names, _ = fleet
    assert 1 == done.returncode, done.stdout + done.stderr
    planned = {name: {item["control"] for item in run["results"] if item["host"] == name} for name in names}
    assert {"AISEC-ART-03", "AISEC-DAT-01", "AISEC-ART-07"} == planned[names[0]] == planned[names[1]]
    assert {"AISEC-ART-03", "AISEC-NET-01"} == planned[names[2]]
    assert planned[names[3]] > {"AISEC-HST-01", "AISEC-NET-05"}
    severities = {
        item["host"]: item["severity"] for item in run["results"] if item["control"] == "AISEC-ART-03"
    }
    assert {names[0]: "critical", names[1]: "critical", names[2]: "low"} == severities
    assert run["ledger"]["planned"] == len(run["results"]) == sum(map(len, planned.values()))
    states = {item["id"]: item["state"] for item in run["waivers"]}
    assert {"W-1": "active", "W-2": "expired", "W-3": "stale", "W-4": "unused"} == states
    assert ["active"] == [item["state"] for item in run["attestations"]]


def numbers(run, ended):
    """What every report should say: planned, the outcomes, and the waived."""
    keys = ("planned", "passed", "failed", "error", "not_applicable", "not_reviewed", "not_run")
    return {**{key: run["ledger"][key] for key in keys}, "waived": ended["waived"]}


def things(run, *, waived):
    """How many things failed results name, of those that a waiver excuses or of the others."""
    failed = [item for item in run["results"] if item["outcome"] == "failed"]
    states = [(item["waiver"] or {}).get("state") for item in failed]
    assert {"active", "expired", None} == {*states}
    named = [max(1, len(item["findings"])) for item in failed]
    return sum(number for number, state in zip(named, states, strict=True) if (state == "active") == waived)


STATES = Counter({"active": 1, "expired": 1, "stale": 1, "unused": 1})


def test_terminal_html_and_markdown_agree_on_every_count(fleet, run, ended) -> None:
    done, bundle, _, _ = fleet
    expected = numbers(run, ended)
    assert expected["waived"] == 1
    assert {"failed", "waived", "expired", "passed", "attested"} <= {*ended}

    said = re.sub(r"\s+", " ", done.stdout)
    words = re.search(r"ledger: (\d+) planned = (.*?) score:", said)
    seen = {
        key.replace(" ", "_"): int(number)
        for number, key in re.findall(r"(\d+) ([a-z ]+?)(?= [+(]|$)", words[2])
    }
    assert int(words[1]) == expected["planned"]
    assert {
        key: value for key, value in expected.items() if value and key not in {"planned", "waived"}
    } == seen
    assert f"{expected['waived']} waived" in said
    for state in STATES:
        assert re.search(rf"\b1 {state}\b", said), said

    page = html.parse(str(bundle / "report.html"))
    cells = [cell.text_content() for cell in page.xpath("//table[@class='ledger']/tbody/tr/td")]
    assert [str(expected["planned"]), str(expected["passed"])] == cells[:2]
    assert f"{expected['failed']} ({expected['waived']} waived)" == cells[2]
    assert [str(expected[key]) for key in ("error", "not_applicable", "not_reviewed", "not_run")] == cells[3:]
    listed = [item.text_content().split(":")[0] for item in page.xpath("//ul[@class='states']/li")]
    assert [*(f"1 {state}" for state in STATES), "1 active"] == listed

    text = (bundle / "summary.md").read_text()
    row = re.search(r"\| planned .*\n\|.*\n\| (.*) \|\n", text)[1].split(" | ")
    assert cells == row
    assert "## Waivers: 1 active, 1 expired, 1 stale, 1 unused" in text
    assert "## Attestations: 1 active" in text


def test_junit_and_sarif_agree_with_them(fleet, run, ended, tmp_path) -> None:
    _, bundle, _, aisec = fleet
    expected = numbers(run, ended)
    seen = readers.junit_cases(bundle / "junit.xml")
    assert {
        "passed": expected["passed"],
        "failure": expected["failed"] - expected["waived"],
        "error": expected["error"] + expected["not_run"],
        "skipped": expected["waived"] + expected["not_applicable"] + expected["not_reviewed"],
    } == {key: seen[key] for key in ("passed", "failure", "error", "skipped")}

    everything = tmp_path / "all.sarif"
    done = aisec("report", bundle, "--format=sarif", "--all", "--to", everything)
    assert 0 == done.returncode, done.stderr
    (log,) = json.loads(everything.read_text())["runs"]
    kinds = Counter(item["kind"] for item in log["results"])
    found = {is_waived: things(run, waived=is_waived) for is_waived in (True, False)}
    assert {
        "pass": expected["passed"],
        "fail": sum(found.values()),
        "open": expected["error"] + expected["not_run"],
        "notApplicable": expected["not_applicable"],
        "review": expected["not_reviewed"],
    } == {key: kinds[key] for key in ("pass", "fail", "open", "notApplicable", "review")}
    accepted = [
        item
        for item in log["results"]
        for each in item.get("suppressions", [])
        if each["status"] == "accepted"
    ]
    assert found[True] == sum(item["kind"] == "fail" for item in accepted)


def test_the_bundle_holds_and_its_verdicts_follow(fleet) -> None:
    _, bundle, _, aisec = fleet
    done = aisec("verify", bundle, "--replay")
    assert 0 == done.returncode, done.stdout + done.stderr


def test_groups_may_be_those_of_an_ansible_inventory(lab, tmp_path, monkeypatch) -> None:
    if shutil.which("ansible-inventory") is None:
        pytest.skip("there is no Ansible")
    monkeypatch.setenv("ANSIBLE_LOCAL_TEMP", str(tmp_path / "ansible"))
    common = f"-F {lab.ssh_config}"
    with lab.enter(), ExitStack() as stack:
        hosts = [stack.enter_context(host) for host in lab.hosts(3)]
        lines = [
            f"n{number} ansible_host={host.address} ansible_user=root ansible_ssh_common_args='{common}'"
            for number, host in enumerate(hosts)
        ]
        (tmp_path / "hosts.ini").write_text("\n".join(["[gpu]", *lines[:2], "[llm]", lines[2], ""]))
        (tmp_path / "one.yaml").write_text(
            "id: one\ntitle: One\nversion: '1'\ncontrols: {AISEC-HST-01: {}}\n"
        )
        (tmp_path / "two.yaml").write_text(
            "id: two\ntitle: Two\nversion: '1'\ncontrols: {AISEC-HST-02: {}}\n"
        )
        (tmp_path / "aisec.toml").write_text(
            'inventory = "hosts.ini"\nevidence = "evidence"\n'
            '[groups.gpu]\nprofile = "one.yaml"\nhosts = ["ansible://gpu"]\n'
            '[groups.llm]\nprofile = "two.yaml"\nhosts = ["ansible://llm"]\n'
        )
        done = forks.run(
            [sys.executable, "-m", "pytest_aisec.cli", "run"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    (bundle,) = (tmp_path / "evidence").iterdir()
    run = json.loads((bundle / "run.json").read_text())
    assert {"ansible://n0": "gpu", "ansible://n1": "gpu", "ansible://n2": "llm"} == {
        host["name"]: host["group"] for host in run["hosts"]
    }
    assert [
        ("ansible://n0", "AISEC-HST-01"),
        ("ansible://n1", "AISEC-HST-01"),
        ("ansible://n2", "AISEC-HST-02"),
    ] == [(item["host"], item["control"]) for item in run["results"]]
    assert {item["outcome"] for item in run["results"]} <= {"passed", "failed", "not_applicable"}
