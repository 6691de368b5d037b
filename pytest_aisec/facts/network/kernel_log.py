"""The log of the kernel: whether it is kept, where, and for how long."""

from __future__ import annotations

import fnmatch
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pytest_aisec.facts.core.answers import Answer, answers, problem
from pytest_aisec.facts.core.formats import is_number, reads
from pytest_aisec.facts.network.log_settings import (
    FORWARDED,
    Place,
    forwarding,
    journal_of,
    reads_kernel,
    written_files,
)
from pytest_aisec.facts.system.log_times import line_time
from pytest_aisec.facts.system.log_writers import RUNNING, read_log_writers
from pytest_aisec.facts.system.running_config import stale
from pytest_aisec.facts.system.unit_files import PLACES, configured, question
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["KernelLog", "Place", "kernel_log", "not_reread", "read_kernel_log"]

_SINCE_BOOT = re.compile(r"\[ *\d+\.\d+\] ")
_EMULATED = re.compile(r"\S+ +\S+ +\S+ \S+ ")
_OUT = re.compile(r"(?<!\S)OUT=\S+ ")
_ENDS = re.compile(r"(?<!\S)SRC=\S+ DST=\S+ ")
_FILES = "/var/log/kern.log* /var/log/messages* /var/log/syslog* /var/log/ulog/syslogemu.log*"
_COMMANDS = (
    (
        f'for f in {_FILES}; do [ -e "$f" ] || continue; echo "file $f"; case "$f" in '
        '*.gz) gzip -cd -- "$f";; '
        '*.xz|*.zst|*.bz2) echo "$f: compressed in a way that is not read" >&2;; *) cat -- "$f";; esac '
        '| grep -aF -e {words} | grep -aE "OUT=[^ ]+ .*SRC=[^ ]+ DST=" | tail -n 20; done; echo end'
    ),
    (
        "journalctl -q -D /var/log/journal --no-pager -o short-unix _TRANSPORT=kernel | grep -aF -e {words} "
        '| grep -aE "OUT=[^ ]+ .*SRC=[^ ]+ DST=" | tail -n 20'
    ),
    "ls -d /var/log/journal/*/system.journal",
    "for f in /etc/logrotate.conf /etc/logrotate.d/*; do grep -aH '' -- \"$f\"; done",
    "ls -d /usr/sbin/logrotat[e] /usr/bin/logrotat[e]",
    question("journald.conf"),
    'for f in /etc/rsyslog.conf /etc/rsyslog.d/*.conf; do [ -e "$f" ] && cat -- "$f" && echo; done; true',
    RUNNING,
    (
        f'for f in {_FILES}; do [ -e "$f" ] && [ "$(find "$f" -mtime -{{days}})" ] || continue; '
        'echo "file $f"; case "$f" in *.gz) gzip -cd -- "$f";; *.xz|*.zst|*.bz2) ;; *) cat -- "$f";; esac '
        "| tail -n 1 | cut -c 1-80; done; echo end"
    ),
    "journalctl -q -D /var/log/journal --no-pager -o short-unix -n 1 | cut -c 1-80",
    (
        "for f in /etc/rsyslog.conf /etc/rsyslog.d/*.conf /usr/lib/systemd/journald.conf "
        "/usr/lib/systemd/journald.conf.d/*.conf /usr/local/lib/systemd/journald.conf "
        "/usr/local/lib/systemd/journald.conf.d/*.conf /run/systemd/journald.conf "
        "/run/systemd/journald.conf.d/*.conf /etc/systemd/journald.conf /etc/systemd/journald.conf.d/*.conf; "
        'do [ -e "$f" ] && echo "$f"; done; true'
    ),
)
_JOURNALD = [f"{place}/systemd/journald.conf.d" for place in PLACES]
_LOGROTATE_PLACES = 2
"""In which logrotate is looked for; each is said to be absent, or one is shown."""
_ABSENT = re.compile(r"No such (file or directory|process)")
_PERIODS = {"hourly": 1 / 24, "daily": 1, "weekly": 7, "monthly": 30, "yearly": 365}


