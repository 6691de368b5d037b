import io
import struct
import warnings
import zipfile
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aisec.facts.artifacts.model_files import model_files
from pytest_aisec.facts.artifacts.sources import Memory
from pytest_aisec.facts.artifacts.zips import appended, content, find_directory, members, read_directory
from pytest_aisec.observe.faults import Unobservable

PKL, DATA = b"\x80\x02}q\x00.", bytes(64)


def archive(
    method=zipfile.ZIP_STORED, names=("archive/data.pkl", "archive/data/0"), *, comment=b"", stream=False
):
    class Stream(io.BytesIO):
        def seekable(self):
            return not stream

        def tell(self):
            if stream:
                raise io.UnsupportedOperation
            return super().tell()

    buffer = Stream()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", method) as made:
        warnings.simplefilter("ignore")
        for name in names:
            made.writestr(name, PKL if name.endswith(".pkl") else DATA)
        made.comment = comment
    return buffer.getvalue()


@pytest.fixture
def read(local, tmp_path):
    def of(data):
        path = tmp_path / "m.pt"
        path.write_bytes(data)
        (file,) = model_files(local, [str(tmp_path)]).files
        found = members(local, file)
        whole = content(local, file, found, most=1000)
        return {name: repr(part) if isinstance(part, Unobservable) else part for name, part in whole.items()}

    return of


GOOD = {"archive/data.pkl": PKL, "archive/data/0": DATA}


@pytest.mark.parametrize(
    "data",
    [
        archive(),
        archive(zipfile.ZIP_DEFLATED),
        archive(comment=b"a comment"),
        archive(stream=True),
    ],
)
def test_members(read, data):
    assert GOOD == read(data)


def zip64(data=PKL):
    """An archive as PyTorch writes it: with the end for large archives, though it is small."""
    name = b"archive/data.pkl"
    body = struct.pack(
        "<4s5H3I2H", b"PK\3\4", 0, 0, 0, 0, 0, zlib.crc32(data), len(data), len(data), len(name), 0
    )
    body += name + data
    start = len(body)
    body += struct.pack(
        "<4s6H3I5H2I",
        b"PK\1\2",
        0,
        0,
        0,
        0,
        0,
        0,
        zlib.crc32(data),
        len(data),
        len(data),
        len(name),
        0,
        0,
        0,
        0,
        0,
        0,
    )
    body += name
    end = len(body)
    body += struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, end - start, start)
    body += struct.pack("<4sIQI", b"PK\6\7", 0, end, 1)
    return body + struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 1, 1, end - start, start, 0)


def test_end_for_large_archives(read):
    assert {"archive/data.pkl": PKL} == read(zip64())


def changed(data, at, value, *, mark=b"PK\x01\x02"):
    place = data.index(mark) + at
    return data[:place] + value + data[place + len(value) :]


@pytest.mark.parametrize(
    "data",
    [
        archive()[:-1],
        archive() + b"x",
        archive() + archive(),
        b"x" + archive(),
        archive(comment=b"PK\x05\x06" + bytes(18)),
        archive(names=("a/data.pkl", "a/data.pkl")),
        archive(names=("a/data.pkl", "A/data.pkl")),
        archive(names=("a/../data.pkl",)),
        archive(names=("/data.pkl",)),
        archive(names=("a\\data.pkl",)),
        changed(archive(), 8, b"\x01"),
        changed(archive(), 30, b"\x05\x00"),
        changed(archive(), 34, b"\x01"),
        changed(archive(), 42, b"\x01"),
        changed(archive(), 10, b"\x01\x00", mark=b"PK\x05\x06"),
        changed(archive(), 16, b"\x01", mark=b"PK\x05\x06"),
        changed(zip64(), 24, b"\x02", mark=b"PK\x06\x06"),
        changed(zip64(), 8, b"\x00", mark=b"PK\x06\x07"),
        changed(zip64(), 16, b"\x01", mark=b"PK\x05\x06"),
    ],
)
def test_what_readers_see_differently(read, reason, data):
    assert "parse" == reason(read, data)


@pytest.mark.parametrize(
    "data",
    [
        changed(archive(), 34, b"x", mark=b"PK\x03\x04"),
        changed(archive(), 6, b"\x01", mark=b"PK\x03\x04"),
        changed(archive(), 8, b"\x08", mark=b"PK\x03\x04"),
        changed(archive(), 14, b"\x00", mark=b"PK\x03\x04"),
        changed(archive(), 18, b"\x05", mark=b"PK\x03\x04"),
        changed(archive(), 10, b"\x0c"),
        changed(archive(), 16, b"\x00\x00"),
        changed(archive(), 24, b"\x07"),
        archive().replace(PKL, PKL[:-1] + b"0"),
    ],
)
def test_member_that_readers_see_differently(read, data):
    found = read(data)
    assert "'parse'" in found["archive/data.pkl"]
    assert DATA == found["archive/data/0"]


def test_bomb(local, tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("a.pkl", bytes(10_000_000))
    (tmp_path / "m.pt").write_bytes(buffer.getvalue())
    (file,) = model_files(local, [str(tmp_path)]).files
    (found,) = content(local, file, members(local, file), most=100_000).values()
    assert "truncated" == found.reason


@given(st.binary(max_size=300), st.integers(0, 5000))
def test_any_bytes(data, size):
    for attempt in (
        lambda: find_directory(data, len(data) + size, "m"),
        lambda: find_directory(data + b"PK\x05\x06" + data[:18], len(data) + 22, "m"),
        lambda: read_directory(b"PK\x01\x02" + data, 1, size, "m"),
    ):
        with suppress(Unobservable):
            attempt()


@pytest.mark.parametrize("behind", [b"", b"not of the archive", b"PK\5\6"])
def test_an_archive_behind_something_is_seen_wherever_it_says_to_begin(behind):
    stream = io.BytesIO(b"in front" * 10)
    with zipfile.ZipFile(stream, "a") as whole:
        whole.writestr("a", "b")
    for data in (stream.getvalue(), b"in front" + archive()):
        assert appended(Memory("x", data + behind), len(data + behind))
        assert appended(Memory("x", data + behind), len(data + behind), is_moved=False) == (
            data == stream.getvalue()
        )


@pytest.mark.parametrize(
    "data",
    [b"PK\5\6", b"x" * 90 + b"PK\5\6" + bytes(18), b"PK\5\6" + b"A" * 100, archive(names=()), bytes(90)],
)
def test_the_mark_of_an_end_alone_is_no_archive(data):
    assert not appended(Memory("x", data), len(data))
