"""Container engines: which there are, where they listen, and who may use them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pytest_aisec.facts.containers.containers import Monitor, containers
from pytest_aisec.facts.core.formats import is_number, json_object, reads
from pytest_aisec.facts.system.running_config import stale
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["Door", "Engines", "engines", "read_engines"]

_COMMAND = """\
if ! command -v getent > /dev/null; then
n=/etc/nsswitch.conf
if test -e $n && sed -n 's/#.*//; s/^passwd://p; s/^group://p' $n | tr -s ' \\t' '\\n' |
grep -qvxE 'files|compat|systemd|'; then echo 'getent: not found' >&2; exit 127; fi
getent() {{
if test "$2"; then grep "^$2:" "/etc/$1"; else cat "/etc/$1"; fi
}}
fi
getent group root > /dev/null || exit
id -u
for c in docker dockerd podman containerd crio nerdctl buildkitd; do command -v "$c"; done
echo '=doors'
for s in{places} /run/containerd/containerd.sock /run/crio/crio.sock /run/podman/podman.sock \
/run/user/*/docker.sock /run/user/*/podman/podman.sock; do
test -e "$s" || test -L "$s" || {{ stat -L -c %%n -- "$s" 2>&1; continue; }}
x=$(stat -L -c '%%a %%U %%G' -- "$s") || exit
printf '=door %%s %%s\\n' "$x" "$s"
printf '=members %%s\\n' "$(getent group "${{x##* }}")"
getent passwd | while IFS=: read -r n p u g o; do
case :$(getent group "${{x##* }}"): in *:"$g":*) printf '=member %%s\\n' "$n";; esac; done
done
printf '=docker %%s\\n' "$(getent group docker)"
printf '=settings\\n'
cat /etc/docker/daemon.json 2>&1; printf '\\n=is %%s\\n' "$?"
"""
_SETTINGS = "/etc/docker/daemon.json"
_DOOR = re.compile(r"=door (?P<mode>[0-7]{3,4}) (?P<owner>\S+) (?P<group>\S+) (?P<path>/.*)")


@dataclass(frozen=True, kw_only=True)
class Door:
    """A socket on which an engine takes orders; who may write to it is root on the host."""

    path: str
    mode: int
    owner: str
    group: str
    members: tuple[str, ...]
    """Accounts in that group, also those whose first group it is."""

    @property
    def is_rootless(self) -> bool:
        """Whether it is the door of one account's own engine."""
        return self.path.startswith("/run/user/")


@dataclass(frozen=True, kw_only=True)
class Engines:
    """The container engines of a host."""

    programs: tuple[str, ...]
    """Paths of the engines' programs."""
    monitors: tuple[Monitor, ...]
    doors: tuple[Door, ...]
    docker_group: tuple[str, ...]
    """Members of the group docker, whether the engine runs or not."""
    addresses: tuple[str, ...]
    """Where dockerd listens for TCP, as its arguments and daemon.json say: `tcp://…`."""
    metrics_ports: tuple[int, ...]
    """Where dockerd tells how it does, and takes no orders."""
    verifies_clients: bool
    """Whether dockerd asks clients for a certificate."""
    maps_users: bool
    """Whether dockerd maps root of its containers to another user."""
    asked_as_root: bool
    is_eased: bool = False
    """Whether daemon.json says something of the kind that counts in favour of dockerd."""
    stale: Unobservable | None = None
    """Why dockerd may run with other settings than that."""

    @property
    def is_absent(self) -> bool:
        """Whether there is no engine at all."""
        return not (self.programs or self.monitors or self.doors)


def engines(host: Host) -> Engines:
    """Return the container engines of a host: docker, podman, containerd, CRI-O.

    Raises:
        Unobservable: when processes, sockets, groups or `/etc/docker/daemon.json` cannot be read.

    """
    monitors = containers(host).monitors
    told = [
        path
        for item in monitors
        if item.container is None
        for path in re.findall(r"(?:unix://|--address[= ])(/[^ ,]+)", item.arguments)
    ]
    places = list(dict.fromkeys(["/run/docker.sock", *told]))
    answer = host.run(_COMMAND.format(places=" %s" * len(places)), *places)
    if answer.rc != 0:
        denied = "ermission denied" in answer.stderr
        raise Unobservable("privilege" if denied else "unreadable", answer.stderr.strip()[-300:])
    found = read_engines(answer.stdout, monitors)
    running = [item.pid for item in monitors if item.name == "dockerd" and item.uid == 0]
    if not found.is_eased or not running:
        return found
    faults = [stale(host, pid, [_SETTINGS], what="dockerd") for pid in running]
    return replace(found, stale=next((fault for fault in faults if fault is not None), None))


@reads
def read_engines(stdout: str, monitors: Sequence[Monitor]) -> Engines:
    """Read what the question of `engines` printed.

    Raises:
        Unobservable: as `engines` does.

    """
    head, found, rest = stdout.partition("=doors\n")
    uid, *programs = head.split() or [""]
    middle, more, tail = rest.partition("=settings\n")
    match = re.fullmatch(r"(?P<text>.*)\n=is (?P<status>\d+)\n", tail, re.DOTALL)
    if not found or not more or match is None or not is_number(uid):
        raise Unobservable("parse", "the reading of container engines is not whole")
    settings = _settings(match["text"], int(match["status"]))
    doors, docker_group = _doors(middle)
    named = [item for item in monitors if item.name == "dockerd"]
    daemons = [item.arguments for item in named]
    of_root = [item.arguments for item in named if item.uid == 0]
    return Engines(
        programs=tuple(programs),
        monitors=tuple(monitors),
        doors=tuple(doors),
        docker_group=docker_group,
        addresses=tuple(dict.fromkeys(_addresses(daemons, settings))),
        metrics_ports=tuple(_metrics(of_root or daemons, settings)),
        verifies_clients=_is_on(daemons, "tlsverify", settings),
        maps_users=_is_on(daemons, "userns-remap", settings),
        asked_as_root=uid == "0",
        is_eased=any(settings.get(name) for name in ("tlsverify", "userns-remap", "metrics-addr")),
    )


def _settings(text: str, status: int) -> dict[str, Any]:
    if status in {126, 127}:
        raise Unobservable("tool_missing", text.strip()[-200:])
    if status != 0:
        if text.strip().endswith("No such file or directory"):
            return {}
        denied = "ermission denied" in text
        raise Unobservable("privilege" if denied else "unreadable", text.strip()[-200:])
    return json_object(text or "{}", "/etc/docker/daemon.json")


def _doors(text: str) -> tuple[list[Door], tuple[str, ...]]:
    doors: list[Door] = []
    docker: tuple[str, ...] = ()
    for line in text.splitlines():
        match = _DOOR.fullmatch(line)
        if match:
            doors.append(
                Door(
                    path=match["path"],
                    mode=int(match["mode"], 8),
                    owner=match["owner"],
                    group=match["group"],
                    members=(),
                )
            )
        elif line.startswith(("=members ", "=member ")) and doors:
            last = doors[-1]
            names = _members(line) if line.startswith("=members ") else (line.removeprefix("=member "),)
            members = tuple(dict.fromkeys([*last.members, *names]))
            doors[-1] = Door(
                path=last.path, mode=last.mode, owner=last.owner, group=last.group, members=members
            )
        elif line.startswith("=docker "):
            docker = _members(line)
        elif line.endswith("ermission denied"):
            raise Unobservable("privilege", line)
        elif not line.endswith(("No such file or directory", "Not a directory")):
            raise Unobservable("parse", f"not a socket: {line[:100]!r}")
    return doors, docker


def _members(line: str) -> tuple[str, ...]:
    """Read a line of a group file: `name:x:number:member,member`."""
    fields = line.split(":")
    return tuple(name for name in fields[3].split(",") if name) if len(fields) == 4 else ()


def _addresses(daemons: Iterable[str], settings: dict[str, Any]) -> Iterator[str]:
    for arguments in daemons:
        yield from re.findall(r"(?:-H|--host)[= ]?(tcp://\S+|[\d.]+:\d+|:\d+)", arguments)
    hosts = settings.get("hosts") or []
    for address in hosts if isinstance(hosts, list) else [hosts]:
        if not str(address).startswith(("unix:", "fd:", "npipe:")):
            yield str(address)


def _metrics(daemons: Iterable[str], settings: dict[str, Any]) -> Iterator[int]:
    told = [
        settings.get("metrics-addr"),
        *(f for text in daemons for f in re.findall(r"--metrics-addr[= ](\S+)", text)),
    ]
    for address in told:
        port = str(address).rpartition(":")[2]
        if is_number(port):
            yield int(port)


def _is_on(daemons: Sequence[str], name: str, settings: dict[str, Any]) -> bool:
    """Tell whether every dockerd has a setting, by argument or, where none says so, by daemon.json."""

    def one(arguments: str) -> bool:
        found = re.search(rf" --{name}(?:[= ](\S+))?(?= |$)", f"{arguments} ")
        if found is None:
            return bool(settings.get(name))
        return found[1] not in {"false", "0", "f"}

    return all(one(arguments) for arguments in daemons) if daemons else bool(settings.get(name))
