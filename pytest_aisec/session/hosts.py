"""The hosts of a run, and connections to them that begin while the rest of the program is being loaded.

A connection takes several round trips; loading what judges and reports takes about as long.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_aisec.errors import UsageProblem, nearest
from pytest_aisec.observe.hosts import HostOptions, Target, resolve
from pytest_aisec.session.request import AuditRequest

if TYPE_CHECKING:
    # Loaded where a file of settings is asked for.
    from pytest_aisec.catalog.settings import Settings


class Hosts:
    """The hosts that a request names, and the connections to them."""

    def __init__(self, request: AuditRequest) -> None:
        self.request = request
        self.members: Mapping[str, Sequence[str]] = {}
        """Group of the settings → names of its hosts."""
        self._targets: list[Target] | None = None

    def begin(self) -> None:
        """Begin connections, where the command line leaves no doubt that its hosts will be asked.

        Nothing is asked yet. What is wrong with the command line is reported later, where it is needed.
        """
        if _is_doubtful(self.request):
            return
        try:
            self._targets = resolve(self.request.host_options())
        except UsageProblem:
            return
        for target in self._targets[: self.request.workers]:
            target.connect()

    def targets(self) -> list[Target]:
        """Return the hosts that the command line or the settings name, sorted by name.

        Raises:
            UsageProblem: see `resolve`; also for a host of the command line that is in no group.

        """
        found = self.request.settings
        if found is not None and found.file.groups:
            self._targets, self.members = _of_groups(self.request, found)
        elif self._targets is None:
            options = self.request.host_options()
            where = found.where("hosts", options.hosts) if found is not None else None
            self._targets = _resolved(options, where)
        return self._targets

    def end(self) -> None:
        """Close all connections; again is harmless."""
        for target in self._targets or ():
            target.disconnect()


def _is_doubtful(request: AuditRequest) -> bool:
    if request.is_worker or request.only_asks_pytest:
        return True
    if request.redact or request.replay or request.imports or not request.waves or request.workers < 1:
        return True
    profiles = [root.profiles / f"{request.profile}.yaml" for root in request.roots]
    if not any(path.is_file() for path in [*profiles, request.here / request.profile]):
        return True
    return request.evidence is not None and request.evidence.exists()


def _resolved(options: HostOptions, where: str | None) -> list[Target]:
    """Return the hosts; what is wrong with them is said of `where` they are written, if not of an option."""
    try:
        return resolve(options)
    except UsageProblem as problem:
        if where is None:
            raise
        raise UsageProblem(f"{where}: {str(problem).removeprefix('--hosts ')}") from None


def _of_groups(request: AuditRequest, found: Settings) -> tuple[list[Target], Mapping[str, Sequence[str]]]:
    """Return the hosts of all groups, or those of them that the command line names, and who is in which."""
    options = request.host_options()
    targets: dict[str, Target] = {}
    members: dict[str, list[str]] = {}
    for name, group in found.file.groups.items():
        where = found.document.at(("groups", name, "hosts"))
        sudo = options.sudo if group.sudo is None else group.sudo
        of_group = _resolved(replace(options, hosts=",".join(group.hosts), sudo=sudo), where)
        members[name] = [target.name for target in of_group]
        targets |= {target.name: target for target in of_group}
    if options.hosts is not None:
        wanted = [target.name for target in resolve(options)]
        for host in wanted:
            if host not in targets:
                raise UsageProblem(
                    f"--hosts {host}: no group of {found.document.path} has this host. "
                    f"{nearest(host, targets)}".rstrip()
                )
        targets = {name: target for name, target in targets.items() if name in wanted}
        members = {name: [host for host in hosts if host in wanted] for name, hosts in members.items()}
    return [targets[name] for name in sorted(targets)], members
