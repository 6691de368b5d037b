"""A host that lies about everything ends neither the run nor holds it: it has an error, the others an answer."""

from __future__ import annotations

import dataclasses
import re
import sys
import time
from typing import Any

import pytest
from testinfra.backend import base
from testinfra.backend.local import LocalBackend
from testinfra.host import Host

from pytest_aisec.observe.ask import Question, ask
from pytest_aisec.observe.backend import ObservingBackend
from pytest_aisec.observe.faults import Unobservable
from pytest_aisec.observe.script import offline
from pytest_aisec.observe.script.powershell import PowerShellBatch
from pytest_aisec.observe.transcript import Observation, Transcript
from pytest_aisec.observe.transport.base import Limits, Transport
from pytest_aisec.observe.transport.process import Stop
from pytest_aisec.observe.waves import Work, collect

pytestmark = pytest.mark.slow

TIGHT = Limits(timeout=0.1, connect_timeout=0.1, cap=100_000, slack=0.3, host_slack=1)
"""A question has half a second, a host four, and 2.6 MB."""

PATIENT_AT_FIRST = dataclasses.replace(TIGHT, connect_timeout=20)
"""A busy machine takes longer to start the host."""

HOST = '''
import os, re, sys, time
tokens = re.findall(r"""\\nf ([0-9a-f]{32}) ['"][<>]""", sys.stdin.read())
def say(text):
    for descriptor in (1, 2):
        data = text.encode()
        while data:
            data = data[os.write(descriptor, data):]
say(f"\\n{tokens[0]}<\\n")
'''
"""A host that has read the script, and knows every marker."""

WAYS = {
    "drips each marker in time": "for token in tokens[1:]: time.sleep(0.3); say(f'\\n{token}>0\\n')",
    "drips one marker for ever": "while True: time.sleep(0.02); say(f'\\n{tokens[1]}>0\\n')",
    "drips bytes for ever": "while True: time.sleep(0.02); say('x')",
    "prints much between markers": "for token in tokens[1:]: say('x' * 90_000 + f'\\n{token}>0\\n')",
    "prints much of one marker": "while True: say(f'\\n{tokens[0]}<\\n' * 1000)",
    "prints without end": "while True: say('x' * 1000)",
    "says huge numbers": "for token in tokens[1:]: say(f'\\n{token}>' + '9' * 5000 + '\\n')",
    "answers one and falls silent": "say(f'\\n{tokens[1]}>0\\n'); time.sleep(60)",
    "falls silent": "time.sleep(60)",
    "hangs up": "sys.exit(0)",
    "closes its output and stays": "os.close(1); os.close(2); time.sleep(60)",
}


class Lying(LocalBackend):
    NAME = "lying"

    def __init__(self, way: str) -> None:
        super().__init__()
        self.way = way

    def run(self, command: str, *args: str, **_kwargs: Any) -> base.CommandResult:
        return self.run_local("exec %s -c %s", sys.executable, HOST + WAYS[self.way])


@pytest.mark.parametrize("way", WAYS)
def test_whatever_a_host_does_it_is_done_in_time_and_nothing_else_is_raised(way: str) -> None:
    found: list[Observation] = []
    questions = [Question(text=f"echo {number}", key=f"echo {number}") for number in range(60)]
    started = time.monotonic()
    fault = None
    try:
        ask(questions, Transport(Lying(way), TIGHT), found.append)
    except Unobservable as raised:
        fault = raised
    assert time.monotonic() - started < TIGHT.host_time + 10
    assert sum(len(item.stdout) + len(item.stderr) for item in found) <= TIGHT.host_bytes
    if fault is None:
        assert len(found) == len(questions)
    else:
        assert fault.whole_host


@pytest.mark.parametrize(
    ("way", "reason"),
    [
        ("drips each marker in time", "timeout"),
        ("drips one marker for ever", "timeout"),
        ("answers one and falls silent", "timeout"),
        ("prints much between markers", "truncated"),
    ],
)
def test_it_says_why_a_host_was_given_up(way: str, reason: str) -> None:
    questions = [Question(text=f"echo {number}", key=f"echo {number}") for number in range(60)]
    with pytest.raises(Unobservable) as caught:
        ask(questions, Transport(Lying(way), PATIENT_AT_FIRST), lambda _: None)
    assert (caught.value.reason, caught.value.whole_host) == (reason, True)


