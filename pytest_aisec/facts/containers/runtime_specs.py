"""Running containers of containerd and CRI-O, by the OCI specifications that `ctr` and `crictl` print."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_aisec.facts.containers.inspection import Container, Mount, items
from pytest_aisec.facts.core.formats import is_number, reads
from pytest_aisec.observe.faults import Unobservable

__all__ = ["Specified", "specified"]

_ID = re.compile(r"(?:sha256:)?([0-9a-f]{64})")
_LABEL = "io.kubernetes."
_METADATA = "io.cri-containerd.container.metadata"
_RUNS = {"RUNNING", "PAUSED", "PAUSING", "UNKNOWN"}
_USUAL_RULES = {
    *(f"c 1:{minor} rwm" for minor in (3, 5, 7, 8, 9)),
    *(f"c 5:{minor} rwm" for minor in (0, 1, 2)),
    "c 136:* rwm",
    "c 10:200 rwm",
    "c *:* m",
    "b *:* m",
}
"""What every container may do with devices: null, zero, random, terminals, tun, and to make device files."""
_MEMORY_DEVICES = {"1:1": "/dev/mem", "1:2": "/dev/kmem", "1:4": "/dev/port", "1:11": "/dev/kmsg"}
_FILES_OF_A_POD = {"/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/dev/shm", "/dev/termination-log"}  # noqa: S108 - in the container


@dataclass(frozen=True, kw_only=True)
class Specified:
    """Answer of one container runtime."""

    running: tuple[Container, ...]
    known: frozenset[str]
    """The ids of all containers that it has, also of those that keep a pod's namespaces alone."""
    faults: tuple[Unobservable, ...]
    """Why there may be more."""


@reads
def specified(engine: str, body: str, stderr: str) -> Specified:
    """Return the containers in what the question about one runtime printed.

    Args:
        engine: how it is called, for people.
        body: as of `inspection.items`, with an object for each container: `Pid`, `Status`, and `Info`, what
            `ctr containers info` or `crictl inspect` printed; `Pids`, the least limit of processes on its way
            up the control groups; `Sandbox` alone, the id of what keeps a pod's namespaces.
        stderr: what was said beside it.

    Raises:
        Unobservable: when there is no whole answer, or it is not in the form that is known.

    """
    running: list[Container] = []
    known: set[str] = set()
    faults: list[Unobservable] = []
    for record in items(body, stderr):
        if record is None:
            continue
        if isinstance(record, dict) and isinstance(record.get("Sandbox"), str):
            known.add(record["Sandbox"])
            continue
        info = record.get("Info") if isinstance(record, dict) else None
        if not isinstance(record, dict) or not isinstance(info, dict):
            faults.append(Unobservable("unreadable", f"{engine}: a container that runs is not described"))
            continue
        one = _of_ctr(info) if "Spec" in info else _of_crictl(info)
        known.add(one.id)
        if one.is_sandbox or record.get("Status", "RUNNING") not in _RUNS:
            continue
        running.append(_container(engine, one, record))
    return Specified(running=tuple(running), known=frozenset(known), faults=tuple(faults))


@dataclass(frozen=True, kw_only=True)
class _Told:
    id: str
    spec: Mapping[str, Any]
    labels: Mapping[str, str]
    image: str
    image_id: str
    pid: int
    sandbox: str
    is_sandbox: bool
    is_privileged: bool


def _of_ctr(info: Mapping[str, Any]) -> _Told:
    labels = _strings(info.get("Labels"))
    metadata = _metadata(info.get("Extensions"))
    spec = _mapping(info.get("Spec"), "Spec")
    annotations = _strings(spec.get("annotations"))
    return _Told(
        id=_identity(info.get("ID")),
        spec=spec,
        labels=labels,
        image=str(info.get("Image") or ""),
        image_id=_image_id(metadata.get("ImageRef")),
        pid=0,
        sandbox=annotations.get("io.kubernetes.cri.sandbox-id", ""),
        is_sandbox=labels.get("io.cri-containerd.kind") == "sandbox",
        is_privileged=_is_told_privileged(metadata.get("Config")),
    )


