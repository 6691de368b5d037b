import posixpath
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import product

from pytest_aisec import Host, Unobservable, control, is_active, not_applicable, not_reviewed, raise_unless
from pytest_aisec.facts.core.formats import ini_value, yaml_value
from pytest_aisec.facts.core.together import ahead
from pytest_aisec.facts.system.rights import given_file
from pytest_aisec.facts.system.running_config import stale
from pytest_aisec.facts.system.services import Service, Services, services
from pytest_aisec.facts.system.sockets import Port
from pytest_aisec.facts.web.http import Fingerprint, basic, unauthenticated
from pytest_aisec.facts.web.mlflow import brings_password
from pytest_aisec.observe.redaction.redact import mark

_INTERFACES = ("mlflow", "tensorboard", "aim", "prometheus", "grafana", "prefect", "airflow")
_ANSWERS = (
    Fingerprint(
        name="MLflow", path="/api/2.0/mlflow/experiments/search?max_results=1", body=r'"experiments"\s*:'
    ),
    Fingerprint(name="TensorBoard", path="/data/environment", body=r'"data_location"'),
    Fingerprint(name="Aim", path="/api/projects/", body=r'"(path|telemetry_enabled|name)"\s*:'),
    Fingerprint(name="Prometheus", path="/api/v1/status/buildinfo", body=r'"goVersion"'),
    Fingerprint(name="Grafana", path="/api/org", body=r'"name"\s*:'),
    Fingerprint(name="Prefect", path="/api/admin/version", body=r'^\s*"\d+\.\d+'),
    Fingerprint(name="Airflow", path="/api/v2/dags", body=r'"dags"\s*:'),
)
_NAMES = {"grafana": "Grafana", "airflow": "Airflow", "mlflow": "MLflow"}
_PUBLISHED = ("password", "password1234")
"""What MLflow's packaged basic_auth.ini has had for admin_password."""


@control(
    "AISEC-API-04",
    severity="high",
    needs_running=True,
    objectives=["authenticated_access"],
    nist_800_53=["IA-5(1)"],
    cis_v8_1=["4.7"],
    atlas_techniques=["AML.T0035", "AML.T0036"],
    remediation=(
        "Bind it to loopback: `tensorboard --host 127.0.0.1`, `mlflow server --host 127.0.0.1`, and "
        "let a proxy that asks for credentials listen for others; or `mlflow server --app-name "
        "basic-auth` with an admin_password of your own in MLFLOW_AUTH_CONFIG_PATH"
    ),
    remediation_is_words="it changes how a service of yours is started, which only who runs it can write",
)
def test_tracking_and_monitoring_interfaces_are_not_open(
    host: Host, *, ports: list[Port] = [5000, 6006, 43800, 9090, 4200]
) -> None:
    """Experiment tracking and monitoring UIs are not open.

    They show data, parameters and paths of models to anybody who reaches them, and MLflow hands out and
    replaces the models themselves.
    """
    known = services(host)
    running = known.of(*_INTERFACES)
    faults = list(known.faults_of(running))
    wrong: dict[str, list[str]] = {}
    undecided: list[Service] = []
    exposed = [one for one in running if any(not socket.is_loopback for socket in one.listeners)]
    ahead(*(partial(_weakness, host, one) for one in exposed))
    for one in exposed:
        where = ", ".join(socket.where for socket in one.listeners if not socket.is_loopback)
        try:
            weakness = _weakness(host, one)
        except Unobservable as fault:
            faults.append(fault)
            continue
        if weakness is None:
            undecided.append(one)
        elif weakness:
            wrong[f"{one.kind} ({one.pid})"] = [f"listens on {where}", weakness]
    doors = [
        socket
        for socket in known.possible_frontends(*ports, proxies=bool(running), judged=running)
        if not socket.is_loopback
    ]
    if is_active() and not wrong:
        asked = [*doors, *(socket for one in exposed for socket in one.listeners if not socket.is_loopback)]
        answering, more, refused = unauthenticated(host, list(dict.fromkeys(map(known.url, asked))), _ANSWERS)
        answering |= _log_in(host, known, undecided, faults)
        faults += more
        wrong.update(answering)
        faults += [
            Unobservable(
                "parse", f"{one.kind} on {socket.where} neither answers nor refuses where its API is"
            )
            for one in undecided
            for socket in one.listeners
            if not socket.is_loopback and (known.url(socket), _NAMES[one.kind]) not in refused
        ]
    raise_unless(wrong, faults)
    if not wrong and (undecided or doors) and not is_active():
        named = [f"{one.kind} ({one.pid}){_OLD if one.kind == 'mlflow' else ''}" for one in undecided]
        named += known.holders(doors)
        not_reviewed(f"whether {'; '.join(named)} asks for credentials; --aisec-active allows trying")
    if not wrong and not running:
        not_applicable("no experiment tracking or monitoring interface runs")
    assert wrong == {}


