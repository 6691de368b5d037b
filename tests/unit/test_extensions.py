"""A transport, a framework, a report format and a family of controls, each one file outside of the package."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pytest_aisec import extensions
from pytest_aisec.catalog import frameworks
from pytest_aisec.catalog.context import Evaluation
from pytest_aisec.catalog.load import load_catalog
from pytest_aisec.catalog.resolve import single
from pytest_aisec.errors import UsageProblem
from pytest_aisec.judge import evaluate
from pytest_aisec.judge.gate import decide
from pytest_aisec.observe.hosts import HostOptions, resolve
from pytest_aisec.observe.transcript import Transcript
from pytest_aisec.observe.transport.base import Limits
from pytest_aisec.report import formats
from tests.support.runs import every_outcome

FILES = {
    "acme_transport.py": """\
from testinfra.backend.base import BaseBackend
from pytest_aisec.observe.transport import process

class Box(BaseBackend):
    NAME = "box"

    def __init__(self, address, **keywords):
        super().__init__(address, **keywords)

    def run_job(self, job):
        return process.run(
            ["env", "BOX=" + self.hostname, "/bin/sh", "-c", self.get_command(job.command)],
            timeout=job.limits.deadline, total=job.total, watch=job.watch, stop=job.stop, feed=job.feed,
        )
""",
    "acme_framework.py": """\
RULES = {
    "title": "Acme rules", "version": "3", "source": "acme.example",
    "ids": {"R1": "Boxes are closed", "R2": None}, "withdrawn": ["R0"],
}
BROKEN = {"title": "Acme rules"}
""",
    "acme_report.py": """\
class Lines:
    def __init__(self, run, verdict):
        self.gate = verdict.gate

    def begin(self):
        yield f"gate {self.gate}\\n"

    def host(self, host, results, transcript):
        yield f"{host.name}: {len(results)}\\n"

    def end(self):
        yield "end\\n"
""",
}
FAMILY = """\
from pytest_aisec import Host, control

@control("ACME-BOX-01", severity="high", remediation="Take b1.", acme_rules=["R1"])
def test_box_is_b1(host: Host) -> None:
    \"\"\"The box is b1.\"\"\"
    assert host.check_output("echo $BOX") == "b1"
"""
POINTS = """\
[pytest_aisec.transports]
box = acme_transport:Box
gone = acme_transport:Gone
[pytest_aisec.frameworks]
acme_rules = acme_framework:RULES
acme_broken = acme_framework:BROKEN
[pytest_aisec.reports]
lines = acme_report:Lines
"""


@pytest.fixture
def _installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Install a package with three extensions."""
    place = tmp_path / "site"
    info = place / "acme-1.0.dist-info"
    info.mkdir(parents=True)
    for name, text in FILES.items():
        (place / name).write_text(text, encoding="utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(POINTS, encoding="utf-8")
    monkeypatch.syspath_prepend(str(place))
    caches = (extensions.names, frameworks.known)
    for cached in caches:
        cached.cache_clear()
    yield
    for cached in caches:
        cached.cache_clear()


@pytest.mark.usefixtures("_installed")
def test_a_control_family_a_transport_and_a_framework_of_ones_own_judge_a_host(
    content: Any,
) -> None:
    content.file("box/test_boxes.py", FAMILY)
    control = load_catalog([content.root])["ACME-BOX-01"]
    assert {"acme_rules": ("R1",)} == control.frameworks
    ended = []
    for spec in ("box://b1", "box://b2"):
        (target,) = resolve(HostOptions(hosts=spec))
        host = target.observed(Transcript(), Limits(timeout=20))
        circumstances = Evaluation(now=datetime.now(UTC))
        ended.append((target.name, evaluate.judge(single(control, {}), host, circumstances).outcome.value))
    assert [("box://b1", "passed"), ("box://b2", "failed")] == ended


@pytest.mark.usefixtures("_installed")
def test_a_report_of_ones_own_is_made_of_a_run() -> None:
    run = every_outcome()
    ((path, text),) = formats.render(formats.report("lines"), run, decide(run))
    assert "lines" == path
    hosts = [f"{host.name}: {len(run.by_host()[host.name])}" for host in run.hosts]
    assert ["gate failed", *hosts, "end"] == text.splitlines()


@pytest.mark.usefixtures("_installed")
@pytest.mark.parametrize("wrong", ["R0", "R9"])
def test_ids_of_a_framework_of_ones_own_are_checked(wrong: str) -> None:
    frameworks.check("acme_rules", ["R2"])
    with pytest.raises(UsageProblem, match=f"^acme_rules: .*{wrong}"):
        frameworks.check("acme_rules", [wrong])


@pytest.mark.usefixtures("_installed")
def test_reports_of_a_bundle_look_up_our_frameworks_alone() -> None:
    with pytest.raises(UsageProblem, match="unknown framework 'acme_rules'"):
        frameworks.framework("acme_rules")


@pytest.mark.usefixtures("_installed")
def test_an_extension_that_is_none_is_refused_by_name() -> None:
    with pytest.raises(
        UsageProblem, match=r"'gone' of pytest_aisec.transports, acme_transport:Gone, cannot be"
    ):
        resolve(HostOptions(hosts="gone://b1"))
    with pytest.raises(UsageProblem, match="'acme_broken' of another package is no table with title"):
        frameworks.check("acme_broken", ["R1"])


def test_what_no_package_registers_is_unknown() -> None:
    with pytest.raises(UsageProblem, match="unknown connection 'box'"):
        resolve(HostOptions(hosts="box://b1"))
    with pytest.raises(UsageProblem, match="unknown format 'lines'"):
        formats.report("lines")
    with pytest.raises(UsageProblem, match="unknown framework 'acme_rules'"):
        frameworks.check("acme_rules", ["R1"])
