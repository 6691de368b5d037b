"""Reading of the first bytes of files on a host: what `find` is told to print of each."""

from __future__ import annotations

__all__ = ["HEAD", "LIST", "LOOK", "TAIL", "TOOLS"]

HEAD = 896
"""Bytes that are read of the beginning of every file."""
TAIL = 65535 + 22
"""Bytes at the end of a file in which readers of zip archives look for the end of one."""

TOOLS = 'command -v "$t" >/dev/null || { echo "$t: not found" >&2; exit 127; }; done; '
# The same as in the loop below, in one process for thousands of files.
_PERL = (
    'for my $p (@ARGV) { my ($k, $h) = ("d", ""); if (open(my $f, "<:raw", $p)) { my $b = ""; '
    'my $r = readlink("/proc/self/fd/" . fileno($f)); if (defined $r && $r ne $p) { $k = "m" } else { '
    f"read($f, $b, {HEAD}); if ($b =~ /[\\x00-\\x08\\x0e-\\x1f\\x7f]/) "
    '{ $k = "b"; $h = join(" ", unpack("(H2)*", $b)) } '
    'elsif ($b =~ /^-----BEGIN.*PRIVATE KEY/s) { $k = "s" } else { $k = "t"; $h = "$b." } '
    f"my ($n, $t) = (-s $f, undef); seek($f, $n > {TAIL} ? $n - {TAIL} : 0, 0); "
    f'$k .= "z" if read($f, $t, {TAIL}) && $t =~ /PK\\x05\\x06/; }} }} '
    'print "h$p\\0$k\\0$h\\0" }'
)
# Text is printed as it is, so that credentials in it are recognised and never stored. No link was followed:
# what was opened lies where its path says, or somebody has put something else there meanwhile.
LOOK = (
    "-type f -printf 'f%D:%i %s %m %u %g\\000%p\\000' "
    '-exec sh -c \'command -v perl >/dev/null && exec perl -e "$0" -- "$@"; for p; do '
    'if ! test -r "$p"; then k=d h=; else k=m h=; { q=/proc/self/fd/3; test -e $q || q=$p; '
    'r=$(readlink /proc/self/fd/3; echo .); r=${r%?.}; case $r in "$p"|.) '
    f'h=$(od -An -v -tx1 -N{HEAD} -- "$q"); case $h in '
    '*" 0"[0-8ef]*|*" 1"*|*" 7f"*) k=b;; '
    f'*) k=t h=$(head -c {HEAD} -- "$q"; echo .);; esac; '
    'case $k$h in t-----BEGIN*"PRIVATE KEY"*) k=s h=;; esac; '
    f'tail -c {TAIL} -- "$q" | grep -qF "$(printf "PK\\005\\006")" && k=${{k}}z;; esac; }} 3<"$p"; fi; '
    'printf "h%s\\000%s\\000%s\\000" "$p" "$k" "$h"; done; exit 0\' '
    f"'{_PERL}' {{}} +"
)
"""For `find` that follows no link, from a place without one in its path."""
LIST = (
    f"for t in find stat od head readlink tail grep; do {TOOLS}"
    '{ for d; do shift; s=$(stat -L -c %F -- "$d" 2>&1); c=$?; r=$(readlink -f -- "$d"; echo .); '
    'printf "d%s %s\\000%s\\000" "$c" "$s" "${r%??}"; '
    'test $c = 0 && test "${r%??}" = "$d" && set -- "$@" "$d"; done; '
    "test $# = 0 || find \"$@\" -type l -printf 'l%p\\000%l\\000' -o " + LOOK + "; "
    "printf 'e%s\\000' \"$?\"; }"
)
"""Lists the directories in `$@`, but for those that a link leads to; `find -printf` may be replaced in it."""
