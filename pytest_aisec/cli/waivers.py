"""The commands that keep waivers."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pytest_aisec.cli import completion
from pytest_aisec.cli.root import examples, main
from pytest_aisec.errors import UsageProblem

if TYPE_CHECKING:
    from pytest_aisec.catalog.load import Catalog


@main.command(
    epilog=examples(
        "aisec waive AISEC-CTR-03 --host 'gpu-*' --approved-by ciso@example.com \\",
        "    --reason 'Replaced in release 24.2.' --expires 2026-12-31",
    )
)
@click.argument("control", metavar="CONTROL", shell_complete=completion.controls)
@click.option(
    "--host",
    "hosts",
    multiple=True,
    required=True,
    metavar="NAME",
    help="A host, or a wildcard such as 'gpu-*'. Repeatable.",
)
@click.option("--reason", required=True, metavar="TEXT", help="Why it may fail, for now.")
@click.option("--approved-by", required=True, metavar="WHO", help="Who answers for it.")
@click.option("--expires", required=True, metavar="YYYY-MM-DD", help="The last day on which it holds, UTC.")
@click.option("--approved-on", metavar="YYYY-MM-DD", help="From this day on it holds. Default: today, UTC.")
@click.option("--ticket", metavar="ID", help="Where its end is planned.")
@click.option("--id", metavar="ID", help="Default: W-<year>-<next number in the file>.")
@click.option(
    "--file",
    "path",
    type=click.Path(path_type=Path),
    default=Path("waivers.yaml"),
    show_default=True,
    help="It is made where there is none.",
)
@click.option(
    "--path", "paths", multiple=True, type=click.Path(path_type=Path), help="Your own content directory."
)
def waive(*, path: Path, paths: tuple[Path, ...], approved_on: str | None, **given: Any) -> int:
    """Excuse a control that fails on some hosts, until a day.

    Adds an entry at the end of the file, and changes nothing else in it. Only `failed` can be excused: of an
    `error` nothing is known, and what needs a person takes an attestation.
    """
    from pytest_aisec.cli.authoring import waive as waiving  # noqa: PLC0415 - keeps `aisec --help` quick

    today = datetime.now(UTC).date()
    wanted = waiving.Wanted(approved_on=today.isoformat() if approved_on is None else approved_on, **given)
    added = waiving.add(wanted, path, known=_catalog(paths), today=today)
    waiver = added.waiver
    click.echo(
        f"{added.place}: {waiver.id} excuses {waiver.control} on {', '.join(waiver.hosts)} "
        f"until {waiver.expires}"
    )
    for other, place in added.overlaps:
        click.echo(
            f"note: so does {other.id} ({place}) on {', '.join(other.hosts)} until {other.expires}; a run "
            "names the one that is meant for fewer of its hosts",
            err=True,
        )
    return 0


def _catalog(paths: tuple[Path, ...]) -> Catalog:
    from pytest_aisec.catalog.content import content_roots  # noqa: PLC0415 - keeps `aisec --help` quick
    from pytest_aisec.catalog.load import load_catalog  # noqa: PLC0415 - likewise

    return load_catalog(content_roots(paths))


@main.command(
    epilog=examples("aisec waivers waivers.yaml", "aisec waivers waivers.yaml --check --on 2027-01-31")
)
@click.argument("files", metavar="FILE…", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="End with 1 when one is over, or for an unknown control.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@click.option("--on", "day", metavar="YYYY-MM-DD", help="As of this day. Default: today, UTC.")
@click.option(
    "--path", "paths", multiple=True, type=click.Path(path_type=Path), help="Your own content directory."
)
def waivers(
    files: tuple[Path, ...], *, check: bool, as_json: bool, day: str | None, paths: tuple[Path, ...]
) -> int:
    """List waivers by state, without a run.

    Unknown control, expired, expiring (30 days or less are left), not yet approved, active. What a run makes
    of them (stale, unused), its reports tell. FILE may be a directory.
    """
    from pytest_aisec.judge.waivers import status, waiver  # noqa: PLC0415 - keeps `aisec --help` quick
    from pytest_aisec.report import waivers as reports  # noqa: PLC0415 - likewise

    today = datetime.now(UTC).date() if day is None else _day(day)
    given = waiver.load(files, None, option="FILE")
    found = status.standings(given, _catalog(paths), today)
    if as_json:
        click.echo(reports.as_json(found), nl=False)
    else:
        for text, colour in reports.as_text(found, today):
            click.echo(click.style(text, fg=colour, bold=True) if colour else text)
    return 1 if check and any(item.state in status.WRONG for item in found) else 0


def _day(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError:
        raise UsageProblem(f"--on {text}: must be a day such as 2026-12-31") from None
