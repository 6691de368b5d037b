import json
import os
import sqlite3
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pytest_aisec.advisories import index, sources
from pytest_aisec.advisories.osv import read_record
from pytest_aisec.errors import UsageProblem

NOW = datetime(2026, 11, 1, tzinfo=UTC)
REAL = Path(os.environ.get("AISEC_REFERENCE", "reference")) / "advisories/pypi_ai_osv.jsonl"
V98 = [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]


def record(name="PYSEC-1", package="torch", *, events=None, **more):
    affected = {"package": {"name": package, "ecosystem": "PyPI"}}
    if events is not None:
        affected["ranges"] = [{"type": "ECOSYSTEM", "events": events}]
    affected |= more.pop("affected", {})
    return {"id": name, "modified": "2026-10-30T12:00:00Z", "affected": [affected], **more}


FIXED = [{"introduced": "0"}, {"fixed": "2.6.0"}]


@pytest.fixture
def built(tmp_path):
    def build(*records, now=NOW):
        source = tmp_path / "osv"
        source.mkdir(exist_ok=True)
        for number, one in enumerate(records):
            (source / f"{number}.json").write_text(json.dumps(one))
        sources.update(str(source), tmp_path / "index.sqlite", now=now)
        return index.open_index(tmp_path / "index.sqlite")

    return build


def texts(found, package, version):
    return [(one.ids, one.score, one.is_certain) for one in found.findings(package, version)]


def test_finds_by_canonical_name(built):
    found = built(record(package="Foo.Bar_baz", events=FIXED, severity=V98))
    assert [(("PYSEC-1",), 9.8, True)] == texts(found, "foo-bar-baz", "2.5")
    assert [] == texts(found, "foo-bar-baz", "2.6.0")
    assert [] == texts(found, "torch", "2.5")


def test_records_of_one_vulnerability_are_one_finding_with_the_highest_score(built):
    found = built(
        record("PYSEC-1", events=FIXED, aliases=["CVE-1"]),
        record("GHSA-1", events=FIXED, aliases=["CVE-1", "PYSEC-1"], severity=V98),
        record("PYSEC-2", events=FIXED, aliases=["CVE-2"]),
    )
    assert [(("CVE-1", "GHSA-1", "PYSEC-1"), 9.8, True), (("CVE-2", "PYSEC-2"), None, True)] == texts(
        found, "torch", "2.5"
    )


def test_a_record_without_versions_is_unclear_unless_another_one_tells(built):
    vague = record("PYSEC-1", aliases=["CVE-1"])
    assert [(("CVE-1", "PYSEC-1"), None, False)] == texts(built(vague), "torch", "9")
    found = built(vague, record("GHSA-1", events=FIXED, aliases=["CVE-1"]))
    assert [] == texts(found, "torch", "9")
    assert [(("CVE-1", "GHSA-1", "PYSEC-1"), None, True)] == texts(found, "torch", "1")


def test_a_word_stands_for_the_least_score_of_its_band(built):
    found = built(record(events=FIXED, database_specific={"severity": "HIGH"}))
    assert [(("PYSEC-1",), 7.0, True)] == texts(found, "torch", "1")


def test_malicious_releases_are_listed(built):
    found = built(record("MAL-1", affected={"versions": ["1.0", "1.1"]}))
    assert [True] == [one.is_malicious for one in found.findings("torch", "1.1")]
    assert () == found.findings("torch", "1.2")


def test_versions_that_a_range_holds_are_not_kept_twice():
    (one,) = read_record(
        record(events=FIXED, affected={"versions": ["1.0", "2.5.0", "2.6.0", "weird"]}), now=NOW
    )
    assert ("2.6.0", "weird") == one.versions


def test_ranges_of_a_repository_say_nothing_about_versions():
    one = record(affected={"ranges": [{"type": "GIT", "events": [{"introduced": "abc"}]}]})
    assert not read_record(one, now=NOW)[0].names_versions


