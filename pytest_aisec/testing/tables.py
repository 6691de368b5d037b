"""Judge a control from a table of answers, or from the transcript of a host, in a unit test."""

from __future__ import annotations

import difflib
import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from testinfra.backend import base
from testinfra.host import Host

from pytest_aisec.catalog.content import ContentRoot, content_root
from pytest_aisec.catalog.context import Evaluation
from pytest_aisec.catalog.control import Control, control_of
from pytest_aisec.catalog.load import load_catalog
from pytest_aisec.errors import UsageProblem, nearest
from pytest_aisec.judge import evaluate
from pytest_aisec.observe.backend import ObservingBackend
from pytest_aisec.observe.faults import REASONS, Reason
from pytest_aisec.observe.redaction.redact import redact, redact_bytes
from pytest_aisec.observe.script import powershell
from pytest_aisec.observe.transcript import Observation, Transcript
from pytest_aisec.testing.audits import Subject, verdict
from pytest_aisec.testing.spoiling import answer_of, passes_when_spoiled

_ANY_REST = "…"
"""At the end of a key: any question that begins so."""
_PLATFORM = "uname -s"


@dataclass(frozen=True)
class Answer:
    """Answer of a host to one question, where it is more than a text on stdout with exit status 0.

    Args:
        stdout: text, or bytes where it is no UTF-8.
        exit_status: of the command.
        stderr: likewise.
        fault: one of `observe.faults.REASONS`, when there is no whole answer: `timeout`, `truncated` …

    Raises:
        ValueError: for a fault that there is not; names the known ones.

    """

    stdout: str | bytes = ""
    exit_status: int = 0
    stderr: str | bytes = ""
    fault: Reason | None = None

    def __post_init__(self) -> None:
        if self.fault is not None and self.fault not in REASONS:
            raise ValueError(f"fault {self.fault!r}: is not one of {', '.join(REASONS)}")


Key = str | tuple[str, ...]
"""A question as the host gets it, or what the control gives to `host.run`: command and arguments."""
Answers = Mapping[Key, "str | bytes | Answer"] | Path
"""Question → answer (a text is stdout, the exit status 0), or a transcript, or a bundle that has one."""


class UnansweredError(Exception):
    """A control asked what its test has no answer to; the text names question and nearest answers."""


@dataclass(frozen=True, kw_only=True)
class Judged:
    """End of a control in a unit test."""

    outcome: str
    """`passed`, `failed`, `error`, `not_applicable` or `not_reviewed`."""
    reason: str
    """Of an error, one of `observe.faults.REASONS`; otherwise empty, or a clause."""
    message: str
    """What the control said; a bare assertion says nothing."""
    asked: tuple[str, ...]
    """The questions, in order."""
    _subject: Subject = field(repr=False)
    _observations: tuple[Observation, ...] = field(repr=False)
    _connection: str = field(repr=False)

    def passes_when_spoiled(self, *others: Judged) -> list[str]:
        """Judge a failure again with each answer refused, missing, late, cut, empty and unreadable in turn.

        Args:
            others: what the same control gave with other tables: an answer from there is no spoiled one.

        Returns:
            How it then neither failed nor ended as an error that it means: of a control that is right, none.

        """
        given = frozenset(answer_of(item) for other in others for item in other._observations)  # noqa: SLF001 - its own kind
        return passes_when_spoiled(self._subject, self._observations, self._connection, given)


@dataclass(frozen=True, kw_only=True)
class Judge:
    """Judges controls from answers that a test gives; the value of the fixture `aisec`."""

    start: Path
    """Where the test lies: controls are looked for in the `controls/` beside it, or above."""
    tell: Callable[[str], object] = field(default=lambda _: None, repr=False)
    """Is told how each control ended, and from which answers: pytest shows it when the test fails."""
    now: datetime | None = None
    active: bool = False
    advisories: Path | None = None

    def under(
        self, *, now: datetime | None = None, active: bool | None = None, advisories: Path | None = None
    ) -> Judge:
        """Return a judge under other circumstances; what is not given stays.

        Args:
            now: the start of the run, with a time zone; by default that of the transcript, or the present.
            active: whether requests may be sent, as with `--aisec-active`.
            advisories: an index, as with `--aisec-advisories`.

        """
        return replace(
            self,
            now=now or self.now,
            active=self.active if active is None else active,
            advisories=advisories or self.advisories,
        )

    def __call__(self, control: str | Callable[..., None], answers: Answers, /, **params: Any) -> Judged:
        """Judge one control as a profile that sets `params` would.

        Args:
            control: its id, or its function.
            answers: see `Answers`. The platform need not be among them: it is the control's.
            params: parameters of the control.

        Raises:
            UnansweredError: when the control asks what has no answer.
            UsageProblem: for an unknown control or parameter, or a file that is no transcript.

        """
        __tracebackhide__ = True
        found = self._control(control)
        connection = "winrm" if found.platforms == ("windows",) else "ssh"
        if isinstance(answers, Path):
            recorded = _transcript(answers)
            entries = {item.command: item for item in recorded}
            now = _time_of(answers, recorded)
        else:
            entries = {
                _text(key, connection): _observation(_text(key, connection), value)
                for key, value in answers.items()
            }
            now = datetime.now(UTC)
        platform = Answer(f"{found.platforms[0].capitalize()}\n")
        table = _Table({_PLATFORM: _observation(_PLATFORM, platform)} | entries)
        circumstances = Evaluation(now=self.now or now, active=self.active, advisories=self.advisories)
        subject = Subject.of(found, params, circumstances)
        backend = ObservingBackend(f"{connection}://table", None, table, connection)
        host = Host(backend)
        backend.set_host(host)
        conclusion = evaluate.judge(subject.planned, host, circumstances)
        if table.missing:
            raise UnansweredError(table.complaint(found.id))
        ended = " ".join(filter(None, (*verdict(conclusion), conclusion.message)))
        self.tell("\n".join([f"{found.id}: {ended}", *map(_shown, table)]))
        return Judged(
            outcome=verdict(conclusion)[0],
            reason=conclusion.reason,
            message=conclusion.message,
            asked=tuple(backend.questions.asked),
            _subject=subject,
            _observations=tuple(table),
            _connection=connection,
        )

    def _control(self, wanted: str | Callable[..., None]) -> Control:
        if not isinstance(wanted, str):
            found = control_of(wanted)
            if found is None:
                raise UsageProblem(f"{wanted!r} is no control: it has no @control")
            return found
        packs = [path for path in self.start.parents if (path / "controls").is_dir()][:1]
        catalog = {
            **load_catalog([content_root()]),
            **load_catalog([ContentRoot(path=path) for path in packs]),
        }
        if wanted not in catalog:
            where = f"in {packs[0] / 'controls'}" if packs else f"in a controls/ above {self.start}"
            raise UsageProblem(f"there is no control {wanted!r} {where}. {nearest(wanted, catalog)}")
        return catalog[wanted]


