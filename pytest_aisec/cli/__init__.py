"""The `aisec` command: one module for each group of its subcommands."""

from pytest_aisec.cli import advisories, auditing, authoring, catalog, evidence, testing, waivers
from pytest_aisec.cli.root import main

__all__ = ["advisories", "auditing", "authoring", "catalog", "evidence", "main", "testing", "waivers"]