def test_a_package_that_stands_twice_in_a_record_is_affected_by_both():
    one = record(events=FIXED)
    one["affected"].append(record(affected={"versions": ["3.0"]})["affected"][0])
    (advisory,) = read_record(one, now=NOW)
    assert (1, ("3.0",)) == (len(advisory.ranges), advisory.versions)


@pytest.mark.parametrize(
    ("hint", "expected"), [("<= 1.4.1", False), ("< 2.0", False), ("all", True), (None, True)]
)
def test_an_end_that_github_knows_beside_a_range_without_one(built, hint, expected):
    one = record(
        events=[{"introduced": "0"}],
        affected={"database_specific": {"last_known_affected_version_range": hint}},
    )
    found = built(one)
    assert [True] == [one.is_certain for one in found.findings("torch", "1.4")]
    assert [expected] == [one.is_certain for one in found.findings("torch", "3.0")]


def test_withdrawn_records_and_other_ecosystems_are_left_out():
    assert [] == read_record(record(events=FIXED, withdrawn="2026-01-01T00:00:00Z"), now=NOW)
    other = record(events=FIXED)
    other["affected"][0]["package"]["ecosystem"] = "npm"
    assert [] == read_record(other, now=NOW)


@pytest.mark.parametrize("ecosystem", ["PyPI", "pypi", "PyPI:3", " PyPI"])
def test_an_ecosystem_however_it_is_written(ecosystem):
    one = record(package=" torch ", events=FIXED)
    one["affected"][0]["package"]["ecosystem"] = ecosystem
    assert ["torch"] == [advisory.package for advisory in read_record(one, now=NOW)]


@pytest.mark.parametrize("more", [{"withdrawn": "2026-01-01T00:00:00Z"}, {"events": [{"introduced": "9"}]}])
@pytest.mark.parametrize("order", [1, -1])
def test_a_copy_that_was_changed_in_the_future_takes_nothing_back(built, more, order):
    later = {"events": FIXED, **more, "modified": "2030-01-01T00:00:00Z"}
    found = built(*[record(events=FIXED), record(**later)][::order])
    assert [(("PYSEC-1",), None, True)] == texts(found, "torch", "2.5")
    assert bool(texts(found, "torch", "9.1")) == ("withdrawn" not in more)


WITHDRAWN = {"withdrawn": "2026-10-01T00:00:00Z"}


@pytest.mark.parametrize(
    "withdrawn", ["2027-01-01T00:00:00Z", "2026-11-01T00:00:01Z", "", "soon", True, None]
)
def test_what_is_not_withdrawn_yet_counts(withdrawn):
    assert 1 == len(read_record(record(events=FIXED, withdrawn=withdrawn), now=NOW))


OLD, NEW = "2026-10-01T00:00:00Z", "2026-10-02T01:00:00+02:00"


@pytest.mark.parametrize("is_turned", [False, True])
def test_of_two_copies_of_a_record_the_newest_counts(built, is_turned):
    copies = [
        record(events=[{"introduced": "0"}, {"fixed": "3.0"}], modified=OLD),
        record(events=[{"introduced": "0"}, {"fixed": "2.0"}], modified=NEW),
        record(events=[{"introduced": "0"}, {"fixed": "4.0"}], modified="never"),
    ]
    found = built(*(reversed(copies) if is_turned else copies))
    assert (1, 1) == (found.records, len(found.findings("torch", "1.0")))
    assert () == found.findings("torch", "2.5")


@pytest.mark.parametrize("is_turned", [False, True])
@pytest.mark.parametrize(
    ("expected", "of_live", "of_withdrawn"), [(0, OLD, NEW), (1, NEW, OLD), (1, OLD, OLD), (0, "never", OLD)]
)
def test_a_withdrawn_copy_removes_older_ones_alone(built, is_turned, expected, of_live, of_withdrawn):
    copies = [
        record(events=FIXED, modified=of_live),
        record(events=FIXED, modified=of_withdrawn, **WITHDRAWN),
        record("PYSEC-2", package="numpy", events=FIXED),
    ]
    found = built(*(reversed(copies) if is_turned else copies))
    assert expected == len(found.findings("torch", "1.0"))


