"""Files and directories: who owns them, who may use them, and how one gets to them."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_aisec.observe.backend import foresee
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = [
    "Account",
    "AclEntry",
    "Below",
    "Cache",
    "Caches",
    "Entry",
    "Listing",
    "Trail",
    "Trees",
    "access_lists",
    "accounts",
    "below",
    "find",
    "leaves",
    "model_caches",
    "mount_points",
    "permitted",
    "quoted",
    "trails",
    "trees",
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


@dataclass(frozen=True, kw_only=True)
class Listing:
    """What one `find` printed."""

    records: tuple[str, ...]
    """In the order found; whole records only."""
    denied: tuple[str, ...] = ()
    """What it was not allowed to see."""
    is_cut: bool = False
    """Whether there would have been more."""

    @property
    def faults(self) -> list[Unobservable]:
        """Why the listing is not whole; empty when everything was seen."""
        faults = []
        if self.denied:
            faults.append(Unobservable("privilege", "; ".join(self.denied[:3])))
        if self.is_cut:
            faults.append(Unobservable("truncated", f"the listing is longer than {LISTING_BYTES} bytes"))
        return faults


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

    grants: str
    """The effective permissions, the mask considered, such as `r-x`."""

    @property
    def subject(self) -> str:
        """Whom it grants something, such as `user:mallory`; no name means the file's own owner or group."""
        return ":".join(self.text.removeprefix("default:").split(":")[:2])


def trails(host: Host, paths: Sequence[str]) -> dict[str, Trail]:
    """Return the way to each of `paths`, following symbolic links as the kernel does.

    A way that cannot be seen has the reason in its `fault`.
    """
    absolute = [path for path in paths if path.startswith("/")]
    first = dict.fromkeys(["/", *(prefix for path in absolute for prefix in _prefixes(path))])
    known = _stat(host, list(first)) if absolute else {}
    found: dict[str, Trail] = {}
    while len(found) < len(set(paths)):
        wanted: list[str] = []
        for path in paths:
            if path in found:
                continue
            try:
                trail = _walk(path, known, wanted)
            except Unobservable as fault:
                trail = Trail(path=path, passed=(), end=None, fault=fault)
            if trail is not None:
                found[path] = trail
        if wanted:
            known.update(_stat(host, list(dict.fromkeys(wanted))))
    return found


def _seen(entry: Entry | Unobservable | None) -> Entry | None:
    if isinstance(entry, Unobservable):
        raise entry
    return entry


def _walk(path: str, known: dict[str, Entry | Unobservable | None], wanted: list[str]) -> Trail | None:
    """Follow `path` through `known`; add to `wanted` what must be known first and return `None`."""
    if not path.startswith("/"):
        raise Unobservable("parse", f"{path!r} is not an absolute path")
    todo = [part for part in path.split("/") if part not in {"", "."}]
    here, hops, passed = "/", 0, list[Entry]()
    entry = _seen(known["/"])
    while todo:
        if entry is None:
            return Trail(path=path, passed=tuple(passed), end=None)
        passed.append(entry)
        if entry.kind != "d":
            return Trail(path=path, passed=tuple(passed), end=None)
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
            todo = [part for part in step.target.split("/") if part not in {"", "."}] + todo
            if step.target.startswith("/"):
                here = "/"
            entry = _seen(known[here])
        else:
            here, entry = there, step
    return Trail(path=path, passed=tuple(passed), end=entry)


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
    lines = [line for line in stderr.splitlines() if line.strip()]
    denied = [line for line in lines if line.endswith(": Permission denied")]
    other = [
        line for line in lines if not line.endswith((": Permission denied", ": No such file or directory"))
    ]
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
    if other or (status != "0" and not lines):
        raise Unobservable("unreadable", other[-1] if other else f"find ended with status {status}")
    return Listing(records=tuple(records[:-1]), denied=tuple(denied))


ENTRY_FORMAT = r"%%y %%m %%u %%g %%p\t%%l\n\0"
"""What `find -printf` must print for `read_entry`; percent signs doubled for `host.run`."""

_ENTRY = re.compile(
    r"(?P<kind>.) (?P<mode>[0-7]{1,4}) (?P<owner>\S+) (?P<group>\S+) (?P<path>/.*)\t(?P<target>[^\t]*)",
    re.DOTALL,
)


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


_MOUNTS = "cat /proc/self/mountinfo"


