"""Directories that a host gives to others over NFS and SMB, and those that it mounts from others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_aisec.facts.core.answers import Answer, answers, problem
from pytest_aisec.facts.core.formats import reads
from pytest_aisec.facts.system.mounts import Mount, parse_fstab, parse_mounts, parse_units, to_come, unescaped
from pytest_aisec.facts.system.unit_files import PLACES
from pytest_aisec.observe.directory import nothing_runs
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = [
    "Export",
    "Exports",
    "Mount",
    "Share",
    "exports",
    "parse_exports",
    "parse_smb",
]

_COMMANDS = (
    (
        'for f in /etc/exports /etc/exports.d/*.exports; do [ "$f" = "/etc/exports.d/*.exports" ] || '
        '{ cat -- "$f" && echo; }; done; ls -d /etc/exports.d >/dev/null && ls /etc/exports.d >/dev/null'
    ),
    "cat /var/lib/nfs/etab",
    "cat /proc/fs/nfsd/versions /proc/net/rpc/nfsd",
    (
        "ls -d /usr/sbin/smb[d] /usr/local/sbin/smb[d] /usr/local/samba/sbin/smb[d] /opt/*/sbin/smb[d] "
        "/usr/sbin/ksmbd.mount[d] /usr/local/sbin/ksmbd.mount[d]"
    ),
    "testparm -s --suppress-prompt",
    "cat /etc/samba/smb.conf",
    "cat /etc/ksmbd/ksmbd.conf",
    "cat /etc/ganesha/ganesha.conf",
    "cat /proc/self/mounts",
    "cat /etc/fstab",
    (
        f"for d in {' '.join(PLACES)}; do "
        "for f in $d/systemd/system/*.mount $d/systemd/system/*.mount.d/*.conf; do "
        '[ -e "$f" ] && printf "\\000%s\\n" "$f" && cat -- "$f"; done; done; printf "\\000end\\n"'
    ),
    (
        "for f in /etc/auto.master /etc/auto.master.d/*.autofs /etc/autofs/auto.master; do "
        '[ -e "$f" ] && cat -- "$f" && echo; done; true'
    ),
)
_MOUNTED = _COMMANDS.index("cat /proc/self/mounts")
_SMB_PLACES = 6
"""In which programs of Samba and ksmbd are looked for; each is said to be absent, or one is shown."""
_ABSENT = re.compile(r"No such file or directory|Not a directory")
_WORD = re.compile(r'(?:[^ \t\r\n"]++|"[^"]*+")++')
_CLIENT = re.compile(r"(?P<name>[^()\s]*)(?:\((?P<options>[^()]*)\))?")


@dataclass(frozen=True, kw_only=True)
class Export:
    """One directory that one client (or all of a kind) may mount over NFS."""

    path: str
    client: str
    """As written; empty stands for everybody."""
    options: tuple[str, ...]
    """As written, defaults left out; of contrary ones the last counts."""
    source: str
    """Where it is written, for people."""

    def has(self, option: str, contrary: str) -> bool:
        """Tell whether `option` holds, where neither is written by default not."""
        given = [one for one in self.options if one in {option, contrary}]
        return bool(given) and given[-1] == option

    def value(self, option: str) -> list[str]:
        """Return what every `option=` says, in order."""
        return [one.partition("=")[2] for one in self.options if one.startswith(option + "=")]


@dataclass(frozen=True, kw_only=True)
class Share:
    """One section of a configuration of Samba or ksmbd."""

    name: str
    settings: Mapping[str, str]
    """Keyword in lower case, without spaces → value in lower case."""
    source: str


@dataclass(frozen=True, kw_only=True)
class Exports:
    """Everything that is given or taken over the network."""

    nfs: tuple[Export, ...]
    smb: tuple[Share, ...]
    """Empty where no SMB server is installed."""
    mounts: tuple[Mount, ...]
    faults: tuple[Unobservable, ...]
    """Why there may be more."""


def exports(host: Host) -> Exports:
    """Return NFS exports (configured, and those in force), SMB shares and network mounts.

    Raises:
        Unobservable: `parse`, when something is in no known form.

    """
    printed = list(answers(host, *_COMMANDS))
    if nothing_runs(host):
        printed[_MOUNTED] = Answer(stdout="", stderr="", status=0)
    return read_exports(tuple(printed))


def read_exports(printed: tuple[Answer, ...]) -> Exports:
    """Read what the commands of `exports` printed.

    Raises:
        Unobservable: as `exports`.

    """
    configured, active, kernel, programs, testparm, smb, ksmbd, ganesha, mounts, fstab, units, autofs = (
        printed
    )
    faults: list[Unobservable] = []
    found = list(parse_exports(configured.stdout, "/etc/exports"))
    faults += _denied(configured, "/etc/exports")
    if not configured.stdout and not re.search(r"/etc/exports'?: No such file", configured.stderr):
        faults.append(Unobservable("unreadable", "/etc/exports: neither its lines nor that it is absent"))
    found += parse_exports(active.stdout, "/var/lib/nfs/etab")
    faults += _denied(active, "/var/lib/nfs/etab")
    if kernel.stdout.strip() and active.status != 0 and not faults:
        faults.append(Unobservable("unreadable", "the kernel serves NFS, and there is no /var/lib/nfs/etab"))
    if ganesha.status == 0 or "ermission denied" in ganesha.stderr:
        faults.append(Unobservable("parse", "exports of NFS-Ganesha (/etc/ganesha) are not read"))
    shares: list[Share] = []
    for text, source in _smb_texts(programs, testparm, smb, ksmbd, faults):
        shares += parse_smb(text, source)
    if (fault := mounts.fault("/proc/self/mounts")) is not None:
        raise fault
    mounted = parse_mounts(mounts.stdout)
    if not fstab.stdout and not _ABSENT.search(fstab.stderr) and fstab.status != 0:
        faults.append(Unobservable("unreadable", f"/etc/fstab: {fstab.stderr.strip() or 'not shown'}"))
    for answer, what in ((fstab, "/etc/fstab"), (units, "units of systemd"), (autofs, "/etc/auto.master")):
        faults += _denied(answer, what)
    later = list(parse_fstab(fstab.stdout))
    try:
        later += parse_units(units.stdout)
    except Unobservable as unread:
        faults.append(unread)
    if re.search(r"(?m)^[^\S\n]*/", autofs.stdout):
        faults.append(Unobservable("parse", "maps of autofs (/etc/auto.master) are not read"))
    return Exports(
        nfs=tuple(found),
        smb=tuple(shares),
        mounts=(*mounted, *to_come(later, mounted)),
        faults=tuple(faults),
    )


def _smb_texts(
    programs: Answer, testparm: Answer, smb: Answer, ksmbd: Answer, faults: list[Unobservable]
) -> Iterator[tuple[str, str]]:
    names = {path.rpartition("/")[2] for path in programs.stdout.split()}
    faults += _denied(programs, "programs of Samba")
    if not names and len(_ABSENT.findall(programs.stderr)) < _SMB_PLACES:
        faults.append(Unobservable("unreadable", "whether Samba is installed is not shown"))
    faults += [*_denied(smb, "smb.conf"), *_denied(ksmbd, "ksmbd.conf")] if names else []
    if "smbd" in names:
        if smb.status == 0 and not re.search(
            r"(?mi)^[^\S\n]*(\[[^]\n]*\][^\S\n]*)?(include|copy|config backend|registry shares)[^\S\n]*=",
            smb.stdout,
        ):
            yield smb.stdout, "/etc/samba/smb.conf"
        elif testparm.status == 0:
            yield testparm.stdout, "testparm"
        elif smb.status == 0:
            faults.append(Unobservable("tool_missing", "smb.conf has inclusions, and there is no testparm"))
        elif _ABSENT.search(smb.stderr):
            faults.append(Unobservable("unreadable", "there is smbd, and no /etc/samba/smb.conf"))
    if names - {"smbd"} and ksmbd.status == 0:
        yield ksmbd.stdout, "/etc/ksmbd/ksmbd.conf"


def _denied(answer: Answer, what: str) -> list[Unobservable]:
    lines = [line for line in answer.stderr.splitlines() if line.strip()]
    problems = [line for line in lines if not _ABSENT.search(line)]
    if answer.status != 0 and not lines:
        problems = [f"exit status {answer.status} without a word"]
    return [problem(f"{what}: {problems[0]}")] if problems else []


def _logical_lines(text: str) -> Iterator[str]:
    for line in re.sub(r"\\\n", " ", text).splitlines():
        bare = _uncommented(line)
        if bare.strip():
            yield bare.strip()


def _uncommented(line: str) -> str:
    """Cut a line at the first `#` that has an even number of quotes behind it."""
    quotes = line.count('"')
    for mark in re.finditer('["#]', line):
        if mark[0] == '"':
            quotes -= 1
        elif quotes % 2 == 0:
            return line[: mark.start()]
    return line


@reads
def parse_exports(text: str, source: str) -> tuple[Export, ...]:
    """Read a file in the form of exports(5); one entry for each client.

    Raises:
        Unobservable: `parse`, when a line is in no known form.

    """
    found: list[Export] = []
    for line in _logical_lines(text):
        path, *clients = [word.replace('"', "") for word in _WORD.findall(line)] or [""]
        if not path.startswith("/") or line.count('"') % 2:
            raise Unobservable("parse", f"{source}: not an export: {line[:120]!r}")
        defaults: tuple[str, ...] = ()
        entries = 0
        for word in clients:
            if word.startswith("-") and not entries:
                defaults = tuple(one for one in word[1:].split(",") if one)
                continue
            match = _CLIENT.fullmatch(word)
            if match is None:
                raise Unobservable("parse", f"{source}: not a client of an export: {word[:80]!r}")
            options = tuple(one.strip() for one in (match["options"] or "").split(",") if one.strip())
            found.append(
                Export(
                    path=unescaped(path), client=match["name"], options=(*defaults, *options), source=source
                )
            )
            entries += 1
        if not entries:
            found.append(Export(path=unescaped(path), client="", options=defaults, source=source))
    return tuple(found)


def _smb_lines(text: str) -> Iterator[str]:
    """Yield heads of sections and settings; a line that ends with a backslash goes on in the next.

    A comment does not go on, and what stands behind the head of a section is a line of it.
    """
    parts: list[str] = []
    has_begun = False
    for line in text.split("\n"):
        part = line.strip()
        if not has_begun and part.startswith(("#", ";")):
            continue
        goes_on = part.endswith("\\")
        parts.append(part.removesuffix("\\"))
        has_begun = has_begun or parts[-1] != ""
        if not goes_on:
            yield from _apart(" ".join(parts).strip())
            parts, has_begun = [], False
    yield from _apart(" ".join(parts).strip())


def _apart(line: str) -> Iterator[str]:
    if line.startswith("[") and "]" in line:
        head, _, line = line.partition("]")
        yield f"{head}]"
        line = line.strip()
    if line and not line.startswith(("#", ";")):
        yield line


@reads
def parse_smb(text: str, source: str) -> tuple[Share, ...]:
    """Read a configuration of Samba.

    Raises:
        Unobservable: `parse`, when a line is neither section nor setting.

    """
    sections: dict[str, dict[str, str]] = {}
    current = "global"
    for line in _smb_lines(text):
        if line.startswith("[") and line.endswith("]"):
            current = re.sub(r"\s+", " ", line[1:-1]).lower()
            sections.setdefault(current, {})
            continue
        name, equals, value = line.partition("=")
        if not equals:
            raise Unobservable("parse", f"{source}: not a setting: {line[:80]!r}")
        sections.setdefault(current, {})[re.sub(r"\s", "", name).lower()] = value.strip().lower()
    return tuple(Share(name=name, settings=settings, source=source) for name, settings in sections.items())
