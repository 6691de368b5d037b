"""Commands as one framed shell script, so that an answer is either whole or not believed.

Every command runs in a shell of its own, without input, under the C locale and with the system
directories on PATH. Its output and exit status stand between markers on both streams. The marker is a
fresh random number that the script itself holds only in two halves, so that nothing on the target,
not even a listing of processes, can show it by accident.
"""

from __future__ import annotations

import re
import secrets
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

_PRELUDE = """\
n={first} m={second}
LC_ALL=C PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
export LC_ALL PATH
if timeout -k 1 9 true 2>/dev/null; then t='timeout -k 2 {timeout}'; \
elif timeout 9 true 2>/dev/null; then t='timeout {timeout}'; else t=; fi
f() {{ printf '\\n%s%s%s\\n' "$n" "$m" "$1"; printf '\\n%s%s%s\\n' "$n" "$m" "$1" >&2; }}
"""
_ASK = """\
f '<{index}'
$t /bin/sh -c {question} </dev/null
f ">{index} $?"
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Framed:
    """The whole answer to one question of a batch."""

    exit_status: int
    stdout: bytes
    stderr: bytes


class Batch:
    """One script for some questions, and the reading of what it printed.

    Args:
        questions: shell commands, asked in this order; none affects the next.
        timeout: seconds for each, kept on the target where it has `timeout(1)`.

    """

    def __init__(self, questions: Sequence[str], *, timeout: float) -> None:
        token = secrets.token_hex(16)
        first, second = token[:16], token[16:]
        self._token = token.encode()
        self._count = len(questions)
        self.script = _PRELUDE.format(first=first, second=second, timeout=max(1, round(timeout))) + "".join(
            _ASK.format(index=index, question=shlex.quote(question))
            for index, question in enumerate(questions)
        )

    def is_complete(self, stdout: bytes | bytearray, stderr: bytes | bytearray) -> bool:
        """Tell whether the last end marker has come on both streams (nothing of interest can follow)."""
        end = b"\n%s>%d " % (self._token, self._count - 1)
        return all(
            (at := stream.rfind(end)) >= 0 and stream.find(b"\n", at + 1) >= 0 for stream in (stdout, stderr)
        )

    def began(self, stdout: bytes) -> bool:
        """Tell whether a shell on the target has run any part of the script."""
        return self._token in stdout

    def read(self, stdout: bytes, stderr: bytes) -> list[Framed | None]:
        """Return the answers in order, `None` for each that is not whole on both streams."""
        return [self._one(index, stdout, stderr) for index in range(self._count)]

    def partial(self, stdout: bytes, stderr: bytes, index: int = 0) -> tuple[bytes, bytes]:
        """Return what came of an answer that is not whole."""
        begin = b"\n%s<%d\n" % (self._token, index)
        parts = [stream.partition(begin)[2] for stream in (stdout, stderr)]
        return parts[0], parts[1]

    def _one(self, index: int, stdout: bytes, stderr: bytes) -> Framed | None:
        frame = re.compile(
            rb"\n%s<%d\n(.*?)\n%s>%d (\d+)\n" % (self._token, index, self._token, index), re.DOTALL
        )
        out, err = frame.search(stdout), frame.search(stderr)
        if out is None or err is None:
            return None
        return Framed(exit_status=int(out.group(2)), stdout=out.group(1), stderr=err.group(1))
