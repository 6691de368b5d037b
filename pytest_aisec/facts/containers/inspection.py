"""Running containers as `inspect` of docker and podman describes them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_aisec.observe.faults import Unobservable

__all__ = ["Container", "Mount", "inspected", "items"]

_ID = re.compile(r"[0-9a-f]{64}")
_DENIED = re.compile(r"(?i)permission denied|operation not permitted|must be root")
_ENDED = {"created", "configured", "dead", "exited", "removing", "stopped"}
"""Between the list and its inspection; a container that runs nevertheless has its monitor."""


@dataclass(frozen=True, kw_only=True)
class Mount:
    """Something of the host, or a volume, inside a container."""

    kind: str
    """`bind`, `volume`, `tmpfs`, `image` …"""
    source: str
    """On the host; links in it are not followed. Empty for a tmpfs."""
    destination: str
    """In the container."""
    is_writable: bool


@dataclass(frozen=True, kw_only=True)
class Container:
    """One running container, as its engine describes it."""

    engine: str
    """`docker` or `podman`, for that of one account with ` of uid N`."""
    id: str
    name: str
    image: str
    """The reference that it was started with, such as `nvcr.io/nvidia/pytorch:24.09-py3`."""
    image_id: str
    """64 hexadecimal digits; empty where the root file system is no image."""
    pid: int
    """Of its first process, on the host; 0 while it restarts."""
    user: str
    """As configured: empty, a name or a number, with or without `:GROUP`."""
    rootfs: str
    """The directory of the host that is its root file system, in place of an image; else empty."""
    is_privileged: bool
    is_root_read_only: bool
    mounts: tuple[Mount, ...]
    devices: tuple[str, ...]
    """Paths of devices on the host."""
    device_rules: tuple[str, ...]
    """Rules of its devices cgroup, such as `c 195:* rwm`."""
    security_options: tuple[str, ...]
    modes: Mapping[str, str]
    """`network`, `pid`, `ipc`, `uts`, `userns` → such as `host`, `private`, `container:ID`, `ns:PATH`."""
    environment: Mapping[str, str] = field(repr=False)
    """Values that look like credentials are marks."""
    memory: int
    """Bytes; 0 is no limit."""
    pids_limit: int
    """Processes; 0 or less is no limit."""
    has_cgroup: bool
    """False where podman was told to make none: then limits have no effect."""

    @property
    def label(self) -> str:
        """Engine and name, for people."""
        return f"{self.engine} {self.name}"


def inspected(engine: str, body: str, stderr: str) -> Iterator[Container]:
    """Yield the containers in what one engine printed.

    Args:
        engine: how it is called, for people.
        body: `=list STATUS`, and where that is 0, lines of JSON behind `|` and `=inspect STATUS`.
        stderr: what was said beside it.

    Raises:
        Unobservable: when there is no whole answer, or it is not in the form that is known.

    """
    for record in items(body, stderr):
        if _optional(_field(record, "State", dict), "Status", str, "") not in _ENDED:
            yield _container(engine, record)


def items(body: str, stderr: str) -> list[object]:
    """Return the list of JSON that one engine printed.

    Raises:
        Unobservable: when there is no whole answer, or it is no list.

    """
    match = re.fullmatch(r"=list (\d+)\n(?:(.*)\n=inspect \d+\n?)?", body.rstrip("\n") + "\n", re.DOTALL)
    if match is None:
        raise Unobservable("parse", "its answer is not whole")
    if match[1] != "0" or match[2] is None:
        detail = stderr.strip()[-300:] or f"exit status {match[1]}"
        if match[1] in {"126", "127"}:
            raise Unobservable("tool_missing", detail)
        raise Unobservable("privilege" if _DENIED.search(stderr) else "unreadable", detail)
    try:
        records = json.loads(re.sub(r"^\|", "", match[2], flags=re.MULTILINE) or "[]")
    except (ValueError, RecursionError):
        raise Unobservable("parse", "inspect printed no JSON") from None
    if not isinstance(records, list):
        raise Unobservable("parse", "inspect printed no list")
    return records


def _container(engine: str, record: object) -> Container:
    """Read one record of `inspect`; what must be there and is not makes the whole unreadable."""
    config, host = _field(record, "Config", dict), _field(record, "HostConfig", dict)
    pid = _field(record, "State", dict).get("Pid")
    if not isinstance(pid, int):
        raise Unobservable("parse", "inspect: no State.Pid")
    identity = _field(record, "Id", str)
    if not _ID.fullmatch(identity):
        raise Unobservable("parse", f"inspect: not an id: {identity[:80]!r}")
    return Container(
        engine=engine,
        id=identity,
        name=_field(record, "Name", str).removeprefix("/"),
        image=_field(config, "Image", str) or _optional(record, "ImageName", str, ""),
        image_id=_optional(record, "Image", str, "").removeprefix("sha256:"),
        pid=pid,
        user=_field(config, "User", str),
        rootfs=_optional(record, "Rootfs", str, ""),
        is_privileged=_field(host, "Privileged", bool),
        is_root_read_only=_field(host, "ReadonlyRootfs", bool),
        mounts=(*_mounts(record), *_tmpfs(host)),
        devices=tuple(_field(item, "PathOnHost", str) for item in _optional(host, "Devices", list, [])),
        device_rules=_texts(host, "DeviceCgroupRules"),
        security_options=_texts(host, "SecurityOpt"),
        modes={
            "network": _field(host, "NetworkMode", str),
            "pid": _field(host, "PidMode", str),
            "ipc": _field(host, "IpcMode", str),
            "uts": _field(host, "UTSMode", str),
            "userns": _field(host, "UsernsMode", str),
        },
        environment=dict(_variable(text) for text in _texts(config, "Env")),
        memory=_field(host, "Memory", int),
        pids_limit=_optional(host, "PidsLimit", int, 0),
        has_cgroup=_optional(host, "Cgroups", str, "") != "disabled",
    )


def _mounts(record: object) -> Iterator[Mount]:
    for item in _optional(record, "Mounts", list, []):
        yield Mount(
            kind=_field(item, "Type", str),
            source=_optional(item, "Source", str, ""),
            destination=_field(item, "Destination", str),
            is_writable=_field(item, "RW", bool),
        )


def _tmpfs(host: Mapping[str, Any]) -> Iterator[Mount]:
    for destination, options in _optional(host, "Tmpfs", dict, {}).items():
        yield Mount(
            kind="tmpfs",
            source="",
            destination=str(destination),
            is_writable="ro" not in str(options).split(","),
        )


def _variable(text: str) -> tuple[str, str]:
    key, _, value = text.partition("=")
    return key, value


def _field(record: object, key: str, kind: type[Any]) -> Any:
    """Return what must be there and of this kind."""
    value = record.get(key) if isinstance(record, dict) else None
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise Unobservable("parse", f"inspect: {key} is {value!r:.60}")
    return value


def _optional(record: object, key: str, kind: type[Any], default: Any) -> Any:
    """Return what engines leave out, or write as null, where there is none."""
    if isinstance(record, dict) and record.get(key) is None:
        return default
    return _field(record, key, kind)


def _texts(record: Mapping[str, Any], key: str) -> tuple[str, ...]:
    return tuple(str(item) for item in _optional(record, key, list, []))
