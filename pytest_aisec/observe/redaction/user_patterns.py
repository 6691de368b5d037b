"""Patterns of the user's for credentials that we do not know: a YAML file, checked before hosts are asked."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, RootModel, field_validator

from pytest_aisec.catalog import yamlfile
from pytest_aisec.errors import UsageProblem
from pytest_aisec.observe.redaction.given import Patterns
from pytest_aisec.observe.redaction.redact import MARK, Own, kinds
from pytest_aisec.observe.redaction.regex_width import measure

_LEAST = 4
"""Letters that a match has at least: what matches less would tear every answer to pieces."""


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    kind: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=40)]
    """What the mark calls it."""
    pattern: Annotated[str, Field(max_length=1000)]
    """A regular expression of Python; its group `s`, where it has one, is the credential."""

    @field_validator("kind")
    @classmethod
    def _is_new(cls, value: str) -> str:
        if value in kinds():
            raise ValueError("this kind is known without a pattern of yours; choose another name")
        return value

    @field_validator("pattern")
    @classmethod
    def _is_sound(cls, value: str) -> str:
        if MARK.search(value):  # a credential that stood here in plain text: in a bundle, it is a mark
            return value
        compiled = _compiled(value)
        try:
            measures = measure(value)
        except RecursionError:
            raise ValueError("its groups are nested too deeply") from None
        least = measures.least
        if least == 0 or compiled.search(""):
            raise ValueError("it matches the empty string")
        if least < _LEAST:
            raise ValueError(f"it may match {least} characters; at least {_LEAST} must be needed")
        if measures.is_endless:
            raise ValueError(
                "a repeated group holds alternatives or has no fixed length, so that matching may take "
                "forever; give what is repeated one length"
            )
        return value


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return re.compile(pattern, re.MULTILINE)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"it is no regular expression: {error}") from None
    except Warning as warning:
        raise ValueError(f"it is no unambiguous regular expression: {warning}") from None


class _File(RootModel[Annotated[list[_Entry], Field(min_length=1)]]):
    """A list of patterns."""


def read(path: Path) -> Patterns:
    """Return the patterns of a file.

    Raises:
        UsageProblem: for what is wrong with it, with its place.

    """
    document = yamlfile.read(path)
    entries = yamlfile.parse(document, _File).root
    lines: dict[str, int] = {}
    for index, entry in enumerate(entries):
        loc = (index, "kind")
        if entry.kind in lines:
            first = lines[entry.kind]
            raise UsageProblem(f"{document.at(loc)}: duplicate kind {entry.kind!r}, first on line {first}")
        lines[entry.kind] = document.place(loc).line
    own = [Own(entry.kind, _compiled(entry.pattern)) for entry in entries if not MARK.search(entry.pattern)]
    return Patterns(own=tuple(own), sources=((path.name, document.text),))


def read_all(directory: Path) -> Patterns:
    """Return the patterns of all files of a bundle's directory; none where there is no such directory."""
    found = Patterns()
    for path in sorted(directory.glob("*")):
        read_here = read(path)
        name = path.name.partition("-")[2] or path.name
        found = found.and_also(Patterns(own=read_here.own, sources=((name, read_here.sources[0][1]),)))
    return found
