"""Draw the rooms of the package from its imports, as Mermaid: `python tests/rooms.py`.

An arrow from one room to another says that modules of the first import the second. One that follows from
others is left out: who imports `evidence`, may import what `evidence` imports.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "pytest_aisec"
BASE = "errors"
"""What everything may import, with `options` and `hookspecs`; an arrow to it would say nothing."""
INNER = {"facts", "observe", "judge", "evidence", "cli"}
"""Rooms whose own rooms are named."""


def imports() -> Iterator[tuple[str, str]]:
    """Yield which room imports which."""
    for path in sorted(PACKAGE.rglob("*.py")):
        importing = room(path.relative_to(PACKAGE).with_suffix("").parts)
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module, *(f"{node.module}.{item.name}" for item in node.names)]
            elif isinstance(node, ast.Import):
                names = [item.name for item in node.names]
            else:
                continue
            for name in names:
                package, *parts = name.split(".")
                if package == PACKAGE.name and parts and room(tuple(parts)) not in {importing, BASE}:
                    yield importing, room(tuple(parts))


def room(parts: tuple[str, ...]) -> str:
    """Return the room of a module; loose modules that others may import stand for `errors`."""
    if (PACKAGE / parts[0]).is_dir() or parts[0] == "plugin":
        return parts[0]
    return BASE


def needed(edges: set[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the edges that do not follow from others."""
    below = {start: {end for first, end in edges if first == start} for start, _ in edges}

    def reach(start: str) -> set[str]:
        return {item for end in below.get(start, ()) for item in ({end} | reach(end))}

    return sorted(
        (start, end) for start, end in edges if not any(end in reach(other) for other in below[start] - {end})
    )


def picture() -> str:
    """Return the picture of the rooms."""
    edges = {(start, end) for start, end in imports() if start not in {BASE, "testing"} and end != "testing"}
    rooms = sorted({name for edge in edges for name in edge})
    lines = ["flowchart TD"]
    for name in rooms:
        inside = sorted(path.parent.name for path in (PACKAGE / name).glob("*/__init__.py"))
        text = f"{name}<br/><small>{' · '.join(inside)}</small>" if name in INNER and inside else name
        lines.append(f'    {name}["{text}"]')
    lines += [f"    {start} --> {end}" for start, end in needed(edges)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(picture(), end="")
