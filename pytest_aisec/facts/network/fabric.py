"""Distributed training and inference: its processes, what they listen on, and over which interfaces."""

from __future__ import annotations

import ipaddress
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_aisec.facts.core.answers import check_search, problem
from pytest_aisec.facts.core.formats import is_number, reads
from pytest_aisec.facts.network.filter_rules import Condition, paths
from pytest_aisec.facts.network.firewall import PacketFilter
from pytest_aisec.facts.system.processes import QUESTIONS, Process, processes
from pytest_aisec.observe.backend import foresee
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["Member", "Members", "admits", "members"]

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAMES = (
    "MASTER_ADDR",
    "WORLD_SIZE",
    "NCCL_SOCKET_IFNAME",
    "GLOO_SOCKET_IFNAME",
    "TP_SOCKET_IFNAME",
    "VLLM_HOST_IP",
    "RAY_ADDRESS",
)
_PROGRAMS = frozenset(
    {"torchrun", "deepspeed", "horovodrun", "gcs_server", "raylet", "ray", "accelerate", "orted", "prted"}
)
_GONE = re.compile(r"No such (file or directory|process)")
_MODULES = re.compile(r"torch\.distributed\.(run|launch)|ray\.(_private|dashboard)\..*|deepspeed\..*")
_VLLM_NODES = re.compile(
    r" --(nnodes|node-rank|master-addr|kv-transfer-config)\b| --distributed-executor-backend[= ]ray\b"
)


@dataclass(frozen=True, kw_only=True)
class Member:
    """A process that takes part in distributed work."""

    pid: int
    command: str
    """For people."""
    settings: Mapping[str, str]
    """Of its environment, what names addresses and interfaces."""
    is_vllm_of_many: bool
    """Whether it is vLLM on more than one node, by its arguments."""


@dataclass(frozen=True, kw_only=True)
class Members:
    """The members, and why there may be more."""

    members: tuple[Member, ...]
    faults: tuple[Unobservable, ...]


def members(host: Host) -> Members:
    """Return the processes of distributed training and inference.

    Raises:
        Unobservable: when processes are not shown.

    """
    foresee(host, *QUESTIONS)
    answer = host.run(f"grep -azHE '^({'|'.join(_NAMES)})=' /proc/[0-9]*/environ")
    check_search(answer.rc, answer.stdout)
    problems = [line for line in answer.stderr.splitlines() if line.strip() and not _GONE.search(line)]
    return Members(
        members=tuple(read_members(answer.stdout, processes(host))),
        faults=(problem(problems[0]),) if problems else (),
    )


@reads
def read_members(environments: str, running: Sequence[Process]) -> Iterator[Member]:
    """Yield the members among `running`; `environments` holds `/proc/PID/environ:NAME=value`, NUL-ended."""
    settings: dict[int, dict[str, str]] = {}
    *records, rest = environments.split("\0")
    for item in [*records, *([rest] if rest else [])]:
        match = re.fullmatch(r"/proc/(\d+)/environ:([A-Z_]+)=(.*)", item, re.DOTALL)
        if match is None:
            raise Unobservable("parse", f"grep printed {item[:120]!r} of an environment")
        settings.setdefault(int(match[1]), {})[match[2]] = match[3].strip()
    for process in running:
        own = settings.get(process.pid, {})
        words = [posixpath.basename(word) for word in process.arguments[:3]]
        text = " ".join(process.arguments)
        of_many = "vllm" in text and bool(_VLLM_NODES.search(" " + text))
        if (
            set(own) - {"WORLD_SIZE"}
            or own.get("WORLD_SIZE", "1") not in {"", "0", "1"}
            or _PROGRAMS & {process.name, *words}
            or any(_MODULES.fullmatch(word) for word in process.arguments)
            or text.startswith(("ray::", "VLLM::"))
            or of_many
        ):
            yield Member(
                pid=process.pid, command=text[:100] or process.name, settings=own, is_vllm_of_many=of_many
            )


def admits(
    seen: PacketFilter, port: int, *, family: str, through: str, trusted: Sequence[Network]
) -> bool | None:
    """Tell whether a new TCP connection to `port` from outside the `trusted` networks may come in.

    Args:
        seen: the packet filter.
        port: on which somebody listens.
        family: `ip` or `ip6`.
        through: the interface that it comes in by.
        trusted: networks whose connections do not count.

    Returns:
        `None` when that cannot be told from the rules.

    """

    def known(one: Condition) -> bool | None:
        holds: bool | None = None
        if one.kind == "in":
            holds = any(
                through == value or (value.endswith(("+", "*")) and through.startswith(value[:-1]))
                for value in one.values
            )
        elif one.kind == "protocol":
            holds = "tcp" in one.values or "6" in one.values
        elif one.kind == "icmp":
            return False
        elif one.kind == "port":
            holds = any(_spans(value, port) for value in one.values)
        elif one.kind == "state":
            holds = "new" in one.values
        return holds if holds is None else holds != one.is_negated

    unsure = False
    for chain in seen.at("input", family):
        found = paths(chain, family, known)
        outside = [flow for flow in found.accepted if not any(_is_from(one, trusted) for one in flow)]
        doubtful = [flow for flow in outside if any(one.kind == "unknown" for one in flow)]
        if not outside and not found.unknown:
            return False
        unsure = unsure or len(doubtful) == len(outside)
    return None if unsure else True


def _spans(value: str, port: int) -> bool:
    first, _, last = value.partition("-")
    if not is_number(first):
        return True
    return int(first) <= port <= int(last or first)


def _is_from(one: Condition, trusted: Sequence[Network]) -> bool:
    if one.kind != "source" or one.is_negated:
        return False
    try:
        nets = [ipaddress.ip_network(value, strict=False) for value in one.values]
    except ValueError:
        return False
    return all(
        any(net.version == other.version and net.subnet_of(other) for other in trusted)  # type: ignore[arg-type]
        for net in nets
    )
