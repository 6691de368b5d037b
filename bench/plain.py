"""The same controls as tests of plain pytest-testinfra, with a control socket for each host."""

import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

import measure

MODULE = """\
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pytest_aisec.catalog.content import content_roots
from pytest_aisec.catalog.context import Evaluation, evaluating
from pytest_aisec.catalog.load import load_catalog
from pytest_aisec.catalog.resolve import make_plan
from pytest_aisec.catalog.profile import load_chain

ROOTS = content_roots([])
PLAN = make_plan(load_chain({profile!r}, ROOTS, cwd=Path()), load_catalog(ROOTS))


@pytest.mark.parametrize("planned", PLAN.controls, ids=lambda planned: planned.id)
def test_control(host, planned, record_property):
    record_property("place", f"{{host.backend.host.name}} {{planned.id}}")
    with evaluating(Evaluation(now=datetime.now(UTC), declared=planned.declared)):
        planned.control.function(host, **planned.arguments())
"""
SILENCE = "LogLevel FATAL\n"
"""ssh complains when two processes connect first, and a control would take that for the command's error."""
OUTCOMES = {"failure": "failed", "error": "failed", "skipped": "not_applicable"}


def audit(
    profile: str, options: Sequence[str], ssh_config: Path, *, processes: int = 0
) -> tuple[measure.Measured, dict[tuple[str, str], str]]:
    """Run the profile's controls; return what it took and the outcome of each (address, control)."""
    with tempfile.TemporaryDirectory(prefix="aisec-b-") as directory:
        here = Path(directory)
        (here / "pytest.ini").write_text("[pytest]\njunit_family = xunit1\n")
        (here / "test_plain.py").write_text(MODULE.format(profile=profile))
        config = here / "ssh_config"
        config.write_text(f"{SILENCE}{ssh_config.read_text()}  ControlPath {here}/%C\n")
        command = [
            *(sys.executable, "-m", "pytest", "-q", "--tb=no", "-p", "no:aisec", "-p", "no:cacheprovider"),
            *(f"--ssh-config={config}", "--junitxml=junit.xml", *options, "test_plain.py"),
            *([f"-n{processes}"] if processes else []),
        ]
        try:
            measured = measure.run(command, cwd=here, ends_with=(0, 1))
        finally:
            _end_masters(here)
        return measured, _outcomes(here / "junit.xml")


def _outcomes(path: Path) -> dict[tuple[str, str], str]:
    found = {}
    for case in ET.parse(path).iter("testcase"):
        place = case.find("properties/property[@name='place']")
        if place is None:
            raise SystemExit(f"plain testinfra did not begin {case.get('name')}")
        address, control = place.attrib["value"].split()
        ended = next((OUTCOMES[child.tag] for child in case if child.tag in OUTCOMES), "passed")
        found[address, control] = ended
    return found


def _end_masters(directory: Path) -> None:
    for path in directory.iterdir():
        if path.is_socket():
            leave = ["ssh", "-F", "none", "-O", "exit", "-o", f"ControlPath={path}", "nobody"]
            subprocess.run(leave, capture_output=True, check=False, timeout=10)
