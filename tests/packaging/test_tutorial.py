"""What `docs/writing-controls.md` has people type works as it stands there, from an empty directory."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.packages import ROOT, install

pytestmark = pytest.mark.slow
PAGE = ROOT / "docs/writing-controls.md"
BEGIN, END = "## Ten minutes", "## The decorator"
_BLOCK = re.compile(
    r"(?:^`(?P<path>[^`\n]+)`:\n\n)?^```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
_VARIES = (
    (re.compile(r" *\d+\.\d+ ?s\b"), " TIME"),
    (re.compile(r"\d{8}T\d{6}Z"), "START"),
    (re.compile(r"=+ (.*) =+"), r"= \1 ="),
    (re.compile(r" +$", re.MULTILINE), ""),
)


@dataclass(frozen=True)
class Step:
    """A file to write, or a command to type with what it then prints."""

    path: str
    text: str
    command: str = ""


def steps(text: str) -> Iterator[Step]:
    for block in _BLOCK.finditer(text[text.index(BEGIN) : text.index(END)]):
        if block["path"]:
            yield Step(block["path"], block["text"])
        elif block["kind"] == "console":
            for part in re.split(r"^\$ ", block["text"], flags=re.MULTILINE)[1:]:
                command, _, output = part.partition("\n")
                yield Step("", output, command)


def plain(text: str) -> str:
    for pattern, instead in _VARIES:
        text = pattern.sub(instead, text)
    return text.strip()


def matches(shown: str, printed: str) -> bool:
    """Tell whether the output is what the page shows, where a line of three dots stands for any lines."""
    parts = [re.escape(part.strip("\n")) for part in re.split(r"^\.\.\.$", plain(shown), flags=re.MULTILINE)]
    return re.fullmatch("(?s:.*)".join(parts), plain(printed)) is not None


@pytest.fixture
def checkpoints() -> Iterator[Path]:
    """The one directory outside of the empty one that the page makes."""
    path = Path("/tmp/checkpoints")
    if path.exists():
        pytest.skip(f"{path} is there")
    yield path
    shutil.rmtree(path, ignore_errors=True)


def test_the_tutorial_does_what_it_shows(
    built, lab_debian_podman, tmp_path, checkpoints, monkeypatch
) -> None:
    programs = install(tmp_path / "venv", [next(built.glob("*.whl"))])
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in [name for name in os.environ if name.startswith(("PYTEST_", "GITHUB_"))]:
        monkeypatch.delenv(name)
    found = list(steps(PAGE.read_text(encoding="utf-8")))
    for step in found:
        if step.path:
            (empty / step.path).parent.mkdir(parents=True, exist_ok=True)
            (empty / step.path).write_text(step.text, encoding="utf-8")
            continue
        command = re.sub(r"^pytest\b", "python -m pytest", step.command)  # the script is in our environment
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=empty,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        assert matches(step.text, done.stdout), (
            f"$ {step.command}\n{done.stdout}\n--- the page shows ---\n{step.text}"
        )
    assert "aisec test pack --recorded" == found[-1].command
    assert "4 scenarios proved" in found[-1].text
