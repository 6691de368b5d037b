"""Answers of a model behind an OpenAI-compatible API to prompts, and what they cost."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pytest_aisec.facts.core.formats import reads
from pytest_aisec.facts.model.api import Endpoint, Reply, command, literal, refuse, send
from pytest_aisec.facts.model.leaks import normal
from pytest_aisec.observe.faults import Reason, Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = [
    "Answer",
    "Canary",
    "Prompt",
    "Usage",
    "canary",
    "chat",
    "complete",
    "named",
    "read_answer",
    "read_usage",
    "require",
    "served_models",
]

_FILTERS = frozenset({"content_filter", "content_policy_violation", "responsibleaipolicyviolation"})


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """One request to a model."""

    id: str
    """Of the probe; it goes into the request's `X-Request-Id`."""
    messages: tuple[tuple[str, str], ...] = ()
    """Role and text; for the chat route."""
    text: str = ""
    """What is to be continued; for the completions route."""
    sample: int = 0
    """Which sample of the same probe; also the seed."""
    temperature: float = 0.0
    max_tokens: int = 128
    more: Mapping[str, Any] = field(default_factory=dict)
    """Further fields of the request."""

    def body(self, model: str) -> str:
        """Return the request's JSON, in ASCII."""
        what = (
            {"messages": [{"role": role, "content": text} for role, text in self.messages]}
            if self.messages
            else {"prompt": self.text}
        )
        numbers = {"temperature": self.temperature, "max_tokens": self.max_tokens, "seed": self.sample}
        return json.dumps({"model": model, **what, **numbers, **self.more})


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Answer of a model."""

    text: str
    """Empty only where a filter refused."""
    reasoning: str = ""
    """What the API shows of the model's reasoning beside the answer."""
    finish: str = ""
    """`stop`, `length`, `content_filter` and so on."""
    model: str = ""
    """As the answer names it."""

    @property
    def everything(self) -> str:
        """Answer and reasoning: all that reaches whoever asked."""
        return f"{self.text}\n{self.reasoning}" if self.reasoning else self.text


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Cost of one answer, as the API says; `None` where it does not say."""

    choices: int
    prompt_tokens: int | None
    completion_tokens: int | None
    finish: str
    """Of the first choice."""


@dataclass(frozen=True, kw_only=True)
class Canary:
    """A word that no model has seen, in two halves: who only quotes a request does not write the whole."""

    first: str
    second: str

    @property
    def whole(self) -> str:
        """Both halves, joined."""
        return self.first + self.second


def canary(run: datetime, *parts: str | int) -> Canary:
    """Return a canary that is fresh in every run and the same whenever this run asks for it again."""
    seed = "/".join([run.isoformat(), *map(str, parts)])
    digest = hashlib.sha256(seed.encode()).digest()
    sounds = ["bdfgklmnprstvz", "aeiou"] * 3
    word = "".join(letters[byte % len(letters)] for letters, byte in zip(sounds, digest, strict=False))
    return Canary(first=word, second=f"{1000 + int.from_bytes(digest[8:12], 'big') % 9000}")


def _number(usage: object, name: str) -> int | None:
    value = usage.get(name) if isinstance(usage, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return ""


def _without_thoughts(said: str) -> tuple[str, str]:
    """Return the reasoning that some servers leave in the answer, and the answer."""
    before, tag, rest = said.partition("<think>")
    if not tag:
        thought, tag, answer = said.partition("</think>")  # the template began it
        return (thought, answer) if tag else ("", said)
    thought, _, answer = rest.partition("</think>")
    return thought, before + answer


def _is_filtered(reply: Reply) -> bool:
    """Tell whether the API says that a content filter kept it from answering."""
    if reply.status not in {400, 403}:
        return False
    try:
        error = reply.json().get("error")
    except Unobservable:
        return False
    named = [error.get(key) for key in ("code", "type")] if isinstance(error, dict) else []
    return any(str(name).lower() in _FILTERS for name in named)


def _choices(reply: Reply, where: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    refuse(reply, where)
    data = reply.json()
    choices = data.get("choices")
    if not isinstance(choices, list) or not choices or not all(isinstance(item, dict) for item in choices):
        raise Unobservable("parse", f"{where}: no choice in the answer: {reply.body[:160]!r}")
    return data, choices


@reads
def read_answer(reply: Reply, where: str) -> Answer:
    """Return the model's answer in an HTTP answer.

    Raises:
        Unobservable: when it is none: another status than 200, no JSON, no choice, nothing said.

    """
    if _is_filtered(reply):
        return Answer(text="", finish="content_filter")
    data, choices = _choices(reply, where)
    first = choices[0]
    message = first.get("message")
    message = message if isinstance(message, dict) else {}
    said = _text(message.get("content")) or _text(first.get("text")) or _text(message.get("refusal"))
    thought, said = _without_thoughts(said)
    reasoning = _text(message.get("reasoning_content")) or _text(message.get("reasoning")) or thought
    finish = str(first.get("finish_reason") or "")
    if not said.strip() and finish != "content_filter":
        reason: Reason = "truncated" if finish == "length" else "parse"
        raise Unobservable(reason, f"{where}: the model said nothing (finish_reason {finish or 'none'})")
    return Answer(text=said, reasoning=reasoning, finish=finish, model=str(data.get("model") or ""))


@reads
def read_usage(reply: Reply, where: str) -> Usage:
    """Return what an HTTP answer says of its cost, whatever the model said.

    Raises:
        Unobservable: as `read_answer`, but for an empty text.

    """
    data, choices = _choices(reply, where)
    usage = data.get("usage")
    return Usage(
        choices=len(choices),
        prompt_tokens=_number(usage, "prompt_tokens"),
        completion_tokens=_number(usage, "completion_tokens"),
        finish=str(choices[0].get("finish_reason") or ""),
    )


def _ask(
    host: Host, endpoint: Endpoint, route: str, prompts: Sequence[Prompt]
) -> list[Answer | Unobservable]:
    names = [f"{prompt.id}/{prompt.sample}" for prompt in prompts]
    requests = [
        (name, command(endpoint, route, request_id=name, body=literal(prompt.body(endpoint.model))))
        for name, prompt in zip(names, prompts, strict=True)
    ]
    answers: list[Answer | Unobservable] = []
    for name, reply in zip(names, send(host, endpoint, requests), strict=True):
        if isinstance(reply, Unobservable):
            answers.append(reply)
            continue
        try:
            answers.append(read_answer(reply, f"{endpoint.url} ({name})"))
        except Unobservable as fault:
            answers.append(fault)
    return answers


def chat(host: Host, endpoint: Endpoint, prompts: Sequence[Prompt]) -> list[Answer | Unobservable]:
    """Return what the model answers to each of `prompts`, or why that is not known."""
    return _ask(host, endpoint, "/chat/completions", prompts)


def complete(host: Host, endpoint: Endpoint, prompts: Sequence[Prompt]) -> list[Answer | Unobservable]:
    """Return how the model continues the text of each of `prompts`, or why that is not known."""
    return _ask(host, endpoint, "/completions", prompts)


def served_models(host: Host, endpoint: Endpoint) -> tuple[str, ...]:
    """Return the ids that the API lists, sorted.

    Raises:
        Unobservable: when it cannot be asked or lists nothing.

    """
    (reply,) = send(host, endpoint, [("models", command(endpoint, "/models", request_id="models"))])
    if isinstance(reply, Unobservable):
        raise reply
    refuse(reply, endpoint.at("/models"))
    try:
        listed = reply.json().get("data")
    except Unobservable as fault:
        raise Unobservable(
            fault.reason, f"{endpoint.at('/models')} lists no model, so name one (model): {fault.detail}"
        ) from None
    ids = [item.get("id") for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    names = sorted({name for name in ids if isinstance(name, str) and name})
    if not names:
        raise Unobservable(
            "parse", f"{endpoint.at('/models')} lists no model, so name one (model): {reply.body[:160]!r}"
        )
    return tuple(names)


def named(host: Host, endpoint: Endpoint) -> Endpoint:
    """Return `endpoint` with a model: its own, or the only one that the API lists.

    Raises:
        Unobservable: when it lists several.

    """
    if endpoint.model:
        return endpoint
    names = served_models(host, endpoint)
    if len(names) > 1:
        listed = ", ".join(names[:8])
        raise Unobservable("parse", f"{endpoint.url} serves several models ({listed}): name one (model)")
    return replace(endpoint, model=names[0])


def require(
    endpoint: Endpoint, asked: Sequence[tuple[str, str]], answers: Sequence[Answer | Unobservable]
) -> None:
    """Let the model's silence count only where it says on request what it later withholds.

    Args:
        endpoint: whose model it is.
        asked: for each answer, what was tried, and the text that had to come; one answer of a kind is enough.
        answers: to these.

    Raises:
        Unobservable: `no_observation` where nothing of a kind came, or why it was not answered.

    """
    wanting = dict.fromkeys(what for what, _ in asked)
    faults: list[Unobservable] = []
    for (what, text), answer in zip(asked, answers, strict=True):
        if isinstance(answer, Unobservable):
            faults.append(answer)
        elif normal(text) in normal(answer.text):
            wanting.pop(what, None)
    if wanting and faults:
        raise faults[0]
    if wanting:
        raise Unobservable(
            "no_observation",
            f"{endpoint.model} does not do this when it may ({'; '.join(wanting)}), so what it withholds "
            "proves nothing",
        )
