from pytest_aisec import Host, Unobservable, control, is_active, not_applicable, not_reviewed, raise_unless
from pytest_aisec.facts.system.services import Service, services
from pytest_aisec.facts.system.sockets import Port
from pytest_aisec.facts.web.http import Fingerprint, unauthenticated

_DAEMONS = ("ollama", "lmstudio", "llama.cpp", "llamafile", "koboldcpp", "localai", "jan")
_ANSWERS = (
    Fingerprint(name="Ollama", path="/api/tags", body=r'"models"\s*:'),
    Fingerprint(name="an API of OpenAI's kind", path="/v1/models", body=r'"(data|models|object)"\s*:'),
    Fingerprint(name="KoboldCpp", path="/api/v1/model", body=r'"result"\s*:'),
)


@control(
    "AISEC-API-05",
    severity="high",
    needs_running=True,
    objectives=["authenticated_access"],
    owasp_llm=["LLM10:2025"],
    atlas_techniques=["AML.T0040", "AML.T0044", "AML.T0112.000"],
    remediation=(
        "Ollama: `systemctl edit ollama`, Environment=OLLAMA_HOST=127.0.0.1 and no * in "
        "OLLAMA_ORIGINS; others: --host 127.0.0.1; let only a proxy that asks for credentials listen "
        "for others"
    ),
    remediation_is_words="it changes how a service of yours is started, which only who runs it can write",
)
def test_local_llm_daemons_are_bound_to_loopback(
    host: Host, *, ports: list[Port] = [11434, 1234, 1337, 5001]
) -> None:
    """Ollama and other local LLM daemons are bound to loopback.

    They ask for no credential: whoever reaches one uses, replaces and deletes its models, and a web page
    does so through a browser where every origin is allowed.
    """
    known = services(host)
    daemons = known.of(*_DAEMONS)
    faults = list(known.faults_of(daemons))
    wrong: dict[str, list[str]] = {}
    for daemon in daemons:
        found = [f"listens on {socket.where}" for socket in daemon.listeners if not socket.is_loopback]
        try:
            found += _origins(daemon)
        except Unobservable as fault:
            faults.append(fault)
        if found:
            wrong[f"{daemon.kind} ({daemon.pid})"] = found
    doors = [
        socket
        for socket in known.possible_frontends(*ports, proxies=bool(daemons), judged=daemons)
        if not socket.is_loopback
    ]
    if is_active() and not wrong:
        answering, more, _ = unauthenticated(host, [known.url(socket) for socket in doors], _ANSWERS)
        faults += more
        wrong.update(answering)
    raise_unless(wrong, faults)
    if not wrong and doors and not is_active():
        held = "; ".join(known.holders(doors))
        not_reviewed(f"{held} may lead to a model or be one; --aisec-active allows asking")
    if not wrong and not daemons:
        not_applicable("no local LLM daemon runs")
    assert wrong == {}


def _origins(daemon: Service) -> list[str]:
    if daemon.kind != "ollama":
        return []
    origins = [origin.strip() for origin in daemon.setting("OLLAMA_ORIGINS").split(",")]
    return [f"OLLAMA_ORIGINS has {origin}" for origin in origins if origin == "*" or origin.endswith("://*")]