def test_what_was_answered_before_the_budget_was_spent_is_kept() -> None:
    found: list[Observation] = []
    questions = [Question(text=f"echo {number}", key=f"echo {number}") for number in range(60)]
    with pytest.raises(Unobservable):
        ask(questions, Transport(Lying("drips each marker in time"), TIGHT), found.append)
    assert found
    assert {item.fault for item in found} == {None}


class Breaking(LocalBackend):
    """Lets the transport raise what no library should."""

    NAME = "breaking"

    def __init__(self, error: Exception | None) -> None:
        super().__init__()
        self.error = error

    def run(self, command: str, *args: str, **_kwargs: Any) -> base.CommandResult:
        if self.error is not None:
            raise self.error
        return self.run_local(self.get_command(command, *args))


def place(name: str, error: Exception | None = None) -> tuple[Work, ObservingBackend]:
    backend = ObservingBackend(name, Transport(Breaking(error), Limits(timeout=10)), Transcript())
    host = Host(backend)
    backend.set_host(host)
    return Work(name=name, open=lambda: host, close=lambda: None), backend


CONTROLS = {"one": lambda host: host.check_output("echo a")}


@pytest.mark.parametrize(
    "error", [RuntimeError("no"), MemoryError(), RecursionError(), ValueError("4300 digits")]
)
def test_whatever_a_transport_raises_is_that_host_s_own(error: Exception) -> None:
    (bad, _), (good, backend) = place("bad", error), place("good")
    stop = Stop()
    done = collect([bad, good], CONTROLS, workers=2, stop=stop)
    stop.close()
    assert done["bad"].fault is not None
    assert done["good"].fault is None
    assert backend.transcript.get("echo a")


@pytest.mark.parametrize("where", ["read", "open", "close"])
def test_whatever_breaks_while_a_host_is_asked_is_its_internal_error(
    where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bad, backend), (good, other) = place("bad"), place("good")

    def breaks(*_: object) -> Any:
        raise ValueError("Exceeds the limit (4300 digits) for integer string conversion")

    if where == "read":
        backend.transcript.add = breaks  # type: ignore[method-assign]
    else:
        bad = Work(**{"name": bad.name, "open": bad.open, "close": bad.close, where: breaks})
    stop = Stop()
    done = collect([bad, good], CONTROLS, workers=1, stop=stop)
    stop.close()
    assert other.transcript.get("echo a")
    if where == "close":
        assert done["bad"].fault is None
        return
    fault = done["bad"].fault
    assert fault is not None
    assert (fault.reason, fault.whole_host) == ("internal", True)
    assert "4300 digits" in fault.detail
    if where == "read":
        assert backend.transcript.host_fault is not None
        with pytest.raises(Unobservable):
            backend.run("echo a")


def powershell() -> tuple[PowerShellBatch, bytes]:
    batch = PowerShellBatch(["a", "b"], timeout=1, cap=1000)
    first, second = re.findall(r"'([0-9a-f]{16})'", batch.script)[:2]
    return batch, (first + second).encode()


def test_windows_cannot_say_a_number_that_is_none() -> None:
    batch, token = powershell()
    out = b"".join(
        b"%s%s\r\n" % (token, text)
        for text in (b"<" + b"9" * 5000, b">0 " + b"9" * 5000 + b" YQ== YQ== " + token, b"!" + b"9" * 5000)
    )
    watch = batch.watch(1000)
    watch.look(bytearray(out), bytearray())
    assert batch.read(out, b"") == [None, None]
    assert (batch.begun(out), batch.ended_by_watchdog(out), watch.progress) == (-1, False, 0)


def test_windows_cannot_hold_a_run_with_the_same_marker() -> None:
    batch, token = powershell()
    watch, out = batch.watch(1000), bytearray()
    for _ in range(2000):
        out += b"%s<0\r\n" % token
        watch.look(out, bytearray())
    assert watch.progress == 1
    assert watch.too_long


def test_a_carried_answer_cannot_hold_a_number_that_is_none() -> None:
    huge = "9" * 5000
    text = (
        "aisec-observations 1 gpu-1 2026-01-01T00:00:00Z base64 1\n"
        f"aisec-q {huge} ZWNobw==\naisec-q 0 ZWNobw==\naisec-o 0 end {huge}\naisec-e 0 end 0\naisec-x 0 {huge}\n"
    )
    assert offline.read(text).observations == []
    with pytest.raises(ValueError, match="is not the output"):
        offline.read(f"aisec-observations 1 gpu-1 2026-01-01T00:00:00Z base64 {huge}\n")
