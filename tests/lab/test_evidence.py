"""The evidence of a run on real hosts that ends in every way, and its reports made again."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from pytest_aisec.report.formats import REPORTS

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
SIGNED_BY_NOBODY_KNOWN = Path(__file__).parents[1] / "scenarios/AISEC-ART-07/no_key.open.sh"
SET_UP = (
    SIGNED_BY_NOBODY_KNOWN.read_text(encoding="utf-8")
    + """
groupadd -f ai_team; id ai_user >/dev/null 2>&1 || useradd -M -g ai_team -s /usr/sbin/nologin ai_user
mkdir -p /srv/models /mnt/ai_training_data
chown -R ai_user:ai_team /srv/models /mnt/ai_training_data
chmod -R o-rwx /srv/models; chmod 0750 /srv/models; chmod 0700 /mnt/ai_training_data
"""
)


def aisec(*arguments, cwd):
    command = [sys.executable, "-m", "pytest_aisec.cli", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.fixture
def bundle(lab, lab_hosts, tmp_path):
    """A bundle with passed, failed, waived, expired, error, not applicable and not reviewed."""
    good, bad = lab_hosts(2)
    for host in (good, bad):
        host.sh(SET_UP)
    bad.sh("chmod 0755 /srv/models; chmod 0777 /mnt/ai_training_data")
    good.sh("rm -r /mnt/ai_training_data")
    dead = f"ssh://root@{lab.dead_address()}"
    waivers = [
        WAIVER.format(id="W-1", control="AISEC-ART-03", host=bad.spec(), expires="2999-12-31"),
        WAIVER.format(id="W-2", control="AISEC-DAT-01", host=bad.spec(), expires="2026-01-02"),
        WAIVER.format(id="W-3", control="AISEC-ART-03", host=good.spec(), expires="2999-12-31"),
        WAIVER.format(id="W-4", control="AISEC-ART-03", host="nowhere", expires="2999-12-31"),
    ]
    (tmp_path / "every-way.yaml").write_text(PROFILE)
    (tmp_path / "waivers.yaml").write_text("".join(waivers))
    done = aisec(
        "run",
        "./every-way.yaml",
        f"--hosts={good.spec()},{bad.spec()},{dead}",
        f"--ssh-config={lab.ssh_config}",
        "--aisec-waivers=waivers.yaml",
        "--aisec-connect-timeout=4",
        "--aisec-evidence=evidence",
        cwd=tmp_path,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return tmp_path / "evidence"


def test_every_way_to_end_is_in_the_run(bundle) -> None:
    run = json.loads((bundle / "run.json").read_text())
    ways = Counter((item["outcome"], (item["waiver"] or {}).get("state")) for item in run["results"])
    assert {
        ("passed", None),
        ("passed", "stale"),
        ("failed", "active"),
        ("failed", "expired"),
        ("error", None),
        ("not_applicable", None),
        ("not_reviewed", None),
    } <= {*ways}
    assert ["active", "expired", "stale", "unused"] == [item["state"] for item in run["waivers"]]


def test_every_report_is_made_again_to_the_byte(bundle, tmp_path) -> None:
    for report in REPORTS:
        again = tmp_path / "again" / report.name
        done = aisec("report", bundle, "--format", report.name, "--to", again, cwd=tmp_path)
        assert (0, "") == (done.returncode, done.stderr)
        where = bundle / report.path
        made = sorted(where.parent.iterdir()) if report.is_per_host else [where]
        found = sorted(again.iterdir()) if report.is_per_host else [again]
        assert [path.read_bytes() for path in made] == [path.read_bytes() for path in found], report.name


def test_the_bundle_holds(bundle, tmp_path) -> None:
    done = aisec("verify", bundle, cwd=tmp_path)
    assert 0 == done.returncode, done.stdout
