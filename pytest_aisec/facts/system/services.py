"""AI services that run on a host: what they are, how they were started, and where they listen.

A service is known by the program of its process, never by a port. Its ports are read from the table of
sockets, its settings from arguments and environment.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from pytest_aisec.facts.core.together import ahead
from pytest_aisec.facts.system.installed import files_of_root, installed
from pytest_aisec.facts.system.namespaces import contained, look, networked
from pytest_aisec.facts.system.processes import processes
from pytest_aisec.facts.system.programs import FILES, INFERENCE, PROXIES, kind_of, options_of
from pytest_aisec.facts.system.rights import NOBODY, Rights, owners, set_ids
from pytest_aisec.facts.system.sockets import Address, Socket, socket_table
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["INFERENCE", "PROXIES", "Service", "Services", "services"]

_NO_API = re.compile(
    r"sshd.*|systemd-(resolve|network|timesyn|journal).*|rpcbind|rpc\..*|chronyd|ntpd|dnsmasq|named|unbound|"
    r"cupsd|smbd|nmbd|master|exim4?|sendmail.*|postgres.*|mysqld|mariadbd|redis-(server|check-\w+)|memcached|mongod|slapd|"
    r"sssd.*|dhclient|dhcpcd|rsyslogd|xinetd|vsftpd|proftpd|epmd|beam\.smp|slurm.*|munged|lldpd|snmpd|nfsd|"
    r"avahi-daemon|iscsid|zabbix_agent.*|node_exporter|dcgm-exporter|nv-hostengine|containerd|dockerd|kubelet|"
    r"kube-proxy|etcd|calico.*|cilium.*"
)
"""Programs by name that listen and answer no HTTP requests with a model."""

_VALUES = (
    "HOME",
    "OLLAMA_HOST",
    "OLLAMA_ORIGINS",
    "LLAMA_ARG_HOST",
    "VLLM_SERVER_DEV_MODE",
    "VLLM_ALLOW_RUNTIME_LORA_UPDATING",
    "VLLM_ALLOW_INSECURE_SERIALIZATION",
    "VLLM_MEDIA_URL_ALLOW_REDIRECTS",
    "VLLM_ENABLE_PROMPT_EMBEDS",
    "VLLM_TORCH_PROFILER_DIR",
    "VLLM_TORCH_CUDA_PROFILE",
    "SGLANG_ENABLE_CUSTOM_LOGIT_PROCESSOR",
    "RAY_AUTH_MODE",
    "JUPYTER_CONFIG_DIR",
    "JUPYTER_CONFIG_PATH",
    "MLFLOW_AUTH_CONFIG_PATH",
    "LOCALAI_ADDRESS",
)
_SET_OR_NOT = (
    "VLLM_API_KEY",
    "LLAMA_API_KEY",
    "JUPYTER_TOKEN",
    "LITELLM_MASTER_KEY",
    "API_KEY",
    "LOCALAI_API_KEY",
    "MLFLOW_AUTH_ADMIN_PASSWORD",
    "PREFECT_SERVER_API_AUTH_STRING",
    "RAY_AUTH_TOKEN",
)
_ENVIRONMENT = f"grep -azoHE '^(({'|'.join(_VALUES)})=.*|({'|'.join(_SET_OR_NOT)})=.?)' /proc/[0-9]*/environ"
_ADDRESSES = "ip -o addr show scope global || hostname -I"


@dataclass(frozen=True, kw_only=True)
class Service:
    """One process that serves something."""

    kind: str
    """Such as `vllm`, `jupyter`, `nginx`."""
    pid: int
    name: str
    arguments: tuple[str, ...]
    uid: int | None
    """Effective user id; `None` where the process ended meanwhile."""
    environment: Mapping[str, str] | None
    """The settings that matter, of secrets one character at most; `None` where it may not be read."""
    listeners: tuple[Socket, ...]
    """Its TCP listeners, as far as they were seen."""
    rights: Rights | None = None
    """Those with which the files that it names are read; `None` where the process ended meanwhile."""
    is_self_styled: bool = False
    """Whether it is known by its own word alone: any account may call a process so."""
    in_other_netns: bool = False
    """Whether it has a network namespace of its own, as in a container: its listeners were not seen."""
    root: str = ""
    """Where its `/` lies where that is not the host's, as in a container; what its paths begin with."""

    @property
    def options(self) -> Mapping[str, tuple[str, ...]]:
        """Its command-line options; see `options_of`."""
        return options_of(self.arguments)

    def setting(self, name: str) -> str:
        """Return an environment variable, empty where it is unset.

        Raises:
            Unobservable: `privilege`, where the environment may not be read.

        """
        if self.environment is None:
            raise Unobservable("privilege", f"only root sees the environment of {self.name} ({self.pid})")
        return self.environment.get(name, "")


