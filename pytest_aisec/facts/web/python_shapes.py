"""Shapes of Python statements that settings are made of."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Any

from pytest_aisec.facts.web.python_values import UNKNOWN

__all__ = ["common_to", "expressions_of", "leaves_early", "root_of"]


def expressions_of(one: ast.stmt) -> Iterator[ast.expr]:
    """Yield the expressions of a statement that are evaluated by itself."""
    if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef):
        defaults = (default for default in one.args.kw_defaults if default is not None)
        yield from (*one.decorator_list, *one.args.defaults, *defaults)
        return
    for _, value in ast.iter_fields(one):
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, ast.expr):
                yield part


def leaves_early(loop: ast.For) -> bool:
    """Tell whether a loop may end a round before its last statement."""
    return any(isinstance(part, ast.Break | ast.Continue) for part in ast.walk(loop))


def root_of(node: ast.expr) -> str:
    """Return the name that a chain of attributes and keys begins with, if it is one."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def common_to(tables: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the names of all tables, with the value that all agree on; otherwise it is unknown."""
    found: dict[str, Any] = {}
    for name in dict.fromkeys(name for table in tables for name in table):
        values = [table.get(name, UNKNOWN) for table in tables]
        same = all(type(one) is type(values[0]) and one == values[0] for one in values)
        found[name] = values[0] if same else UNKNOWN
    return found
