"""Bundles of every version that `aisec` reads: what it says of them, and with which exit code."""

import json
import shutil
from pathlib import Path

import pytest

from pytest_aisec.cli import main
from pytest_aisec.evidence import verify
from pytest_aisec.evidence.rejudge import Surroundings
from tests.support import forks, stored
from tests.support.signed import replayed_in_a_fork, seal

FIRST = stored.BUNDLES / "manifest-1.0-run-1.0-plan-1.0-transcript-1.0"
NOW = stored.current()
ALL = sorted(stored.BUNDLES.iterdir())
MEND = "a shape changed: raise its version, write its upgrade, and store a bundle"
OF_ANOTHER_LAYOUT = "its reports were not rendered again"


@pytest.fixture
def aisec(capsys):
    """Run `aisec` in this process: exit code, and what it printed."""

    def run(*args):
        with pytest.raises(SystemExit) as ended:
            main.main(args=[str(item) for item in args], prog_name="aisec")
        out, err = capsys.readouterr()
        return ended.value.code, out + err

    return run


@pytest.fixture
def copy(tmp_path):
    return Path(shutil.copytree(NOW / "signed", tmp_path / "bundle"))


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    return stored.pack(tmp_path_factory.mktemp("stored") / "pack")


def test_what_this_program_made_is_whole_and_verified(pack, aisec, tmp_path):
    done = forks.run(stored.audit(pack, tmp_path / "made"), capture_output=True, text=True, cwd=pack)
    assert 0 == done.returncode, done.stdout
    code, text = aisec("verify", tmp_path / "made", "--strict")
    assert 0 == code
    assert f"{tmp_path}/made: holds; it is not signed" == text.splitlines()[-1]
    assert OF_ANOTHER_LAYOUT not in text
    assert shape(NOW / "unsigned") == shape(tmp_path / "made"), MEND


@pytest.mark.parametrize("kind", stored.KINDS)
def test_what_another_version_made_holds_with_a_note(aisec, kind):
    """Before: a line for each report that another version words otherwise, and "verification failed"."""
    code, text = aisec("verify", FIRST / kind)
    assert 0 == code
    lines = text.splitlines()
    assert f"{FIRST / kind}: no key was given: anybody could have made this" == lines[0]
    assert lines[1].startswith(
        "note: pytest-aisec 0.1.0 made it, with a report layout without a number, and "
    )
    assert OF_ANOTHER_LAYOUT in lines[1]
    assert lines[2].startswith(f"{FIRST / kind}: holds, but for its reports, which were not rendered again; ")
    assert 3 == len(lines)
    assert 10 == aisec("verify", FIRST / kind, "--strict")[0]
    assert (0, "") == aisec("verify", FIRST / kind, "--quiet")
    assert (10, "") == aisec("verify", FIRST / kind, "--quiet", "--strict")
    code, text = aisec("verify", FIRST / kind, f"--key={FIRST}/key.pub")
    assert (0 if kind == "signed" else 1) == code
    assert ("; it is signed by the key in " in text) is (kind == "signed")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"mode 0600', '"mode 0644', "on line 2 or line 3 rests ACME-TST-01, ACME-TST-02"),
        ('"mode 0644', '"mode 0600', "on it rests ACME-TST-01, ACME-TST-02"),
        ('"number":1', '"number":7', "on line 1 rests ACME-TST-01, ACME-TST-02"),
    ],
)
def test_a_changed_transcript_is_named_with_its_host_and_controls(copy, aisec, old, new, says):
    """Before: the file and perhaps a line, and whoever read it looked up what rests on that."""
    path = copy / "transcripts/local.jsonl"
    path.write_text(path.read_text().replace(old, new))
    code, text = aisec("verify", copy)
    assert 1 == code
    assert "transcripts/local.jsonl: has been changed\n" in text
    assert f"note: transcripts/local.jsonl is of local://: {says}\n" in text


