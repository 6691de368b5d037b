import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated

from pydantic import Field

from pytest_aisec import Host, Unobservable, control, is_active, not_applicable, not_reviewed, raise_unless
from pytest_aisec.facts.core.formats import yaml_value
from pytest_aisec.facts.core.together import ahead
from pytest_aisec.facts.system.rights import given_file
from pytest_aisec.facts.system.services import INFERENCE, Service, services
from pytest_aisec.facts.system.sockets import Socket
from pytest_aisec.facts.web.http import Request, Response, access, exchange, schemes

Route = Annotated[str, Field(pattern="^/")]
Url = Annotated[str, Field(pattern=r"^https?://[^/]+$")]

_KEYS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "vllm": (("api-key",), ("VLLM_API_KEY",)),
    "sglang": (("api-key",), ()),
    "aphrodite": (("api-keys", "api-key"), ()),
    "tgi": (("api-key",), ("API_KEY",)),
    "tei": (("api-key",), ("API_KEY",)),
    "llama.cpp": (("api-key", "api-key-file", "api_key"), ("LLAMA_API_KEY",)),
    "ollama": ((), ()),
    "lmstudio": ((), ()),
    "triton": ((), ()),
    "llamafile": (("api-key",), ()),
}
"""How a server is given the key that it asks for: options and variables; neither where it asks for none."""
_NONSENSE = "/aisec-no-such-route"
_TRICKS = ("//v1/models", "/v1/../v1/models", "/%76%31/models")
"""Other ways to write a route, which a proxy that compares paths may let through."""
_ABOUT = {"/metrics", "/version", "/openapi.json", "/docs"}
"""Routes that many kinds of servers have: they do not show that there is a model."""
_PAGES = re.compile(r"swagger|openapi|redoc", re.IGNORECASE)


def _configured(host: Host, service: Service) -> dict[str, tuple[str, ...]]:
    """Return the options of a server, those of the file that `--config` names included.

    Raises:
        Unobservable: when that file cannot be read, or the process does not show its arguments any more.

    """
    if _is_renamed(service):
        raise Unobservable("unreadable", f"{service.name} ({service.pid}) shows no arguments any more")
    found = dict(service.options)
    for path in found.get("config", ()):
        if service.kind not in {"vllm", "sglang", "aphrodite"} or not path:
            continue
        if not path.startswith("/"):
            raise Unobservable("unreadable", f"{path} of {service.kind} ({service.pid}) is a relative path")
        text = given_file(host, path, service.rights, root=service.root)
        settings = yaml_value(text, path)
        if settings is not None and not isinstance(settings, dict):
            raise Unobservable("parse", f"{path} is no table")
        for name, value in (settings or {}).items():
            option = str(name).replace("_", "-")
            if option not in found and value is not None:
                found[option] = ("" if value is True else str(value),)
    return found


def _mains(running: Sequence[Service]) -> list[Service]:
    """Return the processes without the helpers that replaced their arguments and share a server's sockets."""
    mains = [one for one in running if not _is_renamed(one)]
    seen = {socket for one in mains for socket in one.listeners}
    return [
        *mains,
        *(
            one
            for one in running
            if _is_renamed(one) and (not mains or any(socket not in seen for socket in one.listeners))
        ),
    ]


def _is_renamed(service: Service) -> bool:
    return bool(service.arguments and re.match(r"[A-Za-z]+::", service.arguments[0]))


def _lacks_key(host: Host, service: Service) -> str:
    """Return why a server asks nobody for a key; empty where that is not known."""
    if service.kind not in _KEYS:
        return ""
    options, variables = _KEYS[service.kind]
    given = _configured(host, service)
    if any(any(given.get(option, ())) for option in options):
        return ""
    if any(service.setting(variable) for variable in variables):
        return ""
    return "no API key is set" if options else "knows no credentials"


