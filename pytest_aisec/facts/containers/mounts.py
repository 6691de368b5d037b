"""Mounts of containers: which files and directories of the host they lead to."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_aisec.facts.core.formats import reads
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["MountPoint", "existing", "origins", "read_mounts"]


@dataclass(frozen=True, kw_only=True)
class MountPoint:
    """One line of a mountinfo."""

    device: str
    """Major and minor number of its file system."""
    root: str
    """The directory of that file system which is mounted."""
    path: str
    """Where it is mounted."""
    layers: tuple[str, ...] = ()
    """The lower directories of an overlay."""


@reads
def read_mounts(text: str) -> tuple[MountPoint, ...]:
    """Read a mountinfo."""
    found = []
    for line in text.splitlines():
        fields = line.split(" ")
        if len(fields) < 6 or ":" not in fields[2]:
            raise Unobservable("parse", f"mountinfo: {line[:200]!r}")
        _, _, system = line.partition(" - overlay ")
        layers = re.search(r"(?:^|,)lowerdir\+?=([^,]*)", system.rpartition(" ")[2])
        found.append(
            MountPoint(
                device=fields[2],
                root=_plain(fields[3]),
                path=_plain(fields[4]),
                layers=tuple(_plain(path) for path in layers[1].split(":") if path) if layers else (),
            )
        )
    return tuple(found)


def _plain(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text).removesuffix("//deleted")


def origins(destination: str, inside: Iterable[MountPoint], outside: Sequence[MountPoint]) -> tuple[str, ...]:
    """Return which directories and files of the host are mounted at, or below, a place in a container.

    Args:
        destination: the place, as the container sees it; of `/`, what is mounted below is left out.
        inside: the mounts of the container.
        outside: the mounts of the host.

    """
    found: list[str] = []
    place = posixpath.normpath(destination)
    for mount in inside:
        if mount.path != place and (place == "/" or not _is_below(mount.path, place)):
            continue
        same = [
            other for other in outside if other.device == mount.device and _is_below(mount.root, other.root)
        ]
        # What is mounted of the file system's very top is its place; the rest are mounts of parts of it.
        nearest = min((len(other.root) for other in same), default=0)
        for other in same:
            if len(other.root) == nearest:
                rest = mount.root[len(other.root.rstrip("/")) :]
                found.append(re.sub(r"/+(?=.)", "/", f"{other.path}/{rest}").rstrip("/") or "/")
        if not same and place != "/":
            found += mount.layers
    return tuple(dict.fromkeys(found))


def _is_below(path: str, top: str) -> bool:
    return path == top or path.startswith(top.rstrip("/") + "/")


def existing(host: Host, paths: Sequence[str]) -> tuple[str, ...]:
    """Return those of `paths` that are there, links not followed.

    Raises:
        Unobservable: when it cannot be told of one of them.

    """
    if not paths:
        return ()
    answer = host.run(f"stat -c %%n -- {' '.join(['%s'] * len(paths))}", *paths)
    complaints = [
        line
        for line in answer.stderr.splitlines()
        if line.strip() and not line.endswith(("No such file or directory", "Not a directory"))
    ]
    if complaints:
        denied = "ermission denied" in complaints[0]
        raise Unobservable("privilege" if denied else "unreadable", complaints[0])
    found = tuple(answer.stdout.splitlines())
    if len(found) + len(answer.stderr.splitlines()) != len(paths):
        raise Unobservable("parse", f"stat of {len(paths)} paths gave another number of answers")
    return found
