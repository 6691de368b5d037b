import re
from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import Field

from pytest_aisec import Host, Unobservable, control, is_active, not_applicable, not_reviewed, raise_unless
from pytest_aisec.facts.core.formats import is_number
from pytest_aisec.facts.system.services import INFERENCE, Service, Services, services
from pytest_aisec.facts.system.sockets import Socket
from pytest_aisec.facts.web.bursts import TURNED_AWAY, burst
from pytest_aisec.facts.web.http import schemes
from pytest_aisec.facts.web.nginx import Location, Server, servers
from pytest_aisec.facts.web.nginx_files import configuration, main_processes, not_reloaded
from pytest_aisec.facts.web.nginx_syntax import Directive

Route = Annotated[str, Field(pattern="^/")]

_NO_LIMITER = frozenset(
    {"vllm", "sglang", "aphrodite", "ollama", "llama.cpp", "llamafile", "koboldcpp", "lmstudio"}
)
"""Servers that cannot limit how often a client asks."""
_CLIENT = re.compile(
    r"\$\{?(binary_remote_addr|remote_addr|realip_remote_addr|remote_user|http_authorization|http_x_api_key|"
    r"http_api_key|ssl_client_\w+|jwt_\w+|cookie_\w+)\}?"
)
_ROUTES = (("/v1/models", False), ("/v1/chat/completions", True))


@control(
    "AISEC-API-11",
    severity="high",
    needs_running=True,
    objectives=["authenticated_access"],
    nist_800_53=["AC-23", "SC-5"],
    nist_csf=["PR.IR-04"],
    iso_27001=["A.8.6"],
    soc2=["A1.1"],
    owasp_llm=["LLM10:2025"],
    atlas_mitigations=["AML.M0004"],
    atlas_techniques=[
        "AML.T0024",
        "AML.T0024.000",
        "AML.T0024.001",
        "AML.T0024.002",
        "AML.T0029",
        "AML.T0034.000",
    ],
    remediation=(
        "nginx before the API: `limit_req_zone $binary_remote_addr zone=api:10m rate={max_rps}r/s;` in "
        "http, `limit_req zone=api burst={burst_max};` in server, `limit_req_status 429;`; the API "
        "itself on 127.0.0.1"
    ),
    remediation_is_words=(
        "it is the configuration of a server before the API, which nobody can write without knowing "
        "what it serves"
    ),
)
def test_requests_are_rate_limited_per_client(
    host: Host,
    *,
    max_rps: Annotated[float, Field(gt=0)] = 10,
    burst_max: Annotated[int, Field(ge=0, le=200)] = 20,
    active_requests: Annotated[int, Field(ge=2, le=500)] = 60,
    free_routes: list[Route] = ["/health", "/ping", "/v2/health/ready"],
) -> None:
    """Requests are rate limited per client or key.

    Copying a model, inverting it and finding out what it was trained on take many requests; so does a bill.
    """
    known = services(host)
    serving = known.of(*INFERENCE)
    masters = [one for one in main_processes(known.of("nginx")) if _is_exposed(one) or not known.is_root]
    faults = list(known.faults_of([*serving, *known.of("nginx")]))
    wrong: dict[str, str] = dict(_without(serving))
    sites, unread = _sites(host, masters, known.of("nginx"))
    faults += unread
    fronts = [server for server in sites if server.exposed and server.locations]
    for where, location in _limited(fronts, free_routes):
        flaw = _flaw(location, max_rps=max_rps, burst_max=burst_max)
        if flaw and location.programs:
            faults.append(Unobservable("parse", f"{where}: what {location.programs[-1]} does cannot be told"))
        elif flaw:
            wrong[where] = flaw
    others = _others(known, serving, sites)
    if is_active() and not wrong and not faults:
        ports = {port for server in fronts for _, port, _ in server.exposed}
        judged = [socket for one in masters for socket in one.listeners if socket.local_port in ports]
        size = (max(active_requests, 2 * burst_max + 2), burst_max + 20)
        wrong, faults, unsure = _try(host, known, [*judged, *others], size, sure=judged)
        if unsure and not wrong and not faults:
            not_reviewed(
                f"{', '.join(unsure)} refused every request: what those with a key may do was not tried"
            )
    raise_unless(wrong, faults)
    if not wrong and others and not is_active():
        held = "; ".join(known.holders(others))
        not_reviewed(f"whether {held} limits requests; --aisec-active allows trying")
    if not (wrong or fronts or others):
        not_applicable("no API is there for others than this host")
    assert wrong == {}


def _limited(fronts: Sequence[Server], free_routes: Sequence[str]) -> Iterator[tuple[str, Location]]:
    """Yield the places whose requests have to be limited."""
    for server in fronts:
        for location in server.locations:
            if location.path.removeprefix("= ") not in free_routes:
                yield f"nginx {server.label} {location.path}", location


def _is_exposed(service: Service) -> bool:
    return service.in_other_netns or any(not socket.is_loopback for socket in service.listeners)


