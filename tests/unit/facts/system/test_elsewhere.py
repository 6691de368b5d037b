import shlex
import subprocess
from types import SimpleNamespace

import pytest

from pytest_aisec.facts.system.elsewhere import elsewhere, read_search
from pytest_aisec.observe.faults import Unobservable

SCRIPT = "# /// script\n# dependencies = [\n#   'torch>=2',\n# ]\n# ///\n"


class Played:
    """Runs the search of the whole host below one directory."""

    def __init__(self, top):
        self.top = top

    def run(self, command, *arguments):
        text = command % tuple(map(shlex.quote, arguments)) if arguments else command
        assert "find / " in text
        done = subprocess.run(
            ["sh", "-c", text.replace("find / ", f"find {self.top} ")],
            capture_output=True,
            text=True,
            check=True,
        )
        return SimpleNamespace(stdout=done.stdout)


@pytest.mark.parametrize(
    ("kind", "name", "text"),
    [
        ("weights", "m/model.safetensors", "x"),
        ("weights", "m/pytorch_model-00001-of-00002.bin", "x"),
        ("weights", "m/best.pth", "x" * 20_000),
        ("data", "d/train-0.parquet", "x"),
        ("data", "d/train/a.jsonl", "x"),
        ("environments", "v/pyvenv.cfg", "home = /usr/bin\n"),
        ("environments", "c/lib/python3.11/site-packages/a.py", ""),
        ("projects", "p/requirements.txt", "torch>=2\n"),
        ("projects", "p/setup.py", "setup(install_requires=['torch'])\n"),
        ("projects", "p/setup.cfg", "[options]\ninstall_requires =\n    torch>=2\n"),
        ("projects", "p/pixi.toml", '[dependencies]\npytorch = "*"\n'),
        ("projects", "p/pyproject.toml", '[project]\ndependencies = ["transformers[torch]>=4"]\n'),
        ("projects", "p/environment.yml", "dependencies:\n  - pytorch=2.5\n"),
        ("projects", "p/Dockerfile", "FROM x\nRUN pip install --no-cache-dir vllm\n"),
        ("projects", "p/n.ipynb", '{"cells": [{"source": ["import torch\\n"]}]}'),
        ("projects", "p/s.py", SCRIPT),
    ],
)
def test_what_lies_elsewhere_is_named(tmp_path, kind, name, text):
    path = tmp_path / name
    path.parent.mkdir(parents=True)
    path.write_text(text)
    found, _ = elsewhere(Played(tmp_path), kind, "some_dirs", ["/srv"])
    assert f"{tmp_path / name.split('/')[0]}" in found
    assert found.endswith("declare it (some_dirs)")
    if "site-packages" not in name:
        assert "" == elsewhere(Played(tmp_path), kind, "some_dirs", [str(tmp_path)])[0]


@pytest.mark.parametrize(
    ("kind", "name", "text"),
    [
        ("weights", "a/distutils-precedence.pth", "import os\n"),
        ("weights", "a/notes.txt", "x"),
        ("data", "log/requests.jsonl", "x"),
        ("projects", "p/requirements.txt", "flask\n"),
        ("projects", "p/s.py", "import torch\n"),
        ("projects", "p/.git/requirements.txt", "torch\n"),
    ],
)
def test_what_is_nothing_of_the_kind_is_not(tmp_path, kind, name, text):
    path = tmp_path / name
    path.parent.mkdir(parents=True)
    path.write_text(text)
    found, extent = elsewhere(Played(tmp_path), kind, "some_dirs", ["/srv"])
    assert "" == found
    assert "6 levels deep" in extent


def test_how_a_search_ends():
    assert (["/a"], True) == read_search("/a\n=1\n")
    assert (["/a"], False) == read_search("/a\n=124\n")
    assert (["/a", "/b"], False) == read_search("/a\n/b\n")
    for text, reason in (("", "unreadable"), ("=127\n", "tool_missing"), ("oops\n", "unreadable")):
        with pytest.raises(Unobservable, match=reason):
            read_search(text)
