"""Many requests at once, to meet a limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_aisec.facts.core.formats import is_number
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["TURNED_AWAY", "burst"]

TURNED_AWAY = frozenset({429, 503})
"""What limiters answer; nginx says 503 where it is not told otherwise."""


def burst(host: Host, url: str, count: int, *, at_once: int, post: bool = False) -> tuple[int, ...]:
    """Send `count` requests for one route, `at_once` at a time, and return the statuses of the answers.

    Several at a time, as a limiter may make a client wait that sends one after the other. What was kept
    waiting for too long has the status 0, where others were turned away.

    Raises:
        Unobservable: `tool_missing`, `timeout`, or `unreadable` where answers are missing for other reasons.

    """
    data = "-H 'Content-Type: application/json' --data-binary '{' " if post else ""
    answer = host.run(
        f"curl -q -sS -k -Z --parallel-max {at_once} --no-progress-meter --noproxy '*' "
        "--connect-timeout 10 --max-time 12 -A pytest-aisec -o /dev/null "
        f"-w '%%{{http_code}}\\n' {data}-- %s",
        f"{url}?aisec=[1-{count}]",
    )
    statuses = tuple(int(line) for line in answer.stdout.split() if is_number(line))
    if len(statuses) != count or (0 in statuses and not TURNED_AWAY.intersection(statuses)):
        problem = (answer.stderr.strip().splitlines() or [f"exit status {answer.rc}"])[-1]
        raise Unobservable("timeout" if "(28)" in problem else "unreadable", f"{url}: {problem}")
    return statuses
