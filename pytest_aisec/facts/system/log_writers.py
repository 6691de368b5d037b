"""The processes that write the logs of the system, by whose they are and not by their names alone."""

from __future__ import annotations

import re

from pytest_aisec.facts.core.formats import reads
from pytest_aisec.facts.system.namespaces import ROOTS, differing
from pytest_aisec.facts.system.rights import OWNERS, read_owners
from pytest_aisec.observe.faults import Unobservable

__all__ = ["RUNNING", "read_log_writers"]

RUNNING = (
    f"grep -aH '' /proc/[0-9]*/comm; echo '=owners'; {OWNERS}; echo '=roots'; {ROOTS}; echo '=accounts'; "
    "getent passwd syslog ulog; echo end"
)
"""What runs, and whose it is: every line but the headings begins with a name that no process chose."""
_PARTS = re.compile(r"^=(?:owners|roots|accounts)\n", re.MULTILINE)
_ACCOUNT = re.compile(r"^(?:syslog|ulog):[^:\n]*:(\d{1,9}):", re.MULTILINE)


@reads
def read_log_writers(text: str) -> dict[str, int]:
    """Return the processes that may write logs of the system, by name: root's, and those of its log accounts.

    Any other account may call a process so, and a container has logs of its own.

    Raises:
        Unobservable: `unreadable`, when what runs is not shown whole.

    """
    names, *more = _PARTS.split(text)
    if len(more) != 3 or not text.endswith("end\n"):
        raise Unobservable("unreadable", "which programs run is not shown whole")
    owners, roots, accounts = more
    rights, elsewhere = read_owners(owners), differing(roots, "root")
    trusted = {0, *map(int, _ACCOUNT.findall(accounts))}
    return {
        name: int(pid)
        for pid, name in re.findall(r"^/proc/(\d{1,9})/comm:(.*)$", names, re.MULTILINE)
        if int(pid) in rights and rights[int(pid)].uid in trusted and int(pid) not in elsewhere
    }