@dataclass(frozen=True, kw_only=True)
class KernelLog:
    """Entries of the kernel's log, and the places that keep it."""

    entries: tuple[str, ...]
    """Newest entries of packets with one of the prefixes, without time and host."""
    holding: tuple[Place, ...]
    """Where such entries were found."""
    abandoned: tuple[str, ...]
    """Places that hold such entries, and that no running program writes any more."""
    intended: tuple[Place, ...]
    """Where a running service is to write them."""
    faults: tuple[Unobservable, ...]
    """Why there may be more."""
    newest: Mapping[str, datetime] = field(default_factory=dict)
    """Place → when anything was written there last, by what it says itself."""
    writers: Mapping[str, int] = field(default_factory=dict)
    """The process of each running program that writes logs, by the name of the program."""
    settings: tuple[str, ...] = ()
    """The files of rsyslog and journald."""

    def written_since(self, time: datetime) -> tuple[Place, ...]:
        """Return the places that hold entries and in which anything was written since then.

        Where entries are forwarded to shows nothing itself: it counts where a file of the same program does.
        """
        fresh = {place for place in self.holding if place.name in self.newest}
        fresh = {place for place in fresh if self.newest[place.name] >= time}
        are_sent = any(place.name != "journal" for place in fresh)
        return tuple(place for place in self.holding if place in fresh or (place.is_elsewhere and are_sent))


def kernel_log(host: Host, prefixes: Sequence[str], *, now: datetime, days: int) -> KernelLog:
    """Return entries of packets with one of `prefixes`, and where such entries are kept.

    Args:
        host: whose kernel logs.
        prefixes: what rules put before entries.
        now: when the run began.
        days: of what was written last longer ago than that, it is not told when.

    Raises:
        Unobservable: `parse`, when a configuration is in no known form.

    """
    words = " -e ".join("%s" for _ in prefixes)
    commands = [
        (command.replace("{words}", words), *prefixes)
        if "{words}" in command
        else command.replace("{days}", str(days + 1))
        for command in _COMMANDS
    ]
    return read_kernel_log(answers(host, *commands), prefixes, now)


@reads
def read_kernel_log(printed: Sequence[Answer], prefixes: Sequence[str], now: datetime) -> KernelLog:
    """Read what the commands of `kernel_log` printed.

    Raises:
        Unobservable: as `kernel_log`.

    """
    files, journal, persistent, logrotate, rotates, journald, rsyslog, running, *times, settings = printed
    _check_tools(printed)
    faults: list[Unobservable] = []
    for answer, what in ((files, "/var/log"), (rsyslog, "rsyslog"), (journald, "journald")):
        problems = [line for line in answer.stderr.splitlines() if line and not _ABSENT.search(line)]
        if problems:
            faults.append(problem(f"{what}: {problems[0]}"))
    is_rotated, fault = _rotates(rotates, logrotate)
    if fault is not None:
        faults.append(fault)
    rotation = _Rotation(logrotate.stdout) if is_rotated else None
    if not files.stdout.endswith("end\n"):
        faults.append(Unobservable("unreadable", "what lies in /var/log is not shown whole"))
    found = list(_of_files(files.stdout.removesuffix("end\n"), prefixes))
    entries = [text for _, text in found]
    holding = [_file(path, rotation) for path, _ in found] if fault is None else []
    set_by = configured(journald.stdout, "journald.conf", "Journal")
    journal_place = journal_of(set_by) if persistent.stdout.strip() else None
    for line in journal.stdout.splitlines():
        if journal_place and (text := _entry(line, prefixes)):
            entries.append(text)
            holding.append(journal_place)
    intended = [journal_place] if journal_place and reads_kernel(set_by) else []
    writers = read_log_writers(running.stdout)
    names = set(writers)
    written = [place for place in holding if names & _writers(place.name)]
    intended = [place for place in intended if names & _writers(place.name)]
    if "rsyslogd" in names:
        forwards = forwarding(rsyslog.stdout)
        files_of = written_files(rsyslog.stdout) if fault is None else ()
        intended += [*(_file(name, rotation) for name in files_of), *forwards]
        written += forwards if written else []
    return KernelLog(
        entries=tuple(dict.fromkeys(entries)),
        holding=tuple(dict.fromkeys(written)),
        abandoned=tuple(dict.fromkeys(place.name for place in holding if place not in written)),
        intended=tuple(dict.fromkeys(intended)),
        faults=tuple(faults),
        newest=_newest(times[0].stdout, times[1].stdout, now),
        writers=writers,
        settings=tuple(settings.stdout.splitlines()),
    )