@control(
    "AISEC-API-01",
    severity="critical",
    needs_running=True,
    nist_800_53=["AC-3", "AC-14", "AC-17", "IA-2", "IA-9", "SC-7"],
    nist_csf=["PR.AA-03", "PR.IR-01"],
    nist_ai_rmf=["MEASURE 2.7"],
    nist_ai_600_1=["MS-2.7-001"],
    iso_27001=["A.8.5", "A.8.20", "A.8.21"],
    iso_42001=["A.4.5", "A.6.2.5"],
    cis_v8_1=["4.4", "4.8"],
    soc2=["CC6.1", "CC6.6"],
    owasp_llm=["LLM10:2025"],
    atlas_mitigations=["AML.M0019"],
    atlas_techniques=["AML.T0034", "AML.T0040", "AML.T0049"],
    eu_ai_act=["15.5"],
    remediation="Bind the server to 127.0.0.1 and set its key (VLLM_API_KEY); let a proxy listen for others "
    "that asks for credentials on every route but {health_routes} and passes on only those that clients need",
)
def test_inference_endpoints_reject_unauthenticated_calls(
    host: Host,
    *,
    base_urls: list[Url] = [],
    health_routes: list[Route] = ["/health", "/ping", "/v2/health/ready"],
    get_routes: list[Route] = ["/v1/models", "/metrics", "/version", "/openapi.json", "/docs"],
    post_routes: list[Route] = [
        "/v1/chat/completions",
        "/v1/completions",
        "/v1/embeddings",
        "/invocations",
        "/tokenize",
        "/detokenize",
        "/score",
        "/rerank",
        "/pooling",
        "/classify",
    ],
) -> None:
    """Inference endpoints reject unauthenticated calls, including non-/v1 routes.

    Keys often cover /v1 alone: on the other routes anybody uses the model at the owner's cost, and tries
    what to extract from it. POST requests carry a body that no server can act on.
    """
    known = services(host)
    serving = _mains(known.of(*INFERENCE))
    faults = list(known.faults_of(serving))
    direct = [(one, socket) for one in serving for socket in one.listeners if not socket.is_loopback]
    wrong, unread = _without_key(host, direct)
    faults += unread
    doors = [*known.stand_before(), *known.unknown]
    urls = [*base_urls, *dict.fromkeys(known.url(socket) for socket in [*(s for _, s in direct), *doors])]
    serves = False
    if is_active() and not wrong:
        sure = {*base_urls, *(known.url(socket) for _, socket in direct)}
        gets, posts = (
            [one for one in routes if one not in health_routes] for routes in (get_routes, post_routes)
        )
        tried, silent = _try(host, urls, gets, posts)
        faults += [*silent, *(fault for one in tried.values() for fault in one.faults)]
        faults += [
            Unobservable("parse", f"{url} serves none of the routes that were tried")
            for url, one in tried.items()
            if url in sure and not one.is_served and not one.faults
        ]
        wrong = {url: one.open for url, one in tried.items() if one.open}
        serves = any(one.is_served for one in tried.values())
    raise_unless(wrong, faults)
    if not wrong and urls and not is_active():
        held = [f"{one.kind} on {socket.where}" for one, socket in direct]
        held += [f"{known.holder(socket)} on {socket.where}" for socket in doors]
        not_reviewed(f"whether {'; '.join(held + base_urls)} asks for keys; --aisec-active allows trying")
    if not (wrong or serving or serves):
        not_applicable("no inference server runs, and nothing answers as one", claims=["base_urls"])
    assert wrong == {}


def _without_key(
    host: Host, direct: Sequence[tuple[Service, Socket]]
) -> tuple[dict[str, list[str]], list[Unobservable]]:
    """Return which servers ask nobody for a key, and why that is not known of others."""
    wrong: dict[str, list[str]] = {}
    faults = []
    for one, socket in direct:
        try:
            reason = _lacks_key(host, one)
        except Unobservable as fault:
            faults.append(fault)
            continue
        if reason:
            wrong[socket.where] = [f"{one.kind} ({one.pid}): {reason}"]
    return wrong, faults


