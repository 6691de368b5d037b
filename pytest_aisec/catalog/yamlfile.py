"""YAML as people write it: safe, without duplicate keys, and with the place of every value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from pytest_aisec.errors import UsageProblem, nearest

Model = TypeVar("Model", bound=BaseModel)
Loc = tuple[str | int, ...]

_MOST_VALUES = 100_000
"""Aliases of aliases stand for more values than fit into memory; no file that people write has as many."""
_MOST_LEVELS = 50
_MOST_BYTES = 4 * 1024**2
_LONGEST_NUMBER = 100
MOST_MISTAKES = 100
"""So many are told of one file; each of them looks for what was meant."""


class Place(NamedTuple):
    """Place where something begins in a file, both counted from 1."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.line}:{self.column}"


_START = Place(1, 1)


class TooMuchError(yaml.composer.ComposerError):
    """It is YAML, and more of it than is read."""


class _Loader(yaml.SafeLoader):
    """Says where a value stands that looks like a day or a number and is none, and where it is too much."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = self._nodes = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        self._depth += 1
        self._nodes += 1
        mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
        if self._depth > _MOST_LEVELS:
            raise TooMuchError(None, None, f"more than {_MOST_LEVELS} levels", mark)
        if self._nodes > 2 * _MOST_VALUES:
            raise TooMuchError(None, None, f"more than {_MOST_VALUES} values", mark)
        node: yaml.Node | None = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:  # noqa: FBT001, FBT002 - PyYAML's
        kind = node.tag.removeprefix("tag:yaml.org,2002:")
        if kind in {"int", "float"} and len(node.value) > _LONGEST_NUMBER:
            what = f"a number of more than {_LONGEST_NUMBER} digits"
            raise yaml.constructor.ConstructorError(None, None, what, node.start_mark)
        try:
            return super().construct_object(node, deep)
        except (ValueError, AttributeError, LookupError, TypeError, ArithmeticError) as error:
            # Besides what a value is not, what PyYAML itself breaks on: `!!timestamp x`, `!!int ""`.
            what = str(error) if isinstance(error, ValueError) else f"{str(node.value)[:60]!r} is no {kind}"
            raise yaml.constructor.ConstructorError(None, None, what, node.start_mark) from None


@dataclass(frozen=True)
class Document:
    """One YAML file: its data, and the place of every value by its path of keys and indexes.

    The place of what has a key is that of the key.
    """

    path: Path
    data: Any
    places: dict[Loc, Place]
    text: str

    def place(self, loc: Sequence[str | int]) -> Place:
        """Return the place of the value at `loc`, or of its nearest parent that the file has."""
        where = tuple(loc)
        while where and where not in self.places:
            where = where[:-1]
        return self.places.get(where, _START)

    def at(self, loc: Sequence[str | int]) -> str:
        """Return `file:line:column` of the value at `loc`, or of its nearest parent that the file has."""
        return f"{self.path}:{self.place(loc)}"


def read(path: Path, *, empty: Any = None) -> Document:
    """Read a file.

    Args:
        path: the file.
        empty: the data of a file that holds nothing but comments; without it that is a mistake.

    Raises:
        UsageProblem: when it cannot be read, is not YAML, or has a duplicate key.

    """
    text = read_text(path)
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None and empty is not None:
            return Document(path, empty, {}, text)
        if node is None:
            raise UsageProblem(f"{path}:{_START}: the file is empty")
        places: dict[Loc, Place] = {}
        _walk(path, node, (), places, set())
        return Document(path, loader.construct_document(node), places, text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = _place(mark) if mark else _START
        raise UsageProblem(f"{path}:{place}: not valid YAML: {error.problem}") from None
    except yaml.reader.ReaderError as error:
        before = text[: error.position].split("\n")
        place = Place(len(before), len(before[-1]) + 1)
        raise UsageProblem(
            f"{path}:{place}: not valid YAML: {error.reason} (got {text[error.position]!r})"
        ) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UsageProblem(f"{path}:{_START}: not valid YAML: {error}") from None


def read_text(path: Path) -> str:
    """Return the text of a file that people write; raise `UsageProblem` where it cannot be such a one."""
    try:
        with path.open("rb") as stream:
            content = stream.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise UsageProblem(f"{path}: has more than {_MOST_BYTES // 1024**2} MiB")
        # As text files are read everywhere.
        return content.decode().replace("\r\n", "\n").replace("\r", "\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageProblem(f"{path}: cannot be read: {reason}") from None


def value_of(text: str) -> Any:
    """Return one value that is written as YAML; raise `ValueError` where it is none."""
    try:
        return _Loader(text).get_single_data()
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(str(error)) from None


def value_within_bounds(text: str) -> Any:
    """Return what a text that anybody may have written says; of equal keys, the last counts.

    Raises:
        TooMuchError: where it is more than people write, or stands for more: aliases of aliases.
        yaml.YAMLError, RecursionError: where it is no YAML.

    """
    loader = _Loader(text)
    node = loader.get_single_node()
    if node is None:
        return None
    if _size(node, {}, set()) > 2 * _MOST_VALUES:
        raise TooMuchError(
            None, None, f"more than {_MOST_VALUES} values, with aliases resolved", node.start_mark
        )
    return loader.construct_document(node)


def _size(node: yaml.Node, known: dict[int, int], parents: set[int]) -> int:
    """Return how many values a node stands for."""
    if isinstance(node, yaml.ScalarNode):
        return 1
    if id(node) in parents:
        raise TooMuchError(None, None, "an alias refers to what contains it", node.start_mark)
    if id(node) not in known:
        inner = parents | {id(node)}
        parts = (
            node.value
            if isinstance(node, yaml.SequenceNode)
            else [one for pair in node.value for one in pair]
        )
        known[id(node)] = 1 + sum(_size(one, known, inner) for one in parts)
    return known[id(node)]


def _place(mark: yaml.Mark) -> Place:
    return Place(mark.line + 1, mark.column + 1)


def _walk(path: Path, node: yaml.Node, loc: Loc, places: dict[Loc, Place], parents: set[int]) -> None:
    places[loc] = _place(node.start_mark)
    if len(places) > _MOST_VALUES:
        raise UsageProblem(
            f"{path}:{places[loc]}: too many values: at most {_MOST_VALUES} with aliases resolved"
        )
    if id(node) in parents:
        raise UsageProblem(f"{path}:{places[loc]}: an alias refers to what contains it")
    inner = parents | {id(node)}
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _walk(path, item, (*loc, index), places, inner)
    elif isinstance(node, yaml.MappingNode):
        seen: dict[str, Place] = {}
        for key, value in node.value:
            place = _place(key.start_mark)
            name = key.value if isinstance(key, yaml.ScalarNode) else repr(key.value)
            if name in seen:
                raise UsageProblem(f"{path}:{place}: duplicate key {name!r}, first on line {seen[name].line}")
            seen[name] = place
            _walk(path, value, (*loc, name), places, inner)
            places[(*loc, name)] = place


def parse(document: Document, model: type[Model]) -> Model:
    """Return the document as `model`; raise one `UsageProblem` that names every mistake with its place."""
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        details = error.errors(include_url=False)
        problems = [_sentence(document, model, detail) for detail in details[:MOST_MISTAKES]]
        if len(details) > MOST_MISTAKES:
            problems.append(f"{document.path}:{_START}: {len(details) - MOST_MISTAKES} more mistakes")
        raise UsageProblem("\n".join(problems)) from None


def _sentence(document: Document, model: type[BaseModel], detail: Any) -> str:
    loc = tuple(part for part in detail["loc"] if part != "[key]")
    where = document.at(loc)
    name = ".".join(str(part) for part in loc)
    if detail["type"] == "extra_forbidden":
        known = _fields(model, loc[:-1])
        return f"{where}: unknown key {name!r}. {nearest(str(loc[-1]), known)}".rstrip()
    if detail["type"] == "missing":
        return f"{where}: {name!r} is missing"
    message = str(detail["msg"]).removeprefix("Value error, ")
    shown = repr(detail["input"])
    return f"{where}: {name or 'the file'}: {message} (got {shown if len(shown) < 80 else shown[:77] + '…'})"


def _fields(model: type[BaseModel], loc: Loc) -> list[str]:
    """Return the keys that `model` knows at `loc`, as far as nested models tell."""
    schema = model.model_json_schema()
    node: Any = schema
    for part in loc:
        node = _resolve(schema, node)
        if isinstance(part, int):
            node = node.get("items", {})
        else:
            properties = node.get("properties", {})
            others = [node.get("additionalProperties"), *node.get("patternProperties", {}).values()]
            node = properties.get(part) or next(filter(None, others), {})
    found = _resolve(schema, node)
    return list(found.get("properties", {})) if isinstance(found, dict) else []


def _resolve(schema: Any, node: Any) -> Any:
    if not isinstance(node, dict):
        return {}
    for branch in (node, *node.get("anyOf", [])):
        if "$ref" in branch:
            return schema["$defs"][branch["$ref"].rsplit("/", 1)[1]]
    return node
