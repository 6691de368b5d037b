"""Routes of an inference server that answer requests without a key."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from testinfra.host import Host

from pytest_aisec.facts.core.together import ahead
from pytest_aisec.facts.web.http import Request, Response, access, exchange, schemes
from pytest_aisec.observe.faults import Unobservable

__all__ = ["Tried", "try_routes"]

_NONSENSE = "/aisec-no-such-route"
_TRICKS = ("//v1/models", "/v1/../v1/models", "/%76%31/models")
"""Other ways to write a route, which a proxy that compares paths may let through."""
_ABOUT = {"/metrics", "/version", "/openapi.json", "/docs"}
"""Routes that many kinds of servers have: they do not show that there is a model."""
_PAGES = re.compile(r"swagger|openapi|redoc", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Tried:
    """Answers of one listener to requests without a key."""

    open: list[str] = field(default_factory=list)
    faults: list[Unobservable] = field(default_factory=list)
    is_served: bool = False
    """Whether it serves any of the routes, or asks everybody for credentials."""


def try_routes(
    host: Host, urls: Sequence[str], gets: Sequence[str], posts: Sequence[str]
) -> tuple[dict[str, Tried], list[Unobservable]]:
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
    tried = {url: Tried() for url in urls}
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


def _judge(answers: Sequence[Response]) -> Tried:
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
        return Tried(open=found, faults=faults, is_served=True)
    return Tried(faults=faults, is_served=not found and _is_closed(nonsense["GET"]))


def _is_closed(response: Response) -> bool:
    """Tell whether a request is refused for want of credentials."""
    try:
        return access(response) == "refused"
    except Unobservable:
        return False
