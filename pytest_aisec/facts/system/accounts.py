"""Accounts with their homes, and where ML libraries keep their caches in them."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_aisec.facts.core.formats import is_number, reads
from pytest_aisec.facts.system.files import Entry
from pytest_aisec.facts.system.listings import ENTRY_FORMAT, find, read_entry
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = [
    "Account",
    "Cache",
    "Caches",
    "accounts",
    "model_caches",
]


@dataclass(frozen=True, kw_only=True)
class Account:
    """One line of the host's passwd file."""

    name: str
    uid: int
    home: str


def accounts(host: Host) -> tuple[Account, ...]:
    """Return the accounts in /etc/passwd.

    Raises:
        Unobservable: when the file cannot be read or is no passwd file.

    """
    answer = host.run("cat /etc/passwd")
    if answer.exit_status:
        raise Unobservable("unreadable", answer.stderr.strip() or "/etc/passwd")
    return read_accounts(answer.stdout)


@reads
def read_accounts(text: str) -> tuple[Account, ...]:
    """Read a passwd file; entries of NIS (`+`, `-`) are left out."""
    found = []
    for line in text.splitlines():
        if not line.strip() or line.startswith(("+", "-", "#")):
            continue
        fields = line.split(":")
        if len(fields) != 7 or not is_number(fields[2]):
            raise Unobservable("parse", f"/etc/passwd: {line[:200]!r}")
        found.append(Account(name=fields[0], uid=int(fields[2]), home=posixpath.normpath(fields[5] or "/")))
    if not found:
        raise Unobservable("parse", "/etc/passwd names no account")
    return tuple(found)


@dataclass(frozen=True, kw_only=True)
class Cache:
    """One directory in which an ML library keeps what it downloaded or compiled, and trusts it later."""

    top: Entry
    accounts: tuple[str, ...]
    """Whose cache it is."""
    writable: tuple[Entry, ...]
    """What others than its owner (and the owner's private group) may write."""


@dataclass(frozen=True, kw_only=True)
class Caches:
    """The caches found, and why there may be more."""

    caches: tuple[Cache, ...]
    faults: list[Unobservable]


_CACHES = (".cache/huggingface", ".cache/vllm", ".cache/torch", ".triton/cache")


_COMPILED = "/tmp/torchinductor_*"  # noqa: S108 - PyTorch's default, only looked at


_NO_HOMES = re.compile(r"/|/(nonexistent|proc|dev|sys|bin|sbin|usr|etc|run)(/.*)?")


def model_caches(host: Host) -> Caches:
    """Return the caches of ML libraries in the accounts' homes and in /tmp."""
    owners: dict[str, list[str]] = {}
    for account in accounts(host):
        if not _NO_HOMES.fullmatch(account.home):
            for cache in _CACHES:
                owners.setdefault(f"{account.home.rstrip('/')}/{cache}", []).append(account.name)
    globs = " ".join([_COMPILED, *(f"/home/*/{cache}" for cache in _CACHES)])
    listing = find(
        host,
        f"-H {' '.join(['%s'] * len(owners))} {globs} -xdev ! -type l "
        "\\( -perm /0022 -o -name huggingface -o -name vllm -o -name torch -o -name cache "
        "-o -name 'torchinductor_*' \\) "
        f"-printf '{ENTRY_FORMAT}'",
        *owners,
    )
    caches: dict[str, tuple[Entry, tuple[str, ...], list[Entry]]] = {}
    for entry in dict.fromkeys(map(read_entry, listing.records)):
        match = re.match(
            r"(/tmp/torchinductor_([^/]+)|"
            r"/home/([^/]+)/(?:\.cache/(?:huggingface|vllm|torch)|\.triton/cache))(?=/|$)",
            entry.path,
        )
        top = next((path for path in owners if entry.path == path or entry.path.startswith(path + "/")), None)
        top = top or (match[1] if match else None)
        if top is None:
            raise Unobservable("parse", f"find printed {entry.path!r}")
        if top not in caches:
            if entry.path != top:
                continue
            names = tuple(owners.get(top, [])) or ((match[2] or match[3],) if match else ())
            caches[top] = (entry, names, [])
        private_group = entry.group == entry.owner
        if entry.mode & 0o002 or (entry.mode & 0o020 and not private_group):
            caches[top][2].append(entry)
    return Caches(
        caches=tuple(
            Cache(top=top, accounts=names, writable=tuple(open_)) for top, names, open_ in caches.values()
        ),
        faults=listing.faults,
    )
