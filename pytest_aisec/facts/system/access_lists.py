"""POSIX access lists: who may do what besides owner, group and others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_aisec.facts.core.formats import reads
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = [
    "AclEntry",
    "access_lists",
    "permitted",
]


@dataclass(frozen=True, kw_only=True)
class AclEntry:
    """One entry of an access control list that goes beyond owner, group and others."""

    path: str
    text: str
    """As getfacl prints it, such as `user:mallory:rw-` or `default:other::r-x`."""

    grants: str
    """The effective permissions, the mask considered, such as `r-x`."""

    @property
    def subject(self) -> str:
        """Whom it grants something, such as `user:mallory`; no name means the file's own owner or group."""
        return ":".join(self.text.removeprefix("default:").split(":")[:2])


def access_lists(host: Host, paths: Sequence[str], *, recursive: bool) -> tuple[AclEntry, ...]:
    """Return the ACL entries beyond mode bits of `paths` (and of everything below them).

    Without getfacl it is still seen whether there are any: then none gives `()`.

    Raises:
        Unobservable: when there are some and getfacl is missing, or when not everything could be seen.

    """
    places = " ".join(["%s"] * len(paths))
    depth = "" if recursive else " -maxdepth 0"
    answer = host.run(
        "if command -v getfacl >/dev/null 2>&1; then "
        f'echo getfacl; getfacl {"-R " if recursive else ""}-P -s -p -E -- {places}; echo "status $?"; '
        "elif ls --version 2>/dev/null | grep -q coreutils; then "
        f'echo ls; {{ find {places}{depth} ! -type l -exec ls -ld -- {{}} +; echo "status $?"; }} '
        "| grep -E '^(.{10}[+]|status )'; else echo none; fi",
        *paths,
        *paths,
    )
    return read_access_lists(answer.stdout, answer.stderr)


@reads
def read_access_lists(stdout: str, stderr: str) -> tuple[AclEntry, ...]:
    """Read what `access_lists` printed."""
    way, _, text = stdout.partition("\n")
    lines = text.splitlines()
    if way not in {"getfacl", "ls"}:
        raise Unobservable("tool_missing", "neither getfacl nor GNU ls, which show access control lists")
    status = lines.pop().removeprefix("status ") if lines and lines[-1].startswith("status ") else "unknown"
    if status in {"126", "127"}:
        raise Unobservable("tool_missing", stderr.strip() or way)
    if way == "ls" and lines:
        raise Unobservable(
            "tool_missing", f"getfacl: there are access control lists, the first is on {lines[0]}"
        )
    entries = _acl_entries(lines)
    wrong = [line for line in stderr.splitlines() if line and not line.endswith("No such file or directory")]
    if not entries and (wrong or status not in {"0", "1"} or (status == "1" and not stderr.strip())):
        detail = wrong[-1] if wrong else f"{way} ended with status {status}"
        raise Unobservable("privilege" if "Permission denied" in detail else "unreadable", detail)
    return entries


def _acl_entries(lines: Sequence[str]) -> tuple[AclEntry, ...]:
    entries: list[AclEntry] = []
    path, masks = "", dict[str, str]()
    block: list[str] = []

    def close() -> None:
        for text in block:
            prefix = "default:" if text.startswith("default:") else ""
            kind, name, permissions = text.removeprefix("default:").split(":", 2)
            masked = kind == "group" or (kind == "user" and name)
            mask = masks.get(prefix, "rwx") if masked else "rwx"
            granted = "".join(one if one in mask else "-" for one in permissions[:3])
            entries.append(AclEntry(path=path, text=text, grants=granted))
        block.clear()
        masks.clear()

    for line in [*lines, ""]:
        if line.startswith("# file: "):
            close()
            path = line.removeprefix("# file: ")
        elif not line.strip():
            close()
        elif line.startswith("#"):
            continue
        else:
            text = line.split("\t")[0].split("#")[0].strip()
            if not re.fullmatch(r"(default:)?(user|group|mask|other):[^:]*:[r-][w-][xX-]", text):
                raise Unobservable("parse", f"getfacl: {line[:200]!r}")
            prefix = "default:" if text.startswith("default:") else ""
            if text.removeprefix("default:").startswith("mask:"):
                masks[prefix] = text[-3:]
            else:
                block.append(text)
    return tuple(entries)


def permitted(subject: str, *, owner: str, group: str, mode: int) -> str:
    """Return what `mode` allows the `subject` of an ACL entry, such as `rx`, for this owner and group."""
    kind, _, name = subject.partition(":")
    if kind == "user" and name in {"", "root"}:
        return "rwx"
    shift = {
        ("user", owner): 6,
        ("group", group): 3,
        ("group", ""): 3,
        ("group", "root"): 3,
        ("other", ""): 0,
    }
    bits = mode >> shift[kind, name] & 7 if (kind, name) in shift else 0
    return "".join(letter for letter, bit in (("r", 4), ("w", 2), ("x", 1)) if bits & bit)
