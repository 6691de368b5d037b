"""Files of which the first bytes settle that no loader runs them, and archives that hide what is in them."""

from __future__ import annotations

import re

from pytest_aisec.facts.artifacts.harmless import MEDIA
from pytest_aisec.facts.artifacts.onnx import begins_message
from pytest_aisec.facts.artifacts.pickle_opcodes import OPCODES
from pytest_aisec.facts.artifacts.pickle_walk import loads
from pytest_aisec.facts.artifacts.sources import is_packed

__all__ = ["OLD_JOBLIB", "REFUSED", "is_settled"]

REFUSED = (
    ("7z", re.compile(rb"7z\xbc\xaf\x27\x1c")),
    ("rar", re.compile(rb"Rar!\x1a\x07")),
    ("zstd", re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18")),
    ("lz4", re.compile(rb"\x04\x22\x4d\x18|\x02\x21\x4c\x18")),
    ("lzip", re.compile(rb"LZIP\x01")),
    ("compress", re.compile(rb"\x1f[\x9d\xa0]")),
    ("zip in several volumes", re.compile(rb"PK\x07\x08|PK00PK")),
    ("cpio", re.compile(rb"07070[127]")),
    ("ar", re.compile(rb"!<arch>\n")),
    ("cabinet", re.compile(rb"MSCF\0\0\0\0")),
)
"""Archives that may hold a pickle, and are not read."""
OLD_JOBLIB = re.compile(rb"ZF(?=0x[0-9a-f]{1,17} *)[0-9a-fx ]{19} ?")
_FORMS = (*(form.pattern for _, form in REFUSED), rb"PK\x03\x04|PK\x05\x06|\x93NUMPY|ZF0x")
_ARCHIVE = re.compile(b"|".join(_FORMS))
_LONGEST_FORM = 8
_NO_ARCHIVE = frozenset(b'{"#<-')
"""First bytes of texts with which no archive begins."""


def is_settled(head: bytes, size: int, is_text: bool) -> bool:  # noqa: FBT001 - called by one that does not know
    """Tell whether no more than these first bytes is needed: what comes behind them changes nothing.

    No reader of CPython gets anywhere with it as a pickle, it begins as no archive, nothing compressed and no
    message of protobuf, and it is a text or a picture, a sound or a film. Archives of tar show only later.

    Args:
        head: the first bytes, fewer than there are.
        size: bytes of the whole file.
        is_text: whether a longer beginning has no control character in it.

    """
    if not is_text and not head.startswith(MEDIA):
        return False
    if not head or (len(head) < _LONGEST_FORM and head[0] not in _NO_ARCHIVE):
        return False
    if _ARCHIVE.match(head) or is_packed(head) or begins_message(head, size):
        return False
    if head[0] not in OPCODES:
        return True
    first, *others = loads(head, size=size)
    return first.state == "broken" and not (others or first.runs or first.is_marked)
