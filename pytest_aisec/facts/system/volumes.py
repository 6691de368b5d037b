"""Storage of directories: file systems, the block devices below them, and whether these encrypt."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_aisec.facts.core.answers import Answer, answers
from pytest_aisec.facts.core.formats import MALFORMED
from pytest_aisec.facts.system.files import trails
from pytest_aisec.observe.backend import foresee
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["Device", "Volume", "Volumes", "read_volumes", "volumes"]

_COMMANDS = (
    "findmnt -J -l -o TARGET,SOURCE,FSTYPE,OPTIONS",
    "lsblk -J -s -o NAME,PATH,TYPE,FSTYPE,UUID",
    "dmsetup table --target crypt",
)
_NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3"})
_SECURED = frozenset({"sec=krb5p", "xprtsec=tls", "xprtsec=mtls", "seal"})
"""Options of network file systems that encrypt in transit."""
_ENCRYPTING = frozenset({"ecryptfs", "fuse.gocryptfs", "fuse.cryfs", "fuse.securefs"})
_WITH_FSCRYPT = frozenset({"ext4", "f2fs", "ubifs", "ceph"})
_BLOCK = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "jfs", "vfat", "ntfs3", "reiserfs"})


@dataclass(frozen=True, kw_only=True)
class Device:
    """A block device, with those that it lies on."""

    name: str
    path: str
    kind: str
    """As lsblk calls it: `disk`, `part`, `lvm`, `raid1`, `crypt`."""
    uuid: str
    """Of the file system on it; empty where there is none or it is not shown."""
    below: tuple[Device, ...]

    @property
    def layers(self) -> Iterator[Device]:
        """Yield the device and all below it."""
        yield self
        for device in self.below:
            yield from device.layers

    def is_below(self, layers: Collection[str]) -> bool:
        """Tell whether every way down to a disk leads through one of `layers`, by name."""
        return self.name in layers or (bool(self.below) and all(one.is_below(layers) for one in self.below))


@dataclass(frozen=True, kw_only=True)
class Volume:
    """A mounted file system that holds something of a directory."""

    directory: str
    """The directory as it was asked for."""
    target: str
    source: str
    kind: str
    """Of the file system, such as `ext4`."""
    is_encrypted: bool | None
    """`None` for a network file system: what its server does is not seen from here."""
    is_encrypted_in_transit: bool
    """Only of network file systems."""
    why: str
    """What was seen, for people."""


@dataclass(frozen=True, kw_only=True)
class Volumes:
    """The volumes, and why there may be more to say."""

    volumes: tuple[Volume, ...]
    absent: tuple[str, ...]
    """Those of the directories that are proved to be absent."""
    faults: Mapping[str, Unobservable]
    """Directory → why it cannot be told whether it is encrypted."""


def volumes(host: Host, directories: Sequence[str]) -> Volumes:
    """Return what each directory and everything mounted below it is stored on.

    Raises:
        Unobservable: when the mount table cannot be read.

    """
    foresee(host, *_COMMANDS, *(("lsattr -d -- %s", path) for path in directories))
    ways = trails(host, directories)
    faults = {path: trail.fault for path, trail in ways.items() if trail.fault is not None}
    real = {path: trail.end.path for path, trail in ways.items() if trail.end is not None}
    absent = tuple(path for path in directories if path not in faults and path not in real)
    if not real:
        return Volumes(volumes=(), absent=absent, faults=faults)
    places = tuple(real.values())
    found, more = read_volumes(
        real, answers(host, *_COMMANDS, *(("lsattr -d -- %s", place) for place in places))
    )
    return Volumes(volumes=found, absent=absent, faults={**faults, **more})


def read_volumes(
    real: Mapping[str, str], printed: Sequence[Answer]
) -> tuple[tuple[Volume, ...], dict[str, Unobservable]]:
    """Judge what the commands of `volumes` printed.

    Args:
        real: directory as asked for → the same free of links.
        printed: of the commands, and of one lsattr for each directory.

    Raises:
        Unobservable: when the mount table cannot be read.

    """
    mounts, blocks, crypts, *attributes = printed
    if fault := mounts.fault("findmnt"):
        raise fault
    table = _json(mounts.stdout, "findmnt", "filesystems")
    found: list[Volume] = []
    faults: dict[str, Unobservable] = {}
    for (directory, path), attribute in zip(real.items(), attributes, strict=True):
        for mount in _mounts(table, path):
            try:
                found.append(_volume(directory, mount, blocks, crypts, attribute))
            except Unobservable as fault:
                faults.setdefault(directory, fault)
    return tuple(found), faults


def _json(text: str, tool: str, key: str) -> list[Any]:
    try:
        found = json.loads(text)[key]
    except MALFORMED as error:
        raise Unobservable("parse", f"{tool} printed no table in JSON: {error!r}") from None
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise Unobservable("parse", f"{tool} printed no table in JSON")
    return found


def _mounts(table: Sequence[Mapping[str, Any]], path: str) -> Iterator[Mapping[str, Any]]:
    """Yield the mount that `path` lies on, and those below it; of several on one place, the last."""
    by_target = {str(mount["target"]): mount for mount in table}
    holders = [target for target in by_target if path == target or path.startswith(target.rstrip("/") + "/")]
    if not holders:
        raise Unobservable("parse", f"no mount holds {path}")
    yield by_target[max(holders, key=len)]
    for target, mount in by_target.items():
        if target.startswith(path.rstrip("/") + "/"):
            yield mount


def _volume(
    directory: str, mount: Mapping[str, Any], blocks: Answer, crypts: Answer, attribute: Answer
) -> Volume:
    target, kind = str(mount["target"]), str(mount["fstype"])
    source = str(mount["source"])
    source = source.partition("[")[0] if source.endswith("]") else source
    options = str(mount["options"]).split(",")
    encrypted: bool | None = False
    if kind in _ENCRYPTING:
        encrypted, why = True, kind
    elif kind == "ramfs" or (kind == "tmpfs" and "noswap" in options):
        encrypted, why = True, f"{kind}, never written to a disk"
    elif kind == "tmpfs":
        why = "tmpfs, which may be written to swap"
    elif kind in _NETWORK:
        encrypted = None
        in_transit = "" if _is_secured(kind, options) else "not "
        why = f"{kind} from {source}, {in_transit}encrypted in transit"
    elif source.startswith("/dev/") and kind in _BLOCK:
        encrypted, why = _on_device(source, kind, blocks, crypts)
        if not encrypted and kind in _WITH_FSCRYPT:
            encrypted, why = _fscrypt(target, directory, attribute, why)
    else:
        raise Unobservable("unreadable", f"{target}: how {kind} from {source} is encrypted is not seen here")
    return Volume(
        directory=directory,
        target=target,
        source=source,
        is_encrypted_in_transit=_is_secured(kind, options),
        is_encrypted=encrypted,
        kind=kind,
        why=why,
    )


def _is_secured(kind: str, options: Iterable[str]) -> bool:
    return kind in _NETWORK and not _SECURED.isdisjoint(options)


def _fscrypt(target: str, directory: str, attribute: Answer, why: str) -> tuple[bool, str]:
    """Look for a directory that its file system encrypts; what is mounted below is none of it."""
    if target.startswith(directory.rstrip("/") + "/"):
        return False, why
    if fault := attribute.fault("lsattr"):
        if "not supported" in attribute.stderr:
            return False, why
        raise fault
    flags = attribute.stdout.split(" ")[0]
    if not re.fullmatch(r"[A-Za-z-]{10,}", flags):
        raise Unobservable("parse", f"lsattr: {attribute.stdout[:80]!r}")
    return ("E" in flags), ("fscrypt" if "E" in flags else why)


def _device(item: Any) -> Device:
    try:
        return Device(
            name=str(item["name"]),
            path=str(item.get("path") or f"/dev/{item['name']}"),
            kind=str(item["type"]),
            uuid=str(item.get("uuid") or ""),
            below=tuple(_device(child) for child in item.get("children") or ()),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise Unobservable("parse", f"lsblk: {error!r}") from None


def _on_device(source: str, kind: str, blocks: Answer, crypts: Answer) -> tuple[bool, str]:
    if fault := blocks.fault("lsblk"):
        raise fault
    tops = [_device(item) for item in _json(blocks.stdout, "lsblk", "blockdevices")]
    every = {device.path: device for top in tops for device in top.layers}
    holder = every.get(source) or next(
        (
            device
            for device in every.values()
            if source in {f"/dev/{device.name}", f"/dev/mapper/{device.name}"}
        ),
        None,
    )
    if holder is None:
        raise Unobservable("unreadable", f"lsblk does not show {source}")
    parts = [holder]
    if kind == "btrfs":
        if not holder.uuid:
            raise Unobservable(
                "unreadable", f"lsblk shows no UUID of {source}, and btrfs may have more devices"
            )
        parts = [device for device in every.values() if device.uuid == holder.uuid]
    crypt = {layer.name for device in parts for layer in device.layers if layer.kind == "crypt"}
    if crypt and (fault := crypts.fault("dmsetup")):
        raise fault
    ciphers = dict(re.findall(r"(?m)^(\S+): \d+ \d+ crypt (\S+) ", crypts.stdout))
    null = sorted(name for name in crypt if "cipher_null" in ciphers.get(name, ""))
    layers = {name for name in crypt if name in ciphers} - set(null)
    plain = sorted(device.path for device in parts if not device.is_below(layers))
    if plain:
        why = f", and the cipher of {', '.join(null)} is none" if null else ""
        return False, f"{kind} on {', '.join(plain)}, not all of it on a layer that encrypts{why}"
    return True, f"{kind} on {', '.join(sorted(layers))}"
