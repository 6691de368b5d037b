from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import testinfra
from testinfra.backend import base
from testinfra.backend.local import LocalBackend
from testinfra.host import Host

from pytest_aisec.observe.backend import ObservingBackend
from pytest_aisec.observe.faults import Unobservable
from pytest_aisec.observe.script import posix
from pytest_aisec.observe.transcript import Transcript
from pytest_aisec.observe.transport.base import Limits, Transport

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")


class AsNobody(LocalBackend):
    """Runs every command as nobody, as a log-in without privileges would."""

    NAME = "nobody"

    def run(self, command: str, *args: str, **_kwargs: Any) -> base.CommandResult:
        return self.run_local(
            "setpriv --reuid 65534 --regid 65534 --clear-groups /bin/sh -c %s",
            self.get_command(command, *args),
        )


def observe(
    backend: base.BaseBackend | None = None, transcript: Transcript | None = None, **limits: Any
) -> Host:
    transport = Transport(backend or LocalBackend(), Limits(**limits))
    observing = ObservingBackend("local://", transport, Transcript() if transcript is None else transcript)
    host = Host(observing)
    observing.set_host(host)
    return host


def fault(host: Host, command: str, *args: str) -> Unobservable:
    with pytest.raises(Unobservable) as caught:
        host.run(command, *args)
    return caught.value


def test_an_answer_is_what_testinfra_would_give() -> None:
    script = "printf 'out\\377'; printf err >&2; exit 3"
    ours, theirs = observe().run(script), testinfra.get_host("local://").run(script)
    assert (ours.rc, ours.stdout_bytes, ours.stderr_bytes) == (
        theirs.rc,
        theirs.stdout_bytes,
        theirs.stderr_bytes,
    )


def test_a_question_is_asked_once(tmp_path: Path) -> None:
    host = observe()
    for _ in range(3):
        assert host.run("echo x >> %s; wc -l < %s", str(tmp_path / "n"), str(tmp_path / "n")).stdout == "1\n"
    assert len(host.backend.questions.asked) == 1


@pytest.fixture
def hidden(tmp_path: Path) -> Path:
    """A file in a directory that only root can search."""
    for parent in (tmp_path, *tmp_path.parents):
        if parent.stat().st_uid == os.geteuid() and parent != Path("/tmp"):
            parent.chmod(parent.stat().st_mode | 0o011)
    path = tmp_path / "closed" / "secret"
    path.parent.mkdir(mode=0o700)
    path.write_text("x")
    return path


@needs_root
@pytest.mark.parametrize("kind", ["exists", "is_file", "is_directory", "is_symlink", "is_socket", "is_pipe"])
def test_what_may_not_be_looked_for_is_not_absent(hidden: Path, kind: str) -> None:
    with pytest.raises(Unobservable) as caught:
        getattr(observe(AsNobody()).file(str(hidden)), kind)
    assert caught.value.reason == "privilege"


@needs_root
def test_a_name_of_two_lines_that_may_not_be_looked_for_is_not_absent(hidden: Path) -> None:
    path = hidden.parent / "two\nlines"
    path.write_text("")
    with pytest.raises(Unobservable, match="privilege"):
        _ = observe(AsNobody()).file(str(path)).exists


