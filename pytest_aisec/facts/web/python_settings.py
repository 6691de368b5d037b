"""Settings of a configuration file in Python, as far as its text tells; nothing is executed."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pytest_aisec.facts.web.python_shapes import common_to, expressions_of, leaves_early, root_of
from pytest_aisec.facts.web.python_values import UNKNOWN, Section, fold, is_known, is_plain

__all__ = ["read_python"]

_MOST_LETTERS = 512 * 1024
"""Of Python: its tree takes a hundred times as much memory, and nothing can interrupt the parser."""
_MOST_ROUNDS = 200
_MOST_STEPS = 5_000
_DANGEROUS = frozenset(
    {
        *("__import__", "delattr", "eval", "exec", "globals", "load_subconfig", "locals", "setattr", "vars"),
        *("compile", "exit", "quit"),
    }
)
_BUILTINS = frozenset(dir(builtins)) - _DANGEROUS
_State = tuple[dict[str, Any], dict[str, Any], set[str], set[str], set[str]]
_HARMLESS = frozenset({"logging", "warnings"})
"""Modules whose functions do nothing to settings."""


class _Dynamic(Exception):
    """The file does what cannot be followed."""


class _Reader:
    """Follows statement after statement."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {"c": Section(())}
        self.traits: dict[str, Any] = {}
        self.modules: set[str] = set()
        self.imported: set[str] = set()
        self.functions: set[str] = set()
        self.steps = 0

    def read(self, statements: Sequence[ast.stmt]) -> None:
        for one in statements:
            self.steps += 1
            if self.steps > _MOST_STEPS:
                raise _Dynamic
            self._read(one)

    def _read(self, one: ast.stmt) -> None:
        for part in expressions_of(one):
            self._check(part)
        follow = _FOLLOWED.get(type(one))
        if follow is None:
            raise _Dynamic
        follow(self, one)

    def assign(self, one: ast.Assign | ast.AnnAssign) -> None:
        if one.value is not None:
            value = fold(one.value, self.names)
            for target in one.targets if isinstance(one, ast.Assign) else [one.target]:
                self._assign(target, value)

    def define(self, one: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        if isinstance(one, ast.ClassDef):
            self._quiet(one)
        self.functions.add(one.name)
        self.names[one.name] = UNKNOWN

    def _quiet(self, node: ast.AST) -> None:
        """Refuse what may run at any time and names the settings, or what may do something to them."""
        for part in ast.walk(node):
            if isinstance(part, ast.Name) and (
                part.id in _DANGEROUS | self.functions | {"get_config"}
                or isinstance(self.names.get(part.id), Section)
            ):
                raise _Dynamic

    def _check(self, node: ast.expr) -> None:
        """Refuse an expression that may do something to the settings."""
        for part in ast.walk(node):
            if isinstance(part, ast.NamedExpr | ast.Await | ast.Yield | ast.YieldFrom):
                raise _Dynamic
            if isinstance(part, ast.Name) and part.id in self.functions:
                raise _Dynamic
            if isinstance(part, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
                self._quiet(part)
            if isinstance(part, ast.Call) and not self._is_update(part):
                self._check_call(part)

    def _check_call(self, call: ast.Call) -> None:
        function = call.func
        value = fold(call, self.names)
        if is_known(value) or isinstance(value, Section):
            return
        if isinstance(function, ast.Name):
            is_builtin = function.id in _BUILTINS and function.id not in self.names
            if not is_builtin and function.id not in self.imported:
                raise _Dynamic
        elif not isinstance(function, ast.Attribute):
            raise _Dynamic
        around = [function.value] if isinstance(function, ast.Attribute) else []
        for one in (*around, *call.args, *(one.value for one in call.keywords)):
            if not is_plain(fold(one, self.names)):
                raise _Dynamic
        self._spoil()

    def _assign(self, target: ast.expr, value: Any) -> None:
        if isinstance(target, ast.Name):
            self._bind(target.id, value)
        elif isinstance(target, ast.Tuple | ast.List):
            if any(isinstance(one, ast.Starred) for one in target.elts):
                raise _Dynamic
            given = list(value) if isinstance(value, list | tuple | str) else [UNKNOWN] * len(target.elts)
            if len(given) != len(target.elts):
                raise _Dynamic
            for one, part in zip(target.elts, given, strict=True):
                self._assign(one, part)
        else:
            self._set(target, value)

    def _bind(self, name: str, value: Any) -> None:
        self.names[name] = value
        for known in (self.functions, self.imported, self.modules):
            known.discard(name)

    def _set(self, target: ast.expr, value: Any) -> None:
        place = fold(target, self.names)
        if isinstance(place, Section):
            self._put(place, value)
        elif isinstance(target, ast.Subscript) and root_of(target) in self.modules:
            if ast.unparse(target.value) != "os.environ":
                raise _Dynamic
        elif (
            isinstance(target, ast.Subscript)
            and isinstance(target.value, ast.Name)
            and is_known(self.names.get(target.value.id, UNKNOWN))
        ):
            self._spoil()
        else:
            raise _Dynamic

    def _put(self, place: Section, value: Any) -> None:
        if isinstance(value, Section) or len(place.path) < 2:
            raise _Dynamic
        name = ".".join(place.path[:2])
        self.traits[name] = value if len(place.path) == 2 and is_known(value) else UNKNOWN

    def augment(self, one: ast.AugAssign) -> None:
        place = fold(one.target, self.names)
        if isinstance(place, Section):
            self._put(place, UNKNOWN)
        elif isinstance(one.target, ast.Name):
            before = ast.Name(id=one.target.id, ctx=ast.Load())
            value = fold(ast.BinOp(left=before, op=one.op, right=one.value), self.names)
            if isinstance(self.names.get(one.target.id), list | dict | set):
                self._spoil()
            self._bind(one.target.id, value)
        else:
            raise _Dynamic

    def _spoil(self) -> None:
        """Forget what may be the same object as one that has changed."""
        for table in (self.names, self.traits):
            for name, value in table.items():
                if isinstance(value, list | dict | set | tuple):
                    table[name] = UNKNOWN

    def bring(self, one: ast.Import | ast.ImportFrom) -> None:
        for alias in one.names:
            name = alias.asname or alias.name.partition(".")[0]
            if name == "*":
                raise _Dynamic
            self._bind(name, UNKNOWN)
            self.imported.add(name)
            if isinstance(one, ast.Import):
                self.modules.add(name)

    def branch(self, one: ast.If) -> None:
        test = fold(one.test, self.names)
        if is_known(test):
            self.read(one.body if test else one.orelse)
        else:
            self._merge([one.body, one.orelse])

    def attempt(self, one: ast.Try) -> None:
        """Follow a `try`: any of its statements may fail, then a handler goes on."""
        if one.orelse or any(not isinstance(part, _SIMPLE) for part in one.body):
            raise _Dynamic
        for handler in one.handlers:
            if handler.name:
                self._bind(handler.name, UNKNOWN)
        starts = [one.body[:number] for number in range(len(one.body) + 1)]
        ways = [[*start, *handler.body] for start in starts for handler in one.handlers]
        self._merge([one.body, *ways])
        self.read(one.finalbody)

    def _merge(self, ways: Sequence[Sequence[ast.stmt]]) -> None:
        """Follow several ways of which one is taken; where they differ, nothing is known."""
        before = self._state()
        ends = []
        for way in ways:
            self._restore(before)
            self.read(way)
            ends.append(self._state())
        names, traits, functions, imported, modules = zip(*ends, strict=True)
        self.names, self.traits = common_to(names), common_to(traits)
        self.functions = set().union(*functions)
        self.imported = set.intersection(*imported)
        self.modules = set.intersection(*modules)

    def _state(self) -> _State:
        return self.names, self.traits, self.functions, self.imported, self.modules

    def _restore(self, state: _State) -> None:
        names, traits, functions, imported, modules = state
        self.names, self.traits = dict(names), dict(traits)
        self.functions, self.imported, self.modules = set(functions), set(imported), set(modules)

    def give_up_on(self, one: ast.stmt) -> bool:
        """Tell whether a statement of the file cannot be followed: then what it may change is unknown."""
        names, traits = dict(self.names), dict(self.traits)
        try:
            self.read([one])
        except _Dynamic:
            self.traits = common_to([traits, self.traits])
            self.names = {name: UNKNOWN for name in {**names, **self.names} if name != "c"}
            self.names["c"] = names.get("c", UNKNOWN)
            return True
        return False

    def loop(self, one: ast.For) -> None:
        if one.orelse or leaves_early(one):
            raise _Dynamic
        values = fold(one.iter, self.names)
        if isinstance(values, dict):
            values = list(values)
        if not isinstance(values, list | tuple | str) or len(values) > _MOST_ROUNDS:
            raise _Dynamic
        for value in list(values):
            self._assign(one.target, value)
            self.read(one.body)

    def _is_update(self, call: ast.expr) -> bool:
        """Tell whether a call sets settings in a way that is followed."""
        if not isinstance(call, ast.Call):
            return False
        if isinstance(call.func, ast.Name) and call.func.id == "setattr":
            return len(call.args) == 3 and isinstance(fold(call.args[0], self.names), Section)
        place = fold(call.func, self.names)
        return isinstance(place, Section) and len(place.path) == 2 and place.path[1] == "update"

    def do(self, one: ast.Expr) -> None:
        """Follow an expression that stands alone."""
        call = one.value
        if isinstance(call, ast.Constant):
            return
        if not isinstance(call, ast.Call):
            raise _Dynamic
        if self._is_update(call):
            for place, value in self._updated(call):
                self._put(place, value)
        elif isinstance(call.func, ast.Name) and call.func.id == "print":
            return
        elif root_of(call.func) not in _HARMLESS & self.modules:
            raise _Dynamic

    def _updated(self, call: ast.Call) -> Iterator[tuple[Section, Any]]:
        given = [fold(one, self.names) for one in call.args]
        if isinstance(call.func, ast.Name):
            place, name, value = given
            if not isinstance(name, str):
                raise _Dynamic
            yield Section((*place.path, name)), value
            return
        section = fold(call.func, self.names).path[0]
        named = {one.arg: fold(one.value, self.names) for one in call.keywords}
        tables = [*given, named]
        if len(given) > 1 or not all(isinstance(table, dict) for table in tables) or None in named:
            raise _Dynamic
        for table in tables:
            for name, value in table.items():
                if not isinstance(name, str):
                    raise _Dynamic
                yield Section((section, name)), value


_SIMPLE = (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Import, ast.ImportFrom, ast.Expr, ast.Pass)
_FOLLOWED: Mapping[type[ast.stmt], Callable[[_Reader, Any], None]] = {
    ast.Assign: _Reader.assign,
    ast.AnnAssign: _Reader.assign,
    ast.AugAssign: _Reader.augment,
    ast.Import: _Reader.bring,
    ast.ImportFrom: _Reader.bring,
    ast.FunctionDef: _Reader.define,
    ast.AsyncFunctionDef: _Reader.define,
    ast.ClassDef: _Reader.define,
    ast.If: _Reader.branch,
    ast.For: _Reader.loop,
    ast.Try: _Reader.attempt,
    ast.Expr: _Reader.do,
    ast.Pass: lambda _, __: None,
}


def read_python(text: str) -> tuple[dict[str, Any], bool]:
    """Return the traits that a configuration file in Python sets, and whether it does more than can be told.

    Raises:
        ValueError: when it is no Python.

    """
    if len(text) > _MOST_LETTERS:
        raise ValueError(f"more than {_MOST_LETTERS // 1024} KiB of Python")
    reader = _Reader()
    try:
        given_up = [reader.give_up_on(one) for one in ast.parse(text).body]
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise ValueError(str(error)) from None
    return reader.traits, any(given_up)
