"""Commands as one framed shell script, so that an answer is either whole or not believed.

Every command runs in a subshell, without input, under the C locale and with the system directories first on
PATH. Before the first answer, between two and behind the last, a marker stands on both streams, with the
exit status. Nobody on the target can write one:

- Each marker is a random number of its own, used once and shown only when the answer before it has ended.
- The script reaches its shell on standard input. No argument, environment, file or name holds it; the
  markers are in the memory of the shell alone, which prints them itself.
- Where a transport can only pass a script as an argument, which every account can read, both streams of
  every answer are encoded on the target: whatever a command prints, it prints no marker. The script is
  encoded, too, so that a listing of processes holds no word of a question.

What the script needs of a target is `/bin/sh` with `printf` and `sleep`: no temporary file, no `timeout`, no
program for the framing (`base64` where answers are encoded). A plain command costs one process. A
watchdog in the script ends a command that takes too long, and the script with it, so that nothing the command
left behind can write into a later answer.
"""

from __future__ import annotations

import base64
import re
import secrets
import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from pytest_aisec.observe.transport import process

ROOM = 96 * 1024
"""Bytes of a script. Linux holds 128 KiB in one argument, and transports quote the script once or twice."""

SETTING = """\
LC_ALL=C PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:$PATH"
export LC_ALL PATH
ulimit -c 0 2>/dev/null
"""
"""What every script begins with: only root can put a program before those of the system.

And what crashes leaves no core file behind, which may hold what root has read.
"""
_PRELUDE = """\
f() {{ printf '\\n%s%s\\n' "$1" "$2"; printf '\\n%s%s\\n' "$1" "$2" >&2; }}
p() {{
if test -r /proc/self/stat
then for s in /proc/[0-9]*/stat
do read -r l <"$s" && {{ k=${{l##*) }}; k=${{k#? }}; printf '%s:%s ' "${{l%% *}}" "${{k%% *}}"; }}
done
else ps -A -o pid= -o ppid= | while read -r l k; do printf '%s:%s ' "$l" "$k"; done
fi 2>/dev/null
}}
w() {{
trap 'kill $z 2>/dev/null; exit 0' TERM
o= c=0
while :
do sleep {tick} </dev/null >/dev/null 2>&1 & z=$!
wait $z || exit 0
kill -0 $$ 2>/dev/null || exit 0
test "$u" || read -r u l 2>/dev/null </proc/self/stat || u=$(/bin/sh -c 'echo $PPID')
a=$(p) q=
for x in $a
do case $x in "$u:$$") ;; *":$$") q=${{x%%:*}};; esac
done
if test "$q" && test "$q" = "$o"; then c=$((c+1)); else o=$q c=1; fi
test "$q" && test $c -gt {ticks} || continue
k=" $q " g=1
while test "$g"
do g=
for x in $a
do case $k in *" ${{x%%:*}} "*) ;; *" ${{x##*:}} "*) k="$k${{x%%:*}} " g=1;; esac
done
done
kill -0 $q 2>/dev/null || continue
f {watchdog} '!'
kill -9 $$ $k
exit 0
done
}}
u=
w & w=$!
"""
_CARRIED = """\
command -v base64 >/dev/null 2>&1 || {{ echo 'there is no base64 to carry answers' >&2; exit 127; }}
eval "$(printf %s {script} | base64 -d)"
"""
_ENCODER = """\
e() { base64 2>/dev/null; }
exec 3>&1 6>&2
"""
_ENCODED = """\
s=$({{ {{ {{ {question} 5>&-; echo $? >&5; }} 2>&4 3>&- 4>&- 6>&- | e >&3; }} 4>&1 | e >&6; }} 5>&1)
f {token} ">$s"
"""
_LAST = "kill $w 2>/dev/null\n"
_FULL = 3
"""How many times the length of the longest answer a script may print: more than one on both streams."""
_TAIL = "f . ''\n"
"""What follows the last marker where a transport drops the last empty lines."""
_PLAIN = re.compile(r"(?:[A-Za-z0-9_./:,@%+-]+|'[^'\n]*')(?: +(?:[A-Za-z0-9_./:=,@%+-]|'[^'\n]*')+)*")
"""One program with arguments, nothing for the shell to do but to run it."""
_KEYWORDS = re.compile(
    r"(if|then|else|elif|fi|for|while|until|do|done|case|esac|in|function|select|time|coproc)( |$)"
)
_SHELL_OF_ITS_OWN = re.compile(r"\$\$|\bPPID\b|\bBASHPID\b")
"""What means the shell's own process, and would hit the whole script."""
_BACKGROUND = re.compile(r"(?<![&<>|\\])&(?![&>])|\b(nohup|setsid|coproc|disown|at|batch)\b")


