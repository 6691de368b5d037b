"""Network mounts of a host: those that are there, and those that are configured."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from pytest_aisec.facts.core.formats import reads
from pytest_aisec.facts.system.unit_files import settings
from pytest_aisec.observe.faults import Unobservable

__all__ = ["Mount", "parse_fstab", "parse_mounts", "parse_units", "to_come", "unescaped"]

_IMPLIED = {
    **dict.fromkeys(("user", "users"), ("nosuid", "nodev", "noexec")),
    **dict.fromkeys(("owner", "group"), ("nosuid", "nodev")),
}
_UNDONE = {"suid": ("nosuid",), "dev": ("nodev",), "defaults": ("nosuid", "nodev")}
_NETWORK = frozenset(
    {
        *("nfs", "nfs4", "cifs", "smb3", "smbfs"),
        *("afs", "beegfs", "ceph", "fuse.ceph", "fuse.glusterfs", "fuse.juicefs", "glusterfs", "gpfs"),
        *("lustre", "ocfs2", "orangefs", "pvfs2", "wekafs"),
    }
)
_BROKEN = re.compile("[\ufffd\udc80-\udcff]")
_UNIT = re.compile(r"/systemd/system/(?P<unit>[^/]+\.mount)(?:\.d/(?P<own>[^/]+\.conf))?$")


@dataclass(frozen=True)
class Mount:
    """A directory of another machine that is mounted here, or will be."""

    target: str
    source: str
    kind: str
    """Such as `nfs4`, `cifs`."""
    options: tuple[str, ...]
    source_file: str = ""
    """The file that will have it mounted; empty for what is mounted."""


def unescaped(text: str) -> str:
    """Undo the octal escapes of files such as fstab and exports."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)


@reads
def parse_fstab(text: str) -> tuple[Mount, ...]:
    """Read `/etc/fstab`; only network file systems are returned.

    Raises:
        Unobservable: `parse`, when a line is in no known form.

    """
    found = []
    for line in text.splitlines():
        fields = line.split()
        if not fields or fields[0].startswith("#"):
            continue
        if len(fields) < 3:  # the C library leaves out such a line; mount may not
            raise Unobservable("parse", f"/etc/fstab: {line[:120]!r}")
        source, target = unescaped(fields[0]), unescaped(fields[1])
        if (kind := _kind(fields[2], source)) in _NETWORK:
            options = _in_force(fields[3]) if len(fields) > 3 else ()
            found.append(Mount(target, source, kind, options, "/etc/fstab"))
    return tuple(found)


def _in_force(text: str) -> tuple[str, ...]:
    """Return the options that a list comes to: some imply others, and of contrary ones the last counts."""
    found: dict[str, None] = {}
    for option in text.split(","):
        found[option] = None
        for contrary in _UNDONE.get(option, ()):
            found.pop(contrary, None)
        found.update(dict.fromkeys(_IMPLIED.get(option, ())))
    return tuple(found)


def to_come(configured: Iterable[Mount], mounted: Iterable[Mount]) -> tuple[Mount, ...]:
    """Return what will be mounted next time, whatever is mounted now.

    Where no flavour of security is configured, client and server agree on one: on the same again as now.
    """
    now = {(one.target, one.source): one.options for one in mounted}
    return tuple(
        one
        if any(option.startswith("sec=") for option in one.options)
        else replace(one, options=(*one.options, *_flavours(now.get((one.target, one.source), ()))))
        for one in configured
    )


def _flavours(options: Iterable[str]) -> Iterator[str]:
    return (one for one in options if one.startswith("sec="))


def _kind(given: str, source: str) -> str:
    """Return the kind of a file system; where none is given, `mount` tells it by the source."""
    if given not in {"", "auto"}:
        return given
    return "cifs" if source.startswith("//") else "nfs" if ":/" in source else given


def _options(unit: Mapping[str, str]) -> tuple[str, ...]:
    return _in_force(unit.get("Options", ""))


@reads
def parse_units(text: str) -> tuple[Mount, ...]:
    """Read mount units of systemd and their drop-ins; only network file systems are returned.

    Each file begins with a zero byte and its path, and the last is `end`. Of files of the same name that of
    the first place counts, and one without a line masks the others.

    Raises:
        Unobservable: `parse` where it is not all of that.

    """
    start, *files, end = text.split("\0") if "\0" in text else (text, "")
    if start or end != "end\n" or _BROKEN.search(text):
        raise Unobservable("parse", f"units of systemd: the files are not shown whole: {text[-80:]!r}")
    units: dict[str, tuple[str, str]] = {}
    more: dict[str, dict[str, str]] = {}
    for file in files:
        path, _, content = file.partition("\n")
        match = _UNIT.search(path)
        if match is None:
            raise Unobservable("parse", f"not a mount unit: {path[:120]!r}")
        if match["own"]:
            more.setdefault(match["unit"], {}).setdefault(match["own"], content)
        else:
            units.setdefault(match["unit"], (path, content))
    found = []
    for name, (path, content) in units.items():
        extra = more.get(name, {})
        unit: dict[str, str] = {}
        for part in (content, *(extra[own] for own in sorted(extra))):
            unit.update(settings(part, "Mount"))
        if (kind := _kind(unit.get("Type", ""), unit.get("What", ""))) in _NETWORK:
            found.append(Mount(unit.get("Where", "?"), unit.get("What", "?"), kind, _options(unit), path))
    return tuple(found)


@reads
def parse_mounts(text: str) -> tuple[Mount, ...]:
    """Read `/proc/self/mounts`; only network file systems are returned.

    Raises:
        Unobservable: `parse`, when a line is in no known form.

    """
    found = []
    for line in text.splitlines():
        fields = line.split(" ")
        if len(fields) != 6:
            raise Unobservable("parse", f"/proc/self/mounts: {line[:120]!r}")
        if fields[2] in _NETWORK:
            source, target = unescaped(fields[0]), unescaped(fields[1])
            found.append(Mount(target, source, fields[2], tuple(fields[3].split(","))))
    return tuple(found)
