"""Tunnels and share links: programs, settings and code that make a host reachable past its firewall."""

from __future__ import annotations

import posixpath
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import dropwhile
from typing import TYPE_CHECKING

from pytest_aisec.facts.core.answers import problem
from pytest_aisec.facts.core.formats import reads
from pytest_aisec.facts.core.together import together
from pytest_aisec.facts.system.processes import QUESTIONS, Process, processes
from pytest_aisec.observe.backend import foresee
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.backend.base import CommandResult
    from testinfra.host import Host

__all__ = ["Tunnel", "Tunnels", "tunnel_in", "tunnels"]

LISTING_BYTES = 2 * 1024 * 1024
_PROGRAMS = {
    "ngrok": "",
    "cloudflared": r"(?!proxy-dns|access|version|update|--version).*",
    "frpc": "",
    "bore": r"local\b.*",
    "lt": r"--port.*|-p.*",
    "localtunnel": "",
    "chisel": r"(client|server)\b.*",
    "devtunnel": r"host\b.*",
    "zrok": r"(share|reserve|access)\b.*",
    "playit": "",
    "playit-agent": "",
    "rathole": "",
    "inlets": "",
    "inlets-pro": "",
    "pagekite": "",
    "pagekite.py": "",
    "tmole": "",
    "tunnelmole": "",
    "expose": r"share\b.*",
    "loophole": r"(http|https|path|webdav|--).*",
    "tmate": "",
    "wstunnel": "",
    "gs-netcat": "",
    "telebit": "",
    "pktriot": "",
    "code": r"tunnel\b.*",
    "code-insiders": r"tunnel\b.*",
    "code-server": r".*--link.*",
    "code-tunnel": "",
    "tailscale": r"funnel\b.*",
}
"""Program → what its arguments look like where it is a tunnel; empty for any."""

_RUNNERS = frozenset(
    {"sh", "bash", "dash", "env", "exec", "node", "nodejs", "npx", "nohup", "setsid", "sudo", "timeout"}
)
_SSH = frozenset({"ssh", "autossh"})
_BEGINS = re.compile(
    "|".join([*(f"{re.escape(name)}$" for name in {*_PROGRAMS, *_SSH}), "frpc[_-]", "cloudflared-"])
)
_MOST_WORDS, _MOST_STARTS = 65_536, 1_000
"""Of one command line, and of the programs that a line may start."""
_WITH_VALUE = frozenset("BbcDEeFIiJLlMmOopPQRSWw")
_WORDS = "|".join(sorted({re.escape(name) for name in _PROGRAMS} | {"ssh", "GRADIO_SHARE", "RemoteForward"}))
_PLACES = (
    "/etc/systemd/system",
    "/etc/systemd/user",
    "/run/systemd/system",
    "/usr/local/lib/systemd",
    "/etc/crontab",
    "/etc/cron.d",
    "/etc/cron.hourly",
    "/etc/cron.daily",
    "/etc/cron.weekly",
    "/etc/cron.monthly",
    "/var/spool/cron",
    "/etc/rc.local",
    "/etc/init.d",
    "/etc/environment",
    "/etc/default",
    "/etc/ssh/ssh_config",
    "/etc/ssh/ssh_config.d",
    "/root/.config/systemd/user",
    "/root/.ssh/config",
    "/home/*/.config/systemd/user",
    "/home/*/.ssh/config",
)
_CODE = r"share *= *True|GRADIO_SHARE|pyngrok|ngrok\.(connect|forward)|(import|from) +gradio|RemoteForward"
_COMMANDS = "(^|[^A-Za-z0-9_.-])(ngrok|cloudflared|frpc|chisel|localtunnel|devtunnel|zrok|autossh|ssh) "
_OFF = re.compile(r"""GRADIO_SHARE["']?\]?\s*+[=:,]\s*+["']?(false|0|no|)["']?\s*+\)?$""", re.IGNORECASE)
_ABSENT = re.compile(r"^(find|grep): '?/.*: No such (file or directory|process)$")