@dataclass(frozen=True, kw_only=True)
class _Tried:
    """What one listener answers to requests without a key."""

    open: list[str] = field(default_factory=list)
    faults: list[Unobservable] = field(default_factory=list)
    is_served: bool = False
    """Whether it serves any of the routes, or asks everybody for credentials."""


def _try(
    host: Host, urls: Sequence[str], gets: Sequence[str], posts: Sequence[str]
) -> tuple[dict[str, _Tried], list[Unobservable]]:
    """Try all routes of some listeners without a key; say of which listeners nothing came back."""
    plain = [re.sub("^https:", "http:", url) for url in urls]
    spoken, silent = schemes(host, plain)
    plans: dict[str, list[Request]] = {}
    for url, base in zip(urls, plain, strict=True):
        if spoken[base]:
            place = base.replace("http", spoken[base], 1)
            plans[url] = [
                Request(url=place + _NONSENSE),
                Request(url=place + _NONSENSE, method="POST"),
                *(Request(url=place + route) for route in [*gets, *_TRICKS]),
                Request(url=f"{place}/v1/models", authorization="Bearer aisec-wrong-key"),
                *(Request(url=place + route, method="POST") for route in posts),
            ]
    ahead(*(partial(exchange, host, plan) for plan in plans.values()))
    answers = {url: exchange(host, plan) for url, plan in plans.items()}
    again = {url: plan for url, found in answers.items() if (plan := _read_before_refused(found))}
    ahead(*(partial(exchange, host, plan) for plan in again.values()))
    tried = {url: _Tried() for url in urls}
    for url, found in answers.items():
        second = {one.request.url: one for one in exchange(host, again.get(url, []))}
        tried[url] = _judge([_refusal(second.get(one.request.url)) or one for one in found])
    return tried, silent


def _read_before_refused(answers: Sequence[Response]) -> list[Request]:
    """Return what to ask again with a body that is JSON.

    Who refuses to list its models and finds fault with a body that is none may have read the body before it
    asked for a key, as LiteLLM does.
    """
    listed = next((one for one in answers[2:] if one.request.url.endswith("/v1/models")), None)
    if listed is None or not _is_closed(listed):
        return []
    return [
        Request(url=one.request.url, method="POST", well_formed=True)
        for one in answers[2:]
        if one.request.method == "POST" and one.status in {400, 422}
    ]


def _refusal(response: Response | None) -> Response | None:
    return response if response and _is_closed(response) else None


def _judge(answers: Sequence[Response]) -> _Tried:
    nonsense = {"GET": answers[0], "POST": answers[1]}
    found: list[str] = []
    faults: list[Unobservable] = []
    is_served = False
    for response in answers[2:]:
        request = response.request
        route = "/" + request.url.partition("://")[2].partition("/")[2]
        if route in _TRICKS and not 200 <= response.status < 300:
            continue
        if request.authorization and response.status in {400, 422}:  # such a key cannot be looked up
            continue
        try:
            answer = access(response, elsewhere=nonsense[request.method])
        except Unobservable as fault:
            faults.append(fault)
            continue
        is_open = answer == "open" or bool(
            route == "/docs" and answer == "page" and _PAGES.search(response.body)
        )
        if is_open:
            note = " with a wrong key" if request.authorization else ""
            found.append(f"{request.method} {route}{note} answers {response.status}")
        alike = answer == "refused" and nonsense[request.method].status == response.status
        is_served |= route not in _ABOUT and (answer == "open" or (answer == "refused" and not alike))
    if is_served:
        return _Tried(open=found, faults=faults, is_served=True)
    return _Tried(faults=faults, is_served=not found and _is_closed(nonsense["GET"]))


