"""Targets that are directories (`chroot://`): files can be read there, and nothing runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["nothing_runs"]


def nothing_runs(host: Host) -> bool:
    """Tell whether the host is a directory in which nothing runs: `chroot://`, and no `/proc` in it.

    What `ss` or `nft` say there is of the machine that audits. With `/proc`, it may be a host seen from a
    container, and is judged.

    Raises:
        Unobservable: when it cannot be told whether there is a `/proc`.

    """
    if getattr(host.backend, "connection", "") != "chroot":
        return False
    answer = host.run("ls -d /proc/self")
    if answer.rc != 0 and "No such file or directory" in answer.stderr:
        return True
    if answer.rc != 0:
        raise Unobservable("unreadable", f"whether /proc is there is not shown: {answer.stderr!r}")
    return False
