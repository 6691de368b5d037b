"""The commands that read bundles."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from pytest_aisec.cli.root import examples, main
from pytest_aisec.errors import UsageProblem


@main.command(
    short_help="Check that nothing in a bundle was changed.",
    epilog=examples(
        "aisec verify aisec-evidence/20261125T041417Z-training-node",
        "aisec verify evidence --key auditor.pub --replay",
    ),
)
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--key", type=click.Path(path_type=Path), help="The public key (PEM) that must have signed it.")
@click.option("--replay", is_flag=True, help="Also make the verdicts again from the transcripts.")
@click.option(
    "--path", "paths", multiple=True, type=click.Path(path_type=Path), help="For --replay: as --aisec-path."
)
@click.option("--advisories", type=click.Path(path_type=Path), help="For --replay: as --aisec-advisories.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but what does not hold.")
def verify(
    bundle: Path,
    key: Path | None,
    *,
    replay: bool,
    paths: tuple[Path, ...],
    advisories: Path | None,
    quiet: bool,
) -> int:
    """Check that nothing in a bundle was changed, removed or added, and that it is consistent.

    Ends with 0 when all holds, otherwise with 1 after one line for each thing that does not.
    """
    from pytest_aisec import verifying  # noqa: PLC0415 - keeps `aisec --help` quick
    from pytest_aisec.replaying import Surroundings  # noqa: PLC0415 - likewise

    if (paths or advisories) and not replay:
        raise UsageProblem(f"{'--path' if paths else '--advisories'} is for --replay")
    surroundings = Surroundings(paths=paths, advisories=advisories) if replay else None
    found = verifying.verify(bundle, key=key, replay=surroundings)
    for line in (*found.problems, *(f"note: {note}" for note in found.notes if not quiet)):
        click.echo(line)
    if quiet:
        return 1 if found.problems else 0
    holds = "; ".join(part for part in ("holds", found.signature, found.verdicts) if part)
    click.echo(f"{bundle}: {'does not hold' if found.problems else holds}")
    return 1 if found.problems else 0


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
    found = bundles.read(bundle)
    pdf.write(html.render(found.run, found.verdict), target, appendix=appendix)
    return 0


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
    earlier, later = baseline.read(before), baseline.read(after)
    found = compare(earlier.run, later.run, sha256=earlier.sha256)
    shown = "".join(f"{line}\n" for line in changes.new(found)) if quiet else changes.render(found, style)
    sys.stdout.buffer.write(shown.encode())
    return 1 if found.new_failures else 0
