"""Versions of what a bundle holds, and the bundles of every version that are stored."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pytest_aisec.evidence import baseline, bundle, consistency, manifest, rendered, verify, versions
from pytest_aisec.evidence.verify import State
from pytest_aisec.evidence.versions import NoVersion, Shape, UnknownVersion
from pytest_aisec.report import layout
from tests.support import stored

THREE = Shape(
    file="thing.json",
    current="2.0",
    upgrades={
        "1.0": lambda data: {"schema_version": "1.1", "names": [data["name"]]},
        "1.1": lambda data: {**data, "schema_version": "2.0", "count": len(data["names"])},
    },
)
ALL = sorted(stored.BUNDLES.iterdir())
EVERY = [path / kind for path in ALL for kind in stored.KINDS]
NAMES = [f"{path.parent.name}, {path.name}" for path in EVERY]


def test_data_of_every_version_becomes_that_of_the_current_one() -> None:
    now = {"schema_version": "2.0", "names": ["a"], "count": 1}
    assert ("1.0", "1.1", "2.0") == THREE.versions
    assert now == THREE.upgraded({"schema_version": "1.0", "name": "a"})
    assert now == THREE.upgraded({"schema_version": "1.1", "names": ["a"]})
    assert now == THREE.upgraded(now)


@pytest.mark.parametrize("shape", [versions.RUN, versions.PLAN, versions.MANIFEST, versions.TRANSCRIPT])
def test_an_upgrade_leads_to_the_next_version_and_leaves_what_it_is_given(shape: Shape) -> None:
    for version, after in zip(shape.versions, shape.versions[1:], strict=False):
        data: dict[str, Any] = {"results": [{}], "files": {}}
        data |= {} if version == shape.unwritten else {shape.key: version}
        before = json.loads(json.dumps(data))
        assert after == shape.upgrades[version](data)[shape.key]
        assert before == data


@pytest.mark.parametrize("version", ["2.1", "3.0", "10.0", "999999999.999999999"])
def test_a_newer_version_is_named_with_file_value_and_what_is_read(version: str) -> None:
    with pytest.raises(UnknownVersion) as refused:
        THREE.upgraded({"schema_version": version})
    said = f'schema_version is "{version}", and this program reads 1.0, 1.1, 2.0'
    assert f"thing.json: is of a newer version: {said}" == str(refused.value)


@pytest.mark.parametrize(
    "version",
    [None, True, 1, 1.0, -1, 10**400, [], {}, "", "1", "1.2", "0.9", "-1.0", "1.0 ", "01.0", "1.0.0", "\u0661.\u0660", "9" * 9_999],
)  # fmt: skip
def test_what_is_no_version_is_refused(version: Any) -> None:
    with pytest.raises(
        NoVersion, match=r"^schema_version is .{1,40}, and this program reads 1\.0, 1\.1, 2\.0$"
    ):
        THREE.upgraded({"schema_version": version})


def test_a_version_that_was_never_written_is_none() -> None:
    assert "1.0" == versions.PLAN.version({})
    with pytest.raises(NoVersion, match="schema_version is"):
        versions.PLAN.version({"schema_version": "1.0"})
    with pytest.raises(NoVersion, match="it has no schema_version"):
        versions.RUN.version({})
    with pytest.raises(TypeError):
        versions.RUN.version([])  # type: ignore[arg-type]


def test_the_versions_of_this_program_have_a_stored_bundle() -> None:
    """Fails when a version was raised: `python -m tests.support.stored` stores a bundle of it."""
    assert stored.current() in ALL


@pytest.mark.parametrize("path", EVERY, ids=NAMES)
def test_a_stored_bundle_holds(path: Path) -> None:
    key = path.parent / "key.pub"
    is_ours = manifest.read(path).layout == layout.LAYOUT
    for found in (verify.verify(path), verify.verify(path, key=key)):
        if found.origin or path.name == "signed":
            assert () == found.problems
            assert found.state is (State.WHOLE if is_ours else State.OF_ANOTHER_VERSION)
        else:
            assert (f"{path}: is not signed by a key, and the one in {key} is asked for",) == found.problems
            assert State.CHANGED is found.state
        assert is_ours is not any("its reports were not rendered again" in note for note in found.notes)


@pytest.mark.parametrize("path", EVERY, ids=NAMES)
def test_a_stored_bundle_is_read_as_it_was(path: Path) -> None:
    found, written = bundle.read(path), json.loads((path / "run.json").read_text())
    assert written["schema_version"] == found.version
    assert versions.RUN.current == found.run.schema_version
    assert [("ACME-TST-01", "passed"), ("ACME-TST-02", "failed")] == [
        (item.control, item.outcome.value) for item in found.run.results
    ]
    assert ["uname -s", "echo mode 0600", "echo mode 0644"] == [
        item.command for item in found.run.transcripts["local://"]
    ]
    assert 2 == len(baseline.read(path).run.results)
    assert ["local://"] == [host.name for host in bundle.replayable(path).hosts]


@pytest.fixture(params=EVERY, ids=NAMES)
def copy(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return Path(shutil.copytree(request.param, tmp_path / "bundle"))


def test_one_flipped_bit_in_a_stored_bundle_is_found_in_its_file(copy: Path) -> None:
    paths = [path for path in copy.rglob("*") if path.is_file()]
    assert 12 < len(paths)
    for path in paths:
        content = path.read_bytes()
        for at in (0, len(content) // 2, len(content) - 1):
            flipped = bytearray(content)
            flipped[at] ^= 1
            path.write_bytes(flipped)
            found = verify.verify(copy)
            name = path.relative_to(copy)
            assert State.CHANGED is found.state, (name, at)
            named = any(problem.startswith(f"{name}: ") for problem in found.problems)
            # A bit in the name of a file is that file missing.
            assert named or path.name == manifest.NAME, (name, at)
        path.write_bytes(content)


def test_a_bit_of_what_the_manifest_says_of_itself_is_found_without_a_signature(tmp_path: Path) -> None:
    """A layout of which one bit flipped is not taken for that of another version."""
    place = Path(shutil.copytree(stored.current() / "unsigned", tmp_path / "bundle"))
    path = place / manifest.NAME
    content = path.read_bytes()
    head = content.index(b'"files"')
    places = [at for at in range(head) if content[at : at + 1].isalnum()]
    assert 100 < len(places)
    for at in places:
        flipped = bytearray(content)
        flipped[at] ^= 1
        path.write_bytes(flipped)
        assert any(item.startswith("manifest.json: is not ") for item in manifest.check(place)), at
        if content[at : at + 1].isdigit() and at < content.index(b"own_sha256"):
            assert State.CHANGED is verify.verify(place).state, at


def paths(data: Any, at: str = "") -> set[str]:
    """Return where in JSON data there is something, whichever item of a list it is in."""
    if isinstance(data, dict):
        return {at} | {way for name, item in data.items() for way in paths(item, f"{at}.{name}")}
    if isinstance(data, list):
        return {at} | {way for item in data for way in paths(item, f"{at}[]")}
    return {at}


def test_a_run_of_this_program_has_the_shape_of_the_stored_one() -> None:
    """Fails when the shape has changed: raise SCHEMA_VERSION, write the upgrade, and store a bundle."""
    for kind in stored.KINDS:
        written = json.loads((stored.current() / kind / "run.json").read_text())
        jsonschema.validate(written, bundle.json_schema())
        found = bundle.read(stored.current() / kind)
        again = json.loads(b"".join(bundle.run_json(found.run, found.verdict)))
        assert paths(again) == paths(written)


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """A bundle whose run is of the first version."""
    return Path(shutil.copytree(ALL[0] / "unsigned", tmp_path / "bundle"))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda text: text, ""),
        (lambda text: text + "\n", "run.json: is not as it was written"),
        (
            lambda text: text.replace("{\n", '{\n  "approved": true,\n', 1),
            "has what no run of version 1.0 has",
        ),
        (
            lambda text: text.replace('"control"', '"approved": true,\n      "control"', 1),
            "run.json: has what no run of version 1.0 has",
        ),
    ],
)
def test_a_run_of_an_earlier_version_has_no_member_that_was_not_read(
    earlier: Path, change: Any, problem: str
) -> None:
    path = earlier / "run.json"
    path.write_text(change(path.read_text()))
    found = list(rendered.run(earlier, bundle.read(earlier)))
    assert ([] == found) if not problem else any(problem in item for item in found)


def test_what_is_of_a_newer_version_is_one_message(copy: Path) -> None:
    """Before: a newer run was "verification failed", after a line for each of its reports."""
    path = copy / "inputs/plan.json"
    text = path.read_text()
    newer = '{\n  "schema_version": "7.0",' + text.partition("{")[2].replace(
        '  "schema_version": "1.1",\n', ""
    )
    path.write_text(newer)
    assert consistency.is_plan_unknown(copy)
    run = copy / "run.json"
    before, after = (manifest_digest(item) for item in (text, newer))
    run.write_text(run.read_text().replace(before, after))
    for name in manifest.SIGNATURES:
        (copy / name).unlink(missing_ok=True)
    files = {item: manifest.digest(copy, item) or "" for item in manifest.read(copy).files}
    (copy / "manifest.json").write_text(manifest.render(files))
    found = verify.verify(copy)
    assert State.UNREADABLE is found.state
    said = 'schema_version is "7.0", and this program reads 1.0, 1.1'
    assert (f"inputs/plan.json: is of a newer version: {said}",) == found.problems


def manifest_digest(text: str) -> str:
    from hashlib import sha256

    return sha256(text.encode()).hexdigest()
