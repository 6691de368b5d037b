"""AI services that run on a host: what they are, how they were started, and where they listen.

A service is known by the program of its process, never by a port. Its ports are read from the table of
sockets, its settings from arguments and environment.
"""

from __future__ import annotations

import ipaddress
import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from pytest_aisec.facts.processes import Process, processes
from pytest_aisec.facts.sockets import Address, Socket, socket_table
from pytest_aisec.facts.together import ahead
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["Service", "Services", "kind_of", "options_of", "program_of", "services"]

INFERENCE = frozenset(
    {
        "aphrodite",
        "bentoml",
        "fastchat",
        "infinity",
        "koboldcpp",
        "litellm",
        "llama.cpp",
        "llamafile",
        "lmdeploy",
        "lmstudio",
        "localai",
        "mlserver",
        "mlflow-models",
        "ollama",
        "ray-serve",
        "sglang",
        "tei",
        "tgi",
        "torchserve",
        "triton",
        "vllm",
        "xinference",
    }
)
"""Kinds that answer requests with a model."""

PROXIES = frozenset({"apache", "caddy", "envoy", "haproxy", "kong", "nginx", "traefik"})
"""Kinds that may stand before another service."""

_NO_API = re.compile(
    r"sshd.*|systemd-(resolve|network|timesyn|journal).*|rpcbind|rpc\..*|chronyd|ntpd|dnsmasq|named|unbound|cupsd|smbd|nmbd|master|exim4?|"
    r"sendmail.*|postgres.*|mysqld|mariadbd|redis-server|memcached|mongod|slapd|sssd.*|dhclient|dhcpcd|rsyslogd|"
    r"xinetd|vsftpd|proftpd|epmd|beam\.smp|slurm.*|munged|lldpd|snmpd|avahi-daemon|nfsd|iscsid|zabbix_agent.*|"
    r"node_exporter|dcgm-exporter|nv-hostengine|containerd|dockerd|kubelet|kube-proxy|etcd|calico.*|cilium.*"
)
"""Programs by name that listen and answer no HTTP requests with a model."""

