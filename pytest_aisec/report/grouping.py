"""Results that say the same of several hosts, told once: what keeps a report of 200 hosts readable."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pytest_aisec.judge.outcome import Outcome
from pytest_aisec.judge.run import ControlInfo, HostInfo, Result, is_waived
from pytest_aisec.observe.transcript import Observation
from pytest_aisec.report.text import decode, pretty, size


@dataclass(frozen=True, kw_only=True, slots=True)
class Status:
    """Name of an outcome in reports; a waived failure has a name of its own."""

    key: str
    word: str
    """Short enough for a cell of the matrix."""
    symbol: str
    heading: str
    """Of the section that holds the controls whose worst status this is."""
    meaning: str


STATUSES: tuple[Status, ...] = (
    Status(
        key="failed",
        word="FAIL",
        symbol="✗",
        heading="Failed",
        meaning="something else was observed than what is required, and no active waiver excuses it",
    ),
    Status(
        key="error",
        word="error",
        symbol="!",
        heading="Could not be observed",
        meaning="the question could not be answered, so nothing is known",
    ),
    Status(
        key="not_run",
        word="not run",
        symbol="○",
        heading="Did not run",
        meaning="was planned, and no result came",
    ),
    Status(
        key="not_reviewed",
        word="review",
        symbol="?",
        heading="Need a person's review",
        meaning="only a person can judge it, and no valid attestation is there",
    ),
    Status(
        key="waived",
        word="waived",
        symbol="~",
        heading="Failed and waived",
        meaning="failed, and an active waiver excuses it",
    ),
    Status(
        key="passed",
        word="pass",
        symbol="✓",
        heading="Passed",
        meaning="what is required was observed",
    ),
    Status(
        key="not_applicable",
        word="n/a",
        symbol="–",  # noqa: RUF001 - a dash, as in tables on paper
        heading="Not applicable",
        meaning="what the control judges is not there, and that was observed",
    ),
)
"""In the order in which a reader wants them; the first a control has decides where it stands."""
_BY_KEY = {status.key: status for status in STATUSES}
_QUIET = {"passed", "not_applicable"}


def status(result: Result) -> Status:
    """Return what a report calls the outcome of `result`."""
    return _BY_KEY["waived" if is_waived(result) else result.outcome.value]


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """One stream of one answer, or its beginning."""

    name: str
    size: str
    text: str
    note: str
    """Where the rest is; empty when `text` is all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """One command of a group, as its first host answered it."""

    line: int
    """In the host's transcript."""
    seen: Observation | None
    """`None` when the transcript is not at hand."""
    answers: Sequence[Answer]


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Hosts on which a control ended in the same way."""

    id: str
    """Unique in the report, fit to be linked to."""
    status: Status
    results: Sequence[tuple[HostInfo, Result]]
    """At least one, by host."""
    asked: Sequence[Asked]
    is_alike: bool
    """True if all hosts gave the same answers to the same commands."""
    started: Mapping[str, str]
    """Host name → when the first command was asked; hosts that were asked nothing are missing."""

    @property
    def first(self) -> Result:
        """The result that stands for all."""
        return self.results[0][1]

    @property
    def host(self) -> HostInfo:
        """The host of `first`."""
        return self.results[0][0]


class Groups:
    """The groups of all controls of a run, made host by host: `add` each host, in the run's order.

    Where a control passed or did not apply, hosts with the same commands and exit statuses make one group
    even when their answers differ; elsewhere the answers must be the same as well. Of the answers only what
    is shown is kept.

    Args:
        limit: how many characters of an answer to keep; a quarter of it where the control passed.

    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._by_control: dict[str, dict[bytes, _Alike]] = {}

    def add(self, host: HostInfo, results: Iterable[Result], transcript: Sequence[Observation]) -> None:
        """Take in the results of one host and what its transcript holds."""
        for result in results:
            seen = [
                (line, transcript[line - 1] if 0 < line <= len(transcript) else None)
                for line in result.observations
            ]
            answers = _answers(seen)
            key = _digest(_key(result, seen, b"" if status(result).key in _QUIET else answers))
            of_control = self._by_control.setdefault(result.control, {})
            alike = of_control.get(key)
            if alike is None:
                alike = of_control[key] = _Alike(asked=_asked(host, result, seen, self._limit))
            alike.results.append((host, result))
            alike.answers.add(answers)
            times = [item.started_at for _, item in seen if item]
            if times:
                alike.started[host.name] = min(times)

    def controls(self) -> list[str]:
        """Return the controls that have results."""
        return [*self._by_control]

    def of(self, control: str) -> list[Group]:
        """Return the groups of one control, the worst first."""
        groups = [
            Group(
                id=f"{control}.{number}",
                status=status(alike.results[0][1]),
                results=alike.results,
                asked=alike.asked,
                is_alike=len(alike.answers) == 1,
                started=alike.started,
            )
            for number, alike in enumerate(self._by_control[control].values(), start=1)
        ]
        return sorted(groups, key=lambda item: STATUSES.index(item.status))


@dataclass(kw_only=True, slots=True)
class _Alike:
    """A group that is being made."""

    asked: Sequence[Asked]
    results: list[tuple[HostInfo, Result]] = field(default_factory=list)
    answers: set[bytes] = field(default_factory=set)
    started: dict[str, str] = field(default_factory=dict)


_Seen = Sequence[tuple[int, Observation | None]]
"""Lines of a transcript with what stands there."""


def stand_in(result: Result) -> ControlInfo:
    """Return what little is known of a control that the run does not describe."""
    return ControlInfo(
        id=result.control,
        title=result.title,
        rationale="",
        severity=result.severity,
        family="",
        frameworks={},
        remediation="",
        params={},
        declared=(),
        platforms=(),
    )


def _digest(value: object) -> bytes:
    return hashlib.sha256(repr(value).encode("utf-8", "surrogatepass")).digest()


def _key(result: Result, seen: _Seen, answers: bytes) -> object:
    said = (result.reason, result.message, pretty(result.expected), pretty(result.observed))
    waiver = (result.waiver.id, result.waiver.state) if result.waiver else None
    attestation = (result.attestation.id, result.attestation.state) if result.attestation else None
    asked = [(item.command, item.exit_status, item.fault, item.detail) if item else None for _, item in seen]
    return (status(result).key, result.severity, *said, waiver, attestation, asked, answers)


def _answers(seen: _Seen) -> bytes:
    return _digest([(item.command, item.stdout, item.stderr) if item else line for line, item in seen])


def _asked(host: HostInfo, result: Result, seen: _Seen, limit: int) -> list[Asked]:
    if result.outcome in {Outcome.PASSED, Outcome.NOT_APPLICABLE}:
        limit //= 4
    return [
        Asked(line=line, seen=item, answers=_streams(item, f"{host.transcript}, line {line}", limit))
        if item
        else Asked(line=line, seen=None, answers=())
        for line, item in seen
    ]


def _streams(seen: Observation, where: str, limit: int) -> list[Answer]:
    streams = [("stdout", seen.stdout), ("stderr", seen.stderr)]
    return [_answer(name, data, where, limit) for name, data in streams if data]


def _answer(name: str, data: bytes, where: str, limit: int) -> Answer:
    text, note = cut(decode(data), where, limit)
    return Answer(name=name, size=size(len(data)), text=text, note=note)


def cut(text: str, where: str, limit: int) -> tuple[str, str]:
    """Return the first `limit` characters of `text`, and a note on where the rest is, if there is a rest."""
    if len(text) <= limit:
        return text, ""
    return text[:limit], f"Cut: the first {limit:,} of {len(text):,} characters. All of it is in {where}."
