"""Compare the help texts in the documentation with what the commands print; `--write` brings them up to date.

A help text stands after a line `<!-- help: COMMAND -->`, in a fenced block. `pytest` means the options that
this plugin adds to pytest's.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"(<!-- help: (?P<command>[^>]+) -->\n```text\n)(?P<text>.*?)(```\n)", re.DOTALL)


def printed(command: str) -> str:
    """Return what `command` prints about itself, 80 columns wide."""
    argv = ["-m", "pytest_aisec.cli"] if command.startswith("aisec") else ["-m", "pytest", "-c", os.devnull]
    done = subprocess.run(
        [sys.executable, *argv, *command.split()[1:], *([] if command != "pytest" else ["--help"])],
        env={**os.environ, "COLUMNS": "80", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=True,
        cwd="/",
    )
    if command != "pytest":
        return done.stdout.replace("python -m pytest_aisec.cli", "aisec")
    section = re.search(r"^audit AI machines .*?(?=^\S)", done.stdout, re.DOTALL | re.MULTILINE)
    if section is None:
        raise SystemExit("pytest --help shows no options of this plugin")
    return section[0].rstrip() + "\n"


def main() -> int:
    """Return 1 when any help text in the documentation is not what the command prints."""
    stale = []
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))):
        text = path.read_text(encoding="utf-8")
        fresh = BLOCK.sub(lambda match: match[1] + printed(match["command"].strip()) + match[4], text)
        if fresh != text:
            stale.append(str(path.relative_to(ROOT)))
            if "--write" in sys.argv:
                path.write_text(fresh, encoding="utf-8")
    for name in stale:
        print(f"{name}: a help text is not what the command prints; run: python tests/check_help.py --write")
    return 1 if stale and "--write" not in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
