"""Files and directories: who owns them, and how one gets to them."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_aisec.facts.core.formats import reads
from pytest_aisec.facts.system.access_lists import AclEntry
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = [
    "Entry",
    "ResolvedPath",
    "leaves",
    "quoted",
    "trails",
]

MOST_HOPS = 40
"""Symbolic links on one way, as in Linux."""
_MOST_PARTS = 4096


_KINDS = {
    "regular file": "f",
    "regular empty file": "f",
    "directory": "d",
    "symbolic link": "l",
    "socket": "s",
    "fifo": "p",
    "block special file": "b",
    "character special file": "c",
}


_STAT = re.compile(r"(?P<mode>[0-7]{1,4}):(?P<owner>[^:]*):(?P<group>[^:]*):(?P<kind>[a-z ]+)")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One file, directory or link."""

    path: str
    kind: str
    """As in `find -type`: `f`, `d`, `l`, `s`, `p`, `b`, `c`, or `?`."""
    mode: int
    """Permission bits, with setuid, setgid and sticky."""
    owner: str
    """Name, or the number where it has no name."""
    group: str
    """Name, or the number where it has no name."""
    target: str = ""
    """Where a symbolic link points, as written in it."""

    @property
    def summary(self) -> str:
        """Mode, owner and group as people write them."""
        return f"{self.mode:04o} {self.owner}:{self.group}"

    @property
    def is_sticky(self) -> bool:
        """Whether only their owners may rename what lies in this directory."""
        return bool(self.mode & 0o1000)

    def exceeds(self, mode: int) -> bool:
        """Tell whether anybody may do more than `mode` (its lower nine bits) allows."""
        return bool(self.mode & 0o777 & ~mode)


@dataclass(frozen=True, kw_only=True)
class ResolvedPath:
    """The way from `/` to a path, link by link."""

    path: str
    """As it was asked for."""
    passed: tuple[Entry, ...]
    """Every directory that a name was looked up in and every link, in order, without the end."""
    end: Entry | None
    """What the path leads to, its `path` free of links; `None` when it is proved to be absent."""
    fault: Unobservable | None = None
    """Why the way could not be followed; then nothing else here says anything."""

    def replaceable_by(self, access: Sequence[AclEntry] = ()) -> dict[str, tuple[str, ...]]:
        """Return who could put something else in the place of the end, by directory or link.

        Whoever may write a directory on the way can rename what lies in it; where it is sticky, only those
        who own the directory or what lies in it. Subjects are `user:NAME`, `group:NAME` and `others`.

        Args:
            access: the access control lists of `writable_by_group`.

        """
        found: dict[str, tuple[str, ...]] = {}
        steps = [*self.passed, *([self.end] if self.end else [])]
        for here, following in zip(steps, [*steps[1:], None], strict=True):
            if here.kind != "d" or here is self.end:
                continue
            child = following if following and posixpath.dirname(following.path) == here.path else None
            subjects = [f"user:{here.owner}"]
            if here.is_sticky:
                if here.mode & 0o022 and child is not None:
                    subjects.append(f"user:{child.owner}")
            else:
                listed = [entry for entry in access if entry.path == here.path and "w" in entry.grants]
                listed = [
                    entry for entry in listed if not entry.text.startswith(("default:", "user::", "other:"))
                ]
                if any(entry.path == here.path for entry in access):
                    subjects += [
                        entry.subject if entry.subject != "group:" else f"group:{here.group}"
                        for entry in listed
                    ]
                elif here.mode & 0o020:
                    subjects.append(f"group:{here.group}")
                if here.mode & 0o002:
                    subjects.append("others")
            found[here.path] = tuple(dict.fromkeys([*found.get(here.path, ()), *subjects]))
        return found

    @property
    def writable_by_group(self) -> tuple[str, ...]:
        """Directories on the way whose group bits (or the ACL mask in their place) allow writing."""
        return tuple(
            dict.fromkeys(e.path for e in self.passed if e.kind == "d" and e.mode & 0o020 and not e.is_sticky)
        )


def trails(host: Host, paths: Sequence[str]) -> dict[str, ResolvedPath]:
    """Return the way to each of `paths`, following symbolic links as the kernel does.

    A way that cannot be seen has the reason in its `fault`.
    """
    absolute = [path for path in paths if path.startswith("/")]
    first = dict.fromkeys(["/", *(prefix for path in absolute for prefix in _prefixes(path))])
    known = _stat(host, list(first)) if absolute else {}
    found: dict[str, ResolvedPath] = {}
    while len(found) < len(set(paths)):
        wanted: list[str] = []
        for path in paths:
            if path in found:
                continue
            try:
                trail = _walk(path, known, wanted)
            except Unobservable as fault:
                trail = ResolvedPath(path=path, passed=(), end=None, fault=fault)
            if trail is not None:
                found[path] = trail
        if wanted:
            known.update(_stat(host, list(dict.fromkeys(wanted))))
    return found


def _seen(entry: Entry | Unobservable | None) -> Entry | None:
    if isinstance(entry, Unobservable):
        raise entry
    return entry


