import collections
import io
import os
import pickle
import random
import struct
import zipfile
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aisec.facts.model_files import model_files
from pytest_aisec.facts.pickle_opcodes import imports, runs_something, split
from pytest_aisec.facts.pickles import pickles
from pytest_aisec.observe.faults import Unobservable

NOISE = random.Random(0).randbytes(400_000)
HARMLESS = pickle.dumps({"a": [1, 2.0, b"x"]})
DANGER = b"\x80\x02cposix\ngetcwd\nq\x00)R."
LEGACY = b"".join(pickle.dumps(part, 2) for part in (0x1950A86A20F9469CFC6C, 1001, {}, {"w": 1}, ["0"]))


class Calls:
    def __reduce__(self):
        return (os.getcwd, ())


class TestSplit:
    def test_all_of_them(self):
        assert [HARMLESS, DANGER] == list(split(HARMLESS + DANGER, is_whole=True))

    def test_five_of_the_old_format(self):
        assert 5 == len(list(split(LEGACY + bytes(range(256)), is_whole=True)))
        assert 5 == len(list(split(LEGACY + bytes(range(256)), is_whole=False)))

    @pytest.mark.parametrize(
        ("expected", "data", "whole"),
        [
            ("parse", HARMLESS + b"\xff\xff", True),
            ("parse", HARMLESS[:-1], True),
            ("truncated", HARMLESS[:-1], False),
            ("truncated", HARMLESS, False),
            ("truncated", b"\x80\x04\x8e" + struct.pack("<Q", 1 << 40), False),
            ("parse", b"\x80\x04\xff", False),
            ("parse", LEGACY[:-14], True),
        ],
    )
    def test_not_whole(self, reason, expected, data, whole):
        assert expected == reason(lambda: list(split(data, is_whole=whole)))


class TestRunsSomething:
    @pytest.mark.parametrize(
        "data",
        [
            DANGER,
            DANGER[2:],
            b"(iposix\ngetcwd\n.",
            b"cposix\ngetcwd\n(tR\xff",
            b"cposix\ngetcwd\n.",
            b"N." + DANGER,
        ],
    )
    def test_yes(self, data):
        assert runs_something(data, is_whole=True) is True

    @pytest.mark.parametrize("data", [b"", HARMLESS, b"certifi\nidna\nclick\n", b"# text", b"X\xff\0\0\0"])
    def test_no(self, data):
        assert runs_something(data, is_whole=True) is False

    @pytest.mark.parametrize(
        "data", [b"", HARMLESS, HARMLESS[:-1], b"Vtext", b"X\xff\0\0\0", b"idna\nclick\n(("]
    )
    def test_not_decided(self, data):
        assert runs_something(data, is_whole=False) is None


class TestImports:
    @pytest.mark.parametrize("protocol", range(6))
    def test_as_python_writes_them(self, protocol):
        found = imports(pickle.dumps([Calls(), Calls(), collections.OrderedDict()], protocol))
        assert {("posix", "getcwd"), ("collections", "OrderedDict")} == found.names
        assert () == found.unknown

    @pytest.mark.parametrize(
        "data",
        [
            b"\x80\x04\x8c\x05posix0\x8c\x02os\x8c\x06getcwd\x85\x93)R.",
            b"\x80\x04K\x01\x8c\x06getcwd\x93)R.",
            b"\x80\x04\x93.",
            b"\x80\x04h\x07h\x08\x93.",
            b"\x80\x04\x8c\x05posix(0\x8c\x06getcwd\x93.",
            b"\x80\x02\x82\x01.",
        ],
    )
    def test_what_does_not_show(self, data):
        assert imports(data).unknown

    def test_through_the_memo(self):
        data = b"\x80\x04\x8c\x05posix\x94\x8c\x06getcwd\x94000h\x00h\x01\x93)R."
        assert {("posix", "getcwd")} == imports(data).names

    def test_memo_that_was_written_over(self):
        data = b"\x80\x04\x8c\x04mathq\x00\x8c\x05posixq\x0000h\x00\x8c\x06getcwd\x93)R."
        assert {("posix", "getcwd")} == imports(data).names

    @given(st.binary(max_size=100))
    def test_any_pickle(self, data):
        try:
            parts = list(split(data, is_whole=True))
        except Unobservable:
            return
        for part in parts:
            imports(part)


@pytest.fixture
def look(local, tmp_path):
    def of(most=3_500_000, *, contents=True, **files):
        for name, data in files.items():
            (tmp_path / name.replace("_", ".")).write_bytes(data)
        seen = model_files(local, [str(tmp_path)])
        found = pickles(local, seen.each, most=most, contents=contents)
        return {
            item.file.name: (
                item.is_pickle_based,
                b"".join(one.data for one in item.found),
                [fault.reason for fault in item.faults],
            )
            for item in found
        }

    return of


