"""Several commands in one question, so that a control which needs them all waits once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["Answer", "problem", "read_together", "together"]

_MARK = re.compile(r"\n\x01#(\d+|end)\n")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What one of the commands printed."""

    stdout: str
    stderr: str
    status: int
    """Exit status."""

    @property
    def is_missing(self) -> bool:
        """Whether there is no such tool."""
        return self.status in {126, 127}

    @property
    def complaint(self) -> str:
        """The first line on stderr, empty where there is none."""
        return self.stderr.strip().partition("\n")[0]

    def fault(self, what: str) -> Unobservable | None:
        """Return why this is no whole answer; `None` where the command ended well and in silence."""
        if self.is_missing:
            return Unobservable("tool_missing", f"{what}: {self.complaint or 'not installed'}")
        if self.status == 0 and not self.complaint:
            return None
        return problem(f"{what}: {self.complaint or f'exit status {self.status}'}")


def problem(text: str) -> Unobservable:
    """Return what a complaint of a tool means: `privilege` or `unreadable`."""
    denied = re.search(r"[Pp]ermission denied|not permitted|must be root|superuser", text)
    return Unobservable("privilege" if denied else "unreadable", text)


def together(host: Host, *commands: str, arguments: tuple[str, ...] = ()) -> tuple[Answer, ...]:
    """Run `commands` one after the other and return what each printed.

    For output that only root decides about: whoever may write control characters into it could pass one
    answer off as another.

    Args:
        host: the host to ask.
        commands: constants as for `host.run`, with `%s` for arguments.
        arguments: for all commands, in their order.

    Raises:
        Unobservable: `parse`, when the answers cannot be told apart.

    """
    script = "".join(
        f"printf '\\n\\001#{number}\\n'; printf '\\n\\001#{number}\\n' >&2; ( {command} ); "
        "s=$?; printf '\\n\\001#end\\n'; echo $s; "
        for number, command in enumerate(commands)
    )
    answer = host.run(script, *arguments)
    return read_together(answer.stdout, answer.stderr, len(commands))


def read_together(stdout: str, stderr: str, count: int) -> tuple[Answer, ...]:
    """Split what `together` printed.

    Raises:
        Unobservable: `parse`, when there are not exactly `count` whole answers.

    """
    out, err = _MARK.split(stdout), _MARK.split(stderr)
    expected = [item for number in range(count) for item in (str(number), "end")]
    if out[1::2] != expected or err[1::2] != expected[::2] or out[0] or err[0].strip():
        raise Unobservable("parse", f"{count} commands did not give {count} answers")
    texts, statuses, complaints = out[2::4], [text.strip() for text in out[4::4]], err[2::2]
    if not all(status.isdigit() for status in statuses):
        raise Unobservable("parse", "a command ended without saying how")
    return tuple(
        Answer(stdout=text, stderr=complaint, status=int(status))
        for text, status, complaint in zip(texts, statuses, complaints, strict=True)
    )
