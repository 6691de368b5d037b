"""Every model file of the corpus, judged by both controls as a host would show it, with redaction."""

import base64
import functools
import io
import pickle
import re
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from types import SimpleNamespace

import pytest
from _pytest.outcomes import Skipped

from pytest_aisec import Unobservable
from pytest_aisec.catalog.content import content_root
from pytest_aisec.catalog.load import load_catalog
from pytest_aisec.facts.artifacts import onnx
from pytest_aisec.facts.artifacts.model_files import HEAD
from pytest_aisec.facts.artifacts.model_heads import TAIL
from pytest_aisec.observe.redaction.redact import redact
from tests.support.model_corpus import TOKEN, Sample, samples
from tests.unit.facts.artifacts import test_weight_formats

CATALOG = load_catalog([content_root()])
NEEDLES = "|".join(onnx.NEEDLES).encode()
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
        if "grep -aobF" in command:
            hits = [f"{match.start()}:x\n" for match in re.finditer(NEEDLES, self.data)]
            return SimpleNamespace(rc=0, stdout="".join(hits) + f"end {0 if hits else 1}\n", stderr="")
        if "find / " in command:  # nothing lies elsewhere
            return SimpleNamespace(rc=0, stdout="=0\n", stderr="")
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


def of_picklescan(sample):
    """Return what picklescan says of a file by itself."""
    from picklescan.scanner import scan_file_path

    with tempfile.TemporaryDirectory() as place:
        path = Path(place, sample.name.rsplit("/", 1)[-1])
        path.write_bytes(sample.data)
        try:
            found = scan_file_path(str(path))
        except Exception:  # noqa: BLE001 - whatever it raises, it has not read the file
            return "error"
    if found.issues_count:
        return "failed"
    return "error" if found.scan_err else "passed" if found.scanned_files else "not applicable"


def of_fickling(sample):
    """Return what fickling says of a file by itself."""
    from fickling.analysis import Severity, check_safety
    from fickling.fickle import Pickled

    try:
        severity = check_safety(Pickled.load(io.BytesIO(sample.data))).severity
    except Exception:  # noqa: BLE001 - likewise
        return "error"
    return "passed" if severity <= Severity.LIKELY_SAFE else "failed"


READERS = {
    "ART-04": functools.partial(outcome, "AISEC-ART-04"),
    "ART-05": functools.partial(outcome, "AISEC-ART-05"),
    "ART-06": functools.partial(outcome, "AISEC-ART-06"),
    "picklescan": of_picklescan,
    "fickling": of_fickling,
}


@functools.cache
def weights():
    """Return files of the formats without pickles, and ONNX under another name."""
    found = []
    for suffix, judged in test_weight_formats.FORMATS.items():
        for is_dangerous, files in zip((False, True), judged, strict=True):
            found += [Sample(f"{name}/model.{suffix}", data, is_dangerous) for name, data in files.items()]
            if suffix == "onnx":
                found += [
                    Sample(f"{name}/renamed.bin", data, is_dangerous)
                    for name, data in files.items()
                    if test_weight_formats.is_model(data)
                ]
    return found


@functools.cache
def outcomes(reader):
    """Return the outcome of every file that a reader is for."""
    return {sample: READERS[reader](sample) for sample in (weights() if reader == "ART-06" else samples())}


def names(reader, *, wanted, is_dangerous):
    return [
        sample.name
        for sample, found in outcomes(reader).items()
        if found in wanted and sample.is_dangerous == is_dangerous
    ]


def form_of(sample):
    """Return the row of a file: its name, under which it holds a pickle or weights."""
    top, _, name = sample.name.rpartition("/")
    return "without a pickle" if top == "formats" else name


def agreement(*readers):
    """Yield one line a format: how many dangerous and benign files each reader finds, refuses and passes."""
    counts = defaultdict(Counter)
    for reader in readers:
        for sample, found in outcomes(reader).items():
            counts[form_of(sample), reader][sample.is_dangerous, found] += 1
            counts["all", reader][sample.is_dangerous, found] += 1
    yield "failed/error/passed/not applicable", *(f"{reader} {half}" for reader in readers for half in HALVES)
    forms = dict.fromkeys(form for form, _ in counts if form != "all")
    for form in (*forms, "all"):
        cells = [
            "/".join(str(counts[form, reader][is_dangerous, outcome]) for outcome in OUTCOMES)
            for reader in readers
            for is_dangerous in (True, False)
        ]
        yield form, *cells


