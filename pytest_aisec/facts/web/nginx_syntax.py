"""The syntax of nginx configurations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from pytest_aisec.facts.core.formats import reads
from pytest_aisec.observe.faults import Unobservable

__all__ = ["DEPTH", "Directive", "parse"]

DEPTH = 8

_TOKEN = re.compile(
    r"""\s+|\#[^\n]*|(?P<mark>[{};])|"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>(?:[^'\\]|\\.)*)'"""
    r"""|(?P<word>(?:\$\{[^}]*\}|\\.|[^\s{};"'\\])(?:\$\{[^}]*\}|\\.|[^\s{};\\])*)""",
    re.DOTALL,
)

_CODE = "code"
"""The sign of a block of Lua."""

_LUA = re.compile(r"\w+_by_lua_block")

_IN_LUA = re.compile(
    r"""--\[(?P<a>=*)\[(?:.*?\](?P=a)\]|.*)|--[^\n]*|\[(?P<b>=*)\[(?:.*?\](?P=b)\]|.*)"""
    r"""|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|[{}]""",
    re.DOTALL,
)
"""What decides where a block of Lua ends. What is opened and never closed goes on to the end of the file."""


@dataclass(frozen=True, kw_only=True)
class Directive:
    """One directive, with what it contains."""

    name: str
    args: tuple[str, ...]
    block: tuple[Directive, ...] = ()

    def all(self, name: str) -> tuple[Directive, ...]:
        """Return the directives of that name that it contains itself."""
        return tuple(one for one in self.block if one.name == name)


@lru_cache(maxsize=64)
@reads
def parse(text: str) -> tuple[Directive, ...]:
    """Read a configuration file.

    Raises:
        Unobservable: `parse`, when it is none.

    """
    words: list[str] = []
    stack: list[tuple[list[str], list[Directive]]] = [([], [])]
    for mark, word in _tokens(text):
        if mark == _CODE:
            stack[-1][1].append(Directive(name=words[0], args=(*words[1:], word)))
            words = []
        elif not mark:
            words.append(word)
        elif (mark in ";{") != bool(words) or (mark == "}" and len(stack) < 2):
            raise Unobservable("parse", f"nginx: {mark!r} where none can be")
        elif mark == ";":
            stack[-1][1].append(Directive(name=words[0], args=tuple(words[1:])))
            words = []
        elif mark == "{":
            stack.append((words, []))
            words = []
        else:
            head, block = stack.pop()
            stack[-1][1].append(Directive(name=head[0], args=tuple(head[1:]), block=tuple(block)))
    if words or len(stack) > 1:
        raise Unobservable("parse", "nginx: the file ends within a directive")
    return tuple(stack[0][1])


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    """Yield the signs `;`, `{` and `}`, each with no word, and the words, each with no sign.

    What stands in the braces of a directive such as `content_by_lua_block` is one word with its own sign.
    """
    position, first = 0, ""
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise Unobservable("parse", f"nginx: {text[position : position + 60]!r}")
        position = match.end()
        if match["mark"] == "{" and _LUA.fullmatch(first):
            end = _end_of_lua(text, position)
            yield _CODE, text[position : end - 1]
            position, first = end, ""
        elif match["mark"]:
            yield match["mark"], ""
            first = ""
        else:
            for name in ("double", "single", "word"):
                if match[name] is not None:
                    first = first or match[name]
                    yield "", match[name]


def _end_of_lua(text: str, start: int) -> int:
    """Return where the block of Lua that begins at `start` ends, behind its brace.

    Braces in strings and comments of Lua do not count.

    Raises:
        Unobservable: `parse`, when it does not end.

    """
    depth = 1
    for match in _IN_LUA.finditer(text, start):
        depth += {"{": 1, "}": -1}.get(match[0], 0)
        if depth == 0:
            return match.end()
    raise Unobservable("parse", "nginx: the file ends within a block of Lua")
