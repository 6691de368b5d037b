"""The `aisec` command itself, and what its subcommands share."""

from __future__ import annotations

import json
import os
import sys
from typing import Any, NoReturn

import click

from pytest_aisec.errors import AisecError, nearest
from pytest_aisec.report.text import visible


def examples(*lines: str) -> str:
    """Return what stands at the end of a command's help: what people type."""
    return "Examples:\n" + "".join(f"  {line}\n" for line in lines)


def print_json(data: Any) -> None:
    """Print `data` as JSON that people can read as well."""
    click.echo(json.dumps(data, indent=2, ensure_ascii=False))


class WithExamples(click.Command):
    """A command that shows its epilog as it is written."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, as wide as they are."""
        del ctx
        if self.epilog:
            formatter.write_paragraph()
            formatter.write(self.epilog)


class _Commands(WithExamples, click.Group):
    """Ends with exit code 4 where the user asked for something that is not there."""

    command_class = WithExamples
    group_class = type

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
            click.echo(f"ERROR: {visible(error)}", err=True)
            sys.exit(4)
        sys.exit(code if isinstance(code, int) else 0)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take the arguments; without any, show the help, which is not what a job in CI has asked for."""
        if not args and not ctx.resilient_parsing:
            click.echo(ctx.get_help(), err=True)
            ctx.exit(4)
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; what is none comes with the nearest that is one."""
        name = args[0]
        if not ctx.resilient_parsing and not name.startswith("-") and self.get_command(ctx, name) is None:
            ctx.fail(f"No such command {name!r}. {nearest(name, self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples(
        "aisec profiles",
        "aisec run linux-base",
        "aisec run training-node --hosts=ssh://gpu-1,ssh://gpu-2 --sudo",
        "aisec explain AISEC-ART-03",
    ),
)
@click.version_option(package_name="pytest-aisec", prog_name="aisec")
def main() -> None:
    """Audit AI machines against security controls, and check the evidence."""
