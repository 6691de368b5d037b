"""A script that observes a machine we cannot reach, and the reading of what it printed.

The script is POSIX shell and prints lines of plain text, which survive whatever carries them here: a
terminal, a configuration manager, a file on a stick. Both streams of every answer are encoded, so that no
command can print a line of the script's own, and numbered line by line; one that is not whole to the last
line, or of which a line came twice, is not believed, and its question then has no answer. The script holds no
secret.
"""

from __future__ import annotations

import base64
import binascii
import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pytest_aisec.observe.redaction.redact import redact, redact_bytes
from pytest_aisec.observe.script.posix import SETTING
from pytest_aisec.observe.transcript import Observation

_HEAD = """\
#!/bin/sh
# Observes this machine for pytest-aisec, profile {profile}. Changes nothing, and leaves nothing behind.
# Run it as root, keep what it prints, and hand that to: aisec import {profile} FILE
# What it prints is not redacted: it holds whatever the commands below show, credentials among it.
{setting}exec 3>&1
if command -v base64 >/dev/null 2>&1; then k=base64; e() {{ base64; }}
else k=hex; e() {{ od -An -v -tx1; }}; fi
if timeout -k 1 9 true 2>/dev/null; then r() {{ timeout -k 2 {timeout} /bin/sh -c "$1"; }}
else r() {{ (eval "$1"); }}; fi
t() {{
n=0
while IFS= read -r l; do n=$((n+1)); printf '%s %s %s %s\\n' "$1" "$2" "$n" "$l"; done
printf '%s %s end %s\\n' "$1" "$2" "$n"
}}
a() {{
printf 'aisec-q %s %s\\n' "$1" "$2"
s=$({{ {{ {{ r "$3" </dev/null 2>&4 3>&- 4>&- 5>&-; echo $? >&5; }} | e | t aisec-o "$1" >&3; \\
}} 4>&1 | e | t aisec-e "$1" >&3; }} 5>&1)
printf 'aisec-x %s %s\\n' "$1" "$s"
}}
printf 'aisec-observations 1 %s %s %s %s\\n' "$(uname -n)" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$k" {count}
"""
_LINE = re.compile(r"aisec-(?P<what>[qoex]) (?P<index>\d{1,6}) (?P<rest>.*)")
_HEADER = re.compile(
    r"aisec-observations 1 (?P<host>[A-Za-z0-9_.-]{1,255}) "
    r"(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ) (?P<kind>base64|hex) (?P<count>\d{1,6})"
)
_TIMED_OUT = frozenset({124, 137, 143})
"""What timeout(1) exits with; a command that ends like this by itself is taken for one, too."""


def script(questions: Sequence[str], *, profile: str, timeout: float) -> str:
    """Return a script that asks `questions`.

    Args:
        questions: shell commands.
        profile: named in the script's comment.
        timeout: seconds for each, kept where the machine has `timeout(1)`.

    """
    parts = [
        _HEAD.format(
            setting=SETTING,
            profile=shlex.quote(profile),
            timeout=max(1, round(timeout)),
            count=len(questions),
        )
    ]
    for index, question in enumerate(questions):
        encoded = base64.b64encode(question.encode("utf-8", "surrogateescape")).decode("ascii")
        parts.append(f"a {index} {encoded} {shlex.quote(question)}\n")
    parts.append(f"printf 'aisec-end {len(questions)}\\n'\n")
    return "".join(parts)


@dataclass(frozen=True, kw_only=True)
class Carried:
    """Output of one run of the script."""

    host: str
    """The machine's own name."""
    started_at: datetime
    """UTC, by the machine's clock."""
    observations: Sequence[Observation]
    """Whole answers only."""
    lost: int
    """Questions whose answer did not arrive whole."""


@dataclass
class _Parts:
    question: str | None = None
    streams: dict[str, list[str]] = field(default_factory=lambda: {"o": [], "e": []})
    lengths: dict[str, int] = field(default_factory=dict)
    exit_status: int | None = None
    is_broken: bool = False

    def take(self, what: str, rest: str) -> None:
        if what == "q":
            self.is_broken |= self.question is not None
            self.question = rest
        elif what == "x":
            self.is_broken |= self.exit_status is not None or not re.fullmatch(r"[0-9]{1,3}", rest)
            self.exit_status = int(rest) if not self.is_broken else None
        else:
            number, _, text = rest.partition(" ")
            if number == "end" and re.fullmatch(r"[0-9]{1,9}", text) and what not in self.lengths:
                self.lengths[what] = int(text)
            elif number == str(len(self.streams[what]) + 1) and what not in self.lengths:
                self.streams[what].append(text)
            else:
                self.is_broken = True

    def observation(self, kind: str, at: str) -> Observation | None:
        whole = {what: len(lines) for what, lines in self.streams.items()} == self.lengths
        if self.is_broken or not whole or self.question is None or self.exit_status is None:
            return None
        try:
            command = base64.b64decode(self.question, validate=True).decode("utf-8", "surrogateescape")
            stdout, stderr = (_decoded("".join(self.streams[what]), kind) for what in "oe")
        except (binascii.Error, ValueError):
            return None
        late = self.exit_status in _TIMED_OUT
        return Observation(
            command=redact(command),
            exit_status=None if late else self.exit_status,
            stdout=redact_bytes(stdout),
            stderr=redact_bytes(stderr),
            started_at=at,
            duration_ms=0,
            fault="timeout" if late else None,
            detail="the command did not end in time" if late else "",
        )


def _decoded(text: str, kind: str) -> bytes:
    return base64.b64decode(text, validate=True) if kind == "base64" else bytes.fromhex(text)


def read(text: str) -> Carried:
    """Return what is whole in the output of the script, whatever stands around it.

    Raises:
        ValueError: when the output holds no observations, or those of several runs.

    """
    headers: list[re.Match[str]] = []
    parts: dict[int, _Parts] = {}
    for line in _stripped(text.splitlines()):
        header = _HEADER.fullmatch(line)
        if header:
            headers.append(header)
        found = _LINE.fullmatch(line)
        if found:
            parts.setdefault(int(found["index"]), _Parts()).take(found["what"], found["rest"])
    if len(headers) != 1:
        raise ValueError(
            "holds the output of several runs" if headers else "is not the output of a collect-script"
        )
    header = headers[0]
    at = header["time"]
    whole = [
        observation
        for index, part in sorted(parts.items())
        if (observation := part.observation(header["kind"], at.removesuffix("Z") + ".000Z")) is not None
    ]
    return Carried(
        host=header["host"],
        started_at=datetime.fromisoformat(at).astimezone(UTC),
        observations=whole,
        lost=max(0, int(header["count"]) - len(whole)),
    )


def _stripped(lines: Iterable[str]) -> Iterable[str]:
    """Yield lines without what carriers put around them: carriage returns and indentation."""
    return (line.strip("\r\t ") for line in lines)
