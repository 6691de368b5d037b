"""The `aisec` command."""

from __future__ import annotations

import itertools
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from pytest_aisec.errors import AisecError, UsageProblem, nearest

_PYTEST_STYLE = {
    "ignore_unknown_options": True,
    "allow_interspersed_args": False,
    "help_option_names": ["--help"],
}


class _Commands(click.Group):
    """Ends with exit code 4 where the user asked for something that is not there."""

    def main(self, *args: object, **kwargs: object) -> NoReturn:
        """Run the command and leave the process with its exit code."""
        kwargs["standalone_mode"] = False
        try:
            code = super().main(*args, **kwargs)  # type: ignore[call-overload]
        except click.exceptions.Abort:
            click.echo("aborted", err=True)
            sys.exit(130)
        except click.ClickException as error:
            error.show()
            sys.exit(4)
        except AisecError as error:
            click.echo(f"ERROR: {error}", err=True)
            sys.exit(4)
        sys.exit(code if isinstance(code, int) else 0)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pytest-aisec", prog_name="aisec")
def main() -> None:
    """Audit AI machines against security controls, and check the evidence."""


@main.command(context_settings=_PYTEST_STYLE)
@click.argument("profile", metavar="NAME|FILE")
@click.argument("pytest_options", nargs=-1, type=click.UNPROCESSED)
def run(profile: str, pytest_options: tuple[str, ...]) -> int:
    """Audit hosts against a profile.

    The same as `pytest --aisec-profile NAME`, independent of where you are: no configuration file, conftest
    or PYTEST_ADDOPTS is read. All options of pytest, testinfra and pytest-aisec may follow, such as
    --hosts=ssh://gpu-1 --sudo -v.
    """
    return _pytest(profile, pytest_options)


def _pytest(profile: str, options: Sequence[str]) -> int:
    import pytest  # noqa: PLC0415 - only these commands need it

    from pytest_aisec.catalog.content import content_root  # noqa: PLC0415 - likewise

    for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS"):
        os.environ.pop(name, None)
    ini = Path(__file__).with_name("hermetic.ini")
    own = ["-c", str(ini), f"--rootdir={content_root().path}", "--noconftest", "-p", "no:cacheprovider"]
    return int(pytest.main([*own, f"--aisec-profile={profile}", *options]))


@main.command(context_settings=_PYTEST_STYLE)
@click.argument("profile", metavar="NAME|FILE")
@click.argument("pytest_options", nargs=-1, type=click.UNPROCESSED)
def collect(profile: str, pytest_options: tuple[str, ...]) -> int:
    """Observe hosts without judging.

    Leaves a bundle of transcripts, to be judged later and elsewhere: `aisec run NAME --aisec-replay BUNDLE`.
    The options are those of `aisec run`. Ends with 0 when every host could be asked, otherwise with 10.
    """
    return _pytest(profile, [*pytest_options, "--aisec-observe-only"])


@main.command("import", context_settings=_PYTEST_STYLE)
@click.argument("profile", metavar="NAME|FILE")
@click.argument("output", type=click.Path(path_type=Path))
@click.argument("more", nargs=-1, type=click.UNPROCESSED)
def import_(profile: str, output: Path, more: tuple[str, ...]) -> int:
    """Judge what a script of `aisec collect-script` printed.

    Several OUTPUT files are several hosts. Options of `aisec run` may follow. What did not arrive whole is
    `error: no_observation`.
    """
    given = itertools.takewhile(lambda item: not item.startswith("-"), more)
    files = [str(output), *given]
    imported = [f"--aisec-import={path}" for path in files]
    return _pytest(profile, [*imported, *more[len(files) - 1 :]])


@main.command("collect-script")
@click.argument("profile", metavar="NAME|FILE")
@click.option("--aisec-path", "paths", multiple=True, type=click.Path(path_type=Path), help="As for a run.")
@click.option("--aisec-param", "params", multiple=True, metavar="NAME=VALUE", help="As for a run.")
@click.option("--aisec-select", "select", multiple=True, metavar="WHAT", help="As for a run.")
@click.option("--aisec-cache", "cache", type=click.Path(path_type=Path), help="As for a run.")
@click.option("--aisec-timeout", "timeout", default=30.0, show_default=True, help="As for a run.")
def collect_script(
    profile: str,
    paths: tuple[Path, ...],
    params: tuple[str, ...],
    select: tuple[str, ...],
    cache: Path | None,
    timeout: float,
) -> int:
    """Print a shell script that observes a machine you cannot reach.

    It asks what earlier runs of the same profile and parameters asked of hosts: audit or `aisec collect` a
    similar host first. Run it there, by hand or with any tool, and judge its output with `aisec import`.
    """
    from pytest_aisec.catalog.content import content_roots  # noqa: PLC0415 - keeps `aisec --help` quick
    from pytest_aisec.catalog.load import load_catalog  # noqa: PLC0415 - likewise
    from pytest_aisec.catalog.plan import make_plan  # noqa: PLC0415 - likewise
    from pytest_aisec.catalog.profile import load_chain  # noqa: PLC0415 - likewise
    from pytest_aisec.collecting import question_keys  # noqa: PLC0415 - likewise
    from pytest_aisec.observe.learned import Learned, default_directory  # noqa: PLC0415 - likewise
    from pytest_aisec.observe.portable import script  # noqa: PLC0415 - likewise

    roots = content_roots(paths)
    chain = load_chain(profile, roots, cwd=Path.cwd())
    plan = make_plan(chain, load_catalog(roots), params=params, select=select)
    keys = question_keys(plan)
    windows = [planned.id for planned in plan.controls if "windows" in planned.control.platforms]
    learned = Learned(
        {control: key for control, key in keys.items() if control not in windows},
        cache or default_directory(),
    )
    unknown = learned.unknown()
    if len(windows) == len(keys):
        raise UsageProblem(
            f"profile {plan.profile!r} is for Windows, and a shell script cannot observe that; audit it over "
            "WinRM: --hosts=winrm://user@host"
        )
    if len(unknown) + len(windows) == len(plan.controls):
        raise UsageProblem(
            f"nothing is known of what profile {plan.profile!r} asks with these parameters; first run: "
            f"aisec collect {profile} --hosts=…"
        )
    if unknown:
        click.echo(f"not asked for, since no run has had them yet: {', '.join(unknown)}", err=True)
    click.echo(script(learned.everything(), profile=profile, timeout=timeout), nl=False)
    return 0


