"""Plans for groups of hosts, joined into the one plan of a run once the hosts are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from pytest_aisec.catalog.plan import GroupInfo, Plan
from pytest_aisec.catalog.policy import GatePolicy
from pytest_aisec.errors import UsageProblem, nearest


@dataclass(frozen=True, kw_only=True)
class Plans:
    """The resolved profiles of a run, before it is known which hosts there are."""

    name: str
    title: str
    version: str
    by_group: Mapping[str, Plan]
    """At least one; a single one under the empty name, where one profile is for all hosts."""
    gate: GatePolicy
    gate_at: Callable[[Sequence[str | int]], str]
    """The path of keys of a value of the gate → `file:line:column`."""

    @property
    def has_groups(self) -> bool:
        """Whether hosts have the profile of their group."""
        return "" not in self.by_group

    def for_hosts(self, members: Mapping[str, Sequence[str]], gate: GatePolicy) -> Plan:
        """Return the plan of the run: of the groups that have hosts, joined.

        Args:
            members: group → names of its hosts; it is of no concern where there are no groups.
            gate: the policy of the run.

        Raises:
            UsageProblem: when a host is in two groups.

        """
        if not self.has_groups:
            return replace(self.by_group[""], gate=gate)
        group_of = _group_of({name: members.get(name, ()) for name in self.by_group})
        plans = {name: plan for name, plan in self.by_group.items() if name in group_of.values()}
        order = {group: number for number, group in enumerate(plans)}
        controls = [replace(item, group=group) for group, plan in plans.items() for item in plan.controls]
        excluded = [replace(item, group=group) for group, plan in plans.items() for item in plan.excluded]
        return Plan(
            profile=self.name,
            title=self.title,
            version=self.version,
            controls=tuple(sorted(controls, key=lambda item: (item.id, order[item.group]))),
            excluded=tuple(sorted(excluded, key=lambda item: (item.control, order[item.group]))),
            gate=gate,
            gate_at=self.gate_at,
            sources=tuple(
                dict.fromkeys(source for plan in self.by_group.values() for source in plan.sources)
            ),
            groups=tuple(
                GroupInfo(name=group, profile=plan.profile, title=plan.title, version=plan.version)
                for group, plan in plans.items()
            ),
            members=group_of,
        )

    def recorded(self, groups: Mapping[str, str]) -> Mapping[str, Sequence[str]]:
        """Return the groups of recorded hosts as they were recorded: group → names of its hosts.

        Args:
            groups: host → group; empty for none.

        Raises:
            UsageProblem: when there are no such groups.

        """
        if not self.has_groups:
            return {}
        members: dict[str, list[str]] = {}
        for host, group in groups.items():
            if not group:
                raise UsageProblem(f"recorded host {host} is in no group of the settings: name a profile")
            if group not in self.by_group:
                raise UsageProblem(
                    f"recorded host {host} is in group {group!r}, which the settings do not have. "
                    f"{nearest(group, self.by_group)}".rstrip()
                )
            members.setdefault(group, []).append(host)
        return members


def check_gates(plans: Mapping[str, Plan], where: str) -> None:
    """Refuse profiles of groups whose gates differ: one run has one verdict.

    Args:
        plans: by group.
        where: the file that has the groups.

    Raises:
        UsageProblem: it names two groups with their profiles.

    """
    (first, one), *others = plans.items()
    for group, plan in others:
        if plan.gate != one.gate:
            raise UsageProblem(
                f"{where}: the gates of groups {first} (profile {one.profile!r}) and {group} (profile "
                f"{plan.profile!r}) differ, and one run has one verdict: say under [gate] when the run fails"
            )


def _group_of(members: Mapping[str, Sequence[str]]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for group, hosts in members.items():
        for host in hosts:
            if host in found:
                raise UsageProblem(
                    f"host {host} is in the groups {found[host]} and {group}, and every host has one "
                    "profile: make a profile that extends both"
                )
            found[host] = group
    return found
