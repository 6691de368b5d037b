"""Directories in which Python finds modules: who may write there, and what runs at every start."""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_aisec.facts.core.together import together
from pytest_aisec.facts.software.environments import search
from pytest_aisec.facts.system.files import Entry, ResolvedPath, trails
from pytest_aisec.facts.system.listings import ENTRY_FORMAT, LISTING_BYTES, read_entry, read_listing
from pytest_aisec.facts.system.texts import read_files
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["Hook", "ImportPath", "ImportPaths", "import_paths", "read_pth"]

TREE_BYTES = 16 * 1024
"""What is listed of one tree; more than that is wrong with it only in number."""

_LIBRARY = re.compile(r"(python|pypy)[\d.]*t?")
_CUSTOMIZE = re.compile(r"(site|user)customize(\..+)?")


@dataclass(frozen=True, kw_only=True)
class Hook:
    """A file that is executed whenever an interpreter of the environment starts."""

    path: str
    statements: tuple[str, ...]
    """The lines of a .pth file that are executed; empty for sitecustomize and usercustomize."""
    sha256: str
    """Of the content; empty where it is no .pth file."""


@dataclass(frozen=True, kw_only=True)
class ImportPath:
    """One directory that modules are imported from."""

    entry: Entry
    trail: ResolvedPath
    """The way to it."""
    tree: str
    """What was searched: the directory, or the library of the interpreter that it is part of."""
    found: tuple[Entry, ...]
    """What in the tree anybody may write, or a group that was not named, or what belongs to somebody else."""
    is_cut: bool
    """Whether there is more of that."""
    hooks: tuple[Hook, ...]
    named_by: str = ""
    """The .pth file that adds it, where it is not found by its name."""


@dataclass(frozen=True, kw_only=True)
class ImportPaths:
    """Import paths that were found, and why there may be more."""

    paths: tuple[ImportPath, ...]
    absent: tuple[str, ...]
    """Those of the directories to search that are not there."""
    faults: tuple[Unobservable, ...]


Owners = Callable[[str, str], Sequence[str]]
"""(path, owner) of an import path → who may own what lies in it."""


def import_paths(host: Host, roots: Sequence[str], *, groups: Iterable[str], owners: Owners) -> ImportPaths:
    """Return the site-packages and dist-packages below `roots`, and what .pth files in them add.

    Args:
        host: the host to ask.
        roots: absolute paths.
        groups: who may write as a group.
        owners: says who may own what lies in an import path.

    Raises:
        Unobservable: when the host cannot be searched at all.

    """
    seen = search(
        host,
        roots,
        f"-type d \\( -name site-packages -o -name dist-packages \\) -printf '{ENTRY_FORMAT}'",
    )
    faults, absent = seen.faults, seen.absent
    sites = list({entry.path: entry for entry in map(read_entry, seen.records)}.values())
    if not sites:
        return ImportPaths(paths=(), absent=absent, faults=tuple(faults))
    trusted = list(groups)
    paths, more = _look(host, {site.path: (site, "") for site in sites}, trusted, owners, faults)
    known = {path.entry.path for path in paths}
    added = {
        goal: pth
        for goal, pth in more.items()
        if not any(goal == one or goal.startswith(one + "/") for one in known)
    }
    if added:
        ways = trails(host, sorted(added))
        faults += [way.fault for way in ways.values() if way.fault]
        ends = {
            way.end.path: (way.end, added[path])
            for path, way in ways.items()
            if way.end and way.end.kind == "d" and way.end.path not in known
        }
        if ends:
            paths += _look(host, ends, trusted, owners, faults)[0]
    return ImportPaths(paths=tuple(paths), absent=absent, faults=tuple(faults))


