"""Software of AI machines that is no Python package: drivers, runtimes and servers, with their versions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_aisec.facts.core.formats import reads
from pytest_aisec.facts.core.together import together
from pytest_aisec.observe.directory import nothing_runs
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["Component", "Components", "components", "read_packages", "read_tools"]

_TOOLS = {
    "ollama": ("ollama", r"(?:client version is|ollama version is) v?(\d\S*)"),
    "llama-server": ("llama.cpp", r"^version: b?(\d\S*)"),
    "nvidia-ctk": ("nvidia-container-toolkit", r"version:? v?(\d\S*)"),
    "dcgmi": ("dcgm", r"version:? v?(\d\S*)"),
    "runc": ("runc", r"^runc version v?(\d\S*)"),
}
"""Program → component, and where its version stands in what `--version` prints."""
_FILES = {
    "/proc/driver/nvidia/version": ("nvidia-driver", r"Kernel Module\s+(?:for \S+\s+)?(\d+\.\S+)"),
    "/opt/tritonserver/TRITON_VERSION": ("triton", r"^(\d\S*)"),
}
_RUNNING = {"ollama": "ollama", "llama-server": "llama.cpp", "tritonserver": "triton"}
"""Process → component."""
_PACKAGES = {
    "nvidia-container-toolkit": "nvidia-container-toolkit",
    "nvidia-container-toolkit-base": "nvidia-container-toolkit",
    "datacenter-gpu-manager": "dcgm",
    "datacenter-gpu-manager-4-core": "dcgm",
    "runc": "runc",
    "trivy": "trivy",
    "ollama": "ollama",
}
_UNFINISHED = re.compile(r"(?<![a-z])(?:alpha|beta|rc|pre|dev|git|snap)|^0\.\d+\.", re.IGNORECASE)
"""In the revision of a package: what is packed may not be the release yet, as in 1.19.1-0.1.rc1.