def _is_closed(response: Response) -> bool:
    """Tell whether a request is refused for want of credentials."""
    try:
        return access(response) == "refused"
    except Unobservable:
        return False


_DENIED = (
    "enable-tokenizer-info-endpoint",
    "profiler-config",
    "enable-prompt-embeds",
    "enable-mm-embeds",
    "allowed-local-media-path",
    "tool-server",
    "enable-custom-logit-processor",
)
_NEED_A_VALUE = {"profiler-config", "allowed-local-media-path", "tool-server"}
_DENIED_VARIABLES = (
    "VLLM_SERVER_DEV_MODE",
    "VLLM_ALLOW_RUNTIME_LORA_UPDATING",
    "VLLM_ALLOW_INSECURE_SERIALIZATION",
    "VLLM_TORCH_PROFILER_DIR",
    "VLLM_TORCH_CUDA_PROFILE",
    "SGLANG_ENABLE_CUSTOM_LOGIT_PROCESSOR",
)
_SHORTEST = 8
"""Letters of an abbreviated option that leave no doubt which it is."""


@control(
    "AISEC-API-09",
    severity="high",
    needs_running=True,
    nist_800_53=["AC-3", "AC-17", "CM-6", "CM-7", "CM-7(5)", "IA-2", "SC-7"],
    nist_csf=["PR.AA-03", "PR.IR-01", "PR.PS-01"],
    nist_ai_rmf=["MEASURE 2.7"],
    nist_ai_600_1=["MS-2.7-001"],
    iso_27001=["A.8.5", "A.8.9", "A.8.20", "A.8.21"],
    iso_42001=["A.4.5", "A.6.2.5"],
    cis_v8_1=["4.1", "4.4", "4.8"],
    soc2=["CC6.1", "CC6.6", "CC7.1"],
    atlas_mitigations=["AML.M0019"],
    atlas_techniques=["AML.T0018", "AML.T0049"],
    eu_ai_act=["15.5"],
    remediation="Start the server without {deny_flags} and without {deny_variables} in its environment; with "
    "images or audio: --allowed-media-domains and VLLM_MEDIA_URL_ALLOW_REDIRECTS=0",
)
def test_dangerous_serving_switches_are_off(
    host: Host,
    *,
    deny_flags: list[str] = [*_DENIED],
    deny_variables: list[str] = [*_DENIED_VARIABLES],
    multimodal: bool = False,
) -> None:
    """Dangerous serving switches are off.

    Meant for development, they load code and adapters, read files of the host or run profilers for whoever
    sends a request. Judged are vLLM and SGLang: arguments, the file of --config, and the environment.
    """
    running = _mains(services(host).of("vllm", "sglang"))
    faults: list[Unobservable] = []
    wrong: dict[str, list[str]] = {}
    if not running:
        not_applicable("neither vLLM nor SGLang runs")
    for one in running:
        found: list[str] = []
        options: dict[str, tuple[str, ...]] = {}
        try:
            options = _configured(host, one)
        except Unobservable as fault:
            faults.append(fault)
            options = dict(one.options)
        found += [f"--{flag}" for flag in deny_flags if _is_on(flag, options)]
        has_media = multimodal or any(name.startswith(("limit-mm", "mm-")) for name in options)
        if has_media and one.kind == "vllm" and not any(options.get("allowed-media-domains", ())):
            found.append("no --allowed-media-domains")
        try:
            found += [
                f"{name}={one.setting(name)}"
                for name in deny_variables
                if one.setting(name).lower() not in {"", "0", "false"}
            ]
            if has_media and one.kind == "vllm" and one.setting("VLLM_MEDIA_URL_ALLOW_REDIRECTS") != "0":
                found.append("VLLM_MEDIA_URL_ALLOW_REDIRECTS is not 0")
        except Unobservable as fault:
            faults.append(fault)
        if found:
            wrong[f"{one.kind} ({one.pid})"] = found
    raise_unless(wrong, faults)
    assert wrong == {}


