from contextlib import suppress
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aisec.facts.artifacts.hdf5 import root_attributes
from pytest_aisec.facts.artifacts.ranges import of_bytes
from pytest_aisec.observe.faults import Unobservable
from tests.support.hdf5_files import DENSE, EARLIEST, LATEST
from tests.support.weights import hdf5, packed

CONFIG = b'{"class_name": "Sequential", "config": {"layers": [{"class_name": "Lambda", "config": {}}]}}'
FILES = [packed(EARLIEST), packed(LATEST), hdf5([("model_config", CONFIG)])]


def attributes(data):
    return list(root_attributes(of_bytes(data)))


@pytest.mark.parametrize(("text", "others"), [(EARLIEST, 12), (LATEST, 3)])
def test_what_h5py_wrote_is_read(text, others):
    found = attributes(packed(text))
    assert dict(found) == {"keras_version": b"3.1", "model_config": CONFIG} | {
        f"a{number}": None for number in range(others)
    }


@pytest.mark.parametrize("in_heap", [True, False])
def test_texts_are_read_from_the_heap_and_from_the_header(in_heap):
    both = [("backend", b"torch"), ("model_config", b'{"a": 1}')]
    assert both == attributes(hdf5(both, in_heap=in_heap))


def test_an_attribute_that_is_there_twice_is_read_twice():
    both = [("model_config", b"{}"), ("model_config", CONFIG)]
    assert both == attributes(hdf5(both))


@pytest.mark.parametrize(
    "data",
    [
        packed(DENSE),
        hdf5([("a", b"x"), ("model_config", b"y")], count=1),
        FILES[2].replace(b"GCOL", b"GCOM"),
        FILES[2].replace(b"\x89HDF\r\n\x1a\n\0", b"\x89HDF\r\n\x1a\n\x09"),
        FILES[2][:4100],
        FILES[2][:100],
        b"\x89HDF\r\n\x1a\n",
    ],
)
def test_what_is_not_understood_could_not_be_observed(data):
    with pytest.raises(Unobservable) as caught:
        attributes(data)
    assert "parse" == caught.value.reason


def test_of_two_texts_of_one_number_in_a_heap_none_is_taken():
    whole = hdf5([("model_config", b"{}      "), ("b", CONFIG[:8])])
    second = whole.rindex(b"\x02\x00\x01\x00")
    with pytest.raises(Unobservable):
        attributes(whole[:second] + b"\x01" + whole[second + 1 :])


@given(st.sampled_from(FILES), st.integers(0, 5000), st.binary(min_size=1, max_size=8))
def test_any_bytes_end_in_a_value(data, at, part):
    mutated = data[:at] + part + data[at + len(part) :]
    with suppress(Unobservable):
        assert len(list(islice(root_attributes(of_bytes(mutated)), 99))) < 99
