from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["no-such-command"], "No such command"),
        (["--no-such-option"], "No such option"),
        (["verify"], "Missing argument"),
        (["verify", "--no-such-option", "x"], "No such option"),
        (["schema", "nothing"], "nothing"),
        (["run"], "neither aisec.toml nor a pyproject.toml"),
        (["profiles", "--path", "/no/such/directory"], "there is no such directory"),
        (["controls", "extra"], "unexpected extra argument"),
    ],
)
def test_what_cannot_be_done_is_a_usage_error(aisec: Any, arguments: list[str], expected: str) -> None:
    done = aisec(*arguments)
    assert (done.returncode, done.stdout) == (4, "")
    assert expected in done.stderr


def test_help_is_no_error(aisec: Any) -> None:
    done = aisec("--help")
    assert done.returncode == 0
    assert {"run", "verify", "profiles", "controls", "schema"} <= set(done.stdout.split())


def test_the_version_is_the_package_s(aisec: Any) -> None:
    import importlib.metadata

    assert aisec("--version").stdout == f"aisec, version {importlib.metadata.version('pytest-aisec')}\n"


def test_profiles_and_controls_of_one_s_own_are_listed(aisec: Any, content: Any) -> None:
    content.control("ACME-ART-01")
    content.profile("acme-node")
    assert (
        "acme-node            1.0.0    Profile acme-node\n"
        in aisec("profiles", "--path", content.path).stdout
    )
    assert "ACME-ART-01    high      ACME-ART-01 holds\n" in aisec("controls", "--path", content.path).stdout


def test_a_control_file_that_exits_is_a_usage_error(aisec: Any, content: Any) -> None:
    path = content.file("test_leaves.py", "raise SystemExit(0)\n")
    done = aisec("controls", "--path", content.path)
    assert done.returncode == 4
    assert done.stderr.startswith(f"ERROR: {path}:1: the control file cannot be loaded: ")


@pytest.mark.parametrize("what", ["run", "profile", "gate", "waivers", "attestations"])
def test_a_schema_is_a_schema(aisec: Any, what: str) -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(aisec("schema", what).stdout))


@pytest.mark.parametrize(
    ("what", "heading"), [("waivers", "## Waivers"), ("attestations", "## Attestations")]
)
def test_what_the_documentation_shows_fits_the_schema_as_editors_read_it(
    aisec: Any, what: str, heading: str
) -> None:
    page = (Path(__file__).parents[2] / "docs/waivers.md").read_text()
    shown = page.partition(heading)[2].partition("```yaml\n")[2].partition("```")[0]
    schema = json.loads(aisec("schema", what).stdout)
    entries = yaml.load(shown, yaml.BaseLoader)  # days are strings in YAML 1.2
    jsonschema.validate(entries, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate([{**entries[0], "approvd_by": "x"}], schema)


def test_no_bundle_does_not_hold(aisec: Any, tmp_path: Path) -> None:
    done = aisec("verify", tmp_path / "absent")
    assert done.returncode == 1
    assert done.stdout.endswith(f"{tmp_path}/absent: does not hold\n")


def test_a_bundle_holds_until_it_is_changed(aisec: Any, content: Any, tmp_path: Path) -> None:
    content.control("ACME-ART-01")
    path = content.profile("acme-node", "controls: {ACME-ART-01: }\n")
    directory = tmp_path / "evidence"
    done = aisec(
        "run", path, "--aisec-path", content.path, "--hosts=local://", f"--aisec-evidence={directory}"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert aisec("verify", directory).returncode == 0
    with (directory / "run.json").open("a") as stream:
        stream.write("\n")
    done = aisec("verify", directory)
    assert (done.returncode, done.stdout.splitlines()[0]) == (1, "run.json: has been changed")


RECORD = {
    "id": "PYSEC-1",
    "modified": "2026-10-30T12:00:00Z",
    "affected": [{"package": {"name": "torch", "ecosystem": "PyPI"}, "versions": ["1.0"]}],
}


def test_advisories_update_makes_an_index_that_show_describes(aisec, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(RECORD))
    index = tmp_path / "made" / "index.sqlite"
    made = aisec("advisories", "update", "--from", tmp_path, "--to", index)
    assert (0, "") == (made.returncode, made.stderr)
    assert f"{index}: 1 records as of 2026-10-30T12:00:00Z (" in made.stdout
    shown = aisec("advisories", "show", "--path", index)
    assert made.stdout.strip() in shown.stdout


@pytest.mark.parametrize("source", ["/no/such/directory", "http://example.com/all.zip"])
def test_advisories_that_cannot_be_had_are_one_message(aisec, tmp_path: Path, source: str) -> None:
    done = aisec("advisories", "update", "--from", source, "--to", tmp_path / "index.sqlite")
    assert (4, "", 1) == (done.returncode, done.stdout, len(done.stderr.strip().splitlines()))
    assert source in done.stderr
    assert not (tmp_path / "index.sqlite").exists()
