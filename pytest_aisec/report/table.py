"""CSV for spreadsheets and scripts: RFC 4180, one row a result, nothing that a spreadsheet would execute."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

from pytest_aisec.judge.findings import first_seen
from pytest_aisec.judge.run import HostInfo, Result, Run, Verdict, is_waived
from pytest_aisec.observe.transcript import Observation
from pytest_aisec.report.document import whole
from pytest_aisec.report.text import compact
from pytest_aisec.report.wording import Index, short

HEADER = (
    "run",
    "started_at",
    "profile",
    "profile_version",
    "host",
    "control",
    "title",
    "severity",
    "outcome",
    "waived",
    "reason",
    "message",
    "expected",
    "observed",
    "waiver",
    "waiver_state",
    "waiver_reason",
    "waiver_approved_by",
    "waiver_expires",
    "attestation",
    "attestation_state",
    "frameworks",
    "remediation",
    "transcript",
    "lines",
    "duration_ms",
    "findings",
    "first_seen",
)
_FORMULA = re.compile(r"^(?=\s*[=+\-@\uff1d\uff0b\uff0d\uff20])|(?<=;)(?=\s*[=+\-@\uff1d\uff0b\uff0d\uff20])")
"""Where a spreadsheet would begin a formula: at the start, and after a semicolon, which some countries'
spreadsheets take for the separator. The full-width signs count as well in East Asian ones."""
_INVISIBLE = str.maketrans({"\n": "\\n", "\t": "\\t"})


def render(run: Run, verdict: Verdict) -> str:
    """Return the CSV document of `run`; the same run gives the same text."""
    return whole(Document, run, verdict)


class Document:
    """The CSV document of a run: a row for each result."""

    def __init__(self, run: Run, verdict: Verdict) -> None:
        del verdict  # a row is about one result
        self._run = run
        self._index = Index(run)

    def begin(self) -> Iterator[str]:
        """Yield the names of the columns."""
        yield _lines([HEADER])

    def host(
        self, host: HostInfo, results: Sequence[Result], transcript: Sequence[Observation]
    ) -> Iterator[str]:
        """Yield the rows of one host."""
        del transcript  # the lines in it are named, and their text is in the bundle
        yield _lines([cell(value) for value in self._row(host, result)] for result in results)

    def end(self) -> Iterable[str]:
        """Yield nothing."""
        return ()

    def _row(self, host: HostInfo, result: Result) -> Iterator[object]:
        run, control = self._run.run, self._index.control(result)
        waiver = self._index.waiver(result)
        own = self._run.profile_of(host)
        yield from (run.id, run.started_at, own.profile, own.version)
        yield from (host.name, result.control, result.title, result.severity, result.outcome.value)
        yield "yes" if is_waived(result) else "no"
        yield from (result.reason, result.message, _data(result.expected), _data(result.observed))
        yield from (result.waiver.id, result.waiver.state) if result.waiver else ("", "")
        yield from (waiver.reason, waiver.approved_by, waiver.expires) if waiver else ("", "", "")
        yield from (result.attestation.id, result.attestation.state) if result.attestation else ("", "")
        yield " ".join(f"{key}:{name}" for key, ids in sorted(control.frameworks.items()) for name in ids)
        yield from (control.remediation, host.transcript)
        yield " ".join(map(str, result.observations))
        yield result.duration_ms
        found = self._index.findings(result)
        yield from (" ".join(item.id for item in found), first_seen(found))


def cell(value: object) -> str:
    """Return what stands in a cell: one line, bounded, all of it visible, and never a formula."""
    return _FORMULA.sub("'", short(value).translate(_INVISIBLE))


def _data(value: object) -> str:
    return "" if value is None else compact(value)


def _lines(rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()
