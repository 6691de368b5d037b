"""Any part of a file on a host, with the rights with which it was found."""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING

from pytest_aisec.facts.artifacts.model_listing import ModelFile, complaints
from pytest_aisec.facts.system.rights import ROOT, given_text, with_rights
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["decoded", "read_range"]


def decoded(text: str, path: str) -> bytes:
    """Return what `base64` printed about `path` as bytes."""
    try:
        return binascii.a2b_base64("".join(text.split()).encode("ascii"), strict_mode=True)
    except (ValueError, UnicodeEncodeError):
        raise Unobservable("parse", f"{path}: base64 printed something else") from None


_RANGE = (
    "set -- %s %s %s %s; { q=/proc/self/fd/3; test -e $q || q=$1; "
    'test "$(stat -L -c %%d:%%i -- "$q")" = "$2" || { echo "$1: was replaced meanwhile" >&2; exit 1; }; '
    'tail -c "+$3" <&3 | head -c "$4" | base64 -w 36; } 3<"$1"'
)
# Lines of 36 characters: too short for most credentials to be seen where there are only numbers.


def read_range(host: Host, file: ModelFile, offset: int, length: int) -> bytes:
    """Return `length` bytes of a file from `offset` on, with the rights with which it was found.

    Raises:
        Unobservable: when not all of them can be read, or another file lies there now.

    """
    place = file.place or file.path
    words = (place, file.identity, str(offset + 1), str(length))
    if file.rights == ROOT:
        answer = host.run(_RANGE, *words)
        faults = complaints(answer.stderr)
        if faults:
            raise faults[0]
        if answer.rc != 0:
            raise Unobservable("unreadable", f"{file.path}: {answer.stderr.strip() or answer.rc}")
        text = answer.stdout
    else:
        script = _RANGE.partition("; ")[2].replace("%%", "%")
        text = given_text(host.run(*with_rights(file.rights, script, *words)), file.path)
    data = decoded(text, file.path)
    if len(data) != length:
        raise Unobservable("unreadable", f"{file.path}: {len(data)} bytes came instead of {length}")
    return data
