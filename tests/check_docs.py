"""Compare what the documentation shows with what the commands print; `--write` brings it up to date.

A help text stands after a line `<!-- help: COMMAND -->`, in a fenced block. `pytest` means the options that
this plugin adds to pytest's. `docs/controls/` is what `aisec catalog --format md` says, and `docs/cli.md` the
help of every command. Behind a line `<!-- rooms -->` stands the picture that `tests/rooms.py` draws of the
imports. A test that a page names as `PATH::NAME` must be there, and each promise of `docs/security.md` names
one. A docstring begins with a noun or a verb.
"""

from __future__ import annotations

import ast
import os
import re
import runpy
import subprocess
import sys
import tempfile
from pathlib import Path

from pytest_aisec.cli.help_page import markdown

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"(<!-- help: (?P<command>[^>]+) -->\n```text\n)(?P<text>.*?)(```\n)", re.DOTALL)
ROOMS = re.compile(r"(<!-- rooms -->\n```mermaid\n)(?P<text>.*?)(```\n)", re.DOTALL)


def printed(command: str) -> str:
    """Return what `command` prints about itself, 80 columns wide."""
    argv = ["-m", "pytest_aisec.cli"] if command.startswith("aisec") else ["-m", "pytest", "-c", os.devnull]
    done = subprocess.run(
        [sys.executable, *argv, *command.split()[1:], *([] if command != "pytest" else ["--help"])],
        env={**os.environ, "COLUMNS": "80", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=True,
        cwd="/",
    )
    if command != "pytest":
        return done.stdout.replace("python -m pytest_aisec.cli", "aisec")
    section = re.search(r"^audit AI machines .*?(?=^\S)", done.stdout, re.DOTALL | re.MULTILINE)
    if section is None:
        raise SystemExit("pytest --help shows no options of this plugin")
    return section[0].rstrip() + "\n"


def drawn() -> str:
    """Return the picture of the rooms."""
    return str(runpy.run_path(str(ROOT / "tests/rooms.py"))["picture"]())


def stale_pages(directory: Path) -> list[str]:
    """Return the pages about controls that are not what the catalog says; with `--write`, write them."""
    with tempfile.TemporaryDirectory() as fresh:
        argv = [sys.executable, "-m", "pytest_aisec.cli", "catalog", "--format", "md", "--to", fresh]
        subprocess.run(argv, check=True, cwd=ROOT)
        wanted = {path.name: path.read_text(encoding="utf-8") for path in Path(fresh).iterdir()}
    present = {path.name: path.read_text(encoding="utf-8") for path in directory.glob("*.md")}
    stale = sorted(name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name))
    if "--write" in sys.argv:
        directory.mkdir(exist_ok=True)
        for name in present.keys() - wanted.keys():
            (directory / name).unlink()
        for name, text in wanted.items():
            (directory / name).write_text(text, encoding="utf-8")
    return [f"docs/controls/{name}" for name in stale]


def stale_reference(path: Path) -> list[str]:
    """Return the page of all commands when it is not what they say; with `--write`, write it."""
    wanted = markdown()
    if path.exists() and path.read_text(encoding="utf-8") == wanted:
        return []
    if "--write" in sys.argv:
        path.write_text(wanted, encoding="utf-8")
    return [str(path.relative_to(ROOT))]


def missing_tests(text: str) -> list[str]:
    """Return the tests that `text` names as `PATH::NAME` or `PATH::CLASS::NAME` and that are not there."""
    missing = []
    for path, of, name in re.findall(r"`?(tests/[\w/]+\.py)::(?:(\w+)::)?(\w+)", text):
        file = ROOT / path
        written = file.read_text(encoding="utf-8") if file.is_file() else ""
        patterns = [rf"^ *def {name}\(", *([rf"^class {of}\b"] if of else [])]
        if not all(re.search(pattern, written, re.MULTILINE) for pattern in patterns):
            missing.append("::".join(filter(None, (path, of, name))))
    return missing


NO_PROMISES = (
    "- **root on the target** can.",
    "- **Another account on the target** cannot choose",  # what follows says how
    "| attacker | what holds |",
)
"""Points of the page on security that promise nothing themselves."""


def unproved(text: str) -> list[str]:
    """Return the points of the page on security, and its paragraphs about attackers, that name no test."""
    points = [line.strip() for line in text.splitlines() if re.match(r" *- |\|(?!---)", line)]
    return [point[:100] for point in points if "tests/" not in point and not point.startswith(NO_PROMISES)]


def _documented(tree: ast.Module) -> list[ast.Module | ast.ClassDef | ast.FunctionDef]:
    """Return what of a module has a docstring; that of a property may say whether something is so."""
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and not any("property" in ast.unparse(item) for item in getattr(node, "decorator_list", []))
    ]


def questions_in_place_of_names(package: Path) -> list[str]:
    """Return the docstrings that begin with a question word, where a noun or a verb says it sooner."""
    found = []
    for path in sorted(package.rglob("*.py")):
        for node in _documented(ast.parse(path.read_text(encoding="utf-8"))):
            text = ast.get_docstring(node) or ""
            if re.match(r"(What|Whether|Why|Where|Which|Who|How)\b", text):
                place = f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"
                found.append(f"{place}: begin with a noun or a verb: {text.splitlines()[0]}")
    return found


def main() -> int:
    """Return 1 when anything that the documentation shows is not what the command prints."""
    stale, missing = [], questions_in_place_of_names(ROOT / "pytest_aisec")
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))):
        text = path.read_text(encoding="utf-8")
        missing += [
            f"{path.relative_to(ROOT)}: names {name}, which is not there" for name in missing_tests(text)
        ]
        if path.name == "security.md":
            missing += [
                f"{path.relative_to(ROOT)}: names no test that holds: {point}" for point in unproved(text)
            ]
        fresh = BLOCK.sub(lambda match: match[1] + printed(match["command"].strip()) + match[4], text)
        fresh = ROOMS.sub(lambda match: match[1] + drawn() + match[3], fresh)
        if fresh != text:
            stale.append(str(path.relative_to(ROOT)))
            if "--write" in sys.argv:
                path.write_text(fresh, encoding="utf-8")
    stale += stale_pages(ROOT / "docs/controls")
    stale += stale_reference(ROOT / "docs/cli.md")
    for name in stale:
        print(f"{name}: is not what the command prints; run: python tests/check_docs.py --write")
    print(*missing, sep="\n", end="\n" if missing else "")
    return 1 if missing or (stale and "--write" not in sys.argv) else 0


if __name__ == "__main__":
    sys.exit(main())