def mount_points(host: Host) -> tuple[str, ...]:
    """Return where file systems are mounted.

    Raises:
        Unobservable: when the host's mount table cannot be read.

    """
    answer = host.run(_MOUNTS)
    if answer.exit_status or not answer.stdout.strip():
        raise Unobservable("unreadable", answer.stderr.strip() or "/proc/self/mountinfo is empty")
    points = []
    for line in answer.stdout.splitlines():
        fields = line.split(" ")
        if len(fields) < 10 or not fields[4].startswith("/"):
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


@dataclass(frozen=True, kw_only=True)
class Trees:
    """Some directories, the ways to them, what lies in them, and what links in them lead to."""

    trails: dict[str, Trail]
    """The ways to the directories asked for, and to what links out of them lead to."""
    matching: tuple[Entry, ...]
    """The entries that were looked for, the tops included where they match."""
    access: tuple[AclEntry, ...]
    """Access control lists of everything in the trees."""
    ways: tuple[AclEntry, ...]
    """Access control lists of the directories on the ways that somebody besides their owner may write."""
    fault: Unobservable | None
    """Why the reading is not whole: a control fails by what was seen, and otherwise raises this."""


MOST_LINKS = 500
"""Links out of the trees that are followed."""


def trees(host: Host, paths: Sequence[str], test: str) -> Trees:
    """Read the directories `paths` and everything that belongs to them, as `below` does, links followed.

    Args:
        host: the host to ask.
        paths: absolute paths; those that are absent have a trail without end.
        test: the find expression for the entries of interest.

    """
    foresee(host, _MOUNTS)
    ways = trails(host, paths)
    matching: list[Entry] = []
    access: list[AclEntry] = []
    on_way: list[AclEntry] = []
    faults = [trail.fault for trail in ways.values() if trail.fault]
    scanned: list[str] = []
    fresh = _tops(ways.values(), scanned)
    try:
        while fresh:
            found = below(host, fresh, test)
            scanned += fresh
            matching += found.matching
            faults += found.listing.faults
            out = dict.fromkeys(
                goal for link in found.links if (goal := leaves(link, scanned)) and goal not in ways
            )
            if len(out) > MOST_LINKS:
                faults.append(Unobservable("truncated", f"{len(out)} links lead out of {', '.join(paths)}"))
            more = trails(host, list(out)[:MOST_LINKS]) if out else {}
            faults += [trail.fault for trail in more.values() if trail.fault]
            ways.update(more)
            fresh = _tops(more.values(), scanned)
        writable = list(
            dict.fromkeys(path for trail in ways.values() if trail.end for path in trail.writable_by_group)
        )
        if writable:
            on_way += access_lists(host, writable, recursive=False)
        if scanned:
            access += access_lists(host, scanned, recursive=True)
    except Unobservable as fault:
        faults.append(fault)
    return Trees(
        trails=ways,
        matching=tuple(dict.fromkeys(matching)),
        access=tuple(access),
        ways=tuple(on_way),
        fault=faults[0] if faults else None,
    )


def _tops(ways: Iterable[Trail], scanned: Sequence[str]) -> list[str]:
    """Return the ends that are not in a tree already scanned, nor below another of them."""
    ends = sorted({trail.end.path for trail in ways if trail.end and trail.end.kind in "df"})
    tops = list(scanned)
    for end in ends:
        if not any(end == top or end.startswith(top.rstrip("/") + "/") for top in tops):
            tops.append(end)
    return tops[len(scanned) :]


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
        f'echo getfacl; getfacl {"-R " if recursive else ""}-P -s -p -E -- {places}; echo "status $?"; '
        "elif ls --version 2>/dev/null | grep -q coreutils; then "
        f'echo ls; {{ find {places}{depth} ! -type l -exec ls -ld -- {{}} +; echo "status $?"; }} '
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
        raise Unobservable(
            "tool_missing", f"getfacl: there are access control lists, the first is on {lines[0]}"
        )
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
            entries.append(AclEntry(path=path, text=text, grants=granted))
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


def permitted(subject: str, *, owner: str, group: str, mode: int) -> str:
    """Return what `mode` allows the `subject` of an ACL entry, such as `rx`, for this owner and group."""
    kind, _, name = subject.partition(":")
    if kind == "user" and name in {"", "root"}:
        return "rwx"
    shift = {
        ("user", owner): 6,
        ("group", group): 3,
        ("group", ""): 3,
        ("group", "root"): 3,
        ("other", ""): 0,
    }
    bits = mode >> shift[kind, name] & 7 if (kind, name) in shift else 0
    return "".join(letter for letter, bit in (("r", 4), ("w", 2), ("x", 1)) if bits & bit)


