"""What third-party readers make of our SARIF and HDF files: not only that they are valid, but what they say.

The readers are in `tests/readers.py`.
"""

from __future__ import annotations

import json
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
from tests.support.readers import run
from tests.support.runs import all_strange, every_outcome, run_of, with_findings, with_statements

pytestmark = pytest.mark.slow
RUNS = {
    "every outcome": every_outcome,
    "statements": with_statements,
    "findings": with_findings,
    "strange": all_strange,
    "empty": lambda: run_of([], [], {}),
}
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
def schema(multitool):
    """The standard's schema."""
    found = multitool.schema()
    return jsonschema.validators.validator_for(found)(found)


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
def test_sarif_is_valid(schema, multitool, tmp_path, name, document):
    made = RUNS[name]()
    log = write(whole(document, made, decide(made)), tmp_path / "results.sarif")
    assert [] == [error.message for error in schema.iter_errors(json.loads(log.read_bytes()))]
    assert not {rule for rule, _ in multitool.objections(log)} - {"SARIF2005"}, (
        "more than a missing informationUri"
    )


def test_the_sarif_validators_see_what_is_wrong(schema, multitool, run_text, tmp_path):
    wrong = json.loads(run_text)
    wrong["runs"][0]["results"][0]["kind"] = "failed"
    assert not schema.is_valid(wrong)
    wrong = json.loads(run_text)
    wrong["runs"][0]["results"][0]["ruleIndex"] = 99
    assert "SARIF1009" in {
        rule for rule, _ in multitool.objections(write(json.dumps(wrong), tmp_path / "wrong.sarif"))
    }


@pytest.fixture
def run_text():
    made = every_outcome()
    return sarif.render(made, decide(made))


def test_sarif_of_a_real_run_means_what_the_run_says(bundle, multitool, schema):
    log = bundle / "results.sarif"
    assert schema.is_valid(json.loads(log.read_bytes()))
    assert {"SARIF2005"} >= {rule for rule, _ in multitool.objections(log)}
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
    assert expected == {expression: multitool.matching(log, expression) for expression in expected}


def test_sarif_with_everything_has_what_passed_as_well(bundle, multitool, tmp_path):
    log = tmp_path / "all.sarif"
    run(sys.executable, "-m", "pytest_aisec.cli", "report", bundle, "--format=sarif", "--all", "--to", log)
    expected = {"Kind == 'Pass'": 2, "Kind == 'NotApplicable'": 1, "Kind == 'Fail'": 3, "Kind == 'Open'": 2}
    assert expected == {expression: multitool.matching(log, expression) for expression in expected}


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
