"""What shells are told of commands, options, profiles and controls."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pytest_aisec.catalog.content import content_roots
from pytest_aisec.catalog.load import control_files, control_ids, read_controls
from pytest_aisec.cli import completion


def completed(shell: str, *words: str, monkeypatch: pytest.MonkeyPatch, typed: Any) -> list[str]:
    """Return what a shell is told of the last of `words`."""
    monkeypatch.setenv("_AISEC_COMPLETE", f"{shell}_complete")
    monkeypatch.setenv("COMP_WORDS", " ".join(["aisec", *words]))
    monkeypatch.setenv("COMP_CWORD", words[-1] if shell == "fish" else str(len(words)))
    done = typed()
    assert (0, "") == (done.returncode, done.stderr)
    lines = done.stdout.rstrip("\n").split("\n")
    if shell == "zsh":
        return lines[1::3]
    return [line.partition(",")[2].partition("\t")[0] for line in lines if line]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["verif"], ["verify"]),
        (["run", "linux"], ["linux-base"]),
        (["explain", "AISEC-ART-03"], ["AISEC-ART-03"]),
        (["waive", "AISEC-CTR-0"], [f"AISEC-CTR-0{number}" for number in range(1, 10)]),
        (["verify", "--qu"], ["--quiet"]),
        (["run", "linux-base", "--aisec-wai"], ["--aisec-waivers"]),
        (["run", "linux-base", "--host"], ["--hosts"]),
        (["schema", "prof"], ["profile"]),
    ],
)
def test_zsh_and_fish_are_told_what_there_is(
    typed: Any, monkeypatch: pytest.MonkeyPatch, shell: str, words: list[str], expected: list[str]
) -> None:
    assert expected == completed(shell, *words, monkeypatch=monkeypatch, typed=typed)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_script(typed: Any, monkeypatch: pytest.MonkeyPatch, shell: str) -> None:
    monkeypatch.setenv("_AISEC_COMPLETE", f"{shell}_source")
    done = typed()
    assert (0, True) == (done.returncode, f"_AISEC_COMPLETE={shell}_complete" in done.stdout)


def test_controls_of_one_s_own_are_completed_without_being_executed(
    typed: Any, monkeypatch: pytest.MonkeyPatch, content: Any
) -> None:
    content.control("ACME-ART-01")
    content.file("test_bad.py", 'raise SystemExit(9)\n\n\n@control(\n    "ACME-ART-02",\n')
    words = ["explain", "--path", str(content.path), "ACME-"]
    found = completed("zsh", *words, monkeypatch=monkeypatch, typed=typed)
    assert ["ACME-ART-01", "ACME-ART-02"] == found
    words[2] = "/no/such/directory"
    assert [] == [*filter(None, completed("zsh", *words, monkeypatch=monkeypatch, typed=typed))]


def test_all_our_controls_are_completed() -> None:
    roots = content_roots([])
    assert sorted(read_controls(control_files(roots))[0]) == control_ids(roots)


def test_the_options_of_testinfra_that_are_completed_exist(pytestconfig: pytest.Config) -> None:
    for name in completion.pytest_options():
        assert pytestconfig.getoption(name, default="absent") != "absent", name


def test_bash_completes_what_is_typed(tmp_path: Path) -> None:
    program = tmp_path / "bin" / "aisec"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m pytest_aisec.cli "$@"\n')
    program.chmod(0o755)
    asked = """
eval "$(_AISEC_COMPLETE=bash_source aisec)"
ask() {
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
    _aisec_completion aisec
    echo "${COMPREPLY[*]}"
}
complete -p aisec
ask aisec waiv
ask aisec run linux-b
ask aisec explain AISEC-ART-0
"""
    done = subprocess.run(
        ["bash", "--norc", "-c", asked],
        env={**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    declared, *found = done.stdout.splitlines()
    assert "-F _aisec_completion aisec" in declared, done.stderr
    assert ["waive waivers", "linux-base"] == found[:2]
    assert "AISEC-ART-03" in found[2].split()
