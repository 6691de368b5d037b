"""The `aisec` command."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import NoReturn

import click

from pytest_aisec.errors import AisecError

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
    or PYTEST_ADDOPTS is read and no cache is written. All options of pytest, testinfra and pytest-aisec may
    follow, such as --hosts=ssh://gpu-1 --sudo -v.
    """
    import pytest  # noqa: PLC0415 - only this command needs it

    from pytest_aisec.catalog.content import content_root  # noqa: PLC0415 - likewise

    for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS"):
        os.environ.pop(name, None)
    ini = Path(__file__).with_name("hermetic.ini")
    own = ["-c", str(ini), f"--rootdir={content_root().path}", "--noconftest", "-p", "no:cacheprovider"]
    return int(pytest.main([*own, f"--aisec-profile={profile}", *pytest_options]))


@main.command()
@click.argument("bundle", type=click.Path(path_type=Path))
def verify(bundle: Path) -> int:
    """Check that nothing in a bundle was changed, removed or added, and that it is consistent.

    Ends with 0 when all holds, otherwise with 1 after one line for each thing that does not.
    """
    from pytest_aisec.evidence import bundle as bundles  # noqa: PLC0415 - keeps `aisec --help` quick

    problems = bundles.verify(bundle)
    for problem in problems:
        click.echo(problem)
    click.echo(f"{bundle}: {'does not hold' if problems else 'holds; it is not signed'}")
    return 1 if problems else 0


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
@click.argument("what", type=click.Choice(["run", "profile"]))
def schema(what: str) -> int:
    """Print the JSON Schema of run.json or of a profile."""
    from pytest_aisec.catalog.profile import ProfileFile  # noqa: PLC0415 - keeps `aisec --help` quick
    from pytest_aisec.evidence import bundle as bundles  # noqa: PLC0415 - likewise

    found = bundles.json_schema() if what == "run" else ProfileFile.model_json_schema()
    click.echo(json.dumps(found, indent=2))
    return 0


if __name__ == "__main__":
    main(prog_name="aisec")
