"""Files and directories: who owns them, who may use them, and how one gets to them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = [
    "AclEntry",
    "Below",
    "Entry",
    "Listing",
    "Trail",
    "access_lists",
    "below",
    "find",
    "leaves",
    "mount_points",
    "trails",
]

LISTING_BYTES = 2 * 1024 * 1024
"""A listing stops there; what stopped is never taken for the whole."""

MOST_HOPS = 40
"""Symbolic links on one way, as in Linux."""

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
_STAT = re.compile(r"(?P<mode>[0-7]{1,4}):(?P<owner>.*):(?P<group>.*):(?P<kind>[a-z ]+)")
_SWALLOWS_LINES = re.compile(r"«redacted:(private-key|wandb):")


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

    def beyond(self, mode: int) -> bool:
        """Tell whether anybody may do more than `mode` (its lower nine bits) allows."""
        return bool(self.mode & 0o777 & ~mode)


@dataclass(frozen=True, kw_only=True)
class Trail:
    """The way from `/` to a path, link by link."""

    path: str
    """As it was asked for."""
    passed: tuple[Entry, ...]
    """Every directory that a name was looked up in and every link, in order, without the end."""
    end: Entry | None
    """What the path leads to, its `path` free of links; `None` when it is proved to be absent."""


@dataclass(frozen=True, kw_only=True)
class Listing:
    """What one `find` printed."""

    records: tuple[str, ...]
    """In the order found; whole records only."""
    denied: tuple[str, ...] = ()
    """What it was not allowed to see."""
    is_cut: bool = False
    """Whether there would have been more."""

    def require_whole(self) -> None:
        """Raise `Unobservable` unless everything was seen."""
        if self.denied:
            raise Unobservable("privilege", "; ".join(self.denied[:3]))
        if self.is_cut:
            raise Unobservable("truncated", f"the listing is longer than {LISTING_BYTES} bytes")


@dataclass(frozen=True, kw_only=True)
class Below:
    """What lies in some directories and on the file systems mounted below them."""

    matching: tuple[Entry, ...]
    """The entries that were looked for."""
    links: tuple[Entry, ...]
    """Every symbolic link."""
    listing: Listing = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class AclEntry:
    """One entry of an access control list that goes beyond owner, group and others."""

    path: str
    text: str
    """As getfacl prints it, such as `user:mallory:rw-` or `default:other::r-x`."""

    @property
    def subject(self) -> str:
        """Whom it grants something, such as `user:mallory`; empty names mean the file's own owner or group."""
        return ":".join(self.text.removeprefix("default:").split(":")[:2])

    @property
    def grants(self) -> str:
        """The effective permissions, such as `r-x`."""
        return self._permissions

    _permissions: str = field(default="---", repr=False)


def trails(host: Host, paths: Sequence[str]) -> dict[str, Trail]:
    """Return the way to each of `paths`, following symbolic links as the kernel does.

    Raises:
        Unobservable: when a part of a way cannot be seen, or a path is not absolute.

    """
    for path in paths:
        if not path.startswith("/"):
            raise Unobservable("parse", f"{path!r} is not an absolute path")
    known: dict[str, Entry | None] = {}
    found: dict[str, Trail] = {}
    while len(found) < len(set(paths)):
        wanted: list[str] = []
        for path in paths:
            if path in found:
                continue
            trail = _walk(path, known, wanted)
            if trail is not None:
                found[path] = trail
        if wanted:
            known.update(_stat(host, list(dict.fromkeys(wanted))))
    return found


def _walk(path: str, known: dict[str, Entry | None], wanted: list[str]) -> Trail | None:
    """Follow `path` through `known`; add to `wanted` what must be known first and return `None`."""
    todo = [part for part in path.split("/") if part not in {"", "."}]
    here, hops, passed = "/", 0, list[Entry]()
    if "/" not in known:
        wanted.extend(["/", *_prefixes(path)])
        return None
    entry = known["/"]
    while todo:
        if entry is None:
            return Trail(path=path, passed=tuple(passed), end=None)
        passed.append(entry)
        if entry.kind != "d":
            return Trail(path=path, passed=tuple(passed), end=None)
        part = todo.pop(0)
        if part == "..":
            here = posixpath.dirname(here)
            entry = known[here]
            continue
        there = posixpath.join(here, part)
        if there not in known:
            wanted.append(there)
            ahead = posixpath.join(there, *todo)
            wanted.extend(_prefixes(ahead)[there.count("/") :] if ".." not in todo else [])
            return None
        step = known[there]
        if step is not None and step.kind == "l":
            hops += 1
            if hops > MOST_HOPS:
                raise Unobservable("unreadable", f"{path}: too many levels of symbolic links")
            passed.append(step)
            todo = [part for part in step.target.split("/") if part not in {"", "."}] + todo
            if step.target.startswith("/"):
                here = "/"
            entry = known[here]
            if not todo:
                continue
            continue
        here, entry = there, step
    return Trail(path=path, passed=tuple(passed), end=entry)


