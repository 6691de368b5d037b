"""Digests of files, computed on the host."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pytest_aisec.facts.artifacts.model_listing import ModelFile, complaints
from pytest_aisec.facts.core.together import outcomes
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["samples", "sha256"]

_TOGETHER = 256 * 1024 * 1024
_SUM = re.compile(r"\\?(?P<digest>[0-9a-f]{64}) [ *].*", re.DOTALL)


def sha256(host: Host, files: Sequence[ModelFile]) -> dict[str, str | Unobservable]:
    """Return the SHA-256 of `files` by path, computed on the host; why not, where that failed.

    Large files are hashed in questions of their own, so that each has the whole time of a question.
    """
    groups: list[list[ModelFile]] = []
    room = 0
    for file in files:
        if not groups or file.size > room or len(groups[-1]) >= 100:
            groups.append([])
            room = _TOGETHER
        groups[-1].append(file)
        room -= file.size
    answers = outcomes([lambda group=group: _sums(host, group) for group in groups])  # type: ignore[misc]
    found: dict[str, str | Unobservable] = {}
    for group, answer in zip(groups, answers, strict=True):
        for file in group:
            found[file.path] = answer if isinstance(answer, Unobservable) else answer[file.path]
    return found


def _sums(host: Host, files: Sequence[ModelFile]) -> dict[str, str]:
    places = " ".join(["%s"] * len(files))
    answer = host.run(f"sha256sum -- {places}", *(file.place or file.path for file in files))
    faults = complaints(answer.stderr)
    if faults or answer.rc != 0 or answer.stderr.strip():
        raise faults[0] if faults else Unobservable("unreadable", answer.stderr.strip() or "sha256sum")
    lines = answer.stdout.splitlines()
    matches = [_SUM.fullmatch(line) for line in lines]
    digests = [match["digest"] for match in matches if match]
    if len(digests) != len(files) or len(lines) != len(files):
        raise Unobservable("parse", f"sha256sum printed {len(lines)} lines for {len(files)} files")
    return dict(zip((file.path for file in files), digests, strict=True))


_SAMPLES, _SAMPLE = 5, 64 * 1024


def samples(host: Host, files: Sequence[ModelFile]) -> dict[str, str | Unobservable]:
    """Return a digest of parts all over each of `files`, by path: equal for copies, and quick."""

    def one(file: ModelFile) -> str:
        steps = [file.size * step // _SAMPLES + 1 for step in range(_SAMPLES)]
        steps.append(max(1, file.size - _SAMPLE + 1))
        parts = " ".join(["tail -c +%s -- %s | head -c %s;"] * len(steps))
        values = [value for step in steps for value in (str(step), file.path, str(_SAMPLE))]
        answer = host.run(f"{{ {parts} }} | sha256sum", *values)
        faults = complaints(answer.stderr)
        match = re.fullmatch(r"([0-9a-f]{64})\s+-\s*", answer.stdout)
        if faults or match is None or answer.rc != 0 or "No such file" in answer.stderr:
            raise faults[0] if faults else Unobservable("unreadable", answer.stderr.strip() or file.path)
        return match[1]

    answers = outcomes([lambda file=file: one(file) for file in files])  # type: ignore[misc]
    return {file.path: answer for file, answer in zip(files, answers, strict=True)}
