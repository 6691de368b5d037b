import pytest
from testinfra.backend.local import LocalBackend
from testinfra.host import Host

from pytest_aisec.facts.processes import QUESTIONS, _asks, processes
from pytest_aisec.observe.backend import ObservingBackend
from pytest_aisec.observe.batch import BEGINS
from pytest_aisec.observe.portable import TITLE
from pytest_aisec.observe.transcript import Transcript
from pytest_aisec.observe.transports import Limits, Transport


def test_the_audit_s_own_script_is_no_process_of_the_host() -> None:
    backend = ObservingBackend("one", Transport(LocalBackend(), Limits(timeout=20)), Transcript())
    host = Host(backend)
    backend.set_host(host)
    bait = "echo vllm serve --trust-remote-code"
    backend.ask_all({question: question for question in (bait, *QUESTIONS)})
    listed = backend.transcript.get(QUESTIONS[2])
    assert listed is not None
    assert bait.encode() in listed.stdout, "this connection shows no script: the test says nothing"
    found = processes(host)
    assert 1 in {process.pid for process in found}
    assert [] == [process for process in found if bait in " ".join(process.arguments)]


@pytest.mark.parametrize("text", [BEGINS, TITLE])
def test_only_a_shell_that_runs_the_script_is_left_out(text: str) -> None:
    assert _asks(["/bin/sh", "-c", f"{text}more"])
    assert not _asks(["ngrok", "http", "80", "--label", f"{text}more"])
    assert not _asks(["ngrok", "-c", f"{text}more"])
    assert not _asks(["/bin/sh", "-c", "sleep 9"])
    assert not _asks([])
