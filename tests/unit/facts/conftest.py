"""A host for tests: this machine, asked through testinfra's quoting and one shell a question."""

import os
import shlex
import subprocess
from dataclasses import dataclass, field

import pytest

from pytest_aisec.observe.faults import Unobservable


@dataclass
class Answer:
    rc: int
    stdout: str
    stderr: str

    @property
    def exit_status(self):
        return self.rc

    @property
    def stdout_bytes(self):
        return self.stdout.encode("utf-8", "surrogateescape")


@dataclass
class LocalHost:
    asked: list = field(default_factory=list)
    received: int = 0
    backend: None = None
    answers: dict = field(default_factory=dict)
    """Recorded answers, by a part of the command."""

    def run(self, command, *args):
        question = command % tuple(map(shlex.quote, args)) if args else command
        self.asked.append(question)
        for part, answer in self.answers.items():
            if part in question:
                return answer
        found = subprocess.run(
            ["sh", "-c", question], capture_output=True, check=False, env={**os.environ, "LC_ALL": "C"}
        )
        self.received += len(found.stdout) + len(found.stderr)
        return Answer(
            found.returncode,
            found.stdout.decode("utf-8", "surrogateescape"),
            found.stderr.decode("utf-8", "surrogateescape"),
        )


@pytest.fixture
def local():
    return LocalHost()


@pytest.fixture
def recorded():
    """Return a host that gives recorded answers, by a part of the command."""
    return lambda answers: LocalHost(
        answers={
            part: given if isinstance(given, Answer) else Answer(0, given, "")
            for part, given in answers.items()
        }
    )


@pytest.fixture
def answer():
    return Answer


@pytest.fixture
def reason():
    def of(function, *arguments, **named):
        with pytest.raises(Unobservable) as caught:
            function(*arguments, **named)
        return caught.value.reason

    return of
