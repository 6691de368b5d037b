"""A model behind an OpenAI-compatible API, asked with `curl` on the host.

Every request is one question with an `X-Request-Id` of its own, so that no two samples are the same question:
a UUID, as some servers (those of starlette-context) refuse anything else, and the same in each audit.
The API's key is read by the host's own `sed` into a pipe: it is in no argument and in no transcript.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field

from pytest_aisec.facts.core.formats import json_object, reads
from pytest_aisec.facts.core.together import outcomes
from pytest_aisec.facts.system.sockets import socket_table
from pytest_aisec.observe.faults import Reason, Unobservable
from pytest_aisec.observe.question_cache import ONCE

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = [
    "ApiUrl",
    "Command",
    "Endpoint",
    "NoSuchRouteError",
    "Reply",
    "command",
    "is_listening",
    "literal",
    "place",
    "printed",
    "read_reply",
    "refuse",
    "send",
]

ApiUrl = Annotated[str, Field(pattern=r"^https?://[^\s/@]+")]
"""Without credentials, such as `http://127.0.0.1:8000/v1`."""

Command = tuple[str, tuple[str, ...]]
"""A shell command for `host.run`, and its arguments."""

MOST_BYTES = 1024 * 1024
"""The most that is read of one answer."""

_TRAILER = re.compile(r"\n(?P<status>\d{3}) (?P<seconds>\d+\.\d+) (?P<exit>\d+)\n\Z")
_KEY = (
    "sed -n -e 's/[[:space:]]*$//' -e 's/[\\\\\"]/\\\\&/g' "
    "-e '1s/.*/header = \"Authorization: Bearer &\"/p' -- %s"
)
"""Prints the first line of a file as a line of curl's configuration."""

_CURL: Mapping[str, Reason] = {
    "6": "unreachable",
    "7": "unreachable",
    "28": "timeout",
    "35": "unreachable",
    "52": "unreachable",
    "56": "unreachable",
    "60": "unreachable",
}
_STATUS: Mapping[int, Reason] = {401: "auth", 403: "auth", 407: "auth", 408: "timeout", 504: "timeout"}


class NoSuchRouteError(Unobservable):
    """The server answered, and says that it does not offer this route (HTTP 404, 405 or 501)."""


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Address at which a model answers."""

    url: str
    """Up to and with the version, such as `http://127.0.0.1:8000/v1`."""
    key_file: str = ""
    """A file on the host whose first line is the key; none where it is empty."""
    timeout_s: float = 25
    """The most that one answer may take, in seconds; the target's own watchdog may be earlier."""
    model: str = ""
    """The id that requests name."""
    trusts_all: bool = False
    """Whether any certificate will do: only where nothing is sent that anybody may not read."""

    def at(self, route: str) -> str:
        """Return the address of `route`, such as `/models`."""
        return self.url.rstrip("/") + route


@dataclass(frozen=True, kw_only=True)
class Reply:
    """Response over HTTP, whatever its status."""

    status: int
    seconds: float
    body: str

    def json(self) -> dict[str, Any]:
        """Return the body's object.

        Raises:
            Unobservable: `parse`, when it is none.

        """
        return json_object(self.body, f"the answer {self.body[:60]!r}", strict=False)


def place(url: str) -> tuple[str, int]:
    """Return the host name and the port of `url`.

    Raises:
        Unobservable: `parse` where it is no address.

    """
    try:
        parts = urlsplit(url)
        return (parts.hostname or "").lower(), parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise Unobservable("parse", f"{url}: {error}") from None


def is_listening(host: Host, url: str) -> bool | None:
    """Tell whether anything listens at `url` on the host itself; `None` where it lies elsewhere.

    No request is sent: the table of sockets says so.

    Raises:
        Unobservable: `parse` where `url` is none, and as `socket_table`.

    """
    name, port = place(url)
    if name not in {"localhost", "::1", "0.0.0.0", "::"} and not name.startswith("127."):  # noqa: S104
        return None
    return any(
        socket.protocol == "tcp" and socket.local_port == port and (socket.is_wildcard or socket.is_loopback)
        for socket in socket_table(host).listeners
    )


def printed(host: Host, commands: Sequence[Command]) -> list[str | Unobservable]:
    """Return what each of `commands` printed on both streams, a zero byte between, or why that is not known.

    None waits for the answer of another.
    """

    def running(command: str, arguments: tuple[str, ...]) -> Callable[[], str]:
        def run() -> str:
            result = host.run(command, *arguments)
            return f"{result.stdout}\0{result.stderr}"

        return run

    return outcomes([running(*command) for command in commands])


