"""`aisec lint`: all that is wrong, and what looks wrong, in the files that people write."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

from pytest_aisec.cli.authoring.lint import rules
from pytest_aisec.cli.authoring.lint.files import gather
from pytest_aisec.cli.authoring.lint.finding import Linted, Teller

__all__ = ["Linted", "lint"]


def lint(paths: Sequence[Path], content: Iterable[Path], *, today: date, cwd: Path) -> Linted:
    """Say what is wrong with files, and with what directories hold.

    Args:
        paths: of a directory, its `controls/` and `profiles/` and the YAML files in it and one level below
            that are of a known kind; nothing is the current directory.
        content: further content directories, whose controls and profiles the files may name.
        today: the day that counts, UTC.
        cwd: the current directory.

    Raises:
        UsageProblem: for a path that does not exist, or a directory that holds nothing to lint.

    """
    files = gather(paths, content, Teller(cwd))
    return Linted(
        findings=tuple(sorted(set(rules.findings(files, today)))),
        files=len(files.yaml) + len(files.controls) + len(files.settings),
    )
