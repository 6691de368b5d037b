"""The commands that read bundles."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pytest_aisec.cli.root import examples, main
from pytest_aisec.cli.timing import OutOfTime, within
from pytest_aisec.errors import AisecError, EvidenceError, UsageProblem
from pytest_aisec.report.text import visible

if TYPE_CHECKING:
    from pytest_aisec.evidence.verify import Verified

DEFAULT_TIMEOUT = 1800
"""Seconds for one bundle, whoever made it: enough for a fleet on a slow machine."""
_LONGEST = 2000
_MOST_LINES = 1000


@main.command(
    short_help="Check that nothing in a bundle was changed.",
    epilog=examples(
        "aisec verify aisec-evidence/20261125T041417Z-training-node",
        "aisec verify evidence --key auditor.pub --replay",
        "aisec verify evidence --key auditor.pub --not-before 2026-12-01T00:00:00Z",
    ),
)
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--key", type=click.Path(path_type=Path), help="The public key (PEM) that must have signed it.")
@click.option("--replay", is_flag=True, help="Also make the results again from the transcripts.")
@click.option(
    "--path", "paths", multiple=True, type=click.Path(path_type=Path), help="For --replay: as --aisec-path."
)
@click.option("--advisories", type=click.Path(path_type=Path), help="For --replay: as --aisec-advisories.")
@click.option("--expect-run", metavar="ID", default="", help="It must be the run with this id.")
@click.option("--expect-plan", metavar="SHA256", default="", help="Its plan must have this digest.")
@click.option("--not-before", metavar="TIME", help="It must have begun then or later: 2026-12-31T23:59:59Z.")
@click.option(
    "--timeout",
    default=DEFAULT_TIMEOUT,
    show_default=True,
    type=click.IntRange(min=1),
    metavar="SECONDS",
    help="How long all of it may take.",
)
@click.option("--strict", is_flag=True, help="End with 10 where reports were not rendered again.")
@click.option("-q", "--quiet", is_flag=True, help="Print only the problems found.")
def verify(  # noqa: PLR0913 - one for each option
    bundle: Path,
    key: Path | None,
    *,
    replay: bool,
    paths: tuple[Path, ...],
    advisories: Path | None,
    expect_run: str,
    expect_plan: str,
    not_before: str | None,
    timeout: int,
    strict: bool,
    quiet: bool,
) -> int:
    """Check that nothing in a bundle was changed, removed or added, and that it is consistent.

    Nothing of the bundle is executed. Ends with 0 when all holds, with 1 after one line for each thing that
    does not, and with 4 when it cannot be read: no bundle, or one of a newer version. The reports of a bundle
    that another version made are not rendered again: 0 with a note, 10 with --strict. An older bundle of the
    same key holds, too: say which it must be.
    """
    from pytest_aisec.evidence import verify as verifying  # noqa: PLC0415 - keeps `aisec --help` quick
    from pytest_aisec.evidence.rejudge import Surroundings  # noqa: PLC0415 - likewise

    if (paths or advisories) and not replay:
        raise UsageProblem(f"{'--path' if paths else '--advisories'} is for --replay")
    surroundings = Surroundings(paths=paths, advisories=advisories) if replay else None
    expected = verifying.Expected(run=expect_run, plan=_digest(expect_plan), not_before=_time(not_before))
    try:
        with within(timeout):
            found = verifying.verify(bundle, key=key, replay=surroundings, expected=expected)
    except OutOfTime:
        click.echo(f"{_line(bundle)}: could not be checked within {timeout} s: give it more with --timeout")
        return 1
    if found.state is verifying.State.UNREADABLE:
        raise EvidenceError(_line(found.problems[0]))
    if found.origin and not quiet:
        click.echo(f"{_line(bundle)}: {found.origin}")
    lines = (*found.problems, *(f"note: {note}" for note in found.notes if not quiet))
    for line in lines[:_MOST_LINES]:
        click.echo(_line(line))
    if len(lines) > _MOST_LINES:
        click.echo(f"… and {len(lines) - _MOST_LINES} more")
    if not quiet:
        click.echo(_line(f"{bundle}: {_conclusion(found)}"))
    if found.state is verifying.State.OF_ANOTHER_VERSION:
        return 10 if strict else 0
    return 1 if found.problems else 0


def _conclusion(found: Verified) -> str:
    if found.problems:
        return "verification failed"
    how = (
        "holds"
        if found.state.value == "whole"
        else "holds, but for its reports, which were not rendered again"
    )
    return "; ".join(part for part in (how, found.signature, found.results) if part)


def _line(text: object) -> str:
    """Return what a bundle says as one line for a screen, and not more of it than a person reads."""
    shown = visible(text).replace("\n", "\\n")
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"


def _digest(given: str) -> str:
    if given and not re.fullmatch(r"[0-9a-fA-F]{64}", given):
        raise UsageProblem(f"--expect-plan {given}: is no SHA-256, which has 64 hexadecimal digits")
    return given.lower()


def _time(given: str | None) -> datetime | None:
    if given is None:
        return None
    try:
        found = datetime.fromisoformat(given)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise UsageProblem(f"--not-before {given}: is no time with a zone, such as 2026-12-31T23:59:59Z")
    return found.astimezone(UTC)


@main.command(
    short_help="Make a report of a bundle again.",
    epilog=examples(
        "aisec report evidence --format html --to report.html",
        "aisec report evidence --format pdf --no-appendix --to report.pdf",
        "aisec report evidence --format sarif --all > results.sarif",
    ),
)
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--format", "name", required=True, metavar="NAME", help="html, junit, sarif, pdf, …")
@click.option("--all", "everything", is_flag=True, help="sarif: passed and not applicable results as well.")
@click.option("--to", "target", type=click.Path(path_type=Path), help="Write there instead of to the screen.")
@click.option("--no-appendix", is_flag=True, help="pdf: leave out commands with their answers.")
def report(bundle: Path, name: str, target: Path | None, *, everything: bool, no_appendix: bool) -> int:
    """Make a report of a bundle again, the same to the byte as the run made it.

    pdf is the HTML report, printed by the Chromium of this machine; it is not part of a bundle.
    """
    from pytest_aisec.evidence import bundle as bundles  # noqa: PLC0415 - keeps `aisec --help` quick
    from pytest_aisec.report import formats, pdf  # noqa: PLC0415 - likewise

    if no_appendix and name != pdf.NAME:
        raise UsageProblem(f"--no-appendix is for --format {pdf.NAME}, and the format is {name!r}")
    if name == pdf.NAME:
        return _pdf(bundle, target, appendix=not no_appendix)
    chosen = formats.report(name, everything=everything)
    with _reading(bundle):
        found = bundles.read(bundle)
        files = [*formats.render(chosen, found.run, found.verdict)]
    if target is None:
        if len(files) > 1:
            raise UsageProblem(f"--format {name} makes a file for each host: name a directory with --to")
        sys.stdout.buffer.write(files[0][1].encode())
        return 0
    try:
        for path, text in files:
            at = target / Path(path).name if chosen.is_per_host else target
            at.parent.mkdir(parents=True, exist_ok=True)
            at.write_bytes(text.encode())
    except OSError as error:
        raise UsageProblem(f"--to {target}: cannot be written: {error.strerror}") from None
    return 0


def _pdf(bundle: Path, target: Path | None, *, appendix: bool) -> int:
    from pytest_aisec.evidence import bundle as bundles  # noqa: PLC0415 - keeps `aisec --help` quick
    from pytest_aisec.report import html, pdf  # noqa: PLC0415 - likewise

    if target is None:
        raise UsageProblem(f"--format {pdf.NAME} is not for a screen: name a file with --to")
    pdf.browser()
    with _reading(bundle):
        found = bundles.read(bundle)
        text = html.render(found.run, found.verdict)
    pdf.write(text, target, appendix=appendix)
    return 0


@contextmanager
def _reading(bundle: Path) -> Iterator[None]:
    """Read a bundle that anybody may have made: it ends, with what is asked for or with one message."""
    from pytest_aisec.evidence import files  # noqa: PLC0415 - keeps `aisec --help` quick

    try:
        with within(DEFAULT_TIMEOUT):
            if bundle.is_dir():
                files.check(bundle)
            yield
    except OutOfTime:
        raise EvidenceError(f"{bundle}: could not be read within {DEFAULT_TIMEOUT} s") from None
    except AisecError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a forger has put there
        raise EvidenceError(f"{bundle}: no report can be made of it: {error!r}"[:_LONGEST]) from None


@main.command(
    epilog=examples("aisec diff last-week today", "aisec diff main/run.json branch/run.json --format md")
)
@click.argument("before", metavar="A", type=click.Path(path_type=Path))
@click.argument("after", metavar="B", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "md", "json"]),
    default="text",
    show_default=True,
    help="How to show it.",
)
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but what fails anew.")
def diff(before: Path, after: Path, style: str, *, quiet: bool) -> int:
    """Tell what got worse, better or weaker from run A to run B.

    A and B are bundles, or their run.json. Ends with 1 when something fails in B that did not in A and that
    no waiver excuses, otherwise with 0.
    """
    from pytest_aisec.evidence import baseline  # noqa: PLC0415 - keeps `aisec --help` quick
    from pytest_aisec.judge.compare import compare  # noqa: PLC0415 - likewise
    from pytest_aisec.report import changes  # noqa: PLC0415 - likewise

    if quiet and style != "text":
        raise UsageProblem(f"--quiet is for --format text, and the format is {style!r}")
    with _reading(after):
        earlier, later = baseline.read(before), baseline.read(after)
        found = compare(earlier.run, later.run, sha256=earlier.sha256)
    shown = "".join(f"{line}\n" for line in changes.new(found)) if quiet else changes.render(found, style)
    sys.stdout.buffer.write(shown.encode())
    return 1 if found.new_failures else 0
