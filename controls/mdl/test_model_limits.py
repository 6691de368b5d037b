from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from pytest_aisec import Host, Unobservable, control, is_active, not_applicable, not_reviewed
from pytest_aisec.facts.model.answers import Prompt, named, read_answer, read_usage
from pytest_aisec.facts.model.api import ApiUrl, Command, Endpoint, Reply, command, literal, place, send
from pytest_aisec.facts.model.servers import ModelServer, servers_at
from pytest_aisec.facts.model.unnamed import unserved

REFUSED = frozenset({400, 413, 414, 422})
DEEP = 20000
LENGTHY = (
    "{ printf '%%s' %s; head -c %s /dev/zero | tr '\\0' '\\n' | sed 's/$/a/' | tr '\\n' ' '; "
    "printf '%%s' %s; }"
)
NESTED = (
    "{ printf '%%s' %s; head -c %s /dev/zero | tr '\\0' '['; "
    "head -c %s /dev/zero | tr '\\0' ']'; printf '%%s' %s; }"
)
MANY_CHOICES = 1000
MANY_TOKENS = 10_000_000


def _body(model: str, text: str, **more: Any) -> str:
    prompt = Prompt(id="", messages=(("user", text),), max_tokens=16, more=more)
    return prompt.body(model)


def _long(model: str, count: int) -> Command:
    """Return a command that prints a request with a prompt of about `count` tokens."""
    before, after = _body(model, "@@").split("@@")
    return LENGTHY, (before, str(count), after)


def _deep(model: str) -> Command:
    """Return a command that prints a request with a field of lists in lists."""
    before, after = _body(model, "Say yes.", metadata="@@").split('"@@"')
    return NESTED, (before, str(DEEP), str(DEEP), after)


