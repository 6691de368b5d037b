import json

import pytest

from pytest_aisec.catalog.strict_json import finite, no_constant, unique


def read(text):
    return json.loads(text, object_pairs_hook=unique, parse_constant=no_constant, parse_float=finite)


def test_what_every_reader_understands_alike_is_read():
    assert {"a": [1.5, {"b": None}]} == read('{"a": [1.5, {"b": null}]}')


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("the key 'a' is there twice", '[{"b": 1, "a": 1, "a": 2}]'),
        ("NaN is no number", '{"a": NaN}'),
        ("-Infinity is no number", "[-Infinity]"),
        ("1e999 is too large a number", "1e999"),
    ],
)
def test_what_they_do_not_is_refused(said, text):
    with pytest.raises(ValueError, match=f"^{said}$"):
        read(text)
