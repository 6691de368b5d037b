import bz2
import collections
import io
import lzma
import os
import pickle
import random
import struct
import tarfile
import zipfile
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aisec.facts.artifacts.model_files import model_files
from pytest_aisec.facts.artifacts.pickle_walk import loads, walk
from pytest_aisec.facts.artifacts.pickles import pickles

NOISE = random.Random(0).randbytes(400_000)
HARMLESS = pickle.dumps({"a": [1, 2.0, b"x"]})
DANGER = b"\x80\x02cposix\ngetcwd\nq\x00)R."
LEGACY = b"".join(pickle.dumps(part, 2) for part in (0x1950A86A20F9469CFC6C, 1001, {}, {"w": 1}, ["0"]))


class Calls:
    def __reduce__(self):
        return (os.getcwd, ())


def states(data, size):
    return [one.state for one in loads(data, size=size)]


class TestLoads:
    def test_all_of_them(self):
        found = loads(HARMLESS + DANGER, size=len(HARMLESS + DANGER))
        assert [(0, len(HARMLESS)), (len(HARMLESS), len(HARMLESS + DANGER))] == [
            (w.start, w.end) for w in found
        ]

    def test_five_of_the_old_format(self):
        data = LEGACY + bytes(range(256))
        assert ["stop"] * 5 == states(data, len(data)) == states(data, None)

    @pytest.mark.parametrize(
        ("expected", "data", "whole"),
        [
            (["stop", "broken"], HARMLESS + b"\xff\xff", True),
            (["broken"], HARMLESS[:-1], True),
            (["open"], HARMLESS[:-1], False),
            (["stop", "open"], HARMLESS, False),
            (["open"], b"\x80\x04\x8e" + struct.pack("<Q", 1 << 40), False),
            (["broken"], b"\x80\x04\xff", False),
            (["stop"] * 4 + ["broken"], LEGACY[:-14] + b"\xff", True),
        ],
    )
    def test_not_whole(self, expected, data, whole):
        assert expected == states(data, len(data) if whole else None)


class TestRuns:
    @pytest.mark.parametrize(
        "data",
        [
            DANGER,
            DANGER[2:],
            b"(iposix\ngetcwd\n.",
            b"cposix\ngetcwd\n(tR\xff",
            b"cposix\ngetcwd\n.",
            b"iposix\ngetcwd\n",
        ],
    )
    def test_yes(self, data):
        assert walk(data, size=len(data)).runs

    @pytest.mark.parametrize("data", [b"", HARMLESS, b"certifi\nidna\nclick\n", b"# text", b"X\xff\0\0\0"])
    def test_no(self, data):
        assert not walk(data, size=len(data)).runs

    @pytest.mark.parametrize("data", [b"", HARMLESS[:-1], b"Vtext", b"X\xff\0\0\0"])
    def test_not_decided(self, data):
        assert "open" == walk(data, size=None).state

    @pytest.mark.parametrize(
        "data",
        [
            b"I0x10\n0" + DANGER[2:],
            b"I010\n0" + DANGER[2:],
            b"L1_0\n0" + DANGER[2:],
            b"F1.0\0x\n0" + DANGER[2:],
            b"S'\xc3\xa9'\n0" + DANGER[2:],
            b"c\xc3\xa9\nx\n)R.",
            b"I1\np01\n0" + DANGER[2:],
            b"\x80\x04\x95\xff\0\0\0\0\0\0\0" + DANGER[2:],
            b"\x80\x04\x95\x05\0\0\0\0\0\0\0N.N..",
            b"\x80\x04\x95\x02\0\0\0\0\0\0\0B\x07\x01\0\0" + bytes(300),
            b"ccollections\nOrderedDict\n}b.",
        ],
    )
    def test_what_cpython_never_writes(self, data):
        found = walk(data, size=len(data))
        assert (True, True) == (found.runs or found.is_marked, bool(found.odd))

    @pytest.mark.parametrize("protocol", range(6))
    def test_nothing_that_cpython_writes_is_odd(self, protocol):
        thing = ["é\n", 1.5, -1e300, float("inf"), 1 << 80, -3, True, b"\xff" * 70_000, {"a": {1}}, "\\u0041"]
        found = walk(data := pickle.dumps([thing, Calls()], protocol), size=len(data))
        assert ("stop", (), ()) == (found.state, found.odd, found.unknown)


class TestImports:
    @pytest.mark.parametrize("protocol", range(6))
    def test_as_python_writes_them(self, protocol):
        data = pickle.dumps([Calls(), Calls(), collections.OrderedDict()], protocol)
        found = walk(data, size=len(data))
        assert {("posix", "getcwd"), ("collections", "OrderedDict")} == found.names
        assert () == found.unknown

    @pytest.mark.parametrize(
        "data",
        [
            b"\x80\x04Pname\n\x8c\x06getcwd\x93.",
            b"\x80\x04U\x01\xff\x8c\x06getcwd\x93.",
            b"\x80\x02\x82\x01.",
            b"ctorch.storage\n_load_from_bytes\n(NtR.",
        ],
    )
    def test_what_does_not_show(self, data):
        assert walk(data, size=len(data)).unknown

    @pytest.mark.parametrize(
        "data",
        [
            b"\x80\x04\x8c\x05posix\x94\x8c\x06getcwd\x9400h\x00h\x01\x93)R.",
            b"\x80\x04\x8c\x04mathq\x00\x8c\x05posixq\x0000h\x00\x8c\x06getcwd\x93)R.",
            b"\x80\x04\x8c\x05posix(0\x8c\x06getcwd\x93.",
            b"Vposix\n2V\n00Vgetcwd\n\x93)R.",
        ],
    )
    def test_from_the_real_stack(self, data):
        assert {("posix", "getcwd")} == walk(data, size=len(data)).names

    @given(st.binary(max_size=100))
    def test_any_bytes(self, data):
        assert loads(data, size=len(data))


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


