from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Literal

from pydantic import Field

from pytest_aisec import (
    Host,
    Unobservable,
    control,
    is_active,
    not_applicable,
    not_reviewed,
    now,
    raise_unless,
)
from pytest_aisec.facts.core.together import ahead
from pytest_aisec.facts.model.serving import configured, mains
from pytest_aisec.facts.system.services import INFERENCE, Service, Services, services
from pytest_aisec.facts.system.sockets import Socket
from pytest_aisec.facts.web.http import Request, access, exchange, schemes
from pytest_aisec.facts.web.nginx import servers
from pytest_aisec.facts.web.nginx_files import configuration, main_processes, nginx_version, not_reloaded
from pytest_aisec.facts.web.tls import VERSIONS, certificate, handshake

_CERTIFICATES = (
    "ssl-certfile",
    "ssl-cert-file",
    "ssl-certfile-path",
    "ssl-certificate",
    "tls-cert-path",
    "certfile",
)
"""Options with which servers are given their certificate."""
_SAFE_DEFAULT = (1, 23, 4)
"""The first nginx whose own default is TLS 1.2 and 1.3."""


@dataclass(kw_only=True)
class _Seen:
    """What was found out so far."""

    wrong: dict[str, list[str]] = field(default_factory=dict)
    faults: list[Unobservable] = field(default_factory=list)
    undecided: list[str] = field(default_factory=list)
    fronts: set[str] = field(default_factory=set)
    files: dict[tuple[str, str], tuple[Service, tuple[str, ...]]] = field(default_factory=dict)
    """Front and file of its certificate → what uses it, and its names."""
    secure: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """ADDRESS:PORT of listeners that should speak TLS → the names of the service."""
    ports: set[int] = field(default_factory=set)
    """Of the servers of nginx that speak HTTP."""
    silent: list[str] = field(default_factory=list)
    """ADDRESS:PORT of listeners that speak no HTTP, or TLS that is too old for the client that asked."""

    def add(self, where: str, flaws: Sequence[str]) -> None:
        """Note what is wrong with a front."""
        if flaws:
            self.wrong.setdefault(where, []).extend(flaws)


@control(
    "AISEC-API-10",
    severity="high",
    needs_running=True,
    nist_800_53=["SC-8", "SC-8(1)", "SC-13"],
    nist_csf=["PR.DS-02"],
    nist_ai_rmf=["MEASURE 2.7"],
    nist_ai_600_1=["MS-2.7-001"],
    iso_27001=["A.5.14", "A.8.21", "A.8.24"],
    iso_42001=["A.4.5"],
    cis_v8_1=["3.10", "4.6"],
    soc2=["CC6.7"],
    atlas_mitigations=["AML.M0012"],
    eu_ai_act=["15.5"],
    remediation=(
        "nginx before the API: `listen 443 ssl; ssl_protocols {min_version} TLSv1.3;` and a "
        "certificate for its server_name of a trusted authority, good for {min_days} days and more; "
        "the API itself on 127.0.0.1"
    ),
    remediation_is_words=(
        "it is the configuration of a server before the API, which nobody can write without knowing "
        "what it serves"
    ),
)
def test_the_api_front_uses_tls(
    host: Host,
    *,
    min_version: Literal["TLSv1.2", "TLSv1.3"] = "TLSv1.2",
    min_days: Annotated[int, Field(ge=0)] = 21,
    names: list[str] = [],
    ca_file: str = "",
) -> None:
    """The API front uses TLS 1.2 or newer with a valid certificate.

    Prompts, answers and keys are read and changed on the way otherwise. Authorities that this host does not
    trust itself are named with ca_file; names are those that clients use, besides nginx's server_name.
    """
    known = services(host)
    serving = known.of(*INFERENCE)
    masters = main_processes(known.of("nginx"))
    seen = _Seen(faults=list(known.faults_of([*serving, *masters])))
    authorities = [ca_file] if ca_file else []
    for master in masters:
        try:
            _nginx(host, known, master, seen, min_version=min_version, names=names)
            seen.faults += [] if is_active() else _old(host, known, master, seen)
        except Unobservable as fault:
            seen.faults.append(fault)
    _direct(host, known, serving, seen, names)
    _files(host, seen, authorities, min_days)
    others = _others(known, serving, seen)
    if is_active() and not seen.wrong:
        _ask(host, known, others, seen, names)
        _shake_hands(host, seen, authorities, min_days=min_days, min_version=min_version)
    raise_unless(seen.wrong, seen.faults)
    seen.undecided += known.holders(others)
    if not seen.wrong and seen.undecided and not is_active():
        not_reviewed(f"what {'; '.join(seen.undecided)} agrees to; --aisec-active allows asking")
    if not seen.wrong and not seen.fronts:
        not_applicable("no API is there for others than this host")
    assert seen.wrong == {}


def _files(host: Host, seen: _Seen, authorities: Sequence[str], min_days: int) -> None:
    """Judge the certificates that settings name."""
    read = {
        (where, path): partial(certificate, host, path, service, names=called, ca_files=authorities)
        for (where, path), (service, called) in seen.files.items()
    }
    ahead(*read.values())
    for (where, _), reading in read.items():
        try:
            seen.add(where, reading().flaws(now=now(), min_days=min_days))
        except Unobservable as fault:
            seen.faults.append(fault)


