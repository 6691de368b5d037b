"""Results that say the same of several hosts, told once: what keeps a report of 200 hosts readable."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from pytest_aisec.judge.outcome import Outcome
from pytest_aisec.judge.run import ControlInfo, HostInfo, Result, Run, is_waived
from pytest_aisec.observe.transcript import Observation
from pytest_aisec.report.text import decode, pretty, size


@dataclass(frozen=True, kw_only=True, slots=True)
class Status:
    """What a report calls an outcome; a waived failure has a name of its own."""

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
    """Whether all hosts gave the same answers to the same commands."""
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


def group(run: Run, control: ControlInfo, found: Sequence[Result], *, limit: int) -> list[Group]:
    """Return the groups of `found`, the results of `control`, the worst first.

    Where a control passed or did not apply, hosts with the same commands and exit statuses make one group
    even when their answers differ; elsewhere the answers must be the same as well.

    Args:
        run: for hosts and transcripts.
        control: whose results they are.
        found: by host.
        limit: how many characters of an answer to keep.

    """
    hosts = {host.name: host for host in run.hosts}
    alike: dict[Hashable, list[Result]] = {}
    for result in found:
        alike.setdefault(_key(run, result), []).append(result)
    groups = [
        Group(
            id=f"{control.id}.{number}",
            status=status(same[0]),
            results=[(hosts.get(item.host) or _stranger(item.host), item) for item in same],
            asked=_asked(run, hosts.get(same[0].host), same[0], limit),
            is_alike=len({_answers(run, item) for item in same}) == 1,
            started=_started(run, same),
        )
        for number, same in enumerate(alike.values(), start=1)
    ]
    return sorted(groups, key=lambda item: STATUSES.index(item.status))


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


def _stranger(name: str) -> HostInfo:
    return HostInfo(name=name, connection="", transcript="", observations=0)


def _observations(run: Run, result: Result) -> list[tuple[int, Observation | None]]:
    lines = run.transcripts.get(result.host, ())
    return [(line, lines[line - 1] if 0 < line <= len(lines) else None) for line in result.observations]


def _key(run: Run, result: Result) -> Hashable:
    state = status(result)
    seen = [
        (item.command, item.exit_status, item.fault, item.detail) if item else None
        for _, item in _observations(run, result)
    ]
    said = (result.reason, result.message, pretty(result.expected), pretty(result.observed))
    loud = None if state.key in _QUIET else _answers(run, result)
    waiver = (result.waiver.id, result.waiver.state) if result.waiver else None
    return (state.key, result.severity, *said, waiver, tuple(seen), loud)


def _answers(run: Run, result: Result) -> Hashable:
    return tuple(
        (item.command, item.stdout, item.stderr) if item else line
        for line, item in _observations(run, result)
    )


def _started(run: Run, results: Sequence[Result]) -> dict[str, str]:
    found: dict[str, str] = {}
    for result in results:
        times = [item.started_at for _, item in _observations(run, result) if item]
        if times:
            found[result.host] = min(times)
    return found


def _asked(run: Run, host: HostInfo | None, result: Result, limit: int) -> list[Asked]:
    where = host.transcript if host else "the transcript"
    if result.outcome in {Outcome.PASSED, Outcome.NOT_APPLICABLE}:
        limit //= 4
    return [
        Asked(line=line, seen=seen, answers=_streams(seen, f"{where}, line {line}", limit) if seen else ())
        for line, seen in _observations(run, result)
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
