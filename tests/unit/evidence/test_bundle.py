from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pytest_aisec.errors import EvidenceError
from pytest_aisec.evidence import bundle, consistency, manifest
from pytest_aisec.judge.gate import decide
from pytest_aisec.judge.run import Run, Verdict

HOSTS = ("ssh://one", "ssh://two")
FILES = [
    "inputs/plan.json",
    "inputs/profiles/1-mine.yaml",
    "run.json",
    "transcripts/ssh_one.jsonl",
    "transcripts/ssh_two.jsonl",
]


def run_json(run: Run, verdict: Verdict) -> str:
    return b"".join(bundle.run_json(run, verdict)).decode()


def test_a_bundle_is_whole_and_holds(written: Path) -> None:
    found = sorted(str(path.relative_to(written)) for path in written.rglob("*") if path.is_file())
    assert found == sorted([*FILES, "manifest.json"])
    assert consistency.check(written) == []


def test_what_was_written_is_read(written: Path, run: Run) -> None:
    found = bundle.read(written)
    assert run_json(found.run, found.verdict) == run_json(run, decide(run))
    assert {host: list(lines) for host, lines in found.run.transcripts.items()} == {
        host: list(lines) for host, lines in run.transcripts.items()
    }


def test_run_json_fits_its_published_schema(run: Run) -> None:
    schema = bundle.json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    data = json.loads(run_json(run, decide(run)))
    jsonschema.validate(data, schema)
    assert set(data) == set(schema["required"])


def test_the_schema_refuses_another_outcome(run: Run) -> None:
    data = json.loads(run_json(run, decide(run)))
    data["results"][0]["outcome"] = "fine"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data, bundle.json_schema())


@pytest.mark.parametrize("name", FILES)
def test_a_changed_file_is_named(written: Path, name: str) -> None:
    with (written / name).open("ab") as stream:
        stream.write(b" \n")
    assert f"{name}: has been changed" in consistency.check(written)


@pytest.mark.parametrize("name", FILES)
def test_a_removed_file_is_named(written: Path, name: str) -> None:
    (written / name).unlink()
    assert f"{name}: is missing" in consistency.check(written)


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_became_something_else_is_named(written: Path, name: str) -> None:
    (written / name).unlink()
    (written / name).mkdir()
    assert f"{name}: is missing" in consistency.check(written)


@pytest.mark.parametrize("name", ["new.txt", "transcripts/new.jsonl", ".hidden", "inputs/new/deep.txt"])
def test_an_added_file_is_named(written: Path, name: str) -> None:
    (written / name).parent.mkdir(exist_ok=True)
    (written / name).write_text("")
    problems = consistency.check(written)
    assert f"{name}: is not in the manifest" == problems[0]
    assert {name} == {problem.partition(":")[0] for problem in problems}


def test_an_added_link_is_named_wherever_it_leads(written: Path) -> None:
    for name, target in {"a": "/etc/passwd", "b": "/nowhere", "c": "."}.items():
        (written / name).symlink_to(target)
    problems = consistency.check(written)
    assert {f"{name}: is a link, and a bundle has plain files only" for name in "abc"} == set(problems)


def test_a_file_that_cannot_be_read_is_one_sentence(written: Path) -> None:
    (written / "run.json").unlink()
    (written / "run.json").symlink_to("/nowhere")
    assert any(problem.startswith("run.json: ") for problem in consistency.check(written))


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"files": []}', '{"files": {"a": 1}}', "\x00"])
def test_a_manifest_that_is_none_is_named(written: Path, text: str) -> None:
    (written / "manifest.json").write_text(text)
    assert consistency.check(written)


def test_a_missing_manifest_is_named(written: Path) -> None:
    (written / "manifest.json").unlink()
    assert consistency.check(written) == ["manifest.json: is missing"]


def forge(directory: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change run.json and make the manifest fit again, as a forger would."""
    path = directory / "run.json"
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n")
    reseal(directory)


def reseal(directory: Path) -> None:
    at = directory / manifest.NAME
    listing = json.loads(at.read_text())
    listing["files"] = {
        name: hashlib.sha256((directory / name).read_bytes()).hexdigest() for name in listing["files"]
    }
    at.write_text(manifest.render(listing["files"]))


def outcome_edited(data: dict[str, Any]) -> None:
    data["results"][1]["outcome"] = "passed"


def ledger_edited(data: dict[str, Any]) -> None:
    data["ledger"].update(passed=2, failed=0)


def verdict_edited(data: dict[str, Any]) -> None:
    data["verdict"].update(gate="passed", exit_code=0)


def exit_code_edited(data: dict[str, Any]) -> None:
    data["verdict"].update(exit_code=0)


def score_edited(data: dict[str, Any]) -> None:
    data["scores"].update(without_waivers=1.0)


def result_removed(data: dict[str, Any]) -> None:
    del data["results"][1]
    data["ledger"].update(planned=1, failed=0)
    data["scores"].update(without_waivers=1.0, with_waivers=1.0)


def result_repeated(data: dict[str, Any]) -> None:
    data["results"][1] = data["results"][0]
    data["ledger"].update(passed=2, failed=0)


def lines_miscounted(data: dict[str, Any]) -> None:
    data["hosts"][0]["observations"] = 1


def transcript_elsewhere(data: dict[str, Any]) -> None:
    data["hosts"][0]["transcript"] = "../../elsewhere.jsonl"


def observation_absent(data: dict[str, Any]) -> None:
    data["results"][0]["observations"] = [3]


@pytest.mark.parametrize(
    "change",
    [
        outcome_edited,
        ledger_edited,
        verdict_edited,
        exit_code_edited,
        score_edited,
        result_removed,
        result_repeated,
        lines_miscounted,
        transcript_elsewhere,
        observation_absent,
    ],
)
def test_an_edit_with_a_fitting_manifest_is_still_found(
    written: Path, change: Callable[[dict[str, Any]], None]
) -> None:
    forge(written, change)
    assert consistency.check(written)


def test_an_edited_transcript_with_a_fitting_manifest_is_still_found(written: Path) -> None:
    path = written / "transcripts/ssh_one.jsonl"
    first, second = path.read_text().splitlines(keepends=True)
    path.write_text(first.replace('"true"', '"false"') + second)
    reseal(written)
    assert consistency.check(written) == [
        "transcripts/ssh_one.jsonl: line 2 does not follow from the line before it"
    ]


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", "{", '{"verdict": null}', "\x00"])
def test_a_run_json_that_is_no_run_is_one_sentence(written: Path, text: str) -> None:
    (written / "run.json").write_text(text)
    with pytest.raises(EvidenceError, match=r"run\.json: is not a run: "):
        bundle.read(written)


@pytest.mark.parametrize("name", ["run.json", "transcripts/ssh_one.jsonl", "manifest.json"])
def test_a_file_that_is_not_utf8_is_one_sentence(written: Path, name: str) -> None:
    (written / name).write_bytes(b"\xff\n")
    assert any(problem.startswith(name) or f"/{name}" in problem for problem in consistency.check(written))


def test_no_directory_is_no_bundle(tmp_path: Path) -> None:
    assert consistency.check(tmp_path / "absent") == [f"{tmp_path}/absent: is not a directory"]
