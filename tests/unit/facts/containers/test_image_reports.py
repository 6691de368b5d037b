import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aisec.facts.containers.image_reports import read_report, read_version
from pytest_aisec.observe.faults import Unobservable

SAMPLES = Path(os.environ.get("AISEC_REFERENCE", "reference")) / "samples/trivy"
REPORT = {
    "SchemaVersion": 2,
    "Trivy": {"Version": "0.68.2"},
    "CreatedAt": "2026-11-01T12:20:30.000000005Z",
    "ArtifactName": "localhost/server:1",
    "ArtifactType": "container_image",
    "Metadata": {"ImageID": f"sha256:{'ab' * 32}", "OS": {"Family": "debian", "Name": "12"}},
    "Results": [{"Target": "server", "Class": "os-pkgs", "Type": "debian"}],
}


def read(**changes):
    return read_report(json.dumps({**REPORT, **changes}), where="x.json")


def reason(**changes):
    with pytest.raises(Unobservable) as fault:
        read(**changes)
    return fault.value.reason


def test_clean():
    report = read()
    assert ("ab" * 32, (), "", datetime(2026, 11, 1, 12, 20, 30, tzinfo=UTC)) == (
        report.image_id,
        report.found,
        report.ended,
        report.created_at,
    )


def test_an_image_without_a_distribution():
    assert () == read(Metadata={"ImageID": "sha256:1"}, Results=[{"Class": "lang-pkgs"}]).found


def test_what_proves_nothing():
    assert "unreadable" == reason(Results=None)
    assert "unreadable" == reason(Results=[{"Class": "secret"}])
    assert "unreadable" == reason(Results=[{"Class": "lang-pkgs"}])
    assert "unreadable" == reason(Trivy={"Version": "v0.69.5"})
    assert "parse" == reason(ArtifactType="filesystem")
    assert "parse" == reason(SchemaVersion=1)
    assert "parse" == reason(Metadata={})
    assert "parse" == reason(CreatedAt=None)
    assert "parse" == reason(Results=[{"Class": "os-pkgs", "Vulnerabilities": [{"Severity": "HIGH"}]}])


@pytest.mark.parametrize(
    "field", ["VulnerabilityID", "PkgName", "InstalledVersion", "FixedVersion", "Severity"]
)
@pytest.mark.parametrize("value", [None, 0, [], {}, True])
def test_a_field_of_another_type_is_not_taken_for_an_empty_one(field, value):
    item = {"VulnerabilityID": "CVE-1", "PkgName": "a", "FixedVersion": "2", "Severity": "HIGH", field: value}
    assert "parse" == reason(Results=[{"Class": "os-pkgs", "Vulnerabilities": [item]}])


@pytest.mark.parametrize(
    ("name", "system", "expected"),
    [
        ("alpine-39-high-critical", "alpine 3.9.4", {("CVE-2019-14697", "CRITICAL", "1.1.20-r5")}),
        (
            "debian-buster",
            "",
            {("CVE-2019-18224", "CRITICAL", "2.0.5-1+deb10u1"), ("CVE-2019-18276", "LOW", "")},
        ),
    ],
)
def test_real_reports(name, system, expected):
    path = SAMPLES / f"{name}.json"
    if not path.exists():
        pytest.skip(f"the real sample {path} is not on this machine")
    report = read_report(path.read_text(), where=name)
    assert expected == {(item.id, item.severity, item.fixed) for item in report.found}
    assert system == report.ended


@pytest.mark.parametrize("name", ["dockerfile", "pip", "secrets"])
def test_real_reports_on_something_else(name):
    path = SAMPLES / f"{name}.json"
    if not path.exists():
        pytest.skip(f"the real sample {path} is not on this machine")
    with pytest.raises(Unobservable, match="parse"):
        read_report(path.read_text(), where=name)


def test_version():
    text = '{"Version": "0.68.2", "VulnerabilityDB": {"Version": 2, "UpdatedAt": "2026-11-20T06:31:47.123456789Z"}}'
    assert datetime(2026, 11, 20, 6, 31, 47, 123456, tzinfo=UTC) == read_version(text)
    assert read_version('{"Version": "0.68.2"}') is None
    for wrong in (
        "Version: 0.68.2",
        "[]",
        '{"Version": "0.69.4"}',
        '{"VulnerabilityDB": {"UpdatedAt": "?"}}',
    ):
        with pytest.raises(Unobservable):
            read_version(wrong)


@given(
    st.dictionaries(st.sampled_from([*REPORT]), st.none() | st.text() | st.lists(st.integers()) | st.just({}))
)
def test_whatever_stands_there(changes):
    try:
        report = read(**changes)
    except Unobservable:
        return
    assert "ab" * 32 == report.image_id