def _sites(
    host: Host, masters: Sequence[Service], processes: Sequence[Service]
) -> tuple[list[Server], list[Unobservable]]:
    """Return the servers of nginx that speak HTTP, and why there may be more, or others than run."""
    sites: list[Server] = []
    faults = []
    for master in masters:
        try:
            read = configuration(host, master)
            sites += servers(read.directives)
            old = not_reloaded(host, master, processes, read.files)
            faults += [old] if old else []
        except Unobservable as fault:
            faults.append(fault)
    return sites, faults


def _others(known: Services, serving: Sequence[Service], sites: Sequence[Server]) -> list[Socket]:
    """Return the listeners of which no setting tells whether they limit; so does no `stream` of nginx."""
    nginx = {one.pid for one in known.of("nginx")}
    ports = {port for site in sites for _, port, _ in site.listens}
    able = [socket for one in serving if one.kind not in _NO_LIMITER for socket in one.listeners]
    return [
        socket
        for socket in dict.fromkeys([*known.possible_frontends(), *able, *known.unknown])
        if not socket.is_loopback and not (nginx.intersection(socket.pids) and socket.local_port in ports)
    ]


def _without(serving: Sequence[Service]) -> Iterator[tuple[str, str]]:
    for one in serving:
        places = [socket.where for socket in one.listeners if not socket.is_loopback]
        if places and one.kind in _NO_LIMITER:
            yield f"{one.kind} ({one.pid})", f"answers on {', '.join(places)} itself, and cannot limit"


def _flaw(location: Location, *, max_rps: float, burst_max: int) -> str:
    """Return what is wrong with the limits of a location; empty when one of them is enough."""
    limits = location.effective("limit_req")
    if not limits:
        return "no limit_req"
    if any(one.args[:1] == ("on",) for one in location.effective("limit_req_dry_run")):
        return "limit_req_dry_run only counts"
    http = location.chain[0]
    zones = {
        argument.removeprefix("zone=").partition(":")[0]: one
        for one in http.all("limit_req_zone")
        for argument in one.args
        if argument.startswith("zone=")
    }
    flaws = []
    for limit in limits:
        options = dict(argument.partition("=")[::2] for argument in limit.args)
        zone = zones.get(options.get("zone", ""))
        if zone is None:
            flaws.append(f"the zone {options.get('zone', '')} is not defined")
            continue
        flaw = _zone_flaw(zone, http, max_rps)
        most = int(options["burst"]) if is_number(options.get("burst", "")) else 0
        if not flaw and most > burst_max:
            flaw = f"burst={most}"
        if not flaw:
            return ""
        flaws.append(flaw)
    return "; ".join(flaws)


def _zone_flaw(zone: Directive, http: Directive, max_rps: float) -> str:
    key = zone.args[0]
    rate = next((one.removeprefix("rate=") for one in zone.args if one.startswith("rate=")), "")
    match = re.fullmatch(r"(\d+)r/([sm])", rate)
    if match is None:
        raise Unobservable("parse", f"nginx: limit_req_zone with the rate {rate!r}")
    per_second = int(match[1]) / (1 if match[2] == "s" else 60)
    if per_second > max_rps:
        return f"rate={rate}"
    if _CLIENT.search(key):
        return ""
    for one in (*http.all("map"), *http.all("geo")):
        if one.args and one.args[-1] == key:
            default = _default(one)
            return (
                ""
                if _CLIENT.search(default)
                else f"keyed on {key}, which is {default or 'empty'!r} by default"
            )
    return f"keyed on {key}, not on the client"


def _default(table: Directive) -> str:
    return next((one.args[0] for one in table.block if one.name == "default" and one.args), "")


def _try(
    host: Host, known: Services, sockets: Sequence[Socket], size: tuple[int, int], *, sure: Sequence[Socket]
) -> tuple[dict[str, str], list[Unobservable], list[str]]:
    """Send many cheap requests to each listener.

    Args:
        host: which sends them.
        known: its services.
        sockets: the listeners.
        size: how many requests for each route, and how many at a time.
        sure: listeners whose settings do limit: where they refuse or do not know a route, all is well.

    Returns:
        Which answered all of them, why others say nothing, and which refused all of them.

    """
    urls = {known.url(socket): socket for socket in sockets}
    count, at_once = size
    spoken, faults = schemes(host, list(urls))
    wrong: dict[str, str] = {}
    unsure: list[str] = []
    for url, socket in urls.items():
        if not spoken[url]:
            continue
        base = url.replace("http", spoken[url], 1)
        try:
            seen = {
                path: set(burst(host, base + path, count, at_once=at_once, post=post))
                for path, post in _ROUTES
            }
        except Unobservable as fault:
            faults.append(fault)
            continue
        served = {path: statuses for path, statuses in seen.items() if not statuses <= {404, 405}}
        endless = [path for path, statuses in served.items() if not statuses & TURNED_AWAY]
        if any(not seen[path] <= {401, 403} for path in endless):
            wrong[base] = f"all of {count} requests were answered: {', '.join(endless)}"
        elif endless and socket not in sure:
            unsure.append(base)
        elif not served and socket not in sure and socket not in known.unknown:
            faults.append(Unobservable("parse", f"{base} serves none of the routes that were tried"))
    return wrong, faults, unsure
