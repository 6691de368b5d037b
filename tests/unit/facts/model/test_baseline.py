import json

import pytest

from pytest_aisec.facts.model.baseline import agrees, read_baseline, read_lines
from pytest_aisec.observe.faults import Unobservable

GOLDEN = [
    {"prompt": prompt, "answer": answer} for prompt, answer in (("a", "one"), ("b", "two"), ("c", "three"))
]


def written(tmp_path, data):
    path = tmp_path / "golden.json"
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return str(path)


def test_a_baseline(tmp_path):
    found = read_baseline(written(tmp_path, {"model": "m", "golden": GOLDEN}))
    assert ("m", 3, {}) == (found.model, len(found.golden), found.weights)


@pytest.mark.parametrize(
    "data",
    [
        "",
        "[]",
        "{",
        {"model": "m", "golden": GOLDEN[:2]},
        {"model": "m", "golden": [{**item, "answer": "Yes!"} for item in GOLDEN]},
        {"model": "", "golden": GOLDEN},
        {"model": "m", "golden": GOLDEN, "weight": {}},
        {"model": "m", "golden": GOLDEN, "weights": {"/x": "abc"}},
    ],
)
def test_what_cannot_tell_models_apart_is_no_baseline(tmp_path, data):
    with pytest.raises(Unobservable) as caught:
        read_baseline(written(tmp_path, data))
    assert "parse" == caught.value.reason


def test_no_file(tmp_path):
    for read in (read_baseline, lambda path: read_lines(path, "canary_file")):
        with pytest.raises(Unobservable) as caught:
            read(str(tmp_path / "none"))
        assert "unreadable" == caught.value.reason


def test_lines(tmp_path):
    path = tmp_path / "lines"
    path.write_text("# comment\n\n a b\tc\r\n")
    assert [" a b\tc"] == read_lines(str(path), "x")
    path.write_text("# only\n")
    with pytest.raises(Unobservable):
        read_lines(str(path), "x")


@pytest.mark.parametrize(
    ("expected", "one", "other"),
    [
        (True, "Paris", "paris."),
        (True, "a b c d e f g h i j", "a b c d e f g h i k"),
        (False, "Paris", "London"),
        (False, "Paris", "It might be Paris, or perhaps another town"),
        (False, "Paris", ""),
        (True, "…", "…"),
        (False, "…", "!"),
    ],
)
def test_agreement(expected, one, other):
    assert expected is agrees(one, other, least=0.8)
