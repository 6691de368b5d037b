import ipaddress
import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated

from packaging.version import InvalidVersion, Version
from pydantic import AfterValidator

from pytest_aisec import Host, Unobservable, control, is_active, not_applicable, not_reviewed, raise_unless
from pytest_aisec.facts.core.together import ahead
from pytest_aisec.facts.system.services import Service, services
from pytest_aisec.facts.system.sockets import Port, Socket
from pytest_aisec.facts.web.http import Fingerprint, unauthenticated

Network = Annotated[str, AfterValidator(lambda text: str(ipaddress.ip_network(text)))]

_ANSWERS = (
    Fingerprint(name="Ray's jobs API", path="/api/jobs/", body=r"^\s*\["),
    Fingerprint(name="Ray's dashboard", path="/api/cluster_status", body=r'"(result|data)"\s*:'),
)
_DOOR = re.compile(r"/ray/dashboard/dashboard\.py|ray\.util\.client\.server")
_STARTER = re.compile(r"\bray start\b|ray\.scripts\.scripts start\b")
_TOKEN_BY_DEFAULT = Version("2.61.0")
"""The first Ray that asks for a token unless it is told not to."""
_HOME = re.compile(r"(?P<site>/\S*?)/ray/(core|dashboard|_private|autoscaler|util|scripts)/")


@control(
    "AISEC-API-02",
    severity="critical",
    needs_running=True,
    objectives=["authenticated_access"],
    cis_v8_1=["4.7"],
    atlas_techniques=["AML.T0050"],
    remediation=(
        "Install Ray {min_ray} or newer, export RAY_AUTH_MODE=token before `ray start` on every node, "
        "with --dashboard-host=127.0.0.1 and a --node-ip-address inside {allow_networks}, which is to "
        "hold the cluster's own network; Ray binds its other ports to all addresses: admit only its "
        "nodes to them"
    ),
    remediation_is_words="it changes how a service of yours is started, which only who runs it can write",
)
def test_ray_is_authenticated_and_private(
    host: Host,
    *,
    min_ray: str = "2.52.0",
    require_token: bool = True,
    allow_networks: list[Network] = ["127.0.0.0/8", "::1/128"],
    ports: list[Port] = [8265, 10001],
) -> None:
    """Ray dashboard, jobs API and client port are authenticated and private.

    Ray runs whatever job it is given. Whoever reaches it without a token has the cluster, its data and its
    models ("ShadowRay").
    """
    known = services(host)
    nodes = known.of("ray")
    faults = list(known.faults_of(nodes))
    networks = [ipaddress.ip_network(network) for network in allow_networks]
    versions, unread = _versions(host, nodes) if nodes and require_token else ({}, [])
    faults += unread
    wrong, unread = _weaknesses(nodes, networks, versions, require_token=require_token)
    faults += unread
    old = [f"Ray {one} in {site} knows no token" for site, one in versions.items() if one < Version(min_ray)]
    if old:
        wrong["version"] = old
    doors = known.possible_frontends(*ports, proxies=bool(nodes), judged=nodes)
    if is_active() and not wrong:
        asked = [*doors, *(socket for node in nodes for socket in node.listeners)]
        answering, more, _ = unauthenticated(host, list(dict.fromkeys(map(known.url, asked))), _ANSWERS)
        faults += more
        wrong.update(answering)
    raise_unless(wrong, faults)
    if not wrong and doors and not is_active():
        not_reviewed(
            f"{'; '.join(known.holders(doors))} may lead to Ray or be it; --aisec-active allows asking"
        )
    if not wrong and not nodes:
        not_applicable("Ray does not run")
    assert wrong == {}


def _weaknesses(
    nodes: Sequence[Service],
    networks: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network],
    versions: Mapping[str, Version],
    *,
    require_token: bool,
) -> tuple[dict[str, list[str]], list[Unobservable]]:
    """Return what is wrong with the processes of Ray, and why some do not show it."""
    wrong: dict[str, list[str]] = {}
    faults = []
    for node in _daemons(nodes):
        judged = _doors(node) if require_token else node.listeners
        found = [f"listens on {one.where}" for one in judged if not _is_inside(one, networks)]
        try:
            if require_token and not _is_titled(node) and not _asks_token(node, versions):
                found.append("RAY_AUTH_MODE is not token")
        except Unobservable as fault:
            faults.append(fault)
        if found:
            wrong[f"{_name(node)} ({node.pid})"] = found
    return wrong, faults


def _sites(node: Service) -> list[str]:
    """Return where Ray is installed, as the arguments of a process show it."""
    return [node.root + match["site"] for word in node.arguments if (match := _HOME.match(word))]


def _asks_token(node: Service, versions: Mapping[str, Version]) -> bool:
    """Tell whether a process of Ray asks for a token: as it was told, or as its version does by itself."""
    mode = node.setting("RAY_AUTH_MODE").lower()
    known = [versions.get(site) for site in _sites(node)]
    by_default = bool(known) and all(one is not None and one >= _TOKEN_BY_DEFAULT for one in known)
    return mode == "token" or (not mode and by_default)


def _daemons(nodes: Sequence[Service]) -> Sequence[Service]:
    """Return the processes without the command that started the others: it may have found the token itself.

    A process that shows a title alone is judged only beside the daemon that started it, as Ray does: titles
    are written over the environment.
    """
    started = [node for node in nodes if not _STARTER.search(" ".join(node.arguments))]
    return started if any(not _is_titled(node) for node in started) else nodes


def _is_titled(node: Service) -> bool:
    return bool(node.arguments and node.arguments[0].startswith("ray::"))


def _doors(node: Service) -> Sequence[Socket]:
    """Return where a process of Ray takes jobs from people.

    Ray binds what its nodes say to one another, and its metrics, to all addresses whatever it is told: there
    the token has to do.
    """
    if not _DOOR.search(" ".join(node.arguments)):
        return ()
    ports = node.options.get("port", ())
    return [one for one in node.listeners if not ports or str(one.local_port) in ports]


def _is_inside(socket: Socket, networks: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    return socket.local is not None and any(socket.local in network for network in networks)


def _name(node: Service) -> str:
    match = next(
        (re.search(r"(?<![a-z_])([a-z_]+)(\.py)?$", word) for word in node.arguments if "/ray/" in word), None
    )
    return match[1] if match else node.name


def _versions(host: Host, nodes: Sequence[Service]) -> tuple[dict[str, Version], list[Unobservable]]:
    """Return the versions of Ray by where it is installed, from the packages beside the running programs."""
    sites = sorted({site for node in nodes for site in _sites(node)})
    if not sites:
        return {}, [Unobservable("unreadable", "where Ray is installed does not show, and so its version")]
    look = "find -L %s -maxdepth 1 -name 'ray-*.dist-info' -print"
    ahead(*(partial(host.run, look, site) for site in sites))
    versions: dict[str, Version] = {}
    faults: list[Unobservable] = []
    for site in sites:
        result = host.run(look, site)
        found = re.findall(r"/ray-([^/]+)\.dist-info$", result.stdout, re.MULTILINE)
        if result.rc != 0 or result.stderr.strip() or len(found) != 1:
            denied = "ermission denied" in result.stderr
            faults.append(
                Unobservable(
                    "privilege" if denied else "unreadable", result.stderr.strip() or f"no one Ray in {site}"
                )
            )
            continue
        try:
            versions[site] = Version(found[0])
        except InvalidVersion:
            faults.append(Unobservable("parse", f"not a version: {found[0]!r}"))
    return versions, faults
