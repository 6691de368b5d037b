"""Which platform a host is, as `uname -s` tells."""

import pytest
from testinfra.host import Host

from pytest_aisec.facts.system.processes import processes
from pytest_aisec.judge import evaluate
from pytest_aisec.judge.evaluate import platform
from pytest_aisec.observe.backend import ObservingBackend
from pytest_aisec.observe.directory import nothing_runs
from pytest_aisec.observe.faults import Unobservable
from pytest_aisec.observe.transcript import Observation, Transcript


def host(stdout: bytes) -> Host:
    transcript = Transcript()
    transcript.add(
        Observation(
            command="uname -s", exit_status=0, stdout=stdout, stderr=b"", started_at="", duration_ms=0
        )
    )
    backend = ObservingBackend("ssh://host", None, transcript)
    found = Host(backend)
    backend.set_host(found)
    return found


@pytest.mark.parametrize(
    ("expected", "stdout"), [("linux", b"Linux\n"), ("darwin", b"Darwin\n"), ("sunos", b"SunOS\n")]
)
def test_a_kernel_that_is_known(expected: str, stdout: bytes) -> None:
    assert expected == platform(host(stdout))


@pytest.mark.parametrize(
    "stdout", [b"", b"L\xffinux\n", b"Linux\nLinux\n", b"Welcome\n", b"MINGW64_NT-10.0\n"]
)
def test_a_kernel_that_nobody_knows_is_no_other_platform(stdout: bytes) -> None:
    with pytest.raises(Unobservable, match="parse"):
        platform(host(stdout))


@pytest.mark.parametrize("text", ["nan", "inf", "-inf"])
def test_a_number_that_json_does_not_know_is_text_in_the_evidence(text: str) -> None:
    assert {"a": [text, 1.5]} == evaluate.jsonable({"a": [float(text), 1.5]})


@pytest.mark.parametrize(
    ("expected", "connection", "status", "stderr"),
    [
        (True, "chroot", 2, b"ls: cannot access '/proc/self': No such file or directory\n"),
        (False, "chroot", 0, b""),
        (False, "podman", 2, b"ls: cannot access '/proc/self': No such file or directory\n"),
    ],
)
def test_nothing_runs_in_a_directory_without_proc_alone(
    *, expected: bool, connection: str, status: int, stderr: bytes
) -> None:
    assert expected is nothing_runs(place(connection, status, stderr))


def test_a_directory_that_does_not_show_whether_it_has_proc_is_not_one_where_nothing_runs() -> None:
    with pytest.raises(Unobservable, match="unreadable"):
        nothing_runs(place("chroot", 2, b"ls: cannot access '/proc/self': Permission denied\n"))


def place(connection: str, status: int, stderr: bytes) -> Host:
    transcript = Transcript()
    transcript.add(
        Observation(
            command="ls -d /proc/self",
            exit_status=status,
            stdout=b"",
            stderr=stderr,
            started_at="",
            duration_ms=0,
        )
    )
    backend = ObservingBackend(f"{connection}://place", None, transcript, connection)
    found = Host(backend)
    backend.set_host(found)
    return found


def test_a_directory_has_no_processes_and_is_not_asked_for_any() -> None:
    directory = place("chroot", 2, b"ls: cannot access '/proc/self': No such file or directory\n")
    assert processes(directory) == ()
