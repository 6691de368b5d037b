"""Search some directories for what belongs to Python environments, in one command."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_aisec.facts.core.formats import reads
from pytest_aisec.facts.system.find_forms import lacks_xtype, without_printf
from pytest_aisec.facts.system.listings import LISTING_BYTES, read_listing
from pytest_aisec.observe.directory import nothing_runs
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["Search", "read_search", "search"]

_PRUNED = ("*/containers/storage/overlay", "*/containers/storage/vfs", "*/.cache/uv/archive-v*")
"""Layers of images, and what uv keeps unpacked: nothing there is installed."""

_SIGNS = (
    "pyvenv.cfg",
    ".venv/pyvenv.cfg",
    "venv/pyvenv.cfg",
    "*/pyvenv.cfg",
    "conda-meta",
    "*/conda-meta",
    "lib/python*/site-packages",
    "site-packages",
    "dist-packages",
    "*.dist-info",
)
"""What makes a directory, seen through a link to it, an environment or a place of some."""


@dataclass(frozen=True, kw_only=True)
class Search:
    """Environments that were found below some directories."""

    records: tuple[str, ...]
    absent: tuple[str, ...]
    """Those of the directories that are not there."""
    faults: list[Unobservable]
    """Why there may be more."""


def search(host: Host, roots: Sequence[str], expression: str) -> Search:
    r"""Run `find` with `expression` below `roots` and every file system mounted below them.

    Links are not followed, except for the roots themselves; one that leads to an environment elsewhere is a
    fault.

    Args:
        host: the host to ask.
        roots: absolute paths.
        expression: what find must look for and print, in records that end in `\n\0`; a constant.

    Raises:
        Unobservable: when the host cannot be searched at all.

    """
    tops = list(dict.fromkeys(root.rstrip("/") or "/" for root in roots))
    wrong = [top for top in tops if not top.startswith("/")]
    if wrong:
        raise Unobservable("parse", f"{wrong[0]!r} is not an absolute path")
    places = " ".join(["%s"] * len(tops))
    mounts = "|".join(["%s/*"] * len(tops))
    pruned = " -o ".join(f"-path '{path}'" for path in _PRUNED)
    signs = " ".join(f'"$l"/{sign}' for sign in _SIGNS)
    links = (
        f'-type l -xtype d -exec sh -c \'for l; do for p in {signs}; do if test -e "$p"; then '
        'printf "link %%s\\t%%s\\n\\000" "$l" "$(readlink -f -- "$l")"; break; fi; done; done; :\' sh {} +'
    )
    begin = (
        f'for t in {places}; do printf \'top %%s\\n\\000\' "$(readlink -f -- "$t")"; done; set -- {places}; '
    )
    values, within = [*tops, *tops], ""
    if not nothing_runs(host):  # a directory has no table of mounts: find enters all of them there
        values, within = [*values, *(top.rstrip("/") for top in tops)], "-xdev"
        begin += (
            "while read -r a b c d m e; do case $m in "
            f"/proc|/proc/*|/sys|/sys/*|/dev|/dev/*) ;; {mounts}) "
            'set -- "$@" "$(printf \'%%b\' "$m")";; esac; done </proc/self/mountinfo; '
        )
    end = f"printf 'status %%s\\n\\000' \"$?\"; }} | head -c {LISTING_BYTES}"
    skip = f"\\( -type d \\( {pruned} \\) -prune \\) -o"
    answer = host.run(
        f'{begin}{{ find -H "$@" {within} {skip} \\( {links} \\) , {skip} \\( {expression} \\); {end}',
        *values,
    )
    if lacks_xtype(answer.stderr) and (other := without_printf(expression)) is not None:
        linked = links.replace("-xtype d", "-exec test -d {} \\;").replace("{} +", "{} \\;")
        answer = host.run(
            f'{begin}{{ find -H "$@" {within} {skip} \\( {linked} \\); s=$?; '
            f'find -H "$@" {within} {skip} \\( {other} \\); t=$?; '
            f"test $s = 0 || (exit $s) && (exit $t); {end}",
            *values,
        )
    return read_search(tops, answer.stdout, answer.stderr)


@reads
def read_search(tops: Sequence[str], stdout: str, stderr: str) -> Search:
    """Read what `search` printed."""
    listing = read_listing(stdout, stderr)
    faults = listing.faults
    complaints = stderr.splitlines()
    real = [record.removeprefix("top ") for record in listing.records if record.startswith("top ")]
    records = []
    for record in listing.records:
        if record.startswith("link "):
            link, _, target = record.removeprefix("link ").partition("\t")
            if not any(target == top or target.startswith(top.rstrip("/") + "/") for top in real if top):
                detail = f"{link} leads to {target}, an environment outside of what is searched: name it, too"
                faults.append(Unobservable("unreadable", detail))
        elif not record.startswith("top "):
            records.append(record)
    return Search(
        records=tuple(records),
        absent=tuple(
            top
            for top in tops
            if {f"find: '{top}': No such file or directory", f"find: {top}: No such file or directory"}
            & set(complaints)
        ),
        faults=faults,
    )
