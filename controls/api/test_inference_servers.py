import re
from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field

from pytest_aisec import Host, Unobservable, control, is_active, not_applicable, not_reviewed, raise_unless
from pytest_aisec.facts.model.serving import configured, lacks_key, mains
from pytest_aisec.facts.system.services import INFERENCE, Service, services
from pytest_aisec.facts.system.sockets import Socket
from pytest_aisec.facts.web.open_routes import try_routes

Route = Annotated[str, Field(pattern="^/")]
Url = Annotated[str, Field(pattern=r"^https?://[^/]+$")]


@control(
    "AISEC-API-01",
    severity="critical",
    needs_running=True,
    objectives=["authenticated_access"],
    nist_800_53=["AC-14", "IA-9"],
    owasp_llm=["LLM10:2025"],
    atlas_techniques=["AML.T0034", "AML.T0040"],
    remediation=(
        "Bind the server to 127.0.0.1 and set its key (VLLM_API_KEY); let a proxy listen for others "
        "that asks for credentials on every route but {health_routes} and passes on only those that "
        "clients need"
    ),
    remediation_is_words="it changes how a service of yours is started, which only who runs it can write",
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
    serving = mains(known.of(*INFERENCE))
    faults = list(known.faults_of(serving))
    direct = [(one, socket) for one in serving for socket in one.listeners if not socket.is_loopback]
    wrong, unread = _without_key(host, direct)
    faults += unread
    doors = [*known.possible_frontends(), *known.unknown]
    urls = [*base_urls, *dict.fromkeys(known.url(socket) for socket in [*(s for _, s in direct), *doors])]
    serves = False
    if is_active() and not wrong:
        sure = {*base_urls, *(known.url(socket) for _, socket in direct)}
        gets, posts = (
            [one for one in routes if one not in health_routes] for routes in (get_routes, post_routes)
        )
        tried, silent = try_routes(host, urls, gets, posts)
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
        held += known.holders(doors)
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
            reason = lacks_key(host, one)
        except Unobservable as fault:
            faults.append(fault)
            continue
        if reason:
            wrong[socket.where] = [f"{one.kind} ({one.pid}): {reason}"]
    return wrong, faults


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
    objectives=["authenticated_access", "secure_configuration"],
    nist_800_53=["CM-7", "CM-7(5)"],
    soc2=["CC7.1"],
    atlas_techniques=["AML.T0018"],
    remediation=(
        "Start the server without {deny_flags} and without {deny_variables} in its environment; with "
        "images or audio: --allowed-media-domains and VLLM_MEDIA_URL_ALLOW_REDIRECTS=0"
    ),
    remediation_is_words="it changes how a service of yours is started, which only who runs it can write",
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
    running = mains(services(host).of("vllm", "sglang"))
    faults: list[Unobservable] = []
    wrong: dict[str, list[str]] = {}
    if not running:
        not_applicable("neither vLLM nor SGLang runs")
    for one in running:
        found: list[str] = []
        options = one.options
        try:
            settings = configured(host, one)
            options = settings.options
            faults += [settings.stale] if settings.stale else []
        except Unobservable as fault:
            faults.append(fault)
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
    objectives=["authenticated_access"],
    nist_800_53=["AC-23"],
    nist_ai_600_1=["MS-2.10-001"],
    owasp_llm=["LLM10:2025"],
    atlas_mitigations=["AML.M0002"],
    atlas_techniques=["AML.T0005.001", "AML.T0024.001", "AML.T0024.002", "AML.T0063"],
    remediation=(
        "vllm serve --max-logprobs {max_logprobs}; servers without such a switch: bind them to "
        "127.0.0.1 and have a proxy refuse requests with logprobs, top_logprobs, prompt_logprobs and "
        "logit_bias"
    ),
    remediation_is_words="it changes how a service of yours is started, which only who runs it can write",
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
    serving = mains(known.of(*INFERENCE))
    faults = list(known.faults_of(serving))
    doors = [*known.possible_frontends(), *known.unknown]
    through = ", ".join(known.holders(doors))
    wrong: dict[str, str] = {}
    undecided = [f"whether {through} leads to a model"] if doors and not serving else []
    for one in serving:
        is_exposed = any(not socket.is_loopback for socket in one.listeners)
        if not is_exposed and not doors:
            continue
        try:
            settings = configured(host, one)
            shown = _shown(one.kind, settings.options, max_logprobs)
        except Unobservable as fault:
            faults.append(fault)
            continue
        if settings.stale and one.kind == "vllm" and "max-logprobs" not in settings.given:
            faults.append(settings.stale)
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
