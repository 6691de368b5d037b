"""The commands that tell which controls and profiles there are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from pytest_aisec.cli import completion
from pytest_aisec.cli.root import examples, main, print_json
from pytest_aisec.errors import UsageProblem, nearest


@main.command(epilog=examples("aisec profiles", "aisec profiles --path pack --json"))
@click.option(
    "--path", "paths", multiple=True, type=click.Path(path_type=Path), help="Your own content directory."
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def profiles(paths: tuple[Path, ...], *, as_json: bool) -> int:
    """List the known profiles."""
    from pytest_aisec.catalog import yamlfile  # noqa: PLC0415 - keeps `aisec --help` quick
    from pytest_aisec.catalog.content import content_roots  # noqa: PLC0415 - likewise
    from pytest_aisec.catalog.profile import ProfileFile, profile_files  # noqa: PLC0415 - likewise

    files = {
        name: (path, yamlfile.parse(yamlfile.read(path), ProfileFile))
        for name, path in sorted(profile_files(content_roots(paths)).items())
    }
    if as_json:
        print_json(
            [
                {"name": name, "path": str(path), **file.model_dump(include={"title", "version", "extends"})}
                for name, (path, file) in files.items()
            ]
        )
        return 0
    for name, (_, file) in files.items():
        click.echo(f"{name:<20} {file.version:<8} {file.title}")
    return 0


@main.command(epilog=examples("aisec controls", "aisec controls --json | jq -r '.[].id'"))
@click.option(
    "--path", "paths", multiple=True, type=click.Path(path_type=Path), help="Your own content directory."
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def controls(paths: tuple[Path, ...], *, as_json: bool) -> int:
    """List the known controls."""
    from pytest_aisec.catalog.content import content_roots  # noqa: PLC0415 - keeps `aisec --help` quick
    from pytest_aisec.catalog.load import load_catalog  # noqa: PLC0415 - likewise

    catalog = load_catalog(content_roots(paths))
    if as_json:
        print_json(
            [
                {
                    "id": control.id,
                    "title": control.title,
                    "severity": control.severity,
                    "family": control.family,
                    "platforms": control.platforms,
                    "path": str(control.path),
                    "line": control.line,
                }
                for control in catalog.values()
            ]
        )
        return 0
    for control in catalog.values():
        click.echo(f"{control.id:<14} {control.severity:<9} {control.title}")
    return 0


@main.command(epilog=examples("aisec catalog | jq .id", "aisec catalog --format md --to docs/controls"))
@click.option(
    "--format",
    "style",
    type=click.Choice(["json", "md"]),
    default="json",
    show_default=True,
    help="See above.",
)
@click.option(
    "--to", "directory", type=click.Path(path_type=Path), help="Write the pages into this directory."
)
@click.option(
    "--path", "paths", multiple=True, type=click.Path(path_type=Path), help="Your own content directory."
)
def catalog(style: str, directory: Path | None, paths: tuple[Path, ...]) -> int:
    """Print everything there is to say about every control.

    json: one line for each control. md: a page for each family and an index by framework.
    """
    from pytest_aisec.report import controls as reports  # noqa: PLC0415 - keeps `aisec --help` quick

    if directory is not None and style != "md":
        raise UsageProblem("--to takes the pages of --format md")
    entries = _entries(paths)
    if style == "json":
        click.echo(reports.as_json(entries), nl=False)
        return 0
    pages = reports.as_pages(entries)
    if directory is None:
        click.echo("\n".join(pages.values()), nl=False)
        return 0
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, text in pages.items():
            (directory / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageProblem(f"--to {directory}: cannot be written: {error.strerror}") from None
    return 0


@main.command(
    short_help="Tell what a control requires, why, and what it runs.",
    epilog=examples("aisec explain AISEC-ART-03", "aisec explain EX-CKP-01 --path pack --json"),
)
@click.argument("control", metavar="ID", shell_complete=completion.controls)
@click.option(
    "--path", "paths", multiple=True, type=click.Path(path_type=Path), help="Your own content directory."
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object, as of `aisec catalog`.")
def explain(control: str, paths: tuple[Path, ...], *, as_json: bool) -> int:
    """Tell what a control requires, why, what it runs on a host, and how to fulfil it."""
    from pytest_aisec.report import controls as reports  # noqa: PLC0415 - keeps `aisec --help` quick

    (entry,) = _entries(paths, control)
    click.echo(reports.as_json([entry]) if as_json else reports.as_text(entry), nl=False)
    return 0


def _entries(paths: Sequence[Path], *only: str) -> list[Any]:
    from pytest_aisec.catalog.content import content_roots  # noqa: PLC0415 - keeps `aisec --help` quick
    from pytest_aisec.catalog.load import load_catalog  # noqa: PLC0415 - likewise
    from pytest_aisec.report import controls as reports  # noqa: PLC0415 - likewise

    roots = content_roots(paths)
    known = load_catalog(roots)
    for name in only:
        if name not in known:
            raise UsageProblem(f"unknown control {name!r}. {nearest(name, known)}")
    return reports.entries(known, roots, only=only)
