"""Findings of `aisec lint`: what is wrong, or looks wrong, at one place of a file."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from pytest_aisec.catalog import yamlfile

Level = Literal["error", "warning"]

_PLACED = re.compile(r"(?P<file>.+?):(?P<line>\d+):(?:(?P<column>\d+):)? (?P<message>.*)")
"""Message of a loader about one mistake."""


@dataclass(frozen=True, kw_only=True, order=True)
class Finding:
    """Something wrong, or that looks wrong, at one place."""

    file: str
    line: int
    column: int
    level: Level
    message: str
    code: str
    """Kind of mistake, in a word or two that do not change."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.level}: {self.message}"

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Linted:
    """Findings, and the number of files."""

    findings: tuple[Finding, ...]
    """Sorted by file and line."""
    files: int

    def count(self, level: Level) -> int:
        """Return the number of findings of a level."""
        return sum(item.level == level for item in self.findings)


@dataclass(frozen=True)
class Teller:
    """Says where a finding is, as people know the place."""

    cwd: Path

    def shown(self, path: Path | str) -> str:
        """Return a path as people know it."""
        return str(path).removeprefix(f"{self.cwd}/")

    def say(self, where: str, level: Level, code: str, message: str) -> list[Finding]:
        """Return a finding; `where` is `file:line:column`."""
        return self.refuse(f"{where}: {message}", self.cwd, code, level)

    def refuse(self, text: str, path: Path, code: str, level: Level = "error") -> list[Finding]:
        """Return what a loader says of a file: one line each, with its place in front."""
        found: list[tuple[str, yamlfile.Place, str]] = []
        for line in text.splitlines():
            match = _PLACED.fullmatch(line)
            if match and Path(match["file"]).exists():
                place = yamlfile.Place(int(match["line"]), int(match["column"] or 1))
                found.append((match["file"], place, match["message"]))
            elif found and line[:1].isspace():
                file, place, message = found.pop()
                found.append((file, place, f"{message} {line.strip()}"))
            else:
                found.append((str(path), yamlfile.Place(1, 1), line.removeprefix(f"{path}: ")))
        return [
            Finding(
                file=self.shown(file),
                line=place.line,
                column=place.column,
                level=level,
                message=message.replace(f"{self.cwd}/", ""),
                code=code,
            )
            for file, place, message in found
        ]