def zipped(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr("archive/" + name.replace("_", "."), data)
    return buffer.getvalue()


def array(kind, body):
    header = f"{{'descr': {kind!r}, 'fortran_order': False, 'shape': (1,), }}".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + body


class TestFiles:
    @pytest.mark.parametrize(
        ("name", "data"),
        [
            ("blob", DANGER),
            ("a_pkl", b"cposix\ngetcwd\n(tR."),
            ("notes", b"cposix\ngetcwd\n(tR."),
            ("notes", b"(iposix\ngetcwd\n."),
            ("a_joblib", zlib.compress(DANGER)),
            ("a_pkl_gz", zlib.compress(DANGER, wbits=31)),
            ("blob", b"\x80\x01" + DANGER[2:]),
            ("blob", b"\x80\x02" + DANGER),
            ("blob", DANGER[2:]),
            ("blob", b"X\xd0\x07\0\0" + b"a" * 2000 + b"0" + DANGER),
            ("a_bin", b'\x80\x02X\x10\0\0\0\0{"' + b"a" * 13 + b"0" + DANGER[2:]),
            ("a_bin", b'X\x08\0\0\0\0\0\0{"abc0' + DANGER[2:]),
            ("a_npz", zipped(**{"data/0": array("|O", DANGER)})),
            ("a_npy", array("|O", DANGER)),
            ("a_npy", array([("x", "<f4"), ("y", "O")], DANGER)),
            ("a_bin", zipped(data_pkl=DANGER)),
            ("a_bin", zipped(data_PKL=DANGER)),
            ("a_bin", zipped(readme=b"text", other_dat=DANGER)),
            ("a_npz", zipped(x_npy=array("|O", DANGER))),
        ],
    )
    def test_found(self, look, name, data):
        (found,) = look(**{name: data}).values()
        assert (True, []) == (found[0], found[2])
        assert b"posix\ngetcwd" in found[1]

    @pytest.mark.parametrize(
        ("name", "data"),
        [
            ("readme", b"continuous\nintegration\n"),
            ("requirements_txt", b"certifi\nidna\nclick\njinja2\n(see below)\n"),
            ("a_bin", zipped(config_json=b"{}")),
            ("a_npy", array("<f4", bytes(4))),
            ("a_npz", zipped(x_npy=array([("O", "<f4")], bytes(4)))),
            ("a_pt", b"version https://git-lfs.github.com/spec/v1\n"),
            ("a_bin", bytes(100)),
            ("notes", b"V" + b"long line " * 500),
            ("a_tar", bytes(257) + b"ustar" + bytes(250)),
            ("a_pkl", b""),
        ],
    )
    def test_none(self, look, name, data):
        assert {} == look(**{name: data})

    @pytest.mark.parametrize(
        ("expected", "name", "data"),
        [
            ("parse", "a_pt", bytes(100)),
            ("parse", "a_pkl", b"no pickle"),
            ("parse", "a_pkl", HARMLESS + b"\xffjunk"),
            ("parse", "a_pkl_zst", b"\x28\xb5\x2f\xfd" + bytes(20)),
            ("parse", "a_pt", zipped(inner_zip=zipped(data_pkl=DANGER))),
            ("parse", "a_bin", bytes(257) + b"ustar" + bytes(250)),
            ("truncated", "a_bin", b"X\0\0\x08\0" + b"a" * 600_000),
            ("parse", "a_pkl", b"cposix\ngetcwd\n(tR\xff"),
            ("parse", "a_nemo", bytes(257) + b"ustar" + bytes(250)),
            ("truncated", "a_pkl", b"\x80\x04\x8e" + struct.pack("<Q", 400_000) + bytes(400_000) + b"."),
            ("truncated", "a_pt", zipped(data_pkl=NOISE)),
            ("truncated", "a_joblib", zlib.compress(NOISE)),
            ("truncated", "a_pkl_gz", zlib.compress(DANGER, wbits=31) + b"more"),
        ],
    )
    def test_not_seen_whole(self, look, expected, name, data):
        ((_, _, faults),) = look(300_000, **{name: data}).values()
        assert [expected] == faults

    def test_only_which(self, look, local):
        found = look(
            contents=False, a_pkl=DANGER, b_pt=zipped(data_pkl=DANGER), c_npz=zipped(x_npy=array("<f4", b""))
        )
        assert {"a.pkl": (True, b"", []), "b.pt": (True, b"", [])} == found

    def test_little_of_a_large_file_is_moved(self, look, local, tmp_path):
        hole = 10 * 1024**3
        with (tmp_path / "large.pt").open("wb") as file:
            crc, size = zlib.crc32(DANGER), len(DANGER)
            names = (b"archive/data.pkl", b"archive/data/0")
            file.write(struct.pack("<4s5H3I2H", b"PK\3\4", 0, 0, 0, 0, 0, crc, size, size, len(names[0]), 0))
            file.write(names[0] + DANGER)
            at = file.tell()
            full = 0xFFFFFFFF
            file.write(
                struct.pack("<4s5H3I2H", b"PK\3\4", 0, 0, 0, 0, 0, 0, full, full, len(names[1]), 0) + names[1]
            )
            file.seek(hole, 1)
            start = file.tell()
            entry = "<4s6H3I5H2I"
            file.write(
                struct.pack(
                    entry, b"PK\1\2", 0, 0, 0, 0, 0, 0, crc, size, size, len(names[0]), 0, 0, 0, 0, 0, 0
                )
            )
            extra = struct.pack("<2H2Q", 1, 16, hole, hole)
            file.write(
                names[0]
                + struct.pack(
                    entry,
                    b"PK\1\2",
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    full,
                    full,
                    len(names[1]),
                    len(extra),
                    0,
                    0,
                    0,
                    0,
                    at,
                )
                + names[1]
                + extra
            )
            end = file.tell()
            file.write(struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, 2, 2, end - start, start))
            file.write(struct.pack("<4sIQI", b"PK\6\7", 0, end, 1))
            file.write(struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 2, 2, full, full, 0))
        assert {"large.pt": (True, DANGER, [])} == look()
        assert local.received < 200_000
