"""Links in model directories, followed only as far as the account that could have placed them can go.

Nothing of a link is opened before that is known. What lies in the directories themselves is looked at anyway,
so a link from one place in them to another adds a name and nothing else.
"""

from __future__ import annotations

import posixpath
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TYPE_CHECKING

from pytest_aisec.facts.artifacts.model_listing import Listing, ModelFile, ModelFiles
from pytest_aisec.facts.core.formats import reads
from pytest_aisec.facts.core.together import outcomes
from pytest_aisec.facts.system.rights import ENDS, HOP, ROOT, STEPS, Rights, given_text, with_rights
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["followed"]

_MOST_HOPS = 40
_MOST_ROUNDS = 6
_AT_ONCE = 200
_MOST_LEADING_OUT = 2000
_MOST_NAMES = 400_000
_MOST_DIRECTORIES = 20_000
"""Under all of their names, where links lead to them."""
_NOWHERE = ("No such file or directory", "Not a directory", "Too many levels of symbolic links")

_LED = (
    r"""
led() {
W=0 G= _h=0 _p=$1
while :; do
_q= _r=$_p
set -- /
"""
    + STEPS
    + r"""test $#:$((_m / 4096)) = 1:10 || test $# -gt 1 || return 0
test "${_k%:*}" = 0 || { W=${_k%:*}; return 0; }
"""
    + ENDS
    + r"""_h=$((_h + 1))
test $_h -le 40 || return
"""
    + HOP
    + r"""done
}
for f; do
s=$(stat -L -c "" -- "$f" 2>&1) && led "$f" && r=$(readlink -f -- "$f"; echo .) ||
{ printf '\000%s\000' "${s:-$f}"; continue; }
K=0
test "$W" = 0 || { their; test "$G" = 65534 || K="$K $(id -G "$W" 2>/dev/null)"; }
printf '%s\000%s\000' "$K" "${r%??}"
done
"""
)
"""Prints of each link the rights of the account that could make it lead elsewhere, and where it leads.

`led` looks at all that is on the way and not at what is at its end: whoever owns that chooses no way.
"""


@dataclass
class _Known:
    """Answers so far, by places without a link in them."""

    tops: dict[str, Rights] = field(default_factory=dict)
    """Directories that were looked at, and with which rights."""
    files: dict[str, ModelFile] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    within: dict[str, Rights] = field(default_factory=dict)
    """The rights with which links were found."""
    leads: dict[str, str | None] = field(default_factory=dict)
    """Where links lead that lead out of what was known; `None` for those that lead nowhere."""
    _inside: set[str] = field(default_factory=set)
    _above: set[str] = field(default_factory=lambda: {"/"})

    def add(self, listing: Listing, rights: Rights) -> None:
        for file in listing.files:
            self.files.setdefault(file.path, file)
        for path, target in listing.links.items():
            self.links.setdefault(path, target)
            self.within.setdefault(path, rights)

    def is_known(self, place: str) -> bool:
        """Tell whether a place lies in what was looked at, or on the way there: no link is on that."""
        parent = posixpath.dirname(place)
        if place in self.tops or parent in self._inside:
            self._inside.add(place)
        return place in self._inside or place in self._above

    def add_top(self, place: str, rights: Rights) -> None:
        """Add what was looked at with these rights."""
        self.tops.setdefault(place, rights)
        while place not in self._above:
            self._above.add(place)
            place = posixpath.dirname(place)

    def end(self, path: str) -> str | None:
        """Return where a link leads, `None` for nowhere.

        Raises:
            KeyError: naming the link that leads out of what is known.

        """
        if path in self.leads:
            return self.leads[path]
        at, left, hops, last = "", path.split("/")[:0:-1], 0, path
        while left:
            part = left.pop()
            if part in {"", "."}:
                continue
            if part == "..":
                at = posixpath.dirname(at).rstrip("/")
                continue
            at = f"{at}/{part}"
            if at in self.leads:
                last, there = at, self.leads[at]
                if there is None:
                    return None
                at = there.rstrip("/")
            elif at in self.links:
                last, target = at, self.links[at]
                hops += 1
                if hops > _MOST_HOPS:
                    return None
                at = "" if target.startswith("/") else posixpath.dirname(at).rstrip("/")
                left += reversed(target.split("/"))
            elif not self.is_known(at):
                raise KeyError(last)
        return at or "/"


