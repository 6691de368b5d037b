import os
import shutil
from dataclasses import replace

import pytest

from pytest_aisec.facts.artifacts.digests import samples, sha256
from pytest_aisec.facts.artifacts.model_files import model_files, read_range
from pytest_aisec.facts.artifacts.model_listing import MOST, ModelFiles, read_listing

STAT = "64512:12 6 640 root root"


def record(path="/m/a", kind="b", data=b"\x80\x02}q\x00.", stat=STAT):
    text = data.decode() + "." if kind == "t" else data.hex(" ")
    return f"f{stat}\0{path}\0h{path}\0{kind}\0{text}\0"


def reasons(found):
    return [fault.reason for fault in found.faults]


class TestListing:
    def test_files(self):
        found = read_listing(
            "d0 directory\0/m\0" + record() + record("/m/b", "t", b"abcdef") + "e0\0", "", ["/m"]
        )
        assert [("/m/a", "pickle", 6), ("/m/b", "text", 6)] == [(f.path, f.kind, f.size) for f in found.files]
        assert [] == reasons(found)

    def test_two_names_of_one_file(self):
        found = read_listing("d0 directory\0/m\0" + record("/m/b") + record("/m/a") + "e0\0", "", ["/m"])
        each = ModelFiles(files=found.files, absent=(), faults=()).each
        assert ["/m/a"] == [file.path for file in each]

    def test_absence_is_proved(self):
        found = read_listing(
            "d1 stat: cannot statx '/m': No such file or directory\0\0e1\0",
            "find: '/m': No such file or directory",
            ["/m"],
        )
        assert ([True], []) == ([top.is_absent for top in found.tops], reasons(found))

    @pytest.mark.parametrize(
        ("expected", "stdout", "stderr"),
        [
            (
                ["privilege", "privilege"],
                "d1 stat: cannot statx '/m': Permission denied\0\0e1\0",
                "find: '/m': Permission denied",
            ),
            (["privilege"], "d0 directory\0/m\0e1\0", "find: '/m/x': Permission denied"),
            (["privilege"], "d0 directory\0/m\0" + record(kind="d", data=b"") + "e0\0", ""),
            (
                ["unreadable"],
                "d0 directory\0/m\0" + record() + "e0\0",
                "od: /m/a: read error: Input/output error",
            ),
            (["parse"], "d0 directory\0/m\0" + record(stat="") + "e0\0", ""),
            (["parse"], "d0 directory\0/m\0" + record(kind="x") + "e0\0", ""),
            (
                ["parse", "unreadable"],
                "d0 directory\0/m\0" + record().replace(STAT + "\0/m/a", STAT + "\0/m/b") + "e0\0",
                "",
            ),
            (["unreadable"], "d0 directory\0/m\0" + record(stat="1:1 99 640 root root") + "e0\0", ""),
            (["unreadable"], "d0 directory\0/m\0e1\0", ""),
            (["tool_missing"], "d0 directory\0/m\0e1\0", "find: unrecognized: -L"),
            (["parse"], "d0 directory\0/m\0" + record("/m/«redacted:huggingface:01234567»") + "e0\0", ""),
            (["parse"], f"d0 directory\0/m\0f{STAT}\0/m/a\0h/m/a\0b\0 no hex\0e0\0", ""),
            ([], "d0 directory\0/m\0e1\0", "find: '/m/l': No such file or directory"),
        ],
    )
    def test_not_whole(self, expected, stdout, stderr):
        assert expected == reasons(read_listing(stdout, stderr, ["/m"]))

    @pytest.mark.parametrize(
        ("expected", "stdout", "stderr"),
        [
            ("unreadable", "", ""),
            ("tool_missing", "", "sh: 1: find: not found"),
            ("tool_missing", "d0 directory\0/m\0e127\0", ""),
            ("parse", "d0 directory\0/m\0f«redacted:private-key:01234567»", ""),
        ],
    )
    def test_no_answer(self, reason, expected, stdout, stderr):
        assert expected == reason(read_listing, stdout, stderr, ["/m"])

    def test_cut(self):
        text = "d0 directory\0/m\0" + record() + "f" + "x" * MOST
        found = read_listing(text, "", ["/m"])
        assert (["truncated"], 1) == (reasons(found), len(found.files))


