"""Tell which processes of the host belong to a container, whoever started them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pytest_aisec.observe.faults import Unobservable

__all__ = ["Members", "read_cgroups", "read_links"]

_LINK = re.compile(r"/proc/(\d+)/ns/\w+ -> \w+:\[(\d+)\]$", re.MULTILINE)
_CGROUP = re.compile(r"^/proc/(\d+)/cgroup:\d+:[^:\n]*:(.*)$", re.MULTILINE)
_ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_HOST = 1


@dataclass(frozen=True, kw_only=True)
class Members:
    """All processes of the host, and by what the kernel tells containers apart."""

    table: Mapping[int, Mapping[str, tuple[int, ...]]]
    """Process id → lines of its `status`."""
    cgroups: Mapping[int, frozenset[str]]
    """Process id → the ids of containers that its control groups name."""
    mounts: Mapping[int, str]
    """Process id → its mount namespace, where that may be read."""
    pids: Mapping[int, str]
    """Process id → its PID namespace, where that may be read."""

    def of(self, first: int, container: str) -> frozenset[int]:
        """Return the other processes of the container with this id and first process.

        What an engine starts in a running container (`docker exec`) descends from no process of it. It is in
        its control group, or in its namespaces where engines keep no such group.

        Raises:
            Unobservable: `privilege`, when neither can be told.

        """
        grouped = {pid for pid, ids in self.cgroups.items() if container in ids}
        if first not in grouped and first not in self.mounts:
            raise Unobservable(
                "privilege", f"/proc/{first}/ns may not be read: which processes belong to it is unknown"
            )
        found = grouped | set(self._below(first)) | self._sharing(self.mounts, first)
        found |= {pid for pid in self._sharing(self.pids, first) if not self._is_of_another(pid, container)}
        return frozenset(found & set(self.table)) - {first}

    def _sharing(self, namespaces: Mapping[int, str], first: int) -> set[int]:
        own = namespaces.get(first)
        if own is None or own == namespaces.get(_HOST):
            return set()
        return {pid for pid, other in namespaces.items() if other == own}

    def _is_of_another(self, pid: int, container: str) -> bool:
        """Tell whether the control group says otherwise: containers can share a PID namespace."""
        ids = self.cgroups.get(pid, frozenset())
        return bool(ids) and container not in ids

    def _below(self, first: int) -> Iterator[int]:
        children: dict[int, list[int]] = {}
        for child, values in self.table.items():
            children.setdefault(values.get("PPid", (0,))[0], []).append(child)
        todo, seen = [first], {first}
        while todo:
            for child in children.get(todo.pop(), []):
                if child not in seen:
                    seen.add(child)
                    todo.append(child)
                    yield child


def read_cgroups(text: str) -> dict[int, frozenset[str]]:
    """Read `/proc/PID/cgroup` of many processes: the ids of containers; a monitor is beside its container."""
    found: dict[int, frozenset[str]] = {}
    for match in _CGROUP.finditer(text):
        parts = (part for part in match[2].split("/") if "conmon" not in part)
        ids = frozenset(one for part in parts for one in _ID.findall(part))
        found[int(match[1])] = found.get(int(match[1]), frozenset()) | ids
    return found


def read_links(text: str) -> dict[int, str]:
    """Read what `ls -l` prints of links to namespaces."""
    return {int(match[1]): match[2] for match in _LINK.finditer(text)}
