"""Scripts of scenarios and what stands before them: libraries of shell functions, and their order."""

import subprocess
from pathlib import Path

import pytest

from pytest_aisec.testing.scenarios import WAITING, Scenario, find, read

DIRECTORY = Path(__file__).parents[2] / "scenarios"
LIBRARIES = sorted((DIRECTORY / "lib").glob("*.sh"))


def scenario(tmp_path, header: str, name: str = "state.pass.sh") -> Scenario:
    path = tmp_path / "EX-CKP-01" / name
    path.parent.mkdir()
    path.write_text(f"#!/bin/sh\n# A state.\n{header}\ntrue\n", encoding="utf-8")
    if not (tmp_path / "lib").exists():
        (tmp_path / "lib").symlink_to(DIRECTORY / "lib")
    return read(path)


def test_a_script_ends_with_the_first_command_that_fails(tmp_path) -> None:
    assert scenario(tmp_path, "# as: auditor").script.startswith("set -e\n")


def test_libraries_stand_before_the_script_in_the_order_of_its_header(tmp_path) -> None:
    found = scenario(tmp_path, "# lib: proxy double")
    assert [path.name for path in found.libraries] == ["proxy.sh", "double.sh"]
    places = [
        found.script.index(word) for word in ("\nwait_for() {", "\nproxy() {", "\ndouble() {", "\ntrue")
    ]
    assert places == sorted(places)


def test_a_library_that_is_not_there_is_named_with_the_script_and_those_that_are(tmp_path) -> None:
    with pytest.raises(
        ValueError, match=r"state\.pass\.sh: 'prox' is not in lib/; known: access_log, .*proxy"
    ):
        scenario(tmp_path, "# lib: double prox")


def test_every_library_is_used() -> None:
    used = {path for item in find(DIRECTORY) for path in item.libraries}
    assert [path for path in LIBRARIES if path not in used] == []


@pytest.mark.parametrize("path", LIBRARIES, ids=lambda path: path.stem)
def test_a_library_alone_does_nothing_but_to_define(path) -> None:
    script = f"set -e\n{WAITING.read_text()}\n{path.read_text()}"
    done = subprocess.run(
        ["/bin/sh", "-c", script], env={"PATH": "/nowhere"}, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("wait_for test -e there; echo went on", 0),
        ("(sleep 0.2; : > soon) & wait_for test -e soon; echo went on", 0),
        ("wait_for test -e nowhere; echo went on", 1),
        ("wait_for gone no-such-program; echo went on", 0),
        ("wait_for runs no-such-program; echo went on", 1),
    ],
)
def test_waiting_ends_with_what_it_waits_for_or_with_the_script(tmp_path, command, status) -> None:
    (tmp_path / "there").touch()
    script = f"set -e\nWAIT={1 if status else 20}\n{WAITING.read_text()}\n{command}"
    done = subprocess.run(
        ["/bin/sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=30
    )
    assert (done.returncode, done.stdout) == (status, "" if status else "went on\n")
    assert ("waited 1 s in vain until: " in done.stderr) == bool(status)
