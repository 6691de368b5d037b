"""Running containers of docker, podman, containerd and CRI-O, checked against the host's processes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_aisec.facts.containers.inspection import Container, inspected
from pytest_aisec.facts.containers.runtime_specs import specified
from pytest_aisec.facts.core.formats import reads
from pytest_aisec.observe.directory import nothing_runs
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["Containers", "Monitor", "containers", "raise_first", "read_containers"]

_COMMAND = r"""
unset DOCKER_HOST DOCKER_CONTEXT CONTAINER_HOST CONTAINER_CONNECTION
d=/run/user/$(id -u)
if test -z "$XDG_RUNTIME_DIR" && test -d "$d"; then XDG_RUNTIME_DIR=$d; export XDG_RUNTIME_DIR; fi
if { read -r c < /proc/1/comm; } 2>/dev/null; then :; else echo '=hidden'; exit 0; fi
look() {
for d in /proc/[0-9]*; do
c=; { read -r c < "$d/comm"; } 2>/dev/null
case $c in dockerd|conmon|conmonrs|containerd-shim*|containerd|crio|podman) ;;
*) continue;; esac
u=
{ while read -r k v o; do
case $k in State:) test "$v" = Z && break;; Uid:) u=$v; break;; esac
done < "$d/status"; } 2>/dev/null
test "$u" || continue
a=$(tr '\000\n' '  ' < "$d/cmdline") || { r=$?; test -e "$d" && return $r; continue; }
if test -O "$d"; then m=own; else m=other; fi
printf '%s %s %s %s %s\n' "${d#/proc/}" "$u" "$m" "$c" "$a"
done
}
n='
'
list() {
i=$({ "$@" ps -q --no-trunc $f; echo "=$?"; } | head -c 1000000); s=${i##*=}; i=${i%=*}
case $i in *[!0-9a-f"$n"]*) s=1; echo 'ps printed no ids' >&2;; esac
printf '=list %s\n' "$s"
test "$s" = 0 || return
if test "$i"; then "$@" inspect --type container $i | head -c 7000000 | sed 's/^/|/'; else echo '[]'; fi
printf '\n=inspect %s\n' "$?"
}
theirs() {
case $(id -u) in 0) ;; [1-9]*) "$@"; return;; *) return 127;; esac
e=$(getent passwd "$u") || return
e=${e#*:*:*:}; g=${e%%:*}; e=${e#*:*:}; h=${e%%:*}
cd / && env -i LC_ALL=C PATH="$PATH" HOME="$h" XDG_RUNTIME_DIR="/run/user/$u" \
setpriv --reuid "$u" --regid "$g" --clear-groups -- "$@"
}
apart() { { list theirs "$@" 2>&1 >&3 3>&- | head -c 8000 >&2; } 3>&1; }
p=$(look) || exit
f=
k=$(printf '%s\n' "$p" | sed -n 's/^[0-9]* [0-9]* \([a-z]* [a-z-]*\) .*/\1/p')
case "$n$k$n" in *"${n}own dockerd$n"*|*"${n}other dockerd$n"*)
for s in /run/docker.sock /run/user/*/docker.sock; do
if test -S "$s"; then
printf '=docker %s\n' "$s"
case $s in
/run/user/*) u=${s#/run/user/}; u=${u%%/*}; apart docker -H "unix://$s";;
*) list docker -H "unix://$s";;
esac
fi
done;;
esac
case "$n$k$n" in *"${n}own conmon$n"*)
f='--filter status=running --filter status=paused'
echo '=podman own'; list podman;;
esac
if test "$(id -u)" = 0; then
for u in $(echo "$p" | sed -n 's/^[0-9]* \([1-9][0-9]*\) other conmon .*/\1/p' | sort -u); do
echo "=podman uid-$u"; apart podman
done
fi
under() { sed -n "s/$1/\\1/p" "/proc/$2/cgroup" 2>/dev/null | head -n 1; }
pids() {
l=; c=$(under '^0::\(.*\)' "$1"); m=/sys/fs/cgroup
test -e "$m$c/pids.max" || { c=$(under '^[0-9]*:pids:\(.*\)' "$1"); m=/sys/fs/cgroup/pids; }
while test "$c" && test "$c" != /; do
v=; { read -r v < "$m$c/pids.max"; } 2>/dev/null
case $v in ''|*[!0-9]*) ;; *) if test -z "$l" || test "$v" -lt "$l"; then l=$v; fi;; esac
c=${c%/*}
done
}
tell() {
while read -r t i s; do
case $t in TASK) continue;; esac
case "$i$s" in *[!0-9A-Z]*) continue;; esac
if o=$(ctr -a "$2" -n "$1" containers info "$t" < /dev/null); then :
else test -e "/proc/$i" || continue; o=null; fi
pids "$i"; printf '|{"Pid": %s, "Status": "%s", "Pids": "%s", "Info":\n' "$i" "$s" "$l"
printf '%s\n' "$o" | sed 's/^/|/'; printf '|},\n'
done
}
by_ctr() {
t=$(ctr -a "$2" -n "$1" tasks ls); s=$?
printf '=list %s\n' "$s"
test "$s" = 0 || return
{ echo '|['; printf '%s\n' "$t" | tell "$1" "$2"; echo '|null]'; } | head -c 7000000; printf '\n=inspect 0\n'
}
by_crictl() {
t=$(crictl -r "unix://$1" ps -q) && o=$(crictl -r "unix://$1" pods -q); s=$?
printf '=list %s\n' "$s"
test "$s" = 0 || return
{ echo '|['
for i in $o; do printf '|{"Sandbox": "%s"},\n' "$i"; done
for i in $t; do
u=$(crictl -r "unix://$1" inspect "$i" < /dev/null) || u=null
echo '|{"Info":'; printf '%s\n' "$u" | sed 's/^/|/'; echo '|},'
done; echo '|null]'; } | head -c 7000000; printf '\n=inspect 0\n'
}
if test "$(id -u)" = 0; then
x='^[0-9]* 0 [a-z]* containerd-shim .* -namespace \([^ ]*\) .*-address \([^ ]*\).*'
echo "$p" | sed -n "s/$x/\1 \2/p" | sort -u | while read -r n a; do
test "$n" = moby && continue
printf '=containerd %s@%s\n' "$n" "$a"
if test "$n" = k8s.io && ! command -v ctr > /dev/null; then by_crictl "$a"; else by_ctr "$n" "$a"; fi
done
case "
$p" in *' 0 '*' conmon '*/crio/*|*' 0 '*' conmonrs '*)
s=/run/crio/crio.sock; printf '=crio %s\n' "$s"; by_crictl "$s";; esac
fi
p=$(look) || exit
printf '=monitors %s\n%s\n' "$(test -O /proc/1 && echo root || echo user)" "$p"
"""
"""Asks no engine that does not run already: asking podman makes its store, asking docker may start it.

Without its run directory, rootless podman would make another one and find nothing.

An engine of an account is asked with the rights of that account: the program that asks may be taken over
by it. So it holds pipes alone, and no line that it prints can stand for an answer of another engine. What
follows `=monitors` are processes, so that none can pass its arguments for such an answer.
"""

_SECTION = re.compile(r"^=(docker|podman|containerd|crio) (\S+)\n", re.MULTILINE)
_MONITORS = {"conmon", "conmonrs", "containerd-shim"}
_LISTED = 3
"""Containers that a message names."""


@dataclass(frozen=True, kw_only=True)
class Monitor:
    """A process that belongs to an engine, or watches one container (a pod in Kubernetes)."""

    pid: int
    uid: int
    is_own: bool
    """Whether it belongs to the asking user."""
    name: str
    """As in `/proc/PID/comm`."""
    arguments: str = field(repr=False)
    """Separated by spaces."""

    @property
    def container(self) -> str | None:
        """The container's id; empty where it does not say, `None` for an engine's own process."""
        if self.name not in _MONITORS:
            return None
        found = re.search(r" (?:-id|-c|--cid)[ =](\S+)", self.arguments)
        older = re.search(r" -workdir[ =]\S*/([0-9a-f]{64})(?: |$)", self.arguments)
        return found[1] if found else older[1] if older else ""

    @property
    def is_foreign(self) -> bool:
        """Whether it belongs to neither docker nor podman, such as Kubernetes' containerd or CRI-O."""
        found = re.search(r" -namespace[ =](\S+)", self.arguments)
        return found[1] != "moby" if found else "/crio/" in self.arguments or self.name == "conmonrs"


@dataclass(frozen=True, kw_only=True)
class Containers:
    """Containers that run on a host."""

    running: tuple[Container, ...]
    """Paused ones among them."""
    monitors: tuple[Monitor, ...]
    faults: tuple[Unobservable, ...]
    """Why there may be more."""


def raise_first(*faults: Unobservable) -> None:
    """Raise the first of `faults`, if there is one: why a verdict would not rest on everything."""
    if faults:
        raise faults[0]


def containers(host: Host) -> Containers:
    """Return all running containers of docker and of one's own podman, to root also those of other accounts.

    To root also those of containerd and CRI-O, Kubernetes' among them: of each namespace in which something
    runs, as `ctr` tells, or else `crictl`. Each process that watches a container or a pod must belong to
    one that was described; otherwise there is a fault. So no container of an engine in a place of its own
    is overlooked.
    Runtimes without such a process (LXC, systemd-nspawn, Apptainer) are not looked at. In a directory there
    are no containers.

    Raises:
        Unobservable: `privilege` where the processes of other users are hidden; `parse`.

    """
    if nothing_runs(host):
        return Containers(running=(), monitors=(), faults=())
    answer = host.run(_COMMAND)
    if answer.rc != 0:
        raise Unobservable("unreadable", answer.stderr.strip()[-300:] or f"exit status {answer.rc}")
    return read_containers(answer.stdout, answer.stderr)


@reads
def read_containers(stdout: str, stderr: str) -> Containers:
    """Read what the question of `containers` printed.

    Raises:
        Unobservable: as `containers` does.

    """
    if stdout.startswith("=hidden"):
        raise Unobservable("privilege", "only the processes of the asking user are shown")
    text, found, rest = ("\n" + stdout).partition("\n=monitors ")
    if not found:
        raise Unobservable("parse", "the list of processes is missing")
    who, _, listing = rest.partition("\n")
    monitors = tuple(_monitor(line) for line in listing.splitlines() if line.strip())
    parts = _SECTION.split(text)
    if parts[0].strip():
        raise Unobservable("parse", f"unexpected: {parts[0].strip()[:100]!r}")
    running: dict[tuple[int | None, str, str], Container] = {}
    faults: list[Unobservable] = []
    asked = set[int | None]()
    sandboxes = set[str]()
    for engine, place, body in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        owner = _owner(engine, place)
        if engine == "docker":
            asked.add(owner)
        label = f"{engine} of uid {owner}" if owner else engine
        try:
            if engine in {"containerd", "crio"}:
                told = specified(engine, body, stderr)
                sandboxes |= told.known
                faults += told.faults
                running.update({(None, place, item.id): item for item in told.running})
                continue
            running.update({(owner, engine, item.id): item for item in inspected(label, body, stderr)})
        except Unobservable as fault:
            faults.append(Unobservable(fault.reason, f"{engine} ({place}): {fault.detail}"))
    if any(item.name == "dockerd" and item.uid not in asked for item in monitors):
        detail = "dockerd runs, and its socket is not where it is looked for, or not for this user"
        faults.append(Unobservable("unreadable" if who == "root" else "privilege", detail))
    described = {(owner, identity) for owner, _, identity in running}
    faults += _unaccounted(
        [
            item
            for item in monitors
            if item.container is not None
            and not (item.is_foreign and item.uid == 0 and item.container in sandboxes)
            and (item.uid, item.container) not in described
            and not (item.is_own and (None, item.container) in described)
        ]
    )
    return Containers(
        running=tuple(sorted(running.values(), key=lambda item: (item.engine, item.name, item.id))),
        monitors=monitors,
        faults=tuple(faults),
    )


def _owner(engine: str, place: str) -> int | None:
    """Return the user id of the account that an engine belongs to; `None` is the asking one."""
    found = re.match(r"(?:uid-|/run/user/)(\d+)", place)
    return int(found[1]) if found else 0 if engine == "docker" else None


def _monitor(line: str) -> Monitor:
    match = re.fullmatch(r"(\d+) (\d+) (own|other) ([a-z-]+) (.*)", line)
    if match is None:
        raise Unobservable("parse", f"not a process of an engine: {line[:100]!r}")
    return Monitor(
        pid=int(match[1]),
        uid=int(match[2]),
        is_own=match[3] == "own",
        name=match[4],
        arguments=f" {match[5]}",
    )


def _unaccounted(left: Sequence[Monitor]) -> Iterator[Unobservable]:
    """Yield a fault for each group of monitors whose containers nobody described."""
    foreign = [item for item in left if item.is_foreign]
    others = [item for item in left if not item.is_foreign and not item.is_own]
    own = [item for item in left if not item.is_foreign and item.is_own]
    if foreign:
        yield Unobservable(
            "tool_missing",
            f"containers of neither docker nor podman run, and not even ctr or crictl, asked as root, "
            f"describes them: {_ids(foreign)}",
        )
    if others:
        users = ", ".join(str(uid) for uid in sorted({item.uid for item in others}))
        yield Unobservable(
            "privilege", f"containers of uid {users} run and only that user can ask for them: {_ids(others)}"
        )
    if own:
        yield Unobservable(
            "unreadable",
            f"containers run that are in no list of docker or podman, or began only now: {_ids(own)}",
        )


def _ids(monitors: Sequence[Monitor]) -> str:
    names = [(item.container or f"process {item.pid}")[:12] for item in monitors]
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more
