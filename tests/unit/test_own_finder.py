import sys
from importlib.machinery import SourceFileLoader

import pytest

import pytest_aisec
from pytest_aisec import facts, testing
from pytest_aisec.own_finder import OwnFinder


@pytest.fixture
def meta_path(monkeypatch):
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])


def test_modules_of_the_package_are_found_as_python_finds_them():
    found = OwnFinder.find_spec("pytest_aisec.plugin", pytest_aisec.__path__)
    assert pytest_aisec.__path__[0] + "/plugin.py" == found.origin
    assert type(found.loader) is SourceFileLoader
    assert type(OwnFinder.find_spec("pytest_aisec.facts.core", facts.__path__).loader) is SourceFileLoader


@pytest.mark.parametrize("name", ["json", "pytest_aisec_more", "pytest_aisec.testing.setups", "test_sshd"])
def test_all_others_are_left_to_pytest(name):
    assert OwnFinder.find_spec(name, testing.__path__) is None


def test_it_comes_first_once_and_goes(meta_path):
    before = [*sys.meta_path]
    OwnFinder.install()
    OwnFinder.install()
    assert [OwnFinder, *(item for item in before if item is not OwnFinder)] == sys.meta_path
    OwnFinder.remove()
    OwnFinder.remove()
    assert [item for item in before if item is not OwnFinder] == sys.meta_path
