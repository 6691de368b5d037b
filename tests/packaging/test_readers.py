"""What the readers of others make of our SARIF and HDF files: not only that they are valid, but what they say.

SARIF is read by Microsoft's multitool, HDF by MITRE's inspecjs. npm installs both into pytest's cache.
"""

from __future__ import annotations

import json
import platform
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import jsonschema
import pytest

from pytest_aisec.judge.gate import decide
from pytest_aisec.judge.outcome import Outcome
from pytest_aisec.report import formats, sarif
from pytest_aisec.report.document import whole
from tests.plugin.conftest import FAILS, PASSES, Pack
from tests.unit.report.conftest import all_strange, every_outcome, run_of, with_statements

pytestmark = pytest.mark.slow
RUNS = {
    "every outcome": every_outcome,
    "statements": with_statements,
    "strange": all_strange,
    "empty": lambda: run_of([], [], {}),
}
VALID = "Sarif;Gh"
"""The rules of the standard, and those of GitHub's code scanning."""
WAIVERS = """\
- {id: W-1, control: ACME-TST-03, hosts: ["*"], reason: vendor image, approved_by: ciso@example.com,
   approved_on: 2020-01-01, expires: 2999-12-31, ticket: SEC-7}
- {id: W-2, control: ACME-TST-04, hosts: ["*"], reason: until the migration, approved_by: ciso@example.com,
   approved_on: 2020-01-01, expires: 2020-02-01}
"""
ATTESTATIONS = """\
- {id: A-1, control: ACME-TST-08, hosts: ["*"], statement: the rack is locked, status: passed,
   attested_by: dc@example.com, attested_on: 2020-01-01, valid_until: 2999-12-31}
"""


@pytest.fixture(scope="module")
def installed(request, tmp_path_factory):
    """Install a package of npm, once; return its directory."""

    def install(name: str, version: str) -> Path:
        if shutil.which("npm") is None:
            pytest.skip("there is no node, which the reader needs")
        place = f"npm-{name.rpartition('/')[2]}-{version}"
        cache = getattr(request.config, "cache", None)
        folder = Path(cache.mkdir(place)) if cache else tmp_path_factory.mktemp(place)
        found = folder / "node_modules" / name
        if not (found / "package.json").exists():
            command = ["npm", "install", "--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund"]
            run(*command, "--no-save", f"{name}@{version}")
        return found

    return install


def run(*command, ends_with=(0,)):
    done = subprocess.run(
        [*map(str, command)], capture_output=True, text=True, encoding="utf-8", timeout=300, check=False
    )
    assert done.returncode in ends_with, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def multitool(installed):
    """Microsoft's reader of SARIF."""
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        pytest.skip("the multitool is installed for Linux on x86-64 alone")
    found = installed("@microsoft/sarif-multitool-linux", "5.7.0") / "Sarif.Multitool"
    found.chmod(0o755)
    return found


@pytest.fixture(scope="module")
def schema(multitool):
    """The standard's schema."""
    found = json.loads(multitool.with_name("sarif-2.1.0.json").read_text(encoding="utf-8-sig"))
    return jsonschema.validators.validator_for(found)(found)


@pytest.fixture(scope="module")
def matching(multitool):
    """How many results of a log the reader finds for an expression."""

    def count(log: Path, expression: str) -> int:
        said = run(multitool, "query", log, "--expression", expression)
        return int(re.search(r"Found (\d+) of \d+ results", said)[1])

    return count


@pytest.fixture(scope="module")
def objections(multitool, tmp_path_factory):
    """What the validator finds wrong in a log."""

    def check(log: Path) -> list[tuple[str, str]]:
        out = tmp_path_factory.mktemp("validated") / "out.sarif"
        options = ["--rule-kind", VALID, "--level", "Error;Warning", "--kind", "Fail", "--output", out]
        run(multitool, "validate", log, *options, ends_with=(0, 1))
        (found,) = json.loads(out.read_text(encoding="utf-8-sig"))["runs"]
        assert [] == found["invocations"][0].get("toolExecutionNotifications", [])
        return [(item["ruleId"], item["message"].get("id", "")) for item in found.get("results", [])]

    return check


