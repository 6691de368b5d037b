from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_aisec.catalog import index, load
from pytest_aisec.catalog.content import content_root
from pytest_aisec.catalog.control import Control
from pytest_aisec.catalog.load import control_files, load_catalog, loaded, read_controls
from pytest_aisec.catalog.profile import load_chain
from pytest_aisec.catalog.resolve import make_plan
from pytest_aisec.errors import UsageProblem


@pytest.fixture
def ours(content: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Content that counts as ours."""
    monkeypatch.setattr(load, "content_root", lambda: content.root)
    return content


@pytest.fixture
def written(ours: Any) -> Callable[[], Path]:
    """Write the index of the content."""

    def write() -> Path:
        found, problems = read_controls(control_files([ours.root]))
        assert {} == problems
        path: Path = ours.root.controls / index.NAME
        path.write_text(index.make(ours.root.controls, found.values()), encoding="utf-8")
        return path

    return write


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that were asked for, whether a test before has executed them or not."""
    seen: list[Path] = []
    original = load._import
    monkeypatch.setattr(load, "_import", lambda path, loader: (seen.append(path), original(path, loader))[1])
    return seen


def in_index(path: Path) -> list[str]:
    files = json.loads(path.read_text())["files"]
    return [item["id"] for of_file in files.values() for item in of_file["controls"]]


def test_it_says_of_each_of_our_controls_what_its_file_says() -> None:
    catalog = load_catalog([content_root()])
    known = {control_id: catalog.indexed(control_id) for control_id in catalog}
    assert [] == [control_id for control_id, item in known.items() if item is None]
    for control_id, item in known.items():
        function = catalog.executed(control_id).function
        assert (control_id, repr(catalog.executed(control_id))) == (control_id, repr(item.control))
        assert (control_id, function.__name__) == (control_id, item.name)
        stand_in = item.stand_in()
        code = inspect.unwrap(function).__code__
        assert (function.__name__, inspect.getdoc(function)) == (stand_in.__name__, inspect.getdoc(stand_in))
        assert (code.co_filename, code.co_firstlineno) == (
            stand_in.__code__.co_filename,
            stand_in.__code__.co_firstlineno,
        )


def test_it_is_the_same_whenever_it_is_made(ours: Any, written: Any) -> None:
    for number in ("02", "01"):
        ours.control(f"ACME-AAA-{number}", 'limit: int = 3, names: list[str] = ["a"]')
    first = written().read_text()
    assert first == written().read_text()
    assert ["ACME-AAA-01", "ACME-AAA-02"] == in_index(written())


def test_a_plan_executes_nothing_and_its_functions_their_files(
    ours: Any, written: Any, executed: list[Path]
) -> None:
    path = ours.control("ACME-AAA-01", 'limit: float = 3, modes: dict[str, Mode] = {"/srv": "0750"}')
    ours.control("ACME-AAA-02")
    ours.profile("acme", "controls: {ACME-*: {}}\n")
    written()
    executed.clear()
    plan = make_plan(load_chain("acme", [ours.root], cwd=ours.path), load_catalog([ours.root]))
    first = plan.controls[0]
    assert ({"limit": 3.0, "modes": {"/srv": "0750"}}, "3.0") == (first.params, repr(first.params["limit"]))
    assert ("float", 3) == (
        first.control.parameters["limit"].type_name,
        first.control.parameters["limit"].default,
    )
    first.arguments()["modes"].clear()
    first.params["modes"].clear()
    again = make_plan(load_chain("acme", [ours.root], cwd=ours.path), load_catalog([ours.root]))
    assert {"/srv": "0750"} == again.controls[0].params["modes"]
    assert [] == executed
    assert "test_acme_aaa_01" == first.control.function.__name__
    assert [path] == executed


def test_tables_keep_their_order(ours: Any, written: Any) -> None:
    ours.control("ACME-AAA-01", "names: dict[str, int] = {'b': 2, 'a': 1}, limits: dict[str, Mode] = {}")
    written()
    control = load_catalog([ours.root])["ACME-AAA-01"]
    assert ["names", "limits"] == [*control.parameters]
    assert ["b", "a"] == [*control.parameters["names"].value] == [*control.parameters["names"].default]


def test_what_a_profile_sets_is_checked_by_the_file_itself(ours: Any, written: Any) -> None:
    ours.control("ACME-AAA-01", "limit: int = 3")
    ours.profile("acme", "controls: {ACME-*: {params: {limit: many}}}\n")
    written()
    with pytest.raises(UsageProblem, match=r"parameter 'limit' of ACME-AAA-01 is int: .*got 'many'"):
        make_plan(load_chain("acme", [ours.root], cwd=ours.path), load_catalog([ours.root]))


def test_what_has_changed_since_is_taken_from_the_file(ours: Any, written: Any) -> None:
    path = ours.control("ACME-AAA-01", severity="high")
    other = ours.control("ACME-AAA-02")
    written()
    path.write_text(path.read_text().replace('severity="high"', 'severity="low"'))
    catalog = load_catalog([ours.root])
    assert (None, "low") == (catalog.indexed("ACME-AAA-01"), catalog["ACME-AAA-01"].severity)
    assert "high" == catalog["ACME-AAA-02"].severity
    assert {other} == catalog.unread


@pytest.mark.parametrize("of", ["any control", "this file"])
def test_what_it_was_made_of_has_to_be_the_same(ours: Any, written: Any, of: str) -> None:
    ours.control("ACME-AAA-01")
    path = written()
    data = json.loads(path.read_text())
    part = data if of == "any control" else data["files"]["test_acme_aaa_01.py"]
    part["rests_on"] = {**part["rests_on"], "catalog/objectives.py": "0" * 64}
    path.write_text(json.dumps(data))
    catalog = load_catalog([ours.root])
    assert None is catalog.indexed("ACME-AAA-01")
    assert "ACME-AAA-01 holds" == catalog["ACME-AAA-01"].title


@pytest.mark.parametrize("text", ["", "{", "[]", '{"files": {}}'])
def test_a_broken_one_is_as_none(ours: Any, text: str) -> None:
    ours.control("ACME-AAA-01")
    (ours.root.controls / index.NAME).write_text(text)
    assert "ACME-AAA-01 holds" == load_catalog([ours.root])["ACME-AAA-01"].title


@pytest.mark.parametrize("text", ["4", "1.0", "true", "[]"])
def test_a_control_that_is_not_what_it_says_is_refused_before_it_judges(
    ours: Any, written: Any, text: str
) -> None:
    ours.control("ACME-AAA-01", "limit: int = 1")
    path = written()
    path.write_text(path.read_text().replace('"value": 1', f'"value": {text}'))
    control = load_catalog([ours.root])["ACME-AAA-01"]
    assert text == json.dumps(control.parameters["limit"].value)
    with pytest.raises(UsageProblem, match=r"ACME-AAA-01 is not what index.json beside the controls says"):
        control.function(None)


@pytest.mark.parametrize(
    "more",
    [
        "import pytest\n\n\n@pytest.fixture(autouse=True)\ndef _first() -> None: ...\n",
        "import pytest\n\npytestmark = pytest.mark.slow\n",
        "from pytest_aisec import catalog as pytestmark\n",
        "pytest_plugins: list[str] = []\n",
        "def setup_module() -> None: ...\n",
        "if True:\n    setup_function = print\n",
        "class TestMore: ...\n",
    ],
)
def test_files_in_which_pytest_sees_more_than_controls_are_not_in_it(
    ours: Any, written: Any, more: str
) -> None:
    path = ours.control("ACME-AAA-01")
    path.write_text(f"{path.read_text()}\n\n{more}")
    ours.control("ACME-AAA-02")
    assert ["ACME-AAA-02"] == in_index(written())


def test_defaults_that_json_does_not_keep_are_not_in_it(ours: Any, written: Any) -> None:
    ours.control("ACME-AAA-01", "pair: tuple[int, int] = (1, 2)")
    ours.control("ACME-AAA-02", "numbers: dict[int, int] = {1: 2}")
    ours.control("ACME-AAA-03", "names: set[str] = {'a'}")
    ours.control("ACME-AAA-04", "names: list[str] | None = None")
    assert ["ACME-AAA-04"] == in_index(written())


def test_a_default_from_another_module_rests_on_that(ours: Any, written: Any) -> None:
    path = ours.control("ACME-AAA-01", "limit: int = LIMIT")
    path.write_text(f"from pytest_aisec.catalog.yamlfile import MOST_MISTAKES as LIMIT\n{path.read_text()}")
    (of_file,) = json.loads(written().read_text())["files"].values()
    assert ["catalog/yamlfile.py"] == [*of_file["rests_on"]]


def test_what_is_in_it_of_another_pack_does_not_count(
    ours: Any, written: Any, tmp_path: Path, executed: list[Path]
) -> None:
    path = ours.control("ACME-AAA-01")
    index_path = written()
    other = type(ours)(tmp_path / "other")
    moved = other.file(path.name, path.read_text().replace("ACME-AAA-01", "ACME-AAA-09"))
    (other.root.controls / index.NAME).write_text(index_path.read_text())
    executed.clear()
    catalog = load_catalog([ours.root, other.root])
    assert [moved] == executed
    assert isinstance(catalog["ACME-AAA-09"], Control)
    assert loaded(moved) is not None
