"""What the commands say, and with which exit code."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import jsonschema
import pytest
import yaml

from pytest_aisec.cli import main
from pytest_aisec.cli.help_page import markdown
from tests.support import forks
from tests.unit.conftest import Content, run_aisec


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
def test_what_cannot_be_done_is_a_usage_error(typed: Any, arguments: list[str], expected: str) -> None:
    done = typed(*arguments)
    assert (done.returncode, done.stdout) == (4, "")
    assert expected in done.stderr


def test_help_is_no_error(aisec: Any) -> None:
    done = aisec("--help")
    assert done.returncode == 0
    assert {"run", "verify", "profiles", "controls", "schema"} <= set(done.stdout.split())


def test_the_version_is_the_package_s(aisec: Any) -> None:
    import importlib.metadata

    assert aisec("--version").stdout == f"aisec, version {importlib.metadata.version('pytest-aisec')}\n"


def test_profiles_and_controls_of_one_s_own_are_listed(typed: Any, content: Any) -> None:
    content.control("ACME-ART-01")
    content.profile("acme-node")
    assert (
        "acme-node            1.0.0    Profile acme-node\n"
        in typed("profiles", "--path", content.path).stdout
    )
    assert "ACME-ART-01    high      ACME-ART-01 holds\n" in typed("controls", "--path", content.path).stdout


def test_a_control_file_that_exits_is_a_usage_error(aisec: Any, content: Any) -> None:
    path = content.file("test_leaves.py", "raise SystemExit(0)\n")
    done = aisec("controls", "--path", content.path)
    assert done.returncode == 4
    assert done.stderr.startswith(f"ERROR: {path}:1: the control file cannot be loaded: ")


@pytest.mark.parametrize("what", ["run", "profile", "gate", "waivers", "attestations"])
def test_a_schema_is_a_schema(typed: Any, what: str) -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(typed("schema", what).stdout))


@pytest.mark.parametrize(
    ("what", "heading"), [("waivers", "## Waivers"), ("attestations", "## Attestations")]
)
def test_what_the_documentation_shows_fits_the_schema_as_editors_read_it(
    typed: Any, what: str, heading: str
) -> None:
    page = (Path(__file__).parents[3] / "docs/waivers.md").read_text()
    shown = page.partition(heading)[2].partition("```yaml\n")[2].partition("```")[0]
    schema = json.loads(typed("schema", what).stdout)
    entries = yaml.load(shown, yaml.BaseLoader)  # days are strings in YAML 1.2
    jsonschema.validate(entries, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate([{**entries[0], "approvd_by": "x"}], schema)


def test_no_bundle_does_not_hold(typed: Any, tmp_path: Path) -> None:
    done = typed("verify", tmp_path / "absent")
    assert done.returncode == 4
    assert done.stderr == f"ERROR: {tmp_path}/absent: is not a directory\n"


def test_a_bundle_holds_until_it_is_changed(typed: Any, audited: Any, tmp_path: Path) -> None:
    directory = tmp_path / "evidence"
    shutil.copytree(audited[0], directory)
    assert typed("verify", directory).returncode == 0
    with (directory / "run.json").open("a") as stream:
        stream.write("\n")
    done = typed("verify", directory)
    assert (done.returncode, done.stdout.splitlines()[1]) == (1, "run.json: has been changed")


RECORD = {
    "id": "PYSEC-1",
    "modified": "2026-10-30T12:00:00Z",
    "affected": [{"package": {"name": "torch", "ecosystem": "PyPI"}, "versions": ["1.0"]}],
}


def test_advisories_update_makes_an_index_that_show_describes(typed, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(RECORD))
    index = tmp_path / "made" / "index.sqlite"
    made = typed("advisories", "update", "--from", tmp_path, "--to", index)
    assert (0, "") == (made.returncode, made.stderr)
    assert f"{index}: 1 records as of 2026-10-30T12:00:00Z (" in made.stdout
    shown = typed("advisories", "show", "--path", index)
    assert made.stdout.strip() in shown.stdout


@pytest.mark.parametrize("source", ["/no/such/directory", "http://example.com/all.zip"])
def test_advisories_that_cannot_be_had_are_one_message(typed, tmp_path: Path, source: str) -> None:
    done = typed("advisories", "update", "--from", source, "--to", tmp_path / "index.sqlite")
    assert (4, "", 1) == (done.returncode, done.stdout, len(done.stderr.strip().splitlines()))
    assert source in done.stderr
    assert not (tmp_path / "index.sqlite").exists()


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for name, inner in sorted(getattr(command, "commands", {}).items()):
        yield from commands(inner, (*path, name))


@pytest.mark.parametrize("path", [*commands(main)], ids=lambda path: " ".join(path) or "aisec")
def test_help_ends_with_examples_that_the_command_takes(
    typed: Any, monkeypatch: pytest.MonkeyPatch, path: tuple[str, ...]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    done = typed(*path, "--help")
    _, heading, shown = done.stdout.partition("\nExamples:\n")
    assert (0, "") == (done.returncode, done.stderr)
    assert heading, "the help has no examples; give the command an epilog=examples(…)"
    assert 80 >= max(len(line) for line in done.stdout.splitlines())
    assert f"  aisec {' '.join(path)}".rstrip() in shown
    for line in shown.replace("\\\n", "").splitlines():
        assert takes(shlex.split(line, comments=True)), line


def takes(words: list[str]) -> bool:
    """Tell whether what an example types is a command with options that there are, up to a pipe."""
    for end in ("|", ">"):
        words = words[: words.index(end)] if end in words else words
    if words[0] != "aisec":
        return True
    context, rest = click.Context(main, info_name="aisec"), words[1:]
    while isinstance(context.command, click.Group):
        _, command, rest = context.command.resolve_command(context, rest)
        assert command is not None
        if not isinstance(command, click.Group):
            command.make_context(command.name, rest, parent=context)
            return True
        context = click.Context(command, parent=context)
    return False


def test_the_reference_has_the_help_of_every_command_as_it_is_printed(
    typed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    page = markdown()
    for path in commands(main):
        assert f"## {' '.join(['aisec', *path])}\n\n```text\n{typed(*path, '--help').stdout}```\n" in page


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["verfy"], "No such command 'verfy'. Did you mean verify?"),
        (["waiver"], "No such command 'waiver'. Did you mean waivers or waive?"),
        (["advisories", "updat"], "No such command 'updat'. Did you mean update?"),
        (["new", "xyz"], "No such command 'xyz'. Known: control."),
        (["verify", "--quite"], "--quiet"),
        (["diff", "a", "b", "--quiet", "--format", "md"], "--quiet is for --format text"),
    ],
)
def test_what_is_mistyped_is_told_with_what_there_is(typed: Any, arguments: list[str], expected: str) -> None:
    done = typed(*arguments)
    assert (4, "", True) == (done.returncode, done.stdout, expected in done.stderr), done.stderr


def test_a_mistyped_option_of_an_audit_is_told_with_the_nearest(aisec: Any) -> None:
    done = aisec("run", "linux-base", "--aisec-wavers=x", "--hosts=local://")
    assert 4 == done.returncode
    assert "no such option: --aisec-wavers. Did you mean --aisec-waivers" in done.stderr


@pytest.mark.parametrize("arguments", [[], ["advisories"], ["new"]])
def test_no_command_is_not_success(typed: Any, arguments: list[str]) -> None:
    done = typed(*arguments)
    assert (4, "", True) == (done.returncode, done.stdout, "Commands:" in done.stderr)


def test_what_lists_things_also_prints_json(typed: Any, content: Any) -> None:
    path = content.control("ACME-ART-01")
    content.profile("acme-base")
    mine = content.profile("acme-node", "extends: [acme-base]\ncontrols: {ACME-ART-01: }\n")
    profiles = {
        item["name"]: item for item in json.loads(typed("profiles", "--path", content.path, "--json").stdout)
    }
    controls = {
        item["id"]: item for item in json.loads(typed("controls", "--path", content.path, "--json").stdout)
    }
    assert {
        "name": "acme-node",
        "path": str(mine),
        "title": "Profile acme-node",
        "version": "1.0.0",
        "extends": ["acme-base"],
    } == profiles["acme-node"]
    assert {"id": "ACME-ART-01", "severity": "high", "family": "ART", "path": str(path)}.items() <= controls[
        "ACME-ART-01"
    ].items()
    assert {"linux-base", "AISEC-ART-03"} <= profiles.keys() | controls.keys()


def test_a_control_is_explained_as_json(typed: Any) -> None:
    found = json.loads(typed("explain", "AISEC-ART-03", "--json").stdout)
    assert ("AISEC-ART-03", "critical", "ART") == (found["id"], found["severity"], found["family"])
    assert "linux-base" not in found["profiles"]
    assert [] != found["asks"]


def test_why_a_remediation_is_no_command_is_explained(typed: Any) -> None:
    found = json.loads(typed("explain", "AISEC-CTR-02", "--json").stdout)
    assert "what starts the container" in found["remediation_is_words"]
    shown = " ".join(typed("explain", "AISEC-CTR-02").stdout.split())
    assert f"(No command, because {found['remediation_is_words']}.)" in shown
    assert "No command" not in typed("explain", "AISEC-ART-03").stdout


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Content]:
    """One bundle of an audit that passes, and its content."""
    tmp_path = tmp_path_factory.mktemp("audited")
    content = Content(tmp_path / "content")
    content.control("ACME-ART-01")
    path = content.profile("acme", "controls: {ACME-ART-01: }\n")
    bundle = tmp_path / "bundle"
    done = run_aisec(
        "run", path, "--aisec-path", content.path, "--hosts=local://", f"--aisec-evidence={bundle}"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return bundle, content


def test_quiet_verify_says_nothing_but_what_does_not_hold(typed: Any, audited: Any, tmp_path: Path) -> None:
    bundle, _ = audited
    touched = tmp_path / "touched"
    shutil.copytree(bundle, touched)
    (touched / "mine.txt").write_text("")
    assert (0, "", "") == told(typed("verify", bundle, "--quiet"))
    assert (
        1,
        "mine.txt: is not in the manifest\nmine.txt: does not belong to the bundle\n",
        "",
    ) == told(typed("verify", touched, "-q"))
    assert "verification failed" in typed("verify", touched).stdout


def test_quiet_diff_says_nothing_but_what_fails_anew(typed: Any, audited: Any, tmp_path: Path) -> None:
    good, bad = audited[0] / "run.json", tmp_path / "bad.json"
    run = json.loads(good.read_text())
    run["results"][0]["outcome"] = "failed"
    bad.write_text(json.dumps(run))
    assert (0, "", "") == told(typed("diff", bad, good, "--quiet"))
    assert (0, "", "") == told(typed("diff", good, good, "-q"))
    assert (1, "ACME-ART-01  high  local://  passed → failed\n", "") == told(typed("diff", good, bad, "-q"))


def told(done: Any) -> tuple[int, str, str]:
    return done.returncode, done.stdout, done.stderr


def test_quiet_update_says_nothing(typed: Any, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(RECORD))
    index = tmp_path / "index.sqlite"
    assert (0, "", "") == told(typed("advisories", "update", "--from", tmp_path, "--to", index, "--quiet"))
    assert index.exists()
    done = typed("advisories", "update", "--from", tmp_path / "absent", "--to", index, "--quiet")
    assert (4, "") == (done.returncode, done.stdout)
    assert "absent" in done.stderr


@pytest.mark.parametrize(
    ("environment", "coloured"), [({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False)]
)
def test_an_audit_is_coloured_on_a_terminal_alone_and_not_with_no_color(
    audited: Any, tmp_path: Path, environment: dict[str, str], *, coloured: bool
) -> None:
    good, content = audited
    argv = ["run", "acme", "--aisec-path", content.path, "--aisec-replay", good]
    printed = on_terminal(*argv, f"--aisec-evidence={tmp_path / 'evidence'}", environment=environment)
    assert "verdict: PASSED" in printed
    assert coloured == (re.search(r"\x1b\[[0-9;]*m", printed) is not None)


def on_terminal(*arguments: object, environment: dict[str, str]) -> str:
    """Return what the command prints on a terminal."""
    controller, terminal = os.openpty()
    inherited = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "FORCE_COLOR"}}
    process = forks.start(
        [sys.executable, "-m", "pytest_aisec.cli", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        stderr=terminal,
        env={**inherited, **environment},
    )
    os.close(terminal)
    printed = b""
    with contextlib.suppress(OSError):  # the end of what a closed terminal printed
        while more := os.read(controller, 65536):
            printed += more
    os.close(controller)
    process.wait()
    return printed.decode()