@pytest.fixture(scope="module")
def heimdall(installed):
    """What Heimdall's reader makes of HDF files: path → control → what it says."""
    package = installed("inspecjs", "2.12.6")

    def read(*paths: Path):
        found = json.loads(run("node", Path(__file__).with_name("hdf_reader.js"), package, *paths))
        return {Path(path): controls for path, controls in found.items()}

    return read


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """The bundle of a real run that ends in every way in which a control can end."""
    here = tmp_path_factory.mktemp("real")
    pack = Pack(here / "pack")
    pack.profile()
    frameworks = 'nist_800_53=["AC-3", "SI-7(1)"],'
    asks = 'host.run("true")\n'
    pack.control("01", PASSES, extra=frameworks)
    pack.control("02", FAILS, severity="critical", extra=frameworks)
    pack.control("03", FAILS, severity="medium")
    pack.control("04", FAILS, severity="low")
    pack.control("05", f'{asks}raise Unobservable("parse", "not in the form that was expected")')
    pack.control("06", f'{asks}not_applicable("no such thing")')
    pack.control("07", f'{asks}from pytest_aisec import not_reviewed\nnot_reviewed("needs a person")')
    pack.control("08", f'{asks}from pytest_aisec import not_reviewed\nnot_reviewed("needs a person")')
    pack.control("09", PASSES)
    (here / "waivers.yaml").write_text(WAIVERS)
    (here / "attestations.yaml").write_text(ATTESTATIONS)
    options = [f"--aisec-{name}={here / name}.yaml" for name in ("waivers", "attestations")]
    run(
        *(sys.executable, "-m", "pytest_aisec.cli", "run", "acme", f"--aisec-path={pack.path}", *options),
        *(
            f"--aisec-evidence={here / 'evidence'}",
            f"--aisec-cache={here / 'cache'}",
            "-k",
            "not acme_tst_09",
        ),
        ends_with=(1,),
    )
    return here / "evidence"


def test_run_json_of_a_real_run_fits_the_schema_that_is_published(bundle):
    schema = json.loads(run(sys.executable, "-m", "pytest_aisec.cli", "schema", "run"))
    data = json.loads((bundle / "run.json").read_text())
    assert {*Outcome} == {item["outcome"] for item in data["results"]}
    assert {"W-1", "W-2"} == {item["id"] for item in data["waivers"]}
    assert ["A-1"] == [item["id"] for item in data["attestations"]]
    assert [] == [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(data)]
    data["results"][0]["waiver"] = "W-1"
    assert not jsonschema.Draft202012Validator(schema).is_valid(data)


def write(text: str, path: Path) -> Path:
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize("document", [sarif.Document, sarif.Everything])
@pytest.mark.parametrize("name", RUNS)
def test_sarif_is_valid(schema, objections, tmp_path, name, document):
    made = RUNS[name]()
    log = write(whole(document, made, decide(made)), tmp_path / "results.sarif")
    assert [] == [error.message for error in schema.iter_errors(json.loads(log.read_bytes()))]
    assert not {rule for rule, _ in objections(log)} - {"SARIF2005"}, "more than a missing informationUri"


def test_the_sarif_validators_see_what_is_wrong(schema, objections, run_text, tmp_path):
    wrong = json.loads(run_text)
    wrong["runs"][0]["results"][0]["kind"] = "failed"
    assert not schema.is_valid(wrong)
    wrong = json.loads(run_text)
    wrong["runs"][0]["results"][0]["ruleIndex"] = 99
    assert "SARIF1009" in {rule for rule, _ in objections(write(json.dumps(wrong), tmp_path / "wrong.sarif"))}


@pytest.fixture
def run_text():
    made = every_outcome()
    return sarif.render(made, decide(made))


def test_sarif_of_a_real_run_means_what_the_run_says(bundle, matching, schema, objections):
    log = bundle / "results.sarif"
    assert schema.is_valid(json.loads(log.read_bytes()))
    assert {"SARIF2005"} >= {rule for rule, _ in objections(log)}
    expected = {
        "Kind == 'Fail' && IsSuppressed == False": 2,
        "Kind == 'Fail' && IsSuppressed == True": 1,
        "Kind == 'Open'": 2,
        "Kind == 'Review'": 1,
        "Kind == 'Pass'": 0,
        "Kind == 'NotApplicable'": 0,
        "Level == 'Error'": 1,
        "Level == 'Warning'": 1,
        "Level == 'Note'": 1,
        "Level == 'None'": 3,
    }
    assert expected == {expression: matching(log, expression) for expression in expected}


