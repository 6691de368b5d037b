"""The `aisec` command itself, and what its subcommands share."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

import click

from pytest_aisec.errors import AisecError


class _Commands(click.Group):
    """Ends with exit code 4 where the user asked for something that is not there."""

    def main(self, *args: object, **kwargs: object) -> NoReturn:
        """Run the command and leave the process with its exit code."""
        kwargs["standalone_mode"] = False
        if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
            kwargs["color"] = False
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
