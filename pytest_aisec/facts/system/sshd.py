"""The SSH server: whether there is one, and what its configuration comes to."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from pytest_aisec.facts.core.formats import reads
from pytest_aisec.facts.system.namespaces import ROOTS, contained
from pytest_aisec.facts.system.processes import QUESTIONS as PROCESSES
from pytest_aisec.facts.system.processes import Process, processes
from pytest_aisec.facts.system.rights import (
    OWNERS,
    ROOT,
    SET_IDS,
    Rights,
    given_file,
    given_text,
    owners,
    set_ids,
    with_rights,
)
from pytest_aisec.facts.system.running_config import stale
from pytest_aisec.facts.system.sockets import socket_table
from pytest_aisec.observe.backend import foresee
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["Conditional", "Effective", "effective", "in_force", "is_absent", "parse_written"]

SSH_PORT = 22
_MOST_FILES = 16
_DIRECTORY = "/etc/ssh"
_MAIN = f"{_DIRECTORY}/sshd_config"
_INCLUDED = "find -L %s -maxdepth 1 -type f -name %s -print"


_ALIASES = {
    "challengeresponseauthentication": "kbdinteractiveauthentication",
    "skeyauthentication": "kbdinteractiveauthentication",
    "pubkeyacceptedkeytypes": "pubkeyacceptedalgorithms",
}
_WORD = re.compile(r"""(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\\.|[^\s"'])+""")


@dataclass(frozen=True, kw_only=True)
class Conditional:
    """A setting that holds only where a `Match` line says so; without a condition, one that always does."""

    where: str
    """File, line and condition."""
    keyword: str
    """In lower case; of two names for the same setting, the newer."""
    words: tuple[str, ...]
    """What stands behind the keyword."""
    condition: str
    """What the `Match` line says, and those of the files that this one was included by."""
    block: str
    """File and line of the `Match` line, the same for all settings under it."""

    @property
    def value(self) -> str:
        """Text behind the keyword, on one line."""
        return " ".join(self.words)

    def excludes(self, other: Conditional) -> bool:
        """Tell whether both never hold for one log-in: where each names accounts, and none is the same."""
        names = [
            re.fullmatch(r"user (?P<names>[^\s*?!]+)", one.condition, re.IGNORECASE) for one in (self, other)
        ]
        both = [set(match["names"].split(",")) for match in names if match is not None]
        return len(both) == 2 and not both[0] & both[1]


@dataclass(frozen=True, kw_only=True)
class Effective:
    """Configuration that one running SSH server enforces."""

    settings: Mapping[str, tuple[str, ...]]
    """Keyword in lower case → values, one for each line of `sshd -T`."""
    conditionals: tuple[Conditional, ...]
    stale: Unobservable | None = None
    """Why a running server may still enforce something else, or does not tell what."""
    origins: Mapping[str, str] = field(default_factory=dict)
    """Keyword → file and line that set it for everybody; a keyword that is absent has sshd's default."""

    def value(self, keyword: str) -> str:
        """Return the single value of `keyword`, empty where this version has no such setting."""
        return self.settings.get(keyword, ("",))[0]

    def conditional(self, keyword: str) -> dict[str, Conditional]:
        """Return what `Match` lines say about `keyword`, by their blocks."""
        return {item.block: item for item in self.conditionals if item.keyword == keyword}


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
    words = iter(re.sub(r"^sshd: (?P<args>.*?) \[listener\].*$", r"\g<args>", title).split()[1:])
    kept: list[str] = []
    for word in words:
        if word[:2] in {"-f", "-o"}:
            kept += [word[:2], word[2:] or next(words, "")]
    return tuple(kept)


@reads
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


def _words(line: str) -> tuple[str, tuple[str, ...]]:
    """Return the keyword in lower case and the words behind it, as sshd reads them.

    A word that begins with `#` begins a comment.
    """
    match = re.fullmatch(r"\s*(?P<keyword>[A-Za-z0-9]+)(?:\s*=\s*|\s+)(?P<rest>.*)", line)
    if match is None or line.lstrip().startswith("#"):
        return "", ()
    found: list[str] = []
    for word in _WORD.findall(match["rest"]):
        if word.startswith("#"):
            break
        found.append(re.sub(r"""\\([\\"' ])|["']""", r"\1", word))
    keyword = match["keyword"].lower()
    return _ALIASES.get(keyword, keyword), tuple(found)


@reads
def parse_written(text: str, *, path: str, condition: str = "", block: str = "") -> Iterator[Conditional]:
    """Yield the settings of a configuration file: those under a `Match` line have a condition.

    Args:
        text: the file's content.
        path: its name, for people.
        condition: the `Match` line that the file was included under, if any.
        block: file and line of that.

    """
    around = condition
    for number, line in enumerate(text.splitlines(), 1):
        keyword, words = _words(line)
        if not keyword and line.strip() and not line.lstrip().startswith("#"):
            raise Unobservable("parse", f"{path}:{number}: not a setting of sshd: {line[:120]!r}")
        if keyword == "match":
            condition = " and ".join(filter(None, (around, " ".join(words))))
            block = f"{path}:{number}"
        elif keyword:
            where = f"{path}:{number}: Match {condition}" if condition else f"{path}:{number}"
            yield Conditional(where=where, keyword=keyword, words=words, condition=condition, block=block)


def _written(host: Host, main: str, rights: Rights) -> tuple[tuple[Conditional, ...], tuple[str, ...]]:
    """Return all settings in the order in which sshd reads them, and the files and directories of them."""
    found: list[Conditional] = []
    places = [main]
    todo = [iter([Conditional(where="", keyword="include", words=(main,), condition="", block="")])]
    read: set[tuple[str, str]] = set()
    while todo:
        item = next(todo[-1], None)
        if item is None:
            todo.pop()
            continue
        if item.keyword != "include":
            found.append(item)
            continue
        patterns = [posixpath.join(_DIRECTORY, one) for one in item.words] if item.where else []
        places += [posixpath.dirname(one) for one in patterns]
        names = [name for one in patterns for name in _matching(host, one, rights)] if item.where else [main]
        for name in reversed(names):
            if (name, item.block) in read:
                continue
            if len(read) >= _MOST_FILES:
                raise Unobservable("truncated", f"more than {_MOST_FILES} configuration files of sshd")
            read.add((name, item.block))
            places.append(name)
            text = _content(host, name, rights)
            todo.append(parse_written(text, path=name, condition=item.condition, block=item.block))
    return tuple(found), tuple(dict.fromkeys(places))


def _origins(written: Iterable[Conditional], options: Sequence[str]) -> dict[str, str]:
    """Return where each setting for everybody stands that counts: the first, the command line foremost."""
    given = [_words(value)[0] for flag, value in pairwise(options) if flag == "-o"]
    found = dict.fromkeys(given, "its command line")
    for item in written:
        if not item.condition:
            found.setdefault(item.keyword, item.where)
    return found


def in_force(items: Iterable[Conditional]) -> Iterator[Conditional]:
    """Yield the settings that can count: of several under the same condition, sshd takes the first."""
    taken: set[tuple[str, str]] = set()
    for item in items:
        condition = item.condition.lower() if item.condition.lower() == "all" else item.condition
        if not {(item.keyword, condition), (item.keyword, "all")} & taken:
            yield item
        taken.add((item.keyword, condition))


def _content(host: Host, path: str, rights: Rights) -> str:
    if rights is not ROOT:
        return given_file(host, path, rights)
    result = host.run("cat -- %s", path)
    if result.rc != 0:
        denied = "ermission denied" in result.stderr
        raise Unobservable("privilege" if denied else "unreadable", result.stderr.strip())
    return str(result.stdout)


def _matching(host: Host, pattern: str, rights: Rights) -> list[str]:
    directory, name = posixpath.split(pattern)
    if re.search(r"[*?\[]", directory):
        raise Unobservable("parse", f"Include {pattern}: only the last part of a pattern may have wildcards")
    if rights is not ROOT:
        script = _INCLUDED % ('"$1"', '"$2"')
        found = given_text(host.run(*with_rights(rights, script, f"{directory}/", name)), pattern)
        return sorted(found.splitlines())
    result = host.run(_INCLUDED, f"{directory}/", name)
    if "No such file or directory" in result.stderr:
        return []
    if result.rc != 0 or result.stderr.strip():
        denied = "ermission denied" in result.stderr
        raise Unobservable("privilege" if denied else "unreadable", result.stderr.strip())
    return sorted(result.stdout.splitlines())


def effective(host: Host) -> list[Effective] | None:
    """Return what every running SSH server enforces, or the installed one would; only root can ask.

    A server that has not read a changed configuration yet is judged by the new one, and said to be `stale`.

    Returns:
        `None` where it was observed that there is no SSH server.

    Raises:
        Unobservable: `privilege` for anybody but root; `tool_missing` when a server runs that is not
            installed where programs are looked for.

    """
    foresee(host, "id -u", "command -v sshd", *PROCESSES, "sshd -T", OWNERS, SET_IDS, ROOTS)
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
    found = []
    for (options, rights), pids in _listening(host).items():
        main = next((value for flag, value in pairwise(options) if flag == "-f"), _MAIN)
        try:
            settings = parse_settings(_effective(host, options, rights))
            written, files = _written(host, main, rights)
        except Unobservable as fault:
            if rights is ROOT or fault.whole_host:
                raise
            # What an account calls sshd hides nothing of the system's server.
            found.append(Effective(settings={}, conditionals=(), stale=fault))
            continue
        pid_file = settings.get("pidfile", ("none",))[0]
        mark = pid_file if pid_file != "none" and rights is ROOT else ""
        faults = [stale(host, pid, (*files, program), what="sshd", mark=mark) for pid in pids]
        old = next((fault for fault in faults if fault is not None), None)
        conditionals = tuple(in_force(item for item in written if item.condition))
        origins = _origins(written, options)
        found.append(Effective(settings=settings, conditionals=conditionals, stale=old, origins=origins))
    return found


def _listening(host: Host) -> dict[tuple[tuple[str, ...], Rights], list[int]]:
    """Return the options of the servers that listen, the rights of who started them, and their processes.

    What an account calls sshd says nothing of the system's server: that is judged in any case. Nor does what
    ended before it showed whose it is. A process is left out that has a root directory of its own, as in a
    container, or serves one connection: it is not from it that others have what they enforce.
    """
    rights, starters, elsewhere = owners(host), set_ids(host), contained(host)
    found: dict[tuple[tuple[str, ...], Rights], list[int]] = {}
    for process in _servers(processes(host)):
        by = rights.get(process.pid)
        if by is not None and _listens(process) and process.pid not in starters:
            pids = found.setdefault((_options(process), by if by.uid else ROOT), [])
            pids += [process.pid] if process.pid not in elsewhere and "-i" not in process.arguments else []
    if not any(by.uid == 0 for _, by in found):
        found[(), ROOT] = []
    return dict(sorted(found.items(), key=lambda item: repr(item[0])))


def _effective(host: Host, options: Sequence[str], rights: Rights) -> str:
    if rights is not ROOT:
        command = with_rights(rights, 'PATH=$PATH:/usr/sbin:/sbin; sshd -T "$@"', *options)
        return given_text(host.run(*command), f"sshd -T as uid {rights.uid} that runs it")
    result = host.run(" ".join(["sshd -T", *("%s" for _ in options)]), *options)
    if result.rc != 0:
        said = result.stderr.strip()[-300:]
        if "Missing privilege separation directory" in said:
            said += " (sshd has not run since the start; mkdir -m 755 /run/sshd lets it answer)"
        raise Unobservable("privilege" if "ermission denied" in said else "unreadable", f"sshd -T: {said}")
    return str(result.stdout)


def _listens(process: Process) -> bool:
    """Tell a listening server from the processes that serve one connection each."""
    title = " ".join(process.arguments)
    return not title.startswith("sshd: ") or "[listener]" in title
