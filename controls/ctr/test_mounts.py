import posixpath
import re
from collections.abc import Iterable, Iterator

from pytest_aisec import Host, Unobservable, control, not_applicable
from pytest_aisec.facts.containers.containers import Monitor, containers, raise_first
from pytest_aisec.facts.containers.inspection import Container, Mount
from pytest_aisec.facts.containers.mounts import existing, origins
from pytest_aisec.facts.containers.processes import Live, Process, live

_TREES = (
    "/boot", "/dev", "/etc", "/proc", "/root", "/run/containerd", "/run/crio", "/run/dbus", "/run/docker",
    "/run/podman", "/run/systemd", "/run/user", "/sys", "/var/lib/containerd", "/var/lib/containers",
    "/var/lib/docker", "/var/lib/kubelet", "/var/spool/cron",
)  # fmt: skip
"""Neither they, nor what lies in them, nor what they lie in."""
_PLACES = ("/", "/home", "/run", "/tmp", "/var/tmp")  # noqa: S108 - of the host, and only looked at
"""Neither they nor what they lie in: what lies in them is judged by its own name."""
_PROGRAMS = tuple(
    f"{top}/{name}" for top in ("", "/usr", "/usr/local") for name in ("bin", "lib", "lib64", "sbin")
)
"""To be read only."""
_HARMLESS = ("/etc/ca-certificates", "/etc/localtime", "/etc/pki/ca-trust", "/etc/ssl/certs", "/etc/timezone")
"""May be read, although they lie in a tree that may not."""
_CREDENTIALS = (
    ".aws", ".azure", ".cache/huggingface/stored_tokens", ".cache/huggingface/token", ".config/gcloud",
    ".docker/config.json", ".git-credentials", ".gnupg", ".kube", ".netrc", ".pypirc", ".ssh",
)  # fmt: skip
"""In a home."""
_SOCKET = re.compile(r"(^|/)(docker|containerd|crio|podman|dockershim|cri-dockerd|buildkitd)\.sock$")


def _is_below(path: str, top: str) -> bool:
    return path == top or path.startswith(top.rstrip("/") + "/")


def _plain(path: str) -> str:
    """Return a path as it is without its usual link."""
    plain = posixpath.normpath(path)
    return plain.removeprefix("/var") if _is_below(plain, "/var/run") else plain


def _objection(path: str, denied: list[str], *, is_writable: bool) -> str:
    """Return what is wrong with a path of the host in a container; nothing where nothing is."""
    if _SOCKET.search(path):
        return "the socket of a container engine"
    for top in (*denied, *_TREES):
        if _is_below(path, top):
            harmless = not is_writable and any(_is_below(path, place) for place in _HARMLESS)
            return "" if harmless else f"in {top}" if path != top else "of the host itself"
    for place in _PLACES:
        if path == place:
            return "of the host itself"
    for top in (*denied, *_TREES, *_PLACES):
        if _is_below(top, path):
            return f"holds {top}"
    if any(f"{path}/".find(f"/{name}/") >= 0 for name in _CREDENTIALS):
        return "credentials"
    if is_writable and any(_is_below(path, top) or _is_below(top, path) for top in _PROGRAMS):
        return "programs of the host, writable"
    return ""


def _credentials_in(path: str) -> Iterator[str]:
    """Yield where credentials would lie if `path` were a home, or a directory on the way to them."""
    for name in _CREDENTIALS:
        yield f"{path}/{name}"
        parts = name.split("/")
        for count in range(1, len(parts)):
            if path.endswith("/" + "/".join(parts[:count])):
                yield f"{path}/{'/'.join(parts[count:])}"


def _listening(monitors: Iterable[Monitor]) -> list[str]:
    """Return the sockets that engines were told to listen on."""
    return [
        _plain(path)
        for item in monitors
        if item.container is None
        for path in re.findall(r"unix://(/[^ ,]+)", item.arguments)
    ]