Packagers of rpm count what comes before a release as 0.1, 0.2 and so on, whatever they write behind it.
"""
_DISTRIBUTED = {"runc"}
"""Packages that Linux distributions build themselves, and mend under the old version."""

_FIRST_YEAR = 18
"""Releases of Triton are numbered by year and month, such as 25.07; the server itself counts 2.59.0."""


@dataclass(frozen=True, kw_only=True)
class Component:
    """One piece of software that is there."""

    name: str
    """Such as `ollama` or `nvidia-driver`."""
    version: str
    """Empty where it is there and its version is not known."""
    where: str
    """The program, file, package or process that says so."""
    is_packaged: bool = False
    """Whether it is a package of the operating system, whose maintainers mend it under its old number."""
    is_program: bool = False
    """Whether it names its version itself, by whatever rules its makers have."""


@dataclass(frozen=True, kw_only=True)
class Components:
    """Components that were found, and why there may be more."""

    found: tuple[Component, ...]
    faults: tuple[Unobservable, ...]


def components(host: Host) -> Components:
    """Return the software that is known here and installed or running on the host.

    Programs are asked for their version. Ollama would ask its server, so it is told of one that cannot be.
    Trivy is not run: some of its releases were malicious.

    Raises:
        Unobservable: when the host cannot be asked.

    """
    packages, (stdout, stderr) = together(lambda: _ask_packages(host), lambda: _ask_programs(host))
    return read_tools(stdout, stderr, packages)


def _ask_programs(host: Host) -> tuple[str, str]:
    tools = " ".join(_TOOLS)
    running = " ".join(_RUNNING)
    files = " ".join(_FILES)
    hidden = "" if nothing_runs(host) else "test -e /proc/1/comm || printf 'hidden\\n\\n\\000'; "
    answer = host.run(
        "OLLAMA_HOST=127.0.0.1:1; export OLLAMA_HOST; "
        f"for t in {tools}; do p=$(command -v $t) || continue; "
        "printf 'tool %s %s\\n' $t \"$p\"; $t --version 2>&1 </dev/null | head -c 4000; "
        "printf '\\n\\000'; done; "
        "p=$(command -v trivy) && printf 'alone trivy %s\\n\\n\\000' \"$p\"; "
        f"for f in {files}; do "
        "if test -e $f; then printf 'file %s\\n' $f; head -c 4000 $f; printf '\\n\\000'; fi; done; "
        f"for n in {running}; do grep -lsxF $n /proc/[0-9]*/comm | while read -r c; do "
        "printf 'process %s %s\\n\\n\\000' $n \"$c\"; done; done; "
        f"{hidden}printf 'end\\n\\n\\000'"
    )
    return answer.stdout, answer.stderr


def _ask_packages(host: Host) -> tuple[Component, ...]:
    names = "|".join(_PACKAGES)
    answer = host.run(
        "{ if test -e /var/lib/dpkg/status; then "
        "dpkg-query -W -f '${db:Status-Status} ${Package} ${Version}\\n'; "
        "elif command -v rpm >/dev/null 2>&1 && "
        "{ test -d /var/lib/rpm || ! rpm --help 2>&1 | grep -q '^BusyBox '; }; then "
        "rpm -qa --qf 'installed %{NAME} %{VERSION}-%{RELEASE}\\n'; fi; "
        "printf 'status %s\\n' \"$?\"; } "
        f"| grep -E '^(status|installed ({names})) '"
    )
    return read_packages(answer.stdout, answer.stderr)


@reads
def read_packages(stdout: str, stderr: str) -> tuple[Component, ...]:
    """Read what the package manager printed.

    Raises:
        Unobservable: when it could not be asked.

    """
    *lines, last = stdout.splitlines() or [""]
    problem = next((line for line in reversed(stderr.splitlines()) if line.strip()), "")
    if last == "status 127" or "not found" in problem:
        raise Unobservable("tool_missing", problem or "the package manager")
    if last != "status 0":
        raise Unobservable("unreadable", problem or "the package manager did not end well")
    found = []
    for line in lines:
        _, name, version = [*line.split(" ", 2), "", ""][:3]
        if name not in _PACKAGES or not version:
            raise Unobservable("parse", f"the package manager printed {line!r}")
        upstream = version.partition(":")[2] or version
        before, _, revision = upstream.rpartition("-")
        found.append(
            Component(
                name=_PACKAGES[name],
                version=upstream if _UNFINISHED.search(revision) else before or upstream,
                where=f"package {name} {version}",
                is_packaged=name in _DISTRIBUTED,
            )
        )
    return tuple(found)


@reads
def read_tools(stdout: str, stderr: str, packages: Sequence[Component]) -> Components:
    """Read what was printed about programs, files and processes, beside what the package manager has."""
    *parts, rest = stdout.split("\n\0")
    problem = next((line for line in reversed(stderr.splitlines()) if line.strip()), "")
    if not parts or parts[-1].strip() != "end" or rest:
        raise Unobservable("parse", problem or "the list of programs does not come to its end")
    if problem:
        raise Unobservable("tool_missing" if "not found" in problem else "unreadable", problem)
    found, faults = [*packages], list[Unobservable]()
    for part in parts[:-1]:
        head, _, text = part.partition("\n")
        kind, _, what = head.partition(" ")
        if kind == "hidden":
            faults.append(Unobservable("privilege", "the processes of other users are hidden"))
        elif kind == "alone":
            name, _, path = what.partition(" ")
            if not any(one.name == name for one in packages):
                found.append(Component(name=name, version="", where=f"{path}, which is not run to be asked"))
        elif kind == "process":
            name, _, comm = what.partition(" ")
            if not any(one.name == _RUNNING[name] for one in found):
                where = f"process {comm.split('/')[2]}, {name}, of no program or file that is known here"
                found.append(Component(name=_RUNNING[name], version="", where=where))
        else:
            try:
                found.append(_read_version(kind, what, text, packages))
            except Unobservable as fault:
                faults.append(fault)
    return Components(found=tuple(dict.fromkeys(found)), faults=tuple(faults))


def _read_version(kind: str, what: str, text: str, packages: Sequence[Component]) -> Component:
    program, _, path = what.partition(" ")
    name, pattern = _TOOLS[program] if kind == "tool" else _FILES[program]
    match = re.search(pattern, text, re.MULTILINE)
    if match is None:
        raise Unobservable("parse", f"{path or program} names no version: {text.strip()[:200]!r}")
    number = int(re.split(r"\D", match[1][:9])[0])
    if (name == "triton" and number < _FIRST_YEAR) or (name == "llama.cpp" and number == 0):
        where = f"{path or program}: {match[1]}, which is not numbered as releases are"
        return Component(name=name, version="", where=where)
    of_system = path.startswith(("/usr/bin/", "/usr/sbin/", "/bin/", "/sbin/")) and any(
        one.is_packaged and one.name == name and one.version == match[1] for one in packages
    )
    return Component(
        name=name, version=match[1], where=path or program, is_packaged=of_system, is_program=True
    )
