"""What the programs of others make of our reports: fixtures for whoever has reports to be read.

SARIF is read by Microsoft's multitool, HDF by MITRE's inspecjs, OSCAL by compliance-trestle, JUnit by the
schema that Jenkins' xUnit plugin publishes, and statements by in-toto's own library. What is not installed is
downloaded once into pytest's cache; where that cannot be, the test is skipped.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from base64 import b64decode
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import forks

MULTITOOL = ("@microsoft/sarif-multitool-linux", "5.7.0")
INSPECJS = ("inspecjs", "2.12.6")
PYTEST = "8.4.2"
"""Its source distribution carries a copy of Jenkins' schema."""
SCHEMA = "testing/example_scripts/junit-10.xsd"
VALID = "Sarif;Gh"
"""The rules of the standard, and those of GitHub's code scanning."""


def run(*command, ends_with=(0,)):
    """Run a program and return what it prints."""
    done = forks.run(
        [*map(str, command)], capture_output=True, text=True, encoding="utf-8", timeout=300, check=False
    )
    assert done.returncode in ends_with, done.stdout + done.stderr
    return done.stdout


def plain_terminal() -> dict[str, str]:
    """Return the environment for a command whose output is read: wide, and no job of a CI service."""
    return {key: value for key, value in os.environ.items() if key != "GITHUB_ACTIONS"} | {"COLUMNS": "110"}


@pytest.fixture(scope="session")
def kept(request, tmp_path_factory):
    """Directories that are filled once and kept for later sessions: `kept(name, fill)`."""

    def keep(name: str, fill: Callable[[Path], None]) -> Path:
        cache = getattr(request.config, "cache", None)
        root = Path(cache.mkdir("readers")) if cache else tmp_path_factory.getbasetemp()
        place = root / name
        if not place.exists():
            # Another worker may be at it: whoever is first wins, and nobody sees half of it.
            unfinished = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=root))
            try:
                fill(unfinished)
                unfinished.rename(place)
            except OSError:
                if not place.exists():
                    raise
            finally:
                shutil.rmtree(unfinished, ignore_errors=True)
        return place

    return keep


@pytest.fixture(scope="session")
def installed(kept):
    """Install a package of npm, once; return its directory."""

    def install(name: str, version: str) -> Path:
        if shutil.which("npm") is None or shutil.which("node") is None:
            pytest.skip("there is no node, which the reader needs")

        def fill(folder: Path) -> None:
            command = ["npm", "install", "--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund"]
            run(*command, "--no-save", f"{name}@{version}")

        return kept(f"npm-{name.rpartition('/')[2]}-{version}", fill) / "node_modules" / name

    return install


@dataclass(frozen=True, kw_only=True)
class Multitool:
    """Microsoft's reader of SARIF."""

    program: Path
    scratch: Path

    def schema(self) -> dict:
        """Return the standard's schema."""
        return json.loads(self.program.with_name("sarif-2.1.0.json").read_text(encoding="utf-8-sig"))

    def matching(self, log: Path, expression: str) -> int:
        """Return how many results of a log it finds for an expression."""
        said = run(self.program, "query", log, "--expression", expression)
        return int(re.search(r"Found (\d+) of \d+ results", said)[1])

    def objections(self, log: Path) -> list[tuple[str, str]]:
        """Return what it finds wrong in a log."""
        with tempfile.TemporaryDirectory(dir=self.scratch) as directory:
            out = Path(directory) / "out.sarif"
            options = ["--rule-kind", VALID, "--level", "Error;Warning", "--kind", "Fail", "--output", out]
            run(self.program, "validate", log, *options, ends_with=(0, 1))
            (found,) = json.loads(out.read_text(encoding="utf-8-sig"))["runs"]
        assert [] == found["invocations"][0].get("toolExecutionNotifications", [])
        return [(item["ruleId"], item["message"].get("id", "")) for item in found.get("results", [])]


@pytest.fixture(scope="session")
def multitool(installed, tmp_path_factory):
    """Microsoft's reader of SARIF."""
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        pytest.skip("the multitool is installed for Linux on x86-64 alone")
    program = installed(*MULTITOOL) / "Sarif.Multitool"
    program.chmod(0o755)
    return Multitool(program=program, scratch=tmp_path_factory.mktemp("validated"))


@pytest.fixture(scope="session")
def heimdall(installed):
    """What Heimdall's reader makes of HDF files: path → control → what it says."""
    package = installed(*INSPECJS)

    def read(*paths: Path):
        found = json.loads(run("node", Path(__file__).with_name("hdf_reader.js"), package, *paths))
        return {Path(path): controls for path, controls in found.items()}

    return read


@pytest.fixture(scope="session")
def jenkins_schema(kept):
    """The schema of Jenkins' xUnit plugin."""

    def fill(folder: Path) -> None:
        where = ["--no-deps", "--no-binary=pytest", f"--dest={folder}", f"pytest=={PYTEST}"]
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", *where]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        if done.returncode != 0:
            pytest.skip(f"the package index gave no source of pytest {PYTEST}: {done.stderr.strip()[-300:]}")
        with tarfile.open(folder / f"pytest-{PYTEST}.tar.gz") as archive:
            (folder / "junit-10.xsd").write_bytes(archive.extractfile(f"pytest-{PYTEST}/{SCHEMA}").read())

    return kept(f"junit-schema-{PYTEST}", fill) / "junit-10.xsd"