def tarred(**members):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in members.items():
            about = tarfile.TarInfo(name.replace("_", "."))
            about.size = len(data)
            archive.addfile(about, io.BytesIO(data))
    return buffer.getvalue()


def array(kind, body, *, filler=0):
    header = f"{{'descr': {kind!r}, 'fortran_order': False, 'shape': (1,), }}".encode() + b" " * filler
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
            *(
                ("a_npy", array(kind, DANGER))
                for kind in ("object", "object_", "O8", ("O", (2,)), [("x", ("|O", (1,)))])
            ),
            ("a_npy", array("<f4", bytes(4) + array("|O", DANGER))),
            ("a_bin", array("|O", DANGER, filler=2000)),
            ("a_pth_tar", tarred(pickle=DANGER)),
            ("a_nemo", tarred(config_yaml=b"a: 1", model_ckpt=zipped(data_pkl=DANGER))),
            ("a_tar_gz", zlib.compress(tarred(a_pkl=DANGER), wbits=31)),
            ("a_pt2", zipped(inner_pt=zipped(data_pkl=DANGER))),
            ("a_sav", zlib.compress(DANGER)),
            ("blob", bz2.compress(DANGER)),
            ("blob", lzma.compress(DANGER)),
            ("blob", lzma.compress(DANGER, format=lzma.FORMAT_ALONE)),
            ("blob", zlib.compress(DANGER[:5], wbits=31) + zlib.compress(DANGER[5:], wbits=31)),
            ("blob", b"ZF" + hex(len(DANGER)).encode().ljust(19) + zlib.compress(DANGER)),
            ("blob", b"ZF" + hex(len(DANGER)).encode().ljust(20) + zlib.compress(DANGER)),
            ("logo_png", b"V" + b"a" * 1200 + b"\n0" + DANGER[2:]),
            (
                "a_pkl",
                b"\x80\x02ctorch.storage\n_load_from_bytes\nB"
                + struct.pack("<I", len(DANGER))
                + DANGER
                + b"\x85R.",
            ),
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
            ("notes", b"V" + b"long line " * 500),
            ("a_tar", tarred(readme=b"text")),
            ("a_tar_gz", zlib.compress(tarred(readme=b"text", x_npy=array("<f4", bytes(4))), wbits=31)),
            ("a_bin", zipped(inner_zip=zipped(readme=b"text"))),
            ("a_pkl", b""),
            ("a_pkl", b"a text under the name of a pickle"),
            ("x", b"x^2 + y^2, which begins as zlib does"),
        ],
    )
    def test_none(self, look, name, data):
        assert {} == look(**{name: data})

    @pytest.mark.parametrize(
        ("expected", "name", "data"),
        [
            ("unreadable", "a_pt", bytes(100)),
            ("unreadable", "a_bin", bytes(257) + b"ustar" + bytes(250)),
            ("unreadable", "blob", NOISE),
            ("unreadable", "a_pkl_gz", zlib.compress(NOISE[:5000], wbits=31)),
            ("parse", "a_pkl", HARMLESS + b"\xffjunk"),
            ("parse", "a_pkl", b"cposix\ngetcwd\n(tR\xff"),
            ("parse", "a_pkl_zst", b"\x28\xb5\x2f\xfd" + bytes(20)),
            ("parse", "blob", b"\x04\x22\x4d\x18" + bytes(20)),
            ("parse", "blob", b"7z\xbc\xaf\x27\x1c" + bytes(20)),
            ("parse", "blob", b"Rar!\x1a\x07\x01\0" + bytes(20)),
            ("parse", "a_tar", tarred(readme=b"text")[:1100]),
            ("parse", "a_tar", tarred(readme=b"text") + tarred(data_pkl=DANGER)),
            ("parse", "a_npy", array("nonsense", DANGER)),
            ("parse", "a_npy", array(("i4", "O"), DANGER)),
            ("parse", "a_npy", array([("a", "i4", "O")], DANGER)),
            ("truncated", "a_bin", b"X\0\0\x08\0" + b"a" * 600_000),
            ("truncated", "a_pkl", b"\x80\x04\x8e" + struct.pack("<Q", 400_000) + bytes(400_000) + b"."),
            (
                "truncated",
                "a_pt",
                zipped(data_pkl=b"\x80\x04\x8e" + struct.pack("<Q", 400_000) + NOISE + b"."),
            ),
            ("truncated", "a_joblib", zlib.compress(b"X\x80\x1a\6\0" + NOISE + b".")),
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
