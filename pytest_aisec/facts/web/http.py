"""HTTP requests that a host sends to its own services, with `curl`, and what the answers mean.

Only for controls that `is_active()` allows to send requests. Nothing that changes state is ever sent.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = [
    "Access",
    "Fingerprint",
    "Request",
    "Response",
    "access",
    "basic",
    "exchange",
    "schemes",
    "unauthenticated",
]

_SHOWN = 4096
"""Bytes of an answer that are read."""

_CURL = "curl -q -sS -i -k -g --noproxy '*' --path-as-is --connect-timeout 3 --max-time 4 -A pytest-aisec"
_MALFORMED = "{"
"""The body of a POST: no server can do anything with it but refuse."""
_POINTLESS = '{"model": "aisec-no-such-model"}'
"""JSON that asks for nothing, of a model that does not exist."""

Access = Literal["refused", "absent", "open", "page"]
"""`refused`: 401, 403 or a way to a log-in. `absent`: nothing is served there. `open`: the service answered,
or found fault with the request itself. `page`: a page for people, which says nothing of what lies behind."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request."""

    url: str
    method: Literal["GET", "HEAD", "OPTIONS", "POST"] = "GET"
    """A POST has a body that is not JSON although it says so."""
    authorization: str = ""
    """The value of that header; never a real credential."""
    well_formed: bool = False
    """A POST has a body that is JSON and asks for nothing: some servers read it before they ask for a key."""

    @property
    def path(self) -> str:
        """Path of the request, for people."""
        return f"{self.method} {urlsplit(self.url).path or '/'}"


@dataclass(frozen=True, kw_only=True)
class Response:
    """The first bytes of an answer."""

    request: Request
    status: int
    """0 where there was no answer in HTTP."""
    headers: Mapping[str, str]
    """By name in lower case."""
    body: str
    failure: str = ""
    """What curl said where there is no answer, or only a part of one."""
    code: int = 0
    """The number that curl gave with the failure."""

    @property
    def is_refused_connection(self) -> bool:
        """Whether nobody listens there."""
        return self.status == 0 and self.code == 7 and "refused" in self.failure

    @property
    def is_no_http(self) -> bool:
        """Whether something answered that does not speak HTTP."""
        return self.status == 0 and self.code in {1, 35, 52, 56}

    @property
    def is_html(self) -> bool:
        """Whether it is a page for people."""
        shown = self.body.strip()
        return shown.startswith("<") or (not shown and "html" in self.headers.get("content-type", ""))

    @property
    def summary(self) -> str:
        """Status or failure, for people."""
        return str(self.status) if self.status else self.failure or "no answer"


def exchange(host: Host, requests: Sequence[Request]) -> tuple[Response, ...]:
    """Send requests one after the other and return the answers; redirects are not followed.

    Raises:
        Unobservable: `tool_missing` without curl on the host; `parse` when the answers cannot be told apart.

    """
    if not requests:
        return ()
    parts, values = [], list[str]()
    for request in requests:
        options = {"GET": "", "HEAD": " -I", "OPTIONS": " -X OPTIONS", "POST": " --data-binary %s"}
        command = _CURL + options[request.method]
        if request.method == "POST":
            command += " -H 'Content-Type: application/json'"
            values.append(_POINTLESS if request.well_formed else _MALFORMED)
        if request.authorization:
            command += " -H %s"
            values.append(f"Authorization: {request.authorization}")
        values.append(request.url)
        parts.append(f"{command} -- %s 2>&1 | head -c {_SHOWN} | tr -d '\\000'; printf '\\n\\000'")
    answer = host.run("; ".join(parts), *values)
    return read_answers(requests, answer.stdout, answer.stderr)


def read_answers(requests: Sequence[Request], stdout: str, stderr: str) -> tuple[Response, ...]:
    """Read what was printed for some requests.

    Raises:
        Unobservable: as `exchange` does.

    """
    problem = stderr.strip() or next(
        (
            line
            for line in stdout.splitlines()
            if re.fullmatch(r"\S+: (\d+: |line \d+: )?curl: .*not found", line)
        ),
        "",
    )
    if problem:
        missing = "not found" in problem or "ermission denied" in problem
        raise Unobservable("tool_missing" if missing else "unreadable", problem.splitlines()[-1])
    texts = stdout.split("\n\0")
    if len(texts) != len(requests) + 1 or texts[-1].strip("\n"):
        raise Unobservable("parse", f"{len(requests)} requests gave {len(texts) - 1} answers")
    return tuple(_read(request, text) for request, text in zip(requests, texts, strict=False))


_STATUS = re.compile(r"HTTP/[0-9.]+ (?P<status>\d{3})[^\n]*\n(?P<head>(?:[^\S\n]*+\S[^\n]*+\n)*+)(?:\r?\n|$)")
_FAILURE = re.compile(r"^curl: \((?P<code>\d+)\) (?P<text>.*)$", re.MULTILINE)


def _read(request: Request, text: str) -> Response:
    text = text.lstrip("\n")
    failed = _FAILURE.search(text)
    status, headers, end = 0, dict[str, str](), 0
    while match := _STATUS.match(text, end):
        status, end = int(match["status"]), match.end()
        headers = {}
        for line in match["head"].splitlines():
            name, colon, value = line.partition(":")
            if colon:
                headers[name.strip().lower()] = value.strip()
        if status >= 200:
            break
    if status < 200:
        status = 0
    if not status and failed is None:
        raise Unobservable("parse", f"curl printed no answer of {request.url}: {text[:100]!r}")
    return Response(
        request=request,
        status=status,
        headers=headers,
        body=text[end:],
        failure=failed["text"] if failed and not status else "",
        code=int(failed["code"]) if failed and not status else 0,
    )


