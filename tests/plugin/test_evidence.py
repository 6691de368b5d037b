import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest


def hidden(directory):
    return sorted(path.name for path in directory.iterdir() if path.name.startswith("."))


def test_a_directory_that_is_not_empty_is_refused_and_left_alone(audit, pack, tmp_path):
    pack.control("01", f'host.run("touch {tmp_path}/asked")')
    bundle = tmp_path / "mine"
    bundle.mkdir()
    (bundle / "file").write_text("mine")
    ended = audit(evidence=bundle)
    assert ended.code == 12
    assert "is not an empty directory" in ended.text
    assert "Traceback" not in ended.text
    assert ["mine"] == [path.read_text() for path in bundle.iterdir()]
    assert not (tmp_path / "asked").exists()
    assert [] == hidden(tmp_path)


def test_an_empty_directory_is_taken(audit, pack, tmp_path):
    pack.control("01")
    (tmp_path / "evidence").mkdir()
    assert audit().outcomes == {"01": "passed"}


@pytest.mark.parametrize("place", ["/proc/nowhere/evidence", "/dev/null/evidence", "/dev/null"])
def test_a_place_that_cannot_be_written_is_exit_12_before_anything_is_asked(audit, pack, tmp_path, place):
    pack.control("01", f'host.run("touch {tmp_path}/asked")')
    ended = audit(evidence=place)
    assert ended.code == 12
    assert place in ended.text
    assert "Traceback" not in ended.text
    assert not (tmp_path / "asked").exists()
    assert audit("--aisec-exit=simple", evidence=place).code == 1


