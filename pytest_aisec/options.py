"""The command line options of the pytest plugin. Imported in every pytest run: nothing heavy here."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


_DEFAULTS = {
    "aisec_timeout": 30.0,
    "aisec_connect_timeout": 10.0,
    "aisec_workers": 32,
    "aisec_evidence_mode": "0700",
}
"""Of options that a file of settings may give as well."""


def asks_for_audit(namespace: argparse.Namespace) -> bool:
    """Tell whether anything asks for an audit."""
    return bool(namespace.aisec or namespace.aisec_config or namespace.aisec_profile is not None)


def fill(namespace: argparse.Namespace) -> None:
    """Give the options that nobody set their defaults."""
    for name, value in _DEFAULTS.items():
        if getattr(namespace, name) is None:
            setattr(namespace, name, value)


def add(parser: pytest.Parser) -> None:
    """Add all options to pytest's parser: one list, however long."""
    group = parser.getgroup("aisec", "audit AI machines against security controls (pytest-aisec)")
    group.addoption(
        "--aisec-profile",
        metavar="NAME|FILE",
        help="Audit the hosts (--hosts, default local://) against this profile and nothing else.",
    )
    group.addoption(
        "--aisec",
        action="store_true",
        help="Audit what aisec.toml, or [tool.pytest-aisec] of pyproject.toml, says: in this directory.",
    )
    group.addoption(
        "--aisec-config",
        metavar="FILE",
        help="Audit what this file says: like aisec.toml, or a pyproject.toml.",
    )
    group.addoption(
        "--aisec-show-config",
        action="store_true",
        help="Show the settings with where each came from, and end (aisec config).",
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
        "--aisec-active",
        action="store_true",
        help="Let controls send requests, prompts among them, to the services that they judge.",
    )
    group.addoption(
        "--aisec-advisories",
        metavar="PATH",
        help="The index of advisories that packages are compared with (aisec advisories update).",
    )
    group.addoption(
        "--aisec-evidence",
        metavar="DIR",
        help="The evidence bundle; must be new or empty. Default: aisec-evidence/<UTC time>-<profile>.",
    )
    group.addoption(
        "--aisec-evidence-mode",
        choices=("0700", "0750", "0755"),
        help="Who can read the evidence: its owner (0700, the default), the group (0750), or all (0755).",
    )
    group.addoption(
        "--aisec-waivers",
        metavar="FILE",
        action="append",
        default=[],
        help="Dated, approved excuses for failed controls; a directory works. Repeatable.",
    )
    group.addoption(
        "--aisec-attestations",
        metavar="FILE",
        action="append",
        default=[],
        help="Dated statements of people on controls that no command can decide. Repeatable.",
    )
    group.addoption(
        "--aisec-gate",
        metavar="FILE",
        help="When the run fails: a YAML file that takes the place of the profile's gate.",
    )
    group.addoption(
        "--aisec-fail-on",
        metavar="SEVERITY|regression",
        help="The least severity whose failures fail the run; regression: what did not fail in the baseline.",
    )
    group.addoption(
        "--aisec-min-score",
        metavar="SHARE",
        help="The least score, waived failures counted as passed: more than 0 and at most 1.",
    )
    group.addoption(
        "--aisec-error-is",
        metavar="inconclusive|failed",
        help="What a control that could not be observed makes of the run.",
    )
    group.addoption(
        "--aisec-baseline",
        metavar="BUNDLE|FILE",
        help="An earlier bundle, or its run.json, to compare with.",
    )
    group.addoption(
        "--aisec-strict-waivers",
        action="store_true",
        help="Fail when a control passes that a waiver excuses.",
    )
    group.addoption(
        "--aisec-redact",
        metavar="FILE",
        help="Patterns of credentials to redact besides the known ones: a YAML list of `kind` and `pattern`.",
    )
    group.addoption(
        "--aisec-no-reports", action="store_true", help=argparse.SUPPRESS
    )  # for `verify --replay`
    group.addoption(
        "--aisec-sign-key",
        metavar="KEY",
        help="Sign the evidence with this private key: PEM, Ed25519 or ECDSA (pytest-aisec[signing]).",
    )
    group.addoption(
        "--aisec-sign-passphrase-file",
        metavar="FILE",
        help="Holds the passphrase of the key. Default: it is asked for.",
    )
    group.addoption(
        "--aisec-sign-sigstore",
        action="store_true",
        help="Sign the evidence with the identity of the CI job (pytest-aisec[sigstore]).",
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
        help="How long a command on a host may take. Default: 30.",
    )
    group.addoption(
        "--aisec-connect-timeout",
        metavar="SECONDS",
        type=float,
        help="How long a connection to a host may take. Default: 10.",
    )
    group.addoption(
        "--aisec-workers",
        metavar="N",
        type=int,
        help="How many hosts are asked at the same time. Default: 32.",
    )
    group.addoption(
        "--aisec-no-waves",
        action="store_true",
        help="Ask each question when its control is evaluated, one after the other.",
    )
    group.addoption(
        "--aisec-cache",
        metavar="DIR",
        help="Where to keep what was asked, as the first wave of the next run; none: nowhere. "
        "Default: pytest-aisec/questions in the user's cache directory.",
    )
    group.addoption(
        "--aisec-replay",
        metavar="BUNDLE",
        help="Evaluate against the transcripts of this bundle, as of its time; connect to nothing.",
    )
    group.addoption(
        "--aisec-import",
        metavar="FILE",
        action="append",
        default=[],
        help="Evaluate what a script of `aisec collect-script` printed on a host. Repeatable.",
    )
    group.addoption(
        "--aisec-observe-only",
        action="store_true",
        help="Ask the hosts and leave a bundle to be replayed, without judging (aisec collect).",
    )