def _walk(path: str, known: dict[str, Entry | Unobservable | None], wanted: list[str]) -> ResolvedPath | None:
    """Follow `path` through `known`; add to `wanted` what must be known first and return `None`."""
    if not path.startswith("/"):
        raise Unobservable("parse", f"{path!r} is not an absolute path")
    todo = _parts(path)
    here, hops, passed = "/", 0, list[Entry]()
    entry = _seen(known["/"])
    while todo:
        if entry is None:
            return ResolvedPath(path=path, passed=tuple(passed), end=None)
        passed.append(entry)
        if entry.kind != "d":
            return ResolvedPath(path=path, passed=tuple(passed), end=None)
        part = todo.pop(0)
        if part == "..":
            here = posixpath.dirname(here)
            entry = _seen(known[here])
            continue
        there = posixpath.join(here, part)
        if there not in known:
            wanted.extend(_prefixes(posixpath.join(there, *todo))[there.count("/") - 1 :])
            return None
        step = _seen(known[there])
        if step is not None and step.kind == "l":
            hops += 1
            if hops > MOST_HOPS:
                raise Unobservable("unreadable", f"{path}: too many levels of symbolic links")
            passed.append(step)
            todo = _parts(step.target, *todo)
            if step.target.startswith("/"):
                here = "/"
            entry = _seen(known[here])
        else:
            here, entry = there, step
    return ResolvedPath(path=path, passed=tuple(passed), end=entry)


def _parts(path: str, *more: str) -> list[str]:
    parts = [*(part for part in path.split("/") if part not in {"", "."}), *more]
    if len(parts) > _MOST_PARTS:
        raise Unobservable("unreadable", f"{path[:80]} leads over more than {_MOST_PARTS} directories")
    return parts


def _prefixes(path: str) -> list[str]:
    parts = [part for part in path.split("/") if part not in {"", "."}]
    if ".." in parts:
        parts = parts[: parts.index("..")]
    return ["/" + "/".join(parts[: count + 1]) for count in range(len(parts))]


def _stat(host: Host, paths: Sequence[str]) -> dict[str, Entry | Unobservable | None]:
    places = " ".join(["%s"] * len(paths))
    answer = host.run(
        f"for p in {places}; do stat -c '%%a:%%U:%%G:%%F' -- \"$p\" 2>&1; s=$?; "
        'printf \'\\n=%%s \' "$s"; if test -h "$p"; then readlink -- "$p"; fi; printf \'\\n\\000\'; done',
        *paths,
    )
    parts = answer.stdout.split("\n\0")
    if len(parts) != len(paths) + 1 or parts[-1].strip():
        raise Unobservable("parse", f"stat of {len(paths)} paths gave {len(parts) - 1} answers")
    known: dict[str, Entry | Unobservable | None] = {}
    for path, part in zip(paths, parts, strict=False):
        try:
            known[path] = read_stat(path, part)
        except Unobservable as fault:
            known[path] = fault
    return known


@reads
def read_stat(path: str, answer: str) -> Entry | None:
    """Read what was printed about `path`; `None` when it is proved to be absent.

    Raises:
        Unobservable: when stat could not look.

    """
    text, _, rest = answer.rpartition("\n=")
    status, _, target = rest.partition(" ")
    text = text.strip("\n")
    if status in {"126", "127"}:
        raise Unobservable("tool_missing", f"stat: {text}")
    if status != "0":
        if text.endswith(("No such file or directory", "Not a directory")):
            return None
        raise Unobservable("privilege" if text.endswith("Permission denied") else "unreadable", text or path)
    match = _STAT.fullmatch(text)
    if match is None:
        raise Unobservable("parse", f"stat {path}: {text!r}")
    kind = _KINDS.get(match["kind"], "?")
    if kind == "l" and not target.rstrip("\n"):
        raise Unobservable("tool_missing", f"readlink says nothing about {path}")
    return Entry(
        path=path,
        kind=kind,
        mode=int(match["mode"], 8),
        owner=match["owner"],
        group=match["group"],
        target=target.removesuffix("\n"),
    )


MOST_LINKS = 500
"""Links out of the trees that are followed."""


def leaves(link: Entry, directories: Iterable[str]) -> str | None:
    """Return where `link` points when that is not plainly inside `directories`, else `None`.

    A link to something inside is not followed: what it ends at is seen there.
    """
    where = posixpath.join(posixpath.dirname(link.path), link.target)
    parts = [part for part in link.target.split("/") if part not in {"", "."}]
    named = [position for position, part in enumerate(parts) if part != ".."]
    climbs_late = any(part == ".." for part in parts[named[0] :]) if named else False
    plain = posixpath.normpath(where)
    inside = any(plain == top or plain.startswith(top.rstrip("/") + "/") for top in directories)
    return None if inside and not climbs_late else where


def quoted(value: str) -> str:
    """Return `value` quoted for the shell, for a command that is given to `host.run` with arguments."""
    return shlex.quote(value).replace("%", "%%")
