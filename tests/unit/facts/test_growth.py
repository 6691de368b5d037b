"""No regular expression of facts and controls takes much longer with a longer text than the text is longer.

What a host answers may have 8 MiB: with one that takes four times as long for twice the text, that is hours.
"""

from __future__ import annotations

import ast
import importlib.util
import re
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
FILES = sorted([*(ROOT / "pytest_aisec/facts").rglob("*.py"), *(ROOT / "controls").glob("*/*.py")])
METHODS = {"search", "match", "fullmatch", "sub", "split", "findall", "finditer", "subn"}
ANCHORED = {"match", "fullmatch"}
LISTED = {
    "_MATCHERS": {"match"},
    **dict.fromkeys(("_FAILURES", "_ATTEMPTS", "_OF_PAM", "_IMPLIED", "_OWN"), frozenset({"fullmatch"})),
}
"""How patterns are used that stand in a list, or are given to a function."""
UNITS = [
    " ", "\t", "\n", " \n", "a", "0", "9.", "a.", "a ", "-", "--a ", "/", "./", '"', "'", "\\", "\\\n", "(", "[", "{",
    "a=", "a:", "=", ",", "#", "#\n", "a,", "$", "\0", "a\0", "\r\n", "A0_", "- ", "1 ", ": ",
]  # fmt: skip
SHORT, LONG = 8 * 1024, 32 * 1024
SUSPICIOUS = 0.001
"""Seconds for two KiB."""


def test_no_regular_expression_grows_faster_than_its_text() -> None:
    found = {(pattern.pattern, pattern.flags, how): (pattern, where) for pattern, how, where in patterns()}
    assert len(found) > 250
    slow = [
        f"{where} {how} {pattern.pattern!r} with {bad!r}"
        for (_, _, how), (pattern, where) in found.items()
        if (bad := grows(pattern, how))
    ]
    assert [] == slow


def test_it_would_be_seen() -> None:
    assert grows(re.compile(r"(^|\s+)#.*$"), "sub")
    assert grows(re.compile(r"(a|aa)*b"), "fullmatch")
    assert grows(re.compile(r"token\s*\s*x"), "search")
    assert not grows(re.compile(r"(?<!\s)\s+#"), "search")


def patterns() -> Iterator[tuple[re.Pattern[Any], str, str]]:
    """Yield each pattern with how it is used and where: what is written in a call, and what has a name."""
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in FILES}
    for path, tree in trees.items():
        used: dict[str, set[str]] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.attr in METHODS:
                used.setdefault(node.value.id, set()).add(node.attr)
        module = loaded(path)
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in METHODS
            ):
                with suppress(
                    NameError, AttributeError
                ):  # what is put together from what a function is given
                    yield from in_call(node, module, f"{path.name}:{node.lineno}")
        for name, value in vars(module).items():
            for pattern in named(value):
                for how in used.get(name, LISTED.get(name, {"search"})):
                    yield pattern, how, f"{path.name} {name}"


def in_call(node: ast.Call, module: Any, where: str) -> Iterator[tuple[re.Pattern[Any], str, str]]:
    assert isinstance(node.func, ast.Attribute)
    if isinstance(node.func.value, ast.Name) and node.func.value.id == "re" and node.args:
        given = [keyword.value for keyword in node.keywords if keyword.arg == "flags"]
        given += [one for one in node.args[1:] if ast.unparse(one).startswith("re.")]
        text, *flags = (eval(ast.unparse(one), vars(module)) for one in (node.args[0], *given))
        if not isinstance(text, re.Pattern):
            yield re.compile(text, *flags), node.func.attr, where


def named(value: object) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, dict):
        yield from named(list(value.values()))
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from named(item)


def loaded(path: Path) -> Any:
    if "facts" in path.parts:
        parts = path.relative_to(ROOT).with_suffix("").parts
        return importlib.import_module(".".join(part for part in parts if part != "__init__"))
    spec = importlib.util.spec_from_file_location(f"growth_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def grows(pattern: re.Pattern[Any], how: str) -> tuple[str, str, str] | None:
    """Return what makes a pattern slow: what stands first, what is repeated, what stands last."""
    words = literals(pattern)
    texts = [("", unit, end) for unit in UNITS for end in ("", "!\n")]
    texts += [(word + join, " ", end) for word in words for join in ("", "=") for end in ("", "!\n")]
    texts += [("", join.join(words) + " ", "") for join in (" ", "=", "=a ", "") if len(words) > 1]
    texts += [("", word + join, "") for word in words for join in ("", " ", "=", "\n")]
    for begin, unit, end in texts:
        text = (begin, unit, end)
        # A busy machine may slow one down, hardly twice the longer text alone.
        if takes(pattern, how, *text, 2048) > SUSPICIOUS and all(
            is_faster(pattern, how, text) for _ in range(2)
        ):
            return text
    return None


def is_faster(pattern: re.Pattern[Any], how: str, text: tuple[str, str, str]) -> bool:
    """Tell whether four times the text takes more than nine times as long."""
    short, long = (takes(pattern, how, *text, size) for size in (SHORT, LONG))
    return long > 9 * short


def literals(pattern: re.Pattern[Any]) -> list[str]:
    text = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    bare = re.sub(r"\(\?P?[<:=!]\w*>?|\\[a-zA-Z]|\\", " ", text)
    return sorted(set(re.findall(r"[A-Za-z_][\w:./-]*", bare)), key=len, reverse=True)[:4]


def takes(pattern: re.Pattern[Any], how: str, begin: str, unit: str, end: str, size: int) -> float:
    """Return the seconds of CPU time that a text of `size` takes; no more than it needs to be too much."""
    text: Any = begin + unit * (size // len(unit)) + end
    if isinstance(pattern.pattern, bytes):
        text = text.encode()

    def enough(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGVTALRM, enough)
    started = time.thread_time()
    try:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.05 * size / SHORT)
        if how in ANCHORED:
            getattr(pattern, how)(text)
        else:
            for _ in pattern.finditer(text):
                pass
    except TimeoutError:
        return float(size * size)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    return time.thread_time() - started
