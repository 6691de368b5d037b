"""OpenAI-compatible servers of unknown programs, found by what they answer, and where none is at all."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_aisec.catalog.context import is_declared
from pytest_aisec.facts.core.together import raise_unless
from pytest_aisec.facts.model.api import Endpoint, Reply, command, is_listening, send
from pytest_aisec.facts.model.servers import model_servers
from pytest_aisec.facts.system.services import Services, services
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["LISTS", "other_apis", "unserved"]

LISTS = "lists models"
"""What is thought of whatever certainly is an API of models."""
_BASES = ("/v1", "/openai/v1", "/api/v1", "/v3")
"""Where servers have the API: KServe, Lemonade and OpenVINO are not at the first."""
_UNSEEN = {
    401: "asks for a key",
    403: "lets nobody see",
    407: "asks for a key",
    429: "is busy",
    503: "is busy",
}
"""Status of an answer that hides what is there."""
_SECONDS = 4
_NO_HTTP = "curl: (1) "
"""Bytes came that do not begin an answer of HTTP; an alert of TLS is such, too."""
_NO_TLS_BEGINS = "curl: (35) "
_NO_TLS = re.compile(":wrong version number|unexpected TLS packet")
"""Bytes came that do not begin an answer of TLS."""
_BROKEN = re.compile("[\ufffd\udc80-\udcff]")
_MOST = 32
"""Listeners that are asked; a host with more of unknown programs is no model server."""


def other_apis(host: Host, *, ask: bool, known: Services | None = None) -> dict[str, str]:
    """Return where a model may be served by a program that is not known, and why that is thought.

    Args:
        host: the host to ask.
        ask: whether requests may be sent. Then what lists models is returned, as `LISTS`, and what hides
            whether it does; otherwise whatever listens and is not known to be something else.
        known: its services, where they are known already.

    Raises:
        Unobservable: when listeners cannot be told, `tool_missing` without curl, and where none lists models,
            but one answered neither over HTTP nor over TLS: one that wants a client certificate hangs up,
            too. What sends bytes of another protocol to both is nothing of the kind.

    """
    strangers = (known or services(host)).strangers
    if not ask:
        return {
            socket.where: f"{', '.join(socket.processes) or 'a process that is not visible'} listens there"
            for socket in strangers
        }
    places = dict.fromkeys((known or services(host)).url(socket) for socket in strangers[:_MOST])
    endpoints = [Endpoint(url=url + _BASES[0], timeout_s=_SECONDS) for url in places]
    found: dict[str, str] = {}
    faults: list[Unobservable] = []
    for endpoint in endpoints:
        reply = _asked(host, endpoint)
        if isinstance(reply, Unobservable):
            secure = replace(endpoint, url=endpoint.url.replace("http:", "https:", 1), trusts_all=True)
            over_tls = _asked(host, secure)
            if isinstance(over_tls, Unobservable):
                _, _, no_tls = over_tls.detail.partition(_NO_TLS_BEGINS)
                speaks_otherwise = _NO_HTTP in reply.detail and _NO_TLS.search(no_tls)
                faults += [] if speaks_otherwise else [reply]
                continue
            endpoint, reply = secure, over_tls  # noqa: PLW2901 - what answers is judged
        found |= _told(host, endpoint, reply, faults)
    raise_unless(found, faults)
    return found


def _told(host: Host, endpoint: Endpoint, reply: Reply, faults: list[Unobservable]) -> dict[str, str]:
    """Return what a server says of models at any of the usual places, by the base of the API."""
    top = endpoint.url.removesuffix(_BASES[0])
    for base in _BASES:
        place = replace(endpoint, url=top + base)
        said = reply if base == _BASES[0] else _asked(host, place)
        if isinstance(said, Unobservable):
            faults.append(said)
            break
        if _BROKEN.search(said.body):
            faults.append(Unobservable("parse", f"{place.url} (models): the answer is not UTF-8"))
            break
        if what := _UNSEEN.get(said.status) or _listed(said):
            return {place.url: what}
        if said.status != 404:
            break
    return {}


def _asked(host: Host, endpoint: Endpoint) -> Reply | Unobservable:
    (reply,) = send(host, endpoint, [("models", command(endpoint, "/models", request_id="models"))])
    if isinstance(reply, Unobservable) and reply.reason in {"tool_missing", "privilege"}:
        raise reply
    return reply


def _listed(reply: Reply) -> str:
    """Return what is listed in the form of OpenAI's API; empty where nothing is."""
    try:
        answer = reply.json()
    except Unobservable:
        return ""
    listed = answer.get("data")
    if reply.status != 200:
        return ""
    if isinstance(listed, list) and any(
        isinstance(item, dict) and isinstance(item.get("id"), str) for item in listed
    ):
        return LISTS
    return "lists no model now" if answer.get("object") == "list" and not listed else ""


def unserved(host: Host, endpoint: str, parameter: str, *, ask: bool) -> tuple[str, tuple[str, str]]:
    """Return that no model is served, and where one may be nevertheless, both for people.

    The first is empty where something listens at the endpoint, or a known model server runs. The second is
    the `elsewhere` of `not_applicable`; nothing is looked for where somebody has declared the endpoint.

    Args:
        host: the host to ask.
        endpoint: the URL of the API.
        parameter: the name of the parameter that declares it.
        ask: whether requests may be sent, as for `other_apis`.

    Raises:
        Unobservable: as `other_apis` does, or when listeners or processes cannot be told.

    """
    if is_listening(host, endpoint) is not False or model_servers(host):
        return "", ("", "")
    absent = f"nobody listens at {endpoint}"
    others = {} if is_declared(parameter) else other_apis(host, ask=ask)
    found = f"{absent}; declare what is a model ({parameter}): {others}" if others else ""
    return f"{absent}, and no known model server runs", (found, "")