def _of_crictl(info: Mapping[str, Any]) -> _Told:
    status, more = _mapping(info.get("status"), "status"), _mapping(info.get("info"), "info")
    config = _mapping(more.get("config") or {}, "config")
    image = _mapping(status.get("image") or {}, "image")
    of_config = _mapping(config.get("image") or {}, "config.image")
    name = next((str(one) for one in (image.get("userSpecifiedImage"), image.get("image")) if one), "")
    pid = more.get("pid")
    return _Told(
        id=_identity(status.get("id")),
        spec=_mapping(more.get("runtimeSpec"), "runtimeSpec"),
        labels=_strings(status.get("labels")),
        image=name,
        image_id=_image_id(status.get("imageId"), of_config.get("image"), status.get("imageRef")),
        pid=pid if isinstance(pid, int) and not isinstance(pid, bool) else 0,
        sandbox=str(more.get("sandboxID") or ""),
        is_sandbox=False,
        is_privileged=more.get("privileged") is True or _is_told_privileged(config),
    )


def _metadata(extensions: object) -> Mapping[str, Any]:
    """Read what the CRI of containerd keeps beside a container; nothing where it did not make it."""
    kept = extensions.get(_METADATA) if isinstance(extensions, dict) else None
    if not isinstance(kept, dict):
        return {}
    try:
        data = json.loads(base64.b64decode(str(kept.get("value")), validate=True))
    except (ValueError, RecursionError, binascii.Error):
        raise Unobservable("parse", f"{_METADATA} is not what the CRI writes") from None
    found = data.get("Metadata") if isinstance(data, dict) else None
    return _mapping(found, _METADATA)


def _is_told_privileged(config: object) -> bool:
    found: object = config
    for key in ("linux", "security_context"):
        found = found.get(key) if isinstance(found, dict) else None
    return isinstance(found, dict) and found.get("privileged") is True


def _container(engine: str, told: _Told, record: Mapping[str, Any]) -> Container:
    spec = told.spec
    process, linux = _mapping(spec.get("process"), "process"), _mapping(spec.get("linux"), "linux")
    user, root = _mapping(process.get("user") or {}, "user"), _mapping(spec.get("root"), "root")
    pid = told.pid or record.get("Pid")
    if not isinstance(pid, int) or isinstance(pid, bool):
        raise Unobservable("parse", f"{told.id[:12]}: no process id")
    resources = _mapping(linux.get("resources") or {}, "resources")
    rules = [_rule(item) for item in _list(resources, "devices") if _mapping(item, "rule").get("allow")]
    names = [told.labels.get(f"{_LABEL}{key}") for key in ("pod.namespace", "pod.name", "container.name")]
    return Container(
        engine=engine,
        id=told.id,
        name="/".join(name for name in names if name) or told.labels.get("nerdctl/name") or told.id[:12],
        image=told.image,
        image_id=told.image_id,
        pid=pid,
        user=str(user.get("uid", 0)),
        rootfs="",
        is_privileged=told.is_privileged or _looks_privileged(linux, rules),
        is_root_read_only=root.get("readonly") is True,
        mounts=tuple(_mounts(spec, told)),
        devices=tuple(_device(item) for item in _list(linux, "devices")),
        device_rules=tuple(rule for rule in rules if rule not in _USUAL_RULES),
        security_options=(),
        modes=_modes(linux),
        environment=dict(_variable(str(text)) for text in _list(process, "env")),
        memory=_number(_mapping(resources.get("memory") or {}, "memory").get("limit")),
        pids_limit=_pids(record, resources),
        has_cgroup=True,
    )


