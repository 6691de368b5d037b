"""The texts of many files, in few answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from pytest_aisec.facts.formats import reads
from pytest_aisec.facts.together import ahead
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = [
    "read_files",
]

READ_AT_ONCE = 4 * 1024 * 1024
"""Bytes of files in one answer; a larger file is not read."""


_MOST_FILES = 5000
_MOST_BYTES = 8 * 1024 * 1024
"""What is read of all files that are asked for: beyond it they are faults, so that nothing passes unread."""
_A_PORTION = 200


def read_files(host: Host, sizes: Mapping[str, int]) -> dict[str, str | Unobservable]:
    """Return the text of the files of these `sizes`, in as few answers as the sizes allow.

    Of very many files, or of very much text, the rest is `truncated`.
    """
    answers: dict[str, str | Unobservable] = {}
    portions: list[list[str]] = [[]]
    weight = total = 0
    for number, path in enumerate(sorted(sizes)):
        if sizes[path] > READ_AT_ONCE:
            answers[path] = Unobservable("truncated", f"{path} has {sizes[path]} bytes")
            continue
        total += sizes[path]
        if number >= _MOST_FILES or total > _MOST_BYTES:
            answers[path] = Unobservable(
                "truncated", f"{path} is one of too many: {len(sizes)} project files"
            )
            continue
        if portions[-1] and (weight + sizes[path] > READ_AT_ONCE or len(portions[-1]) >= _A_PORTION):
            portions.append([])
            weight = 0
        portions[-1].append(path)
        weight += sizes[path]
    readings = [partial(_read_portion, host, portion) for portion in portions if portion]
    ahead(*readings)
    for read in readings:
        answers |= read()
    return answers


def _read_portion(host: Host, paths: Sequence[str]) -> dict[str, str | Unobservable]:
    answer = host.run(
        f"for f in {' '.join(['%s'] * len(paths))}; do if test -d \"$f\"; then printf 'directory\\n'; "
        "elif test -r \"$f\"; then printf 'text\\n'; "
        f"head -c {READ_AT_ONCE + 1} -- \"$f\" | tr '\\000' '\\001'; "
        "else stat -L -c 'denied' -- \"$f\" 2>&1; fi; printf '\\n\\000'; done",
        *paths,
    )
    return read_texts(paths, answer.stdout, answer.stderr)


@reads
def read_texts(paths: Sequence[str], stdout: str, stderr: str) -> dict[str, str | Unobservable]:
    """Read what was printed about some files.

    Raises:
        Unobservable: when the answers cannot be told apart, or a tool failed.

    """
    problem = stderr.strip().splitlines()
    if problem:
        missing = any("not found" in line for line in problem)
        raise Unobservable("tool_missing" if missing else "unreadable", problem[-1])
    parts = stdout.split("\n\0")
    if len(parts) != len(paths) + 1 or parts[-1]:
        raise Unobservable(
            "parse", f"{len(paths)} files gave {len(parts) - 1} answers: one looks like a credential"
        )
    answers: dict[str, str | Unobservable] = {}
    for path, part in zip(paths, parts, strict=False):
        first, _, text = part.partition("\n")
        if first == "text":
            too_long = len(text.encode("utf-8", "surrogateescape")) > READ_AT_ONCE
            answers[path] = Unobservable("truncated", f"{path} is too long") if too_long else text
        elif first == "directory":
            answers[path] = Unobservable("unreadable", f"{path} is a directory")
        elif first == "denied" or first.endswith("Permission denied"):
            answers[path] = Unobservable("privilege", f"{path}: Permission denied")
        elif first.endswith(("not found", "Permission denied")):
            answers[path] = Unobservable("tool_missing", first)
        else:
            answers[path] = Unobservable("unreadable", first or path)
    return answers
