"""Files in model directories: what they are, by their first bytes, and any part of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pytest_aisec.facts.artifacts.file_parts import read_range
from pytest_aisec.facts.artifacts.model_heads import HEAD, LIST, LOOK, TOOLS
from pytest_aisec.facts.artifacts.model_links import followed
from pytest_aisec.facts.artifacts.model_listing import (
    MOST,
    Kind,
    Listing,
    ModelFile,
    ModelFiles,
    read_listing,
)
from pytest_aisec.facts.artifacts.model_pages import in_pages
from pytest_aisec.facts.system.find_forms import (
    lacks_fstype,
    lacks_printf,
    without_fstype,
    without_printf,
)
from pytest_aisec.facts.system.rights import ROOT, Rights, given_text, with_rights
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.backend.base import CommandResult
    from testinfra.host import Host

__all__ = [
    "HEAD",
    "Kind",
    "ModelFile",
    "ModelFiles",
    "large_weight_files",
    "model_files",
    "read_range",
]


def model_files(host: Host, directories: Sequence[str]) -> ModelFiles:
    """Return all files in `directories`, links followed, with the first bytes of each.

    One question, and more where one answer is not enough, or links lead out of the directories. Such a link
    is followed with the rights of the account that could have placed it. File systems mounted below are part
    of the directories.

    Raises:
        Unobservable: when find cannot look at all.

    """
    wrong = [path for path in directories if not path.startswith("/")]
    if wrong:
        raise Unobservable("parse", f"{wrong[0]!r} is not an absolute path")
    if not directories:
        return ModelFiles(files=(), absent=(), faults=())
    return followed(host, directories, _listed)


_PRIVATE = (
    'test "$O" = "$(id -u)" || find "$@" -type f -user "$(id -u)" ! -perm -4 '
    "-exec echo Permission denied, private to the asking account: {} + >&2\n"
)
"""What another account leads to is read only as far as everybody may read it, where root does not ask."""


def _listed(host: Host, places: Sequence[str], rights: Rights) -> Listing:
    """Return what lies below `places`, as an account with these rights may see it."""
    question = LIST.replace("%", "%%")
    answer = _asked(host, question, places, rights)
    if lacks_printf(answer.stderr) and (other := without_printf(question)):
        answer = _asked(host, other, places, rights)
    if rights == ROOT:
        listing = read_listing(answer.stdout, answer.stderr, places)
        return in_pages(host, listing) if listing.is_cut else listing
    what = f"{places[0]}, looked at as uid {rights.uid} that leads to it"
    return read_listing(given_text(answer, what), "", places, rights)


def _asked(host: Host, question: str, places: Sequence[str], rights: Rights) -> CommandResult:
    if rights == ROOT:
        words = " ".join(["%s"] * len(places))
        return host.run(f"set -- {words}; {question} | head -c {MOST}", *places)
    script = f"{_PRIVATE}{question.replace('%%', '%')} | head -c {MOST}"
    return host.run(*with_rights(rights, script, *places))


_NOT_LOCAL = (
    "proc", "sysfs", "cgroup", "cgroup2", "devpts", "securityfs", "debugfs", "tracefs", "configfs", "bpf",
    "pstore", "autofs", "mqueue", "binfmt_misc", "efivarfs", "fusectl", "rpc_pipefs", "nfs", "nfs4", "cifs",
    "smb3", "ceph", "lustre", "glusterfs", "9p", "fuse",
    "fuse.sshfs", "fuse.s3fs", "fuse.gcsfuse", "fuse.rclone", "fuse.glusterfs", "fuse.ceph", "fuse.lxcfs",
    "fuse.gvfsd-fuse", "fuse.portal", "squashfs", "iso9660", "nsfs",
)  # fmt: skip
_NAMES = (
    "*.safetensors", "*.gguf", "*.pt", "*.pth", "*.ckpt", "*.bin", "*.onnx", "*.engine", "*.h5", "*.keras",
)  # fmt: skip
_OF_DESKTOPS = re.compile(r"find: .?/run/user/\d+/(doc|gvfs).?: Permission denied\n?")
"""What even root may not enter, and what shows files of elsewhere."""


def large_weight_files(host: Host, *, above: int) -> ModelFiles:
    """Return the files of more than `above` bytes on the host's own file systems that look like weights.

    By name, or where the name says nothing by the first bytes (safetensors, GGUF, pickle, PyTorch's zip).
    File systems of other hosts and images mounted read-only are not looked at.

    Raises:
        Unobservable: when find cannot look at all.

    """
    skipped = " -o ".join(f"-fstype {kind}" for kind in _NOT_LOCAL)

    def asked(skipped: str, begin: str = "") -> str:
        return (
            f"for t in find stat od head readlink tail grep; do {TOOLS}{begin}"
            f"{{ find %s \\( {skipped} \\) -prune -o "
            f"-size +{above}c {LOOK.replace('%', '%%')}; printf 'e%%s\\000' \"$?\"; }} | head -c {MOST}"
        )

    question = asked(f"{skipped} -o -path '*/merged' -fstype overlay")
    answer = host.run(question, "/")
    if lacks_fstype(answer.stderr):
        question = asked('"$@"', without_fstype(_NOT_LOCAL))
        answer = host.run(question, "/")
    if lacks_printf(answer.stderr) and (other := without_printf(question)):
        answer = host.run(other, "/")
    seen = read_listing(answer.stdout, _OF_DESKTOPS.sub("", answer.stderr), ())
    return ModelFiles(
        files=tuple(file for file in seen.files if looks_like_weights(file)), absent=(), faults=seen.faults
    )


def looks_like_weights(file: ModelFile) -> bool:
    """Tell whether a file holds a model's weights, by name or content."""
    if any(file.name.endswith(pattern[1:]) for pattern in _NAMES):
        return True
    return file.kind in {"safetensors", "gguf", "pickle"} or (
        file.kind == "zip"
        and re.search(rb"^PK\x03\x04.{26}[^/]{1,200}/(data\.pkl|version)", file.head, re.DOTALL) is not None
    )