@main.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--key", type=click.Path(path_type=Path), help="The public key (PEM) that must have signed it.")
@click.option("--replay", is_flag=True, help="Also make the verdicts again from the transcripts.")
@click.option(
    "--path", "paths", multiple=True, type=click.Path(path_type=Path), help="For --replay: as --aisec-path."
)
@click.option("--advisories", type=click.Path(path_type=Path), help="For --replay: as --aisec-advisories.")
def verify(
    bundle: Path, key: Path | None, *, replay: bool, paths: tuple[Path, ...], advisories: Path | None
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
    for line in (*found.problems, *(f"note: {note}" for note in found.notes)):
        click.echo(line)
    click.echo(f"{bundle}: {'does not hold' if found.problems else f'holds; {found.signature}'}")
    return 1 if found.problems else 0


@main.command()
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


@main.command()
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
def diff(before: Path, after: Path, style: str) -> int:
    """Tell what got worse, better or weaker from run A to run B.

    A and B are bundles, or their run.json. Ends with 1 when something fails in B that did not in A and that
    no waiver excuses, otherwise with 0.
    """
    from pytest_aisec.evidence import baseline  # noqa: PLC0415 - keeps `aisec --help` quick
    from pytest_aisec.judge.compare import compare  # noqa: PLC0415 - likewise
    from pytest_aisec.report import changes  # noqa: PLC0415 - likewise

    earlier, later = baseline.read(before), baseline.read(after)
    found = compare(earlier.run, later.run, sha256=earlier.sha256)
    sys.stdout.buffer.write(changes.render(found, style).encode())
    return 1 if found.new_failures else 0


@main.command()
@click.option(
    "--path", "paths", multiple=True, type=click.Path(path_type=Path), help="Your own content directory."
)
def profiles(paths: tuple[Path, ...]) -> int:
    """List the known profiles."""
    from pytest_aisec.catalog import yamlfile  # noqa: PLC0415 - keeps `aisec --help` quick
    from pytest_aisec.catalog.content import content_roots  # noqa: PLC0415 - likewise
    from pytest_aisec.catalog.profile import ProfileFile, profile_files  # noqa: PLC0415 - likewise

    for name, path in sorted(profile_files(content_roots(paths)).items()):
        file = yamlfile.parse(yamlfile.read(path), ProfileFile)
        click.echo(f"{name:<20} {file.version:<8} {file.title}")
    return 0


@main.command()
@click.option(
    "--path", "paths", multiple=True, type=click.Path(path_type=Path), help="Your own content directory."
)
def controls(paths: tuple[Path, ...]) -> int:
    """List the known controls."""
    from pytest_aisec.catalog.content import content_roots  # noqa: PLC0415 - keeps `aisec --help` quick
    from pytest_aisec.catalog.load import load_catalog  # noqa: PLC0415 - likewise

    for control in load_catalog(content_roots(paths)).values():
        click.echo(f"{control.id:<14} {control.severity:<9} {control.title}")
    return 0


@main.command()
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


@main.command()
@click.argument("control", metavar="ID")
@click.option(
    "--path", "paths", multiple=True, type=click.Path(path_type=Path), help="Your own content directory."
)
def explain(control: str, paths: tuple[Path, ...]) -> int:
    """Tell what a control requires, why, what it runs on a host, and how to fulfil it."""
    from pytest_aisec.report import controls as reports  # noqa: PLC0415 - keeps `aisec --help` quick

    (entry,) = _entries(paths, control)
    click.echo(reports.as_text(entry), nl=False)
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


@main.group()
def new() -> None:
    """Begin something of your own."""


@new.command("control")
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


@main.command()
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


@main.group()
def advisories() -> None:
    """Keep the index of known vulnerabilities that installed packages are compared with."""


@advisories.command()
@click.option(
    "--from", "source", metavar="DIR|ZIP|URL", help="OSV records. Default: the public dump for PyPI."
)
@click.option(
    "--to", "path", type=click.Path(path_type=Path), help="The index. Default: in your cache directory."
)
def update(source: str | None, path: Path | None) -> int:
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
        say=lambda text: click.echo(text, err=True),
    )
    if made.from_future:
        click.echo(f"{made.from_future} records claim a change later than now", err=True)
    click.echo(f"{made.path}: {index.open_index(made.path).describe(datetime.now(UTC))}")
    return 0


@advisories.command()
@click.option("--path", type=click.Path(path_type=Path), help="The index. Default: in your cache directory.")
def show(path: Path | None) -> int:
    """Say how old the index is, and its digest."""
    from datetime import UTC, datetime  # noqa: PLC0415 - keeps `aisec --help` quick

    from pytest_aisec.advisories import index  # noqa: PLC0415 - likewise

    found = index.open_index(path or index.default_path())
    click.echo(f"{found.path}: {found.describe(datetime.now(UTC))}; from {found.source}")
    return 0


if __name__ == "__main__":
    main(prog_name="aisec")
