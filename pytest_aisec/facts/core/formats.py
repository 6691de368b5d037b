"""Formats that hosts answer in, read within bounds; what readers make of a text that is none of them."""

from __future__ import annotations

import configparser
import functools
import inspect
import io
import json
import re
import tomllib
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

import yaml

from pytest_aisec.catalog import yamlfile
from pytest_aisec.observe.faults import MALFORMED, Unobservable

__all__ = [
    "MALFORMED",
    "ini_value",
    "is_number",
    "json_object",
    "json_value",
    "reads",
    "shell_words",
    "toml_value",
    "yaml_value",
]

P = ParamSpec("P")
R = TypeVar("R")

_MOST_DIGITS = 18
_MOST_SETTINGS = 100_000
_KEY = r"""(?:(?<!\\)"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+'|(?<![A-Za-z0-9_-])[A-Za-z0-9_-]++)[ \t]*+\."""
_DOTTED = re.compile(rf"{_KEY}(?:[ \t]*+{_KEY}){{100}}")
"""A key of so many parts that tomllib, which begins anew at each, takes longer than anybody waits."""

_OF_WORDS = re.compile(
    r"""(?P<between>[ \t\r\n]++)|(?P<plain>[^ \t\r\n"'\\#]++)|\\(?P<escaped>.)|(?P<comment>\#[^\n]*+\n?)"""
    r"""|"(?P<double>(?:[^"\\]|\\.)*+)"|'(?P<single>[^']*+)'""",
    re.DOTALL,
)


def is_number(text: str) -> bool:
    """Tell whether `text` is a number in decimal, of ASCII digits, no longer than any that a system has."""
    return text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS


def json_value(text: str | bytes, what: str) -> Any:
    """Return what a JSON text says; raise `Unobservable` (`parse`) where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _no("JSON", what, error) from None


def json_object(text: str | bytes, what: str, *, strict: bool = True) -> dict[str, Any]:
    """Return the object that a JSON text is.

    Args:
        text: what was answered.
        what: how it is called, for people.
        strict: whether control characters in its texts make it none.

    Raises:
        Unobservable: `parse` where it is none.

    """
    try:
        data = json.loads(text, strict=strict)
    except (ValueError, RecursionError) as error:
        raise _no("JSON", what, error) from None
    if not isinstance(data, dict):
        raise Unobservable("parse", f"{what} is no JSON object: {text[:80]!r}")
    return data


def toml_value(text: str, what: str) -> dict[str, Any]:
    """Return what a TOML text says.

    Raises:
        Unobservable: `parse` where it is none, `unreadable` where it is more than can be read in time.

    """
    if _DOTTED.search(text):
        raise Unobservable("unreadable", f"{what}: more than 100 dots in one key")
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise _no("TOML", what, error) from None


def shell_words(text: str, *, comments: bool = False) -> list[str]:
    """Return the words of a text as `shlex.split` does, in time that grows with it.

    Raises:
        ValueError: where a quotation or an escape does not end.

    """
    words: list[str] = []
    parts: list[str] = []
    at = 0
    while at < len(text):
        match = _OF_WORDS.match(text, at)
        if match is None:
            raise ValueError("No closing quotation" if text[at] != "\\" else "No escaped character")
        kind, part, at = match.lastgroup, match[match.lastgroup or 0], match.end()
        if kind == "comment" and not comments:
            parts.append("#")
            at = match.start() + 1
        elif kind in {"between", "comment"}:
            words += ["".join(parts)] if parts else []
            parts = []
        else:
            parts.append(re.sub(r'\\([\\"])', r"\1", part) if kind == "double" else part)
    return [*words, "".join(parts)] if parts else words


def ini_value(text: str, what: str, *, interpolates: bool = False) -> dict[str, dict[str, str]]:
    """Return the settings of each section of an INI text, as Python's own reader has them of a file.

    Names of settings are in lower case. What stands in `[DEFAULT]` holds in every other section. With
    `interpolates`, `%(name)s` stands for another setting, as for programs with a plain `ConfigParser`.

    Raises:
        Unobservable: `parse` where it is none, `unreadable` where it stands for more than it says.

    """
    parser = configparser.ConfigParser() if interpolates else configparser.RawConfigParser()
    try:
        parser.read_file(io.StringIO(text, newline=None))
        if len(parser.defaults()) * len(parser.sections()) > _MOST_SETTINGS:
            raise Unobservable("unreadable", f"{what}: more than {_MOST_SETTINGS} settings by [DEFAULT]")
        return {section: dict(parser.items(section)) for section in parser.sections()}
    except (configparser.Error, ValueError, AttributeError, RecursionError) as error:
        raise _no("INI", what, error) from None


def yaml_value(text: str, what: str) -> Any:
    """Return what a YAML text says.

    Raises:
        Unobservable: `parse` where it is none, `unreadable` where it stands for more than it says.

    """
    try:
        return yamlfile.value_within_bounds(text)
    except yamlfile.TooMuchError as error:
        where = f" (line {error.problem_mark.line + 1})" if error.problem_mark else ""
        raise Unobservable("unreadable", f"{what}: {error.problem}{where}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _no("YAML", what, error) from None


def _no(kind: str, what: str, error: Exception) -> Unobservable:
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    return Unobservable("parse", f"{what} is no {kind} that can be read: {reason[:200]}")


def reads(reader: Callable[P, R]) -> Callable[P, R]:
    """Let a reader of what hosts answer end in a value or `Unobservable`, whatever the text is."""
    if inspect.isgeneratorfunction(reader):

        @functools.wraps(reader)
        def read_on(*args: P.args, **kwargs: P.kwargs) -> Iterator[Any]:
            try:
                yield from cast("Iterator[Any]", reader(*args, **kwargs))
            except Exception as error:
                if _is_meant(error):
                    raise
                raise _malformed(reader.__name__, error) from error

        return cast("Callable[P, R]", read_on)

    @functools.wraps(reader)
    def read(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return reader(*args, **kwargs)
        except Exception as error:
            if _is_meant(error):
                raise
            raise _malformed(reader.__name__, error) from error

    return read


def _is_meant(error: Exception) -> bool:
    """Tell whether the error is one that readers promise, not one of Python or of a library."""
    return type(error).__module__.startswith("pytest_aisec.")


def _malformed(name: str, error: Exception) -> Unobservable:
    at = traceback.extract_tb(error.__traceback__)[-1]
    what = f"{type(error).__name__}: {str(error)[:200]} at {Path(at.filename).name}:{at.lineno}"
    return Unobservable(
        "parse", f"{name.removeprefix('_').replace('_', ' ')} understands no such answer: {what}"
    )
