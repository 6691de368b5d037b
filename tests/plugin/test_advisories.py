import json
from datetime import UTC, datetime

import pytest

from pytest_aisec.advisories import sources

RECORD = {
    "id": "PYSEC-1",
    "modified": "2026-10-30T12:00:00Z",
    "affected": [{"package": {"name": "torch", "ecosystem": "PyPI"}, "versions": ["1.0"]}],
}


@pytest.fixture
def index(tmp_path):
    (tmp_path / "osv").mkdir()
    (tmp_path / "osv" / "a.json").write_text(json.dumps(RECORD))
    path = tmp_path / "index.sqlite"
    sources.update(str(tmp_path / "osv"), path, now=datetime(2026, 11, 1, tzinfo=UTC))
    return path


def test_the_bundle_names_the_index_that_was_given(pack, audit, index):
    pack.control("01")
    found = audit(f"--aisec-advisories={index}").run["run"]["advisories"]
    assert (1, "2026-10-30T12:00:00Z", 64) == (found["records"], found["as_of"], len(found["sha256"]))


def test_without_an_index_the_bundle_names_none(pack, audit):
    pack.control("01")
    assert audit().run["run"]["advisories"] is None


def test_the_index_of_the_cache_is_named_where_a_control_compares_with_it(pack, audit, index, tmp_path):
    cache = tmp_path / "cache" / "pytest-aisec"
    cache.mkdir(parents=True)
    index.rename(cache / "advisories.sqlite")
    pack.control("01")
    assert audit(evidence=tmp_path / "e1").run["run"]["advisories"] is None
    pack.control("02", params="db_max_age_days: int = 14")
    assert 1 == audit(evidence=tmp_path / "e2").run["run"]["advisories"]["records"]


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda path: None, "No such file"),
        (lambda path: path.write_text("text"), "is no index of advisories"),
    ],
)
def test_what_is_no_index_is_a_usage_error(pack, audit, tmp_path, make, expected):
    pack.control("01")
    path = tmp_path / "wrong.sqlite"
    make(path)
    found = audit(f"--aisec-advisories={path}")
    assert 4 == found.code
    assert expected in found.text
    assert not found.bundle.exists()
