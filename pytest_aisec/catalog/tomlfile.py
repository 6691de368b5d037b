"""TOML as people write it, with the place of every value; `tomllib` reads, this finds the places."""

from __future__ import annotations

import ast
import bisect
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pytest_aisec.catalog.yamlfile import Document, Loc, Place, read_text
from pytest_aisec.errors import UsageProblem

_BETWEEN = re.compile(r"[^=\n{},\[\]#\"']+")
"""Text that may be a dotted key, for each of which tomllib begins anew."""
_MOST_DOTS = 100
_KEY = re.compile(r"""[ \t]*("(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[A-Za-z0-9_-]+)[ \t]*(\.)?""")
_SKIP = re.compile(r"(?:[ \t\r\n,]|#[^\n]*)*")
_STRING = re.compile(r'''"""(?:[^\\]|\\.)*?"""+|\'\'\'.*?\'\'\'+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*\'''', re.DOTALL)
_SCALAR = re.compile(r"[^,\]}#\n]*")


def read(path: Path, table: Sequence[str] = ()) -> Document | None:
    """Read a file, or one table of it.

    Args:
        path: the file.
        table: the keys that lead to the table; `None` is returned where the file has none of that name.

    Raises:
        UsageProblem: when the file cannot be read or is not TOML.

    """
    text = read_text(path)
    for found in _BETWEEN.finditer(text):
        if found[0].count(".") > _MOST_DOTS:
            where = _place(_lines(text), found.start())
            raise UsageProblem(f"{path}:{where}: not valid TOML: more than {_MOST_DOTS} dots in one key")
    try:
        data: Any = tomllib.loads(text)
        offsets = _Places(text).found
    except tomllib.TOMLDecodeError as error:
        raise UsageProblem(_misspelled(path, text, str(error))) from None
    except RecursionError:
        raise UsageProblem(f"{path}: not valid TOML: lists within lists, too many of them") from None
    except ValueError as error:
        raise UsageProblem(f"{path}: not valid TOML: {error}") from None
    for key in table:
        if not isinstance(data, dict) or key not in data:
            return None
        data = data[key]
    lines = _lines(text)
    places = {
        loc[len(table) :]: _place(lines, offset)
        for loc, offset in offsets.items()
        if loc[: len(table)] == tuple(table)
    }
    return Document(path, data, places, text)


def below(document: Document, prefix: Loc) -> Document:
    """Return the part of a document below a path of keys as a document of its own."""
    data = document.data
    for key in prefix:
        data = data.get(key, {})
    size = len(prefix)
    places = {loc[size:]: place for loc, place in document.places.items() if loc[:size] == prefix}
    return Document(document.path, data, places, document.text)


def _lines(text: str) -> list[int]:
    """Return where each line begins."""
    return [0, *(found.end() for found in re.finditer("\n", text))]


def _place(lines: Sequence[int], offset: int) -> Place:
    line = bisect.bisect_right(lines, offset)
    return Place(line, offset - lines[line - 1] + 1)


def _misspelled(path: Path, text: str, message: str) -> str:
    """Return tomllib's message with the place in front."""
    found = re.fullmatch(r"(?P<what>.*) \(at (?:line (?P<place>\d+, column \d+)|end of document)\)", message)
    if found is None:
        return f"{path}: not valid TOML: {message}"
    place = found["place"].replace(", column ", ":") if found["place"] else _place(_lines(text), len(text))
    return f"{path}:{place}: not valid TOML: {found['what']}"


class _Places:
    """The offset of every key and of every item of an array, in a text that is TOML."""

    def __init__(self, text: str) -> None:
        self.found: dict[Loc, int] = {}
        self._text = text
        self._at = 0
        self._table: Loc = ()
        self._arrays: dict[Loc, int] = {}
        while self._more():
            if text.startswith("[", self._at):
                self._header()
            else:
                self._pair(self._table)

    def _more(self) -> bool:
        found = _SKIP.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return self._at < len(self._text)

    def _keys(self) -> Loc:
        keys: list[str] = []
        while found := _KEY.match(self._text, self._at):
            self._at = found.end()
            keys.append(ast.literal_eval(found[1]) if found[1][0] in "\"'" else found[1])
            if not found[2]:
                break
        return tuple(keys)

    def _header(self) -> None:
        start, is_array = self._at, self._text.startswith("[[", self._at)
        self._at += 2 if is_array else 1
        self._table = self._keys()
        self._at += 2 if is_array else 1
        if is_array:
            number = self._arrays[self._table] = self._arrays.get(self._table, -1) + 1
            self.found.setdefault(self._table, start)
            self._table = (*self._table, number)
        self._note(self._table, start)

    def _pair(self, table: Loc) -> None:
        start = self._at
        loc = (*table, *self._keys())
        self._note(loc, start)
        self._at = self._text.index("=", self._at) + 1
        self._value(loc)

    def _note(self, loc: Loc, start: int) -> None:
        for length in range(1, len(loc) + 1):
            self.found.setdefault(loc[:length], start)

    def _value(self, loc: Loc) -> None:
        while self._text[self._at] in " \t":
            self._at += 1
        opening = self._text[self._at]
        if opening in "[{":
            self._at += 1
            self._inside(loc, "]" if opening == "[" else "}")
        else:
            found = (_STRING if opening in "\"'" else _SCALAR).match(self._text, self._at)
            self._at = found.end() if found else len(self._text)

    def _inside(self, loc: Loc, closing: str) -> None:
        number = 0
        while self._more() and self._text[self._at] != closing:
            if closing == "]":
                self._note((*loc, number), self._at)
                self._value((*loc, number))
                number += 1
            else:
                self._pair(loc)
        self._at += 1
