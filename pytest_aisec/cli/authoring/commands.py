"""The commands for those who write controls, profiles and waivers."""

from __future__ import annotations

import json
from pathlib import Path

import click

from pytest_aisec.cli.root import examples, main


@main.command(
    short_help="Write a project to start from.",
    epilog=examples("aisec init", "aisec init fleet --ci gitlab"),
)
@click.argument("directory", type=click.Path(path_type=Path), default=Path())
@click.option(
    "--ci",
    type=click.Choice(["github", "gitlab", "none"]),
    default="github",
    show_default=True,
    help="For which service to write a job.",
)
def init(directory: Path, ci: str) -> int:
    """Write a project to start from: settings, a profile, waivers and a CI job.

    `aisec run` then audits this machine against the profile. Nothing is overwritten.
    """
    from pytest_aisec.cli.authoring import starter  # noqa: PLC0415 - keeps `aisec --help` quick

    for written in starter.write(directory, None if ci == "none" else ci):
        click.echo(written)
    return 0


@main.group(epilog=examples("aisec new control EX-CKP-01 --path pack"))
def new() -> None:
    """Begin something of your own."""


@new.command("control", epilog=examples("aisec new control EX-CKP-01 --path pack"))
@click.argument("control", metavar="ID")
@click.option("--path", type=click.Path(path_type=Path), default=Path(), help="Your content directory.")
def new_control(control: str, path: Path) -> int:
    """Write a control, a unit test and scenarios that fail until you have filled them in.

    `aisec test` then proves the scenarios on throw-away hosts.

    ID is PACK-FAMILY-NUMBER, such as EX-CKP-01.
    """
    from pytest_aisec.cli.authoring import scaffold  # noqa: PLC0415 - keeps `aisec --help` quick

    for written in scaffold.new_control(control, path):
        click.echo(written)
    return 0


@main.command(
    short_help="Say what is wrong in files that you write.",
    epilog=examples("aisec lint", "aisec lint profiles waivers.yaml --strict"),
)
@click.argument("paths", nargs=-1, metavar="[PATH…]", type=click.Path(path_type=Path))
@click.option("--strict", is_flag=True, help="Exit code 1 for warnings, too.")
@click.option(
    "--path", "content", multiple=True, type=click.Path(path_type=Path), help="Your own content directory."
)
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
def lint(paths: tuple[Path, ...], content: tuple[Path, ...], *, strict: bool, as_json: bool) -> int:
    """Say what is wrong in profiles, controls, waivers, attestations and gate files.

    PATH is a file or a directory, by default the current one. Of a directory, its aisec.toml, controls/
    and profiles/ count, and each YAML file that is of a known kind, also one level below. Errors are what an
    audit would refuse; warnings are what is probably not meant. Control files are imported.

    Exit code 1 when there are errors, 0 when there are none.
    """
    from datetime import UTC, datetime  # noqa: PLC0415 - keeps `aisec --help` quick

    from pytest_aisec.cli.authoring import lint as linting  # noqa: PLC0415 - likewise

    done = linting.lint(paths, content, today=datetime.now(UTC).date(), cwd=Path.cwd())
    errors, warnings = done.count("error"), done.count("warning")
    if as_json:
        click.echo(json.dumps([item.as_dict() for item in done.findings], indent=2))
    else:
        for item in done.findings:
            click.echo(item)
        click.echo(
            f"{_count(errors, 'error')}, {_count(warnings, 'warning')} in {_count(done.files, 'file')}"
        )
    return 1 if errors or (strict and warnings) else 0


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


@main.command(
    short_help="Print the JSON Schema of run.json or of a file of yours.",
    epilog=examples("aisec schema profile > profile.schema.json", "aisec schema run"),
)
@click.argument("what", type=click.Choice(["run", "profile", "gate", "settings", "waivers", "attestations"]))
def schema(what: str) -> int:
    """Print the JSON Schema of run.json or of a file of yours: profile, gate, waivers, attestations."""
    from pydantic import RootModel  # noqa: PLC0415 - keeps `aisec --help` quick

    from pytest_aisec.catalog.policy import GatePolicy  # noqa: PLC0415 - likewise
    from pytest_aisec.catalog.profile import ProfileFile  # noqa: PLC0415 - likewise
    from pytest_aisec.catalog.settings import SettingsFile  # noqa: PLC0415 - likewise
    from pytest_aisec.evidence import bundle as bundles  # noqa: PLC0415 - likewise
    from pytest_aisec.judge.waivers.attestation import Attestation  # noqa: PLC0415 - likewise
    from pytest_aisec.judge.waivers.waiver import Waiver  # noqa: PLC0415 - likewise

    schemas = {
        "run": bundles.json_schema,
        "profile": ProfileFile.model_json_schema,
        "gate": GatePolicy.model_json_schema,
        "settings": SettingsFile.model_json_schema,
        "waivers": RootModel[list[Waiver]].model_json_schema,
        "attestations": RootModel[list[Attestation]].model_json_schema,
    }
    found = schemas[what]()
    if what in {"waivers", "attestations"}:
        found["title"] = what.capitalize()
    click.echo(json.dumps(found, indent=2))
    return 0