OUTCOMES = ("failed", "error", "passed", "not applicable")
HALVES = ("dangerous", "benign")


@pytest.fixture(autouse=True)
def _scanners():
    pytest.importorskip("picklescan")
    pytest.importorskip("fickling")


def bomb(levels=7, width=60):
    """Return a pickle of lists that each hold the one before many times."""
    parts = b"".join(b"(" + b"h%c" % level * width + b"lq%c" % (level + 1) for level in range(levels))
    return b"\x80\x02]q\x00" + parts + b"."


SHARED = ["cat", "dog"]


@pytest.mark.parametrize(
    ("expected", "data"),
    [
        ("passed", pickle.dumps(SHARED * 5000)),
        ("passed", pickle.dumps({number: SHARED[number % 2] for number in range(9000)}, protocol=2)),
        ("passed", pickle.dumps([range(3), int, str], protocol=2)),
        ("failed", pickle.dumps([[SHARED]] * 5000)),
        ("failed", bomb()),
        ("failed", b"\x80\x02c__builtin__\neval\nq\x00" + b"h\x00" * 9000 + b"."),
        ("failed", b"\x80\x02(X\1\0\0\0aq\x00" + b"h\x00" * 9000 + b"lcposix\ngetcwd\n)R."),
    ],
)
def test_many_equal_texts_are_no_bomb(expected, data):
    assert expected == outcome("AISEC-ART-05", Sample("labels/model.pkl", data, expected == "failed"))


@pytest.mark.parametrize("control", ["ART-04", "ART-05"])
def test_nothing_dangerous_passes(control):
    assert [] == names(control, wanted={"passed", "not applicable"}, is_dangerous=True)
    assert 600 < len(names(control, wanted={"failed"}, is_dangerous=True))


def test_benign_files_are_neither_found_nor_refused():
    benign = len(names("ART-05", wanted={"passed", "failed", "error", "not applicable"}, is_dangerous=False))
    found = names("ART-05", wanted={"failed"}, is_dangerous=False)
    refused = names("ART-05", wanted={"error"}, is_dangerous=False)
    assert 300 < benign
    assert len(found) <= benign * 0.02, found
    assert len(refused) <= benign * 0.05, refused


def test_files_without_a_pickle_are_none():
    wrong = names("ART-04", wanted={"failed", "error"}, is_dangerous=False)
    assert [] == [name for name in wrong if name.startswith("formats/")]


def test_a_token_in_a_text_is_not_fetched():
    host = Shelf("README.md", b"# Use it\n\nexport TOKEN=" + TOKEN + b"\n" + b"More text.\n" * 200)
    with pytest.raises(Skipped):
        CATALOG["AISEC-ART-05"].function(host)
    assert [False, True] == ["find / " in question for question in host.asked]


def test_no_malformed_file_of_weights_passes_and_no_other_is_found():
    assert [] == names("ART-06", wanted={"passed", "not applicable"}, is_dangerous=True)
    assert 100 < len(names("ART-06", wanted={"failed"}, is_dangerous=True))
    assert [] == names("ART-06", wanted={"failed", "error", "not applicable"}, is_dangerous=False)


@pytest.mark.parametrize("scanner", ["picklescan", "fickling"])
def test_a_scanner_alone_passes_what_the_controls_find(scanner):
    passed = names(scanner, wanted={"passed", "not applicable"}, is_dangerous=True)
    assert 30 < len(passed)
    assert not {*passed} & {*names("ART-05", wanted={"passed", "not applicable"}, is_dangerous=True)}


def test_the_table_counts_every_file_once():
    _, *lines = agreement("ART-05", "picklescan", "fickling")
    for column in (1, 2):
        sums = [sum(map(int, line[column].split("/"))) for line in lines]
        assert sum(sums[:-1]) == sums[-1] == sum(sample.is_dangerous == (column == 1) for sample in samples())


if __name__ == "__main__":
    for readers in (("ART-04", "ART-05", "picklescan", "fickling"), ("ART-06",)):
        for first, *cells in agreement(*readers):
            print(f"{first:36}", *(f"{cell:>21}" for cell in cells))
        print()