def test_sarif_with_everything_has_what_passed_as_well(bundle, matching, tmp_path):
    log = tmp_path / "all.sarif"
    run(sys.executable, "-m", "pytest_aisec.cli", "report", bundle, "--format=sarif", "--all", "--to", log)
    expected = {"Kind == 'Pass'": 2, "Kind == 'NotApplicable'": 1, "Kind == 'Fail'": 3, "Kind == 'Open'": 2}
    assert expected == {expression: matching(log, expression) for expression in expected}


def test_hdf_of_a_real_run_means_what_the_run_says(bundle, heimdall):
    ((path, found),) = heimdall(*(bundle / "hdf").iterdir()).items()
    assert {
        "ACME-TST-01": "Passed",
        "ACME-TST-02": "Failed",
        "ACME-TST-03": "Failed",
        "ACME-TST-04": "Failed",
        "ACME-TST-05": "Profile Error",
        "ACME-TST-06": "Not Applicable",
        "ACME-TST-07": "Not Reviewed",
        "ACME-TST-08": "Passed",
        "ACME-TST-09": "Profile Error",
    } == {name: item["status"] for name, item in found.items()}, path
    impacts = {name: item["impact"] for name, item in found.items()}
    assert (0.7, 1.0, 0.5, 0.3, 0) == tuple(impacts[f"ACME-TST-0{number}"] for number in (1, 2, 3, 4, 6))
    assert ["critical", "medium", "low"] == [found[f"ACME-TST-0{number}"]["severity"] for number in (2, 3, 4)]
    assert (["AC-3", "SI-7(1)"], 5) == (found["ACME-TST-01"]["nist"], found["ACME-TST-01"]["revision"])
    waiver = found["ACME-TST-03"]["waiver"]
    assert ("2999-12-31", False) == (waiver["expiration_date"], waiver["skipped_due_to_waiver"])
    assert "vendor image" in waiver["justification"]
    assert "waiver expired on 2020-02-01" in found["ACME-TST-04"]["message"]
    assert {"ACME-TST-08"} == {name for name, item in found.items() if item["attested"]}
    assert not any(item["waived"] for item in found.values())
    assert "not in the form that was expected" in found["ACME-TST-05"]["details"]
    assert "not run" in found["ACME-TST-09"]["details"]


@pytest.mark.parametrize("name", ["every outcome", "statements", "strange"])
def test_hdf_is_read_whatever_it_holds(heimdall, tmp_path, name):
    made = RUNS[name]()
    texts = dict(formats.render(formats.report("hdf"), made, decide(made)))
    paths = [write(text, tmp_path / Path(path).name) for path, text in texts.items()]
    expected = Counter(item.outcome.value for item in made.results)
    words = {"Passed": "passed", "Failed": "failed", "Not Applicable": "not_applicable"}
    words |= {"Not Reviewed": "not_reviewed", "Profile Error": "error"}
    found = Counter(words[item["status"]] for read in heimdall(*paths).values() for item in read.values())
    expected["error"] += expected.pop("not_run", 0)
    assert {key: number for key, number in expected.items() if number} == found


def test_the_hdf_reader_sees_what_is_wrong(heimdall, tmp_path):
    with pytest.raises(AssertionError, match="is no HDF execution"):
        heimdall(write('{"profiles": 1}', tmp_path / "wrong.json"))


def test_reports_of_a_bundle_are_made_again_to_the_byte(bundle, tmp_path):
    for item in formats.REPORTS:
        to = tmp_path / item.name
        run(sys.executable, "-m", "pytest_aisec.cli", "report", bundle, "--format", item.name, "--to", to)
        if item.is_per_host:
            made = {path.name: path.read_bytes() for path in to.iterdir()}
            assert made == {path.name: path.read_bytes() for path in (bundle / item.path).parent.iterdir()}
        else:
            assert (bundle / item.path).read_bytes() == to.read_bytes(), item.name