def not_reread(host: Host, seen: KernelLog, places: Iterable[Place]) -> Unobservable | None:
    """Return why what writes `places` may not do so as its files say; `None` where it does."""
    for program in sorted({name for place in places for name in _writers(place.name)} & set(seen.writers)):
        of_journal = program == "systemd-journal"
        files = [path for path in seen.settings if ("journald" in path) == of_journal]
        main = "/etc/systemd/journald.conf" if of_journal else "/etc/rsyslog.conf"
        directories = dict.fromkeys(_JOURNALD if of_journal else ["/etc/rsyslog.d"], ())
        if program in {"systemd-journal", "rsyslogd"}:
            paths = list(dict.fromkeys([main, *files]))
            old = stale(host, seen.writers[program], paths, what=program, directories=directories)
            if old is not None:
                return old
    return None


def _newest(files: str, journal: str, now: datetime) -> dict[str, datetime]:
    """Return when each place was written to last, by its last lines; what is still to come does not count."""
    found: dict[str, datetime] = {}
    path = ""
    for line in files.splitlines():
        if line.startswith("file /"):
            path = _unrotated(line[5:])
        elif path and (at := line_time(line, now)) is not None:
            found[path] = max(at, found.get(path, at))
    at = line_time(journal.strip().rpartition("\n")[2], now)
    times = {**found, **({"journal": at} if at is not None else {})}
    return {place: time for place, time in times.items() if time <= now + timedelta(days=1)}


def _unrotated(path: str) -> str:
    return re.sub(r"[.-]\d+$", "", re.sub(r"\.(gz|xz|zst|bz2)$", "", path))


def _writers(place: str) -> frozenset[str]:
    """Return the programs that write a place, as the kernel names processes: 15 letters at most."""
    if place == "journal":
        return frozenset({"systemd-journal"})
    if place.startswith(FORWARDED):
        return frozenset({"rsyslogd"})
    return frozenset({"ulogd"} if "/ulog/" in place else {"rsyslogd", "syslog-ng", "syslogd"})