def literal(text: str) -> Command:
    """Return the shell command that prints `text`."""
    return "printf '%%s' %s", (text,)


def _uuid(name: str) -> uuid.UUID:
    """Return a UUID of version 4 in form, which `name` alone decides."""
    return uuid.UUID(bytes=hashlib.sha256(name.encode()).digest()[:16], version=4)


def command(
    endpoint: Endpoint,
    route: str,
    *,
    request_id: str,
    body: Command | None = None,
    timeout_s: float | None = None,
) -> Command:
    """Return the shell command of one request, and its arguments.

    Args:
        endpoint: where.
        route: such as `/models`.
        request_id: tells this request from all others.
        body: prints what is posted; a GET where it is `None`.
        timeout_s: for this request; the endpoint's otherwise.

    """
    source, arguments = body or ("", ())
    posting = "-H 'Content-Type: application/json' --data-binary @- " if body else ""
    curl = (
        "{ curl -q -sS -g --noproxy '*' --proto =http,https -m %s -H %s "
        + posting
        + ("-K /dev/fd/3 " if endpoint.key_file else "")
        + ("-k " if endpoint.trusts_all else "")
        + "-w '\\n%%{http_code} %%{time_total} ' --url %s; echo \"$?\"; }"
    )
    arguments = (
        *arguments,
        f"{timeout_s or endpoint.timeout_s:g}",
        f"X-Request-Id: {_uuid(f'{endpoint.at(route)} {request_id}')}",
        endpoint.at(route),
    )
    asking = (f"{source} | " if body else "") + f"{curl} | head -c {MOST_BYTES}"
    if endpoint.key_file:
        asking = f"{_KEY} | {{ {asking}; }} 3<&0"
        arguments = (endpoint.key_file, *arguments)
    return f"{asking} {ONCE}", arguments


@reads
def read_reply(output: str, where: str) -> Reply:
    """Read what `command` printed on both streams, separated by a zero byte.

    Raises:
        Unobservable: when no HTTP answer came, or not the whole of it.

    """
    stdout, _, stderr = output.rpartition("\0")
    match = _TRAILER.search(stdout)
    complaints = [line.strip() for line in stderr.splitlines() if line.strip()]
    for line in complaints:
        if line.endswith("not found"):
            raise Unobservable("tool_missing", line)
        if "ermission denied" in line:
            raise Unobservable("privilege", line)
        if not line.startswith("curl: ("):
            raise Unobservable("unreadable", line)
    if match is None:
        if len(stdout) < MOST_BYTES // 4 and "«redacted:private-key" not in stdout:
            raise Unobservable("unreadable", f"{where}: curl ended without saying how")
        raise Unobservable("truncated", f"{where}: the answer is longer than {MOST_BYTES} bytes")
    hung_up = match["exit"] in {"55", "56"} and match["status"].startswith("4")
    if match["exit"] != "0" and not hung_up:
        text = complaints[-1] if complaints else f"curl ended with {match['exit']}"
        reason: Reason = "tool_missing" if match["exit"] in {"126", "127"} else "unreadable"
        raise Unobservable(_CURL.get(match["exit"], reason), f"{where}: {text}")
    return Reply(status=int(match["status"]), seconds=float(match["seconds"]), body=stdout[: match.start()])


def refuse(reply: Reply, where: str) -> None:
    """Raise why a reply is no answer, by its HTTP status; 200 is one.

    Raises:
        NoSuchRouteError: where the server does not offer what was asked.
        Unobservable: for any other status.

    """
    if reply.status == 200:
        return
    text = " ".join(reply.body.split())[:160]
    hints = {404: "; is this the base of an OpenAI-compatible API?", 429: "; slow down, or lift the limit"}
    kind = NoSuchRouteError if reply.status in {404, 405, 501} else Unobservable
    raise kind(
        _STATUS.get(reply.status, "unreadable"),
        f"{where}: HTTP {reply.status}{hints.get(reply.status, '')} {text}".rstrip(),
    )


def send(
    host: Host, endpoint: Endpoint, requests: Sequence[tuple[str, Command]]
) -> list[Reply | Unobservable]:
    """Send `requests`, each a name and a `command`, in this order, and return what came of each."""
    replies: list[Reply | Unobservable] = []
    outputs = printed(host, [request for _, request in requests])
    for (name, _), output in zip(requests, outputs, strict=True):
        where = f"{endpoint.url} ({name})"
        if isinstance(output, Unobservable):
            replies.append(output)
            continue
        try:
            replies.append(read_reply(output, where))
        except Unobservable as fault:
            replies.append(fault)
    return replies