def test_strict_lets_no_change_look_like_another_version(copy, aisec):
    (copy / "junit.xml").write_text((copy / "junit.xml").read_text() + " ")
    for more in ([], ["--strict"]):
        code, text = aisec("verify", copy, *more)
        assert 1 == code
        assert "junit.xml: has been changed\n" in text


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)
def test_results_of_every_version_are_made_again(path, pack, tmp_path):
    """A plan of an earlier version is compared as one of today."""
    copied = Path(shutil.copytree(path / "unsigned", tmp_path / "bundle"))
    with replayed_in_a_fork():
        assert () == verify.verify(copied, replay=Surroundings(paths=[pack])).problems
    data = json.loads((copied / "run.json").read_text())
    result = next(item for item in data["results"] if item["control"] == "ACME-TST-01")
    result["title"] = "Something else"
    (copied / "run.json").write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n")
    seal(copied)
    with replayed_in_a_fork():
        problems = verify.verify(copied, replay=Surroundings(paths=[pack])).problems
    assert any('ACME-TST-01 on local://: title is "Something else"' in item for item in problems)


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)
def test_reports_of_every_version_are_made_anew(path, aisec, tmp_path):
    target = tmp_path / "results.csv"
    assert (0, "") == aisec("report", path / "signed", "--format=csv", f"--to={target}")
    assert ["ACME-TST-01", "ACME-TST-02"] == sorted(
        name for name in ("ACME-TST-01", "ACME-TST-02") if name in target.read_text()
    )
    assert 0 == aisec("diff", path / "signed", NOW / "signed")[0]


@pytest.mark.parametrize("command", [["verify"], ["report", "--format=csv"], ["diff", NOW / "signed"]])
def test_a_newer_run_is_one_message(copy, aisec, command):
    """Before: exit code 1 and a line for each part of it, or a validation error of a library."""
    run = copy / "run.json"
    run.write_text(run.read_text().replace('"schema_version": "', '"schema_version": "9', 1))
    for name in ("attestation.intoto.json", "audit.intoto.json"):
        (copy / name).unlink()
    seal(copy)
    version = json.loads(run.read_text())["schema_version"]
    said = f'{run}: is of a newer version: schema_version is "{version}", and this program reads 1.0'
    code, text = aisec(*command, copy)
    assert 4 == code
    assert text.startswith(f"ERROR: {said}")
    assert 1 == text.count("\n")


def test_what_is_no_bundle_is_one_message(copy, aisec, tmp_path):
    """Before: exit code 1, as for a bundle that somebody changed."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    (copy / "run.json").write_text("{")
    seal(copy)
    for path, says in (
        (tmp_path / "empty", f"{tmp_path}/empty: is no bundle: manifest.json: is missing\n"),
        (tmp_path / "file", f"{tmp_path}/file: is not a directory\n"),
        (tmp_path / "absent", f"{tmp_path}/absent: is not a directory\n"),
        (copy, f"{copy}/run.json: is not a run: "),
    ):
        for more in ([], ["--quiet"], ["--strict"]):
            code, text = aisec("verify", path, *more)
            assert 4 == code
            assert text.startswith(f"ERROR: {says}")
            assert 1 == text.count("\n")


def test_a_run_that_cannot_be_read_and_was_changed_was_changed(copy, aisec):
    newer = (copy / "run.json").read_text().replace('"schema_version": "', '"schema_version": "9', 1)
    for content in ("{", newer):
        (copy / "run.json").write_text(content)
        code, text = aisec("verify", copy)
        assert 1 == code
        assert "run.json: has been changed\n" in text


def shape(path):
    """Return where each JSON file of a bundle has something, whichever item of a list it is in."""

    def places(data, at=""):
        found = {at}
        if isinstance(data, dict):
            # The names of files, hosts and parameters are those of this bundle.
            for name, item in data.items():
                found |= places(item, f"{at}.{name}")
        elif isinstance(data, list):
            for item in data:
                found |= places(item, f"{at}[]")
        return found

    lines = (path / "transcripts/local.jsonl").read_text().splitlines()
    files = {
        name: json.loads((path / name).read_text())
        for name in ("run.json", "manifest.json", "inputs/plan.json")
    }
    return {name: places(data) for name, data in {**files, "transcript": [*map(json.loads, lines)]}.items()}
