import pickle
from importlib import metadata

import pytest

from pytest_aisec.facts.artifacts import pickle_scan
from pytest_aisec.facts.artifacts.pickle_scan import scan


@pytest.fixture
def versions(monkeypatch):
    def of(**found):
        def version(name):
            asked.append(name)
            if found.get(name) is None:
                raise metadata.PackageNotFoundError(name)
            return found[name]

        asked: list[str] = []
        monkeypatch.setattr(pickle_scan.metadata, "version", version)
        pickle_scan._installed.cache_clear()
        return asked

    yield of
    pickle_scan._installed.cache_clear()


@pytest.mark.parametrize(
    "found",
    [{}, {"picklescan": "1.0.5"}, {"fickling": "0.1.12"}, {"picklescan": "1.0.3", "fickling": "0.1.12"}],
)
def test_without_both_scanners_nothing_is_clean(versions, reason, found):
    versions(**found)
    assert "tool_missing" == reason(scan, pickle.dumps({}))


def test_what_is_installed_is_looked_up_once_for_thousands_of_pickles(versions):
    pytest.importorskip("picklescan")
    pytest.importorskip("fickling")
    asked = versions(picklescan="1.0.5", fickling="0.1.12")
    for number in range(20):
        scan(pickle.dumps({"a": number}))
    assert ["fickling", "picklescan"] == sorted(asked)


class TestScanners:
    @pytest.fixture(autouse=True)
    def _installed(self):
        pytest.importorskip("picklescan")
        pytest.importorskip("fickling")

    def test_nothing(self):
        found = scan(pickle.dumps({"a": [1]}))
        assert (frozenset(), ()) == (found.names, found.dangerous)

    def test_unknown_is_named_and_not_called_dangerous(self):
        found = scan(b"\x80\x02cmylib\nLoader\n)R.")
        assert (frozenset({("mylib", "Loader")}), ()) == (found.names, found.dangerous)

    @pytest.mark.parametrize(
        "data",
        [
            b"\x80\x02cposix\ngetcwd\n)R.",
            b"cbuiltins\neval\n(S'1'\ntR.",
            b"\x80\x02}0\x80\x02}.",
            b"\x80\x04\x8c\x05posix\x8c\x06getcwd\x93)R.",
        ],
    )
    def test_dangerous(self, data):
        assert scan(data).dangerous

    def test_malformed(self, reason):
        assert "parse" == reason(scan, b"\x80\x02cposix\ngetcwd\n)R"[:-1] + b"")
