from collections.abc import Iterator

from pytest_aisec import Host, Unobservable, control, not_applicable
from pytest_aisec.facts.containers.engines import Engines, engines
from pytest_aisec.facts.system.access_lists import access_lists
from pytest_aisec.facts.system.sockets import SocketTable, socket_table

_DOCKER_PORTS = frozenset({2375, 2376})
_ALSO_OF_SWARM = frozenset({2377, 7946})
"""Ports of dockerd that take no orders from clients."""


def _reachable(found: Engines, table: SocketTable) -> Iterator[tuple[str, str]]:
    for address in found.addresses:
        if not found.verifies_clients:
            yield address, "dockerd takes orders there from anybody, without tlsverify"
    for socket in table.listeners:
        if socket.protocol != "tcp":
            continue
        by = ", ".join(socket.processes) or "process not visible"
        if "dockerd" in socket.processes:
            if not found.verifies_clients and socket.local_port not in {
                *_ALSO_OF_SWARM,
                *found.metrics_ports,
            }:
                yield socket.where, f"{by}, without tlsverify"
        elif socket.local_port in _DOCKER_PORTS:
            yield socket.where, f"{by}, on a port of docker"
        elif "podman" in socket.processes:
            yield socket.where, f"{by}, which knows no clients"
        elif {"containerd", "crio", "buildkitd"} & set(socket.processes) and not socket.is_loopback:
            yield socket.where, by


def _usable(found: Engines, allowed: set[str]) -> Iterator[tuple[str, str]]:
    for door in found.doors:
        if door.mode & 0o777 & ~0o660:
            yield door.path, f"{door.mode:04o}, more than 0660"
        if door.mode & 0o060:
            for name in sorted({*door.members} - allowed - {door.owner}):
                yield door.path, f"{name} is in group {door.group}"
        if door.owner not in allowed and not door.is_rootless:
            yield door.path, f"owned by {door.owner}"
    if not any(door.group == "docker" and door.mode & 0o060 for door in found.doors):
        for name in sorted({*found.docker_group} - allowed):
            yield "group docker", f"{name} is in it"


def _rooted(found: Engines) -> Iterator[tuple[str, str]]:
    for item in found.monitors:
        if item.uid == 0 and item.name == "dockerd" and not found.maps_users:
            yield f"process {item.pid}", "dockerd runs as root, without userns-remap"
        elif item.uid == 0 and item.name == "conmon":
            yield f"process {item.pid}", "podman runs a container as root"


def _listed(host: Host, found: Engines, allowed: set[str]) -> Iterator[tuple[str, str]]:
    """Yield whom access control lists let in."""
    if not found.doors:
        return
    for entry in access_lists(host, [door.path for door in found.doors], recursive=False):
        kind, _, name = entry.subject.partition(":")
        if name and "w" in entry.grants and not (kind == "user" and name in allowed):
            yield entry.path, f"ACL {entry.text}"


@control(
    "AISEC-CTR-08",
    severity="critical",
    objectives=["authenticated_access", "container_isolation"],
    cis_v8_1=["5.4"],
    remediation=(
        'for s in /run/docker.sock /run/podman/podman.sock; do test ! -S "$s" || { setfacl -b "$s"; '
        "chmod 660 \"$s\"; }; done; for u in $(getent group docker | cut -d: -f4 | tr , ' '); do case "
        '" {allowed_users} " in *" $u "*) ;; *) gpasswd -d "$u" docker;; esac; done  # take tcp:// out '
        "of dockerd's -H and of hosts in /etc/docker/daemon.json, or set tlsverify, and restart the "
        "engine"
    ),
)
def test_container_engine_is_out_of_reach(
    host: Host, *, allowed_users: list[str] = [], require_rootless: bool = False
) -> None:
    """The container engine is not remotely reachable or world-usable.

    Whoever can give orders to an engine that runs as root mounts / into a container and is root on the host.
    A member of the group docker is root without a password.
    """
    table = socket_table(host)
    found = engines(host)
    allowed = {"root", *allowed_users}
    wrong: dict[str, list[str]] = {}
    for where, what in [
        *_reachable(found, table),
        *_usable(found, allowed),
        *_listed(host, found, allowed),
        *(_rooted(found) if require_rootless else ()),
    ]:
        wrong.setdefault(where, []).append(what)
    if not wrong and found.monitors and not found.asked_as_root:
        raise Unobservable("privilege", "only root sees which process listens, and every engine's socket")
    if not wrong and found.stale:
        raise found.stale
    if found.is_absent and not wrong:
        not_applicable("no container engine is installed, runs or listens", claims=["allowed_users"])
    assert wrong == {}
