"""The texts of many files, in few answers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_aisec.facts.core.formats import reads
from pytest_aisec.facts.core.together import ahead
from pytest_aisec.facts.system.rights import ROOT, Rights, given_text, with_rights
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = [
    "read_files",
]

READ_AT_ONCE = 4 * 1024 * 1024
"""Bytes of files in one answer; a larger file is not read."""


_MOST_FILES = 5000
_MOST_BYTES = 8 * 1024 * 1024
"""What is read of all files that are asked for: beyond it they are faults, so that nothing passes unread."""
_A_PORTION = 100


_STATUS = re.compile(r"\n?=\d+\Z")
_READ = """\
V='several() {
_n=$1
shift
while test "$_n" -gt 0; do
_f=$2
shift 2
_n=$((_n - 1))
{ { _a=$(g "$_f" 2>&1 >&5 5>&-; echo "=$?"); } 5>&1; printf "\\n=%s" "$_a"; } | tr "\\000" "\\001"
printf "\\n\\000"
done
}'
eval "$V"
key() {
case $1 in
[0-9]*) K=$1;;
*)
W=0 K=0
test -z "$1" || who "$1" 2>/dev/null || { K="65534 65534 --clear-groups"; return 0; }
test "$W" != 0 || who "$2" 2>/dev/null || return 0
test "$W" = 0 || their;;
esac
}
b= f= L=
for a; do
if test "$f"; then key "$b" "$a"; f= L="$L$K
"; else b=$a f=1; fi
done
IFS='
'
n=0
for k in $L end; do
unset IFS
if test "$n" -gt 0 && test "$k" != "$p"; then
case $p in
0) several "$n" "$@";;
*) e=$E E="$V
several \\"\\$@\\""
as $p "$n" "$@"
E=$e;;
esac
shift $((2 * n))
n=0
fi
n=$((n + 1)) p=$k
done"""
"""For pairs of who names a file and the file. Who names it is a file, the rights of a process, or empty for
what was found and not named. Those that follow each other and are read with the same rights are read at once.
Behind each text stand what was complained and the exit status."""


def read_files(
    host: Host, sizes: Mapping[str, int], *, named_by: Mapping[str, str | Rights] = MappingProxyType({})
) -> dict[str, str | Unobservable]:
    """Return the text of the files of these `sizes`, in as few answers as the sizes allow.

    Root reads each with the rights of whoever could have put it there, or names it. Of very many files, or of
    very much text, the rest is `truncated`.

    Args:
        host: where they lie.
        sizes: their sizes by path; 0 where that is not known.
        named_by: the file, or the rights of the process, in which a path was found that leads anywhere.

    """
    answers: dict[str, str | Unobservable] = {}
    portions: list[list[str]] = [[]]
    weight = total = 0
    for number, path in enumerate(sorted(sizes)):
        if sizes[path] > READ_AT_ONCE:
            answers[path] = Unobservable("truncated", f"{path} has {sizes[path]} bytes")
            continue
        total += sizes[path]
        if number >= _MOST_FILES or total > _MOST_BYTES:
            answers[path] = Unobservable(
                "truncated", f"{path} is one of too many: {len(sizes)} project files"
            )
            continue
        if portions[-1] and (weight + sizes[path] > READ_AT_ONCE or len(portions[-1]) >= _A_PORTION):
            portions.append([])
            weight = 0
        portions[-1].append(path)
        weight += sizes[path]
    readings = [partial(_read_portion, host, portion, named_by) for portion in portions if portion]
    ahead(*readings)
    for read in readings:
        answers |= read()
    return answers


def _read_portion(
    host: Host, paths: Sequence[str], named_by: Mapping[str, str | Rights]
) -> dict[str, str | Unobservable]:
    words = [word for path in paths for word in (_naming(named_by.get(path, "")), path)]
    answer = host.run(*with_rights(ROOT, _READ, *words, most=READ_AT_ONCE))
    return read_texts(paths, given_text(answer, "files"))


def _naming(by: str | Rights) -> str:
    if isinstance(by, Rights):
        return by.words if by.uid else ""
    return by


@reads
def read_texts(paths: Sequence[str], printed: str) -> dict[str, str | Unobservable]:
    """Read what was printed about some files.

    Raises:
        Unobservable: when the answers cannot be told apart.

    """
    parts = printed.split("\n\0")
    if len(parts) != len(paths) + 1 or parts[-1]:
        raise Unobservable(
            "parse", f"{len(paths)} files gave {len(parts) - 1} answers: one looks like a credential"
        )
    return {path: _text(path, part) for path, part in zip(paths, parts, strict=False)}


def _text(path: str, printed: str) -> str | Unobservable:
    text = printed.removesuffix("\n==0")
    if text != printed:
        too_long = len(text.encode("utf-8", "surrogateescape")) > READ_AT_ONCE
        return Unobservable("truncated", f"{path} is too long") if too_long else text
    complaint = _STATUS.sub("", printed).rpartition("\n=")[2].strip() or "it cannot be read"
    said = f"{path}: {complaint.splitlines()[-1][-200:]}"
    if "ermission denied" in complaint:
        return Unobservable("privilege", said)
    return Unobservable("tool_missing" if "not found" in complaint else "unreadable", said)