@dataclass(frozen=True, kw_only=True)
class Services:
    """The services of a host, and the sockets that none of them holds."""

    found: tuple[Service, ...]
    listeners: tuple[Socket, ...] = field(repr=False)
    """Every TCP listener of the host's own network namespace."""
    addresses: tuple[Address, ...] = ()
    """The host's addresses that are reachable from elsewhere."""
    is_root: bool = True
    of_people: frozenset[int] = frozenset()
    """Processes of accounts that are not the system's: what they call themselves says nothing."""
    unconfirmed: frozenset[int] = frozenset()
    """Of other accounts than root, those that run no installed program known to be no API."""

    def of(self, *kinds: str) -> tuple[Service, ...]:
        """Return the services of these kinds, by process id."""
        return tuple(service for service in self.found if service.kind in kinds)

    @property
    def exposed(self) -> tuple[Socket, ...]:
        """TCP listeners that others than this host reach."""
        return tuple(socket for socket in self.listeners if not socket.is_loopback)

    @property
    def held(self) -> frozenset[int]:
        """Processes of which it is known what they serve, or that are looked at as what they say they are."""
        looked_at = INFERENCE | PROXIES
        return frozenset(one.pid for one in self.found if one.kind in looked_at or not one.is_self_styled)

    def possible_frontends(
        self, *ports: int, proxies: bool = True, judged: Iterable[Service] = ()
    ) -> tuple[Socket, ...]:
        """Return the listeners that may lead to another service.

        These are what proxies listen on for others than this host, unless `proxies` is false because there is
        nothing that they could lead to, and the listeners on `ports` that no known service holds, nor one of
        those that are `judged` by what they are.
        """
        held = self.held | {one.pid for one in judged}
        between = {service.pid for service in self.of(*PROXIES)} if proxies else set[int]()
        return tuple(
            socket
            for socket in self.listeners
            if (not socket.is_loopback and between.intersection(socket.pids))
            or (socket.local_port in ports and not held.intersection(socket.pids))
        )

    @property
    def unknown(self) -> tuple[Socket, ...]:
        """Listeners for others than this host of which it is not known what they are."""
        return tuple(socket for socket in self.strangers if not socket.is_loopback)

    @property
    def strangers(self) -> tuple[Socket, ...]:
        """All listeners of which it is not known what they are."""
        held, doubted = self.held, self.of_people | self.unconfirmed
        return tuple(
            socket
            for socket in self.listeners
            if not held.intersection(socket.pids)
            and (doubted.intersection(socket.pids) or not _is_no_api(socket))
        )

    @property
    def faults(self) -> tuple[Unobservable, ...]:
        """Reasons why it is not known who listens where; empty when it is."""
        unseen = sorted(socket.where for socket in self.exposed if not socket.pids)
        if unseen and not self.is_root:
            return (
                Unobservable("privilege", f"only root sees which process listens on {', '.join(unseen)}"),
            )
        return ()

    def faults_of(self, services: Iterable[Service]) -> tuple[Unobservable, ...]:
        """Return why it is not known where these services listen; empty when it is."""
        apart = [service for service in services if service.in_other_netns]
        return (
            *self.faults,
            *(
                Unobservable(
                    "unreadable",
                    f"{service.kind} ({service.pid}) has a network namespace of its own: where it can be "
                    "reached does not show in the host's table of sockets",
                )
                for service in apart
            ),
        )

    def holder(self, socket: Socket) -> str:
        """Return who holds a socket, for people: the kind of service, or the names of the processes."""
        kinds = sorted({service.kind for service in self.found if service.pid in socket.pids})
        return ", ".join(kinds or socket.processes) or "process not visible"

    def holders(self, sockets: Iterable[Socket]) -> list[str]:
        """Return for each socket, for people, who holds it and where it listens."""
        return [f"{self.holder(socket)} on {socket.where}" for socket in sockets]

    def url(self, socket: Socket, *, scheme: str = "http") -> str:
        """Return the address at which the host itself reaches a listener in the way that others do."""
        address = socket.local
        if address is None or address.is_unspecified:
            version = 6 if address is not None and address.version == 6 else 4
            own = [one for one in self.addresses if one.version == version] or (
                list(self.addresses) if address is None else []
            )
            text = str(own[0]) if own else ("::1" if version == 6 else "127.0.0.1")
        else:
            text = str(address)
        return f"{scheme}://{f'[{text}]' if ':' in text else text}:{socket.local_port}"