def followed(
    host: Host, directories: Sequence[str], listed: Callable[[Host, Sequence[str], Rights], Listing]
) -> ModelFiles:
    """Return the files in `directories` and what links in them lead to.

    Args:
        host: where they lie.
        directories: absolute paths.
        listed: lists places with the rights of an account, and follows no link.

    """
    names = [path.rstrip("/") or "/" for path in directories]
    known = _Known()
    first = listed(host, names, ROOT)
    faults = list(first.faults)
    for top in first.tops:
        if top.place == top.path:
            known.add_top(top.path, ROOT)
        elif top.place:  # a link of somebody's stands on the way there
            known.links[top.path], known.within[top.path] = top.place, ROOT
    known.add(first, ROOT)
    for _ in range(_MOST_ROUNDS):
        open_links = sorted(_leading_out(known))
        if not open_links:
            break
        if len(open_links) > _MOST_LEADING_OUT:
            faults.append(_too_many(open_links))
            break
        faults += _follow(host, open_links, known, listed)
    else:
        faults += map(_too_many, [left] if (left := sorted(_leading_out(known))) else [])
    files = tuple(sorted(_named(names, known, faults), key=lambda file: file.path))
    absent = tuple(path for path, top in zip(directories, first.tops, strict=True) if top.is_absent)
    return ModelFiles(files=files, absent=absent, faults=tuple(faults))


def _too_many(links: Sequence[str]) -> Unobservable:
    return Unobservable("truncated", f"{links[0]}: one of {len(links)} links that lead too far")


def _leading_out(known: _Known) -> set[str]:
    found = set()
    for link in known.links:
        try:
            known.end(link)
        except KeyError as out:
            found.add(out.args[0])
    return found - known.leads.keys()


def _follow(
    host: Host,
    links: Sequence[str],
    known: _Known,
    listed: Callable[[Host, Sequence[str], Rights], Listing],
) -> list[Unobservable]:
    """Look at what `links` lead to, and return why some of it could not be seen."""
    portions = [links[start : start + _AT_ONCE] for start in range(0, len(links), _AT_ONCE)]
    faults: list[Unobservable] = []
    ways: list[tuple[str, Rights, str]] = []
    answers = outcomes([lambda portion=portion: _ways(host, portion) for portion in portions])  # type: ignore[misc]
    for portion, answer in zip(portions, answers, strict=True):
        for link in portion:
            way = answer if isinstance(answer, Unobservable) else answer[link]
            known.leads[link] = None
            if isinstance(way, Unobservable):
                faults.append(way)
            elif way is not None:
                known.leads[link] = way[1]
                rights = _allowed(way[0], known.within[link])
                if rights is None:
                    faults.append(Unobservable("privilege", f"{link}: another account leads on to {way[1]}"))
                elif not known.is_known(way[1]):
                    ways.append((link, rights, way[1]))
    ways.sort(key=lambda way: (way[1].words, way[2]))
    groups = [(rights, list(dict.fromkeys(place for _, _, place in group))) for rights, group in
              groupby(ways, key=lambda way: way[1])]  # fmt: skip
    seen = outcomes([lambda group=group: listed(host, group[1], group[0]) for group in groups])  # type: ignore[misc]
    for (rights, places), listing in zip(groups, seen, strict=True):
        if isinstance(listing, Unobservable):
            led = next(link for link, _, place in ways if place in places)
            faults.append(Unobservable(listing.reason, f"{led}: {listing.detail}"))
            continue
        faults += listing.faults
        for place in places:
            known.add_top(place, rights)
        known.add(listing, rights)
    return faults


