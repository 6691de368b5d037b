"""YAML as people write it: safe, without duplicate keys, and with the line of every value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from pytest_aisec.errors import UsageProblem, nearest

Model = TypeVar("Model", bound=BaseModel)
Loc = tuple[str | int, ...]

_MOST_VALUES = 100_000
"""Aliases of aliases stand for more values than fit into memory; no file that people write has as many."""


@dataclass(frozen=True)
class Document:
    """One YAML file: its data, and the line (1-based) of every value by its path of keys and indexes."""

    path: Path
    data: Any
    lines: dict[Loc, int]
    text: str

    def at(self, loc: Sequence[str | int]) -> str:
        """Return `file:line` of the value at `loc`, or of its nearest parent that the file has."""
        where = tuple(loc)
        while where and where not in self.lines:
            where = where[:-1]
        return f"{self.path}:{self.lines.get(where, 1)}"


def read(path: Path, *, empty: Any = None) -> Document:
    """Read a file.

    Args:
        path: the file.
        empty: the data of a file that holds nothing but comments; without it that is a mistake.

    Raises:
        UsageProblem: when it cannot be read, is not YAML, or has a duplicate key.

    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageProblem(f"{path}: cannot be read: {reason}") from None
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if node is None and empty is not None:
            return Document(path, empty, {}, text)
        if node is None:
            raise UsageProblem(f"{path}: the file is empty")
        lines: dict[Loc, int] = {}
        _walk(path, node, (), lines, set())
        return Document(path, yaml.safe_load(text), lines, text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise UsageProblem(f"{path}:{line}: not valid YAML: {error.problem}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UsageProblem(f"{path}: not valid YAML: {error}") from None


def _walk(path: Path, node: yaml.Node, loc: Loc, lines: dict[Loc, int], parents: set[int]) -> None:
    lines[loc] = node.start_mark.line + 1
    if len(lines) > _MOST_VALUES:
        raise UsageProblem(
            f"{path}:{lines[loc]}: too many values: at most {_MOST_VALUES} with aliases resolved"
        )
    if id(node) in parents:
        raise UsageProblem(f"{path}:{lines[loc]}: an alias refers to what contains it")
    inner = parents | {id(node)}
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _walk(path, item, (*loc, index), lines, inner)
    elif isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            name = key.value if isinstance(key, yaml.ScalarNode) else repr(key.value)
            if name in seen:
                raise UsageProblem(f"{path}:{line}: duplicate key {name!r}, first on line {seen[name]}")
            seen[name] = line
            _walk(path, value, (*loc, name), lines, inner)
            lines[(*loc, name)] = line


def parse(document: Document, model: type[Model]) -> Model:
    """Return the document as `model`; raise one `UsageProblem` that names every mistake with its line."""
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        problems = [_sentence(document, model, detail) for detail in error.errors(include_url=False)]
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
