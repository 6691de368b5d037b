"""`find` in a form that BusyBox has: what `-printf` would print, by `stat` and `readlink`."""

from __future__ import annotations

import re

__all__ = ["lacks_printf", "lacks_xtype", "without_printf"]

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
