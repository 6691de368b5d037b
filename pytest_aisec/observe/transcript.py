"""All observations of one host in one run, shared by every process of the run."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import io
import json
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, cast

from pytest_aisec.observe.faults import Reason, Unobservable

GENESIS = "0" * 64
"""What the first line of a transcript names as the hash of the line before it."""


_LARGE = 2**53
"""No number of an observation is as large; up to here, floats are exact."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Observation:
    """One command that ran on one host, and what came of it."""

    command: str
    """As the control asked it, redacted; without the sudo or transport around it."""
    exit_status: int | None
    """`None` when the command did not end by itself."""
    stdout: bytes
    """Redacted; at most the cap, and only a beginning where `fault` is `truncated`."""
    stderr: bytes
    started_at: str
    """UTC, ISO 8601 with milliseconds."""
    duration_ms: int
    fault: Reason | None = None
    """Why there is no complete answer, if there is none."""
    detail: str = ""
    """One sentence about the fault."""
    needed: bool = True
    """False when it was asked on the chance that a control needs it, and none did: evidence for nothing."""

    def to_json(self) -> dict[str, Any]:
        """Return the observation as JSON data; bytes that are not UTF-8 become `{"base64": …}`."""
        return {
            "command": _readable(self.command.encode("utf-8", "surrogateescape")),
            "exit_status": self.exit_status,
            "stdout": _readable(self.stdout),
            "stderr": _readable(self.stderr),
            "started_at": self.started_at,
            "duration_ms": self.duration_ms,
            "fault": self.fault,
            "detail": self.detail,
            **({} if self.needed else {"needed": False}),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Observation:
        """Return the observation that `to_json` gave `data` for.

        Raises:
            ValueError, KeyError, TypeError: when `to_json` gives no such data.

        """
        status, duration = data["exit_status"], data["duration_ms"]
        if not ((status is None or _is_number(status)) and _is_number(duration)):
            raise ValueError("exit_status and duration_ms are numbers")
        if not all(isinstance(data[name], str) for name in ("started_at", "detail")):
            raise TypeError("started_at and detail are texts")
        if not (data["fault"] is None or isinstance(data["fault"], str)):
            raise TypeError("fault is a text or null")
        return cls(
            command=_raw(data["command"]).decode("utf-8", "surrogateescape"),
            exit_status=status,
            stdout=_raw(data["stdout"]),
            stderr=_raw(data["stderr"]),
            started_at=data["started_at"],
            duration_ms=duration,
            fault=cast("Reason | None", data["fault"]),
            detail=data["detail"],
            needed=data.get("needed", True) is not False,
        )


def _is_number(value: object) -> bool:
    return type(value) is int and abs(value) < _LARGE


def _readable(data: bytes) -> str | dict[str, str]:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode("ascii")}


def _raw(value: str | Mapping[str, str]) -> bytes:
    if isinstance(value, str):
        return value.encode("utf-8")
    return base64.b64decode(value["base64"], validate=True)


