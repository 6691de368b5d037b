"""What stands before the scripts of scenarios: libraries of shell functions, and the order they come in."""

import subprocess

import pytest
import scenarios

LIBRARIES = sorted((scenarios.DIRECTORY / "lib").glob("*.sh"))


def scenario(tmp_path, header: str, name: str = "state.pass.sh") -> scenarios.Scenario:
    path = tmp_path / name
    path.write_text(f"#!/bin/sh\n# A state.\n{header}\ntrue\n", encoding="utf-8")
    return scenarios.read(path)


def test_a_script_ends_with_the_first_command_that_fails(tmp_path) -> None:
    assert scenario(tmp_path, "# as: auditor").script.startswith("set -e\n")


def test_libraries_stand_before_the_script_in_the_order_of_its_header(tmp_path) -> None:
    read = scenario(tmp_path, "# lib: proxy double")
    assert [path.name for path in read.libraries] == ["proxy.sh", "double.sh"]
    places = [read.script.index(word) for word in ("\nwait_for() {", "\nproxy() {", "\ndouble() {", "\ntrue")]
    assert places == sorted(places)


def test_a_library_that_is_not_there_is_named_with_the_script_and_those_that_are(tmp_path) -> None:
    with pytest.raises(
        ValueError, match=r"state\.pass\.sh: there is no library 'prox', only access_log, .*proxy"
    ):
        scenario(tmp_path, "# lib: double prox")


def test_every_library_is_used() -> None:
    used = {path for item in scenarios.all_scenarios() for path in item.libraries}
    assert [path for path in LIBRARIES if path not in used] == [scenarios.WAITING]


@pytest.mark.parametrize("path", LIBRARIES, ids=lambda path: path.stem)
def test_a_library_alone_does_nothing_but_to_define(path) -> None:
    script = f"set -e\n{scenarios.WAITING.read_text()}\n{path.read_text()}"
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
    script = f"set -e\nWAIT={1 if status else 20}\n{scenarios.WAITING.read_text()}\n{command}"
    done = subprocess.run(
        ["/bin/sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=30
    )
    assert (done.returncode, done.stdout) == (status, "" if status else "went on\n")
    assert ("waited 1 s in vain until: " in done.stderr) == bool(status)