@pytest.fixture
def full_disk(tmp_path):
    """A file system of 64 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can mount a small file system")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"mount is refused: {mounted.stderr.decode()}")
    yield place
    subprocess.run(["umount", place], check=True)


def test_a_full_disk_is_exit_12_and_leaves_nothing(audit, pack, full_disk):
    pack.control("01", 'assert host.check_output("head -c 100000 /dev/zero | tr \'\\\\0\' x") != ""')
    ended = audit(evidence=full_disk / "evidence")
    assert ended.code == 12
    assert "NO EVIDENCE" in ended.text
    assert "No space left on device" in " ".join(ended.text.split())
    assert "Traceback" not in ended.text
    assert [] == list(full_disk.iterdir())


SECRETS = ["AKIAIOSFODNN7EXAMPLE", "hf_abcdefghijklmnopqrstuvwxyz01234567", "hunter2-of-the-database"]


@pytest.mark.parametrize(
    "body",
    [
        'assert host.check_output("cat " + path) == ""',
        'assert host.run("cat " + path + "; exit 3").stdout.splitlines() == []',
        'host.run("true"); raise RuntimeError(host.check_output("cat " + path))',
        'host.run("true"); not_applicable(host.check_output("cat " + path))',
        'raise Unobservable("parse", host.check_output("cat " + path))',
        'assert host.check_output("cat " + path + " >&2; cat " + path) == ""',
        'assert host.file(path).content_string == ""',
        'print(host.check_output("cat " + path)); assert host.check_output("echo a") == "b"',
        'host.check_output("cat " + path + "; false")',
    ],
)
def test_credentials_that_a_host_prints_appear_nowhere(audit, pack, tmp_path, body):
    path = tmp_path / "secrets"
    path.write_text(f"key {SECRETS[0]}\ntoken={SECRETS[1]}\nDB_PASSWORD={SECRETS[2]}\n")
    pack.control("01", f'path = "{path}"\n{body}')
    ended = audit("-vv", "--tb=long", "--showlocals", f"--junitxml={tmp_path}/junit.xml")
    assert ended.run["ledger"]["planned"] == 1
    left = [item for item in ended.bundle.rglob("*") if item.is_file()] + [tmp_path / "junit.xml"]
    texts = {"terminal": ended.text, **{item.name: item.read_text(errors="replace") for item in left}}
    assert [] == [(name, secret) for name, text in texts.items() for secret in SECRETS if secret in text]
    assert "«redacted:" in "".join(texts.values())


def test_pytests_own_junit_carries_what_the_control_is(audit, pack, tmp_path):
    pack.control("01", extra='nist_800_53=["AC-3", "AC-6"], owasp_llm=["LLM02:2025"],')
    pack.control("02", '{}["x"]')
    audit(f"--junitxml={tmp_path}/junit.xml")
    cases = ET.parse(tmp_path / "junit.xml").iter("testcase")
    found = [{item.get("name"): item.get("value") for item in case.iter("property")} for case in cases]
    assert found == [
        {
            "aisec.control": "ACME-TST-01",
            "aisec.severity": "high",
            "aisec.nist_800_53": "AC-3 AC-6",
            "aisec.owasp_llm": "LLM02:2025",
            "aisec.outcome": "passed",
            "aisec.reason": "",
        },
        {
            "aisec.control": "ACME-TST-02",
            "aisec.severity": "high",
            "aisec.outcome": "error",
            "aisec.reason": "internal",
        },
    ]


def normal(bundle):
    """The bundle without its times and what is derived from them."""
    texts = {}
    run = json.loads((bundle / "run.json").read_text(encoding="utf-8"))
    derived = [host["transcript_sha256"] for host in run["hosts"]]
    for path in sorted(item for item in bundle.rglob("*") if item.is_file()):
        text = path.read_text(encoding="utf-8")
        for digest in derived:
            text = text.replace(digest, "DIGEST")
        text = re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?( ?UTC|Z|\+00:00)?", "TIME", text)
        text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "ID", text)
        text = re.sub(r'"duration_ms": ?\d+', '"duration_ms": 0', text)
        text = re.sub(r' time="[\d.]+"', "", text)
        text = re.sub(r'"(durationMs|run_time|duration)": [\d.]+', "", text)
        text = re.sub(r"\b\d+ ms\b", "0 ms", text)
        if path.suffix == ".jsonl":
            text = re.sub(r'"[0-9a-f]{64}"', '"HASH"', text)
        if path.suffix == ".html":
            text = re.sub(r"\b[0-9a-f]{64}\b", "HASH", text)
            text = re.sub(r"\b[\d.]+ m?s\b", "DURATION", text)
        if path.suffix == ".csv":
            text = re.sub(r",\d+(?=,[0-9a-f ]*,(?:TIME)?$)", "", text, flags=re.MULTILINE)
        if path.name == "manifest.json":
            text = json.dumps(sorted(json.loads(text)["files"]))
        texts[str(path.relative_to(bundle))] = text
    return texts


def test_two_runs_with_the_same_input_leave_the_same_bundle(audit, pack, tmp_path):
    for number in range(1, 9):
        pack.control(f"{number:02}", f'assert host.check_output("echo {number % 3}; echo x") == "1\\nx"')
    pack.control("10", '{}["x"]')
    pack.control("11", 'host.run("true"); not_applicable("nothing there")')
    # Each in an interpreter with a hash seed of its own.
    first, second, third = (
        normal(audit(*args, evidence=tmp_path / name, new=True).bundle)
        for name, args in {"first": (), "second": (), "third": ("-n", "2")}.items()
    )
    assert first == second
    assert first == third


def test_the_bundle_can_be_verified(audit, pack, pytester):
    pack.control("01")
    bundle = audit().bundle
    aisec = Path(sys.executable).with_name("aisec")
    assert pytester.run(aisec, "verify", bundle).ret == 0
    with (bundle / "run.json").open("a") as stream:
        stream.write(" ")
    assert pytester.run(aisec, "verify", bundle).ret == 1


def modes(bundle):
    return {(path.is_dir(), path.stat().st_mode & 0o7777) for path in (bundle, *bundle.rglob("*"))}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], {(True, 0o700), (False, 0o600)}),
        (["--aisec-evidence-mode=0750"], {(True, 0o750), (False, 0o640)}),
        (["--aisec-evidence-mode=0755"], {(True, 0o755), (False, 0o644)}),
    ],
)
def test_evidence_is_private_whatever_the_umask_is(audit, pack, tmp_path, given, expected):
    """Before: 0755 and 0644, for all on the machine to read what root had read."""
    pack.control("01", f'assert host.run("stat {tmp_path}").rc == 0')
    before = os.umask(0)
    try:
        ended = audit(*given, evidence=tmp_path / "new" / "evidence")
    finally:
        os.umask(before)
    assert (0, expected) == (ended.code, modes(ended.bundle)), ended.text
    assert {mode for is_dir, mode in expected if is_dir} == {ended.bundle.parent.stat().st_mode & 0o7777}


def test_another_evidence_mode_is_a_usage_error(audit, pack):
    pack.control("01")
    ended = audit("--aisec-evidence-mode=0777")
    assert 4 == ended.code
    assert "0700" in ended.text
    assert not ended.bundle.exists()
