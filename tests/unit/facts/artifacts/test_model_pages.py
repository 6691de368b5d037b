import os
import shutil
from pathlib import Path

import pytest

from pytest_aisec.facts.artifacts import model_files as asking
from pytest_aisec.facts.artifacts import model_listing, model_pages
from pytest_aisec.facts.artifacts.beginnings import is_settled
from pytest_aisec.facts.artifacts.model_files import model_files
from pytest_aisec.facts.artifacts.pickles import pickles
from pytest_aisec.facts.artifacts.tars import is_tar
from tests.support.model_corpus import samples

CONTROL = {*range(9), *range(14, 32), 127}
PICTURE = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)) * 8
TAR = b"# a text".ljust(100) + b"0000644".ljust(48, b"\0") + b"0012345\0" + bytes(400)


@pytest.fixture
def pages(monkeypatch):
    """Make answers so short that a few hundred files fill several."""
    monkeypatch.setattr(asking, "MOST", 16384)
    monkeypatch.setattr(model_listing, "MOST", 16384)
    monkeypatch.setattr(model_pages, "_PAGE", 6_000)
    monkeypatch.setattr(model_pages, "_MOST_PAGES", 1000)


def plant(directory, count=40, every=0):
    contents = {}
    for number, sample in enumerate(samples()[::every] if every else ()):
        contents[f"d{number % 9}/{number}-{sample.name.replace('/', '-')}"] = sample.data
    for number in range(count):
        contents[f"t{number % 7}/n{number}.md"] = f"# Notes {number}\n".encode() * 30
        contents[f"t{number % 7}/n{number}.png"] = PICTURE
    contents |= {
        "a b/line\nbreak.txt": b"- text\n" * 100,
        "empty": b"",
        "hidden.md": b"# Text\n" * 200 + b"PK\5\6" + bytes(18),
        "logo.png": PICTURE + b"PK\5\6" + bytes(18),
        "old.md": TAR.replace(b"\0", b" ") + b"#" * 900,
        "key.pem": b"-----BEGIN PRIVATE KEY-----\n" + b"MIIE\n" * 400,
        "letter.asc": b"-----BEGIN PGP MESSAGE-----\n\n" + b"hQIM\n" * 400,
        "long.json": b'{"' + b"x" * 3000 + b'": 1}',
    }
    for name, data in contents.items():
        (directory / name).parent.mkdir(exist_ok=True)
        (directory / name).write_bytes(data)
    (directory / "link").symlink_to("a b")
    (directory / "out").symlink_to("/etc/hostname")


def test_pages_tell_what_one_listing_tells(local, tmp_path, request):
    plant(tmp_path, 150, every=11)
    at_once = model_files(local, [str(tmp_path)])
    request.getfixturevalue("pages")
    local.asked.clear()
    paged = model_files(local, [str(tmp_path)])
    assert 3 < sum("perl -e" in question and "maxdepth" not in question for question in local.asked)
    assert ((), ()) == (at_once.faults, paged.faults)
    settled = {file.path for file in paged.files if file.is_settled}
    for expected, found in zip(at_once.files, paged.files, strict=True):
        assert (expected.path, expected.identity, expected.size) == (found.path, found.identity, found.size)
        assert (expected.is_text, expected.owner, expected.mode) == (found.is_text, found.owner, found.mode)
        assert expected.head.startswith(found.head)
        assert expected.head == found.head or found.path in settled
    names = {os.path.relpath(path, tmp_path) for path in settled}
    assert {"t0/n0.md", "t0/n0.png", "a b/line\nbreak.txt", "link/line\nbreak.txt"} <= names
    assert not names & {"hidden.md", "logo.png", "old.md", "key.pem", "letter.asc", "out"}
    expected = {item.file.path: item.what for item in pickles(local, at_once.each, most=65536)}
    assert expected == {item.file.path: item.what for item in pickles(local, paged.each, most=65536)}
    assert 60 < len(expected)


@pytest.mark.parametrize("length", [1, 8, model_pages._BYTES, model_pages._LETTERS])
def test_no_beginning_of_a_file_with_a_pickle_settles_anything(length):
    for sample in samples():
        whole = sample.data[: model_listing.HEAD]
        seen_on_the_host = is_tar(whole) or b"PK\5\6" in sample.data
        if sample.is_dangerous and not seen_on_the_host:
            is_text = not CONTROL & set(whole)
            assert not is_settled(sample.data[:length], len(sample.data), is_text), sample.name


def test_what_is_behind_the_last_page_is_counted(local, tmp_path, monkeypatch, pages):
    plant(tmp_path)
    monkeypatch.setattr(model_pages, "_MOST_PAGES", 2)
    found = model_files(local, [str(tmp_path)])
    assert ["truncated"] == [fault.reason for fault in found.faults]
    total = sum(len(files) for _, _, files in os.walk(tmp_path)) - 1
    assert f" of {total} files were looked at, in 2 of " in found.faults[0].detail
    assert 0 < len(found.files) < total


def test_heads_that_are_not_asked_for_are_counted(local, tmp_path, monkeypatch, pages):
    plant(tmp_path)
    monkeypatch.setattr(model_pages, "_MOST_WHOLE", 1)
    found = model_files(local, [str(tmp_path)])
    assert ["truncated"] == [fault.reason for fault in found.faults]
    assert "files that were not looked into" in found.faults[0].detail
    assert all(file.head or not file.size for file in found.files)