@dataclass(frozen=True, kw_only=True)
class Tunnel:
    """One sign of a tunnel or share link."""

    kind: str
    """Such as `ngrok`, `ssh -R`, `gradio share`."""
    where: str
    """A process, a file and line, for people."""


@dataclass(frozen=True, kw_only=True)
class Tunnels:
    """Tunnels that were found, and why there may be more."""

    found: tuple[Tunnel, ...]
    has_tailscale: bool
    """Whether Tailscale runs, whose funnel has no process of its own."""
    faults: tuple[Unobservable, ...]


def _ssh(words: Sequence[str]) -> str | None:
    todo, names = deque(words), 0
    while todo and names < 2:
        word = todo.popleft()
        if not word.startswith("-") or word == "-":
            names += 1
            continue
        for position, letter in enumerate(word[1:], 2):
            if letter not in _WITH_VALUE:
                continue
            value = word[position:] or (todo.popleft() if todo else "")
            if letter in "Rw":
                return f"ssh -{letter}"
            if letter == "o" and re.match(
                r"(remoteforward|tunnel(?!(?:\s*+=|\s)\s*+no))\b", value, re.IGNORECASE
            ):
                return "ssh -R"
            break
    return None


def tunnel_in(words: Sequence[str]) -> str | None:
    """Return the kind of tunnel that a command line starts, `None` where it starts none."""
    words = list(dropwhile(_is_before, filter(None, words)))
    if not words:
        return None
    name = posixpath.basename(words[0])
    if name in _SSH:
        return _ssh(words[1:])
    if re.fullmatch(r"frpc[_-].*", name):
        name = "frpc"
    if re.fullmatch(r"cloudflared-.*", name):
        name = "cloudflared"
    if name not in _PROGRAMS or not re.fullmatch(_PROGRAMS[name] or ".*", " ".join(words[1:]), re.DOTALL):
        return None
    return name


def _is_before(word: str) -> bool:
    """Tell whether a word stands before a program: starts it, or is an option or variable of what does."""
    name = posixpath.basename(word)
    return name in _RUNNERS or bool(
        re.fullmatch(r"python[\d.]*", name) or re.fullmatch(r"[A-Za-z_]\w*=.*|-[A-Za-z]+", word)
    )


def _in_line(text: str) -> str | None:
    """Return the kind of tunnel that a line of a unit, a crontab, a script or ssh's configuration makes."""
    bare = text.strip()
    if not bare or bare.startswith(("#", ";")):
        return None
    if re.match(r"(Description|Documentation)\s*=", bare):
        return None
    if re.match(r"RemoteForward\b", bare, re.IGNORECASE):
        return "ssh -R"
    if "GRADIO_SHARE" in bare:
        return None if _OFF.search(bare.rstrip("\"'")) else "gradio share"
    words = re.split(r"[\s;&|()\"'`]+", re.sub(r"^Exec\w+\s*=\s*[-@:+!|]*", "", bare))
    starts = [at for at, word in enumerate(words) if _BEGINS.match(posixpath.basename(word))]
    for number, start in enumerate(starts):
        if number == _MOST_STARTS:
            raise Unobservable("unreadable", f"a line names more than {_MOST_STARTS} programs: {bare[:80]}")
        kind = tunnel_in(words[start : start + _MOST_WORDS])
        if kind is not None:
            return kind
    return None


def _of_processes(running: Iterable[Process]) -> Iterator[Tunnel]:
    for process in running:
        kind = tunnel_in(process.arguments) or tunnel_in([process.name, *process.arguments[1:]])
        if kind is not None:
            shown = " ".join(process.arguments)[:100] or process.name
            yield Tunnel(kind=kind, where=f"process {shown}")


@reads
def read_settings(stdout: str) -> Iterator[Tunnel]:
    """Yield tunnels from lines of `file:text` (files) and `file:NAME=value` with NUL (environments)."""
    for line in re.split(r"[\n\0]", stdout):
        path, colon, text = line.partition(":")
        if not colon or not path.startswith("/"):
            continue
        kind = _in_line(text)
        if kind is not None:
            where = "environment of a process" if path.startswith("/proc/") else path
            yield Tunnel(kind=kind, where=f"{where}: {text.strip()[:100]}")


