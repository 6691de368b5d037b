"""Show results, and keep them in docs/performance.md."""

import math
import os
import platform
import re
import shlex
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs/performance.md"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a markdown table whose columns are numbers but for the first."""
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def number(value: float, digits: int = 2) -> str:
    """Return a number for people: about three digits, a dash for NaN."""
    if math.isnan(value):
        return "-"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.{digits}f}"


def against(value: float, target: str) -> str:
    """Return a ratio with its target (`≥ 4`, `≤ 1.1`), bold where the target is missed; a dash for NaN."""
    sign, _, bound = target.partition(" ")
    if math.isnan(value):
        return "-"
    reached = value >= float(bound) if sign == "≥" else value <= float(bound)
    return f"{number(value)} ({target})" if reached else f"**{number(value)}** ({target})"


def publish(name: str, text: str, *, write: bool) -> None:
    """Print a result, and with `write` put it between its markers in docs/performance.md."""
    command = shlex.join(
        ["python", f"bench/{name}.py", *(item for item in sys.argv[1:] if item != "--write")]
    )
    machine = (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, Linux {platform.release()}, "
        f"Python {platform.python_version()}, pytest {version('pytest')}, "
        f"pytest-testinfra {version('pytest-testinfra')}, pytest-xdist {version('pytest-xdist')}."
    )
    section = f"`{command}`, {machine}\n\n{text}"
    print(section)
    if not write:
        return
    begin, end = f"<!-- bench: {name} -->", f"<!-- /bench: {name} -->"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    before = PAGE.read_text(encoding="utf-8")
    after, found = pattern.subn(lambda _: f"{begin}\n{section}\n{end}", before)
    if found != 1:
        raise SystemExit(f"docs/performance.md has the markers of {name} {found} times, not once")
    PAGE.write_text(after, encoding="utf-8")
