"""Commands as one framed shell script, so that an answer is either whole or not believed.

Every command runs in a subshell, without input, under the C locale and with the system directories on
PATH. Its output and exit status stand between markers on both streams. The marker is a fresh random number
that the script itself holds only in two halves, so that nothing on the target, not even a listing of
processes, can show it by accident.

What the script needs of a target is `/bin/sh` with `printf` and `sleep`: no temporary file, no `timeout`, no
program for the framing. A plain command costs one process. A watchdog in the script ends a command that
takes too long, and the script with it, so that nothing the command left behind can write into a later answer.
"""

from __future__ import annotations

import re
import secrets
import shlex
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from pytest_aisec.observe import bounded

ROOM = 96 * 1024
"""Bytes of a script. Linux holds 128 KiB in one argument, and transports quote the script once or twice."""

BEGINS = 'LC_ALL=C PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"\n'
"""How every script begins: where it is an argument of a process, that process is the audit's own."""

_PRELUDE = (
    BEGINS
    + """\
export LC_ALL PATH
f() {{ printf '\\n%s%s%s\\n' {first} {second} "$1"; printf '\\n%s%s%s\\n' {first} {second} "$1" >&2; }}
g() {{
printf '\\n%s%s>%s\\n\\n%s%s<%s\\n' {first} {second} "$1" {first} {second} "$2"
printf '\\n%s%s>%s\\n\\n%s%s<%s\\n' {first} {second} "$1" {first} {second} "$2" >&2
}}
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
f '!'
kill -9 $$ $k
exit 0
done
}}
u=
w & w=$!
f '<0'
"""
)
_NEXT = 'g "{index} $?" {following}\n'
_LAST = 'f ">{index} $?"\nkill $w 2>/dev/null\n'
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


class Following(bounded.Watch, Protocol):
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

    """

    def __init__(self, questions: Sequence[str], *, timeout: float) -> None:
        token = secrets.token_hex(16)
        first, second = token[:16], token[16:]
        self._token = token.encode()
        self._marker = re.compile(rb"\n%s(?:<(\d+)|>(\d+) (\d+)|(!))\n" % self._token)
        self.count = len(questions)
        self.timeout = timeout
        tick = max(1, round(timeout / 5))
        ticks = -(-max(1, round(timeout)) // tick)
        parts = [_PRELUDE.format(first=first, second=second, tick=tick, ticks=ticks)]
        for index, question in enumerate(questions):
            frame = _LAST if index == self.count - 1 else _NEXT
            parts += [_asking(question), "\n", frame.format(index=index, following=index + 1)]
        self.script = "".join(parts)

    def watch(self, cap: int) -> Watch:
        """Return a look-out for what the script prints; longer answers than `cap` bytes are cut."""
        return Watch(self, cap)

    def began(self, stdout: bytes) -> bool:
        """Tell whether a shell on the target has run any part of the script."""
        return self._token in stdout

    def begun(self, stdout: bytes) -> int:
        """Return the number of the question that was being asked last; -1 before the first."""
        return max((int(found[1]) for found in self.markers(stdout) if found[1] is not None), default=-1)

    def ended_by_watchdog(self, stdout: bytes) -> bool:
        """Tell whether the target itself has ended the last question, because its time was up."""
        return any(found[4] is not None for found in self.markers(stdout))

    def read(self, stdout: bytes, stderr: bytes) -> list[Framed | None]:
        """Return the answers in order, `None` for each that is not whole on both streams."""
        out, err = self._frames(stdout), self._frames(stderr)
        return [
            Framed(exit_status=out[index][0], stdout=out[index][1], stderr=err[index][1])
            if index in out and index in err and out[index][0] == err[index][0]
            else None
            for index in range(self.count)
        ]

    def partial(self, stdout: bytes, stderr: bytes, index: int = 0) -> tuple[bytes, bytes]:
        """Return what came of an answer that is not whole."""
        begin = b"\n%s<%d\n" % (self._token, index)
        end = b"\n" + self._token
        parts = [stream.partition(begin)[2].partition(end)[0] for stream in (stdout, stderr)]
        return parts[0], parts[1]

    def markers(self, stream: bytes | bytearray, start: int = 0) -> Iterator[re.Match[bytes]]:
        """Yield the markers in `stream` from `start` on."""
        return self._marker.finditer(stream, start)

    def _frames(self, stream: bytes) -> dict[int, tuple[int, bytes]]:
        frames: dict[int, tuple[int, bytes]] = {}
        at, index = 0, -1
        for marker in self.markers(stream):
            if marker[1] is not None:
                at, index = marker.end(), int(marker[1])
            elif marker[2] is not None and int(marker[2]) == index:
                frames.setdefault(index, (int(marker[3]), stream[at : marker.start()]))
                index = -1
            else:
                index = -1
        return frames


class Watch:
    """Follows both output streams of a batch while they grow.

    Attributes:
        complete: the last end marker has come on both streams; nothing of interest can follow.
        too_long: the answer that is coming is longer than the cap.
        progress: how many markers have come on stdout.
        times: the monotonic time at which each of them was seen.

    """

    def __init__(self, batch: Batch, cap: int) -> None:
        self._batch = batch
        self._cap = cap
        self._seen = [0, 0]
        self._last = [0, 0]
        self._ended = [False, False]
        self.complete = self.too_long = False
        self.progress = 0
        self.times: dict[int, float] = {}

    def look(self, stdout: bytearray, stderr: bytearray) -> None:
        """Take in what has come since the last look."""
        for which, stream in enumerate((stdout, stderr)):
            for marker in self._batch.markers(stream, self._seen[which]):
                self._seen[which] = marker.end() - 1
                self._last[which] = marker.end()
                if which == 0:
                    self.progress += 1
                if marker[2] is not None:
                    if which == 0:
                        self.times[int(marker[2])] = time.monotonic()
                    self._ended[which] |= int(marker[2]) == self._batch.count - 1
            self._seen[which] = max(self._seen[which], len(stream) - 80)
            self.too_long |= len(stream) - self._last[which] > self._cap and not self._ended[which]
        self.complete = all(self._ended)
