"""The data types of OSCAL: what its texts, names and times may look like."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

from pytest_aisec.report.text import compact, visible
from pytest_aisec.report.wording import dump, short

NAMES = "urn:pytest-aisec:oscal"
"""Namespace of the properties that OSCAL does not define."""
EMPTY = "(none)"
"""Text where OSCAL wants one and there is none."""
_MARKUP = re.compile(
    r"\\(?=[!-/:-@\[-`{-~\n]|$)"  # a backslash that would escape what follows
    r"|[`*\[<^~|]"
    r"|&(?=[#A-Za-z])"
    r"|\{(?=\{)"  # the insertion of a parameter
    r"|(?<![^\W_])_|_(?![^\W_])"  # inside of a word it is no emphasis
    r"|^[ \t]*(?:[#>+=-]|\d+(?=[.)]))",  # blocks: headings, quotes, lists, rules
    re.MULTILINE,
)


def line(text: object) -> str:
    """Return a text as OSCAL's strings want it: one line, not empty, no space at its ends."""
    return short(" ".join(str(text).split())).strip() or EMPTY


def markup(text: object) -> str:
    """Return lines of text as Markdown that shows nothing but this text."""
    shown = "\n".join(part.strip() for part in short(text).splitlines()).strip()
    return _MARKUP.sub(_escaped, shown) or EMPTY


def markup_line(text: object) -> str:
    """Return one line of Markdown that shows nothing but the text."""
    return markup(line(text))


def code(value: Any) -> str:
    """Return JSON data as Markdown that shows it as it is."""
    shown = short(compact(value))
    ticks = "`" * (max(map(len, re.findall("`+", shown)), default=0) + 1)
    return f"{ticks} {shown} {ticks}"


def _escaped(found: re.Match[str]) -> str:
    text = found.group()
    return f"{text}\\" if text[-1].isdigit() else f"{text[:-1]}\\{text[-1]}"


def token(text: str) -> str:
    """Return a name as OSCAL's tokens want it; those of controls and frameworks are tokens already."""
    name = re.sub(r"[^\w.-]", "_", visible(text))
    return name if re.match(r"[^\W\d]", name) else f"_{name}"


def requirement(name: str) -> str:
    """Return an id of NIST SP 800-53 in OSCAL's form: `AC-6(9)` is `ac-6.9`."""
    return token(name.lower().replace("(", ".").replace(")", ""))


def path(text: str) -> str:
    """Return a path in the bundle as a relative reference."""
    return quote(text, safe="/", errors="backslashreplace")


def prop(name: str, value: object) -> dict[str, str]:
    """Return a property of ours."""
    return {"name": name, "ns": NAMES, "value": line(value)}


def opened(value: object) -> str:
    """Return a JSON object that can be continued."""
    return dump(value).removesuffix("}")


def array(name: str, items: Iterable[object]) -> Iterator[str]:
    """Yield a member with an array, or nothing when it would be empty: OSCAL knows no empty arrays."""
    separator = f', "{name}": ['
    for item in items:
        yield f"{separator}\n{dump(item)}"
        separator = ","
    if separator == ",":
        yield "]"