def _of_files(listing: str, prefixes: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the file, under the name that it had before it was rotated, and the text of each entry."""
    path = ""
    for line in listing.splitlines():
        if line.startswith("file /"):
            path = _unrotated(line[5:])
        elif not path:
            raise Unobservable("parse", f"entries of no file: {line[:120]!r}")
        elif text := _entry(line, prefixes, emulated="/ulog/" in path):
            yield path, text


def _rotates(programs: Answer, configuration: Answer) -> tuple[bool, Unobservable | None]:
    """Return whether logrotate is installed, and why how it rotates is not known."""
    complaints = [line for line in programs.stderr.splitlines() if line.strip()]
    if wrong := [line for line in complaints if not _ABSENT.search(line)]:
        return False, problem(f"logrotate: {wrong[0]}")
    if not programs.stdout.strip():
        is_absent = len(complaints) == _LOGROTATE_PLACES
        unknown = Unobservable("unreadable", "whether logrotate is installed is not shown")
        return False, None if is_absent else unknown
    if wrong := [line for line in configuration.stderr.splitlines() if line and not _ABSENT.search(line)]:
        return True, problem(f"logrotate's configuration: {wrong[0]}")
    if not configuration.stdout.strip():
        return True, Unobservable("unreadable", "logrotate is installed, and no configuration of it is shown")
    return True, None


def _check_tools(printed: Sequence[Answer]) -> None:
    """Raise when a tool was missing that decides what is seen; without journalctl there is no journal."""
    for answer in printed:
        for line in answer.stderr.splitlines():
            if line.endswith(": not found") and "journalctl" not in line:
                raise Unobservable("tool_missing", line)


def _entry(line: str, prefixes: Sequence[str], *, emulated: bool = False) -> str | None:
    """Return the kernel's text; a line that only quotes the prefix, such as sudo's, is none."""
    _, is_kernels, text = line.partition("kernel: ")
    if is_kernels:
        since_boot = _SINCE_BOOT.match(text)
        text = text[since_boot.end() :] if since_boot else text
    if not _is_packet(text) and emulated and (head := _EMULATED.match(line)):
        text = line[head.end() :]
    return text[:200] if _is_packet(text) and text.startswith(tuple(prefixes)) else None


def _is_packet(text: str) -> bool:
    out = _OUT.search(text)
    return out is not None and _ENDS.search(text, out.end()) is not None


class _Rotation:
    """Configuration of logrotate."""

    def __init__(self, listing: str) -> None:
        self.stanzas: list[tuple[tuple[str, ...], list[str]]] = []
        self.common: list[str] = []
        patterns: list[str] = []
        body: list[str] | None = None
        script = False
        for line in listing.splitlines():
            path, _, text = line.partition(":")
            bare = text.split("#")[0].strip()
            if script or bare in {"postrotate", "prerotate", "firstaction", "lastaction", "preremove"}:
                script = bare != "endscript"
            elif body is None and "{" in bare:
                patterns += _patterns(bare.partition("{")[0])
                body = []
                rest = bare.partition("{")[2].strip()
                if rest:
                    body += [one.strip() for one in rest.split(";") if one.strip()]
            elif body is not None and bare == "}":
                self.stanzas.append((tuple(patterns), body))
                patterns, body = [], None
            elif body is not None:
                body.append(bare)
            elif bare.startswith(("/", '"')):
                patterns += _patterns(bare)
            elif path == "/etc/logrotate.conf":
                self.common.append(bare)
        if body is not None or script:
            raise Unobservable("parse", "a block of logrotate's configuration has no end")

    def of(self, path: str) -> list[str] | None:
        """Return the directives for a file, common ones first; `None` where it is not rotated."""
        for patterns, body in self.stanzas:
            if any(fnmatch.fnmatch(path, pattern) for pattern in patterns):
                return [*self.common, *body]
        return None


def _patterns(text: str) -> Iterator[str]:
    for word in re.findall(r'"[^"]+"|\S+', text):
        yield word.strip('"')


def _file(path: str, rotation: _Rotation | None) -> Place:
    directives = rotation.of(path) if rotation else None
    if directives is None:
        return Place(name=path, days=math.inf, why="never rotated")
    count, period, limits = 0.0, 7.0, list[str]()
    days = math.inf
    for directive in directives:
        word, _, value = directive.replace("=", " ").partition(" ")
        value = value.strip()
        if word in _PERIODS:
            period = _PERIODS[word]
        elif word == "rotate":
            count = math.inf if value == "-1" else float(value) if is_number(value) else 0.0
        elif word == "maxage" and is_number(value):
            days = float(value)
        elif word in {"size", "maxsize"}:
            limits.append(directive)
    if limits:
        return Place(name=path, days=0, why=f"rotated by size ({limits[-1]}), so for no certain time")
    return Place(name=path, days=min(days, count * period), why=f"rotate {count:g} times {period:g} days")
