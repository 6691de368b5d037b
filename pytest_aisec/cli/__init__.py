"""The `aisec` command: one module for each group of its subcommands."""

from pytest_aisec import isolation

# Before anything is imported that a file of the current directory could stand for, such as click.
isolation.leave_the_folder()

from pytest_aisec.cli import (  # noqa: E402 - what stands before belongs before
    advisories,
    bundle,
    catalog,
    run,
    testing,
    waivers,
)
from pytest_aisec.cli.authoring import commands  # noqa: E402 - likewise
from pytest_aisec.cli.root import main  # noqa: E402 - likewise

__all__ = ["advisories", "bundle", "catalog", "commands", "main", "run", "testing", "waivers"]
