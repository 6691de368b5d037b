import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from posixpath import normpath
from typing import Annotated

from pydantic import Field

from pytest_aisec import Host, Unobservable, control, not_applicable, raise_unless
from pytest_aisec.facts.containers.containers import containers
from pytest_aisec.facts.containers.inspection import Container
from pytest_aisec.facts.containers.processes import Process, live
from pytest_aisec.facts.core.formats import is_number

_NOTHING_RUNS = "no container of docker, podman or a CRI runs"

_DANGEROUS = frozenset({"SYS_ADMIN", "SYS_PTRACE", "SYS_MODULE", "NET_ADMIN", "DAC_READ_SEARCH", "SYS_RAWIO"})
"""Each of them alone is a way out of the container; no parameter allows them."""

_USUAL = frozenset(
    {
        "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE",
        "NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
    }
)  # fmt: skip
"""What docker leaves a container that drops nothing."""

_DISKS = re.compile(
    r"/dev/(block/|mem|kmem|port|kmsg|core|sd[a-z]|vd[a-z]|xvd|hd[a-z]|nvme\d|dm-|md\d|mapper/|loop)"
)
_UNCONFINED_TYPES = frozenset(
    {"spc_t", "unconfined_t", "unconfined_service_t", "container_runtime_t", "init_t", "kernel_t"}
)


def _is_excused(container: Container, patterns: list[str]) -> bool:
    return any(fnmatchcase(container.name, pattern) for pattern in patterns)


def _users(container: Container, process: Process) -> Iterator[str]:
    name = container.user.partition(":")[0]
    is_root = name in {"", "root"} or (is_number(name) and int(name) == 0)
    others = {} if isinstance(process.others, Unobservable) else process.others
    as_root = [pid for pid, uids in ((process.pid, process.uids), *others.items()) if 0 in uids]
    said = f"its user is {container.user!r}" if container.user else "it sets no user"
    if as_root:
        yield f"{said}, and process {as_root[0]} is root on the host"
    elif is_root and process.root_is == 0:
        yield f"{said}: it starts as root, although what runs now has given that up"


@control(
    "AISEC-CTR-02",
    severity="high",
    needs_running=True,
    objectives=["container_isolation"],
    iso_27001=["A.8.2"],
    cis_v8_1=["5.4"],
    remediation=(
        "docker run --user 1000:1000 …, podman run --user 1000:1000 …, or USER 1000 in the image; or "
        "map root to an unprivileged user: userns-remap in /etc/docker/daemon.json, podman run "
        "--userns=auto"
    ),
    remediation_is_words="what starts the container (a unit, a compose file, an orchestrator) has to change",
)
def test_containers_run_as_a_non_root_user(host: Host, *, allow_containers: list[str] = []) -> None:
    """Containers run as a non-root user.

    Root in a container is root on the host for everything that is shared with it: whoever breaks out of a
    model server that runs as root owns the machine. Judged are the configured user and what really runs.
    """
    found = containers(host)
    seen = live(host, [item for item in found.running if not _is_excused(item, allow_containers)])
    wrong = {
        item.label: what
        for item, process in seen.pairs
        if process is not None and (what := list(_users(item, process)))
    }
    raise_unless(
        wrong,
        [
            *found.faults,
            *seen.faults,
            *(one.others for _, one in seen.pairs if one and isinstance(one.others, Unobservable)),
        ],
    )
    if not found.running:
        not_applicable(_NOTHING_RUNS)
    assert wrong == {}


def _writable(container: Container, allowed: list[str]) -> Iterator[str]:
    if not container.is_root_read_only:
        yield "its root file system is writable"
    for mount in container.mounts:
        if mount.is_writable and not any(_is_below(normpath(mount.destination), place) for place in allowed):
            yield f"{mount.destination} is writable ({mount.source or mount.kind})"


def _is_below(path: str, top: str) -> bool:
    return path == top or path.startswith(top.rstrip("/") + "/")