_LOGIN = re.compile(
    r"log-?_?in|sign-?_?in|auth(?!or)|oauth|oidc|saml|sso|session/new|/hub/|keycloak|consent", re.IGNORECASE
)
_REFUSALS = re.compile(
    r"unauthori[sz]ed|not authori[sz]ed|forbidden|authentication|unauthenticated|api.?key|credential|log.?in"
    r"|access denied|permission",
    re.IGNORECASE,
)


def access(response: Response, *, elsewhere: Response | None = None) -> Access:
    """Tell whether somebody without a credential gets through to a route.

    Args:
        response: of the route.
        elsewhere: the answer to the same kind of request for a route that cannot exist: who answers both
            alike does not serve this one.

    Raises:
        Unobservable: where the answer says neither: 5xx, 429, no answer, a redirect to somewhere else, or a
            success that talks of missing rights.

    """
    status, what = response.status, f"{response.request.path} at {_place(response)}"
    if not status:
        timed_out = response.code == 28
        raise Unobservable("timeout" if timed_out else "unreadable", f"{what}: {response.summary}")
    if status in {401, 403, 407, 511}:
        return "refused"
    if status in {404, 405, 410, 501}:
        return "absent"
    if 300 <= status < 400:
        return _redirected(response, what)
    if status >= 300 and status not in {400, 411, 413, 415, 422}:
        raise Unobservable("unreadable", f"{what} answered {status}, which says nothing about access")
    alike = elsewhere is not None and elsewhere.status == status
    if alike and elsewhere is not None and _gist(elsewhere) == _gist(response):
        return "absent"
    if status < 300 and response.is_html:
        return "page"
    if status < 300 and re.match(r'\s*\{\s*"(error|detail|message)"', response.body):
        said = response.body[:300]
        if _REFUSALS.search(said):
            raise Unobservable("parse", f"{what} answered {status} with an error in it: {said[:120]!r}")
    return "open"


def _gist(response: Response) -> str:
    """Return the body without what repeats the request or differs from answer to answer."""
    path = urlsplit(response.request.url).path
    return re.sub(r"[0-9a-f]{8,}|\d+", "#", response.body.replace(path, ""))


def _place(response: Response) -> str:
    parts = urlsplit(response.request.url)
    return f"{parts.scheme}://{parts.netloc}"


def _redirected(response: Response, what: str) -> Access:
    asked, target = urlsplit(response.request.url), response.headers.get("location", "")
    goal = urlsplit(target)
    if not target:
        raise Unobservable("parse", f"{what} answered {response.status} without saying where to")
    if _LOGIN.search(goal.path) or _LOGIN.search(goal.netloc):
        return "refused"
    to_tls = asked.scheme == "http" and goal.scheme == "https"
    same_path = goal.path.rstrip("/") == asked.path.rstrip("/")
    if to_tls and same_path:
        return "absent"
    raise Unobservable(
        "parse", f"{what} answered {response.status} to {target[:120]}: neither refused nor served"
    )


def schemes(host: Host, urls: Sequence[str]) -> tuple[dict[str, str], list[Unobservable]]:
    """Find out how listeners are to be spoken to.

    Args:
        host: the host that sends the requests.
        urls: such as `http://10.0.0.1:80`.

    Returns:
        By URL `http`, `https`, or nothing for what speaks neither or does not answer, and why that is.

    """
    requests = []
    for url in urls:
        requests += [Request(url=f"{url}/"), Request(url=f"{url.replace('http://', 'https://', 1)}/")]
    answers = exchange(host, requests)
    found: dict[str, str] = {}
    faults = []
    for url, plain, secure in zip(urls, answers[::2], answers[1::2], strict=True):
        found[url] = "https" if secure.status else "http" if plain.status else ""
        if not found[url] and not (plain.is_no_http or secure.is_no_http):
            reason: Literal["timeout", "unreadable"] = "timeout" if plain.code == 28 else "unreadable"
            faults.append(Unobservable(reason, f"{url} does not answer: {plain.failure}"))
    return found, faults


@dataclass(frozen=True, kw_only=True)
class Fingerprint:
    """Marks by which an application is known: what it answers to somebody without a credential."""

    name: str
    path: str
    body: str
    """A pattern that its answer contains, and hardly another's."""
    authorization: str = ""
    """The value of that header: a credential that is published, and so none."""


def basic(user: str, password: str) -> str:
    """Return the value of the header `Authorization` for a published user and password."""
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def unauthenticated(
    host: Host, urls: Sequence[str], marks: Sequence[Fingerprint]
) -> tuple[dict[str, list[str]], list[Unobservable], set[tuple[str, str]]]:
    """Return which applications answer at some listeners to somebody without a credential.

    Args:
        host: the host that sends the requests.
        urls: listeners such as `http://10.0.0.1:80`.
        marks: what to ask there.

    Returns:
        By listener what answered, such as `GET /api/tags (ollama)`; why some answers say nothing; and which
        listeners (as in `urls`) refused what is asked of which application.

    """
    spoken, faults = schemes(host, urls)
    asked = [(url, mark) for url, scheme in spoken.items() if scheme for mark in marks]
    requests = [
        Request(url=f"{url.replace('http', spoken[url], 1)}{mark.path}", authorization=mark.authorization)
        for url, mark in asked
    ]
    found: dict[str, list[str]] = {}
    refused: set[tuple[str, str]] = set()
    for (url, mark), response in zip(asked, exchange(host, requests), strict=True):
        try:
            answer = access(response)
        except Unobservable as fault:
            faults.append(fault)
            continue
        if answer == "open" and response.status < 300 and re.search(mark.body, response.body):
            found.setdefault(_place(response), []).append(f"{response.request.path} ({mark.name})")
        if answer == "refused":
            refused.add((url, mark.name))
    return found, faults, refused
