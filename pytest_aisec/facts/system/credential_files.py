"""Files in which tools keep credentials: where they lie and who may open them, never what is in them."""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_aisec.facts.core.together import together
from pytest_aisec.facts.system.accounts import Account, accounts
from pytest_aisec.facts.system.files import Entry, trails
from pytest_aisec.facts.system.listings import ENTRY_FORMAT, find, read_entry
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["CredentialFile", "CredentialFiles", "credential_files"]

_NAMES = (
    "*/.cache/huggingface/token",
    "*/.cache/huggingface/stored_tokens",
    "*/.huggingface/token",
    "*/.netrc",
    "*/.kaggle/kaggle.json",
    "*/.config/kaggle/kaggle.json",
    "*/.aws/credentials",
    "*/.config/gcloud/application_default_credentials.json",
    "*/.config/gcloud/credentials.db",
    "*/.azure/*.json",
    "*/.docker/config.json",
    "*/.kube/config",
    "*/.pypirc",
    "*/.git-credentials",
    "*/.config/git/credentials",
    "*/.config/wandb/*",
    "*/.ssh/id_*",
    "*/.ssh/*key*",
    "*/.ssh/*.pem",
    "*/.ssh/*_rsa",
    "*/.ssh/*_ecdsa",
    "*/.ssh/*_ed25519",
    "*/.env",
    "*/.mlflow/credentials",
    "*/.config/gh/hosts.yml",
    "*/.pgpass",
    "*/.my.cnf",
    "*/.s3cfg",
    "*/.vault-token",
    "*/.databrickscfg",
    "*/.lightning/credentials.json",
    "*/.claude/.credentials.json",
    "*/.codex/auth.json",
    "*/.config/rclone/rclone.conf",
    "*/.config/containers/auth.json",
)
_MAY_BE_LINKS = (
    ".cache", "huggingface", ".huggingface", ".kaggle", ".config", "kaggle", ".aws", "gcloud", ".azure",
    ".docker", ".kube", "wandb", ".ssh", "git", ".mlflow", "gh", ".lightning", ".claude", ".codex", "rclone",
    "containers",
)  # fmt: skip
_IGNORED = ("*.pub", "authorized_keys*", "commandIndex.json", "versionCheck.json", "extensionIndex.json")
"""Public keys, and what the Azure command line keeps beside its tokens."""

_TLS_KEYS = "/etc/ssl/private"
_DEPTH = 5
_DEEPEST = 40
_NO_HOMES = re.compile(r"/|/(nonexistent|proc|dev|sys|bin|sbin|usr|run|var/run)(/.*)?")


@dataclass(frozen=True, kw_only=True)
class CredentialFile:
    """One credential file."""

    entry: Entry
    """What a path leads to; for a link, what it ends at."""
    owners: tuple[str, ...]
    """Who may own it: root and whose home it lies in."""
    allowed: int
    """The permission bits that it may have: 0600, for TLS keys also reading by the group made for that."""


@dataclass(frozen=True, kw_only=True)
class CredentialFiles:
    """The credential files of a host."""

    files: tuple[CredentialFile, ...]
    absent: tuple[str, ...]
    """Those of the homes asked for that are proved to be absent."""
    faults: tuple[Unobservable, ...]
    """Why there may be more."""


def credential_files(host: Host, homes: Sequence[str]) -> CredentialFiles:
    """Return the credential files in `homes`, in the homes of all accounts, and the private TLS keys.

    Symbolic links on the way to a credential file are followed.

    Args:
        host: the host to ask.
        homes: homes, or directories of homes.

    """
    people = accounts(host)
    others = [
        account.home
        for account in people
        if not _NO_HOMES.fullmatch(account.home) and not any(_is_below(account.home, home) for home in homes)
    ]
    ways = trails(host, list(dict.fromkeys([*homes, *others])))
    faults = [trail.fault for trail in ways.values() if trail.fault]
    tops = [path for path, trail in ways.items() if trail.end is not None and trail.end.kind == "d"]
    readings = together(
        lambda: _search(host, tops), lambda: _home_owners(host, tops), lambda: _tls_keys(host)
    )
    (seen, more), (owners, most), (keys, last) = readings
    return CredentialFiles(
        files=(
            *(
                CredentialFile(entry=entry, owners=_owners_of(path, people, owners), allowed=0o600)
                for path, entry in seen.items()
            ),
            *keys,
        ),
        absent=tuple(path for path in homes if ways[path].end is None and ways[path].fault is None),
        faults=(*faults, *more, *most, *last),
    )