def _looks_privileged(linux: Mapping[str, Any], rules: list[str]) -> bool:
    """Tell whether nothing of the kernel is hidden and every device is open, as where it is privileged."""
    return not linux.get("maskedPaths") and not linux.get("readonlyPaths") and "a *:* rwm" in rules


def _pids(record: Mapping[str, Any], resources: Mapping[str, Any]) -> int:
    """Return the limit of processes: the container's own, or that of the pod around it."""
    own = _number(_mapping(resources.get("pids") or {}, "pids").get("limit"))
    above = str(record.get("Pids") or "")
    limits = [one for one in (own, int(above) if is_number(above) else 0) if one > 0]
    return min(limits, default=0)


def _mounts(spec: Mapping[str, Any], told: _Told) -> Iterator[Mount]:
    for item in _list(spec, "mounts"):
        one = _mapping(item, "mount")
        source, destination = str(one.get("source") or ""), str(one.get("destination") or "")
        options = [str(option) for option in _list(one, "options")]
        is_bind = one.get("type") == "bind" or "bind" in options or "rbind" in options
        if not is_bind or not source.startswith("/"):
            continue
        kind = _kind(source, destination, told)
        if kind:
            yield Mount(kind=kind, source=source, destination=destination, is_writable="ro" not in options)


def _kind(source: str, destination: str, told: _Told) -> str:
    """Return what a mount is; nothing for a file that every pod gets: `inspect` shows none either."""
    pod = told.labels.get(f"{_LABEL}pod.uid", "")
    if pod and source.startswith(f"/var/lib/kubelet/pods/{pod}/"):
        rest = source.removeprefix(f"/var/lib/kubelet/pods/{pod}/")
        if re.match(r"volumes/kubernetes\.io~[^/]+/[^/]+|volume-subpaths/[^/]+/", rest) and "/.." not in rest:
            return "volume"
        if destination in _FILES_OF_A_POD and re.fullmatch(r"etc-hosts|containers/[^/]+/[^/]+", rest):
            return ""
    sandbox = told.sandbox
    if destination in _FILES_OF_A_POD and sandbox and f"/{sandbox}/" in f"{source}/" and "/.." not in source:
        return ""
    return "bind"


def _modes(linux: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    for item in _list(linux, "namespaces"):
        one = _mapping(item, "namespace")
        path = one.get("path")
        found[str(one.get("type"))] = f"ns:{path}" if path else "private"
    names = {"network": "network", "pid": "pid", "ipc": "ipc", "uts": "uts"}
    return {
        **{name: found.get(kind, "host") for name, kind in names.items()},
        "userns": found.get("user", ""),
    }


def _device(item: object) -> str:
    one = _mapping(item, "device")
    numbers = (one.get("major"), one.get("minor"))
    if one.get("type") == "b":
        return f"/dev/block/{numbers[0]}:{numbers[1]}"
    return _MEMORY_DEVICES.get(f"{numbers[0]}:{numbers[1]}", str(one.get("path")))


def _rule(item: object) -> str:
    one = _mapping(item, "rule")
    numbers = ["*" if one.get(key) in {None, -1} else str(one[key]) for key in ("major", "minor")]
    return f"{one.get('type') or 'a'} {':'.join(numbers)} {one.get('access') or 'rwm'}"


def _identity(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}", value):
        raise Unobservable("parse", f"not the id of a container: {value!r:.80}")
    return value


def _image_id(*values: object) -> str:
    return next((match[1] for one in values if (match := _ID.fullmatch(str(one)))), "")


def _variable(text: str) -> tuple[str, str]:
    key, _, value = text.partition("=")
    return key, value


def _number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _strings(value: object) -> dict[str, str]:
    return {str(key): str(one) for key, one in value.items()} if isinstance(value, dict) else {}


def _mapping(value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Unobservable("parse", f"a container's {what} is {value!r:.60}")
    return value


def _list(record: Mapping[str, Any], key: str) -> list[Any]:
    value = record.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise Unobservable("parse", f"a container's {key} is {value!r:.60}")
    return value
