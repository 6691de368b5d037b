"""Directories with too many files for one answer: listed in pages, each by one process on the host.

A page holds the files whose inode leaves one remainder, so that what comes or goes meanwhile moves no other
file from page to page. Of most files a few bytes show that no loader takes them for a pickle, an archive or a
model: their heads are brief. Of the others whole heads are asked for, many in one question.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_aisec.facts.artifacts.beginnings import is_settled
from pytest_aisec.facts.artifacts.model_heads import HEAD, LOOK, TAIL, TOOLS
from pytest_aisec.facts.artifacts.model_listing import (
    MOST,
    Listing,
    ModelFile,
    complaints,
    read_file,
    read_listing,
)
from pytest_aisec.facts.core.formats import reads
from pytest_aisec.facts.core.together import outcomes
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["in_pages"]

_PAGE = 5_000_000
"""Bytes that a page is meant to have."""
_MOST_PAGES = 5
_BYTES, _LETTERS = 24, 192
"""Bytes of a brief head; of a text no more than whole words, so that no credential is cut in two."""
_AROUND = 120
"""Bytes of a file in a page besides its name and what `find` says of it."""
_MOST_WHOLE = 25_000
"""Files whose whole heads are asked for."""
_AT_ONCE, _MOST_NAMES = 400, 40_000

_FOUND = (
    "{ find \"$@\" -type f -printf 'f%D:%i %s %m %u %g\\000%p\\000' -o "
    "-type l -printf 'l%D:%i %l\\000%p\\000'; printf 'e%s\\000' \"$?\"; }"
)
_COUNT = (
    '$/ = "\\0"; my ($n, $b, $d) = (0, 0, ""); while (defined(my $s = <STDIN>)) { '
    'if ($s =~ /^e\\d+\\0$/) { print "$n $b $s"; next } my $p = <STDIN>; '
    "my ($q, $f) = $p =~ m{^(.*/)(.*)$}s; $b += length($q) + 2 if $q ne $d; $d = $q; $n++ if $s =~ /^f/; "
    f"$b += length($s) + length($f) + {_AROUND} }}"
)
_PERL = (
    '$/ = "\\0"; binmode STDIN; binmode STDOUT; my ($n, $m) = @ARGV; my $d = ""; '
    'while (defined(my $s = <STDIN>)) { chomp $s; if ($s =~ /^e\\d+$/) { print "$s\\0"; next } '
    "my $p = <STDIN>; last unless defined $p; chomp $p; "
    "my ($i) = $s =~ /^[fl]\\d+:(\\d+) /; next unless defined $i && $i % $n == $m; "
    'my ($q, $name) = $p =~ m{^(.*/)(.*)$}s; if ($q ne $d) { $d = $q; print "p$d\\0" } '
    'if ($s =~ s/^l\\S+ //) { print "l$name\\0$s\\0"; next } '
    'my ($k, $h) = ("d", ""); if (open(my $f, "<:raw", $p)) { my $b = ""; '
    'my $r = readlink("/proc/self/fd/" . fileno($f)); if (defined $r && $r ne $p) { $k = "m" } else { '
    f"read($f, $b, {HEAD}); my ($size, $t) = (-s $f, undef); "
    f"seek($f, $size > {TAIL} ? $size - {TAIL} : 0, 0) if $size > {HEAD}; $t = $b if $size <= {HEAD}; "
    f'read($f, $t, {TAIL}) if $size > {HEAD}; my $z = $t =~ /PK\\x05\\x06/ ? "z" : ""; '
    "my $whole = substr($b, 148, 8) =~ /^(\\x80| *[0-7]+ *(\\0|$))/; "
    'if ($b =~ /[\\x00-\\x08\\x0e-\\x1f\\x7f]/) { $k = "b"; '
    f'if (!$whole && length($b) > {_BYTES}) {{ $k = "B"; $b = substr($b, 0, {_BYTES}) }} '
    '$h = join(" ", unpack("(H2)*", $b)) } '
    'elsif ($b =~ /^-----BEGIN.*PRIVATE KEY/s) { $k = "s" } '
    f'elsif ($whole || length($b) <= {_LETTERS} || $b =~ /^\\s*-----BEGIN PGP/) {{ $k = "t"; $h = "$b." }} '
    f'else {{ $k = "T"; $h = substr($b, 0, {_LETTERS}); $h =~ s/(.)-----BEGIN.*/$1/s; '
    '$h = substr($h, 0, 1) if $h !~ s/(\\s)\\S*\\z/$1/; $h .= "." } '
    '$k .= $z; } } print "$s\\0$name\\0$k\\0$h\\0" }'
)
"""Prints of each file in the page what `LOOK` prints, shorter."""


def in_pages(host: Host, cut: Listing) -> Listing:
    """Return the whole of a listing that was cut, as far as it is within bounds.

    Args:
        host: where it comes from.
        cut: its beginning, which says where to look.

    """
    places = [top.path for top in cut.tops if top.place == top.path]
    (count,) = outcomes([lambda: _counted(host, places)])
    if isinstance(count, Unobservable):  # what was seen counts, and that it is not all
        return cut
    files, size = count
    pages = max(1, -(-size // _PAGE))
    asked = range(min(pages, _MOST_PAGES))
    answers = outcomes([lambda number=number: _page(host, places, pages, number) for number in asked])  # type: ignore[misc]
    faults = [fault for fault in cut.faults if fault.reason != "truncated"]
    links: dict[str, str] = {}
    found: list[ModelFile] = []
    for answer in answers:
        if isinstance(answer, Unobservable):
            faults.append(answer)
            continue
        found += answer.files
        links |= answer.links
        faults += answer.faults
    if len(asked) < pages:
        what = f"{len(found)} of {files} files were looked at, in {len(asked)} of {pages} pages by inode"
        faults.append(Unobservable("truncated", f"{', '.join(places)}: {what}"))
    found = list(_looked_into(host, found, faults))
    return replace(cut, files=tuple(found), links=links, faults=tuple(faults), is_cut=False)


def _asked(host: Host, tools: str, places: Sequence[str], question: str) -> tuple[str, str]:
    words = " ".join(["%s"] * len(places))
    script = f"for t in {tools} head; do {TOOLS}{question} | head -c {MOST}".replace("%", "%%")
    answer = host.run(f"set -- {words}; {script}", *places)
    return answer.stdout, answer.stderr


def _counted(host: Host, places: Sequence[str]) -> tuple[int, int]:
    """Return how many files there are, and about how many bytes would tell of them."""
    said, _ = _asked(host, "find perl", places, f"{_FOUND} | perl -e '{_COUNT}'")
    return read_count(said)


@reads
def read_count(said: str) -> tuple[int, int]:
    """Read how many files there are, and about how many bytes would tell of them.

    Raises:
        Unobservable: when it is not that.

    """
    match = re.fullmatch(r"([0-9]{1,12}) ([0-9]{1,15}) e[0-9]+\0", said)
    if match is None:
        raise Unobservable("parse", "perl printed something else than how many files there are")
    return int(match[1]), int(match[2])


def _page(host: Host, places: Sequence[str], pages: int, number: int) -> Listing:
    question = f"{_FOUND} | perl -e '{_PERL}' {pages} {number}"
    return read_page(*_asked(host, "find perl", places, question))


@reads
def read_page(stdout: str, stderr: str) -> Listing:
    """Read what was printed of one page; files of which the whole head is needed have none.

    Raises:
        Unobservable: when it is not that.

    """
    faults = complaints(stderr)
    parts = stdout.split("\0")
    if len(parts) < 2 or parts[-1] or not re.fullmatch(r"e\d+", parts[-2]):
        what = "is longer than what was counted" if len(stdout) >= MOST // 4 else "does not end"
        raise faults[0] if faults else Unobservable("truncated", f"a page of the listing {what}")
    if parts[-2] != "e0" and not stderr.strip():
        faults.append(Unobservable("unreadable", f"find ended with status {parts[-2][1:]}"))
    links: dict[str, str] = {}
    found = list(_records(iter(parts[:-2]), links))
    faults += [item for item in found if isinstance(item, Unobservable)]
    files = [item for item in found if not isinstance(item, Unobservable)]
    return Listing(tops=(), files=tuple(files), links=links, faults=tuple(faults))


def _records(parts: Iterator[str], links: dict[str, str]) -> Iterator[ModelFile | Unobservable]:
    folder = ""
    for first in parts:
        if first.startswith("p"):
            folder = first[1:]
            continue
        path, text = folder + next(parts, "") if first.startswith("f") else folder + first[1:], ""
        if first.startswith("l"):
            links[path] = next(parts, "")
            if "«redacted:" in path + links[path]:
                yield Unobservable("parse", f"the link {path} looks like a credential")
            continue
        kind, text = next(parts, ""), next(parts, "")
        yield read_file(path, first[1:], kind, text, is_settled)


def _looked_into(host: Host, files: Sequence[ModelFile], faults: list[Unobservable]) -> Iterator[ModelFile]:
    """Yield `files`, with whole heads where brief ones settle nothing."""
    wanted = [file.path for file in files if file.size and not file.head]
    if len(wanted) > _MOST_WHOLE:
        what = f"{wanted[_MOST_WHOLE]}: one of {len(wanted) - _MOST_WHOLE} files that were not looked into"
        faults.append(Unobservable("truncated", what))
        del wanted[_MOST_WHOLE:]
    whole: dict[str, ModelFile] = {}
    missing: set[str] = set()
    portions = list(_portions(wanted))
    answers = outcomes([lambda portion=portion: _heads(host, portion) for portion in portions])  # type: ignore[misc]
    for portion, answer in zip(portions, answers, strict=True):
        if isinstance(answer, Unobservable):
            faults.append(Unobservable(answer.reason, f"{portion[0]} and others: {answer.detail}"))
            continue
        faults += answer.faults
        whole |= {file.path: file for file in answer.files}
        missing |= {*portion} - whole.keys()
    for file in files:
        now = whole.get(file.path, file)
        if file.path in missing or now.identity != file.identity:
            faults.append(Unobservable("unreadable", f"{file.path}: was not there any more"))
        elif now.head or not file.size:
            yield now


def _portions(paths: Sequence[str]) -> Iterator[list[str]]:
    portion: list[str] = []
    for path in paths:
        if len(portion) == _AT_ONCE or sum(map(len, portion)) + len(path) > _MOST_NAMES:
            yield portion
            portion = []
        portion.append(path)
    if portion:
        yield portion


def _heads(host: Host, paths: Sequence[str]) -> Listing:
    question = '{ find "$@" -maxdepth 0 ' + LOOK + "; printf 'e%s\\000' \"$?\"; }"
    return read_listing(*_asked(host, "find stat od readlink tail grep", paths, question), ())
