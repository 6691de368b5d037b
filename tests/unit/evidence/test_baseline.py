"""An earlier run, read to be compared with."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from pytest_aisec.errors import UsageProblem
from pytest_aisec.evidence import baseline, bundle, files, manifest
from pytest_aisec.judge.compare import compare
from pytest_aisec.judge.findings import attach, identify
from pytest_aisec.judge.gate import decide
from pytest_aisec.judge.run import Run
from tests.support.compared import run

OLD = run({(1, "a"): "failed", (1, "b"): "passed", (2, "a"): "waived", (2, "b"): "error"})
RUN = attach(OLD)


def written(directory: Path, one: Run = RUN, *, with_manifest: bool = True) -> Path:
    """Write what a baseline needs of a bundle: no transcripts."""
    directory.mkdir(exist_ok=True)
    content = b"".join(bundle.run_json(one, decide(one)))
    (directory / "run.json").write_bytes(content)
    if with_manifest:
        digests = {"run.json": hashlib.sha256(content).hexdigest(), "transcripts/gone.jsonl": "00"}
        (directory / manifest.NAME).write_text(manifest.render(digests))
    return directory


def plain(value: Any) -> str:
    """Return a dataclass as JSON: files have lists where programs have tuples."""
    return json.dumps(asdict(value), default=str)


@pytest.mark.parametrize("name", ["", "run.json"])
def test_a_bundle_or_its_run_json_is_read_without_transcripts(tmp_path: Path, name: str) -> None:
    directory = written(tmp_path / "evidence")
    found = baseline.read(directory / name)
    assert hashlib.sha256((directory / "run.json").read_bytes()).hexdigest() == found.sha256
    assert plain(replace(RUN, transcripts={})) == plain(found.run)


def test_a_directory_with_run_json_alone_does(tmp_path: Path) -> None:
    directory = written(tmp_path / "evidence", with_manifest=False)
    assert RUN.results == baseline.read(directory).run.results


def test_what_failed_before_there_were_findings_is_as_old_as_the_baseline(tmp_path: Path) -> None:
    wrong = {"observed": {"/srv/a": "0777"}, "expected": {}}
    results = [replace(item, **wrong) if item.host == "a" else item for item in OLD.results]
    found = baseline.read(written(tmp_path / "evidence", replace(OLD, results=results))).run
    assert {
        (identify(item.control, "a", "/srv/a"), OLD.run.started_at)
        for item in OLD.results
        if item.host == "a"
    } == {(item.id, item.first_seen) for result in found.results for item in result.findings}


def test_a_comparison_survives_being_written_and_read(tmp_path: Path) -> None:
    one = replace(RUN, comparison=compare(run({(1, "a"): "passed"}), RUN, sha256="ab"))
    read = baseline.read(written(tmp_path / "evidence", one)).run
    assert plain(one.comparison) == plain(read.comparison)
    assert decide(one) == decide(read)
    assert 1 == decide(read).exit_code


def changed(**changes: Any) -> Any:
    def change(data: dict[str, Any]) -> str:
        return json.dumps({**data, **changes})

    return change


WRONG: dict[str, tuple[Any, str]] = {
    "no JSON": (lambda data: "{", "is not a run"),
    "nothing": (lambda data: "", "is not a run"),
    "a list": (lambda data: "[]", "is not a run"),
    "deep": (lambda data: "[" * 200_000, "is not a run"),
    "no UTF-8": (lambda data: "\udcff", "is not a run"),
    "no verdict": (
        lambda data: json.dumps({k: v for k, v in data.items() if k != "verdict"}),
        "is not a run",
    ),
    "other type": (changed(results=3), "is not a run"),
    "later schema": (
        changed(schema_version="2.0"),
        'is of a newer version: schema_version is "2.0", and this program reads 1.0',
    ),
    "later minor schema": (changed(schema_version="1.7", what_is_new=1), "is of a newer version"),
    "no schema": (
        lambda data: json.dumps({k: v for k, v in data.items() if k != "schema_version"}),
        "is not a run: it has no schema_version",
    ),
    "schema that is a number": (
        changed(schema_version=1.0),
        "is not a run: schema_version is 1.0, and this program reads 1.0",
    ),
    "result missing": (
        lambda data: json.dumps({**data, "results": data["results"][1:]}),
        "exactly one result",
    ),
    "result twice": (
        lambda data: json.dumps({**data, "results": [*data["results"], data["results"][0]]}),
        "exactly one result",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_run_is_refused_with_the_file(tmp_path: Path, name: str) -> None:
    change, message = WRONG[name]
    file = written(tmp_path / "evidence", with_manifest=False) / "run.json"
    file.write_bytes(change(json.loads(file.read_text())).encode("utf-8", "surrogateescape"))
    with pytest.raises(UsageProblem) as refused:
        baseline.read(file)
    assert str(refused.value).startswith(f"{file}: ")
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_bundle_whose_run_was_changed_is_refused(tmp_path: Path) -> None:
    directory = written(tmp_path / "evidence")
    file = directory / "run.json"
    file.write_text(file.read_text().replace('"passed"', '"failed"'))
    with pytest.raises(UsageProblem, match=r"run\.json: has been changed"):
        baseline.read(directory)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"files": {}}', '{"files": []}'])
def test_a_bundle_with_a_manifest_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    directory = written(tmp_path / "evidence")
    (directory / manifest.NAME).write_text(text)
    with pytest.raises(UsageProblem, match=r"manifest\.json: is not a manifest"):
        baseline.read(directory)


@pytest.mark.parametrize("path", ["absent", "."])
def test_what_is_not_there_is_refused_with_the_file(tmp_path: Path, path: str) -> None:
    with pytest.raises(UsageProblem, match=r"there is no such file; give a bundle or its run\.json"):
        baseline.read(tmp_path / path)


def test_a_file_without_an_end_is_not_read() -> None:
    with pytest.raises(UsageProblem, match="/dev/zero: is a device, and no plain file"):
        baseline.read(Path("/dev/zero"))


def test_a_file_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = written(tmp_path / "evidence")
    size = (directory / "run.json").stat().st_size
    monkeypatch.setattr(files, "MOST", size - 1)
    with pytest.raises(UsageProblem, match=r"run\.json: has more than \d+ MiB"):
        baseline.read(directory)
    monkeypatch.setattr(files, "MOST", size)
    assert RUN.results == baseline.read(directory).run.results
