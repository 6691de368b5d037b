from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest

from pytest_aisec.catalog import index, load
from pytest_aisec.catalog.content import content_root
from pytest_aisec.catalog.control import control_of
from pytest_aisec.catalog.load import load_catalog, loaded
from pytest_aisec.catalog.profile import load_chain
from pytest_aisec.catalog.resolve import make_plan
from pytest_aisec.session.modules import Rewriter


def the_function(content: Any, loader: Rewriter | None) -> Any:
    (control,) = load_catalog([content.root], loader).values()
    return control.function


@pytest.fixture
def path(content: Any) -> Path:
    path: Path = content.control("ACME-AAA-01")
    path.write_text(path.read_text().replace('host.run("true").rc == 0', "[1] == [2]"))
    return path


def test_assertions_say_what_was_compared_as_in_any_test(
    content: Any, path: Path, pytestconfig: pytest.Config
) -> None:
    with pytest.raises(AssertionError, match=r"^assert \[1\] == \[2\]"):
        the_function(content, Rewriter(pytestconfig.pluginmanager.rewrite_hook.exec_module))(None)


def test_without_pytests_hook_assertions_are_pythons(
    content: Any, path: Path, pytestconfig: pytest.Config
) -> None:
    rewritten = the_function(content, Rewriter(pytestconfig.pluginmanager.rewrite_hook.exec_module))
    plain = Rewriter(None)
    assert not plain.rewrites
    with pytest.raises(AssertionError, match=r"^$"):
        the_function(content, plain)(None)
    assert the_function(content, plain) is the_function(content, None)
    assert rewritten is not the_function(content, plain)


def test_warnings_of_a_file_come_when_it_is_collected_and_once(
    content: Any, path: Path, pytestconfig: pytest.Config
) -> None:
    path.write_text(f"import warnings\nwarnings.warn('old', DeprecationWarning)\n{path.read_text()}")
    rewriter = Rewriter(pytestconfig.pluginmanager.rewrite_hook.exec_module)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_catalog([content.root], rewriter)
        with pytest.raises(DeprecationWarning, match="old"):
            rewriter.warn(path)
        rewriter.warn(path)


def test_what_is_only_listed_is_collected_from_the_index_and_a_planned_file_is_executed_once_asked_for() -> (
    None
):
    rewriter = Rewriter(None)
    catalog = rewriter.load_catalog([content_root()])
    plan = make_plan(load_chain("training-node", [content_root()], cwd=Path()), catalog)
    planned, other = catalog["AISEC-ART-03"].path, catalog["AISEC-WIN-03"].path
    assert (False, True) == (rewriter.gives_nothing(planned, plan), rewriter.gives_nothing(other, plan))
    module = rewriter.stand_in(planned)
    assert module is not None
    (name,) = [name for name, item in vars(module).items() if control_of(item)]
    assert {planned, other} <= catalog.unread
    rewriter.execute([plan])
    assert {other} == {planned, other} & catalog.unread
    assert rewriter.stand_in(planned) is None
    assert (False, True) == (rewriter.gives_nothing(planned, plan), rewriter.gives_nothing(other, plan))
    assert catalog.executed("AISEC-ART-03").function is getattr(loaded(planned), name)


def test_a_stand_in_calls_the_control_itself(content: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "content_root", lambda: content.root)
    path = content.control("ACME-AAA-01", "limit: int = 3")
    path.write_text(path.read_text().replace('host.run("true").rc == 0', "host == limit"))
    found, _ = load.read_controls([path])
    (content.root.controls / index.NAME).write_text(index.make(content.root.controls, found.values()))
    rewriter = Rewriter(None)
    catalog = rewriter.load_catalog([content.root])
    module = rewriter.stand_in(path)
    assert path in catalog.unread
    vars(module)["test_acme_aaa_01"](7, limit=7)
    with pytest.raises(AssertionError):
        vars(module)["test_acme_aaa_01"](7)
    assert path not in catalog.unread


def test_a_file_that_is_in_no_catalog_has_no_module(content: Any, path: Path) -> None:
    assert loaded(path) is None
    load_catalog([content.root])
    assert str(path) == loaded(path).__file__