def _shake_hands(
    host: Host, seen: _Seen, authorities: Sequence[str], *, min_days: int, min_version: str
) -> None:
    """Judge what listeners agree to."""
    names = dict.fromkeys(seen.silent, ()) | seen.secure
    tried = {
        place: partial(handshake, host, place, names=called, ca_files=authorities)
        for place, called in names.items()
    }
    ahead(*tried.values())
    order = [*VERSIONS.values()]
    for place, shaking in tried.items():
        try:
            agreed = shaking()
        except Unobservable as fault:
            seen.faults.append(fault)
            continue
        if place in seen.silent and not agreed.versions:
            continue
        seen.fronts.add(place)
        old = [one for one in agreed.versions if order.index(one) < order.index(min_version)]
        seen.add(place, [f"agrees to {one}" for one in old])
        if agreed.certificate is None:
            seen.add(place, ["speaks no TLS"])
        else:
            seen.add(place, agreed.certificate.flaws(now=now(), min_days=min_days))


def _nginx(
    host: Host, known: Services, master: Service, seen: _Seen, *, min_version: str, names: Sequence[str]
) -> None:
    """Judge the servers of an nginx that pass requests on."""
    if master.listeners and all(socket.is_loopback for socket in master.listeners):
        return
    ahead(partial(configuration, host, master), partial(nginx_version, host))
    for server in servers(configuration(host, master).directives):
        seen.ports |= {port for _, port, _ in server.listens}
        if not server.exposed or not server.locations or server.only_redirects:
            continue
        where = f"nginx {server.label}"
        seen.fronts.add(where)
        plain = [str(port) for _, port, is_tls in server.exposed if not is_tls]
        seen.add(where, [f"port {port} is without TLS" for port in plain])
        ports = {port for _, port, is_tls in server.exposed if is_tls}
        if not ports:
            continue
        own = [name for name in server.names if not name.startswith((".", "*", "~")) and "*" not in name]
        called = tuple(dict.fromkeys([*own, *names]))
        allowed = [one.args for one in server.effective("ssl_protocols")]
        spoken = [version for args in allowed for version in args]
        old = [one for one in spoken if one not in {min_version, "TLSv1.3"}]
        seen.add(where, [f"ssl_protocols {one}" for one in old])
        if not allowed and (min_version != "TLSv1.2" or nginx_version(host) < _SAFE_DEFAULT):
            seen.add(where, ["no ssl_protocols, and the default of this nginx has old ones"])
        for one in server.effective("ssl_certificate"):
            if "$" in one.args[0] or one.args[0].startswith(("data:", "engine:")):
                seen.undecided.append(f"the certificate of {where}")
            else:
                path = one.args[0] if one.args[0].startswith("/") else f"/etc/nginx/{one.args[0]}"
                seen.files[where, path] = (master, called)
        for socket in master.listeners:
            if socket.local_port in ports and not socket.is_loopback:
                seen.secure[known.url(socket).removeprefix("http://")] = called


def _old(host: Host, known: Services, master: Service, seen: _Seen) -> list[Unobservable]:
    """Return why an nginx that was judged by its files may run something else; handshakes need no files."""
    certificates = [master.root + path for (_, path), (by, _) in seen.files.items() if by is master]
    if not seen.ports:
        return []
    files = [*configuration(host, master).files, *certificates]
    old = not_reloaded(host, master, known.of("nginx"), files)
    return [old] if old else []


def _direct(
    host: Host, known: Services, serving: Sequence[Service], seen: _Seen, names: Sequence[str]
) -> None:
    """Judge servers that others reach without a proxy."""
    exposing = [one for one in mains(serving) if any(not socket.is_loopback for socket in one.listeners)]
    ahead(*(partial(configured, host, one) for one in exposing))
    for one in exposing:
        exposed = [socket for socket in one.listeners if not socket.is_loopback]
        where = f"{one.kind} ({one.pid})"
        seen.fronts.add(where)
        try:
            settings = configured(host, one)
        except Unobservable as fault:
            seen.faults.append(fault)
            continue
        given = [value for option in _CERTIFICATES for value in settings.options.get(option, ()) if value]
        if settings.stale and not is_active() and not any(map(settings.given.get, _CERTIFICATES)):
            seen.faults.append(settings.stale)
        if not given:
            seen.add(where, [f"{socket.where} is without TLS" for socket in exposed])
            continue
        if given[-1].startswith("/"):
            seen.files[where, given[-1]] = (one, tuple(names))
        seen.undecided.append(where)
        for socket in exposed:
            seen.secure[known.url(socket).removeprefix("http://")] = tuple(names)


def _others(known: Services, serving: Sequence[Service], seen: _Seen) -> list[Socket]:
    """Return the listeners of other proxies, of a `stream` of nginx, and of what is not known."""
    judged = {service.pid for service in serving}
    nginx = {service.pid for service in known.of("nginx")}
    return [
        socket
        for socket in dict.fromkeys([*known.possible_frontends(), *known.unknown])
        if not judged.intersection(socket.pids)
        and not (nginx.intersection(socket.pids) and socket.local_port in seen.ports)
    ]


def _ask(host: Host, known: Services, others: Sequence[Socket], seen: _Seen, names: Sequence[str]) -> None:
    """Find out which of the other listeners are fronts of an API, and whether they speak TLS."""
    urls = [known.url(socket) for socket in others]
    spoken, silent = schemes(host, urls)
    seen.faults += silent
    seen.secure.update(
        {url.removeprefix("http://"): tuple(names) for url, scheme in spoken.items() if scheme == "https"}
    )
    seen.fronts |= {url for url, scheme in spoken.items() if scheme == "https"}
    seen.silent += [url.removeprefix("http://") for url, scheme in spoken.items() if not scheme]
    plain = [url for url, scheme in spoken.items() if scheme == "http"]
    for response in exchange(host, [Request(url=f"{url}/v1/models") for url in plain]):
        url = response.request.url.removesuffix("/v1/models")
        try:
            answer = access(response)
        except Unobservable as fault:
            seen.faults.append(fault)
            continue
        if answer in {"open", "refused"}:
            seen.fronts.add(url)
            seen.add(url, ["an API without TLS"])