def _look(
    host: Host,
    places: dict[str, tuple[Entry, str]],
    groups: Sequence[str],
    owners: Owners,
    faults: list[Unobservable],
) -> tuple[list[ImportPath], dict[str, str]]:
    """Return the import paths, and which directories their .pth files add: directory → file."""
    trees: dict[str, Entry] = {}
    for path, (entry, _) in places.items():
        trees.setdefault(_tree(path), entry)
    command, arguments = _command(list(places), trees, groups, owners)
    ways, answer = together(lambda: trails(host, list(places)), lambda: host.run(command, *arguments))
    faults += [way.fault for way in ways.values() if way.fault]
    hooks, seen = read_answer(answer.stdout, answer.stderr, list(trees), faults)
    named = [
        entry
        for entry in hooks
        if posixpath.dirname(entry.path) in places
        and (entry.path.endswith(".pth") or _CUSTOMIZE.fullmatch(posixpath.basename(entry.path)))
    ]
    texts = read_files(host, {one.path: 0 for one in named if one.path.endswith(".pth") and one.kind != "d"})
    added: dict[str, str] = {}
    found: dict[str, list[Hook]] = {}
    for one in named:
        where, text = posixpath.dirname(one.path), texts.get(one.path)
        if isinstance(text, Unobservable):
            faults.append(text)
        elif text is None and not one.path.endswith(".pth"):
            found.setdefault(where, []).append(Hook(path=one.path, statements=(), sha256=""))
        elif text is not None:
            statements, directories = read_pth(text)
            added |= {posixpath.normpath(posixpath.join(where, name)): one.path for name in directories}
            digest = hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
            if statements:
                found.setdefault(where, []).append(Hook(path=one.path, statements=statements, sha256=digest))
    paths = [
        ImportPath(
            entry=entry,
            trail=ways[path],
            tree=_tree(path),
            found=seen[_tree(path)][0],
            is_cut=seen[_tree(path)][1],
            hooks=tuple(found.get(path, ())),
            named_by=named_by,
        )
        for path, (entry, named_by) in places.items()
    ]
    return paths, added


def _tree(path: str) -> str:
    parent = posixpath.dirname(path)
    is_site = posixpath.basename(path) in {"site-packages", "dist-packages"}
    return parent if is_site and _LIBRARY.fullmatch(posixpath.basename(parent)) else path


def _command(
    sites: Sequence[str], trees: dict[str, Entry], groups: Sequence[str], owners: Owners
) -> tuple[str, list[str]]:
    """Return one command that lists hooks and, tree by tree, what must not be there."""
    places = " ".join(["%s"] * len(sites))
    hooks = (
        f"{{ find -H {places} -mindepth 1 -maxdepth 1 "
        "\\( -name '*.pth' -o -name 'sitecustomize*' -o -name 'usercustomize*' \\) "
        f"-printf '{ENTRY_FORMAT}'; printf 'status %%s\\n\\000' \"$?\"; }} | head -c {LISTING_BYTES}; "
    )
    parts = [hooks]
    arguments = [*sites]
    for tree, entry in trees.items():
        allowed = list(dict.fromkeys(["root", *owners(tree, entry.owner)]))
        is_trusted = entry.group in groups or entry.group == entry.owner
        by_group = " ! -group %s" if is_trusted else ""
        foreign = " ".join(["! -user %s"] * len(allowed))
        parts.append(
            f"printf 'tree\\n\\000'; {{ find -H %s -xdev \\( ! -type l -perm -0002 -o "
            f"! -type l -perm -0020{by_group} -o {foreign} \\) -printf '{ENTRY_FORMAT}'; "
            f"printf 'status %%s\\n\\000' \"$?\"; }} | head -c {TREE_BYTES}; printf '\\n\\000'; "
        )
        arguments += [tree, *([entry.group] if is_trusted else []), *allowed]
    return "".join(parts), arguments


def read_answer(
    stdout: str, stderr: str, trees: Sequence[str], faults: list[Unobservable]
) -> tuple[list[Entry], dict[str, tuple[tuple[Entry, ...], bool]]]:
    """Read what was printed about hooks and trees: the hooks, and by tree its entries and whether it is cut.

    Raises:
        Unobservable: when it cannot be told apart, or a tool failed.

    """
    complaints = [
        line for line in stderr.splitlines() if not line.endswith((": Broken pipe", ": write error"))
    ]
    parts: list[list[str]] = [[]]
    for record in stdout.split("\n\0"):
        if record == "tree":
            parts.append([])
        elif record:
            parts[-1].append(record)
    listing = read_listing("".join(f"{record}\n\0" for record in parts[0]), "\n".join(complaints))
    faults += listing.faults
    if len(parts) != len(trees) + 1:
        raise Unobservable("parse", f"{len(trees)} directories gave {len(parts) - 1} answers")
    seen: dict[str, tuple[tuple[Entry, ...], bool]] = {}
    for tree, records in zip(trees, parts[1:], strict=True):
        is_whole = bool(records) and records[-1].startswith("status ")
        if not is_whole and sum(map(len, records)) < TREE_BYTES // 2:
            raise Unobservable("unreadable", f"the listing of {tree} does not come to its end")
        seen[tree] = (tuple(read_entry(record) for record in records[:-1]), not is_whole)
    return [read_entry(record) for record in listing.records], seen


def read_pth(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the lines of a .pth file that Python executes, and those that it adds to the import path."""
    statements, directories = [], []
    for line in text.removeprefix("\ufeff").splitlines():
        if line.startswith(("import ", "import\t")):
            statements.append(line.rstrip())
        elif line.strip() and not line.startswith("#"):
            directories.append(line.rstrip())
    return tuple(statements), tuple(directories)
