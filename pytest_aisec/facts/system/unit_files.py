"""Files in the form of systemd's own: sections, continued lines, comments, and drop-ins."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from pytest_aisec.facts.core.formats import reads
from pytest_aisec.observe.faults import Unobservable

__all__ = ["PLACES", "configured", "question", "settings"]

PLACES = ("/etc", "/run", "/usr/local/lib", "/usr/lib")
"""Where systemd looks for a file: one that it finds in an earlier place stands for those in later ones."""
_BLANKS = " \t\r\n"
_END = "end\n"
_LINE = re.compile(r"\r\n|\n\r?|\r")


def question(name: str) -> str:
    """Return shell text that prints the configuration `name` (`journald.conf`) and its drop-ins."""
    places = " ".join(PLACES)
    return (
        f"for d in {places}; do for f in $d/systemd/{name} $d/systemd/{name}.d/*.conf; do "
        '[ -e "$f" ] && [ ! -d "$f" ] && printf "\\000%s\\n" "$f" && cat -- "$f"; done; done; '
        f"printf '\\000{_END[:-1]}\\n'"
    )


@reads
def configured(printed: str, name: str, section: str) -> list[tuple[str, str]]:
    """Return keys and values of one section in the order in which systemd takes them: the last counts.

    It reads the main file first and then the drop-ins by their names, whatever directory they lie in.

    Args:
        printed: what `question(name)` printed.
        name: such as `journald.conf`.
        section: its name.

    Raises:
        Unobservable: `parse` where it is not all of that.

    """
    start, *files, end = printed.split("\0") if "\0" in printed else (printed, "")
    if start or end != _END:
        raise Unobservable("parse", f"{name}: the files are not shown whole: {printed[-80:]!r}")
    main: list[str] = []
    extra: dict[str, str] = {}
    for file in files:
        path, _, text = file.partition("\n")
        place, _, rest = path.partition("/systemd/")
        directory, own = posixpath.split(rest)
        if place not in PLACES or (directory, own) != (("", name) if not directory else (f"{name}.d", own)):
            raise Unobservable("parse", f"{name}: a file is shown as {path[:120]!r}")
        if directory:
            extra.setdefault(own, text)
        else:
            main.append(text)
    ordered = [*main[:1], *(extra[own] for own in sorted(extra))]
    return [one for text in ordered for one in settings(text, section)]


def settings(text: str, section: str) -> list[tuple[str, str]]:
    """Return keys and values of one section of a file, in their order, as systemd reads them.

    What stands outside of the section does not count, nor what follows a broken head of one. A value goes to
    the end of its line: there are no comments behind it.
    """
    found: list[tuple[str, str]] = []
    current = ""
    for line in _lines(text.removeprefix("\ufeff")):
        if line.startswith("["):
            if not line.endswith("]"):
                break
            current = line[1:-1]
        elif current == section and "=" in line:
            key, _, value = line.partition("=")
            found.append((key.rstrip(" \t"), value.lstrip(" \t")))
    return found


def _lines(text: str) -> Iterator[str]:
    """Yield lines without blanks around them; one that ends with a backslash goes on in the next.

    A comment between them does not end it, and two backslashes do not continue it.
    """
    line = ""
    for part in _LINE.split(text):
        bare = part.lstrip(_BLANKS)
        if bare.startswith(("#", ";")):
            continue
        line += part
        if (len(line) - len(line.rstrip("\\"))) % 2:
            line = f"{line[:-1]} "
            continue
        yield line.strip(_BLANKS)
        line = ""
    if line:
        yield line.strip(_BLANKS)
