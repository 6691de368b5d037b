import io
import tarfile
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aisec.facts.artifacts.sources import Memory
from pytest_aisec.facts.artifacts.tars import is_tar, members
from pytest_aisec.observe.faults import Unobservable


def header(name=b"a", size=b"00000000003\0", kind=b"0", magic=b"ustar\x0000"):
    block = bytearray(512)
    block[: len(name)] = name
    block[124 : 124 + len(size)] = size
    block[156:157] = kind
    block[257 : 257 + len(magic)] = magic
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


BODY = b"abc".ljust(512, b"\0")
END = bytes(1024)


def read(data):
    return [(part.size, part.whole(100)) for part in members(Memory("a.tar", data))]


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_each_dialect(form):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for name in ("short", "long/" * 19 + "name" * 12):
            about = tarfile.TarInfo(name)
            about.size = 3
            archive.addfile(about, io.BytesIO(b"abc"))
    assert [(3, b"abc")] * 2 == read(buffer.getvalue())


@pytest.mark.parametrize(
    "block",
    [header(magic=b""), header(size=b"\x80" + bytes(10) + b"\3"), header(size=b"3 "), header(kind=b"\0")],
)
def test_each_way_to_write_a_header(block):
    assert [(3, b"abc")] == read(block + BODY + END)


@pytest.mark.parametrize(
    "data",
    [
        header() + BODY,
        header() + BODY + END + header() + BODY,
        header() + BODY + b"x" * 512 + END,
        header(size=b"77777777777\0") + BODY + END,
        header(size=b"3x") + BODY + END,
        header(kind=b"S") + BODY + END,
        header(kind=b"1") + BODY + END,
        header(name=b"d/", kind=b"\0") + BODY + END,
        header(kind=b"x", size=b"00000000013\0") + b"11 size=99\n".ljust(512, b"\0") + header() + BODY + END,
    ],
)
def test_what_two_readers_could_read_differently(reason, data):
    assert "parse" == reason(read, data)


def test_other_files_are_none():
    assert [False] * 3 == [is_tar(bytes(512)), is_tar(b"text " * 200), is_tar(header()[:-1])]


@given(st.binary(max_size=600), st.integers(0, 511))
def test_any_bytes(data, at):
    block = header()
    for broken in (data, block[:at] + data, block + data):
        with suppress(Unobservable):
            read(broken)