def quoted(value: str) -> str:
    """Return `value` quoted for the shell, for a command that is given to `host.run` with arguments."""
    return shlex.quote(value).replace("%", "%%")


@dataclass(frozen=True, kw_only=True)
class Account:
    """One line of the host's passwd file."""

    name: str
    uid: int
    home: str


def accounts(host: Host) -> tuple[Account, ...]:
    """Return the accounts in /etc/passwd.

    Raises:
        Unobservable: when the file cannot be read or is no passwd file.

    """
    answer = host.run("cat /etc/passwd")
    if answer.exit_status:
        raise Unobservable("unreadable", answer.stderr.strip() or "/etc/passwd")
    return read_accounts(answer.stdout)


def read_accounts(text: str) -> tuple[Account, ...]:
    """Read a passwd file; entries of NIS (`+`, `-`) are left out."""
    found = []
    for line in text.splitlines():
        if not line.strip() or line.startswith(("+", "-", "#")):
            continue
        fields = line.split(":")
        if len(fields) != 7 or not fields[2].isdigit():
            raise Unobservable("parse", f"/etc/passwd: {line[:200]!r}")
        found.append(Account(name=fields[0], uid=int(fields[2]), home=posixpath.normpath(fields[5] or "/")))
    if not found:
        raise Unobservable("parse", "/etc/passwd names no account")
    return tuple(found)


@dataclass(frozen=True, kw_only=True)
class Cache:
    """One directory in which an ML library keeps what it downloaded or compiled, and trusts it later."""

    top: Entry
    accounts: tuple[str, ...]
    """Whose cache it is."""
    writable: tuple[Entry, ...]
    """What others than its owner (and the owner's private group) may write."""


@dataclass(frozen=True, kw_only=True)
class Caches:
    """The caches found, and why there may be more."""

    caches: tuple[Cache, ...]
    faults: list[Unobservable]


_CACHES = (".cache/huggingface", ".cache/vllm", ".cache/torch", ".triton/cache")
_COMPILED = "/tmp/torchinductor_*"  # noqa: S108 - PyTorch's default, only looked at
_NO_HOMES = re.compile(r"/|/(nonexistent|proc|dev|sys|bin|sbin|usr|etc|run)(/.*)?")


def model_caches(host: Host) -> Caches:
    """Return the caches of ML libraries in the accounts' homes and in /tmp."""
    owners: dict[str, list[str]] = {}
    for account in accounts(host):
        if not _NO_HOMES.fullmatch(account.home):
            for cache in _CACHES:
                owners.setdefault(f"{account.home.rstrip('/')}/{cache}", []).append(account.name)
    globs = " ".join([_COMPILED, *(f"/home/*/{cache}" for cache in _CACHES)])
    listing = find(
        host,
        f"-H {' '.join(['%s'] * len(owners))} {globs} -xdev ! -type l "
        "\\( -perm /0022 -o -name huggingface -o -name vllm -o -name torch -o -name cache "
        "-o -name 'torchinductor_*' \\) "
        f"-printf '{ENTRY_FORMAT}'",
        *owners,
    )
    caches: dict[str, tuple[Entry, tuple[str, ...], list[Entry]]] = {}
    for entry in dict.fromkeys(map(read_entry, listing.records)):
        match = re.match(
            r"(/tmp/torchinductor_([^/]+)|"
            r"/home/([^/]+)/(?:\.cache/(?:huggingface|vllm|torch)|\.triton/cache))(?=/|$)",
            entry.path,
        )
        top = next((path for path in owners if entry.path == path or entry.path.startswith(path + "/")), None)
        top = top or (match[1] if match else None)
        if top is None:
            raise Unobservable("parse", f"find printed {entry.path!r}")
        if top not in caches:
            if entry.path != top:
                continue
            names = tuple(owners.get(top, [])) or ((match[2] or match[3],) if match else ())
            caches[top] = (entry, names, [])
        private_group = entry.group == entry.owner
        if entry.mode & 0o002 or (entry.mode & 0o020 and not private_group):
            caches[top][2].append(entry)
    return Caches(
        caches=tuple(
            Cache(top=top, accounts=names, writable=tuple(open_)) for top, names, open_ in caches.values()
        ),
        faults=listing.faults,
    )
