"""`stat` says of every file what `find -printf` says."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from pytest_aisec.facts.system.find_forms import lacks_printf, without_printf
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
