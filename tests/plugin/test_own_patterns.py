"""Patterns of one's own for credentials: --aisec-redact."""

import json
import subprocess
import sys

import pytest

from tests.support import forks

pytestmark = pytest.mark.slow

SECRET = "acme_0123456789abcdef0123456789abcdef"
FILE = "- kind: acme-token\n  pattern: 'acme_[0-9a-f]{32}'\n"

WRONG = {
    "bad expression": (FILE + "- kind: other\n  pattern: 'acme_['\n", "redact.yaml:4"),
    "empty string": ("- kind: other\n  pattern: '[0-9]*'\n", "redact.yaml:2"),
    "too little": ("- kind: other\n  pattern: '[0-9]+'\n", "redact.yaml:2"),
    "endless": ("- kind: other\n  pattern: 'acme_(?:[a-z]+)+x'\n", "redact.yaml:2"),
    "endless alternatives": ("- kind: other\n  pattern: 'acme_(?:ab|abab)+x'\n", "redact.yaml:2"),
    "duplicate kind": (FILE + FILE, "redact.yaml:3"),
    "kind of ours": ("- kind: huggingface\n  pattern: 'acme_x'\n", "redact.yaml:1"),
    "wrong kind": ("- kind: 'Acme Token'\n  pattern: 'acme_x'\n", "redact.yaml:1"),
    "unknown key": (FILE.replace("pattern", "patern"), "redact.yaml:2"),
    "missing key": ("- kind: other\n", "redact.yaml:1"),
    "no list": ("kind: other\npattern: acme_x\n", "redact.yaml:1"),
    "empty list": ("[]\n", "redact.yaml:1"),
    "not YAML": ("- kind: [\n", "redact.yaml:"),
}


@pytest.fixture
def redact(tmp_path):
    path = tmp_path / "redact.yaml"
    path.write_text(FILE)
    return path


@pytest.fixture
def leaking(pack, tmp_path):
    """A control that shows the secret, also by its question."""
    (tmp_path / "answer").write_text(f"{SECRET}\nnext\n")
    pack.control(
        "01",
        f'host.run("true # %s", note); assert host.check_output("cat {tmp_path}/answer") == note',
        params=f'note: str = "{SECRET}"',
    )


def shown(ended):
    texts = [ended.text, *(item.read_text() for item in ended.bundle.rglob("*") if item.is_file())]
    return [text for text in texts if SECRET in text]


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_file_is_refused_with_its_line_before_a_host_is_asked(audit, pack, redact, name):
    pack.control("01", f'host.run("touch {pack.path}/asked")')
    text, where = WRONG[name]
    redact.write_text(text)
    ended = audit(f"--aisec-redact={redact}")
    assert (4, False) == (ended.code, "Traceback" in ended.text)
    assert where in ended.text
    assert not (pack.path / "asked").exists()
    assert not ended.bundle.exists()


def test_a_file_that_is_not_there_is_refused(audit, pack, tmp_path):
    pack.control("01")
    ended = audit(f"--aisec-redact={tmp_path}/nowhere.yaml")
    assert 4 == ended.code
    assert "nowhere.yaml: cannot be read" in ended.text


@pytest.mark.parametrize("more", [(), ("-n", "2"), ("--aisec-no-waves",)], ids=["plain", "xdist", "no-waves"])
def test_what_a_pattern_finds_leaves_neither_run_nor_replay(audit, leaking, redact, tmp_path, more):
    ended = audit(f"--aisec-redact={redact}", "--tb=long", *more)
    assert [] == shown(ended)
    transcript = (ended.bundle / "transcripts" / "local.jsonl").read_text()
    assert "«redacted:acme-token:" in transcript
    assert "\\nnext" in transcript
    assert FILE == (ended.bundle / "inputs" / "redact" / "1-redact.yaml").read_text()
    again = audit(f"--aisec-replay={ended.bundle}", *more[:2], evidence=tmp_path / "again")
    assert [] == shown(again)
    assert {"01": "failed"} == ended.outcomes == again.outcomes
    assert FILE == (again.bundle / "inputs" / "redact" / "1-redact.yaml").read_text()


def test_without_the_pattern_the_secret_is_shown_and_a_replay_can_still_redact_it(
    audit, leaking, redact, tmp_path
):
    ended = audit()
    assert shown(ended)
    again = audit(f"--aisec-replay={ended.bundle}", f"--aisec-redact={redact}", evidence=tmp_path / "again")
    assert [] == shown(again)
    assert {"01": "failed"} == again.outcomes


def test_a_password_that_is_a_pattern_itself_is_not_in_the_bundle(audit, leaking, redact, tmp_path):
    redact.write_text(f"- kind: literal\n  pattern: '{SECRET}'\n")
    ended = audit(f"--aisec-redact={redact}")
    assert [] == shown(ended)
    again = audit(f"--aisec-replay={ended.bundle}", f"--aisec-redact={redact}", evidence=tmp_path / "again")
    assert [] == shown(again)
    assert {"01": "failed"} == again.outcomes


def test_the_group_s_is_what_is_redacted(audit, leaking, redact):
    redact.write_text("- kind: part\n  pattern: 'acme_(?P<s>[0-9a-f]{32})'\n")
    ended = audit(f"--aisec-redact={redact}")
    assert "acme_«redacted:part:" in (ended.bundle / "transcripts" / "local.jsonl").read_text()


def test_collect_and_import_redact_too(pack, redact, tmp_path):
    # A question that holds a credential is not learned, so that no script could ask it.
    (tmp_path / "answer").write_text(f"{SECRET}\nnext\n")
    pack.control("01", f'assert host.check_output("cat {tmp_path}/answer") == ""')

    def aisec(*arguments):
        path = f"--aisec-path={pack.path}"
        argv = [sys.executable, "-m", "pytest_aisec.cli", *map(str, arguments), path]
        return forks.run(argv, capture_output=True, text=True, timeout=120, cwd=tmp_path)

    cache = f"--aisec-cache={tmp_path}/cache"
    done = aisec(
        "collect", "acme", f"--aisec-redact={redact}", f"--aisec-evidence={tmp_path}/collected", cache
    )
    assert 0 == done.returncode, done.stdout
    assert SECRET not in (tmp_path / "collected" / "transcripts" / "local.jsonl").read_text()
    script = tmp_path / "script"
    made = aisec("collect-script", "acme", cache)
    script.write_text(made.stdout)
    assert 0 == made.returncode, made.stderr
    printed = tmp_path / "printed"
    printed.write_bytes(subprocess.run(["sh", script], capture_output=True, check=True).stdout)
    imported = tmp_path / "imported"
    aisec("import", "acme", printed, f"--aisec-redact={redact}", f"--aisec-evidence={imported}")
    (transcript,) = (imported / "transcripts").iterdir()
    text = transcript.read_text()
    assert "«redacted:acme-token:" in text
    assert SECRET not in text
    assert ["cat " + str(tmp_path / "answer")] == [
        command for line in text.splitlines() if (command := json.loads(line)["command"]).startswith("cat")
    ]