class TestOnThisMachine:
    def test_kinds(self, local, tmp_path):
        contents = {
            "a b.pt": b"PK\x03\x04" + bytes(100),
            "line\nbreak": b"GGUF" + bytes(100),
            "-n": b"\x02\0\0\0\0\0\0\0{}",
            "text": "naïve text\n\n".encode(),
            "none": b"",
            "long": b"x" * 2000 + b"\0",
        }
        for name, data in contents.items():
            (tmp_path / name).write_bytes(data)
        (tmp_path / "loop").symlink_to(tmp_path)
        (tmp_path / "dangling").symlink_to("nowhere")
        found = model_files(local, [str(tmp_path), str(tmp_path / "gone")])
        assert {
            "a b.pt": "zip",
            "line\nbreak": "gguf",
            "-n": "safetensors",
            "text": "text",
            "none": "empty",
            "long": "text",
        } == {os.path.relpath(file.path, tmp_path): file.kind for file in found.files}
        assert ((str(tmp_path / "gone"),), ()) == (found.absent, found.faults)
        texts = {file.name: file.head for file in found.files if file.kind == "text"}
        assert contents["text"] == texts["text"]

    def test_credentials_in_text_are_printed_as_text(self, local, tmp_path):
        (tmp_path / "token").write_text("HF_TOKEN=hf_" + "a" * 34)
        model_files(local, [str(tmp_path)])
        answer = local.run(local.asked[-1])
        assert "hf_aaaa" in answer.stdout  # where the redactor sees it, unlike in base64

    def test_private_keys_are_not_printed(self, local, tmp_path):
        (tmp_path / "key.pem").write_text("-----BEGIN PRIVATE KEY-----\n" + "MIIE\n" * 400)
        (tmp_path / "z").write_bytes(b"\x80\x02}q\0.")
        found = model_files(local, [str(tmp_path)])
        assert [("key.pem", "text"), ("z", "pickle")] == [(file.name, file.kind) for file in found.files]
        assert "MIIE" not in local.run(local.asked[-1]).stdout

    def test_without_perl_the_same(self, local, tmp_path, monkeypatch):
        heads = [
            b"text",
            b"",
            bytes(range(256)),
            b"\x80\xff",
            b"\x1b[0m",
            b"a\n\n",
            b"\x7f",
            b"-----BEGIN PRIVATE KEY-----\nx",
            b"\x89PNG" + bytes(1000) + b"PK\5\6" + bytes(18),
        ]
        for number, head in enumerate(heads * 2):
            (tmp_path / f"m{number}").write_bytes(head + (b"x" * 2000 if number >= len(heads) else b""))
        tools = tmp_path.parent / f"{tmp_path.name}-tools"
        tools.mkdir()
        for tool in ("sh", "find", "stat", "od", "head", "readlink", "tail", "grep"):
            (tools / tool).symlink_to(shutil.which(tool))
        quick = model_files(local, [str(tmp_path)])
        monkeypatch.setenv("PATH", str(tools))
        assert quick == model_files(local, [str(tmp_path)])
        assert 2 == sum(file.ends_as_zip for file in quick.files)
        assert [*sorted(file.head[:4] for file in quick.files)] == sorted(
            (head + b"x" * 2000 * is_long)[:4] for is_long in (0, 1) for head in heads
        )

    def test_a_file_that_is_listed_and_not_shown(self):
        found = read_listing(f"d0 directory\0/m\0f{STAT}\0/m/a\0e0\0", "", ["/m"])
        assert ["unreadable"] == reasons(found)

    def test_ranges(self, local, tmp_path, reason):
        (tmp_path / "it's").write_bytes(bytes(range(256)) * 300)
        (file,) = model_files(local, [str(tmp_path)]).files
        assert bytes(range(256))[10:200] == read_range(local, file, 2570, 190)
        assert "unreadable" == reason(read_range, local, file, 256 * 300 - 5, 6)
        gone = replace(file, place=str(tmp_path / "gone"))
        assert "unreadable" == reason(read_range, local, gone, 0, 1)

    def test_of_a_file_that_took_the_place_of_another_nothing_is_read(self, local, tmp_path, reason):
        (tmp_path / "secret").write_bytes(b"secret")
        (tmp_path / "m").mkdir()
        (tmp_path / "m" / "a").write_bytes(bytes(10))
        (file,) = model_files(local, [str(tmp_path / "m")]).files
        (tmp_path / "m" / "a").unlink()
        (tmp_path / "m" / "a").symlink_to(tmp_path / "secret")
        assert "unreadable" == reason(read_range, local, file, 0, 6)

    def test_digests(self, local, tmp_path):
        (tmp_path / "a\\b").write_bytes(b"x\0")
        (tmp_path / "c").write_bytes(b"")
        files = model_files(local, [str(tmp_path)]).files
        digests = sha256(local, files)
        assert ["14f8", "e3b0"] == [digests[file.path][:4] for file in files]

    def test_samples(self, local, tmp_path):
        data = bytearray(os.urandom(1_000_000))
        for name in ("a", "b", "c"):
            (tmp_path / name).write_bytes(data)
            data[400_100] ^= name == "b"
        files = model_files(local, [str(tmp_path)]).files
        found = [samples(local, files)[file.path] for file in files]
        assert found[0] == found[1] != found[2]