_SERVED_BY = r"(-m )?(uvicorn|gunicorn|hypercorn|granian|waitress-serve)\b.*\b"
_KINDS: tuple[tuple[str, str], ...] = (
    ("jupyter", r"jupyter(-(lab|notebook|server|nbclassic|labhub|kernelgateway|voila))\b"),
    ("jupyter", r"jupyter (-\S+ )*(lab|notebook|server|nbclassic|labhub|kernelgateway|voila)( |$)"),
    ("jupyter", r"(jupyterhub-singleuser|jupyverse|ipython notebook)\b"),
    ("jupyter", r"-m (jupyterlab|notebook|jupyter_server|nbclassic|jupyterlab\.labhubapp|kernel_gateway)\b"),
    ("jupyter", r"-m jupyter (-\S+ )*(lab|notebook|server|nbclassic)( |$)"),
    (
        "mlflow-models",
        r"(-m )?mlflow(\.cli)? models serve\b|" + _SERVED_BY + r"mlflow\.pyfunc\.scoring_server\b",
    ),
    ("mlflow", r"(-m )?mlflow(\.cli)? (-\S+ )*(server|ui)( |$)|" + _SERVED_BY + r"mlflow\.server\b"),
    ("tensorboard", r"(tensorboard|-m tensorboard(\.main)?|-m tensorboard\.\S+)( |$)"),
    ("aim", r"aim (up|server)\b"),
    ("prometheus", r"prometheus( |$)"),
    ("grafana", r"grafana(-server)?( server)?( |$)"),
    ("prefect", r"prefect (server|orion) start\b|" + _SERVED_BY + r"prefect\.server\b"),
    ("airflow", r"airflow (webserver|api-server|standalone)\b|" + _SERVED_BY + r"airflow\.\S"),
    (
        "ray",
        r"(gcs_server|raylet)( |$)|\S*/ray/dashboard/(dashboard|agent)\.py\b|-m ray\.util\.client\.server\b",
    ),
    ("ray", r"ray start\b"),
    ("ray-serve", r"serve run\b|-m ray\.serve\b"),
    ("ollama", r"ollama(-[a-z0-9-]+)? (serve|start|runner)\b|ollama_llama_server\b"),
    ("lmstudio", r"(lms server|lm-?studio)\b|LM[ -]Studio"),
    ("llama.cpp", r"(llama-server|llama_server)(\.\S+)?( |$)|-m llama_cpp\.server\b"),
    ("llamafile", r"\S+\.llamafile( |$)|llamafile( |$)"),
    ("koboldcpp", r"koboldcpp\S*( |$)"),
    ("localai", r"local-?ai( |$)"),
    ("jan", r"(cortex(-server)?|jan)( |$)"),
    (
        "vllm",
        r"vllm serve\b|-m vllm\.(entrypoints\.\S*api_server|entrypoints\.cli\S*)\b|"
        + _SERVED_BY
        + r"vllm\.\S|VLLM::",
    ),
    ("sglang", r"-m sglang\.(launch_server|srt)\b|sglang serve\b|sglang::|-m sglang_router\b"),
    ("aphrodite", r"aphrodite (run|serve)\b|-m aphrodite\.\S*api_server\b"),
    ("tgi", r"text-generation-(launcher|router)\b"),
    ("tei", r"text-embeddings-router\b"),
    ("infinity", r"infinity_emb\b"),
    ("litellm", r"litellm( |$)|-m litellm\b|" + _SERVED_BY + r"litellm\.proxy\b"),
    ("triton", r"tritonserver( |$)"),
    ("torchserve", r"torchserve\b|java .*\borg\.pytorch\.serve\.ModelServer\b"),
    ("lmdeploy", r"lmdeploy serve\b|-m lmdeploy serve\b"),
    ("fastchat", r"-m fastchat\.serve\b"),
    ("bentoml", r"bentoml serve\b|-m bentoml serve\b"),
    ("mlserver", r"mlserver start\b"),
    ("xinference", r"xinference(-local|-supervisor|-worker)?( |$)"),
    ("nginx", r"nginx(:| |$)"),
    ("apache", r"(apache2|httpd)( |$)"),
    ("haproxy", r"haproxy( |$)"),
    ("envoy", r"envoy( |$)"),
    ("caddy", r"caddy (run|start|reverse-proxy|file-server)\b"),
    ("traefik", r"traefik( |$)"),
    ("kong", r"kong( |$)"),
)
_MATCHERS = tuple((kind, re.compile(pattern)) for kind, pattern in _KINDS)
_PYTHON = re.compile(r"(python|pypy)[0-9.]*")
_WRAPPERS = re.compile(
    r"(?:ba|da|z)?sh|env|sudo|doas|nohup|setsid|nice|ionice|chrt|taskset|numactl|stdbuf|timeout|time|tini|"
    r"dumb-init|catatonit|uvx?|poetry|pdm|hatch|conda|(?:micro)?mamba|pixi|ld-linux\S*|ld\.so|node|gosu|"
    r"su-exec|runuser|setpriv|unshare|systemd-run|systemd-inhibit|gunicorn|uvicorn|hypercorn|granian|"
    r"waitress-serve|accelerate|mpirun|torchrun|java"
)
_SEEN = 12
"""Arguments of a wrapper among which the program that it started is looked for."""

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
    "PREFECT_SERVER_API_AUTH_STRING",
    "RAY_AUTH_TOKEN",
)
_ENVIRONMENT = f"grep -azoHE '^(({'|'.join(_VALUES)})=.*|({'|'.join(_SET_OR_NOT)})=.?)' /proc/[0-9]*/environ"
_OWNERS = "grep -aH '^Uid:' /proc/[0-9]*/status"
_NETWORKS = "stat -L -c '%i %n' /proc/self/ns/net /proc/[0-9]*/ns/net"
_ROOTS = "stat -L -c '%d:%i %n' /proc/self/root /proc/[0-9]*/root"
_ADDRESSES = "ip -o addr show scope global || hostname -I"
_GONE = re.compile(r"No such (file or directory|process)")
_DENIED = re.compile(r"/proc/(\d+)/\S*?'?: Permission denied")


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
    is_elsewhere: bool = False
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

    def of(self, *kinds: str) -> tuple[Service, ...]:
        """Return the services of these kinds, by process id."""
        return tuple(service for service in self.found if service.kind in kinds)

    @property
    def exposed(self) -> tuple[Socket, ...]:
        """TCP listeners that others than this host reach."""
        return tuple(socket for socket in self.listeners if not socket.is_loopback)

    def stand_before(self, *ports: int) -> tuple[Socket, ...]:
        """Return the listeners that may lead to another service.

        These are what proxies listen on for others than this host, and the listeners on `ports` that no known
        service holds.
        """
        held = {service.pid for service in self.found}
        proxies = {service.pid for service in self.of(*PROXIES)}
        return tuple(
            socket
            for socket in self.listeners
            if (not socket.is_loopback and proxies.intersection(socket.pids))
            or (socket.local_port in ports and not held.intersection(socket.pids))
        )

    @property
    def unknown(self) -> tuple[Socket, ...]:
        """Listeners for others than this host of which it is not known what they are."""
        held = {service.pid for service in self.found}
        return tuple(
            socket for socket in self.exposed if not held.intersection(socket.pids) and not _is_no_api(socket)
        )

    @property
    def faults(self) -> tuple[Unobservable, ...]:
        """Why it is not known who listens where; empty when it is."""
        unseen = sorted(socket.where for socket in self.exposed if not socket.pids)
        if unseen and not self.is_root:
            return (
                Unobservable("privilege", f"only root sees which process listens on {', '.join(unseen)}"),
            )
        return ()

    def faults_of(self, services: Iterable[Service]) -> tuple[Unobservable, ...]:
        """Return why it is not known where these services listen; empty when it is."""
        apart = [service for service in services if service.is_elsewhere]
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