def test_a_newer_copy_takes_back_what_an_older_one_says_of_other_packages(built):
    found = built(record(package="numpy", events=FIXED, modified=OLD), record(events=FIXED, modified=NEW))
    assert (0, 1) == (len(found.findings("numpy", "1")), len(found.findings("torch", "1")))


def test_of_copies_that_are_equally_new_either_counts(built):
    found = built(
        record(events=[{"introduced": "0"}, {"fixed": "2.0"}], aliases=["CVE-1"], modified=OLD),
        record(events=[{"introduced": "3.0"}, {"fixed": "4.0"}], aliases=["CVE-2"], modified=OLD),
    )
    assert [1, 0, 1] == [len(found.findings("torch", version)) for version in ("1.0", "2.5", "3.5")]
    assert ("CVE-1", "CVE-2", "PYSEC-1") == found.findings("torch", "1.0")[0].ids


def test_a_range_says_nothing_of_versions_from_its_limit_on(built):
    found = built(record(events=[{"introduced": "1.0"}, {"limit": "2.0"}]))
    assert [0, 1, 0, 0] == [len(found.findings("torch", version)) for version in ("0.9", "1.9", "2.0", "3")]
    assert "from 1.0 nothing is said from 2.0" == found.findings("torch", "1.9")[0].bounds


def test_the_age_is_that_of_the_newest_record_that_is_not_from_the_future(built):
    found = built(record(events=FIXED), record("PYSEC-2", events=FIXED, modified="2027-07-09T15:45:00Z"))
    assert datetime(2026, 10, 30, 12, tzinfo=UTC) == found.as_of
    assert 1.5 == found.age_days(NOW)
    assert 0 == found.age_days(datetime(2020, 1, 1, tzinfo=UTC))
    assert "2 records as of 2026-10-30T12:00:00Z (2 days old), sha256 " in found.describe(NOW)


def test_updating_replaces_the_index_whole_or_not_at_all(built, tmp_path):
    before = built(record(events=FIXED)).sha256
    (tmp_path / "osv" / "9.json").write_text("{")
    with pytest.raises(UsageProblem, match=r"9\.json: no JSON"):
        sources.update(str(tmp_path / "osv"), tmp_path / "index.sqlite", now=NOW)
    assert before == index.open_index(tmp_path / "index.sqlite").sha256
    assert ["index.sqlite", "osv"] == sorted(path.name for path in tmp_path.iterdir())


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ([record(events=FIXED, modified="never")], "nobody knows how old"),
        (
            [{"id": "X", "affected": [], "modified": "2026-01-01T00:00:00Z"}],
            "no OSV record about a package of PyPI",
        ),
        ([{"affected": []}], "no OSV record"),
        (["text"], "no OSV record"),
        ([], "no OSV record about a package of PyPI"),
    ],
)
def test_what_is_no_dump_is_refused(tmp_path, content, expected):
    (tmp_path / "a.json").write_text(json.dumps(content))
    with pytest.raises(UsageProblem, match=expected):
        sources.update(str(tmp_path), tmp_path / "out.sqlite", now=NOW)
    assert not (tmp_path / "out.sqlite").exists()