def _is_on(flag: str, options: Mapping[str, tuple[str, ...]]) -> bool:
    for name, values in options.items():
        stem = name.partition(".")[0]
        if stem != flag and not (len(stem) >= _SHORTEST and flag.startswith(stem)):
            continue
        value = values[-1].strip().lower()
        if value in {"false", "none", "null"} or (flag in _NEED_A_VALUE and not value):
            continue
        return True
    return False


@control(
    "AISEC-API-13",
    severity="medium",
    needs_running=True,
    nist_800_53=["AC-3", "AC-17", "AC-23", "IA-2", "SC-7"],
    nist_csf=["PR.AA-03", "PR.IR-01"],
    nist_ai_rmf=["MEASURE 2.7"],
    nist_ai_600_1=["MS-2.7-001", "MS-2.10-001"],
    iso_27001=["A.8.5", "A.8.20", "A.8.21"],
    iso_42001=["A.4.5", "A.6.2.5"],
    cis_v8_1=["4.4", "4.8"],
    soc2=["CC6.1", "CC6.6"],
    owasp_llm=["LLM10:2025"],
    atlas_mitigations=["AML.M0002", "AML.M0019"],
    atlas_techniques=["AML.T0005.001", "AML.T0024.001", "AML.T0024.002", "AML.T0049", "AML.T0063"],
    eu_ai_act=["15.5"],
    remediation="vllm serve --max-logprobs {max_logprobs}; servers without such a switch: bind them to "
    "127.0.0.1 and have a proxy refuse requests with logprobs, top_logprobs, prompt_logprobs and logit_bias",
)
def test_token_probabilities_are_not_exposed(
    host: Host, *, max_logprobs: Annotated[int, Field(ge=0)] = 0, extraction_protection: bool = True
) -> None:
    """Token probabilities are not exposed.

    With the probabilities of every token a copy of the model is trained, and its training data recovered,
    with far fewer requests. Judged by settings alone: what would show it is a request that the model answers.
    """
    known = services(host)
    if not extraction_protection:
        not_applicable("protection against extraction is not asked for")
    serving = _mains(known.of(*INFERENCE))
    faults = list(known.faults_of(serving))
    doors = [*known.stand_before(), *known.unknown]
    through = ", ".join(f"{known.holder(socket)} on {socket.where}" for socket in doors)
    wrong: dict[str, str] = {}
    undecided = [f"whether {through} leads to a model"] if doors and not serving else []
    for one in serving:
        is_exposed = any(not socket.is_loopback for socket in one.listeners)
        if not is_exposed and not doors:
            continue
        try:
            shown = _shown(one.kind, _configured(host, one), max_logprobs)
        except Unobservable as fault:
            faults.append(fault)
            continue
        if shown and is_exposed:
            wrong[f"{one.kind} ({one.pid})"] = shown
        elif shown != "":
            undecided.append(f"what {through or 'clients'} may ask of {one.kind} ({one.pid})")
    raise_unless(wrong, faults)
    if not wrong and undecided:
        not_reviewed(f"{'; '.join(undecided)} does not show in settings that are known")
    if not serving:
        not_applicable("no inference server runs")
    assert wrong == {}


def _shown(kind: str, options: Mapping[str, tuple[str, ...]], most: int) -> str | None:
    """Return how a server shows probabilities; empty where it does not, `None` where that is not known."""
    if kind == "vllm":
        values = options.get("max-logprobs", ())
        if not values:
            return "no --max-logprobs: 20 is vLLM's default"
        if not re.fullmatch(r"-?\d+", values[-1]):
            raise Unobservable("parse", f"--max-logprobs {values[-1]}")
        number = int(values[-1])
        return f"--max-logprobs {number}" if number < 0 or number > most else ""
    if kind in {"sglang", "llama.cpp"}:
        return "has no switch against them"
    return None
