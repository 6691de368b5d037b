import subprocess

import pytest
from testinfra.backend import base
from testinfra.backend.local import LocalBackend
from testinfra.host import Host

from pytest_aisec.facts.system.processes import QUESTIONS, processes
from pytest_aisec.observe.backend import ObservingBackend
from pytest_aisec.observe.script import offline
from pytest_aisec.observe.transcript import Transcript
from pytest_aisec.observe.transport.base import Limits, Transport


class Arguments(LocalBackend):
    """Passes each script as an argument, as Ansible does."""

    NAME = "ansible"

    def run(self, command: str, *args: str, **_kwargs: object) -> base.CommandResult:
        done = subprocess.run(
            ["/bin/sh", "-c", self.get_command(command, *args)], capture_output=True, check=False
        )
        return self.result(done.returncode, b"", done.stdout.rstrip(), done.stderr.rstrip())


@pytest.mark.parametrize("kind", [LocalBackend, Arguments])
def test_no_process_of_the_audit_shows_what_is_asked(kind: type[LocalBackend]) -> None:
    backend = ObservingBackend("one", Transport(kind(), Limits(timeout=20)), Transcript())
    host = Host(backend)
    backend.set_host(host)
    bait = "echo vllm serve --trust-remote-code"
    backend.ask_all({question: question for question in (bait, *QUESTIONS)})
    answer = backend.transcript.get(bait)
    assert answer is not None
    assert answer.stdout == b"vllm serve --trust-remote-code\n"
    listed = backend.transcript.get(QUESTIONS[2])
    assert listed is not None
    assert b"/bin/sh" in listed.stdout
    assert bait.encode() not in listed.stdout
    assert 1 in {process.pid for process in processes(host)}


def test_a_process_that_imitates_the_audit_is_listed() -> None:
    """Until its arguments were no longer looked at, a shell with the audit's own first line was left out."""
    line = 'LC_ALL=C PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"\n'
    imitation = subprocess.Popen(["/bin/sh", "-c", f"{line}read x; ngrok http 80"], stdin=subprocess.PIPE)
    try:
        backend = ObservingBackend("one", Transport(LocalBackend(), Limits(timeout=20)), Transcript())
        host = Host(backend)
        backend.set_host(host)
        (found,) = (process for process in processes(host) if process.pid == imitation.pid)
    finally:
        imitation.kill()
        imitation.communicate()
    assert "ngrok" in found.arguments[-1]


def test_a_shell_that_was_given_the_script_as_an_argument_is_left_out_and_one_like_it_is_not() -> None:
    """As `sh -c "$(cat audit.sh)"` does with the script of `aisec collect-script`."""
    bait = "echo vllm serve --trust-remote-code"
    script = offline.script([bait, *QUESTIONS], profile="x", timeout=20)
    imitation = subprocess.Popen(["/bin/sh", "-c", f"read x\n{script}"], stdin=subprocess.PIPE)
    try:
        carried = offline.read(
            subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True).stdout
        )
    finally:
        imitation.kill()
        imitation.communicate()
    assert carried.lost == 0
    transcript = Transcript(source=lambda: carried.observations)
    backend = ObservingBackend("one", None, transcript)
    host = Host(backend)
    backend.set_host(host)
    assert [imitation.pid] == [item.pid for item in processes(host) if bait in " ".join(item.arguments)]
