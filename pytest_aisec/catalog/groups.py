"""Plans for groups of hosts, joined into the one plan of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pytest_aisec.catalog.plan import Group, Plan
from pytest_aisec.errors import UsageProblem


def join(name: str, title: str, version: str, plans: Mapping[str, Plan]) -> Plan:
    """Return one plan of the plans of several groups, by name; which hosts they have is not known yet.

    Its gate is that of the groups' profiles, which must be the same for all.

    Args:
        name: of the whole.
        title: of the whole.
        version: of the whole.
        plans: at least one, each of one profile.

    """
    first = next(iter(plans.values()))
    sources = dict.fromkeys(source for plan in plans.values() for source in plan.sources)
    order = {group: number for number, group in enumerate(plans)}
    controls = [replace(item, group=group) for group, plan in plans.items() for item in plan.controls]
    excluded = [replace(item, group=group) for group, plan in plans.items() for item in plan.excluded]
    return Plan(
        profile=name,
        title=title,
        version=version,
        controls=tuple(sorted(controls, key=lambda item: (item.id, order[item.group]))),
        excluded=tuple(sorted(excluded, key=lambda item: (item.control, order[item.group]))),
        gate=first.gate,
        gate_at=first.gate_at,
        sources=tuple(sources),
        groups=tuple(
            Group(name=group, profile=plan.profile, title=plan.title, version=plan.version)
            for group, plan in plans.items()
        ),
    )


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


def with_members(plan: Plan, members: Mapping[str, Sequence[str]]) -> Plan:
    """Return the plan with the hosts of its groups.

    Args:
        plan: with groups.
        members: group → names of its hosts.

    Raises:
        UsageProblem: when a host is in two groups.

    """
    found: dict[str, str] = {}
    for group, hosts in members.items():
        for host in hosts:
            if host in found:
                raise UsageProblem(
                    f"host {host} is in the groups {found[host]} and {group}, and every host has one "
                    "profile: make a profile that extends both"
                )
            found[host] = group
    return replace(plan, members=found)
