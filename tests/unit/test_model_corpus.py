"""Every model file of the corpus, judged by both controls as a host would show it, with redaction."""

import base64
import functools
from collections import Counter
from importlib import metadata
from types import SimpleNamespace

import pytest
from _pytest.outcomes import Skipped

from pytest_aisec import Unobservable
from pytest_aisec.catalog.content import content_root
from pytest_aisec.catalog.load import load_catalog
from pytest_aisec.facts.artifacts import pickle_scan
from pytest_aisec.facts.artifacts.model_files import HEAD
from pytest_aisec.facts.artifacts.model_heads import TAIL
from pytest_aisec.observe.redaction.redact import redact
from tests.support.model_corpus import TOKEN, samples

CATALOG = load_catalog([content_root()])
CONTROL = set(range(8)) | set(range(14, 27)) | set(range(28, 32)) | {127}


def shown(text):
    """Return what comes of an answer: redaction is slow, and here it has one thing to find."""
    return redact(text) if TOKEN.decode() in text else text


class Shelf:
    """A host with one model file, which answers what the facts ask."""

    def __init__(self, name, data):
        self.path, self.data = f"/srv/models/{name}", data
        self.asked = []

    def run(self, command, *arguments):
        self.asked.append(command)
        if command.startswith("set -- %s %s %s %s; "):
            _, _, start, length = arguments
            part = self.data[int(start) - 1 :][: int(length)]
            return SimpleNamespace(rc=0, stdout=shown(base64.encodebytes(part).decode()), stderr="")
        assert "find " in command
        head = self.data[:HEAD]
        is_text = not CONTROL & set(head)
        printed = head.decode("utf-8", "surrogateescape") + "." if is_text else head.hex(" ")
        mark = "z" * (b"PK\5\6" in self.data[-TAIL:])
        about = f"f1:1 {len(self.data)} 644 root root\0{self.path}\0h{self.path}\0{'t' if is_text else 'b'}{mark}\0"
        return SimpleNamespace(
            rc=0, stdout=shown(f"d0 directory\0/srv/models\0{about}{printed}\0e0\0"), stderr=""
        )


def outcome(control, sample):
    try:
        CATALOG[control].function(Shelf(sample.name, sample.data))
    except AssertionError:
        return "failed"
    except Unobservable:
        return "error"
    except Skipped:
        return "not applicable"
    return "passed"


@functools.cache
def outcomes(control):
    return {sample: outcome(control, sample) for sample in samples()}


def names(control, *, wanted, is_dangerous):
    return [
        sample.name
        for sample, found in outcomes(control).items()
        if found in wanted and sample.is_dangerous == is_dangerous
    ]


@pytest.fixture(autouse=True)
def _scanners(monkeypatch):
    pytest.importorskip("picklescan")
    pytest.importorskip("fickling")
    monkeypatch.setattr(pickle_scan.metadata, "version", functools.cache(metadata.version))


@pytest.mark.parametrize("control", ["AISEC-ART-04", "AISEC-ART-05"])
def test_nothing_dangerous_passes(control):
    assert [] == names(control, wanted={"passed", "not applicable"}, is_dangerous=True)
    assert 600 < len(names(control, wanted={"failed"}, is_dangerous=True))


def test_benign_files_are_neither_found_nor_refused():
    benign = len(
        names("AISEC-ART-05", wanted={"passed", "failed", "error", "not applicable"}, is_dangerous=False)
    )
    found = names("AISEC-ART-05", wanted={"failed"}, is_dangerous=False)
    refused = names("AISEC-ART-05", wanted={"error"}, is_dangerous=False)
    assert 300 < benign
    assert len(found) <= benign * 0.02, found
    assert len(refused) <= benign * 0.05, refused


def test_files_without_a_pickle_are_none():
    wrong = names("AISEC-ART-04", wanted={"failed", "error"}, is_dangerous=False)
    assert [] == [name for name in wrong if name.startswith("formats/")]


def test_a_token_in_a_text_is_not_fetched():
    host = Shelf("README.md", b"# Use it\n\nexport TOKEN=" + TOKEN + b"\n" + b"More text.\n" * 200)
    with pytest.raises(Skipped):
        CATALOG["AISEC-ART-05"].function(host)
    assert 1 == len(host.asked)


if __name__ == "__main__":
    for each in ("AISEC-ART-04", "AISEC-ART-05"):
        print(each, Counter((sample.is_dangerous, found) for sample, found in outcomes(each).items()))
