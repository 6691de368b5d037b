"""The files of a running nginx, read with the rights of its main process; whether it runs what they say."""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_aisec.facts.system.rights import given_text, with_rights
from pytest_aisec.facts.system.running_config import stale
from pytest_aisec.facts.system.services import Service
from pytest_aisec.facts.web.nginx_syntax import DEPTH, Directive, parse
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["Configuration", "configuration", "main_processes", "nginx_version", "not_reloaded"]


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """Contents of the files of an nginx."""

    directives: tuple[Directive, ...]
    """With the included files in their places."""
    files: tuple[str, ...]
    """All that was read, and the directories in which files were looked for."""


def main_processes(running: Sequence[Service]) -> list[Service]:
    """Return the processes of nginx that read the configuration: not its workers."""
    helpers = re.compile(r"nginx: (worker|cache)\b")
    return [one for one in running if not helpers.match(" ".join(one.arguments))]


def nginx_version(host: Host) -> tuple[int, ...]:
    """Return the version of the nginx on the PATH, three numbers; OpenResty's own four begin with nginx's.

    Raises:
        Unobservable: when it says none.

    """
    result = host.run("nginx -v")
    said = result.stdout + result.stderr
    match = re.search(r"(?:nginx|openresty)/(\d+)\.(\d+)\.(\d+)", said)
    if match is None:
        raise Unobservable("parse", f"nginx -v: {said.strip()[:80]!r}")
    return tuple(map(int, match.groups()))


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
    """Place in which the files of one nginx lie."""

    host: Host
    service: Service
    directory: str
    """Of the main file; relative paths begin there."""
    used: list[str] = field(default_factory=list)
    """The files that were read, and the directories in which some were looked for."""

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
        paths: dict[str, str] = {}
        for line in given_text(answer, f"nginx: {directory} as uid {service.rights.uid}").splitlines():
            path, mark, text = line.partition("\0")
            if not mark:
                raise Unobservable("parse", "a file of nginx looks like a credential and hides others")
            if path not in paths:
                paths[path] = posixpath.normpath(path.removeprefix(here))
            lines.setdefault(paths[path], []).append(text)
        return {path: "\n".join(texts) for path, texts in lines.items()}


def configuration(host: Host, service: Service) -> Configuration:
    """Return the configuration of a running nginx.

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
    place.used.append(main)
    directives = tuple(_expanded(parse(files[main]), files, place, 0))
    return Configuration(
        directives=directives,
        files=tuple(dict.fromkeys(service.root + path for path in place.used)),
    )


def not_reloaded(
    host: Host, service: Service, running: Sequence[Service], files: Sequence[str]
) -> Unobservable | None:
    """Return why an nginx may run something else than its files say; `None` where it does not.

    Args:
        host: where it runs.
        service: its main process, which starts new workers when it has read its files.
        running: all processes of nginx.
        files: those that it has read, as the host names them.

    """
    titles = {one.pid: " ".join(one.arguments) for one in running}
    workers = [
        pid
        for pid, title in titles.items()
        if title.startswith("nginx: worker") and "shutting down" not in title
    ]
    return stale(host, service.pid, files, what="nginx", children=workers)


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
    place.used.append(posixpath.dirname(pattern) if re.search(r"[*?\[]", pattern) else pattern)
    if pattern.startswith(f"{place.directory}/"):
        found = {path: text for path, text in files.items() if _matches(path, pattern)}
        place.used.extend(found)
        return [found[path] for path in sorted(found)]
    directory, name = posixpath.split(pattern)
    if re.search(r"[*?\[]", directory):
        raise Unobservable(
            "parse", f"include {pattern}: wildcards in a directory outside of {place.directory}"
        )
    found = place.files(directory, "-maxdepth", "1", "-name", name)
    place.used.extend(found)
    return [found[path] for path in sorted(found)]


def _matches(path: str, pattern: str) -> bool:
    return path.count("/") == pattern.count("/") and fnmatch.fnmatchcase(path, pattern)