@dataclass(frozen=True, kw_only=True, slots=True)
class Framed:
    """The whole answer to one question of a batch."""

    exit_status: int
    stdout: bytes
    stderr: bytes


class Marker(NamedTuple):
    """Place of a marker in a stream, and the exit status that it tells."""

    start: int
    end: int
    status: int


_BEGINS, _ENDS = re.compile(rb"<()\n"), re.compile(rb">([0-9]{1,4})\n")


class Following(process.Watch, Protocol):
    """Follows what a script prints while it grows."""

    times: dict[int, float]
    """Question → the monotonic time at which its answer had come."""


class Script(Protocol):
    """Questions as one script in the language of a host's shell, and the reading of what it printed."""

    count: int
    script: str

    def watch(self, cap: int) -> Following:
        """Return a look-out for what the script prints; longer answers than `cap` bytes are cut."""

    def began(self, stdout: bytes) -> bool:
        """Tell whether a shell on the target has run any part of the script."""

    def begun(self, stdout: bytes) -> int:
        """Return the number of the question that was being asked last; -1 before the first."""

    def ended_by_watchdog(self, stdout: bytes) -> bool:
        """Tell whether the target itself has ended the last question, because its time was up."""

    def read(self, stdout: bytes, stderr: bytes) -> list[Framed | None]:
        """Return the answers in order, `None` for each that is not whole."""

    def partial(self, stdout: bytes, stderr: bytes, index: int = 0) -> tuple[bytes, bytes]:
        """Return what came of an answer that is not whole."""


def may_leave_writers(question: str) -> bool:
    """Tell whether `question` may leave a process behind that writes into the answer of the next."""
    outside = question if "/bin/sh -c" in question else re.sub(r"'[^']*'", "''", question)
    return _BACKGROUND.search(outside) is not None


def size(question: str) -> int:
    """Return about how many bytes `question` takes in a script that transports quote again."""
    return 80 + len(shlex.quote(shlex.quote(shlex.quote(question))).encode("utf-8", "replace"))


def _asking(question: str) -> str:
    """Return a shell command that runs `question` in a process of its own, whatever is in it."""
    if _SHELL_OF_ITS_OWN.search(question):
        return f"/bin/sh -c {shlex.quote(question)} </dev/null"
    if _PLAIN.fullmatch(question) and not _KEYWORDS.match(question):
        return f"({question}) </dev/null"
    return f"(eval {shlex.quote(question)}) </dev/null"


