"""nginx: its configuration as it lies on disk, and what holds where it leads to another service.

Read from the files: `nginx -T` would create files that are missing.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pytest_aisec.facts.core.formats import is_number
from pytest_aisec.facts.web.nginx_syntax import Directive
from pytest_aisec.observe.faults import Unobservable

__all__ = ["Location", "Server", "servers"]

_PASSES = frozenset({"proxy_pass", "grpc_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass"})


_FURTHER = re.compile(r"\b(?:capture|capture_multi|exec|require|socket|dofile|loadfile)\b")


@dataclass(frozen=True, kw_only=True)
class Location:
    """A place that passes requests on."""

    path: str
    """As after `location`; `server` for what stands outside of one."""
    chain: tuple[Directive, ...]
    """The blocks around it, `http` first, itself last."""

    def effective(self, name: str) -> tuple[Directive, ...]:
        """Return the directives of that name that hold: those of the innermost block that has any."""
        return next((found for block in reversed(self.chain) if (found := block.all(name))), ())

    @property
    def programs(self) -> tuple[str, ...]:
        """The names of directives that run a program on each request before it is passed on."""
        return tuple(
            one.name
            for block in self.chain
            for one in block.block
            if re.fullmatch(
                r"(?:access|rewrite|content)_by_lua(?:_block|_file)?|js_content|js_access", one.name
            )
        )


@dataclass(frozen=True, kw_only=True)
class Server:
    """One `server` block."""

    names: tuple[str, ...]
    listens: tuple[tuple[str, int, bool], ...]
    """Address (`*` for every), port, and whether it speaks TLS; without sockets of the file system."""
    locations: tuple[Location, ...]
    """Those that pass requests on."""
    chain: tuple[Directive, ...]
    """`http` and the block itself."""

    @property
    def exposed(self) -> tuple[tuple[str, int, bool], ...]:
        """The listens that others than this host reach."""
        return tuple(one for one in self.listens if not _is_loopback(one[0]))

    @property
    def only_redirects(self) -> bool:
        """Whether everything is sent on to a place with TLS before any location is looked for."""
        return any(
            one.args[:1]
            and one.args[0] in {"301", "302", "307", "308"}
            and one.args[-1].startswith("https://")
            for one in self.chain[-1].all("return")
        )

    def effective(self, name: str) -> tuple[Directive, ...]:
        """Return the directives of that name that hold for the whole server."""
        return Location(path="server", chain=self.chain).effective(name)

    @property
    def label(self) -> str:
        """Name and ports, for people."""
        ports = ", ".join(str(port) for _, port, _ in self.listens)
        return f"{' '.join(self.names) or '_'} port {ports}"


def servers(directives: Sequence[Directive]) -> tuple[Server, ...]:
    """Return the servers of a configuration that speak HTTP."""
    found = []
    for http in (one for one in directives if one.name == "http"):
        for server in http.all("server"):
            chain = (http, server)
            names = tuple(
                name for one in server.all("server_name") for name in one.args if name not in {"_", ""}
            )
            found.append(
                Server(
                    names=names,
                    listens=tuple(_listens(server)),
                    locations=tuple(_locations(chain, "server")),
                    chain=chain,
                )
            )
    return tuple(found)


def _listens(server: Directive) -> Iterator[tuple[str, int, bool]]:
    everywhere = any(one.args[:1] == ("on",) for one in server.all("ssl"))
    given = server.all("listen") or (Directive(name="listen", args=("80",)),)
    for one in given:
        where = one.args[0] if one.args else "80"
        if where.startswith("unix:"):
            continue
        is_tls = everywhere or "ssl" in one.args or "quic" in one.args
        address, colon, port = where.rpartition(":")
        if where.endswith("]") or (not colon and not is_number(where)):
            address, port = where, "80"
        if not is_number(port):
            raise Unobservable("parse", f"nginx: listen {where}")
        yield address.strip("[]") or "*", int(port), is_tls


def _locations(chain: tuple[Directive, ...], path: str) -> Iterator[Location]:
    here = chain[-1]
    if any(one.name in _PASSES or _may_pass(one) for one in here.block):
        yield Location(path=path, chain=chain)
    for one in here.block:
        if one.name == "location":
            yield from _locations((*chain, one), " ".join(one.args))
        elif one.name in {"if", "limit_except"}:
            yield from _locations((*chain, one), path)


def _may_pass(one: Directive) -> bool:
    """Tell whether a program may pass requests on: one that is not here to read, or that reaches further."""
    kind = re.fullmatch(r"content_by_(?:lua|js)(?:_(file|block))?|js_content", one.name)
    code = " ".join(one.args)
    return kind is not None and (
        not one.name.startswith("content_by_lua") or kind[1] == "file" or bool(_FURTHER.search(code))
    )


def _is_loopback(address: str) -> bool:
    if address in {"*", "localhost"}:
        return address == "localhost"
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