def _is_below(path: str, top: str) -> bool:
    return path == top or path.startswith(top.rstrip("/") + "/")


def _search(host: Host, tops: Sequence[str]) -> tuple[dict[str, Entry], list[Unobservable]]:
    """Return the credential files below `tops` by the path that names them."""
    names = " -o ".join(f"-path '{name}'" for name in _NAMES)
    ignored = " ".join(f"! -name '{name}'" for name in _IGNORED)
    files: dict[str, Entry] = {}
    faults: list[Unobservable] = []
    fresh, done = list(tops), set[str]()
    while fresh:
        done.update(fresh)
        listing = find(
            host,
            f"-H {' '.join(['%s'] * len(fresh))} -maxdepth {_DEPTH} "
            f"\\( -type f \\( {names} \\) {ignored} -printf '{ENTRY_FORMAT}' \\) -o "
            f"\\( -type l -printf '{ENTRY_FORMAT}' \\) ",
            *fresh,
        )
        faults += listing.faults
        wanted: list[str] = []
        at_top = {top.rstrip("/") or "/" for top in fresh}
        for record in listing.records:
            entry = read_entry(record)
            is_at_top = posixpath.dirname(entry.path) in at_top
            if entry.kind == "f":
                files[entry.path] = entry
            elif is_at_top or posixpath.basename(entry.path) in _MAY_BE_LINKS or is_credential(entry.path):
                wanted.append(entry.path)
        ends = trails(host, wanted) if wanted else {}
        faults += [trail.fault for trail in ends.values() if trail.fault]
        files.update(
            {
                path: trail.end
                for path, trail in ends.items()
                if trail.end and trail.end.kind == "f" and is_credential(path)
            }
        )
        fresh = [
            path for path, trail in ends.items() if trail.end and trail.end.kind == "d" and path not in done
        ]
        if any(path.count("/") > _DEEPEST for path in fresh):
            raise Unobservable("truncated", "symbolic links in the homes lead ever deeper")
    return files, faults


def is_credential(path: str) -> bool:
    """Tell whether a tool keeps credentials in a file of this name."""
    return _IS_NAMED.match(path) is not None and _IS_IGNORED.match(posixpath.basename(path)) is None


def _any_of(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(map(fnmatch.translate, patterns)))


_IS_NAMED, _IS_IGNORED = _any_of(_NAMES), _any_of(_IGNORED)


def _home_owners(host: Host, tops: Sequence[str]) -> tuple[dict[str, str], list[Unobservable]]:
    if not tops:
        return {}, []
    listing = find(
        host, f"-H {' '.join(['%s'] * len(tops))} -maxdepth 1 -type d -printf '{ENTRY_FORMAT}'", *tops
    )
    return {entry.path: entry.owner for entry in map(read_entry, listing.records)}, listing.faults


def _owners_of(path: str, people: Sequence[Account], homes: Mapping[str, str]) -> tuple[str, ...]:
    """Return root, the account whose home `path` lies in, and who owns the directory of that home."""
    near = max((account.home for account in people if _is_below(path, account.home)), key=len, default="/")
    names = [account.name for account in people if account.home == near != "/"]
    around = max((home for home in homes if _is_below(path, home)), key=len, default="")
    return tuple(dict.fromkeys(["root", *names, *([homes[around]] if around else [])]))


def _tls_keys(host: Host) -> tuple[list[CredentialFile], list[Unobservable]]:
    listing = find(host, f"-H %s -maxdepth 1 -name '*.key' -printf '{ENTRY_FORMAT}'", _TLS_KEYS)
    entries = [read_entry(record) for record in listing.records]
    links = [entry.path for entry in entries if entry.kind == "l"]
    ends = trails(host, links) if links else {}
    entries = [entry for entry in entries if entry.kind == "f"]
    entries += [trail.end for trail in ends.values() if trail.end and trail.end.kind == "f"]
    return [
        CredentialFile(
            entry=entry, owners=(entry.owner,), allowed=0o640 if entry.group == "ssl-cert" else 0o600
        )
        for entry in entries
    ], [*listing.faults, *(trail.fault for trail in ends.values() if trail.fault)]