class Transcript:
    """The observations of one host by command, kept in a spool file that several processes may share.

    A question is asked once a run, whichever process asks it first; a fault that concerns the whole host is
    known to all processes as soon as one of them met it. Not thread-safe within one process.

    Args:
        spool: the file; `None` keeps the observations in memory alone.
        source: gives observations that are there from the beginning (replay); called when first needed.
        host_fault: why no question to the host can be answered, if that is known from the beginning.

    """

    def __init__(
        self,
        spool: Path | None = None,
        source: Callable[[], Iterable[Observation]] | None = None,
        host_fault: Unobservable | None = None,
    ) -> None:
        self._spool = spool
        self._source = source
        self._offset = 0
        self._answers: dict[str, Observation] = {}
        self._unneeded: dict[str, Observation] = {}
        self._is_loaded = False
        self._recording: IO[bytes] | None = None
        """The spool, while this process alone writes to it."""
        self._host_fault = host_fault

    def __len__(self) -> int:
        self._load()
        return len(self._answers) + len(self._unneeded)

    def __iter__(self) -> Iterator[Observation]:
        self._load()
        yield from self._answers.values()
        yield from self._unneeded.values()

    @property
    def host_fault(self) -> Unobservable | None:
        """Set when no further question to this host can be answered."""
        self._load()
        return self._host_fault

    def get(self, command: str) -> Observation | None:
        """Return the recorded observation of `command`, if this process knows one."""
        self._load()
        return self._answers.get(command)

    def release(self) -> None:
        """Forget what can be read again: from the spool, or from where it came."""
        if self._spool is not None or self._source is not None:
            self._answers, self._unneeded, self._offset, self._is_loaded = {}, {}, 0, False

    def _load(self) -> None:
        if self._is_loaded:
            return
        self._is_loaded = True
        for observation in self._source() if self._source else ():
            kept = self._answers if observation.needed else self._unneeded
            kept.setdefault(observation.command, observation)
        self.refresh()

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Hold the host: learn what other processes have recorded, and keep them from asking meanwhile."""
        if self._spool is None:
            yield
            return
        descriptor = os.open(self._spool, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "ab") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            self.refresh()
            self._recording = stream
            try:
                yield
            finally:
                self._recording = None

    def refresh(self) -> None:
        """Read what has been recorded by other processes since the last look."""
        self._load()
        if self._spool is None or not self._spool.exists():
            return
        with self._spool.open("rb") as stream:
            stream.seek(self._offset)
            for line in stream:
                if not line.endswith(b"\n"):
                    break
                self._offset += len(line)
                self._learn(json.loads(line))

    def add(self, observation: Observation) -> None:
        """Record `observation`; the first of a command stays."""
        self._load()
        self._write({"observation": observation.to_json()})
        self._answers.setdefault(observation.command, observation)

    def give_up(self, fault: Unobservable) -> None:
        """Record that no further question to this host can be answered, because of `fault`."""
        self._load()
        self._write({"host_fault": {"reason": fault.reason, "detail": fault.detail}})
        self._host_fault = self._host_fault or Unobservable(fault.reason, fault.detail, whole_host=True)

    def _write(self, entry: dict[str, Any]) -> None:
        if self._spool is None:
            return
        if self._recording is None:
            with self.asking():
                self._write(entry)
            return
        line = json.dumps(entry, ensure_ascii=True).encode() + b"\n"
        self._recording.write(line)
        self._offset += len(line)

    def _learn(self, entry: Mapping[str, Any]) -> None:
        if "host_fault" in entry:
            fault = entry["host_fault"]
            self._host_fault = self._host_fault or Unobservable(
                fault["reason"], fault["detail"], whole_host=True
            )
        else:
            observation = Observation.from_json(entry["observation"])
            self._answers.setdefault(observation.command, observation)


def in_order(
    transcript: Iterable[Observation], asked: Iterable[str], needed: Collection[str] | None = None
) -> list[Observation]:
    """Return the observations in the order in which `asked` first names their commands, the rest by command.

    So that the same controls give the same order, whichever process asked first.

    Args:
        transcript: in any order.
        asked: the commands that verdicts rest on.
        needed: further commands that controls asked; the rest is marked as not needed, and comes last.
            `None` leaves it with the marks that it has.

    """
    known = {observation.command: observation for observation in transcript}
    first = {command: known.pop(command) for command in asked if command in known}
    rest = [known[command] for command in sorted(known)]
    if needed is not None:
        rest = [
            item if item.needed == (item.command in needed) else replace(item, needed=not item.needed)
            for item in rest
        ]
    rest.sort(key=lambda item: not item.needed)
    return [*(item if item.needed else replace(item, needed=True) for item in first.values()), *rest]


class Ordered(Mapping[str, Sequence[Observation]]):
    """Host name → its observations in the order of its transcript file, put together when they are looked at.

    Only those of the host that was looked at last are kept.

    Args:
        transcripts: by host name.
        asked: host name → the commands that verdicts rest on, in their order.
        needed: by host name; see `in_order`.

    """

    def __init__(
        self,
        transcripts: Mapping[str, Transcript],
        asked: Callable[[str], Iterable[str]],
        needed: Mapping[str, Collection[str]] | None,
    ) -> None:
        self._transcripts = transcripts
        self._asked = asked
        self._needed = needed
        self._last: tuple[str, Sequence[Observation]] = ("", ())

    def __getitem__(self, name: str) -> Sequence[Observation]:
        transcript = self._transcripts[name]
        if self._last[0] != name:
            needed = None if self._needed is None else self._needed.get(name, ())
            self._last = (name, in_order(transcript, self._asked(name), needed))
            transcript.release()
        return self._last[1]

    def __iter__(self) -> Iterator[str]:
        return iter(self._transcripts)

    def __len__(self) -> int:
        return len(self._transcripts)


def genesis(host: str) -> str:
    """Return what the first line names as the hash of the line before it: no other host's lines fit there."""
    return hashlib.sha256(host.encode("utf-8", "backslashreplace")).hexdigest() if host else GENESIS


def dump(observations: Iterable[Observation], host: str = "") -> str:
    """Return a host's transcript file: one JSON object a line, each with the sha256 of the line before."""
    lines: list[str] = []
    previous = genesis(host)
    for number, observation in enumerate(observations, start=1):
        line = _line(number, previous, observation)
        previous = hashlib.sha256(line.encode()).hexdigest()
        lines.append(line + "\n")
    return "".join(lines)


def _line(number: int, previous: str, observation: Observation) -> str:
    entry = {"number": number, "previous": previous, **observation.to_json()}
    return json.dumps(entry, ensure_ascii=False, separators=(",", ":"))


def load(lines: str | Iterable[bytes], host: str = "") -> list[Observation]:
    """Return the observations of the transcript file of a host, in order.

    Args:
        lines: the file's text, or its lines with their ends, which are read no further than they are right.
        host: its name.

    Raises:
        ValueError: names the line that is no observation, or not chained to the line before.

    """
    found: list[Observation] = []
    previous = genesis(host)
    if isinstance(lines, str):
        lines = io.BytesIO(lines.encode("utf-8", "surrogatepass"))
    for number, data in enumerate(lines, start=1):
        if not data.endswith(b"\n"):
            raise ValueError("the last line is cut off")
        try:
            line = data[:-1].decode()
            entry = json.loads(line)
            observation = Observation.from_json(entry)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ValueError(f"line {number} is not an observation: {error!r}") from None
        if host and number == entry.get("number") == 1 and entry.get("previous") != previous:
            raise ValueError(f"line 1 does not begin the transcript of {host}")
        if entry.get("previous") != previous or entry.get("number") != number:
            raise ValueError(f"line {number} does not follow from the line before it")
        if line != _line(number, previous, observation):
            raise ValueError(f"line {number} is not as it was written")
        previous = hashlib.sha256(data[:-1]).hexdigest()
        found.append(observation)
    return found