def _is_no_api(socket: Socket) -> bool:
    """Tell whether what holds a socket is known not to be an API; systemd may hold it on behalf of that."""
    names = [name for name in socket.processes if name not in {"systemd", "init"}]
    return bool(names) and all(_NO_API.fullmatch(name) for name in names)


def _environments(host: Host) -> tuple[dict[int, dict[str, str]], frozenset[int]]:
    text, denied = look(host, _ENVIRONMENT)
    found: dict[int, dict[str, str]] = {}
    for item in text.split("\0"):
        if match := re.fullmatch(r"\s*/proc/(\d+)/environ:([A-Z0-9_]+)=(.*)", item, re.DOTALL):
            found.setdefault(int(match[1]), {})[match[2]] = match[3]
        elif item.strip():
            raise Unobservable("parse", f"grep printed {item[:120]!r} of an environment")
    return found, denied


def _addresses(host: Host) -> tuple[Address, ...]:
    found: list[Address] = []
    text = host.run(_ADDRESSES).stdout
    for word in re.findall(r"\binet6? ([0-9a-f:.]+)/", text) or text.split():
        try:
            address = ipaddress.ip_address(word)
        except ValueError:
            continue
        if not (address.is_loopback or address.is_link_local or address.is_unspecified):
            found.append(address)
    return tuple(dict.fromkeys(found))


def services(host: Host) -> Services:
    """Return the known services that run on the host.

    Raises:
        Unobservable: when processes or sockets cannot be listed.

    """
    readings = (
        partial(processes, host),
        partial(socket_table, host),
        partial(_environments, host),
        partial(owners, host),
        partial(set_ids, host),
        partial(networked, host),
        partial(contained, host),
        partial(_addresses, host),
        lambda: host.run("id -u"),
    )
    ahead(*readings)
    running = processes(host)
    listeners = tuple(s for s in socket_table(host).listeners if s.protocol == "tcp")
    environments, denied = _environments(host)
    holders, starters = owners(host), set_ids(host)
    elsewhere, apart = networked(host), contained(host)
    kinds = {one.pid: kind for one in running if one.pid not in starters and (kind := kind_of(one))}
    listening = {pid for socket in listeners for pid in socket.pids}
    of_root = {pid for pid, rights in holders.items() if rights.uid == 0}
    others = (listening | kinds.keys()) - of_root
    named = {pid for pid, kind in kinds.items() if kind in FILES}
    programs = installed(host, others & (listening | named), apart=apart)
    known = [process for process in running if process.pid in kinds]
    files = files_of_root(host, known, programs, apart=apart)
    found = []
    for process in running:
        kind, rights = kinds.get(process.pid, ""), holders.get(process.pid)
        is_self_styled = process.pid in others and not _is_confirmed(
            kind, rights, programs.get(process.pid), is_of_root=process.pid in files
        )
        if kind and not (is_self_styled and kind in PROXIES):
            found.append(
                Service(
                    kind=kind,
                    pid=process.pid,
                    name=process.name,
                    arguments=process.arguments,
                    uid=rights.acts_as if rights else None,
                    rights=rights,
                    is_self_styled=is_self_styled,
                    environment=None if process.pid in denied else environments.get(process.pid, {}),
                    listeners=tuple(socket for socket in listeners if process.pid in socket.pids),
                    in_other_netns=process.pid in elsewhere,
                    root=f"/proc/{process.pid}/root" if process.pid in apart else "",
                )
            )
    return Services(
        found=tuple(found),
        listeners=listeners,
        addresses=_addresses(host),
        is_root=host.run("id -u").stdout.strip() == "0",
        of_people=frozenset(pid for pid, rights in holders.items() if rights.is_of_people),
        unconfirmed=frozenset(
            pid for pid in others & listening if not _NO_API.fullmatch(programs.get(pid, ""))
        ),
    )


def _is_confirmed(kind: str, rights: Rights | None, program: str | None, *, is_of_root: bool) -> bool:
    """Tell whether a process of another account than root is what its arguments say.

    Of what is a program of its own the file decides. What an interpreter runs is believed of the system's
    accounts alone, where the script is root's, as the interpreter is: a module, or what `-c` and standard
    input bring, may come from where the account writes.
    """
    if kind in FILES:
        return program is not None and re.fullmatch(FILES[kind], program) is not None
    return rights is not None and not rights.is_of_people and rights.uid != NOBODY.uid and is_of_root
