"""How the first bytes of files are read on a host: what `find` is told to print of each."""

from __future__ import annotations

__all__ = ["HEAD", "LOOK", "TOOLS"]

HEAD = 896
"""Bytes that are read of the beginning of every file."""

TOOLS = 'command -v "$t" >/dev/null || { echo "$t: not found" >&2; exit 127; }; done; '
# The same as in the loop below, in one process for thousands of files.
_PERL = (
    'for my $p (@ARGV) { my ($k, $h) = ("d", ""); if (open(my $f, "<:raw", $p)) { my $b = ""; '
    f"read($f, $b, {HEAD}); if ($b =~ /[\\x00-\\x08\\x0e-\\x1f\\x7f]/) "
    '{ $k = "b"; $h = join(" ", unpack("(H2)*", $b)) } '
    'elsif ($b =~ /^-----BEGIN.*PRIVATE KEY/s) { $k = "s" } else { $k = "t"; $h = "$b." } } '
    'print "h$p\\0$k\\0$h\\0" }'
)
# Text is printed as it is, so that credentials in it are recognised and never stored.
LOOK = (
    "-type f -printf 'f%%D:%%i %%s %%m %%u %%g\\000%%p\\000' "
    '-exec sh -c \'command -v perl >/dev/null && exec perl -e "$0" -- "$@"; for p; do '
    'if ! test -r "$p"; then k=d h=; '
    f'else h=$(od -An -v -tx1 -N{HEAD} -- "$p"); case $h in '
    '*" 0"[0-8ef]*|*" 1"*|*" 7f"*) k=b;; '
    f'*) k=t h=$(head -c {HEAD} -- "$p"; echo .);; esac; '
    'case $k$h in t-----BEGIN*"PRIVATE KEY"*) k=s h=;; esac; fi; '
    'printf "h%%s\\000%%s\\000%%s\\000" "$p" "$k" "$h"; done; exit 0\' '
    f"'{_PERL}' {{}} +"
)
