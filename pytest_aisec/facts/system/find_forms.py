"""`find` in a form that BusyBox has: what `-printf` would print, by `stat` and `readlink`."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = [
    "lacks_fstype",
    "lacks_printf",
    "lacks_xtype",
    "lacks_z",
    "mentions",
    "without_fstype",
    "without_printf",
]

_LACKS = re.compile(r"^(?:.*\b)?find: unrecognized: -printf$", re.MULTILINE)
_PRINTF = re.compile(r"-printf '(?P<format>[^']*)'")
_DIRECTIVE = re.compile(r"%%(?P<letter>.)")
_FIELDS = {
    "y": '"$k"',
    "m": '"$m"',
    "u": '"$o"',
    "g": '"$g"',
    "s": '"$s"',
    "D": '"$d"',
    "i": '"$i"',
    "p": '"$f"',
    "l": '"$l"',
}
_READ = (
    'for f do a=$({stat} -c "%%A %%a %%u %%U %%g %%G %%s %%d %%i" "$f") || continue; '
    'set -- $a; test $# = 9 || { echo "stat: $f: owner or group is no word" >&2; continue; }; '
    'k=${1%%"${1#?}"}; if test "$k" = -; then k=f; fi; m=$2 o=$4 g=$6 s=$7 d=$8 i=$9; '
    'if test "$o" = UNKNOWN; then o=$3; fi; if test "$g" = UNKNOWN; then g=$5; fi; '
    'l=; if test -L "$f"; then l=$(readlink "$f"; echo .); l=${l%%??}; fi; '
)
"""Percent signs doubled, as in what it replaces. A file that vanishes meanwhile is complained about.

Run for each file: BusyBox silently forgets `-exec … {} +` between parentheses.
"""


def lacks_printf(stderr: str) -> bool:
    """Tell whether the host's `find` refused everything because it has no `-printf`, as that of BusyBox."""
    return _LACKS.search(stderr) is not None


def lacks_xtype(stderr: str) -> bool:
    """Tell whether the host's `find` refused everything because it has no `-xtype`, as that of BusyBox."""
    return re.search(r"^(?:.*\b)?find: unrecognized: -xtype$", stderr, re.MULTILINE) is not None


def lacks_fstype(stderr: str) -> bool:
    """Tell whether `find` knows no kinds of file systems: that of BusyBox, or where no mounts are shown."""
    return (
        re.search(
            r"^(?:.*\b)?find: (unrecognized: -fstype|Cannot read mounted file system list)\b",
            stderr.replace("\u2018", "").replace("\u2019", ""),
            re.MULTILINE,
        )
        is not None
    )


def without_fstype(kinds: Sequence[str]) -> str:
    """Return shell text that makes the positional parameters what `find` takes for `-fstype` of each kind.

    This holds for mount points of these kinds, by the kernel's table; where there is none, for nothing. One
    with a wildcard in its name is not left out. Percent signs doubled.
    """
    return (
        "set -- -type l -type d; if test -e /proc/self/mountinfo; then "
        "while read -r a b c d m t; do t=${t##*' - '}; "
        f"case ${{t%%%% *}} in {'|'.join(kinds)}) ;; overlay) case $m in */merged) ;; *) continue;; esac;; "
        "*) continue;; esac; m=$(printf '%%b' \"$m\"); "
        'case $m in *[[*?]*|*\\\\*) continue;; esac; set -- "$@" -o -path "$m"; '
        "done </proc/self/mountinfo || exit; fi; "
    )


def lacks_z(stderr: str) -> bool:
    """Tell whether the host's `grep` cannot end names with NUL, as that of BusyBox."""
    return (
        re.search(r"^(?:.*\b)?grep: (invalid|unrecognized) option -- 'Z'$", stderr, re.MULTILINE) is not None
    )


def mentions(options: str, *, of_text: bool) -> str:
    """Return shell text that prints what `grep -HZ` prints, where `grep` has no `-Z`. Percent signs doubled.

    Args:
        options: of `grep`; the pattern is `$p`, the files are the positional parameters.
        of_text: whether files with a NUL near their beginning are left out, as by `-I`.

    """
    skip = 'test "$(head -c 32768 "$f" | tr -dc \'\\000\' | head -c 1 | wc -c)" = 0 || continue; '
    return (
        f'for f do {skip if of_text else ""}grep -{options} "$p" "$f" | '
        'while IFS= read -r l; do printf \'%%s\\000%%s\\n\' "$f" "$l"; done; done; false'
    )


def without_printf(arguments: str, *, follow: bool = False) -> str | None:
    """Return the same question without `-printf`; `None` where something in a format has no other form.

    Args:
        arguments: of `find`, percent signs doubled, formats between single quotes.
        follow: whether `find` follows links (`-L`).

    """
    letters = {
        directive["letter"]
        for match in _PRINTF.finditer(arguments)
        for directive in _DIRECTIVE.finditer(match["format"])
    }
    if not letters or not letters <= set(_FIELDS):
        return None
    return _PRINTF.sub(lambda match: _by_stat(match["format"], follow=follow), arguments)


def _by_stat(form: str, *, follow: bool) -> str:
    read = _READ.replace("{stat}", "stat -L" if follow else "stat")
    fields = " ".join(_FIELDS[match["letter"]] for match in _DIRECTIVE.finditer(form))
    plain = re.sub(r"\\0(?!\d)", r"\\000", _DIRECTIVE.sub("%%s", form))
    return f"-exec sh -c '{read}printf \"{plain}\" {fields}; done' sh {{}} \\;"