def test_a_file_that_was_replaced_between_two_questions(local, tmp_path, monkeypatch, pages):
    plant(tmp_path)
    ask = type(local).run

    def run(host, command, *arguments):
        if "-maxdepth 0" in command:
            (tmp_path / "long.json").rename(tmp_path / "kept.json")
            (tmp_path / "long.json").write_bytes(b"cposix\nsystem\n.")
        return ask(host, command, *arguments)

    monkeypatch.setattr(type(local), "run", run)
    (tmp_path / "long.json").write_bytes(b"\0" * 2000)
    found = model_files(local, [str(tmp_path)])
    assert [f"{tmp_path}/long.json: was not there any more"] == [fault.detail for fault in found.faults]
    assert f"{tmp_path}/long.json" not in {file.path for file in found.files}


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("is_large", [True, False])
def test_a_directory_that_is_a_link_beside_one_that_takes_pages(local, tmp_path, pages, order, is_large):
    for name in ("many", "elsewhere"):
        (tmp_path / name).mkdir()
    plant(tmp_path / "many")
    if is_large:
        plant(tmp_path / "elsewhere", 30)
    (tmp_path / "elsewhere" / "model.pkl").write_bytes(b"cposix\ngetcwd\n)R.")
    (tmp_path / "elsewhere" / "back").symlink_to("../many")
    (tmp_path / "link").symlink_to("elsewhere")
    tops = [str(tmp_path / "many"), str(tmp_path / "link")][::order]
    found = model_files(local, tops)
    assert () == found.faults
    expected = set()
    for top in tops:
        for folder, _, names in os.walk(top):
            if "/out" not in folder:
                expected |= {f"{folder}/{name}" for name in names}
    seen = {file.path for file in found.files}
    assert {str(tmp_path / "link" / "model.pkl"), str(tmp_path / "many" / "logo.png")} <= seen
    assert not {path for path in expected - seen if not Path(path).is_symlink()}
    held = {item.file.path: item.what for item in pickles(local, found.each, most=65536)}
    assert "pickle" == held[str(tmp_path / "link" / "model.pkl")]


def test_without_perl_what_is_cut_stays_cut(local, tmp_path, monkeypatch, pages):
    plant(tmp_path)
    tools = tmp_path.parent / f"{tmp_path.name}-tools"
    tools.mkdir()
    for tool in ("sh", "find", "stat", "od", "head", "readlink", "tail", "grep"):
        (tools / tool).symlink_to(shutil.which(tool))
    monkeypatch.setenv("PATH", str(tools))
    found = model_files(local, [str(tmp_path)])
    assert "truncated" == found.faults[0].reason
    assert found.files


def test_no_credential_is_cut_in_two(local, tmp_path, pages):
    plant(tmp_path)
    token = "hf_" + "a" * 34
    (tmp_path / "one.md").write_text("#" * 180 + " " + token + "\n" + "more\n" * 500)
    (tmp_path / "two.md").write_text("#" * 170 + token + "\n" + "more\n" * 500)
    model_files(local, [str(tmp_path)])
    said = "".join(local.run(question).stdout for question in [*local.asked] if "% $n == $m" in question)
    assert "# Notes 1\n" in said
    assert "hf_aa" not in said


@pytest.mark.parametrize(
    ("expected", "stdout", "stderr"),
    [
        ("truncated", "", ""),
        ("truncated", "p/m/\0f1:1 3 644 root root\0a\0b\x0001 02 03\0", ""),
        ("privilege", "", "find: '/m': Permission denied"),
    ],
)
def test_a_page_without_an_end(reason, expected, stdout, stderr):
    assert expected == reason(model_pages.read_page, stdout, stderr)


@pytest.mark.parametrize(
    ("expected", "record"),
    [
        ("parse", "f1:1 900 644 root root\0a\0X\x0001\0"),
        ("parse", "fwhat\0a\0b\x0001\0"),
        ("parse", "f1:1 900 644 root root\0«redacted:huggingface:01234567»\0B\x0001\0"),
        ("parse", "l«redacted:huggingface:01234567»\0b\0"),
        ("parse", "junk\0"),
        ("unreadable", "f1:1 900 644 root root\0a\0b\x0001\0"),
        ("unreadable", "f1:1 900 644 root root\0a\0B\0\0"),
        ("privilege", "f1:1 900 644 root root\0a\0d\0\0"),
    ],
)
def test_a_record_that_is_none(expected, record):
    found = model_pages.read_page(f"p/m/\0{record}e0\0", "")
    assert ([expected], ()) == ([fault.reason for fault in found.faults], found.files)


@pytest.mark.parametrize("said", ["", "1 2", "x 2 e0\0", "1 2 e0\0more"])
def test_a_count_that_is_none(said, reason):
    assert "parse" == reason(model_pages.read_count, said)


def test_a_text_that_begins_with_what_was_redacted_costs_its_page_nothing():
    """Before: it broke off the reading of the whole page, and the control was an error."""
    mark = "«redacted:token:00000000»"
    first = f"f1:2 1000 644 0 0\0a.txt\0T\0{mark} x.\0"
    second = "f1:3 5 644 0 0\0b.txt\0t\0hello.\0"
    page = model_pages.read_page(f"p/srv/\0{first}{second}e0\0", "")
    assert [("/srv/a.txt", False), ("/srv/b.txt", False)] == [
        (file.path, file.is_settled) for file in page.files
    ]
    assert page.files[0].head == b""  # so that its whole head is asked for
    assert page.faults == ()