@control(
    "AISEC-CTR-03",
    severity="high",
    needs_running=True,
    objectives=["container_isolation"],
    nist_800_53=["CM-5", "SI-7"],
    atlas_techniques=["AML.T0018"],
    remediation=(
        "docker run --read-only --tmpfs /tmp …, podman run --read-only …; mount data with :ro; what "
        "must be writable may lie below {writable_allow}"
    ),
    remediation_is_words="what starts the container (a unit, a compose file, an orchestrator) has to change",
)
def test_container_root_filesystems_are_read_only(
    host: Host,
    *,
    writable_allow: list[str] = ["/tmp", "/var/tmp", "/run", "/cache"],  # noqa: S108 - in the container
    allow_containers: list[str] = [],
) -> None:
    """Container root filesystems are read-only.

    What can write to the file system of a model server can replace its code and its weights, and stay.
    """
    found = containers(host)
    wrong = {
        item.label: what
        for item in found.running
        if not _is_excused(item, allow_containers) and (what := list(_writable(item, writable_allow)))
    }
    raise_unless(wrong, [*found.faults])
    if not found.running:
        not_applicable(_NOTHING_RUNS)
    assert wrong == {}


def _powers(container: Container, process: Process | None, allowed: frozenset[str]) -> Iterator[str]:
    if container.is_privileged:
        yield "privileged"
    elif process is not None and (more := sorted(process.capabilities - allowed)):
        yield f"capabilities {', '.join(more)}"
    for device in container.devices:
        if _DISKS.match(device):
            yield f"device {device}"
    for rule in container.device_rules:
        if re.match(r"[ab] |c (\*|1):", rule):
            yield f"device rule {rule}"


@control(
    "AISEC-CTR-04",
    severity="critical",
    needs_running=True,
    objectives=["container_isolation"],
    iso_27001=["A.8.2"],
    cis_v8_1=["5.4"],
    remediation=(
        "docker run --cap-drop ALL …, podman run --cap-drop all …, without --privileged; --cap-add "
        "only from {allowed_caps}"
    ),
    remediation_is_words="what starts the container (a unit, a compose file, an orchestrator) has to change",
)
def test_no_container_has_dangerous_capabilities(
    host: Host,
    *,
    allowed_caps: list[str] = ["CHOWN", "SETUID", "SETGID", "NET_BIND_SERVICE", "KILL", "FOWNER", "IPC_LOCK"],
    require_drop_all: bool = True,
) -> None:
    """No privileged containers or dangerous capabilities.

    A privileged container, or one with SYS_ADMIN, is no boundary: its root loads kernel modules, reads the
    disks and mounts the host. Judged is the set that the kernel enforces, whatever was asked for.
    """
    found = containers(host)
    allowed = frozenset(name.upper().removeprefix("CAP_") for name in allowed_caps) - _DANGEROUS
    if not require_drop_all:
        allowed |= _USUAL
    seen = live(host, found.running)
    wrong = {
        item.label: what for item, process in seen.pairs if (what := list(_powers(item, process, allowed)))
    }
    raise_unless(wrong, [*found.faults, *seen.faults])
    if not found.running:
        not_applicable(_NOTHING_RUNS)
    assert wrong == {}


def _is_confined(label: str) -> bool:
    """Tell whether a label of AppArmor (`docker-default (enforce)`) or SELinux (four fields) restricts."""
    parts = label.split(":")
    if len(parts) > 3:
        return parts[2] not in _UNCONFINED_TYPES
    return label.endswith((" (enforce)", " (kill)")) and not label.startswith("unconfined")


