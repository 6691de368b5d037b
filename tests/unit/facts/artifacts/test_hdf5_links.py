"""Files that h5py wrote; see `tests/support/hdf5_files.py`."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aisec.facts.artifacts.hdf5_links import other_files
from pytest_aisec.facts.artifacts.ranges import of_bytes
from pytest_aisec.observe.faults import Unobservable
from tests.support import hdf5_files as made
from tests.support.weights import packed


def found(data):
    return list(other_files(of_bytes(data)))


@pytest.mark.parametrize("text", [made.TREE, made.TREE_LATEST, made.EARLIEST, made.LATEST])
def test_what_lies_in_its_own_file_is_well(text):
    assert [] == found(packed(text))


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ("a link into another file, 1", made.EXTERNAL_LINK),
        ("data of a dataset in another file", made.EXTERNAL_DATA),
        ("a dataset made of those of other files", made.VIRTUAL),
    ],
)
def test_what_lies_in_another_file_is_found(expected, text):
    assert [expected] == found(packed(text))


@pytest.mark.parametrize(
    "data",
    [
        packed(made.MANY_LATEST),
        packed(made.EXTERNAL_LINK)[:3000],
        bytes(512) + packed(made.TREE),
        packed(made.TREE).replace(b"SNOD", b"SNOX"),
    ],
)
def test_what_is_not_read_could_not_be_observed(data):
    with pytest.raises(Unobservable) as caught:
        found(data)
    assert "parse" == caught.value.reason


WHOLE = packed(made.EXTERNAL_LINK)


@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 255))
def test_a_changed_byte_ends_in_values_or_a_fault(at, byte):
    data = bytearray(WHOLE)
    data[at] = byte
    with suppress(Unobservable):
        assert all(isinstance(item, str) for item in found(bytes(data)))
