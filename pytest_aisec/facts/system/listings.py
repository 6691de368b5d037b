"""Listings of directories, bounded, and what they leave out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_aisec.facts.core.formats import reads
from pytest_aisec.facts.system.access_lists import AclEntry, access_lists
from pytest_aisec.facts.system.files import MOST_LINKS, Entry, ResolvedPath, leaves, trails
from pytest_aisec.facts.system.find_forms import lacks_printf, without_printf
from pytest_aisec.observe.backend import foresee
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = [
    "SWALLOWS_LINES",
    "Below",
    "Listing",
    "Trees",
    "below",
    "find",
    "mount_points",
    "mounted_elsewhere",
    "other_names",
    "trees",
]

SWALLOWS_LINES = re.compile(r"«redacted:(private-key|wandb):")
"""What takes the place of several lines, so that an answer with it is not whole."""

LISTING_BYTES = 2 * 1024 * 1024
"""A listing stops there; what stopped is never taken for the whole."""


@dataclass(frozen=True, kw_only=True)
class Listing:
    """Output of one `find`."""

    records: tuple[str, ...]
    """In the order found; whole records only."""
    denied: tuple[str, ...] = ()
    """What it was not allowed to see."""
    is_cut: bool = False
    """Whether there would have been more."""

    @property
    def faults(self) -> list[Unobservable]:
        """Reasons why the listing is not whole; empty when everything was seen."""
        faults = []
        if self.denied:
            faults.append(Unobservable("privilege", "; ".join(self.denied[:3])))
        if self.is_cut:
            faults.append(Unobservable("truncated", f"the listing is longer than {LISTING_BYTES} bytes"))
        return faults


@dataclass(frozen=True, kw_only=True)
class Below:
    """Entries of some directories and of the file systems mounted below them."""

    matching: tuple[Entry, ...]
    """The entries that were looked for."""
    links: tuple[Entry, ...]
    """Every symbolic link."""
    listing: Listing = field(repr=False)


_FRAME = f"{{{{ find {{}}; printf 'status %%s\\n\\000' \"$?\"; }}}} | head -c {LISTING_BYTES}"


def find(host: Host, arguments: str, *values: str) -> Listing:
    r"""Run `find` with `arguments`, whose `-printf` formats end in `\n\0`, and return the records.

    Where `find` has no `-printf`, `stat` prints the same. Ends early where the listing is too long; files
    that vanish meanwhile are left out.

    Raises:
        Unobservable: when find fails for another reason than missing permissions.

    """
    answer = host.run(_FRAME.format(arguments), *values)
    if lacks_printf(answer.stderr) and (other := without_printf(arguments)) is not None:
        answer = host.run(_FRAME.format(other), *values)
    return read_listing(answer.stdout, answer.stderr)


@reads
def read_listing(stdout: str, stderr: str) -> Listing:
    """Read what a framed `find` printed.

    Raises:
        Unobservable: when it failed, or when a name was redacted such that records may be lost.

    """
    if SWALLOWS_LINES.search(stdout):
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
    for line in other:
        if "unrecognized" in line or "unknown predicate" in line:
            raise Unobservable("tool_missing", f"{line.strip()}: install findutils on the host")
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


@reads
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
    points = []
    for line in _mounts(host).splitlines():
        fields = line.split(" ")
        if len(fields) < 10 or not fields[4].startswith("/"):
            raise Unobservable("parse", f"/proc/self/mountinfo: {line[:200]!r}")
        points.append(_plain(fields[4]))
    return tuple(dict.fromkeys(points))


def _mounts(host: Host) -> str:
    answer = host.run(_MOUNTS)
    if answer.exit_status or not answer.stdout.strip():
        raise Unobservable("unreadable", answer.stderr.strip() or "/proc/self/mountinfo is empty")
    return str(answer.stdout)


def _plain(path: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), path)


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


_ALL_MOUNTS = "cat /proc/[0-9]*/mountinfo 2>/dev/null | cut -d ' ' -f 3-5 | sort -u"
"""Device, root and point of each mount, of all processes: those of containers are among them."""


def other_names(host: Host, tops: Sequence[str], test: str) -> tuple[str, ...]:
    """Return what in the directories `tops` can be reached by another way than through them.

    These are files with several hard links for which the find expression `test` holds, and directories and
    files that are mounted elsewhere, also in containers.

    Raises:
        Unobservable: as `find`, and when the mount table cannot be read.

    """
    foresee(host, _ALL_MOUNTS)
    places = " ".join(["%s"] * len(tops))
    linked = find(host, f"{places} -xdev ! -type d -links +1 \\( {test} \\) -printf '{ENTRY_FORMAT}'", *tops)
    if linked.faults:
        raise linked.faults[0]
    answer = host.run(_ALL_MOUNTS)
    return (
        *(read_entry(record).path for record in linked.records),
        *mounted_elsewhere(_mounts(host), answer.stdout, tops),
    )


@reads
def mounted_elsewhere(own: str, everywhere: str, tops: Sequence[str]) -> tuple[str, ...]:
    """Return the paths below `tops` that some mount shows at another place.

    Args:
        own: the mount table of the asking process.
        everywhere: device, root and point of all mounts of all processes.
        tops: absolute paths without links.

    Raises:
        Unobservable: `unreadable`, when not even the own mounts are among all of them.

    """
    here = {_mount(line.split(" ")[2:5]) for line in own.splitlines()}
    all_of_them = {_mount(line.split(" ")) for line in everywhere.splitlines()}
    if not here <= all_of_them:
        raise Unobservable("unreadable", "not all mounts of all processes are shown")
    found: dict[str, None] = {}
    for device, root, point in sorted(all_of_them):
        for their_device, their_root, their_point in here:
            base = their_root.rstrip("/")
            if device != their_device or not (root == their_root or root.startswith(base + "/")):
                continue
            path = their_point if root == their_root else their_point.rstrip("/") + root[len(base) :]
            if path != point and any(path.startswith(top.rstrip("/") + "/") for top in tops):
                found[path] = None
    return tuple(found)


def _mount(fields: Sequence[str]) -> tuple[str, str, str]:
    device, root, point = fields
    return device, _plain(root), _plain(point)


@dataclass(frozen=True, kw_only=True)
class Trees:
    """Some directories, the ways to them, what lies in them, and what links in them lead to."""

    trails: dict[str, ResolvedPath]
    """The ways to the directories asked for, and to what links out of them lead to."""
    matching: tuple[Entry, ...]
    """The entries that were looked for, the tops included where they match."""
    access: tuple[AclEntry, ...]
    """Access control lists of everything in the trees."""
    ways: tuple[AclEntry, ...]
    """Access control lists of the directories on the ways that somebody besides their owner may write."""
    fault: Unobservable | None
    """Why the reading is not whole: a control fails by what was seen, and otherwise raises this."""


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


def _tops(ways: Iterable[ResolvedPath], scanned: Sequence[str]) -> list[str]:
    """Return the ends that are not in a tree already scanned, nor below another of them."""
    ends = sorted({trail.end.path for trail in ways if trail.end and trail.end.kind in "df"})
    tops = list(scanned)
    for end in ends:
        if not any(end == top or end.startswith(top.rstrip("/") + "/") for top in tops):
            tops.append(end)
    return tops[len(scanned) :]
