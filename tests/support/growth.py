"""Regular expressions with the texts that are worst for them, and how their time grows with a text.

What a text costs is found on short ones; only what is suspicious there is tried on longer ones.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import random
import re
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from pytest_aisec.observe.redaction import families

ROOT = Path(__file__).parents[2]
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
_OF_PEOPLE = ("hosts.py", "regex_width.py", "user_patterns.py", "patterns.py", "testing.py")
"""Modules of `observe` that read what people write, or shapes, which `shapes` has as they are used."""
PLACES = sorted(
    path
    for pattern in (
        "pytest_aisec/facts/**/*.py",
        "pytest_aisec/observe/**/*.py",
        "pytest_aisec/report/**/*.py",
        "controls/*/*.py",
    )
    for path in ROOT.glob(pattern)
    if path.name not in _OF_PEOPLE
)
"""Modules whose regular expressions read what hosts answer."""


class Text(NamedTuple):
    """A text of any length: what stands first, what is repeated, what stands last."""

    begin: str
    unit: str
    end: str

    def of(self, size: int) -> str:
        return self.begin + self.unit * max(1, (size - len(self.begin)) // len(self.unit)) + self.end


class Found(NamedTuple):
    """A regular expression of ours, how it is used, and where."""

    pattern: re.Pattern[Any]
    how: str
    where: str


def patterns(files: Iterable[Path]) -> Iterator[Found]:
    """Yield each pattern of some modules: what is written in a call, and what has a name."""
    seen = set()
    for path in files:
        for found in _of_module(path):
            key = (found.pattern.pattern, found.pattern.flags, found.how)
            if key not in seen:
                seen.add(key)
                yield found


def shapes() -> Iterator[Found]:
    """Yield the shapes of credentials, as they are looked for on each line that has a word of theirs."""
    for family in families.FAMILIES:
        yield Found(family.pattern, "finditer", f"{family.kind} {' '.join(family.words)[:20]}")


def _of_module(path: Path) -> Iterator[Found]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    used: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.attr in METHODS:
            used.setdefault(node.value.id, set()).add(node.attr)
    module = _loaded(path)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in METHODS:
            with suppress(NameError, AttributeError):  # what is put together from what a function is given
                yield from _in_call(node, module, f"{path.name}:{node.lineno}")
    for name, value in vars(module).items():
        for pattern in _named(value):
            for how in used.get(name, LISTED.get(name, {"search"})):
                yield Found(pattern, how, f"{path.name} {name}")


def _in_call(node: ast.Call, module: Any, where: str) -> Iterator[Found]:
    assert isinstance(node.func, ast.Attribute)
    if isinstance(node.func.value, ast.Name) and node.func.value.id == "re" and node.args:
        given = [keyword.value for keyword in node.keywords if keyword.arg == "flags"]
        given += [one for one in node.args[1:] if ast.unparse(one).startswith("re.")]
        text, *flags = (eval(ast.unparse(one), vars(module)) for one in (node.args[0], *given))
        if not isinstance(text, re.Pattern):
            yield Found(re.compile(text, *flags), node.func.attr, where)


def _named(value: object) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, dict):
        yield from _named(list(value.values()))
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _named(item)


def _loaded(path: Path) -> Any:
    if "pytest_aisec" in path.parts:
        parts = path.relative_to(ROOT).with_suffix("").parts
        return importlib.import_module(".".join(part for part in parts if part != "__init__"))
    spec = importlib.util.spec_from_file_location(f"growth_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def texts(pattern: re.Pattern[Any], how: str, samples: int = 10) -> list[Text]:
    """Return the texts that may be worst for a pattern, each once."""
    words = _literals(pattern)
    # Who asks whether all of a text is of a shape asks of a line.
    ends = ("", "!") if how == "fullmatch" else ("", "!\n")
    found = [Text("", unit, end) for unit in UNITS for end in ends]
    found += [Text(word + join, " ", end) for word in words for join in ("", "=") for end in ends]
    found += [Text("", join.join(words) + " ", "") for join in (" ", "=", "=a ", "") if len(words) > 1]
    found += [Text("", word + join, "") for word in words for join in ("", " ", "=", "\n")]
    for sample in _samples(pattern, samples):
        found += [Text("", sample.text, end) for end in ends if sample.text]
        found += [Text("", sample.text[:-1] + join, "") for join in ("", "!", " ") if len(sample.text) > 1]
        for before, once in sample.repeats[:_PLACES]:
            found += [Text(before, once, end) for end in ends]
            found += [Text("", before + once * times, end) for times in (0, 1, 40) for end in ends if before]
            found += [Text(before * (400 // len(before) + 1), once, end) for end in ends if before]
    return list(dict.fromkeys(text for text in found if text.unit))


def _literals(pattern: re.Pattern[Any]) -> list[str]:
    text = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    bare = re.sub(r"\(\?P?[<:=!]\w*>?|\\[a-zA-Z]|\\", " ", text)
    return sorted(set(re.findall(r"[A-Za-z_][\w:./-]*", bare)), key=len, reverse=True)[:4]


class _Sample:
    """A text of the shape that a pattern looks for, and where in it anything may be repeated."""

    def __init__(self, tree: Any, seed: int) -> None:
        self._random = random.Random(seed)
        self._groups: dict[int, str] = {}
        self.repeats: list[tuple[str, str]] = []
        self.text = ""
        self._add(tree)

    def _add(self, tree: Any) -> None:
        for operation, value in tree:
            self._one(str(operation), value)

    def _one(self, operation: str, value: Any) -> None:
        if operation == "LITERAL":
            self.text += chr(value)
        elif operation == "NOT_LITERAL":
            self.text += "a" if value != ord("a") else "b"
        elif operation == "ANY":
            self.text += self._random.choice("a =\"'")
        elif operation == "IN":
            self.text += self._letter(value)
        elif operation == "BRANCH":
            self._add(self._random.choice(value[1]))
        elif operation in {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}:
            self._repeat(*value)
        elif operation == "SUBPATTERN":
            before = len(self.text)
            self._add(value[3])
            self._groups[value[0]] = self.text[before:]
        elif operation == "ATOMIC_GROUP":
            self._add(value)
        elif operation == "GROUPREF":
            self.text += self._groups.get(value, "")

    def _repeat(self, least: int, most: int, inner: Any) -> None:
        before = len(self.text)
        self._add(inner)
        once = self.text[before:]
        if most > 16 and once:
            self.repeats.append((self.text[:before], once))
        self.text = self.text[:before]
        for _ in range(min(most, least + self._random.choice((0, 0, 1)))):
            self._add(inner)

    def _letter(self, parts: Any) -> str:
        wanted = not parts or str(parts[0][0]) != "NEGATE"
        letters = [letter for letter in _LETTERS if any(_holds(part, letter) for part in parts) == wanted]
        letters += [chr(value) for kind, value in parts if wanted and str(kind) == "LITERAL"]
        letters += [chr(value[0]) for kind, value in parts if wanted and str(kind) == "RANGE"]
        return self._random.choice(letters) if letters else "\u00e9"


_LETTERS = "aZ09 \t\n\r\0_-./:=,;#\"'\\()[]{}<>@$%&*+?!|~^`"
_CATEGORIES: dict[str, Callable[[str], bool]] = {
    "CATEGORY_DIGIT": str.isdigit,
    "CATEGORY_SPACE": str.isspace,
    "CATEGORY_WORD": lambda letter: letter.isalnum() or letter == "_",
    "CATEGORY_NOT_DIGIT": lambda letter: not letter.isdigit(),
    "CATEGORY_NOT_SPACE": lambda letter: not letter.isspace(),
    "CATEGORY_NOT_WORD": lambda letter: not (letter.isalnum() or letter == "_"),
}


def _holds(part: Any, letter: str) -> bool:
    kind, value = str(part[0]), part[1]
    if kind == "LITERAL":
        return bool(value == ord(letter))
    if kind == "RANGE":
        return bool(value[0] <= ord(letter) <= value[1])
    return kind == "CATEGORY" and _CATEGORIES[str(value)](letter)


def _samples(pattern: re.Pattern[Any], number: int) -> Iterator[_Sample]:
    """Yield texts of the shape that a pattern looks for, other ones of each possibility."""
    # No public reader of regular expressions gives their parts.
    parser = importlib.import_module("re._parser" if sys.version_info >= (3, 11) else "sre_parse")
    text = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    tree = parser.parse(text, pattern.flags & ~re.UNICODE & ~re.LOCALE)
    seen = set()
    for seed in range(number):
        sample = _Sample(tree, seed)
        if (sample.text, *sample.repeats) not in seen:
            seen.add((sample.text, *sample.repeats))
            yield sample


@cache
def call_of(pattern: re.Pattern[Any], how: str) -> Callable[[str], object]:
    """Return what uses a pattern on a text as its module does."""
    method = getattr(pattern, how if how in ANCHORED else "finditer")

    def use(text: str) -> None:
        given: Any = text.encode() if isinstance(pattern.pattern, bytes) else text
        found = method(given)
        if how not in ANCHORED:
            for _ in found:
                pass

    return use


class Enough(BaseException):
    """The time for a text is up."""


def seconds(use: Callable[[str], object], text: str, most: float = float("inf")) -> float:
    """Return the seconds of CPU time that a text takes, infinity where that is more than `most`."""

    is_running = True

    def enough(*_: object) -> None:
        if is_running:
            raise Enough

    before = signal.signal(signal.SIGVTALRM, enough)
    started = time.thread_time()
    try:
        if most < float("inf"):
            signal.setitimer(signal.ITIMER_VIRTUAL, most)
        try:
            use(text)
        finally:
            is_running = False
    except Enough:
        return float("inf")
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    return time.thread_time() - started


_PLACES = 12
"""Places of a text at which something is repeated."""
SHORT, LONG = 8 * 1024, 32 * 1024
SUSPICIOUS = 0.001
"""Seconds for two KiB."""
_LINE, _SUSPICIOUS_OF_LINES = 32, 0.0001
"""What is repeated and has as many letters stands in two KiB only a few times, so that less is suspicious."""
_MOST = 0.2
"""Seconds for 8 KiB, which no other text of ours takes."""


def grows(use: Callable[[str], object], tried: Iterable[Text]) -> Text | None:
    """Return the text that takes much longer than it is longer, where there is one."""
    for text in tried:
        least = SUSPICIOUS if len(text.unit) < _LINE else _SUSPICIOUS_OF_LINES
        # A busy machine may slow one down, hardly twice the longer text alone.
        if seconds(use, text.of(2048), _MOST) > least and all(_is_worse(use, text) for _ in range(2)):
            return text
    return None


def _is_worse(use: Callable[[str], object], text: Text) -> bool:
    """Tell whether four times the text takes more than nine times as long."""
    short, long = (seconds(use, text.of(size), _MOST * size / SHORT) for size in (SHORT, LONG))
    return long == float("inf") or long > 9 * short
