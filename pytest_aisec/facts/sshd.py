"""The SSH server: whether there is one, and what its configuration comes to."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from pytest_aisec.facts.processes import QUESTIONS as PROCESSES
from pytest_aisec.facts.processes import Process, processes
from pytest_aisec.facts.sockets import socket_table
from pytest_aisec.observe.backend import foresee
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["Conditional", "Effective", "effective", "is_absent", "parse_conditionals"]

SSH_PORT = 22
_MOST_FILES = 16
_MAIN = "/etc/ssh/sshd_config"
_INCLUDED = "find -L %s -maxdepth 1 -type f -name %s -print"


@dataclass(frozen=True, kw_only=True)
class Conditional:
    """A setting that holds only where a `Match` line says so."""

    where: str
    """File, line and condition."""
    keyword: str
    """In lower case."""
    value: str


@dataclass(frozen=True, kw_only=True)
class Effective:
    """What one running SSH server enforces."""

    settings: Mapping[str, tuple[str, ...]]
    """Keyword in lower case → values, one for each line of `sshd -T`."""
    conditionals: tuple[Conditional, ...]

    def value(self, keyword: str) -> str:
        """Return the single value of `keyword`, empty where this version has no such setting."""
        return self.settings.get(keyword, ("",))[0]


def _program(host: Host) -> str | None:
    found = host.run("command -v sshd")
    return found.stdout.strip() or None if found.rc == 0 else None


def _servers(running: tuple[Process, ...]) -> list[Process]:
    return [process for process in running if process.name == "sshd"]


def is_absent(host: Host) -> bool:
    """Tell whether it was observed that no SSH server is installed, runs, or listens on port 22."""
    return (
        _program(host) is None
        and not any(socket.local_port == SSH_PORT for socket in socket_table(host).listeners)
        and not _servers(processes(host))
    )


def _options(process: Process) -> tuple[str, ...]:
    """Return the options of a listening server that change what it enforces: `-f FILE` and `-o SETTING`."""
    title = " ".join(process.arguments)
    words = re.sub(r"^sshd: (?P<args>.*?) \[listener\].*$", r"\g<args>", title).split()
    kept: list[str] = []
    position = 1
    while position < len(words):
        word = words[position]
        flag, glued = word[:2], word[2:]
        if flag in {"-f", "-o"}:
            value = glued or (words[position + 1] if position + 1 < len(words) else "")
            kept += [flag, value]
            position += 1 if glued else 2
        else:
            position += 1
    return tuple(kept)


def parse_settings(text: str) -> dict[str, tuple[str, ...]]:
    """Return what `sshd -T` printed.

    Raises:
        Unobservable: `parse`, when it is not that.

    """
    settings: dict[str, tuple[str, ...]] = {}
    for line in text.splitlines():
        keyword, _, value = line.strip().partition(" ")
        if keyword:
            settings[keyword.lower()] = (*settings.get(keyword.lower(), ()), value.strip())
    if "permitrootlogin" not in settings or "passwordauthentication" not in settings:
        raise Unobservable("parse", "sshd -T printed no configuration")
    return settings


def _words(line: str) -> tuple[str, str]:
    match = re.fullmatch(r"\s*(?P<keyword>[A-Za-z0-9]+)(?:\s*=\s*|\s+)(?P<value>.*?)\s*", line)
    if match is None or line.lstrip().startswith("#"):
        return "", ""
    return match["keyword"].lower(), match["value"].strip('"')


def parse_conditionals(text: str, *, path: str, condition: str = "") -> Iterator[Conditional]:
    """Yield the settings of a configuration file that stand under a `Match` line; `Include` lines always.

    Args:
        text: the file's content.
        path: its name, for people.
        condition: the `Match` line that the file was included under, if any.

    """
    for number, line in enumerate(text.splitlines(), 1):
        keyword, value = _words(line)
        if not keyword and line.strip() and not line.lstrip().startswith("#"):
            raise Unobservable("parse", f"{path}:{number}: not a setting of sshd: {line[:120]!r}")
        if keyword == "match":
            condition = value
        elif keyword == "include" or (keyword and condition):
            yield Conditional(where=f"{path}:{number}: Match {condition}", keyword=keyword, value=value)


def _conditionals(host: Host, main: str) -> tuple[Conditional, ...]:
    found: list[Conditional] = []
    todo = [(main, "")]
    read: set[tuple[str, str]] = set()
    while todo:
        path, condition = todo.pop()
        if (path, condition) in read:
            continue
        if len(read) >= _MOST_FILES:
            raise Unobservable("truncated", f"more than {_MOST_FILES} configuration files of sshd")
        read.add((path, condition))
        for item in parse_conditionals(_content(host, path), path=path, condition=condition):
            if item.keyword != "include":
                found.append(item)
                continue
            under = item.where.partition(": Match ")[2]
            for pattern in item.value.replace('"', "").split():
                todo += [(name, under) for name in _matching(host, pattern)]
    return tuple(found)


def _content(host: Host, path: str) -> str:
    result = host.run("cat -- %s", path)
    if result.rc != 0:
        denied = "ermission denied" in result.stderr
        raise Unobservable("privilege" if denied else "unreadable", result.stderr.strip())
    return str(result.stdout)


def _matching(host: Host, pattern: str) -> list[str]:
    directory, name = posixpath.split(pattern if pattern.startswith("/") else f"/etc/ssh/{pattern}")
    if re.search(r"[*?\[]", directory):
        raise Unobservable("parse", f"Include {pattern}: only the last part of a pattern may have wildcards")
    result = host.run(_INCLUDED, f"{directory}/", name)
    if "No such file or directory" in result.stderr:
        return []
    if result.rc != 0 or result.stderr.strip():
        denied = "ermission denied" in result.stderr
        raise Unobservable("privilege" if denied else "unreadable", result.stderr.strip())
    return sorted(result.stdout.splitlines())


def effective(host: Host) -> list[Effective] | None:
    """Return what every running SSH server enforces, or the installed one would; only root can ask.

    A server that has not read a changed configuration yet is judged by the new one.

    Returns:
        `None` where it was observed that there is no SSH server.

    Raises:
        Unobservable: `privilege` for anybody but root; `tool_missing` when a server runs that is not
            installed where programs are looked for.

    """
    foresee(host, "id -u", "command -v sshd", *PROCESSES, "sshd -T")
    foresee(host, ("cat -- %s", _MAIN), (_INCLUDED, "/etc/ssh/sshd_config.d/", "*.conf"))
    if host.run("id -u").stdout.strip() != "0":
        if is_absent(host):
            return None
        raise Unobservable("privilege", "only root can ask sshd for what it enforces")
    program = _program(host)
    if program is None:
        if is_absent(host):
            return None
        raise Unobservable(
            "tool_missing", "an SSH server runs, and there is no sshd to ask for its configuration"
        )
    listening = {_options(process) for process in _servers(processes(host)) if _listens(process)} or {()}
    found = []
    for options in sorted(listening):
        result = host.run(" ".join(["sshd -T", *("%s" for _ in options)]), *options)
        if result.rc != 0:
            denied = "ermission denied" in result.stderr
            raise Unobservable(
                "privilege" if denied else "unreadable", f"sshd -T: {result.stderr.strip()[-300:]}"
            )
        main = next((value for flag, value in pairwise(options) if flag == "-f"), None)
        found.append(
            Effective(
                settings=parse_settings(result.stdout),
                conditionals=_conditionals(host, main or _MAIN),
            )
        )
    return found


def _listens(process: Process) -> bool:
    """Tell a listening server from the processes that serve one connection each."""
    title = " ".join(process.arguments)
    return not title.startswith("sshd: ") or "[listener]" in title
