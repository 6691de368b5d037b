from typing import Annotated

from pydantic import Field

from pytest_aisec import Host, Unobservable, control, is_active, not_applicable, not_reviewed, raise_unless
from pytest_aisec.facts.system.services import Services, services
from pytest_aisec.facts.system.sockets import Port
from pytest_aisec.facts.web.http import Request, access, exchange, schemes
from pytest_aisec.facts.web.jupyter import JupyterServer, jupyter_servers


@control(
    "AISEC-API-03",
    severity="critical",
    needs_running=True,
    objectives=["authenticated_access"],
    nist_800_53=["AC-6"],
    atlas_techniques=["AML.T0008.000", "AML.T0050"],
    remediation=(
        "Run it as an ordinary user with `jupyter server --ip={allow_bind}`; take token='', "
        "password='', allow_root, disable_check_xsrf and allow_origin='*' out of its arguments and of "
        "jupyter_*_config.py and .json; restart it"
    ),
    remediation_is_words="it changes how a service of yours is started, which only who runs it can write",
)
def test_jupyter_requires_a_token_and_does_not_run_as_root(
    host: Host,
    *,
    allow_bind: Annotated[list[str], Field(min_length=1)] = ["127.0.0.1", "::1"],
    ports: list[Port] = [8888],
) -> None:
    """Jupyter servers require a token or password and do not run as root.

    Whoever reaches an open notebook server runs code as its user, with that user's data, models and keys.
    A listener on one of the ports that no known program holds may be one, too.
    """
    known = services(host)
    running = known.of("jupyter")
    held = known.held | {one.pid for one in running}
    strangers = [
        socket
        for socket in known.listeners
        if socket.local_port in ports and not held.intersection(socket.pids)
    ]
    servers, unread = jupyter_servers(host, running) if running else ((), ())
    faults = [*known.faults_of(running), *unread]
    wrong: dict[str, list[str]] = {}
    undecided: list[str] = []
    for server in servers:
        where = f"process {server.service.pid}"
        found = _violations(server, allow_bind)
        if found:
            wrong[where] = found
        undecided += [f"{where}: {reason}" for reason in server.undecided]
        faults += [server.stale] if server.stale else []
    undecided += [f"{socket.where} is held by {known.holder(socket)}" for socket in strangers]
    asked = False
    if is_active() and not wrong:
        asked = True
        faults += _ask(host, known, servers, wrong)
        others = [known.url(socket) for socket in strangers]
        running_there, more = _jupyters(host, others)
        faults += more
        faults += [
            Unobservable("parse", f"{path} is a program") for one in servers for path in one.is_dynamic
        ]
        for url, is_open in running_there.items():
            wrong.setdefault(url, []).append(
                "answers without a token" if is_open else "a Jupyter whose process and settings are not seen"
            )
    raise_unless(wrong, faults)
    if not wrong and not running and not (strangers and not asked):
        not_applicable("no Jupyter server runs")
    if not wrong and undecided and not asked:
        not_reviewed(f"{'; '.join(undecided)}; --aisec-active allows asking")
    assert wrong == {}


def _violations(server: JupyterServer, allow_bind: list[str]) -> list[str]:
    found = []
    if server.is_open:
        found.append("neither token nor password")
    if server.service.uid == 0:
        found.append("runs as root")
    if server.is_true("allow_root"):
        found.append("allow_root")
    if server.is_true("disable_check_xsrf"):
        found.append("disable_check_xsrf")
    if "*" in server.values("allow_origin"):
        found.append("allow_origin *")
    if any(value in {".*", "^.*$", ".+"} for value in server.values("allow_origin_pat")):
        found.append("allow_origin_pat matches everything")
    outside = [one for one in server.service.listeners if str(one.local) not in allow_bind]
    return [*found, *(f"listens on {one.where}" for one in outside)]


def _ask(
    host: Host, known: Services, servers: tuple[JupyterServer, ...], wrong: dict[str, list[str]]
) -> list[Unobservable]:
    """Ask every server for its files without a token; return why an answer says nothing."""
    places = [(server, known.url(socket)) for server in servers for socket in server.service.listeners]
    spoken, faults = schemes(host, [url for _, url in places])
    requests, askers = [], []
    for server, url in places:
        if spoken[url]:
            base = url.replace("http", spoken[url], 1) + server.base_url
            requests.append(Request(url=f"{base}/api/contents"))
            askers.append(server)
    for server, response in zip(askers, exchange(host, requests), strict=True):
        try:
            answer = access(response)
        except Unobservable as fault:
            faults.append(fault)
            continue
        if answer == "open":
            where = f"process {server.service.pid}"
            wrong.setdefault(where, []).append(f"{response.request.path} answers {response.status}")
        elif answer != "refused":
            faults.append(
                Unobservable(
                    "parse", f"{response.request.url} answered {response.status}: not where its API is"
                )
            )
    return faults


def _jupyters(host: Host, urls: list[str]) -> tuple[dict[str, bool], list[Unobservable]]:
    """Return which of the listeners are Jupyter servers, and whether they are open."""
    spoken, faults = schemes(host, urls)
    bases = [url.replace("http", scheme, 1) for url, scheme in spoken.items() if scheme]
    answers = exchange(
        host, [Request(url=f"{base}{path}") for base in bases for path in ("/api", "/api/contents")]
    )
    found: dict[str, bool] = {}
    for base, version, contents in zip(bases, answers[::2], answers[1::2], strict=True):
        try:
            if access(version) == "open" and '"version"' in version.body:
                found[base] = access(contents) == "open"
        except Unobservable as fault:
            faults.append(fault)
    return found, faults