@pytest.fixture(scope="session")
def jenkins(jenkins_schema):
    """What Jenkins' schema finds wrong in a text."""
    etree = pytest.importorskip("lxml.etree", reason="lxml is what validates against an XML schema")
    validator = etree.XMLSchema(etree.parse(str(jenkins_schema)))

    def check(text: str) -> list[str]:
        validator.validate(etree.fromstring(text.encode()))
        return [str(entry) for entry in validator.error_log]

    return check


def junit_cases(path: Path) -> Counter[str]:
    """Return how many test cases of a JUnit file ended how, as CI systems count: by their elements."""
    etree = pytest.importorskip("lxml.etree", reason="lxml is what reads XML")
    found: Counter[str] = Counter()
    for suite in etree.parse(str(path)).iter("testsuite"):
        here = Counter(
            next((kind for kind in ("failure", "error", "skipped") if case.find(kind) is not None), "passed")
            for case in suite.iter("testcase")
        )
        told = {"failure": "failures", "error": "errors", "skipped": "skipped"}
        assert {kind: here[kind] for kind in told} == {kind: int(suite.get(told[kind], "0")) for kind in told}
        assert str(here.total()) == suite.get("tests")
        found += here
    return found


_TRESTLE = """
import sys, json, warnings
from pathlib import Path
warnings.simplefilter("ignore")
import trestle.core.validator_factory
from trestle.core.all_validator import AllValidator
from trestle.oscal.assessment_results import AssessmentResults

def plain(value):
    while hasattr(value, "root"):
        value = value.root
    return str(getattr(value, "value", value))

def ours(item):
    return {prop.name: prop.value for prop in item.props or []}

found = AssessmentResults.oscal_read(Path(sys.argv[1]))
(result,) = found.results
hosts = result.local_definitions.inventory_items or []
subjects = {item.uuid: item.props[0].value for item in hosts}
seen = {item.uuid: [subjects[ref.subject_uuid] for ref in item.subjects] for item in result.observations or []}
risks = {item.uuid: item for item in result.risks or []}
parties = {item.uuid: item.name for item in found.metadata.parties or []}
print(json.dumps({
    "valid": AllValidator().model_is_valid(found, True),
    "version": plain(found.metadata.oscal_version),
    "result": ours(result),
    "hosts": list(subjects.values()),
    "observed": [
        [seen[item.uuid], ours(item)["outcome"], [plain(way) for way in item.methods], item.collected.isoformat()]
        for item in result.observations or []
    ],
    "findings": [
        [item.target.target_id, plain(item.target.status.state), plain(item.target.status.reason),
         ours(item)["outcome"], [name for ref in item.related_observations or [] for name in seen[ref.observation_uuid]],
         [plain(risks[ref.risk_uuid].status) for ref in item.related_risks or []]]
        for item in result.findings or []
    ],
    "risks": [
        [plain(item.status), item.deadline.isoformat(), item.statement,
         [parties[who.party_uuid] for entry in item.risk_log.entries for who in entry.logged_by]]
        for item in risks.values()
    ],
    "excluded": [
        [ours(chosen).get("host", ""), item.objective_id, item.remarks]
        for chosen in result.reviewed_controls.control_objective_selections or []
        for item in chosen.exclude_objectives or []
    ],
    "attested": [[part.title, part.prose] for item in result.attestations or [] for part in item.parts],
    "resources": [
        [link.href, *(each.value for each in link.hashes or [])]
        for item in found.back_matter.resources for link in item.rlinks
    ],
}))
"""
"""What trestle makes of a file, in a process of its own: it warns when it is imported."""


@pytest.fixture(scope="session")
def trestle():
    """What compliance-trestle makes of an OSCAL file."""
    known = subprocess.run([sys.executable, "-c", "import trestle"], capture_output=True, check=False)
    if known.returncode != 0:
        pytest.skip("there is no compliance-trestle")
    return lambda path: json.loads(run(sys.executable, "-c", _TRESTLE, path))


@pytest.fixture(scope="session")
def in_toto():
    """What in-toto's library makes of the statement in a DSSE envelope: subjects, and the predicate."""
    json_format = pytest.importorskip("google.protobuf.json_format")
    pb2 = pytest.importorskip("in_toto_attestation.v1.statement_pb2")
    library = pytest.importorskip("in_toto_attestation.v1.statement")

    def read(path: Path):
        payload = b64decode(json.loads(path.read_bytes())["payload"])
        statement = library.Statement.copy_from_pb(json_format.Parse(payload, pb2.Statement()))
        statement.validate()
        subjects = {item.name: item.digest["sha256"] for item in statement.pb.subject}
        return subjects, json_format.MessageToDict(statement.pb.predicate)

    return read
