"""`stat` says of every file what `find -printf` says."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from pytest_aisec.facts.system.find_forms import (
    lacks_fstype,
    lacks_printf,
    lacks_z,
    mentions,
    without_fstype,
    without_printf,
)
from pytest_aisec.facts.system.listings import ENTRY_FORMAT

FORMATS = (ENTRY_FORMAT, r"%%s %%p\n\0", r"%%y %%s %%p\t%%l\n\0", r"f%%D:%%i %%s %%m %%u %%g\000%%p\000")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    top = tmp_path / "top"
    (top / "a b").mkdir(parents=True)
    (top / "a b/-n").write_text("x", encoding="utf-8")
    (top / "line\nbreak $(id) ' \" \\ %s").write_text("xy", encoding="utf-8")
    (top / "link").symlink_to("goal\twith\ttabs\n")
    (top / "pipe").touch()
    (top / "pipe").unlink()
    os.mkfifo(top / "pipe")
    (top / "a b/-n").chmod(0o4755)
    (top / "a b").chmod(0o1777)
    return top


def printed(arguments: str, top: Path, path: str) -> list[str]:
    done = subprocess.run(
        ["sh", "-c", f"find '{top}' " + arguments.replace("%%", "%")],
        capture_output=True,
        check=True,
        env={**os.environ, "PATH": path},
    )
    assert b"" == done.stderr
    return sorted(done.stdout.decode().split("\0"))


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("tools", ["own", "busybox"])
def test_stat_prints_what_find_would(tree: Path, tmp_path: Path, form: str, tools: str) -> None:
    path = os.environ["PATH"]
    if tools == "busybox":
        if (busybox := shutil.which("busybox")) is None:
            pytest.skip("no busybox")
        for tool in ("find", "stat", "readlink", "sh"):
            (tmp_path / "bin").mkdir(exist_ok=True)
            (tmp_path / "bin" / tool).symlink_to(busybox)
        path = str(tmp_path / "bin")
    question = f"\\( -type d -printf '{form}' \\) -o \\( ! -name x -printf '{form}' \\)"
    other = without_printf(question)
    assert other is not None
    assert "-printf" not in other
    assert printed(question, tree, os.environ["PATH"]) == printed(other, tree, path)


def test_a_format_that_stat_does_not_know_has_no_other_form() -> None:
    assert without_printf("-printf '%%d %%p\\n'") is None
    assert without_printf("-type f") is None


def test_only_a_find_without_printf_is_one() -> None:
    assert lacks_printf("find: unrecognized: -printf\nBusyBox v1.35.0 multi-call binary.\n")
    assert not lacks_printf("find: '/x/find: unrecognized: -printf': Permission denied\n")
    assert not lacks_printf("find: unrecognized: -xtype\n")


def run(script: str, *words: object, cwd: Path | None = None) -> str:
    command = ["sh", "-c", script.replace("%%", "%"), "sh", *map(str, words)]
    done = subprocess.run(
        command, capture_output=True, check=False, cwd=cwd, env={**os.environ, "LC_ALL": "C"}
    )
    assert b"" == done.stderr
    return done.stdout.decode()


@pytest.mark.parametrize(
    ("expected", "stderr"),
    [
        (True, "find: unrecognized: -fstype\n"),
        (True, "find: Cannot read mounted file system list\n"),
        (False, "find: unrecognized: -xtype\n"),
        (False, "find: '/srv/x -fstype': No such file or directory\n"),
    ],
)
def test_a_find_without_kinds_of_file_systems_is_known(expected, stderr):
    assert expected == lacks_fstype(stderr)


@pytest.mark.parametrize(
    ("expected", "stderr"),
    [(True, "grep: invalid option -- 'Z'\nBusyBox\n"), (False, "grep: /srv/Z: Permission denied\n")],
)
def test_a_grep_without_z_is_known(expected, stderr):
    assert expected == lacks_z(stderr)


@pytest.mark.skipif(not Path("/proc/self/mountinfo").exists(), reason="no /proc")
def test_mount_points_of_a_kind_are_left_out_and_no_others():
    begin = without_fstype(("proc",))
    pruned = run(begin + 'find /proc /etc -maxdepth 0 \\( "$@" \\) -prune -o -maxdepth 0 -print 2>/dev/null')
    assert "/etc\n" == pruned


@pytest.mark.skipif(not Path("/proc/self/mountinfo").exists(), reason="no /proc")
def test_where_nothing_is_of_a_kind_nothing_is_left_out():
    begin = without_fstype(("nothing",))
    assert "/etc\n" == run(begin + 'find /etc -maxdepth 0 \\( "$@" \\) -prune -o -maxdepth 0 -print')


def test_what_grep_ends_with_nul_is_printed_without_that_option(tmp_path: Path) -> None:
    (tmp_path / "a: b").write_text("x\nthe Word: here\n word\\n twice\n", encoding="utf-8")
    (tmp_path / "binary").write_bytes(b"\0word\n")
    (tmp_path / "none").write_text("nothing\n", encoding="utf-8")
    files = ("a: b", "binary", "none")
    with_z = run('grep -IHZin word -- "$@"', *files, cwd=tmp_path)
    assert 2 == with_z.count("\0")
    assert with_z == run(f"p=word; {mentions('in', of_text=True)}", *files, cwd=tmp_path)
    text = run(f"p=word; {mentions('ian', of_text=False)}", *files, cwd=tmp_path)
    assert {"a: b", "binary"} == {line.partition("\0")[0] for line in text.splitlines()}
