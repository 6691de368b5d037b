"""The commands for those who write controls, profiles and waivers."""

from __future__ import annotations

import json
from pathlib import Path

import click

from pytest_aisec.cli.root import examples, main


@main.group(epilog=examples("aisec new control EX-CKP-01 --path pack"))
def new() -> None:
    """Begin something of your own."""


@new.command("control", epilog=examples("aisec new control EX-CKP-01 --path pack"))
@click.argument("control", metavar="ID")
@click.option("--path", type=click.Path(path_type=Path), default=Path(), help="Your content directory.")
def new_control(control: str, path: Path) -> int:
    """Write a control and its scenarios that fail until you have filled them in.

    ID is PACK-FAMILY-NUMBER, such as EX-CKP-01.
    """
    from pytest_aisec import authoring  # noqa: PLC0415 - keeps `aisec --help` quick

    for written in authoring.new_control(control, path):
        click.echo(written)
    return 0


@main.command(epilog=examples("aisec schema profile > profile.schema.json"))
@click.argument("what", type=click.Choice(["run", "profile", "gate"]))
def schema(what: str) -> int:
    """Print the JSON Schema of run.json, a profile or a gate."""
    from pytest_aisec.catalog.policy import GatePolicy  # noqa: PLC0415 - keeps `aisec --help` quick
    from pytest_aisec.catalog.profile import ProfileFile  # noqa: PLC0415 - likewise
    from pytest_aisec.evidence import bundle as bundles  # noqa: PLC0415 - likewise

    schemas = {
        "run": bundles.json_schema,
        "profile": ProfileFile.model_json_schema,
        "gate": GatePolicy.model_json_schema,
    }
    found = schemas[what]()
    click.echo(json.dumps(found, indent=2))
    return 0