def options_of(arguments: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return long options by name, without dashes and with `-` for `_`; an option without a value has `""`.

    A word after an option is taken for its value unless it begins with a dash. Short options keep their name.
    """
    found: dict[str, tuple[str, ...]] = {}
    name = ""
    for argument in arguments:
        if re.match(r"--?[A-Za-z]", argument):
            option, equals, value = argument.lstrip("-").partition("=")
            name = option.replace("_", "-")
            found[name] = (*found.get(name, ()), value if equals else "")
            name = "" if equals else name
        elif name:
            found[name] = (*found[name][:-1], argument)
            name = ""
    return found


def program_of(arguments: tuple[str, ...]) -> list[str]:
    """Return the command lines that a process may really be running, behind interpreters and wrappers.

    Each is a program without its directory and its arguments, joined by blanks; `-m MODULE` for modules.
    """
    if not arguments:
        return []
    first = posixpath.basename(arguments[0]).strip()
    starts = [0]
    if _PYTHON.fullmatch(first):
        starts = [_script(arguments)]
    elif _WRAPPERS.fullmatch(first):
        starts = list(range(min(len(arguments), _SEEN)))
    found = []
    for start in starts:
        words = arguments[start:]
        if not words:
            continue
        if words[0] == "-m" or (words[0].startswith("-m") and len(words[0]) > 2 and first != words[0]):
            found.append(" ".join(["-m", *([words[0][2:]] if words[0] != "-m" else []), *words[1:]]))
        else:
            found.append(" ".join([posixpath.basename(words[0]), *words[1:]]))
            found.append(" ".join(words))
            if start and _PYTHON.fullmatch(posixpath.basename(words[0])):
                found += program_of(words)
    return found


def _script(arguments: tuple[str, ...]) -> int:
    """Return where Python's own arguments end: at its script or at `-m`."""
    position = 1
    while position < len(arguments):
        word = arguments[position]
        if not word.startswith("-") or word.startswith("-m") or re.fullmatch(r"-[A-Za-z]*m", word):
            return position
        if re.fullmatch(r"-[A-Za-z]*c", word):
            return len(arguments)
        position += 2 if word in {"-W", "-X", "--check-hash-based-pycs"} else 1
    return position


def kind_of(process: Process) -> str:
    """Return the kind of service that a process is; empty when it is none that is known."""
    candidates = program_of(process.arguments)
    for kind, matcher in _MATCHERS:
        if any(matcher.match(candidate) for candidate in candidates):
            return kind
    return ""


def _lines(host: Host, command: str) -> tuple[str, frozenset[int]]:
    """Return what a look at all processes printed, and of which it was not allowed to."""
    result = host.run(command)
    problems = [line for line in result.stderr.splitlines() if line.strip() and not _GONE.search(line)]
    denied = frozenset(int(match[1]) for line in problems if (match := _DENIED.search(line)))
    others = [line for line in problems if not _DENIED.search(line)]
    if others or result.rc not in {0, 1, 2}:
        raise Unobservable("unreadable", others[0] if others else f"exit status {result.rc}: {command[:60]}")
    return str(result.stdout), denied


def _environments(host: Host) -> tuple[dict[int, dict[str, str]], frozenset[int]]:
    text, denied = _lines(host, _ENVIRONMENT)
    found: dict[int, dict[str, str]] = {}
    for item in text.split("\0"):
        if match := re.fullmatch(r"\s*/proc/(\d+)/environ:([A-Z0-9_]+)=(.*)", item, re.DOTALL):
            found.setdefault(int(match[1]), {})[match[2]] = match[3]
    return found, denied


def _owners(host: Host) -> dict[int, int]:
    text, _ = _lines(host, _OWNERS)
    matches = re.finditer(r"^/proc/(\d+)/status:Uid:\s+\d+\s+(\d+)", text, re.MULTILINE)
    return {int(match[1]): int(match[2]) for match in matches}


def _elsewhere(host: Host) -> frozenset[int]:
    """Return the processes that are seen to have another network namespace than the asking one."""
    return _differing(host, _NETWORKS, "ns/net")


def _contained(host: Host) -> frozenset[int]:
    """Return the processes that are seen to have another root directory than the asking one."""
    return _differing(host, _ROOTS, "root")


def _differing(host: Host, command: str, what: str) -> frozenset[int]:
    text, _ = _lines(host, command)
    own = re.search(rf"^(\S+) /proc/self/{what}$", text, re.MULTILINE)
    if own is None:
        raise Unobservable("unreadable", f"{what} of the asking process cannot be told")
    matches = re.finditer(rf"^(\S+) /proc/(\d+)/{what}$", text, re.MULTILINE)
    return frozenset(int(match[2]) for match in matches if match[1] != own[1])


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
        partial(_owners, host),
        partial(_elsewhere, host),
        partial(_contained, host),
        partial(_addresses, host),
        lambda: host.run("id -u"),
    )
    ahead(*readings)
    running = processes(host)
    listeners = tuple(s for s in socket_table(host).listeners if s.protocol == "tcp")
    environments, denied = _environments(host)
    owners, elsewhere, contained = _owners(host), _elsewhere(host), _contained(host)
    found = []
    for process in running:
        kind = kind_of(process)
        if kind:
            found.append(
                Service(
                    kind=kind,
                    pid=process.pid,
                    name=process.name,
                    arguments=process.arguments,
                    uid=owners.get(process.pid),
                    environment=None if process.pid in denied else environments.get(process.pid, {}),
                    listeners=tuple(socket for socket in listeners if process.pid in socket.pids),
                    is_elsewhere=process.pid in elsewhere,
                    root=f"/proc/{process.pid}/root" if process.pid in contained else "",
                )
            )
    return Services(
        found=tuple(found),
        listeners=listeners,
        addresses=_addresses(host),
        is_root=host.run("id -u").stdout.strip() == "0",
    )
