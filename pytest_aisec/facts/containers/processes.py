"""Processes of containers as the kernel shows them: users, capabilities, confinement, namespaces, mounts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_aisec.facts.containers.inspection import Container
from pytest_aisec.facts.containers.members import Members, read_cgroups, read_links
from pytest_aisec.facts.containers.mounts import MountPoint, read_mounts
from pytest_aisec.facts.core.formats import is_number, reads
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["Kernel", "Live", "Process", "live", "read_kernel"]

NAMESPACES = ("net", "pid", "ipc", "uts", "user")
_FILES = ("status", "uid_map", "attr/current", "mountinfo")
_COMMAND = """\
printf '=enforce\\n'; cat /sys/fs/selinux/enforce 2>&1; printf '\\n=is %s\\n' "$?"
for p in 1 {places}; do
for f in {files} {namespaces}; do
printf '=%s %s\\n' "$p" "$f"
case $f in net|pid|ipc|uts|user) readlink "/proc/$p/ns/$f" 2>&1;; *) cat "/proc/$p/$f" 2>&1;; esac
printf '\\n=is %s\\n' "$?"
done
done
printf '=all\\n'; grep -aHE '^(PPid|Uid|Seccomp_filters):' /proc/[0-9]*/status 2>/dev/null
printf '\\n=is %s\\n' "$?"
printf '=cgroups\\n'; grep -aHE '[0-9a-f]{{64}}' /proc/[0-9]*/cgroup 2>/dev/null
printf '\\n=is %s\\n' "$?"
for n in mnt pid; do
printf '=of %s\\n' "$n"; ls -l /proc/[0-9]*/ns/$n 2>/dev/null
printf '\\n=is %s\\n' "$?"
done
"""
_PART = re.compile(r"=(?P<name>[a-z0-9_/ ]++)\n(?P<text>.*)", re.DOTALL)
_ENDED = re.compile(r"\n=is (\d+)\n")
_CAPABILITIES = (  # noqa: SIM905 - a table of forty lines says no more
    "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE "
    "NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT "
    "SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE "
    "AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ "
    "PERFMON BPF CHECKPOINT_RESTORE"
).split()
"""By their bit, as in capability.h of Linux."""


@dataclass(frozen=True, kw_only=True)
class Process:
    """The first process of a container, or of the host."""

    pid: int
    uids: frozenset[int]
    """Real, effective, saved and of the file system, as the host numbers them."""
    others: Mapping[int, frozenset[int]] | Unobservable
    """The same of each other process in its container: also of what `docker exec` has started there."""
    capabilities: frozenset[str]
    """All that it has, or that a program which it runs could give it: also the bounding set."""
    no_new_privileges: bool
    is_filtered: bool
    """Whether a seccomp filter applies that the process which started it does not have."""
    root_is: int | None
    """What user 0 in its user namespace is on the host; `None` where there is no such user."""
    label: str | None
    """Of AppArmor or SELinux; `None` where the kernel has neither."""
    namespaces: Mapping[str, str] | Unobservable
    """One of `NAMESPACES` → what identifies it."""
    mounts: tuple[MountPoint, ...] | Unobservable = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Kernel:
    """Some processes and the host around them."""

    host: Process
    processes: Mapping[int, Process | Unobservable]
    """By process id, as asked; a fault where it ended meanwhile or cannot be read."""
    is_selinux_permissive: bool
    """Whether SELinux is there and only warns."""


@dataclass(frozen=True, kw_only=True)
class Live:
    """Containers and their first processes."""

    pairs: tuple[tuple[Container, Process | None], ...]
    """`None` where the process ended meanwhile, restarts, or may not be read."""
    host: Process | None
    """Process 1 of the host; `None` where nothing was asked."""
    is_selinux_permissive: bool
    faults: tuple[Unobservable, ...]
    """Why there is `None` somewhere."""


def live(host: Host, running: Sequence[Container]) -> Live:
    """Return what the kernel says about the first process of each container; asks nothing without any.

    Raises:
        Unobservable: when the host's own process 1 cannot be read.

    """
    if not running:
        return Live(pairs=(), host=None, is_selinux_permissive=False, faults=())
    ids = {item.pid: item.id for item in sorted(running, key=lambda one: one.pid) if item.pid > 0}
    command = _COMMAND.format(
        places=" ".join(map(str, ids)), files=" ".join(_FILES), namespaces=" ".join(NAMESPACES)
    )
    seen = read_kernel(host.run(command).stdout, ids)
    pairs: list[tuple[Container, Process | None]] = []
    faults: list[Unobservable] = []
    for item in running:
        process = seen.processes.get(item.pid)
        if isinstance(process, Process):
            pairs.append((item, process))
        else:
            pairs.append((item, None))
            detail = process.detail if process else "it restarts"
            faults.append(
                Unobservable(process.reason if process else "unreadable", f"{item.label}: {detail}")
            )
    return Live(
        pairs=tuple(pairs),
        host=seen.host,
        is_selinux_permissive=seen.is_selinux_permissive,
        faults=tuple(faults),
    )


@reads
def read_kernel(text: str, containers: Mapping[int, str]) -> Kernel:
    """Read what the question of `live` printed; `containers` maps first processes to ids of containers."""
    parts = _ENDED.split(text)
    answers = {
        match["name"]: (int(status), match["text"])
        for part, status in zip(parts[::2], parts[1::2], strict=False)
        if (match := _PART.search(part))
    }
    expected = {f"{pid} {what}" for pid in (1, *containers) for what in (*_FILES, *NAMESPACES)}
    if not {"enforce", "all", "cgroups", "of mnt", "of pid", *expected} <= set(answers):
        raise Unobservable("parse", "the reading of /proc is not whole")
    for status, said in answers.values():
        if status in {126, 127}:
            raise Unobservable("tool_missing", said.strip()[-200:] or f"exit status {status}")
    table = _table(answers["all"][1])
    members = Members(
        table=table,
        cgroups=read_cgroups(answers["cgroups"][1]),
        mounts=read_links(answers["of mnt"][1]),
        pids=read_links(answers["of pid"][1]),
    )

    def one(pid: int) -> Process | Unobservable:
        try:
            found = {what: answers[f"{pid} {what}"] for what in (*_FILES, *NAMESPACES)}
            return _process(pid, found, members, containers.get(pid))
        except Unobservable as fault:
            return fault

    first = one(1)
    if isinstance(first, Unobservable):
        raise first
    return Kernel(
        host=first,
        processes={pid: one(pid) for pid in containers},
        is_selinux_permissive=answers["enforce"][0] == 0 and answers["enforce"][1].strip() == "0",
    )


def _others(pid: int, members: Members, container: str | None) -> Mapping[int, frozenset[int]] | Unobservable:
    try:
        found = members.of(pid, container) if container else frozenset[int]()
    except Unobservable as fault:
        return fault
    table = members.table
    return {other: frozenset(table[other]["Uid"]) for other in sorted(found) if "Uid" in table[other]}


def _table(text: str) -> dict[int, dict[str, tuple[int, ...]]]:
    table: dict[int, dict[str, tuple[int, ...]]] = {}
    for match in re.finditer(r"^/proc/(\d+)/status:(\w+):([\d \t]*)$", text, re.MULTILINE):
        table.setdefault(int(match[1]), {})[match[2]] = tuple(map(int, match[3].split()))
    return table


def _said(answer: tuple[int, str], what: str) -> str:
    status, text = answer
    if status == 0:
        return text
    denied = "ermission denied" in text or "not permitted" in text
    raise Unobservable("privilege" if denied else "unreadable", text.strip()[-200:] or what)


def _process(
    pid: int, answers: Mapping[str, tuple[int, str]], members: Members, container: str | None
) -> Process:
    lines = _said(answers["status"], "status").splitlines()
    status = {key: value.split() for key, _, value in (line.partition(":") for line in lines)}
    try:
        uids = frozenset(int(uid) for uid in status["Uid"])
        held = [int(status[f"Cap{one}"][0], 16) for one in ("Bnd", "Prm", "Eff", "Inh")]
        seccomp, parent = status["Seccomp"][0], int(status["PPid"][0])
        no_new_privileges = status["NoNewPrivs"] == ["1"]
        filters = int(status["Seccomp_filters"][0]) if "Seccomp_filters" in status else None
    except (KeyError, ValueError, IndexError) as error:
        raise Unobservable("parse", f"/proc/{pid}/status: {error}") from None
    inherited = members.table.get(parent, {}).get("Seccomp_filters", (0,))[0]
    return Process(
        pid=pid,
        uids=uids,
        others=_others(pid, members, container),
        capabilities=frozenset(name for bits in held for name in _names(bits)),
        no_new_privileges=no_new_privileges,
        is_filtered=seccomp == "2" and (filters is None or filters > inherited),
        root_is=_root(_said(answers["uid_map"], "uid_map")),
        label=_label(answers["attr/current"]),
        namespaces=_namespaces(answers),
        mounts=_mounts(answers["mountinfo"]),
    )


def _namespaces(answers: Mapping[str, tuple[int, str]]) -> Mapping[str, str] | Unobservable:
    try:
        return {name: _said(answers[name], name).strip() for name in NAMESPACES}
    except Unobservable as fault:
        return fault


def _mounts(answer: tuple[int, str]) -> tuple[MountPoint, ...] | Unobservable:
    try:
        return read_mounts(_said(answer, "mountinfo"))
    except Unobservable as fault:
        return fault


def _names(bits: int) -> Iterator[str]:
    for bit in range(bits.bit_length()):
        if bits >> bit & 1:
            yield _CAPABILITIES[bit] if bit < len(_CAPABILITIES) else f"capability {bit}"


def _root(text: str) -> int | None:
    """Read a uid_map: lines of first id inside, first id outside, count."""
    for line in text.splitlines():
        numbers = [int(number) for number in line.split() if is_number(number)]
        if len(numbers) != 3:
            raise Unobservable("parse", f"uid_map: {line[:80]!r}")
        if numbers[0] == 0:
            return numbers[1]
    return None


def _label(answer: tuple[int, str]) -> str | None:
    status, text = answer
    if status != 0 and ("Invalid argument" in text or "No such file" in text):
        return None
    return _said(answer, "attr/current").strip("\0\n ") or None