def _in_code(text: str, *, uses_gradio: bool) -> str | None:
    if re.search(r"\bshare *= *True\b", text) and (uses_gradio or "launch(" in text):
        return "gradio share"
    if "GRADIO_SHARE" in text and not _OFF.search(text.rstrip("\"'")):
        return "gradio share"
    return "ngrok" if re.search(r"\bpyngrok\b|\bngrok\.(connect|forward)\b", text) else None


@reads
def read_code(stdout: str) -> Iterator[Tunnel]:
    """Yield tunnels from lines of `file:number:text` of program sources."""
    files: dict[str, list[tuple[str, str]]] = {}
    for line in stdout.splitlines():
        match = re.fullmatch(r"(?P<path>/.*?):(?P<number>\d+):(?P<text>.*)", line)
        if match and not match["text"].lstrip(" \t\"'").startswith("#"):
            files.setdefault(match["path"], []).append((match["number"], match["text"].strip()))
    for path, lines in files.items():
        uses_gradio = any(re.search(r"\bgradio\b", text) for _, text in lines)
        for number, text in lines:
            kind = _in_code(text, uses_gradio=uses_gradio)
            if kind is None and path.endswith(".sh"):
                kind = _in_line(text)
            if kind is not None:
                yield Tunnel(kind=kind, where=f"{path} line {number}")


def _problems(stderr: str) -> list[Unobservable]:
    lines = [line for line in stderr.splitlines() if line.strip() and not _ABSENT.search(line)]
    if not lines:
        return []
    if "not found" in lines[0] or re.match(r"find: '?grep", lines[0]):
        return [Unobservable("tool_missing", lines[0])]
    return [problem(lines[0])]


def tunnels(host: Host, directories: Sequence[str]) -> Tunnels:
    """Return signs of tunnels among processes, their environments, units, crontabs, and code.

    Args:
        host: the host to ask.
        directories: where programs of one's own lie.

    Raises:
        Unobservable: when processes are not shown.

    """
    foresee(host, *QUESTIONS)
    settings, code = together(lambda: _settings(host), lambda: _code(host, directories))
    running = processes(host)
    faults = [*_problems(settings.stderr), *_problems(code.stderr)]
    if len(code.stdout_bytes) >= LISTING_BYTES:
        faults.append(Unobservable("truncated", "too much code mentions tunnels to be read"))
    if not settings.stdout.endswith("end\n"):
        raise Unobservable("unreadable", "what environments and files set is not shown whole")
    found = [*_of_processes(running), *read_settings(settings.stdout), *read_code(code.stdout)]
    return Tunnels(
        found=tuple(sorted(dict.fromkeys(found), key=lambda item: (item.kind, item.where))),
        has_tailscale=any(process.name == "tailscaled" for process in running),
        faults=tuple(faults),
    )


def _settings(host: Host) -> CommandResult:
    return host.run(
        "grep -azHE '^GRADIO_SHARE=' /proc/[0-9]*/environ; "
        f"grep -rIHE '(^|[^A-Za-z0-9_])({_WORDS})' {' '.join(_PLACES)}; echo end"
    )


def _code(host: Host, directories: Sequence[str]) -> CommandResult:
    return host.run(
        f"find -H {' '.join(['%s'] * len(directories))} -xdev "
        "\\( -name site-packages -o -name dist-packages -o -name node_modules -o -name .git \\) -prune "
        "-o -type f \\( -name '*.py' -o -name '*.ipynb' -o -name '*.sh' -o -name '.env*' -o -name '*.env' "
        f"\\) -size -4096k -exec grep -aHnE '{_CODE}|{_COMMANDS}' -- {{}} + "
        f"| head -c {LISTING_BYTES}",
        *directories,
    )
