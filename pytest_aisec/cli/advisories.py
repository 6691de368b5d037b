"""The commands that keep the index of known vulnerabilities."""

from __future__ import annotations

from pathlib import Path

import click

from pytest_aisec.cli.root import examples, main


@main.group(
    short_help="Keep the index of known vulnerabilities.",
    epilog=examples("aisec advisories update", "aisec advisories show"),
)
def advisories() -> None:
    """Keep the index of known vulnerabilities that installed packages are compared with."""


@advisories.command(
    epilog=examples(
        "aisec advisories update",
        "aisec advisories update --from all.zip --to advisories.sqlite --quiet",
    )
)
@click.option(
    "--from", "source", metavar="DIR|ZIP|URL", help="OSV records. Default: the public dump for PyPI."
)
@click.option(
    "--to", "path", type=click.Path(path_type=Path), help="The index. Default: in your cache directory."
)
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but what is wrong.")
def update(source: str | None, path: Path | None, *, quiet: bool) -> int:
    """Make the index anew, of a dump of OSV records.

    Audits take it from your cache directory, or from where --aisec-advisories says. The public dump is
    https://osv-vulnerabilities.storage.googleapis.com/PyPI/all.zip: where this machine has no way out, fetch
    it elsewhere and name the file.
    """
    from datetime import UTC, datetime  # noqa: PLC0415 - keeps `aisec --help` quick

    from pytest_aisec.advisories import index, sources  # noqa: PLC0415 - likewise

    made = sources.update(
        source or sources.PYPI_DUMP,
        path or index.default_path(),
        now=datetime.now(UTC),
        say=lambda text: None if quiet else click.echo(text, err=True),
    )
    if made.from_future:
        click.echo(f"{made.from_future} records claim a change later than now", err=True)
    if quiet:
        return 0
    click.echo(f"{made.path}: {index.open_index(made.path).describe(datetime.now(UTC))}")
    return 0


@advisories.command(
    epilog=examples("aisec advisories show", "aisec advisories show --path advisories.sqlite")
)
@click.option("--path", type=click.Path(path_type=Path), help="The index. Default: in your cache directory.")
def show(path: Path | None) -> int:
    """Say how old the index is, and its digest."""
    from datetime import UTC, datetime  # noqa: PLC0415 - keeps `aisec --help` quick

    from pytest_aisec.advisories import index  # noqa: PLC0415 - likewise

    found = index.open_index(path or index.default_path())
    click.echo(f"{found.path}: {found.describe(datetime.now(UTC))}; from {found.source}")
    return 0