class Batch:
    """One script for some questions, and the reading of what it printed.

    Args:
        questions: shell commands, asked in this order; none affects the next.
        timeout: seconds for each, kept on the target.
        encoded: for a script that becomes an argument, where every account can read it.

    """

    def __init__(self, questions: Sequence[str], *, timeout: float, encoded: bool = False) -> None:
        self.count = len(questions)
        self.timeout = timeout
        self.encoded = encoded
        tokens = [secrets.token_hex(16) for _ in range(self.count + 1)]
        watchdog = secrets.token_hex(16)
        self._heads = [b"\n%s" % token.encode() for token in tokens]
        self._late = b"\n%s!\n" % watchdog.encode()
        tick = max(1, round(timeout / 5))
        ticks = -(-max(1, round(timeout)) // tick)
        parts = [
            "" if encoded else "{\n",
            SETTING,
            _PRELUDE.format(watchdog=watchdog, tick=tick, ticks=ticks),
            _ENCODER if encoded else "",
            f"f {tokens[0]} '<'\n",
        ]
        for question, token in zip(questions, tokens[1:], strict=True):
            asking = _asking(question)
            parts.append(
                _ENCODED.format(question=asking, token=token) if encoded else f'{asking}\nf {token} ">$?"\n'
            )
        # The braces have the shell read all of it before it runs any of it.
        parts += [_TAIL, _LAST] if encoded else [_LAST, "exit 0\n}\n"]
        self.script = "".join(parts)
        if encoded:
            data = self.script.encode("utf-8", "surrogateescape")
            self.script = _CARRIED.format(script=base64.b64encode(data).decode("ascii"))

    def watch(self, cap: int) -> Watch:
        """Return a look-out for what the script prints; longer answers than `cap` bytes are cut."""
        return Watch(self, 2 * cap + 1024 if self.encoded else cap)

    def began(self, stdout: bytes) -> bool:
        """Tell whether a shell on the target has run any part of the script."""
        return self.marker(0, stdout, 0) is not None

    def begun(self, stdout: bytes) -> int:
        """Return the number of the question that was being asked last; -1 before the first."""
        return min(len(self.markers(stdout)), self.count) - 1

    def ended_by_watchdog(self, stdout: bytes) -> bool:
        """Tell whether the target itself has ended the last question, because its time was up."""
        return self._late in stdout

    def read(self, stdout: bytes, stderr: bytes) -> list[Framed | None]:
        """Return the answers in order, `None` for each that is not whole on both streams."""
        out, err = self.markers(stdout), self.markers(stderr)
        whole = min(len(out), len(err)) - 1
        return [
            self._framed((stdout, stderr), out[index : index + 2], err[index : index + 2])
            if index < whole
            else None
            for index in range(self.count)
        ]

    def _framed(
        self, streams: tuple[bytes, bytes], out: Sequence[Marker], err: Sequence[Marker]
    ) -> Framed | None:
        if out[1].status != err[1].status:
            return None
        parts = [stream[at[0].end : at[1].start] for stream, at in zip(streams, (out, err), strict=True)]
        if self.encoded:
            try:
                parts = [base64.b64decode(part.replace(b"\n", b""), validate=True) for part in parts]
            except ValueError:
                return None
        return Framed(exit_status=out[1].status, stdout=parts[0], stderr=parts[1])

    def partial(self, stdout: bytes, stderr: bytes, index: int = 0) -> tuple[bytes, bytes]:
        """Return what came of an answer that is not whole; nothing of one that is encoded."""
        parts = []
        for stream in (stdout, stderr):
            found = self.markers(stream)
            if index >= len(found) or self.encoded:
                parts.append(b"")
                continue
            end = found[index + 1].start if index + 1 < len(found) else len(stream)
            parts.append(stream[found[index].end : end].partition(self._late)[0])
        return parts[0], parts[1]

    def markers(self, stream: bytes | bytearray) -> list[Marker]:
        """Return the markers in `stream`, in order, up to the first that has not come."""
        found: list[Marker] = []
        while marker := self.marker(len(found), stream, found[-1].end if found else 0):
            found.append(marker)
        return found

    def marker(self, number: int, stream: bytes | bytearray, start: int) -> Marker | None:
        """Return the marker of that number, if it stands whole in `stream` from `start` on."""
        if number > self.count:
            return None
        head = self._heads[number]
        at = stream.find(head, start)
        tail = (_ENDS if number else _BEGINS).match(stream, at + len(head)) if at >= 0 else None
        return Marker(start=at, end=tail.end(), status=int(tail[1] or 0)) if tail else None


class Watch:
    """Follows both output streams of a batch while they grow.

    Attributes:
        complete: the last marker has come on both streams; nothing of interest can follow.
        too_long: the answer that is coming is longer than the cap.
        full: the answers together are longer than a script's may be; those that are whole count.
        progress: how many markers have come on stdout.
        times: the monotonic time at which each answer was seen to have ended.

    """

    def __init__(self, batch: Batch, cap: int) -> None:
        self._batch = batch
        self._cap = cap
        self._seen = [0, 0]
        self._last = [0, 0]
        self._next = [0, 0]
        self.complete = self.too_long = self.full = False
        self.progress = 0
        self.times: dict[int, float] = {}

    def look(self, stdout: bytearray, stderr: bytearray) -> None:
        """Take in what has come since the last look."""
        ended = self._batch.count + 1
        for which, stream in enumerate((stdout, stderr)):
            while marker := self._batch.marker(self._next[which], stream, self._seen[which]):
                self._seen[which] = self._last[which] = marker.end
                if which == 0 and self.progress:
                    self.times[self.progress - 1] = time.monotonic()
                self._next[which] += 1
                self.progress = self._next[0]
            self._seen[which] = max(self._seen[which], len(stream) - 64)
            self.too_long |= len(stream) - self._last[which] > self._cap and self._next[which] < ended
        self.full = len(stdout) + len(stderr) > _FULL * self._cap
        self.complete = min(self._next) == ended
