"""Values of Python expressions of which everything is known; nothing is executed."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["UNKNOWN", "Section", "fold", "is_known", "is_plain"]

UNKNOWN = object()
"""What only running the program would tell."""
_LONGEST = 10_000
"""Characters or elements of a value."""
_GREATEST = 10**18
_OPERATORS: Mapping[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda one, other: one in other,
    ast.NotIn: lambda one, other: one not in other,
    ast.Not: lambda one, _: not one,
    ast.USub: lambda one, _: -one,
    ast.UAdd: lambda one, _: +one,
}
_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "bool": bool,
    "dict": dict,
    "float": float,
    "int": int,
    "len": len,
    "list": list,
    "str": str,
    "tuple": tuple,
}
_METHODS = frozenset(
    {
        *("capitalize", "decode", "encode", "endswith", "join", "lower", "lstrip", "removeprefix"),
        *("removesuffix", "replace", "rstrip", "split", "startswith", "strip", "title", "upper"),
    }
)
_WIDE = re.compile(r"%[^a-zA-Z%]*[\d*]")


@dataclass(frozen=True)
class Section:
    """A part of the configuration: `c`, `c.ServerApp`, `c.ServerApp.token`."""

    path: tuple[str, ...]


def is_known(value: Any) -> bool:
    """Tell whether all of a value is known."""
    if isinstance(value, Mapping):
        return all(is_known(key) and is_known(one) for key, one in value.items())
    if isinstance(value, list | tuple | set | frozenset):
        return all(map(is_known, value))
    return value is not UNKNOWN and not isinstance(value, Section)


def is_plain(value: Any) -> bool:
    """Tell whether a function that gets the value cannot reach the settings through it."""
    if isinstance(value, list | tuple | set):
        return all(map(is_plain, value))
    if isinstance(value, dict):
        return all(map(is_plain, value.values()))
    return not isinstance(value, Section)


def _bounded(value: Any) -> Any:
    if isinstance(value, int) and abs(value) > _GREATEST:
        return UNKNOWN
    if isinstance(value, str | bytes | Sequence | Mapping | set) and len(value) > _LONGEST:
        return UNKNOWN
    return value


def _calculated(kind: type[ast.AST], one: Any, other: Any = None) -> Any:
    if kind not in _OPERATORS or not is_known(one) or not is_known(other):
        return UNKNOWN
    if kind is ast.Mod and isinstance(one, str | bytes) and _WIDE.search(str(one)):
        return UNKNOWN
    if kind is ast.Mult:
        sizes = [
            len(part) if isinstance(part, str | bytes | list | tuple) else abs(part) for part in (one, other)
        ]
        if sizes[0] * sizes[1] > _LONGEST:
            return UNKNOWN
    return _bounded(_OPERATORS[kind](one, other))


def fold(node: ast.expr | None, names: Mapping[str, Any]) -> Any:
    """Return the value of an expression, `UNKNOWN`, or a `Section`.

    Args:
        node: the expression.
        names: what names stand for; others are unknown.

    """
    try:
        return _FOLDERS.get(type(node), _unknown)(node, names)
    except (ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, TypeError, ValueError):
        return UNKNOWN


def _unknown(_node: Any, _names: Mapping[str, Any]) -> Any:
    return UNKNOWN


def _text(node: ast.JoinedStr, names: Mapping[str, Any]) -> Any:
    parts: list[str] = []
    for one in node.values:
        if isinstance(one, ast.FormattedValue):
            value = fold(one.value, names)
            if one.conversion not in {-1, 115} or one.format_spec is not None or not is_known(value):
                return UNKNOWN
            parts.append(str(value))
        else:
            parts.append(str(fold(one, names)))
    return _bounded("".join(parts))


def _table(node: ast.Dict, names: Mapping[str, Any]) -> Any:
    found: dict[Any, Any] = {}
    for key, value in zip(node.keys, node.values, strict=True):
        if key is None:
            more = fold(value, names)
            if not isinstance(more, dict):
                return UNKNOWN
            found.update(more)
        else:
            name = fold(key, names)
            if not is_known(name):
                return UNKNOWN
            found[name] = fold(value, names)
    return found


def _elements(node: ast.List | ast.Tuple | ast.Set, names: Mapping[str, Any]) -> Any:
    if any(isinstance(one, ast.Starred) for one in node.elts):
        return UNKNOWN
    values = [fold(one, names) for one in node.elts]
    if isinstance(node, ast.Set):
        return set(values) if is_known(values) else UNKNOWN
    return values if isinstance(node, ast.List) else tuple(values)


def _either(node: ast.BoolOp, names: Mapping[str, Any]) -> Any:
    value: Any = UNKNOWN
    for one in node.values:
        value = fold(one, names)
        if not is_known(value) or bool(value) == isinstance(node.op, ast.Or):
            break
    return value if is_known(value) else UNKNOWN


def _compared(node: ast.Compare, names: Mapping[str, Any]) -> Any:
    left = fold(node.left, names)
    for kind, one in zip(node.ops, node.comparators, strict=True):
        right = fold(one, names)
        if isinstance(kind, ast.Is | ast.IsNot) and not (left is None or right is None):
            return UNKNOWN
        holds = _calculated(type(kind), left, right)
        if holds is not True:
            return holds
        left = right
    return True


def _part(node: ast.Subscript, names: Mapping[str, Any]) -> Any:
    whole = fold(node.value, names)
    if isinstance(node.slice, ast.Slice):
        ends = [None if end is None else fold(end, names) for end in (node.slice.lower, node.slice.upper)]
        known = is_known(whole) and is_known(ends) and node.slice.step is None
        return whole[ends[0] : ends[1]] if known else UNKNOWN
    key = fold(node.slice, names)
    if isinstance(whole, Section):
        return Section((*whole.path, key)) if isinstance(key, str) else UNKNOWN
    return whole[key] if isinstance(whole, str | list | tuple | dict) and is_known(key) else UNKNOWN


def _attribute(node: ast.Attribute, names: Mapping[str, Any]) -> Any:
    whole = fold(node.value, names)
    return Section((*whole.path, node.attr)) if isinstance(whole, Section) else UNKNOWN


def _called(node: ast.Call, names: Mapping[str, Any]) -> Any:
    function = node.func
    if isinstance(function, ast.Name) and function.id == "get_config" and not node.args and not node.keywords:
        return names.get("get_config", Section(()))
    given = [fold(one, names) for one in node.args]
    named = {one.arg or "": fold(one.value, names) for one in node.keywords}
    if isinstance(function, ast.Name) and function.id == "dict" and not given and "dict" not in names:
        return named if "" not in named else UNKNOWN
    if not is_known(given) or not is_known(named) or "" in named:
        return UNKNOWN
    if isinstance(function, ast.Name) and function.id in _FUNCTIONS and function.id not in names:
        return _bounded(_FUNCTIONS[function.id](*given, **named))
    if isinstance(function, ast.Attribute) and function.attr in _METHODS:
        value = fold(function.value, names)
        if isinstance(value, str | bytes) and (len(value) + 1) * len(str(given)) < _LONGEST * 100:
            return _bounded(getattr(value, function.attr)(*given, **named))
    return UNKNOWN


def _chosen(node: ast.IfExp, names: Mapping[str, Any]) -> Any:
    test = fold(node.test, names)
    if is_known(test):
        return fold(node.body if test else node.orelse, names)
    ways = [fold(node.body, names), fold(node.orelse, names)]
    return ways[0] if is_known(ways) and type(ways[0]) is type(ways[1]) and ways[0] == ways[1] else UNKNOWN


_FOLDERS: Mapping[type[Any], Callable[[Any, Mapping[str, Any]], Any]] = {
    ast.Constant: lambda node, _: node.value,
    ast.Name: lambda node, names: names.get(node.id, UNKNOWN),
    ast.JoinedStr: _text,
    ast.Dict: _table,
    ast.List: _elements,
    ast.Tuple: _elements,
    ast.Set: _elements,
    ast.BoolOp: _either,
    ast.Compare: _compared,
    ast.Subscript: _part,
    ast.Attribute: _attribute,
    ast.Call: _called,
    ast.IfExp: _chosen,
    ast.BinOp: lambda node, names: _calculated(
        type(node.op), fold(node.left, names), fold(node.right, names)
    ),
    ast.UnaryOp: lambda node, names: _calculated(type(node.op), fold(node.operand, names)),
}
