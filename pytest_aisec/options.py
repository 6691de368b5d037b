"""The command line options of the pytest plugin. Imported in every pytest run: nothing heavy here."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def add(parser: pytest.Parser) -> None:
    """Add all options to pytest's parser."""
    group = parser.getgroup("aisec", "audit AI machines against security controls (pytest-aisec)")
    group.addoption(
        "--aisec-profile",
        metavar="NAME|FILE",
        help="Audit the hosts (--hosts, default local://) against this profile and nothing else.",
    )
    group.addoption(
        "--aisec-param",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="Set a parameter of every control that has it; CONTROL.NAME=VALUE for one control. Repeatable.",
    )
    group.addoption(
        "--aisec-select",
        metavar="WHAT",
        action="append",
        default=[],
        help="Run only controls of this id, wildcard, family, severity or framework:id "
        "(nist_800_53:AC-3). Repeatable.",
    )
    group.addoption(
        "--aisec-path",
        metavar="DIR",
        action="append",
        default=[],
        help="A directory with controls/ and profiles/ of your own. Repeatable.",
    )
    group.addoption(
        "--aisec-evidence",
        metavar="DIR",
        help="The evidence bundle; must be new or empty. Default: aisec-evidence/<UTC time>-<profile>.",
    )
    group.addoption(
        "--aisec-exit",
        choices=("full", "simple"),
        default="full",
        help="full: 0 passed, 1 failed, 10 inconclusive, 4 usage, 5 empty, 12 no evidence; simple: 0 or 1.",
    )
    group.addoption(
        "--aisec-timeout",
        metavar="SECONDS",
        type=float,
        default=30.0,
        help="How long a command on a host may take. Default: 30.",
    )
    group.addoption(
        "--aisec-connect-timeout",
        metavar="SECONDS",
        type=float,
        default=10.0,
        help="How long a connection to a host may take. Default: 10.",
    )
