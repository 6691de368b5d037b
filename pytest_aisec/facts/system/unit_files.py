"""Files in the form of systemd's own: sections, continued lines, comments."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["settings"]

_FILE = re.compile(r"# /\S+/systemd/\S+\.conf")
"""How `systemd-analyze cat-config` begins each file. A section ends with its file."""
_SECTION = re.compile(r"\[(?P<name>[^\]]*)\]")
_SETTING = re.compile(r"(?P<key>[A-Za-z][A-Za-z0-9]*)\s*=\s*(?P<value>.*)")


def settings(text: str, section: str) -> list[tuple[str, str]]:
    """Return keys and values of one section, in their order, as systemd reads them.

    What stands outside of the section does not count. A value goes to the end of its line: there are no
    comments behind it.

    Args:
        text: one file, or what `systemd-analyze cat-config` printed.
        section: its name.

    """
    found: list[tuple[str, str]] = []
    current = ""
    for line in _lines(text):
        if _FILE.fullmatch(line):
            current = ""
        elif match := _SECTION.fullmatch(line):
            current = match["name"]
        elif current == section and (match := _SETTING.fullmatch(line)):
            found.append((match["key"], match["value"]))
    return found


def _lines(text: str) -> Iterator[str]:
    """Yield lines without blanks around them; one that ends with a backslash goes on in the next."""
    line = ""
    for part in text.splitlines():
        if line and part.lstrip().startswith(("#", ";")):
            continue
        line += part
        if line.endswith("\\") and not line.lstrip().startswith(("#", ";")):
            line = f"{line[:-1]} "
            continue
        yield line.strip()
        line = ""
    if line:
        yield line.strip()
