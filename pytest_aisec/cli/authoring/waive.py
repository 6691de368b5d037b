"""Add a waiver to a file that people write, and leave the rest of it as they wrote it."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import math
import os
import re
import stat
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from pytest_aisec.errors import UsageProblem, nearest
from pytest_aisec.judge.waivers import waiver as waivers
from pytest_aisec.judge.waivers.statement import Given
from pytest_aisec.judge.waivers.status import overlapping
from pytest_aisec.judge.waivers.waiver import Waiver

_OPTIONS = {
    "id": "--id",
    "control": "CONTROL",
    "hosts": "--host",
    "reason": "--reason",
    "approved_by": "--approved-by",
    "approved_on": "--approved-on",
    "expires": "--expires",
    "ticket": "--ticket",
}
"""Key of the file → what gives it on the command line; in the order in which they are written."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A waiver as the command line gives it, not yet checked."""

    control: str
    hosts: Sequence[str]
    reason: str
    approved_by: str
    approved_on: str
    expires: str
    ticket: str | None = None
    id: str | None = None
    """`None` for the next number in the file."""


@dataclass(frozen=True, kw_only=True)
class Added:
    """A waiver that stands in its file now."""

    waiver: Waiver
    place: str
    """`file:line:column` of the entry."""
    overlaps: Sequence[tuple[Waiver, str]]
    """Those of the file that excuse some of the same, with their places."""


def add(wanted: Wanted, path: Path, *, known: Collection[str], today: date) -> Added:
    """Append a waiver to a file; what the file holds stays as it is, to the byte.

    Args:
        wanted: the waiver.
        path: the file; it is made where there is none.
        known: the ids of all controls.
        today: the day in UTC.

    Raises:
        UsageProblem: with one line for every mistake, in what is wanted or in the file. Nothing is written
            then.

    """
    target = path.resolve()  # a link stays a link
    if path.is_dir():
        raise UsageProblem(f"--file {path}: is a directory; name one of its files")
    if not target.parent.is_dir():
        raise UsageProblem(f"--file {path}: there is no directory {target.parent}")
    waiver = _checked(wanted, path, known, today)
    try:
        with _alone(target.parent):
            return _add(waiver, path, target, known, is_named=wanted.id is not None)
    except OSError as error:
        raise UsageProblem(f"--file {path}: cannot be written: {error.strerror}") from None


def _checked(wanted: Wanted, path: Path, known: Collection[str], today: date) -> Waiver:
    """Return what is wanted as a waiver, once it and the file are without a mistake."""
    given = {name: getattr(wanted, name) for name in _OPTIONS}
    problems = [*_problems(given, known)]
    waiver = None
    try:
        waiver = Waiver.model_validate(
            {**given, "id": "W" if wanted.id is None else wanted.id, "ticket": wanted.ticket or ""}
        )
    except ValidationError as error:
        problems += [_sentence(detail) for detail in error.errors(include_url=False)]
    if waiver is not None and waiver.expires < today:
        problems.append(f"--expires {waiver.expires}: is over; today is {today}, UTC")
    try:
        _read(path, known)
    except UsageProblem as problem:
        problems.append(str(problem))
    if waiver is None or problems:
        raise UsageProblem("\n".join(problems))
    return waiver


def _problems(given: dict[str, Any], known: Collection[str]) -> Iterator[str]:
    control = given["control"]
    if control not in known:
        yield f"unknown control {control!r}. {nearest(control, known)}".rstrip()
    for host in given["hosts"]:
        if "," in host:
            yield f"--host {host}: takes one name or wildcard; repeat it for more"


def _sentence(detail: Any) -> str:
    option = _OPTIONS[str(detail["loc"][0])]
    if detail["type"] == "string_too_short":
        return f"{option}: must not be empty"
    if detail["type"] == "string_unicode":
        return f"{option}: is not UTF-8 text"
    message = str(detail["msg"]).removeprefix("Value error, ").replace("approved_on", "--approved-on")
    return f"{option} {detail['input']}: {message}"


def _read(path: Path, known: Collection[str]) -> Given[Waiver]:
    return waivers.load([path], known) if path.exists() else Given()