def _places(mount: Mount, process: Process | None, seen: Live) -> list[str]:
    """Return what of the host a mount leads to: what the kernel says, or else what was asked for."""
    if mount.kind in {"image", "tmpfs"}:
        return []
    if process is None or seen.host is None or isinstance(process.mounts, Unobservable):
        return [_plain(mount.source)] if mount.kind != "volume" else []
    if isinstance(seen.host.mounts, Unobservable):
        return [_plain(mount.source)] if mount.kind != "volume" else []
    found = origins(mount.destination, process.mounts, seen.host.mounts)
    if mount.kind == "volume":
        return [_plain(place) for place in found if not _is_below(place, mount.source)]
    return [_plain(place) for place in found or (mount.source,)]


def _mounted(
    container: Container, process: Process | None, seen: Live, allowed: list[str]
) -> list[tuple[Mount, str]]:
    """Return the mounts of a container with what they lead to, but for what is allowed."""
    found = [
        (mount, place)
        for mount in container.mounts
        if mount.source
        for place in _places(mount, process, seen)
    ]
    if container.rootfs:
        root = Mount(kind="bind", source=container.rootfs, destination="/", is_writable=True)
        found += [(root, place) for place in (_plain(container.rootfs), *_places(root, process, seen))]
    return [
        (mount, place)
        for mount, place in dict.fromkeys(found)
        if not any(_is_below(place, path) for path in allowed)
    ]


def _is_unseen(container: Container, process: Process | None, seen: Live) -> Unobservable | None:
    """Return why it is not known what the mounts of a container lead to, if it has any."""
    if not any(mount.source for mount in container.mounts):
        return None
    for one in (process, seen.host):
        if one is not None and isinstance(one.mounts, Unobservable):
            return one.mounts
    return None


@control(
    "AISEC-CTR-07",
    severity="critical",
    needs_running=True,
    objectives=["container_isolation", "protected_credentials"],
    remediation=(
        "Start the container without these mounts: --tmpfs /tmp in place of -v /tmp:/tmp, a volume or "
        "a directory below /srv for data, a secret in place of a file of credentials, no engine's "
        "socket"
    ),
    remediation_is_words="what starts the container (a unit, a compose file, an orchestrator) has to change",
)
def test_containers_mount_nothing_sensitive_of_the_host(
    host: Host, *, deny_paths: list[str] = [], allow_paths: list[str] = []
) -> None:
    """Containers mount no runtime socket or sensitive host path.

    The socket of an engine is root on the host; /etc, /root, a home or /tmp hand over keys, or let the
    container plant what others run. Judged is where mounts lead, links and volumes followed.
    """
    found = containers(host)
    seen = live(host, found.running)
    denied = [*deny_paths, *_listening(found.monitors)]
    wrong: dict[str, list[str]] = {}
    homes: dict[str, list[tuple[str, str]]] = {}
    reported: dict[tuple[str, Mount], list[str]] = {}
    for item, process in seen.pairs:
        for mount, place in _mounted(item, process, seen, allow_paths):
            if what := _objection(place, denied, is_writable=mount.is_writable):
                if not any(_is_below(place, top) for top in reported.setdefault((item.label, mount), [])):
                    wrong.setdefault(item.label, []).append(f"{mount.destination} is {place}: {what}")
                    reported[item.label, mount].append(place)
                continue
            for path in _credentials_in(place):
                homes.setdefault(path, []).append((item.label, mount.destination))
    for path in existing(host, sorted(homes)):
        for label, destination in homes[path]:
            wrong.setdefault(label, []).append(f"{destination} holds {path}: credentials")
    if not wrong:
        raise_first(*found.faults, *seen.faults)
        raise_first(*(why for item, process in seen.pairs if (why := _is_unseen(item, process, seen))))
    if not found.running:
        not_applicable("no container of docker, podman or a CRI runs")
    assert wrong == {}