@needs_root
def test_what_another_user_may_not_look_for_is_not_absent(
    hidden: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sudo = tmp_path / "sudo"
    sudo.write_text('#!/bin/sh\nshift 2\nexec setpriv --reuid 65534 --regid 65534 --clear-groups "$@"\n')
    sudo.chmod(0o755)
    monkeypatch.setattr(posix, "SETTING", f"{posix.SETTING}PATH={tmp_path}:$PATH\n")
    host = observe()
    with host.sudo("nobody"):
        assert not host.file(str(tmp_path / "absent")).exists
        with pytest.raises(Unobservable, match="privilege"):
            _ = host.file(str(hidden)).exists


@needs_root
def test_what_may_be_looked_for_and_is_not_there_is_absent(hidden: Path) -> None:
    assert not observe(AsNobody()).file(str(hidden.parents[1] / "absent")).exists
    assert not observe(AsNobody()).file(str(hidden.parents[1] / "absent" / "deeper")).exists


def test_a_file_of_another_kind_is_not_of_this_kind(hidden: Path) -> None:
    file = observe().file(str(hidden))
    assert (file.exists, file.is_file, file.is_directory, file.is_symlink) == (True, True, False, False)


@pytest.mark.parametrize("name", ["with space", "qu'ote", "-dash", "new\nline", "uml\u00e4ut", "$HOME", "*"])
def test_existence_is_right_for_any_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("")
    assert observe().file(str(tmp_path / name)).exists
    assert not observe().file(str(tmp_path / (name + "x"))).exists


def test_a_link_that_leads_nowhere_is_a_link_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("nowhere")
    file = observe().file(str(tmp_path / "link"))
    assert (file.is_symlink, file.exists) == (True, False)


def test_a_tool_that_is_not_there_is_no_answer() -> None:
    assert fault(observe(), "no-such-tool --version").reason == "tool_missing"
    assert fault(observe(), "/etc/passwd").reason == "tool_missing"


def test_whether_a_tool_is_there_can_be_asked() -> None:
    assert not observe().exists("no-such-tool")
    assert observe().exists("sh")


@pytest.mark.parametrize(
    "refusal",
    [
        "sudo: a password is required",
        "sudo: a terminal is required to read the password",
        "nobody is not in the sudoers file.",
        "Sorry, user nobody may not run sudo on box.",
    ],
)
def test_a_refused_sudo_is_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusal: str) -> None:
    sudo = tmp_path / "sudo"
    sudo.write_text(f"#!/bin/sh\necho '{refusal}' >&2\nexit 1\n")
    sudo.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(posix, "SETTING", f"{posix.SETTING}PATH={tmp_path}:$PATH\n")
    assert fault(observe(), "sudo -n cat /etc/shadow").reason == "privilege"
    assert fault(observe(LocalBackend(sudo=True)), "cat /etc/shadow").reason == "privilege"


def test_what_takes_too_long_is_no_answer_and_not_asked_again() -> None:
    transcript = Transcript()
    host = observe(transcript=transcript, timeout=1)
    assert fault(host, "sleep 30").reason == "timeout"
    assert fault(host, "sleep 30").reason == "timeout"
    assert transcript.host_fault is None
    assert host.run("echo ok").stdout == "ok\n"


def test_what_is_too_long_is_no_answer_and_only_a_specimen_is_kept() -> None:
    transcript = Transcript()
    assert (
        fault(observe(transcript=transcript, cap=100_000), "head -c 200000 /dev/zero").reason == "truncated"
    )
    (kept,) = transcript
    assert (kept.exit_status, kept.fault, len(kept.stdout)) == (None, "truncated", 65536)


def test_one_byte_beyond_the_cap_is_truncated_and_the_cap_itself_is_not() -> None:
    assert len(observe(cap=1000).run("head -c 1000 /dev/zero").stdout) == 1000
    assert fault(observe(cap=1000), "head -c 1001 /dev/zero").reason == "truncated"


class Refusing(LocalBackend):
    """Answers nothing and counts how often it was asked."""

    NAME = "refusing"

    def __init__(self, message: str) -> None:
        super().__init__()
        self.message, self.asked = message, 0

    def run(self, command: str, *args: str, **_kwargs: Any) -> base.CommandResult:
        self.asked += 1
        return self.run_local("echo %s >&2; exit 255", self.message)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("ssh: connect to host gpu-1 port 22: Connection refused", "unreachable"),
        ("ssh: Could not resolve hostname gpu-1", "unreachable"),
        ("root@gpu-1: Permission denied (publickey).", "auth"),
        ("Host key verification failed.", "auth"),
        ("sudo: a password is required", "privilege"),
        ("", "unreachable"),
    ],
)
def test_a_host_that_does_not_answer_is_asked_once(message: str, reason: str) -> None:
    backend, transcript = Refusing(message), Transcript()
    host = observe(backend, transcript)
    found = [fault(host, command) for command in ("true", "false", "true")]
    assert [item.reason for item in found] == [reason] * 3
    assert backend.asked == 1
    assert len(transcript) == 0


def test_without_a_transport_only_the_transcript_answers() -> None:
    transcript = Transcript()
    observe(transcript=transcript).run("echo x")
    replayed = Host(ObservingBackend("local://", None, transcript))
    assert replayed.run("echo x").stdout == "x\n"
    assert fault(replayed, "echo y").reason == "no_observation"


def test_a_credential_in_question_or_answer_is_kept_nowhere(tmp_path: Path) -> None:
    secret = "ghp_" + "a" * 36
    transcript = Transcript(tmp_path / "spool")
    answer = observe(transcript=transcript).run("echo %s; echo %s >&2", secret, secret)
    assert secret not in answer.stdout + answer.stderr
    assert secret not in (tmp_path / "spool").read_text()


def test_nothing_of_a_question_is_left_running() -> None:
    fault(observe(timeout=1), "sleep 4321")
    left = subprocess.run(["pgrep", "-f", "^sleep 4321"], capture_output=True, check=False)
    assert left.stdout == b""
