"""nginx: its configuration as it lies on disk, and what holds where it leads to another service.

Read from the files: `nginx -T` would create files that are missing. A configuration that was changed and not
yet reloaded is judged as it will be.
"""

from __future__ import annotations

import fnmatch
import ipaddress
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_aisec.facts.core.formats import is_number
from pytest_aisec.facts.system.rights import given_text, with_rights
from pytest_aisec.facts.system.services import Service
from pytest_aisec.facts.web.nginx_syntax import DEPTH, Directive, parse
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["Directive", "Server", "configuration", "main_processes", "parse", "servers"]

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

    def effective(self, name: str) -> tuple[Directive, ...]:
        """Return the directives of that name that hold for the whole server."""
        return Location(path="server", chain=self.chain).effective(name)

    @property
    def label(self) -> str:
        """Name and ports, for people."""
        ports = ", ".join(str(port) for _, port, _ in self.listens)
        return f"{' '.join(self.names) or '_'} port {ports}"


def main_processes(running: Sequence[Service]) -> list[Service]:
    """Return the processes of nginx that read the configuration: not its workers."""
    helpers = re.compile(r"nginx: (worker|cache)\b")
    return [one for one in running if not helpers.match(" ".join(one.arguments))]


def _main_file(service: Service) -> str:
    words = " ".join(service.arguments).split()
    given = [words[i + 1] for i, word in enumerate(words[:-1]) if word == "-c"]
    if any(word == "-p" for word in words) or (given and not given[0].startswith("/")):
        raise Unobservable("unreadable", "nginx has a prefix of its own: where its files lie is not known")
    return given[0] if given else "/etc/nginx/nginx.conf"


_READ = (
    'd=$1; shift; if test -e "$d" || ! stat -L -- "$d" 2>&1 | grep -q "No such file"; then '
    'find -L "$d" "$@" -type f -print | while IFS= read -r f; '
    'do g "$f" | grep -aHZ --label="$f" ""; done; fi; :'
)
_NO_SETTINGS = ("*.key", "*.pem", "*.crt", "*.p12", "*htpasswd*")


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Where the files of one nginx lie."""

    host: Host
    service: Service
    directory: str
    """Of the main file; relative paths begin there."""

    def files(self, directory: str, *conditions: str) -> dict[str, str]:
        """Return the texts of files in a directory, by path, read with the rights of the main process."""
        service = self.service
        if service.rights is None:
            raise Unobservable("unreadable", f"nginx ({service.pid}) has ended")
        here = "." if service.root else ""
        answer = self.host.run(
            *with_rights(service.rights, _READ, f"{here}{directory}/", *conditions, root=service.root)
        )
        lines: dict[str, list[str]] = {}
        for line in given_text(answer, f"nginx: {directory} as uid {service.rights.uid}").splitlines():
            path, mark, text = line.partition("\0")
            if not mark:
                raise Unobservable("parse", "a file of nginx looks like a credential and hides others")
            lines.setdefault(posixpath.normpath(path.removeprefix(here)), []).append(text)
        return {path: "\n".join(texts) for path, texts in lines.items()}


def configuration(host: Host, service: Service) -> tuple[Directive, ...]:
    """Return the configuration of a running nginx, with the included files in their places.

    Args:
        host: where it runs.
        service: its main process.

    Raises:
        Unobservable: when a file cannot be read with the rights of that process.

    """
    main = _main_file(service)
    place = _Place(host=host, service=service, directory=posixpath.dirname(main))
    conditions = [word for name in _NO_SETTINGS for word in ("!", "-name", name)]
    files = place.files(place.directory, *conditions)
    if main not in files:
        raise Unobservable("unreadable", f"{service.root}{main} is not there")
    return tuple(_expanded(parse(files[main]), files, place, 0))


def _expanded(
    directives: Sequence[Directive], files: Mapping[str, str], place: _Place, depth: int
) -> Iterator[Directive]:
    if depth > DEPTH:
        raise Unobservable("truncated", "files of nginx include each other too deeply")
    for one in directives:
        if one.name == "include" and one.args:
            named = one.args[0]
            pattern = posixpath.normpath(posixpath.join(place.directory, named))
            for text in _included(pattern, files, place):
                yield from _expanded(parse(text), files, place, depth + 1)
        elif one.block:
            block = tuple(_expanded(one.block, files, place, depth))
            yield Directive(name=one.name, args=one.args, block=block)
        else:
            yield one


def _included(pattern: str, files: Mapping[str, str], place: _Place) -> list[str]:
    if pattern.startswith(f"{place.directory}/"):
        return [files[path] for path in sorted(files) if _matches(path, pattern)]
    directory, name = posixpath.split(pattern)
    if re.search(r"[*?\[]", directory):
        raise Unobservable(
            "parse", f"include {pattern}: wildcards in a directory outside of {place.directory}"
        )
    found = place.files(directory, "-maxdepth", "1", "-name", name)
    return [found[path] for path in sorted(found)]


def _matches(path: str, pattern: str) -> bool:
    return path.count("/") == pattern.count("/") and fnmatch.fnmatchcase(path, pattern)


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
