"""Output for GitHub Actions: annotations, folded parts of the log, and the job's summary.

GitHub acts on lines of a step's log that look like its commands. What hosts answer must never be one, so the
log is closed for commands, under a token that nobody can guess, whenever it is not we who write.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from pytest_aisec.catalog.control import SEVERITIES, Severity
from pytest_aisec.judge.outcome import Outcome
from pytest_aisec.judge.run import Result, Run, Verdict, is_waived
from pytest_aisec.report import markdown
from pytest_aisec.report.terminal import Line, Section
from pytest_aisec.report.text import compact, visible

VARIABLES = ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY")
"""Variables read from the environment."""
LEVELS: Mapping[Severity, str] = {"critical": "error", "high": "error", "medium": "warning", "low": "notice"}
"""Severity of a failed control → level of its annotation."""
MOST = 10
"""Annotations of one level that GitHub shows of one step."""
LARGEST = 1024 * 1024
"""Bytes that GitHub takes of one step's summary; of a larger one it shows nothing."""
_NAMED = 5
"""Hosts that one annotation names."""
_LONGEST = 500
"""Characters of what one annotation says of what was found."""
_LEFT_OUT = (
    "\n\n**The rest is left out: GitHub shows no summary above 1 MiB. summary.md in the bundle has all.**\n"
)
# A command begins a line, after white space, or stands after `##[` anywhere. Where GitHub's runner compares,
# it may skip characters that nobody sees; none of them is in ASCII.
_COMMAND = re.compile(r"(?m)^([^!-~\n]*):(?=[^\0-\x7f]*:)|(#[^\0-\x7f]*#[^\0-\x7f]*)\[")


def is_heeded(environ: Mapping[str, str]) -> bool:
    """Tell whether what is printed here is read by GitHub Actions."""
    return environ.get("GITHUB_ACTIONS") == "true"


def harmless(text: str) -> str:
    r"""Return text of others in which no line is a command: `::` at the beginning becomes `\x3a:`."""
    return _COMMAND.sub(
        lambda found: f"{found[1]}\\x3a" if found[1] is not None else f"{found[2]}\\x5b", text
    )


def command(name: str, message: str, **properties: str) -> str:
    """Return the line that makes GitHub do `name`."""
    given = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{name}{' ' if given else ''}{given}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


class Log:
    """The log of a step, closed for commands except where our own are written.

    Args:
        token: gives a new word, which nobody can guess, each time when the log is closed.

    """

    def __init__(self, token: Callable[[], str] = lambda: secrets.token_hex(16)) -> None:
        self._token = token
        self._closed = ""

    def close(self) -> Iterator[str]:
        """Yield the line after which GitHub takes nothing for a command."""
        if not self._closed:
            self._closed = self._token()
            yield command("stop-commands", self._closed)

    def open(self) -> Iterator[str]:
        """Yield the line after which GitHub heeds commands again."""
        if self._closed:
            yield command(self._closed, "")
            self._closed = ""

    def summary(self, sections: Iterable[Section], commands: Sequence[str]) -> Iterator[Line]:
        """Yield the lines of a summary, with its details folded, and then `commands`."""
        yield from _plain(self.open())
        for section in sections:
            title = harmless(section.title)
            if section.is_detail:
                yield command("group", title), {}
            elif title:
                yield f"---- {title} ----", section.markup
            for line, markup in section.lines:
                yield harmless(line), markup
            if section.is_detail:
                yield command("endgroup", ""), {}
        yield from _plain(commands)
        yield from _plain(self.close())


def _plain(lines: Iterable[str]) -> Iterator[Line]:
    """Yield lines without markup: after an escape sequence, a command is none."""
    for line in lines:
        yield line, {}


def files(digests: Mapping[str, str]) -> Section:
    """Return a section with the files of a bundle and their digests: the log keeps them, too."""
    lines = _plain(visible(f"{digest}  {path}") for path, digest in sorted(digests.items()))
    return Section(title=f"evidence: {len(digests)} files, with SHA-256", lines=lines, is_detail=True)


def annotate(run: Run, verdict: Verdict) -> Iterator[str]:
    """Yield the commands that annotate the job: each control that failed, and why a run is inconclusive.

    Of each level there are at most as many as GitHub shows; the last one then says how many more there are.
    """
    if verdict.gate == "inconclusive":
        said = harmless(visible("\n".join(verdict.because)))
        yield command("warning", said, title="Gate inconclusive")
    levels: dict[str, list[list[Result]]] = {}
    for alike in _alike(run):
        levels.setdefault(LEVELS[alike[0].severity], []).append(alike)
    for level, failures in levels.items():
        room = MOST - (level == "warning" and verdict.gate == "inconclusive")
        shown = failures if len(failures) <= room else failures[: room - 1]
        for alike in shown:
            yield _annotation(level, alike)
        if len(shown) < len(failures):
            left = f"{len(failures) - len(shown)} more controls failed"
            yield command(level, f"{left}: the job's summary and the bundle name them", title=left)


def _alike(run: Run) -> list[list[Result]]:
    """Return what failed and is not waived, by control, the most severe first."""
    found: dict[tuple[int, str], list[Result]] = {}
    for item in run.results:
        if item.outcome is Outcome.FAILED and not is_waived(item):
            found.setdefault((SEVERITIES.index(item.severity), item.control), []).append(item)
    return [found[key] for key in sorted(found)]


def _annotation(level: str, alike: Sequence[Result]) -> str:
    first = alike[0]
    hosts = ", ".join(item.host for item in alike[:_NAMED])
    more = f" and {len(alike) - _NAMED} more" if len(alike) > _NAMED else ""
    found = first.message
    if first.observed is not None or first.expected is not None:
        found = f"observed: {compact(first.observed)}, expected: {compact(first.expected)}"
    if len(found) > _LONGEST:
        found = f"{found[:_LONGEST]}…"
    only = f"on {first.host}, " if len(alike) > 1 else ""
    lines = [first.title, f"on {hosts}{more}", f"{only}{found}"]
    title = f"{first.control} {first.severity}"
    return command(level, harmless(visible("\n".join(lines))), title=harmless(visible(title)))


def append_summary(path: Path, run: Run, verdict: Verdict, problem: str) -> str:
    """Add a run to the summary of a job; return why it could not be done, or nothing.

    Args:
        path: the file that GitHub names in GITHUB_STEP_SUMMARY; what it holds stays.
        run: the run.
        verdict: what the gate decided.
        problem: why there is no bundle, if so.

    """
    # All of it comes at the end: it is about all hosts together.
    text = "".join(markdown.Document(run, verdict).end())
    if problem:
        text += f"\n**No evidence was written:** {markdown.text(problem)}\n"
    try:
        with path.open("ab+") as stream:
            before = stream.tell()
            stream.seek(max(0, before - 1))
            separator = "" if stream.read(1) in {b"", b"\n"} else "\n"
            content = _fitting(f"{separator}{text}", LARGEST - before)
            stream.write(content)
    except OSError as error:
        return f"GITHUB_STEP_SUMMARY {path}: cannot be written: {error.strerror}"
    if not content:
        return f"GITHUB_STEP_SUMMARY {path}: is full, GitHub takes no more than 1 MiB of one step"
    return ""


def _fitting(text: str, room: int) -> bytes:
    """Return the whole lines of `text` for which there is room, with a word about the rest."""
    content, note = text.encode(), _LEFT_OUT.encode()
    if len(content) <= room:
        return content
    kept = content[: max(0, room - len(note))].rpartition(b"\n")[0]
    return kept + note if kept else b""
