"""Find what is too long to be read at once: a function over 60 lines, a module over 350.

What has to be longer says why in its docstring, with the words "however long". A function is counted without
its docstring. Modules of tests have any length, their functions do not.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
FUNCTION, MODULE = 60, 350
REASON = "however long"


def too_long(path: Path, name: str) -> Iterator[str]:
    """Yield what of a file is too long, with its place."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    length = text.count("\n")
    if (
        length > MODULE
        and not path.name.startswith("test_")
        and REASON not in (ast.get_docstring(tree) or "")
    ):
        yield f"{name}: {length} lines; more than {MODULE} need a reason in the docstring ({REASON!r})"
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        length = (node.end_lineno or 0) - node.lineno + 1
        said = ast.get_docstring(node) or ""
        if said:
            length -= (node.body[0].end_lineno or 0) - node.body[0].lineno + 1
        if length > FUNCTION and REASON not in said:
            yield f"{name}:{node.lineno}: {node.name} has {length} lines; at most {FUNCTION}"


def main() -> int:
    """Return 1 when something is too long."""
    found = [
        line
        for directory in ("pytest_aisec", "controls", "tests", "bench")
        for path in sorted((ROOT / directory).rglob("*.py"))
        for line in too_long(path, str(path.relative_to(ROOT)))
    ]
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
