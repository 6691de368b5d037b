from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from pytest_aisec.catalog.content import content_roots
from pytest_aisec.catalog.load import load_catalog
from pytest_aisec.report.controls import as_text, entries


def test_a_new_control_is_written_with_scenarios_that_fail(typed: Any, tmp_path: Path) -> None:
    done = typed("new", "control", "EX-CKP-01", "--path", tmp_path)
    control = tmp_path / "controls/ckp/test_ex_ckp_01.py"
    scenarios = sorted((tmp_path / "tests/scenarios/EX-CKP-01").iterdir())
    assert done.returncode == 0
    unit_test = tmp_path / "tests/test_ex_ckp_01_answers.py"
    assert sorted(done.stdout.splitlines()) == sorted(map(str, [control, unit_test, *scenarios]))
    names = ["absent.na.sh", "as_required.pass.sh", "may_not_look.error.sh", "violated.fail.sh"]
    assert names == [path.name for path in scenarios]
    for path in scenarios:
        ran = subprocess.run(["sh", str(path)], capture_output=True, text=True, check=False)
        assert (ran.returncode, ran.stderr) == (1, "EX-CKP-01: this scenario is not written yet\n")
    assert "EX-CKP-01" in typed("controls", "--path", tmp_path).stdout


def test_a_new_control_does_not_pass_until_it_is_written(aisec: Any, typed: Any, tmp_path: Path) -> None:
    typed("new", "control", "EX-CKP-01", "--path", tmp_path)
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles/mine.yaml").write_text(
        "id: mine\ntitle: Mine\nversion: 1.0.0\ncontrols: {EX-CKP-01: {params: {directory: /}}}\n"
    )
    done = aisec("run", "mine", "--aisec-path", tmp_path, "--aisec-evidence", tmp_path / "evidence")
    (result,) = json.loads((tmp_path / "evidence/run.json").read_text())["results"]
    assert (done.returncode, result["outcome"], result["reason"]) == (10, "error", "internal")
    assert "is not written yet" in result["message"]


def test_a_malformed_or_taken_id_and_a_missing_place_write_nothing(typed: Any, tmp_path: Path) -> None:
    for id_, path, expected in [
        ("ckp-1", tmp_path, "'ckp-1' is no control id"),
        ("AISEC-ART-03", tmp_path, "AISEC-ART-03 is already at"),
        ("EX-CKP-01", tmp_path / "nowhere", "there is no such directory"),
    ]:
        done = typed("new", "control", id_, "--path", path)
        assert (done.returncode, done.stdout) == (4, "")
        assert expected in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_not_overwritten(typed: Any, tmp_path: Path) -> None:
    mine = tmp_path / "tests/scenarios/EX-CKP-01/absent.na.sh"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    done = typed("new", "control", "EX-CKP-01", "--path", tmp_path)
    assert (done.returncode, mine.read_text()) == (4, "mine")
    assert not (tmp_path / "controls").exists()


def test_the_catalog_is_one_json_line_a_control_with_every_field(typed: Any) -> None:
    lines = [json.loads(line) for line in typed("catalog").stdout.splitlines()]
    assert [item["id"] for item in lines] == sorted({item["id"] for item in lines})
    optional = {"parameters", "sends", "scenarios", "proven", "remediation_is_words"}
    empty = {
        item["id"]: sorted(name for name, value in item.items() if not value and name not in optional)
        for item in lines
    }
    assert {} == {name: fields for name, fields in empty.items() if fields}


def test_what_is_sent_only_with_active_is_in_the_catalog(typed: Any) -> None:
    lines = [json.loads(line) for line in typed("catalog").stdout.splitlines()]
    sent = {item["id"]: "\n".join(item["sends"]) for item in lines if item["sends"]}
    assert {"AISEC-API-01", "AISEC-API-02", "AISEC-API-05", "AISEC-API-10", "AISEC-MDL-01"} <= set(sent)
    assert "/v1/chat/completions" in sent["AISEC-API-01"]
    assert "/api/jobs/" in sent["AISEC-API-02"]


def test_the_text_about_each_control_says_everything() -> None:
    roots = content_roots([])
    silent = {}
    for entry in entries(load_catalog(roots), roots):
        text = as_text(entry, width=1000)
        lines = text.splitlines()
        heads = ["Parameters", "Requirements to which it contributes", "Remediation"]
        heads += ["Runs on the host, depending on what it finds"]
        wanted = [
            f"  {entry.title}",
            f"  {entry.remediation}".rstrip(),
            *(f"  $ {a.split(chr(10))[0]}" for a in entry.asks),
        ]
        wanted += [
            f"  {one['name']}: {one['type']} = {json.dumps(one['default'], ensure_ascii=False)}"
            for one in entry.parameters
        ]
        missing = [head for head in heads if head not in lines]
        missing += [line for line in wanted if line not in lines]
        missing += [one for ids in entry.frameworks.values() for one in ids if one not in text]
        missing += [] if " ".join(entry.rationale.split()) in text else ["rationale"]
        missing += [] if any(line.startswith(("Proven ", "Scenarios, ")) for line in lines) else ["scenarios"]
        if missing:
            silent[entry.id] = missing
    assert {} == silent


def test_explain_tells_a_person_all_about_a_control(typed: Any, content: Any) -> None:
    done = typed("explain", "AISEC-ART-03")
    assert done.returncode == 0
    for expected in (
        "critical",
        "training-node",
        'model_dirs: list[str] = ["/srv/models"]',
        "AC-6",
        "chown -R",
    ):
        assert expected in done.stdout
    unknown = typed("explain", "AISEC-ART-99")
    assert (unknown.returncode, unknown.stdout) == (4, "")
    assert "unknown control 'AISEC-ART-99'" in unknown.stderr


def test_pages_are_written_into_a_directory(typed: Any, tmp_path: Path) -> None:
    done = typed("catalog", "--format", "md", "--to", tmp_path / "pages")
    assert (done.returncode, done.stdout) == (0, "")
    index = (tmp_path / "pages/README.md").read_text()
    assert "[AISEC-ART-03](art.md#aisec-art-03)" in index
    assert "| AC-6 |" in index
    assert "## AISEC-ART-03" in (tmp_path / "pages/art.md").read_text()


def test_pages_that_cannot_be_written_are_a_usage_error(typed: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for arguments in (["--to", tmp_path], ["--format", "md", "--to", tmp_path / "file"]):
        done = typed("catalog", *arguments)
        assert (done.returncode, done.stdout) == (4, "")