class TestZip:
    def make(self, tmp_path, **files):
        path = tmp_path / "all.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, text in files.items():
                archive.writestr(name, text)
        return str(path)

    def test_is_read(self, tmp_path):
        path = self.make(tmp_path, **{"PYSEC-1.json": json.dumps(record(events=FIXED)), "README": "no"})
        assert 1 == sources.update(path, tmp_path / "out.sqlite", now=NOW).records

    @pytest.mark.parametrize("name", ["../PYSEC-1.json", "/etc/PYSEC-1.json", "a/../../b.json", "..\\b.json"])
    def test_paths_that_lead_out_are_refused(self, tmp_path, name):
        path = self.make(tmp_path, **{name: json.dumps(record(events=FIXED))})
        with pytest.raises(UsageProblem, match="as no OSV dump does"):
            sources.update(path, tmp_path / "out.sqlite", now=NOW)

    @pytest.mark.parametrize(
        ("limit", "value"), [("MOST_IN_FILE", 1000), ("MOST_UNPACKED", 1000), ("MOST_FILES", 1)]
    )
    def test_bombs_are_refused(self, tmp_path, monkeypatch, limit, value):
        monkeypatch.setattr(sources, limit, value)
        path = self.make(
            tmp_path, **{f"{i}.json": json.dumps(record(events=FIXED)) + " " * 900 for i in "ab"}
        )
        with pytest.raises(UsageProblem, match="not unpacked further"):
            sources.update(path, tmp_path / "out.sqlite", now=NOW)

    def test_a_file_that_is_no_zip_is_refused(self, tmp_path):
        (tmp_path / "all.zip").write_bytes(b"<html>log in</html>")
        with pytest.raises(UsageProblem, match="no readable zip file"):
            sources.update(str(tmp_path / "all.zip"), tmp_path / "out.sqlite", now=NOW)

    def test_a_damaged_file_is_refused(self, tmp_path):
        path = self.make(tmp_path, **{"a.json": json.dumps(record(events=FIXED)) * 50})
        data = bytearray(Path(path).read_bytes())
        data[60:80] = bytes(20)
        Path(path).write_bytes(data)
        with pytest.raises(UsageProblem):
            sources.update(path, tmp_path / "out.sqlite", now=NOW)


def test_what_is_no_index_is_refused(tmp_path):
    path = tmp_path / "x.sqlite"
    with pytest.raises(index.IndexProblem, match="No such file"):
        index.open_index(path)
    path.write_text("no database")
    with pytest.raises(index.IndexProblem, match="is no index of advisories"):
        index.open_index(path)
    with sqlite3.connect(tmp_path / "other.sqlite") as connection:
        connection.execute("CREATE TABLE meta (key TEXT, value TEXT)")
    connection.close()
    with pytest.raises(index.IndexProblem, match="its format is None"):
        index.open_index(tmp_path / "other.sqlite")


def test_an_index_that_changes_is_opened_anew(built):
    first = built(record(events=FIXED))
    second = built(record(events=FIXED), record("PYSEC-2", events=FIXED))
    assert (1, 2) == (first.records, second.records)


@pytest.mark.skipif(not REAL.exists(), reason=f"the real records are not here: {REAL}")
class TestRealRecords:
    @pytest.fixture
    def real(self, tmp_path):
        (tmp_path / "osv").mkdir()
        (tmp_path / "osv" / "real.jsonl").write_bytes(REAL.read_bytes())
        sources.update(str(tmp_path / "osv"), tmp_path / "real.sqlite", now=NOW)
        return index.open_index(tmp_path / "real.sqlite")

    def test_all_are_read(self, real):
        assert 975 == real.records
        assert real.as_of < NOW

    def test_bounds_that_are_no_versions_are_coerced_and_said(self, real):
        (found,) = [one for one in real.findings("torch", "2.6.0") if "PYSEC-2025-196" in one.ids]
        assert (True, "up to '2.6.0-NA' (read as 2.6.0)") == (found.is_certain, found.bounds)

    def test_a_vendors_build_is_unclear(self, real):
        found = {one.ids[0]: one.is_certain for one in real.findings("torch", "2.6.0a0+ecf3bae.nv25.1")}
        assert (False, True) == (found["CVE-2025-32434"], found["CVE-2026-24747"])

    def test_a_record_without_versions_is_unclear(self, real):
        found = {one.ids[0]: one.is_certain for one in real.findings("keras", "3.14.1")}
        assert {"CVE-2025-8747": False, "CVE-2025-9906": False} == found