def _prefixes(path: str) -> list[str]:
    parts = [part for part in path.split("/") if part not in {"", "."}]
    if ".." in parts:
        parts = parts[: parts.index("..")]
    return ["/" + "/".join(parts[: count + 1]) for count in range(len(parts))]


def _stat(host: Host, paths: Sequence[str]) -> dict[str, Entry | None]:
    places = " ".join(["%s"] * len(paths))
    answer = host.run(
        f"for p in {places}; do stat -c '%%a:%%U:%%G:%%F' -- \"$p\" 2>&1; s=$?; "
        "printf '\\n=%%s ' \"$s\"; if test -h \"$p\"; then readlink -- \"$p\"; fi; printf '\\n\\000'; done",
        *paths,
    )
    parts = answer.stdout.split("\n\0")
    if len(parts) != len(paths) + 1 or parts[-1].strip():
        raise Unobservable("parse", f"stat of {len(paths)} paths gave {len(parts) - 1} answers")
    return {path: read_stat(path, part) for path, part in zip(paths, parts, strict=False)}


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


def find(host: Host, arguments: str, *values: str) -> Listing:
    r"""Run `find` with `arguments`, whose `-printf` formats end in `\n\0`, and return the records.

    Ends early where the listing is too long; files that vanish meanwhile are left out.

    Raises:
        Unobservable: when find fails for another reason than missing permissions.

    """
    answer = host.run(
        f"{{ find {arguments}; printf 'status %%s\\n\\000' \"$?\"; }} | head -c {LISTING_BYTES}", *values
    )
    return read_listing(answer.stdout, answer.stderr)


def read_listing(stdout: str, stderr: str) -> Listing:
    """Read what a framed `find` printed.

    Raises:
        Unobservable: when it failed, or when a name was redacted such that records may be lost.

    """
    if _SWALLOWS_LINES.search(stdout):
        raise Unobservable("parse", "a file name looks like a credential and hides others")
    *records, rest = stdout.split("\n\0")
    denied, other = [], []
    for line in stderr.splitlines():
        if line.endswith(": Permission denied"):
            denied.append(line)
        elif line.strip() and not line.endswith(": No such file or directory"):
            other.append(line)
    status = records[-1].removeprefix("status ") if records and records[-1].startswith("status ") else None
    if status in {"126", "127"}:
        raise Unobservable("tool_missing", other[-1] if other else "find")
    if any("unrecognized" in line or "unknown predicate" in line for line in other):
        raise Unobservable("tool_missing", f"find on the host cannot do this: {other[-1]}")
    if status is None:
        if len(stdout.encode("utf-8", "surrogateescape")) < LISTING_BYTES // 2:
            raise Unobservable("unreadable", other[-1] if other else "find ended without saying how")
        return Listing(records=tuple(records), denied=tuple(denied), is_cut=True)
    if rest.strip():
        raise Unobservable("parse", "find printed more than it was asked for")
    if other:
        raise Unobservable("unreadable", other[-1])
    if status != "0" and not stderr.strip():
        raise Unobservable("unreadable", f"find ended with status {status}")
    return Listing(records=tuple(records[:-1]), denied=tuple(denied))


ENTRY_FORMAT = r"%%y %%m %%u %%g %%p\t%%l\n\0"
"""What `find -printf` must print for `read_entry`; percent signs doubled for `host.run`."""

_ENTRY = re.compile(r"(?P<kind>.) (?P<mode>[0-7]{1,4}) (?P<owner>\S+) (?P<group>\S+) (?P<path>/.*)\t(?P<target>[^\t]*)", re.DOTALL)


def read_entry(record: str) -> Entry:
    """Read one record that was printed with `ENTRY_FORMAT`."""
    match = _ENTRY.fullmatch(record)
    if match is None:
        raise Unobservable("parse", f"find printed {record[:200]!r}")
    return Entry(
        path=match["path"],
        kind=match["kind"],
        mode=int(match["mode"], 8),
        owner=match["owner"],
        group=match["group"],
        target=match["target"],
    )


def mount_points(host: Host) -> tuple[str, ...]:
    """Return where file systems are mounted.

    Raises:
        Unobservable: when the host's mount table cannot be read.

    """
    answer = host.run("cat /proc/self/mountinfo")
    if answer.exit_status or not answer.stdout.strip():
        raise Unobservable("unreadable", answer.stderr.strip() or "/proc/self/mountinfo is empty")
    points = []
    for line in answer.stdout.splitlines():
        fields = line.split(" ")
        if len(fields) < 10 or not fields[4].startswith("/"):  # noqa: PLR2004 - proc(5): ten fields at least
            raise Unobservable("parse", f"/proc/self/mountinfo: {line[:200]!r}")
        points.append(re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), fields[4]))
    return tuple(dict.fromkeys(points))