@contextlib.contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Let one process after the other change files of `directory`; a killed one leaves no lock behind."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _add(waiver: Waiver, path: Path, target: Path, known: Collection[str], *, is_named: bool) -> Added:
    before = _read(path, known)
    text = target.read_bytes().decode("utf-8") if target.exists() else ""
    taken = {item.id: place for item, place in zip(before.items, before.places, strict=True)}
    if not is_named:
        waiver = waiver.model_copy(update={"id": _next_id(taken, waiver.approved_on.year)})
    if waiver.id in taken:
        raise UsageProblem(f"--id {waiver.id}: is taken, by {taken[waiver.id]}")
    place = _replace(target, _appended(text, waiver), before, waiver, path)
    return Added(waiver=waiver, place=f"{path}:{place}", overlaps=overlapping(waiver, before))


def _next_id(taken: Collection[str], year: int) -> str:
    numbers = [int(found[1]) for name in taken if (found := re.fullmatch(rf"W-{year}-(\d+)", name))]
    return f"W-{year}-{max(numbers, default=0) + 1:03}"


def _appended(text: str, waiver: Waiver) -> str:
    """Return `text` with an entry at the end of its list, before a mark of the end of the document."""
    newline = "\r\n" if text.count("\r\n") * 2 > text.count("\n") else "\n"
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    head, tail, indent = text, "", ""
    if isinstance(root, yaml.SequenceNode) and not root.flow_style:
        head, tail = text[: root.end_mark.index], text[root.end_mark.index :]
        indent = " " * root.start_mark.column
    elif root is not None and not root.value:  # `[]`, which is where a block cannot go on
        head = text[: root.start_mark.index] + text[root.end_mark.index :]
        head = "" if not head.strip() else head
    if head and not head.endswith("\n"):
        head += newline
    return head + "".join(f"{indent}{line}{newline}" for line in _entry(waiver)) + tail


def _entry(waiver: Waiver) -> Iterator[str]:
    fields = waiver.model_dump()
    lines = [
        line
        for name in _OPTIONS
        if fields[name] != ""
        for line in _field(name, fields[name]).rstrip("\n").split("\n")
    ]
    yield f"- {lines[0]}"
    yield from (f"  {line}" for line in lines[1:])


def _field(name: str, value: str | date | list[str]) -> str:
    if isinstance(value, date) or (isinstance(value, str) and value.isprintable()):
        return str(yaml.safe_dump({name: value}, allow_unicode=True, width=96))
    shown = yaml.safe_dump(
        value, allow_unicode=True, width=math.inf, default_style='"', default_flow_style=True
    )
    return f"{name}: {shown}"


def _replace(target: Path, text: str, before: Given[Waiver], waiver: Waiver, path: Path) -> str:
    """Put `text` in the place of the file once it says what it should; return `line:column` of the entry."""
    temporary = target.with_name(f".{target.name}.new")
    temporary.unlink(missing_ok=True)  # of a process that was killed: nobody else is at it now
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with os.fdopen(os.open(temporary, flags, 0o666), "wb") as stream:
            stream.write(text.encode("utf-8"))
            stream.flush()
            os.fsync(stream.fileno())
        place = _place(temporary, before, waiver)
        if place is None:
            shown = "\n".join(_entry(waiver))
            raise UsageProblem(
                f"{path}: nothing can be appended to what it holds; write it yourself:\n{shown}"
            )
        if target.exists():
            _take_after(temporary, target)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    return place


def _place(written: Path, before: Given[Waiver], waiver: Waiver) -> str | None:
    try:
        after = waivers.load([written], None)
    except UsageProblem:
        return None
    if after.items != (*before.items, waiver):
        return None
    return ":".join(after.places[-1].rsplit(":", 2)[1:])


def _take_after(temporary: Path, target: Path) -> None:
    if not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    status = target.stat()
    temporary.chmod(stat.S_IMODE(status.st_mode))
    with contextlib.suppress(PermissionError):  # who may write it need not be its owner
        os.chown(temporary, status.st_uid, status.st_gid)