class _Table(Transcript):
    """Answers from entries whose question is the same, whatever the quoting."""

    def __init__(self, entries: Mapping[str, Observation]) -> None:
        super().__init__()
        self._entries = entries
        self._used: set[str] = set()
        self.missing: dict[str, None] = {}
        """Questions without an answer, in order."""

    def get(self, command: str) -> Observation | None:
        found = super().get(command)
        if found is None:
            key = self._key_of(command)
            if key is None:
                self.missing[command] = None
                return None
            self._used.add(key)
            self.add(replace(self._entries[key], command=command))
            found = super().get(command)
        return found

    def _key_of(self, command: str) -> str | None:
        if command in self._entries:
            return command
        words = _words(command)
        for key in self._entries:
            if words is not None and _words(key) == words:
                return key
        begins = [
            key
            for key in self._entries
            if key.endswith(_ANY_REST) and command.startswith(key.removesuffix(_ANY_REST))
        ]
        return max(begins, key=len, default=None)

    def complaint(self, control: str) -> str:
        keys = [key for key in self._entries if key != _PLATFORM]
        lines = [f"{control} asked what has no answer here:"]
        for question in self.missing:
            lines.append(f"  {question}")
            close = difflib.get_close_matches(question, keys, n=3, cutoff=0.5)
            lines += [f"    the nearest that has one: {key}" for key in close]
        unused = [key for key in keys if key not in self._used]
        lines += [f"never asked: {key}" for key in unused[:10]]
        return "\n".join(lines)


def _shown(item: Observation) -> str:
    status = item.fault or f"exit status {item.exit_status}"
    printed = (item.stdout + item.stderr).decode("utf-8", "backslashreplace").strip()
    return f"  $ {item.command}\n" + "\n".join(
        f"    {line}" for line in [f"({status})", *printed.splitlines()[:20]]
    )


def _words(text: str) -> list[str] | None:
    try:
        return shlex.split(text)
    except ValueError:
        return None


def _text(key: Key, connection: str) -> str:
    """Return a key as the question that the control asks."""
    if isinstance(key, str):
        return redact(key)
    quote = powershell.quote if connection == "winrm" else base.BaseBackend.quote
    return redact(str(quote(*key)))


def _observation(command: str, value: str | bytes | Answer) -> Observation:
    answer = value if isinstance(value, Answer) else Answer(value)
    return Observation(
        command=command,
        exit_status=None if answer.fault else answer.exit_status,
        stdout=redact_bytes(_bytes(answer.stdout)),
        stderr=redact_bytes(_bytes(answer.stderr)),
        started_at="2026-01-01T00:00:00.000Z",
        duration_ms=0,
        fault=answer.fault,
        detail=f"the test says {answer.fault}" if answer.fault else "",
    )


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")


def _transcript(path: Path) -> Sequence[Observation]:
    """Return the observations of a transcript, whoever has changed it since; raises UsageProblem."""
    file = _only_transcript(path) if path.is_dir() else path
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageProblem(f"{file}: cannot be read: {error}") from None
    found = []
    for number, line in enumerate(lines, start=1):
        try:
            found.append(Observation.from_json(json.loads(line)))
        except (ValueError, KeyError, TypeError) as error:
            raise UsageProblem(f"{file}:{number}: is no line of a transcript: {error!r}") from None
    return found


def _only_transcript(bundle: Path) -> Path:
    files = sorted((bundle / "transcripts").glob("*.jsonl"))
    if len(files) != 1:
        known = ", ".join(str(file) for file in files[:10]) or "none"
        raise UsageProblem(f"{bundle}: is no bundle with one transcript; name the file: {known}")
    return files[0]


def _time_of(path: Path, observations: Sequence[Observation]) -> datetime:
    """Return the start of the run that a transcript is of."""
    bundle = path if path.is_dir() else path.parent.parent
    try:
        started: str = json.loads((bundle / "run.json").read_text(encoding="utf-8"))["run"]["started_at"]
    except (OSError, ValueError, KeyError, TypeError):
        started = min((item.started_at for item in observations), default="1970-01-01T00:00:00Z")
    return datetime.fromisoformat(started)
