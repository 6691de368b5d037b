"""Fixtures for tests on real hosts. They need root on Debian; elsewhere the tests are skipped."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from labkit.fixtures import (
    aws_account,
    client_side,
    cloud,
    lab,
    lab_chroot,
    lab_docker,
    lab_host,
    lab_hosts,
    lab_podman,
)

from tests.readers import heimdall, in_toto, installed, jenkins, jenkins_schema, kept, multitool, trestle

__all__ = [
    "aws_account",
    "client_side",
    "cloud",
    "heimdall",
    "in_toto",
    "installed",
    "jenkins",
    "jenkins_schema",
    "kept",
    "lab",
    "lab_chroot",
    "lab_docker",
    "lab_host",
    "lab_hosts",
    "lab_podman",
    "multitool",
    "trestle",
]
