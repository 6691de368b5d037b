"""A summary in Markdown, fit for the page that a CI job shows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from pytest_aisec.catalog.control import SEVERITIES, Severity
from pytest_aisec.judge.findings import ABSENT, differences
from pytest_aisec.judge.outcome import DIFFERS, Outcome
from pytest_aisec.judge.run import AttestationInfo, HostInfo, Result, Run, Verdict, WaiverInfo, is_waived
from pytest_aisec.observe.transcript import Observation
from pytest_aisec.report.document import OfRun, whole
from pytest_aisec.report.text import compact, visible
from pytest_aisec.report.wording import OPEN

BOUND = 1_000_000
"""Bytes of the whole summary. GitHub shows none that is longer than 1 MiB."""
_SECTION = BOUND // 8
"""Bytes of the rows of one section, of which there are seven."""
_LONGEST = 300
"""Characters of one text."""
_NAMED = 10
"""Hosts that one row names."""
_VALUE = 120
"""Characters of one value of a failure."""
_THINGS = 5
"""Things that one row names with their values."""
_WAYS = 20
"""Rows of one control that differ in values; hosts with yet other values are the last of them."""
_SAFE = re.compile(r"""(?!\d+[.)](\s|$))(?!.*www\.)[\w("'](?:[\w ,.;()'"/%+?!-]|:(?=\s|$))*""", re.IGNORECASE)
"""Characters that are only text in Markdown, underscores escaped: neither markup nor part of a link."""


def render(run: Run, verdict: Verdict) -> str:
    """Return the summary of `run`; the same run gives the same text."""
    return whole(Document, run, verdict)


class Document(OfRun):
    """The summary of a run, at most `BOUND` bytes long."""

    def begin(self) -> Iterable[str]:
        """Yield nothing: it is about all hosts together."""
        return ()

    def host(
        self, host: HostInfo, results: Sequence[Result], transcript: Sequence[Observation]
    ) -> Iterable[str]:
        """Yield nothing: the run has all that is summed up."""
        del host, results, transcript
        return ()

    def end(self) -> Iterator[str]:
        """Yield the summary."""
        yield from self._head()
        yield from self._counts()
        failed = [item for item in self._run.results if item.outcome is Outcome.FAILED]
        yield from self._results("Failed", [item for item in failed if not is_waived(item)])
        yield from self._results("Open", [item for item in self._run.results if item.outcome in OPEN])
        yield from self._results("Failed and waived", [item for item in failed if is_waived(item)])
        yield from self._statements("Waivers", self._run.waivers)
        yield from self._statements("Attestations", self._run.attestations)
        yield from self._hosts()

    def _head(self) -> Iterator[str]:
        run = self._run.run
        yield f"# Gate {self._verdict.gate}\n\n"
        reasons = [f"- {text(sentence)}\n" for sentence in self._verdict.because]
        yield from _limited(reasons, "sentence")
        yield (
            f"\n{text(run.profile_title or run.profile)}, profile {text(run.profile)} "
            f"{text(run.profile_version)}, {_number(len(self._run.hosts), 'host')}, "
            f"{_number(len(self._run.distinct()), 'control')}, {text(run.started_at)}, "
            f"run {text(run.id)}, pytest-aisec {text(run.package_version)}, "
            f"{'signed by ' + text(run.signed_by) if run.signed_by else 'unsigned'}.\n\n"
        )
        members = Counter(host.group for host in self._run.hosts)
        groups = [
            f"- {text(group.name)}: {text(group.title)}, profile {text(group.profile)} "
            f"{text(group.version)}, {_number(members[group.name], 'host')}\n"
            for group in self._run.groups
        ]
        if groups:
            yield from _limited([*groups, "\n"], "groups")

    def _counts(self) -> Iterator[str]:
        ledger, scores = self._run.ledger, self._run.scores
        waived = sum(map(is_waived, self._run.results))
        names = [outcome.value.replace("_", " ") for outcome in Outcome]
        numbers = [getattr(ledger, outcome.value) for outcome in Outcome]
        cells = [f"{count} ({waived} waived)" if name == "failed" and waived else str(count)
                 for name, count in zip(names, numbers, strict=True)]  # fmt: skip
        yield from _table(("planned", *names), [(str(ledger.planned), *cells)])
        yield (
            f"\nScore: {_percent(scores.without_waivers)}; {_percent(scores.with_waivers)} with waived "
            "failures counted as passed. It is passed / (passed + failed + error + not reviewed + not run).\n"
        )
        if not ledger.is_balanced:
            yield "\n**The ledger does not balance: the counts do not add up to what was planned.**\n"

    def _results(self, title: str, results: Sequence[Result]) -> Iterator[str]:
        """Yield a section with a row for each way in which a control ended so, with its hosts."""
        if not results:
            return
        alike: dict[tuple[Severity, str], dict[str, list[Result]]] = {}
        for item in results:
            ways = alike.setdefault((item.severity, item.control), {})
            ways.setdefault(self._found(item), []).append(item)
        rows = [
            (severity, text(control), text(items[0].title), _named(items), found)
            for severity, control in sorted(alike, key=lambda key: (SEVERITIES.index(key[0]), key[1]))
            for found, items in _few(alike[severity, control])
        ]
        yield f"\n## {title}: {len(results)}\n\n"
        yield from _table(("severity", "control", "required", "hosts", "what was found"), rows)

    def _found(self, result: Result) -> str:
        """Return what was found, as Markdown: the message, and the values of a comparison that failed."""
        if not _has_values(result):
            return text(self._index.message(result))
        said = "" if result.message == DIFFERS else text(result.message)
        notes = (self._index.excuse(result), self._index.review(result))
        return "; ".join(part for part in (said, _values(result), *map(text, notes)) if part)

    def _statements(
        self, title: str, items: Sequence[WaiverInfo] | Sequence[AttestationInfo]
    ) -> Iterator[str]:
        if not items:
            return
        counts = Counter(item.state for item in items)
        states = ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
        yield f"\n## {title}: {states}\n\n"
        head = ("state", "id", "control", "hosts", "until", "by", "reason")
        yield from _table(head, [_statement(item) for item in items])

    def _hosts(self) -> Iterator[str]:
        yield f"\n## Hosts: {len(self._run.hosts)}\n\n"
        shown = (Outcome.FAILED, *OPEN, Outcome.PASSED, Outcome.NOT_APPLICABLE)
        tallies: dict[str, Counter[Outcome]] = {}
        for item in self._run.results:
            tallies.setdefault(item.host, Counter())[item.outcome] += 1
        hosts = {host.name: host.fault for host in self._run.hosts}
        hosts |= {name: "" for name in tallies if name not in hosts}
        none: Counter[Outcome] = Counter()
        worst = sorted(hosts, key=lambda name: [-tallies.get(name, none)[each] for each in shown[:4]])
        rows = [
            (text(name), *(str(tallies.get(name, none)[each]) for each in shown), text(hosts[name]))
            for name in worst
        ]
        yield from _table(("host", *(each.value.replace("_", " ") for each in shown), "fault"), rows)


def text(value: object, longest: int = _LONGEST) -> str:
    """Return a text of others as one line of Markdown that is nothing but text, cut where it is long.

    What could be markup, a link or a mention becomes a code span, in which none of that exists. A bar would
    end a cell of a table even there, so it is written as an escape.
    """
    given = str(value)
    shown = visible(given[:longest]).translate(_INVISIBLE).strip()
    rest = " …" if len(given) > longest else ""
    if not shown:
        return rest.strip()
    if _SAFE.fullmatch(shown):
        return shown.replace("_", "\\_") + rest
    ticks = "`" * (max(map(len, re.findall("`+", shown)), default=0) + 1)
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{ticks}{pad}{shown}{pad}{ticks}{rest}"


_INVISIBLE = str.maketrans({"\n": "\\n", "\t": "\\t", "|": "\\x7c"})


def _few(ways: Mapping[str, list[Result]]) -> Iterator[tuple[str, list[Result]]]:
    """Yield what was found with its results, by host; values that are too many for one control, together."""
    found = sorted(ways.items(), key=lambda entry: entry[1][0].host)
    valued = [entry for entry in found if _has_values(entry[1][0])]
    rest = valued[_WAYS - 1 :] if len(valued) > _WAYS else []
    left = {entry[0] for entry in rest}
    yield from (entry for entry in found if entry[0] not in left)
    if rest:
        yield f"{len(rest)} other ways; report.html has them", [item for _, items in rest for item in items]


def _has_values(result: Result) -> bool:
    return result.outcome is Outcome.FAILED and not (result.observed is None and result.expected is None)


def _values(result: Result) -> str:
    """Return what was observed and expected: of mappings and lists, the things that differ."""
    observed, expected = result.observed, result.expected
    things: list[str] = []
    if isinstance(observed, Mapping) and isinstance(expected, Mapping):
        things = [_difference(*item) for item in differences(observed, expected)]
    elif isinstance(observed, list | tuple) and expected in ([], (), {}):
        things = [_value(item) for item in observed]
    if not things:
        return f"observed {_value(observed)}, expected {_value(expected)}"
    more = f"; and {len(things) - _THINGS} more" if len(things) > _THINGS else ""
    return "; ".join(things[:_THINGS]) + more


def _difference(name: str, observed: object, expected: object) -> str:
    found = "absent" if observed is ABSENT else _value(observed)
    return f"{_value(name)}: {found}" + ("" if expected is ABSENT else f", expected {_value(expected)}")


def _value(value: object) -> str:
    shown = value if isinstance(value, str) else compact(value)
    if isinstance(value, list | tuple) and value:
        words = [item for item in value if isinstance(item, str)]
        shown = ", ".join(words) if len(words) == len(value) else shown
    return text(shown, _VALUE) or "(empty)"


def _statement(item: WaiverInfo | AttestationInfo) -> tuple[str, ...]:
    if isinstance(item, WaiverInfo):
        by, until, why = item.approved_by, item.expires, f"{item.reason} {item.ticket}".strip()
        why = f"{why}; {item.note}" if item.note else why
    else:
        by, until, why = item.attested_by, item.valid_until, f"{item.status}: {item.statement}"
    return (
        item.state,
        text(item.id),
        text(item.control),
        text(", ".join(item.hosts)),
        text(until),
        text(by),
        text(why),
    )


def _named(results: Sequence[Result]) -> str:
    names = [text(item.host) for item in results[:_NAMED]]
    more = len(results) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _percent(score: float | None) -> str:
    return "none, nothing counted" if score is None else f"{score:.2%}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |\n|{' --- |' * len(head)}\n"
    yield from _limited([f"| {' | '.join(row)} |\n" for row in rows], "row")


def _limited(lines: Iterable[str], what: str) -> Iterator[str]:
    """Yield lines as long as the section may be, and then how many are left out."""
    lines, size = [*lines], 0
    for number, line in enumerate(lines):
        size += len(line.encode())
        if size > _SECTION:
            left = len(lines) - number
            said = f"1 more {what} is" if left == 1 else f"{left} more {what}s are"
            yield f"\n**{said} left out here; report.html has all.**\n"
            return
        yield line