def _allowed(placed: Rights, within: Rights) -> Rights | None:
    """Return with which rights a link is followed that was found with others."""
    if within == ROOT:
        return placed
    return within if placed in (ROOT, within) or placed.uid == within.uid else None


def _ways(host: Host, links: Sequence[str]) -> dict[str, tuple[Rights, str] | Unobservable | None]:
    """Return with which rights each of `links` is followed, and where it leads; `None` for nowhere."""
    printed = given_text(host.run(*with_rights(ROOT, _LED, *links)), "links in model directories")
    return read_ways(links, printed)


@reads
def read_ways(links: Sequence[str], printed: str) -> dict[str, tuple[Rights, str] | Unobservable | None]:
    """Read what `_LED` printed.

    Raises:
        Unobservable: when it is not that.

    """
    parts = printed.split("\0")
    if len(parts) != 2 * len(links) + 1 or parts[-1] or "«redacted:" in printed:
        raise Unobservable("parse", f"{len(links)} links gave {len(parts) // 2} answers")
    return {
        link: _way(link, words, said)
        for link, words, said in zip(links, parts[::2], parts[1::2], strict=False)
    }


def _way(link: str, words: str, said: str) -> tuple[Rights, str] | Unobservable | None:
    if words == "":
        if said.endswith(_NOWHERE):
            return None
        denied = said.endswith("Permission denied")
        said = said if link in said else f"{link}: {said}"
        return Unobservable("privilege" if denied else "unreadable", said)
    if not said.startswith("/"):
        return Unobservable("parse", f"{link}: readlink printed something else")
    if words == "0":
        return ROOT, said
    uid, gid, _, *groups = words.split()
    others = tuple(int(group) for group in groups if group != gid)
    return Rights(uid=int(uid), gid=int(gid), groups=others), said


def _named(names: Sequence[str], known: _Known, faults: list[Unobservable]) -> Iterator[ModelFile]:
    """Yield each file under each of its names below `names`, as `find -L` would name it."""
    files, links = sorted(known.files), sorted(known.links)
    seen: set[str] = set()
    ends = {link: _end(known, link) for link in links}
    todo: list[tuple[str, str, tuple[tuple[str, str], ...]]] = []
    todo += [(name, place, ()) for name in names if (place := _end(known, name)) is not None]
    steps = 0
    while todo:
        name, place, above = todo.pop()
        stem, cut = name.rstrip("/"), len(place.rstrip("/"))
        steps += 1
        for path in _below(files, place):
            full = stem + path[cut:]
            if full not in seen:
                seen.add(full)
                file = known.files[path]
                yield file if full == path else replace(file, path=full, place=path)
        if len(seen) > _MOST_NAMES or steps > _MOST_DIRECTORIES:
            faults.append(Unobservable("truncated", f"{name}: links give too many names"))
            return
        for link in _below(links, place):
            end, ways = ends[link], (*above, (place, link))
            if end is not None and link != place and not any(_is_on(end, *way) for way in ways):
                todo.append((stem + link[cut:], end, ways))


def _end(known: _Known, path: str) -> str | None:
    try:
        return known.end(path)
    except KeyError:  # it leads too far, and was said so
        return None


def _is_on(place: str, top: str, link: str) -> bool:
    """Tell whether a directory is `top`, or lies below it and above a link: `find` would call it a loop."""
    return place == top or (_holds(top, place) and _holds(place, link))


def _holds(place: str, path: str) -> bool:
    return path.startswith(place.rstrip("/") + "/")


def _below(paths: Sequence[str], place: str) -> Iterator[str]:
    """Yield those of some sorted paths that are a place or lie below it."""
    index = bisect_left(paths, place)
    if index < len(paths) and paths[index] == place:
        yield place
    stem = place.rstrip("/") + "/"
    for path in paths[bisect_left(paths, stem) :]:
        if not path.startswith(stem):
            return
        yield path