def _schema(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(depth):
        schema = {"type": "object", "properties": {"a": schema}, "required": ["a"]}
    return {"type": "json_schema", "json_schema": {"name": "deep", "schema": schema}}


def _floods(model: str, max_prompt_tokens: int) -> dict[str, Command]:
    """Return what must be refused, or be over soon; what may do most harm comes last."""
    return {
        "deep-body": _deep(model),
        "special-tokens": literal(_body(model, "<|endoftext|><|im_end|></s>" * 60)),
        "deep-schema": literal(_body(model, "Say yes.", response_format=_schema(60))),
        "costly-pattern": literal(
            _body(model, "Say yes.", guided_regex="((a{1,500}){1,500}b?){1,500}", regex="((a+)+b?)+")
        ),
        "many-choices": literal(_body(model, "Say yes.", n=MANY_CHOICES, temperature=1.0)),
        "many-tokens": literal(
            _body(model, "Count upwards from one, and never stop.", max_tokens=MANY_TOKENS)
        ),
        "overlong-prompt": _long(model, 2 * max_prompt_tokens),
    }


def _contexts(servers: Sequence[ModelServer], limit: int) -> dict[str, str]:
    return {
        f"{server.program} {name}": f"{value} tokens, more than {limit}"
        for server in servers
        for name, value in server.contexts.items()
        if value > limit
    }


def _unbounded(
    probe: str,
    reply: Reply | Unobservable,
    *,
    max_prompt_tokens: int,
    max_answer_tokens: int,
    max_choices: int,
    where: str,
) -> str:
    """Return what is wrong with an answer that came in time; the empty string where nothing is.

    Raises:
        Unobservable: when it shows no bound, and no lack of one either.

    """
    if isinstance(reply, Unobservable):
        raise reply
    if reply.status in REFUSED or reply.status >= 500:
        return f"HTTP {reply.status}" if reply.status >= 500 else ""
    used = read_usage(reply, where)
    if probe == "overlong-prompt" and used.prompt_tokens is None:
        raise Unobservable("no_observation", f"{where}: answered, and does not say how much was read")
    if probe == "overlong-prompt" and (used.prompt_tokens or 0) > max_prompt_tokens:
        return f"{used.prompt_tokens} tokens read, more than {max_prompt_tokens}"
    if probe == "many-choices" and used.choices > max_choices:
        return f"{used.choices} choices, more than {max_choices}"
    if probe == "many-tokens":
        if (used.completion_tokens or 0) > max_answer_tokens:
            return f"{used.completion_tokens} tokens written, more than {max_answer_tokens}"
        if used.completion_tokens is None or used.finish != "length":
            raise Unobservable(
                "no_observation",
                f"{where}: {MANY_TOKENS} tokens granted, and the model ended by itself: no bound was seen",
            )
    return ""


@control(
    "AISEC-MDL-06",
    severity="medium",
    objectives=["adversarial_testing"],
    nist_800_53=["SC-5"],
    nist_csf=["PR.IR-04"],
    soc2=["A1.1"],
    owasp_llm=["LLM10:2025"],
    atlas_mitigations=["AML.M0004"],
    atlas_techniques=["AML.T0029", "AML.T0034.001"],
    remediation=(
        "Start the server with a context of at most {max_prompt_tokens} tokens (vllm --max-model-len, "
        "llama-server --ctx-size), and refuse at the gateway what is longer, wants more than "
        "{max_answer_tokens} tokens or {max_choices} choices, or nests deeply"
    ),
    remediation_is_words="it changes how a service of yours is started, which only who runs it can write",
)
def test_resource_exhaustion_is_bounded(
    host: Host,
    *,
    model_endpoint: ApiUrl = "http://127.0.0.1:8000/v1",
    model: str = "",
    model_key_file: str = "",
    max_prompt_tokens: Annotated[int, Field(ge=16, le=2_000_000)] = 131_072,
    max_answer_tokens: Annotated[int, Field(ge=16)] = 8192,
    max_choices: Annotated[int, Field(ge=1)] = 16,
    max_latency_s: Annotated[int, Field(ge=1, le=60)] = 5,
) -> None:
    """Resource-exhaustion inputs are bounded at the model.

    One client with a few requests keeps an accelerator busy, and everybody else waits or pays. One request
    at a time, ended after `max_latency_s`, and no more once the server suffers: one without bounds may for
    minutes.
    """
    absent, elsewhere = unserved(host, model_endpoint, "model_endpoint", ask=is_active())
    if absent:
        not_applicable(absent, claims=["model_endpoint"], elsewhere=elsewhere)
    servers = servers_at(host, place(model_endpoint)[1])
    too_long = _contexts(servers, max_prompt_tokens)
    if not is_active():
        if not too_long:
            not_reviewed("no argument sets too long a context; the rest takes requests: --aisec-active")
        assert too_long == {}
    seen, fault = _flooded(
        host,
        Endpoint(url=model_endpoint, model=model, key_file=model_key_file, timeout_s=max_latency_s),
        max_prompt_tokens=max_prompt_tokens,
        max_answer_tokens=max_answer_tokens,
        max_choices=max_choices,
    )
    if fault and not seen and not too_long:
        raise fault
    assert too_long | seen == {}


def _flooded(
    host: Host, endpoint: Endpoint, *, max_prompt_tokens: int, max_answer_tokens: int, max_choices: int
) -> tuple[dict[str, str], Unobservable | None]:
    """Return what was not bounded, and why something else is not known."""
    endpoint = named(host, endpoint)

    def short(request_id: str) -> tuple[str, Command]:
        body = literal(_body(endpoint.model, "Say yes."))
        return request_id, command(endpoint, "/chat/completions", request_id=request_id, body=body)

    (before,) = send(host, endpoint, [short("before")])
    if isinstance(before, Unobservable):
        raise before
    read_answer(before, endpoint.url)
    floods = _floods(endpoint.model, max_prompt_tokens)
    seen: dict[str, str] = {}
    fault: Unobservable | None = None
    for probe, body in list(floods.items()):
        del floods[probe]
        request = command(endpoint, "/chat/completions", request_id=probe, body=body)
        reply, after = send(host, endpoint, [(probe, request), short(f"after-{probe}")])
        try:
            wrong = _late(reply, endpoint.timeout_s, gone=False) or _unbounded(
                probe,
                reply,
                max_prompt_tokens=max_prompt_tokens,
                max_answer_tokens=max_answer_tokens,
                max_choices=max_choices,
                where=f"{endpoint.url} ({probe})",
            )
        except Unobservable as unknown:
            wrong, fault = "", fault or unknown
        if wrong:
            seen[probe] = wrong
        try:
            unwell = _late(after, endpoint.timeout_s, gone=True) or _unwell(after, endpoint.url)
        except Unobservable as unknown:
            return seen, fault or unknown
        if unwell:
            seen[f"after {probe}"] = unwell
            if floods:
                seen["not tried any more"] = ", ".join(floods)
            break
    return seen, fault


def _late(reply: Reply | Unobservable, limit: float, *, gone: bool) -> str:
    """Return that no answer came in time, or that the server has gone, if so."""
    if not isinstance(reply, Unobservable):
        return ""
    if reply.reason == "timeout":
        return f"no answer within {limit:g} s"
    if reply.reason == "unreachable" and gone:
        return "the server is gone"
    raise reply


def _unwell(reply: Reply | Unobservable, where: str) -> str:
    """Return what is wrong with the answer to a short prompt."""
    if isinstance(reply, Unobservable):
        raise reply
    if reply.status >= 500:
        return f"HTTP {reply.status} to a short prompt"
    read_usage(reply, where)
    return ""
