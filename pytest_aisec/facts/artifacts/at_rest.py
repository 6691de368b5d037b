"""Encryption of the file systems under some paths: dm-crypt, LUKS and fscrypt."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_aisec.facts.artifacts.model_files import ModelFile
from pytest_aisec.facts.core.formats import reads
from pytest_aisec.facts.core.together import outcomes
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = [
    "BlockDevice",
    "Mount",
    "Storage",
    "Volume",
    "read_devices",
    "read_fscrypt",
    "read_mounts",
    "storage",
]


@dataclass(frozen=True, kw_only=True)
class Mount:
    """One mounted file system."""

    point: str
    device: str
    """Major and minor number, such as `253:0`."""
    kind: str
    """Such as `ext4`."""
    source: str


@dataclass(frozen=True, kw_only=True)
class BlockDevice:
    """One block device and what it lies on."""

    number: str
    """Major and minor number."""
    name: str
    """Of the kernel, such as `dm-0`."""
    mapped_name: str
    """Of the device mapper; empty for others."""
    uuid: str
    """Of the device mapper, such as `CRYPT-LUKS2-…`; empty for others."""
    below: tuple[str, ...]
    """Names of the devices that it lies on."""

    @property
    def is_encrypted(self) -> bool:
        """Whether cryptsetup made it in order to encrypt."""
        return re.match(r"CRYPT-(?!VERITY|INTEGRITY)", self.uuid) is not None


@dataclass(frozen=True, kw_only=True)
class Volume:
    """One mapping of dm-crypt."""

    name: str
    cipher: str
    """Such as `aes-xts-plain64`."""
    key_bits: int
    is_luks: bool


@dataclass(frozen=True, kw_only=True)
class Storage:
    """Storage of one path."""

    mount: Mount
    volumes: tuple[Volume, ...]
    """The mappings of dm-crypt that everything written there passes."""
    directory_policy: str = ""
    """How fscrypt encrypts the contents, such as `AES_256_XTS`; empty where it does not."""


_OPAQUE = re.compile(
    r"(btrfs|zfs|bcachefs|nfs\d?|cifs|smb3|ceph|lustre|glusterfs|9p|virtiofs|fuse(blk|\..*)?|ecryptfs)"
)
"""File systems that encrypt themselves, span devices or lie elsewhere: how is not read."""


_DEVICES = (
    'for d in /sys/class/block/*; do test -e "$d/dev" || continue; read -r n <"$d/dev"; u= m=; '
    'if test -d "$d/dm"; then read -r u <"$d/dm/uuid"; read -r m <"$d/dm/name"; fi; '
    'printf \'%s\\t%s\\t%s\\t%s\\t\' "${d##*/}" "$n" "$m" "$u"; '
    'for s in "$d"/slaves/*; do test -e "$s" && printf "%s " "${s##*/}"; done; echo; done'
)


def storage(host: Host, files: Sequence[ModelFile]) -> dict[str, Storage | Unobservable]:
    """Return what each of `files` is stored on, by path.

    `Unobservable` stands where only root could tell, or where the kind of file system hides it.

    Raises:
        Unobservable: when the mounted file systems or the block devices cannot be read.

    """
    mounted, listed, who = outcomes(
        [
            lambda: _text(host.run("cat /proc/self/mountinfo")),
            lambda: _text(host.run(_DEVICES)),
            lambda: _text(host.run("id -u")),
        ]
    )
    mounts, known = read_mounts(_seen(mounted)), read_devices(_seen(listed))
    by_number = {device.number: device for device in known.values()}
    under = {file.path: _mount_of(file, mounts) for file in files}
    places = {file.path: posixpath.dirname(file.path) for file in files}
    wanted = [(places[path], mount) for path, mount in under.items() if isinstance(mount, Mount)]
    layers = {layer for _, mount in wanted for layer in _layers(by_number.get(mount.device), known)}
    crypt = [lambda: _volumes(host, is_root=_seen(who).strip() == "0")]
    volumes = outcomes(crypt)[0] if any(layer.is_encrypted for layer in layers) else {}
    asked = list(dict.fromkeys(wanted))
    policies = dict(zip(asked, outcomes([_asking(host, *item) for item in asked]), strict=True))
    found: dict[str, Storage | Unobservable] = {}
    for path, mount in under.items():
        try:
            if isinstance(mount, Unobservable):
                raise mount
            found[path] = _storage(mount, by_number, known, volumes, policies[places[path], mount])
        except Unobservable as fault:
            found[path] = fault
    return found


def _seen(answer: str | Unobservable) -> str:
    if isinstance(answer, Unobservable):
        raise answer
    return answer


def _asking(host: Host, place: str, mount: Mount) -> Callable[[], str]:
    return lambda: _policy(host, place, mount)


def _storage(
    mount: Mount,
    by_number: Mapping[str, BlockDevice],
    known: Mapping[str, BlockDevice],
    volumes: Mapping[str, Volume] | Unobservable,
    policy: str | Unobservable,
) -> Storage:
    if isinstance(policy, Unobservable):
        raise policy
    if policy:
        return Storage(mount=mount, volumes=(), directory_policy=policy)
    device = by_number.get(mount.device)
    if device is None and _OPAQUE.fullmatch(mount.kind):
        raise Unobservable("unreadable", f"{mount.point} is {mount.kind}: how it stores is not shown here")
    names = _crossed(device, known) if device else ()
    if names and isinstance(volumes, Unobservable):
        raise volumes
    if names and not isinstance(volumes, Unobservable):
        missing = [name for name in names if name not in volumes]
        if missing:
            raise Unobservable("parse", f"dmsetup does not show {missing[0]} as encrypted")
        luks = {item.mapped_name: item.uuid.startswith("CRYPT-LUKS") for item in known.values()}
        return Storage(
            mount=mount,
            volumes=tuple(
                Volume(
                    name=name,
                    cipher=volumes[name].cipher,
                    key_bits=volumes[name].key_bits,
                    is_luks=luks.get(name, False),
                )
                for name in names
            ),
        )
    return Storage(mount=mount, volumes=())


def _crossed(device: BlockDevice, known: Mapping[str, BlockDevice]) -> tuple[str, ...]:
    """Return the encrypted mappings under `device`, or none where a way down passes without one."""
    if device.is_encrypted:
        return (device.mapped_name,)
    ways = [_crossed(known[name], known) for name in device.below if name in known]
    if not ways or len(ways) != len(device.below) or not all(ways):
        return ()
    return tuple(dict.fromkeys(name for way in ways for name in way))


def _layers(device: BlockDevice | None, known: Mapping[str, BlockDevice]) -> list[BlockDevice]:
    if device is None:
        return []
    return [device, *(more for name in device.below for more in _layers(known.get(name), known))]


def _text(answer: object) -> str:
    stderr, status = str(getattr(answer, "stderr", "")), getattr(answer, "rc", 1)
    if status != 0 or stderr.strip():
        denied = "Permission denied" in stderr
        raise Unobservable("privilege" if denied else "unreadable", stderr.strip() or f"exit status {status}")
    return str(getattr(answer, "stdout", ""))


@reads
def read_mounts(text: str) -> list[Mount]:
    """Read /proc/self/mountinfo."""
    mounts = []
    for line in text.splitlines():
        before, _, after = line.partition(" - ")
        fields, rest = before.split(" "), after.split(" ")
        if len(fields) < 6 or len(rest) < 2 or not fields[4].startswith("/"):
            raise Unobservable("parse", f"/proc/self/mountinfo: {line[:200]!r}")
        point = re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), fields[4])
        mounts.append(Mount(point=point, device=fields[2], kind=rest[0], source=rest[1]))
    return mounts


def _mount_of(file: ModelFile, mounts: Sequence[Mount]) -> Mount | Unobservable:
    """Return the file system that holds `file`, by its device number, so that links do not matter."""
    number = int(file.identity.partition(":")[0])
    major, minor = number >> 8 & 0xFFF | number >> 32 & ~0xFFF, number & 0xFF | number >> 12 & ~0xFF
    holding = [mount for mount in mounts if mount.device == f"{major}:{minor}"]
    if holding:
        return holding[-1]
    around = [mount for mount in mounts if file.path.startswith(mount.point.rstrip("/") + "/")]
    nearest = max(around, key=lambda mount: len(mount.point), default=None)
    if nearest is not None and nearest.kind == "overlay":
        return nearest  # its files have device numbers of the layers
    return Unobservable("unreadable", f"{file.path}: the file system that holds it is not shown")


@reads
def read_devices(text: str) -> dict[str, BlockDevice]:
    """Read the table of block devices, by name."""
    devices = {}
    for line in text.splitlines():
        fields = line.split("\t")
        if len(fields) != 5:
            raise Unobservable("parse", f"/sys/class/block: {line[:200]!r}")
        devices[fields[0]] = BlockDevice(
            name=fields[0],
            number=fields[1],
            mapped_name=fields[2],
            uuid=fields[3],
            below=tuple(fields[4].split()),
        )
    return devices


_CRYPT = re.compile(
    r"(?P<name>.+): \d+ \d+ crypt (?P<cipher>\S+) (?P<key>:(?P<bytes>\d+):\S+|[0-9a-f]+|-) \d+ \S+ \d+.*"
)


def _volumes(host: Host, *, is_root: bool) -> dict[str, Volume]:
    if not is_root:
        raise Unobservable("privilege", "only root sees with which cipher a device is encrypted")
    return read_crypt_table(_text(host.run("dmsetup table")))


@reads
def read_crypt_table(text: str) -> dict[str, Volume]:
    """Read what `dmsetup table` printed, where keys are masked; only the mappings of dm-crypt are returned.

    Raises:
        Unobservable: `parse`, also for a mapping that is encrypted in parts or in several ways.

    """
    volumes: dict[str, Volume] = {}
    others: set[str] = set()
    for line in text.splitlines():
        if not line.strip() or line.strip() == "No devices found":
            continue
        match = _CRYPT.fullmatch(line.strip())
        if match is None:
            other = re.fullmatch(r"(?P<name>.+): \d+ \d+ (?!crypt )[a-z].*|(?P<empty>.+):", line.strip())
            if other is None:
                raise Unobservable("parse", f"dmsetup table: {line[:60]!r}")
            others.add(other["name"] or other["empty"])
            continue
        key = match["key"]
        bits = int(match["bytes"]) * 8 if match["bytes"] else len(key) * 4 if key != "-" else 0
        volume = Volume(name=match["name"], cipher=match["cipher"], key_bits=bits, is_luks=False)
        if volumes.setdefault(volume.name, volume) != volume:
            raise Unobservable("parse", f"{volume.name} is encrypted in parts in different ways")
    if in_part := sorted(others & volumes.keys()):
        raise Unobservable("parse", f"{in_part[0]} is encrypted only in part")
    return volumes


def _policy(host: Host, path: str, mount: Mount) -> str:
    """Return the cipher of fscrypt for `path`; empty where its file system cannot or does not encrypt."""
    if mount.kind not in {"ext4", "f2fs", "ubifs", "ceph"}:
        return ""
    flags = host.run("lsattr -d -- %s", path)
    if flags.rc != 0 or flags.stderr.strip():
        said = flags.stderr.strip()
        denied = "Permission denied" in said
        if "not supported" in said or "nappropriate ioctl" in said:
            return ""
        raise Unobservable("privilege" if denied else "unreadable", said or "lsattr")
    if "E" not in flags.stdout.partition(" ")[0]:
        return ""
    return read_fscrypt(_text(host.run("fscrypt status -- %s", path)))


@reads
def read_fscrypt(text: str) -> str:
    """Return the cipher of the contents from what `fscrypt status DIR` printed."""
    match = re.search(r"^Options:.*\bcontents:(?P<cipher>\S+)", text, re.MULTILINE)
    if match is None or "is encrypted with fscrypt" not in text:
        raise Unobservable("parse", "fscrypt status names no cipher")
    return match["cipher"]