def below(host: Host, directories: Sequence[str], test: str) -> Below:
    """Return the entries in `directories` (and themselves) for which the find expression `test` holds.

    File systems mounted below the directories are part of them. Links are listed and not followed.

    Args:
        host: the host to ask.
        directories: absolute paths without links.
        test: for example `-perm /0027`; a constant of the control.

    """
    roots = list(directories)
    roots += [
        point
        for point in mount_points(host)
        if any(point.startswith(directory.rstrip("/") + "/") for directory in directories)
    ]
    roots = list(dict.fromkeys(roots))
    places = " ".join(["%s"] * len(roots))
    listing = find(
        host,
        f"{places} -xdev \\( -type l -printf '{ENTRY_FORMAT}' \\) -o \\( {test} \\) -printf '{ENTRY_FORMAT}'",
        *roots,
    )
    entries = list(dict.fromkeys(read_entry(record) for record in listing.records))
    return Below(
        matching=tuple(entry for entry in entries if entry.kind != "l"),
        links=tuple(entry for entry in entries if entry.kind == "l"),
        listing=listing,
    )


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


def access_lists(host: Host, paths: Sequence[str], *, recursive: bool) -> tuple[AclEntry, ...]:
    """Return the ACL entries beyond mode bits of `paths` (and of everything below them).

    Without getfacl it is still seen whether there are any: then none gives `()`.

    Raises:
        Unobservable: when there are some and getfacl is missing, or when not everything could be seen.

    """
    places = " ".join(["%s"] * len(paths))
    depth = "" if recursive else " -maxdepth 0"
    answer = host.run(
        "if command -v getfacl >/dev/null 2>&1; then "
        f"echo getfacl; getfacl {'-R ' if recursive else ''}-P -s -p -E -- {places}; echo \"status $?\"; "
        "elif ls --version 2>/dev/null | grep -q coreutils; then "
        f"echo ls; {{ find {places}{depth} ! -type l -exec ls -ld -- {{}} +; echo \"status $?\"; }} "
        "| grep -E '^(.{10}[+]|status )'; else echo none; fi",
        *paths,
        *paths,
    )
    return read_access_lists(answer.stdout, answer.stderr)


def read_access_lists(stdout: str, stderr: str) -> tuple[AclEntry, ...]:
    """Read what `access_lists` printed."""
    way, _, text = stdout.partition("\n")
    lines = text.splitlines()
    if way not in {"getfacl", "ls"}:
        raise Unobservable("tool_missing", "neither getfacl nor GNU ls, which show access control lists")
    status = lines.pop().removeprefix("status ") if lines and lines[-1].startswith("status ") else "unknown"
    if status in {"126", "127"}:
        raise Unobservable("tool_missing", stderr.strip() or way)
    if way == "ls" and lines:
        raise Unobservable("tool_missing", f"getfacl: there are access control lists, the first is on {lines[0]}")
    entries = _acl_entries(lines)
    wrong = [line for line in stderr.splitlines() if line and not line.endswith("No such file or directory")]
    if not entries and (wrong or status not in {"0", "1"} or (status == "1" and not stderr.strip())):
        detail = wrong[-1] if wrong else f"{way} ended with status {status}"
        raise Unobservable("privilege" if "Permission denied" in detail else "unreadable", detail)
    return entries


def _acl_entries(lines: Sequence[str]) -> tuple[AclEntry, ...]:
    entries: list[AclEntry] = []
    path, masks = "", dict[str, str]()
    block: list[str] = []

    def close() -> None:
        for text in block:
            prefix = "default:" if text.startswith("default:") else ""
            kind, name, permissions = text.removeprefix("default:").split(":", 2)
            masked = kind == "group" or (kind == "user" and name)
            mask = masks.get(prefix, "rwx") if masked else "rwx"
            granted = "".join(one if one in mask else "-" for one in permissions[:3])
            entries.append(AclEntry(path=path, text=text, _permissions=granted))
        block.clear()
        masks.clear()

    for line in [*lines, ""]:
        if line.startswith("# file: "):
            close()
            path = line.removeprefix("# file: ")
        elif not line.strip():
            close()
        elif line.startswith("#"):
            continue
        else:
            text = line.split("\t")[0].split("#")[0].strip()
            if not re.fullmatch(r"(default:)?(user|group|mask|other):[^:]*:[r-][w-][xX-]", text):
                raise Unobservable("parse", f"getfacl: {line[:200]!r}")
            prefix = "default:" if text.startswith("default:") else ""
            if text.removeprefix("default:").startswith("mask:"):
                masks[prefix] = text[-3:]
            else:
                block.append(text)
    return tuple(entries)