_OLD = ", whose database keeps the password that it was made with,"


def _log_in(
    host: Host, known: Services, undecided: Sequence[Service], faults: list[Unobservable]
) -> dict[str, list[str]]:
    """Try the published passwords on MLflow where files do not tell, and return where one opens.

    A password in a file counts only where the database has no such user yet: an old one keeps its own.
    """
    urls: dict[str, dict[str, None]] = {}
    for one in undecided:
        if one.kind != "mlflow":
            continue
        try:
            name = _mlflow_settings(host, one).get("admin_username", "")
        except Unobservable as fault:
            faults.append(fault)
            name = ""
        for socket in one.listeners:
            if not socket.is_loopback:
                urls.setdefault(known.url(socket), {"admin": None})[name or "admin"] = None
    answering: dict[str, list[str]] = {}
    for url, names in urls.items():
        tries = [_log_in_as(*one) for one in enumerate(product(names, _PUBLISHED), start=1)]
        opened, more, refused = unauthenticated(host, [url], tries)
        answering |= opened
        faults += more
        if not opened and any((url, one.name) not in refused for one in tries):
            faults.append(
                Unobservable("parse", f"{url} neither takes nor refuses a password where MLflow's API is")
            )
    return answering


def _log_in_as(number: int, credentials: tuple[str, str]) -> Fingerprint:
    """Return the request of a user with a published password; its name for people shows neither."""
    return Fingerprint(
        name=f"MLflow, with the published password {number}",
        path=_ANSWERS[0].path,
        body=_ANSWERS[0].body,
        authorization=basic(*credentials),
    )


def _weakness(host: Host, service: Service) -> str | None:
    """Return why a service lets anybody in; empty where it does not, `None` where settings do not tell."""
    if service.kind in {"tensorboard", "aim"}:
        return "it knows no credentials"
    if service.kind == "mlflow":
        return _mlflow(host, service)
    if service.kind == "prometheus":
        named = [value for value in service.options.get("web.config.file", ()) if value]
        if not named:
            return "no --web.config.file"
        text = _text(host, service, named[-1])
        settings = yaml_value(text, named[-1])
        users = settings.get("basic_auth_users") if isinstance(settings, dict) else None
        return "" if users else f"no basic_auth_users in {named[-1]}"
    if service.kind == "prefect":
        return (
            "" if service.setting("PREFECT_SERVER_API_AUTH_STRING") else "no PREFECT_SERVER_API_AUTH_STRING"
        )
    return None


def _mlflow(host: Host, service: Service) -> str | None:
    apps = service.options.get("app-name", ())
    factory = any("mlflow.server.auth" in word for word in service.arguments)
    if "basic-auth" not in apps and not factory:
        return "no --app-name basic-auth"
    brings = brings_password(host, service)
    if brings is not True and service.setting(
        "MLFLOW_AUTH_ADMIN_PASSWORD"
    ):  # before 3.16.1, nothing reads it
        return None
    path = service.setting("MLFLOW_AUTH_CONFIG_PATH")
    if not path:
        return "basic-auth with the packaged basic_auth.ini, whose password is published" if brings else None
    settings = _mlflow_settings(host, service)
    if "admin_password" not in settings:  # then no release makes a user: the database had one already
        return None
    published = {shown for word in _PUBLISHED for shown in (word, mark("password", word))}
    named = {mark("password", f"%({name})s") for name, value in settings.items() if value in published}
    if settings["admin_password"] in published | named:
        return None if brings is False else f"admin_password in {path} is the published one"
    old = stale(host, service.pid, [service.root + path], what="mlflow")
    if old is not None:
        raise old
    return None


def _mlflow_settings(host: Host, service: Service) -> Mapping[str, str]:
    """Return what MLflow's basic-auth is given in a file of its own; nothing where there is none."""
    path = service.setting("MLFLOW_AUTH_CONFIG_PATH")
    if not path:
        return {}
    return ini_value(_text(host, service, path), path, interpolates=True).get("mlflow", {})


def _text(host: Host, service: Service, path: str) -> str:
    if not posixpath.isabs(path):
        raise Unobservable("unreadable", f"{path} is a relative path")
    return given_file(host, path, service.rights, root=service.root)
