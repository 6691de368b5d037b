"""Files that accounts of the target name, read with the rights of who named them.

A path in the arguments, the environment or a file of a process says what that process may read, not what
root may: `--config=/root/secret.txt` in a process of uid 1000 must not bring root's file into the evidence.
So root gives its rights up before it opens such a path:

- What a process names is read with the user, group and groups that the kernel shows for it.
- What root names is followed step by step. As soon as another account could put something else in the place
  of a step (it owns it, or the directory may be written by a group or by all), it is read with that account's
  rights.
- In a container, what is opened must lie on a mount of the container: its links lead nowhere else.
- Only plain files are read, nothing of `/proc`, `/sys` and their like, and no more than a bound. What was
  opened is looked at, not what the name meant a moment before.

Whoever is not root reads with its own rights, and nothing of its own that is private.

The process that reads may be taken over by the account whose rights it has. It holds pipes to processes of
the asking user, never the streams on which later answers come, and none of that user's environment.

One module, however long: its shell functions call one another, and what they promise is here.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from pytest_aisec.facts.core.answers import check_search
from pytest_aisec.observe.directory import nothing_runs
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.backend.base import CommandResult
    from testinfra.host import Host

__all__ = [
    "ENDS",
    "HOP",
    "NOBODY",
    "OWNERS",
    "ROOT",
    "SET_IDS",
    "STEPS",
    "Rights",
    "given_file",
    "given_text",
    "owners",
    "read_owners",
    "set_ids",
    "with_rights",
]

MOST_BYTES = 1024 * 1024
"""Of one file that somebody names; nothing that configures a program is longer."""

OWNERS = "grep -aHE '^(Uid|Gid|Groups):' /proc/[0-9]*/status"
SET_IDS = "stat -L -c '%u:%a %n' /proc/[0-9]*/exe"

STEPS = r"""while test "$_r"; do
_c=${_r%%/*}
case $_r in */*) _r=${_r#*/};; *) _r=;; esac
case $_c in ""|.) ;; *) _q=$_q/$_c; set -- "$@" "$_q";; esac
done
_x=$(stat -c %u:%g:%f -- "$@") || return
_y=
for _k in $_x; do
_m=$((0x${_k##*:})) _k=${_k%:*}
"""
"""Goes down a path `_r` from where `$@` begins, and looks at owner, group and mode of each place `_k`."""
ENDS = r"""case $((_m / 4096)):$((_m / 512 % 2)):$((_m / 16 % 2 + _m / 2 % 2)) in
4:0:[12]) W=65534 G=${_k#*:}; test $((_m / 2 % 2)) = 0 || G=65534; return 0;;
10:*) _y=$1; break;;
esac
shift
done
"""
"""Ends at a directory where others may put something, and at a link, the place `_y`."""
HOP = r"""_t=$(readlink -- "$_y" && echo .) || return
_t=${_t%??}
case $_t in /*) ;; *) _t=${_y%/*}/$_t;; esac
_p=$_t${_q#"$_y"}
"""
"""Replaces the link `_y` in the path `_p` by where it leads."""

_FUNCTIONS = (
    r"""
as() {
_u=$1 _g=$2 _s=$3; shift 3
set -- /bin/sh -c "$S
M=\$(cat <&4) I=\$(id -u)
eval \"\$E\"" given "$@"
case $(id -u):$_u in
0:0|[1-9]*:*) ;;
0:*)
command -v setpriv >/dev/null || { echo "setpriv: not found" >&2; return 127; }
set -- setpriv --reuid "$_u" --regid "$_g" "$_s" --no-new-privs -- "$@";;
*) return 127;;
esac
_q=$Q
test -r "$_q" || _q=/dev/null
env -i LC_ALL=C PATH="$PATH" S="$S" E="$E" O="$_u" Q="$Q" N="$N" "$@" 4<"$_q" </dev/null
}
who() {
W=0 _h=0 _p=$1
while :; do
case $_p in /*) _q=; set -- /;; *) _q=.; set -- .;; esac
_r=$_p
"""
    + STEPS
    + r"""test "${_k%:*}" = 0 || { W=${_k%:*} G=; return 0; }
"""
    + ENDS
    + r"""test "$_y" || return 0
_h=$((_h + 1))
test $_h -le 40 || { echo "$_p: too many levels of symbolic links" >&2; return 1; }
"""
    + HOP
    + r"""done
}
shown() {
_i=? _x=
if test -e /proc/self/fdinfo/3; then
test -f /proc/self/fd/3 || { echo "$1: not a plain file" >&2; return 1; }
while read -r _k _v; do test "$_k" = mnt_id: && _i=$_v; done </proc/self/fdinfo/3
fi
_m="
$M"
_x=${_m#*"
$_i "}
if test "$_x" != "$_m"; then
_x=${_x%%"
"*}
_x=${_x##* - }
elif test "$Q" != /proc/self/mountinfo; then
echo "$1: leads out of the root directory of the process" >&2
return 1
elif test -e /proc/self/fdinfo/3; then
_x=$(stat -f -L -c %T /proc/self/fd/3) || return
else _x=
fi
case ${_x%% *} in proc|sysfs|cgroup*|debugfs|tracefs|securityfs|configfs|devpts|binfmt_misc|mqueue|pstore)
echo "$1: nothing of ${_x%% *} is read" >&2; return 1;; esac
if test "$O" != 0 && test "$O" != "$I" && test "$I" != 0; then
case $(stat -L -c %u:%a /proc/self/fd/3) in
"$I":*[4567]) ;;
"$I":*) echo "$1: Permission denied: private to the asking account, and another one names it" >&2; return 1;;
esac
fi
head -c "$N" <&3
}
lend() {
_e=$E E="g \"\$1\""
as "$@"
set -- $?
E=$_e
return $1
}
their() {
_s=--clear-groups
if test -z "$G"; then
_k=$(getent passwd "$W" 2>/dev/null) && { _s=--init-groups; _k=${_k#*:*:*:} G=${_k%%:*}; }
fi
K="$W ${G:-65534} $_s"
}
g() {
if test "$O" = 0; then
who "$1" || return
test "$W" = 0 || { their; lend $K "$1"; return; }
fi
test -f "$1" || { stat -L -c "" -- "$1" >/dev/null && echo "$1: not a plain file" >&2; return 1; }
{ shown "$1"; } 3<"$1"
}
"""
)
"""`g FILE` prints a file that was named by the account `O`.

`lend UID GID GROUPS FILE` has root print one that is named by a process with these rights.

`as UID GID GROUPS ARGUMENT…` runs `E` with these rights. `who PATH` sets `W` to the account that could have
put something else in its place, 0 where that is root alone; with a `G` it is any member of that group.
`their` sets `K` to the rights of that account. `Q` is the mountinfo in which what is opened must have its
mount, `M` its text, `N` how much is read, `I` who reads.
"""

_END = re.compile(r"\nend (?P<status>\d{1,3})\n\Z")
_MOST_PRINTED = 8 * MOST_BYTES - 1024
"""Less than an answer may have."""
_ASIDE = 8 * 1024
"""Bytes of complaints that are kept."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rights:
    """Rights of an account, as the kernel shows them for one of its processes."""

    uid: int
    gid: int
    groups: tuple[int, ...] = ()
    """The other groups."""
    acts_as: int | None = None
    """The effective user id: another one where the process runs a set-user-id program."""

    @property
    def is_of_people(self) -> bool:
        """Whether the account is none of the system's, by how Debian and systemd number them."""
        return 1000 <= self.uid < 60000 or self.uid > 65535

    @property
    def words(self) -> str:
        """User, group and groups as `as` and `lend` in a script take them."""
        groups = f"--groups={','.join(map(str, self.groups))}" if self.groups else "--clear-groups"
        return f"{self.uid} {self.gid} {groups}"


NOBODY = Rights(uid=65534, gid=65534)
"""Of what was named by nobody knows whom."""
ROOT = Rights(uid=0, gid=0)
"""Of what the system names itself; what other accounts could have put there is read with theirs."""


def owners(host: Host) -> dict[int, Rights]:
    """Return the rights of all processes, by process id. In a directory there are none.

    A program with a set-user-id bit has those of who started it: its arguments come from there.

    Raises:
        Unobservable: `unreadable`, when of no process it is shown whose it is.

    """
    if nothing_runs(host):
        return {}
    answer = host.run(OWNERS)
    check_search(answer.rc, answer.stdout)
    if answer.rc in {126, 127}:
        raise Unobservable("tool_missing", answer.stderr.strip() or "grep")
    found = read_owners(answer.stdout)
    if not found:
        raise Unobservable("unreadable", f"whose processes run is not shown: {answer.stderr.strip()[-200:]}")
    return found


def read_owners(text: str) -> dict[int, Rights]:
    """Read what the question `OWNERS` printed."""
    return dict(_rights_in(text))


@lru_cache(maxsize=8)
def _rights_in(text: str) -> tuple[tuple[int, Rights], ...]:
    found: dict[int, dict[str, list[int]]] = {}
    for line in re.finditer(r"^/proc/(\d+)/status:(Uid|Gid|Groups):([\d \t]*)$", text, re.MULTILINE):
        found.setdefault(int(line[1]), {})[line[2]] = [int(number) for number in line[3].split()]
    return tuple(
        (pid, _weakest(ids["Uid"], ids["Gid"], ids.get("Groups", [])))
        for pid, ids in found.items()
        if len(ids.get("Uid", ())) == len(ids.get("Gid", ())) == 4
    )


def _weakest(uids: Sequence[int], gids: Sequence[int], groups: Sequence[int]) -> Rights:
    which = 0 if uids[0] else 1
    gid = gids[which]
    others = tuple(group for group in groups if group != gid)
    return Rights(uid=uids[which], gid=gid, groups=others, acts_as=uids[1])


def set_ids(host: Host) -> frozenset[int]:
    """Return the processes that run a set-user-id program of root's, such as sudo and su.

    Their arguments are those of whoever started them; what they start is a process of its own.
    """
    text = host.run(SET_IDS).stdout
    return frozenset(
        int(match[2])
        for match in re.finditer(r"^0:(\d+) /proc/(\d+)/exe$", text, re.MULTILINE)
        if int(match[1], 8) & 0o4000
    )


def with_rights(
    rights: Rights, script: str, *arguments: str, root: str = "", most: int = MOST_BYTES
) -> tuple[str, ...]:
    """Return a command for `host.run` that runs `script` with these rights; see `given_text` for the answer.

    `g FILE` in the script prints a file as far as it may be read.

    Args:
        rights: of the account that named the files.
        script: for `/bin/sh`.
        arguments: its `$1`, `$2` …
        root: `/proc/PID/root` where the account's process has a root directory of its own: the script runs in
            it, and names what lies there `./…`.
        most: bytes of each file.

    """
    mounts = f"{posixpath.dirname(root)}/mountinfo" if root else "/proc/self/mountinfo"
    variables = {
        "S": _FUNCTIONS,
        "E": f'{script}\nprintf "\\nend %s\\n" "$?"',
        "Q": mounts,
        "N": str(most + 1),
    }
    setting = " ".join(f"{name}={shlex.quote(value)}" for name, value in variables.items())
    dropping = f"as {rights.words}"
    command = (
        f'{setting}; eval "$S"; cd {shlex.quote(root + "/")} && {{ {dropping} @ '
        f"2>&1 >&3 3>&- | head -c {_ASIDE} >&2; }} 3>&1 | head -c {_MOST_PRINTED}"
    )
    places = " ".join(["%s"] * len(arguments))
    before, _, after = command.replace("%", "%%").rpartition(" @ ")
    return (
        (f"{before} {places} {after}", *arguments) if arguments else (f"{before} {after}".replace("%%", "%"),)
    )


def given_text(answer: CommandResult, what: str) -> str:
    """Return what a script of `with_rights` printed.

    Args:
        answer: the result of `host.run`.
        what: what was read and who named it, for people.

    Raises:
        Unobservable: when it could not be read with these rights, or is no plain file, or too long.

    """
    text, complaint = str(answer.stdout), str(answer.stderr).strip()
    match = _END.search(text, max(0, len(text) - 16))
    if match is not None and match["status"] == "0" and not complaint:
        return text[: match.start()]
    said = complaint.splitlines()[-1][-300:] if complaint else ""
    if "ermission denied" in said or "not permitted" in said:
        raise Unobservable("privilege", f"{what}: {said}")
    if "not found" in said or (match is not None and match["status"] in {"126", "127"}):
        raise Unobservable("tool_missing", f"{what}: {said}")
    if match is None and not said:
        raise Unobservable("truncated", f"{what}: the answer is not whole")
    raise Unobservable("unreadable", f"{what}: {said or text.strip()[-100:]}")


def given_file(host: Host, path: str, rights: Rights | None, *, root: str = "") -> str:
    """Return the text of a file that a process names.

    Args:
        host: where it lies.
        path: absolute, as the process names it.
        rights: those of the process; `None` where it ended meanwhile.
        root: see `with_rights`.

    Raises:
        Unobservable: when the process itself could not read it, or it is no plain file.

    """
    if rights is None:
        raise Unobservable("unreadable", f"{path} is named by a process that has ended")
    answer = host.run(*with_rights(rights, 'g "$1"', f".{path}" if root else path, root=root))
    what = f"{root}{path}, read as uid {rights.uid} that names it"
    text = given_text(answer, what)
    if len(text.encode("utf-8", "surrogateescape")) > MOST_BYTES:
        raise Unobservable("truncated", f"{what}: it is longer than {MOST_BYTES} bytes")
    return text