def _loosened(container: Container, process: Process | None, *, permissive: bool, mac: bool) -> Iterator[str]:
    if container.is_privileged:
        yield "privileged"
    for option in container.security_options:
        if re.match(r"seccomp[=:]unconfined", option):
            yield option
    if process is None:
        return
    if not process.no_new_privileges:
        yield "new privileges are possible"
    if not process.is_filtered and "seccomp=unconfined" not in container.security_options:
        yield "no seccomp filter"
    if mac and process.label is None:
        yield "the kernel has neither AppArmor nor SELinux"
    elif mac and process.label is not None and (permissive or not _is_confined(process.label)):
        yield f"not confined: {process.label}{', SELinux is permissive' if permissive else ''}"


@control(
    "AISEC-CTR-05",
    severity="medium",
    needs_running=True,
    objectives=["container_isolation"],
    remediation=(
        "docker run or podman run --security-opt no-new-privileges …, without seccomp=unconfined, "
        "apparmor=unconfined, label=disable or --privileged; AppArmor or SELinux enforcing on the host"
    ),
    remediation_is_words="what starts the container (a unit, a compose file, an orchestrator) has to change",
)
def test_containers_are_confined(host: Host, *, require_mac: bool = True) -> None:
    """no-new-privileges, seccomp and MAC confinement are active.

    Without them a setuid program in the image or a flaw in a rarely used system call gives an attacker in
    the container what the engine had taken away. Judged is what the kernel reports of the first process.
    """
    found = containers(host)
    seen = live(host, found.running)
    wrong = {
        item.label: what
        for item, process in seen.pairs
        if (what := list(_loosened(item, process, permissive=seen.is_selinux_permissive, mac=require_mac)))
    }
    raise_unless(wrong, [*found.faults, *seen.faults])
    if not found.running:
        not_applicable(_NOTHING_RUNS)
    assert wrong == {}


_NAMESPACES = {"network": "net", "pid": "pid", "ipc": "ipc", "uts": "uts", "userns": "user"}


def _shared(container: Container, process: Process | None, host: Process | None) -> Iterator[str]:
    """Yield the namespaces that are the host's, as configured or as the kernel has them."""
    own = process.namespaces if process else None
    theirs = host.namespaces if host else None
    for name, mode in container.modes.items():
        same = False
        if name != "userns" and isinstance(own, dict) and isinstance(theirs, dict):
            same = own[_NAMESPACES[name]] == theirs[_NAMESPACES[name]]
        if mode == "host" or same:
            yield name


def _is_told(container: Container) -> bool:
    """Tell whether the configured modes alone say that no namespace is the host's."""
    return not any(mode.startswith(("ns:", "/")) for mode in container.modes.values())


@control(
    "AISEC-CTR-06",
    severity="high",
    needs_running=True,
    objectives=["container_isolation"],
    remediation=(
        "Start the container without --network=host, --pid=host, --ipc=host, --uts=host and "
        "--userns=host; for workers that share memory: --shm-size={min_shm_mb}m"
    ),
    remediation_is_words="what starts the container (a unit, a compose file, an orchestrator) has to change",
)
def test_containers_do_not_share_host_namespaces(
    host: Host,
    *,
    allow_ipc_host: bool = False,
    min_shm_mb: Annotated[int, Field(ge=1)] = 1024,  # noqa: ARG001 - for the remediation
    allow_containers: list[str] = [],
) -> None:
    """Containers do not share host namespaces.

    In the host's network a container reaches what listens on loopback only; in its pid namespace it reads
    the memory and environment of other processes; in its ipc namespace the tensors of other jobs.
    """
    found = containers(host)
    seen = live(host, [item for item in found.running if not _is_excused(item, allow_containers)])
    wrong = {
        item.label: shared
        for item, process in seen.pairs
        if (
            shared := [
                name for name in _shared(item, process, seen.host) if name != "ipc" or not allow_ipc_host
            ]
        )
    }
    raise_unless(
        wrong,
        [
            *found.faults,
            *seen.faults,
            *(
                process.namespaces
                for item, process in seen.pairs
                if process and isinstance(process.namespaces, Unobservable) and not _is_told(item)
            ),
        ],
    )
    if not found.running:
        not_applicable(_NOTHING_RUNS)
    assert wrong == {}
