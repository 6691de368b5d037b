"""What the command line or a file of settings asks for: the plan, and which hosts have which part of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pytest_aisec.catalog import groups as fleet
from pytest_aisec.catalog import plan as plans
from pytest_aisec.catalog import profile as profiles
from pytest_aisec.catalog.load import Catalog
from pytest_aisec.catalog.plan import Plan
from pytest_aisec.catalog.settings import Settings
from pytest_aisec.errors import UsageProblem, nearest
from pytest_aisec.observe.hosts import Target
from pytest_aisec.session.request import AuditRequest


def resolve(request: AuditRequest, catalog: Catalog) -> Plan:
    """Return the plan; which hosts its groups have is not known yet.

    Raises:
        UsageProblem: for anything that does not resolve.
        EmptyPlan: when no control is left.

    """
    found = request.settings
    if found is None:
        chain = profiles.load_chain(request.profile, request.roots, cwd=request.here)
        return plans.make_plan(chain, catalog, params=request.params, select=request.select)
    plan = _of_groups(request, catalog, found) if found.file.groups else _of_all(request, catalog, found)
    if found.policy is None:
        return plan
    policy, at = found.policy, found.document.at
    return replace(plan, gate=policy, gate_at=lambda loc: at(("gate", *loc)))


def _of_all(request: AuditRequest, catalog: Catalog, found: Settings) -> Plan:
    where = found.where("aisec_profile", request.profile) or "--aisec-profile"
    chain = profiles.load_chain(request.profile, request.roots, cwd=request.here, asked_by=where)
    return plans.make_plan(
        [*chain, *found.overlay("", chain[-1].file)],
        catalog,
        params=request.params,
        select=request.select,
    )


def _of_groups(request: AuditRequest, catalog: Catalog, found: Settings) -> Plan:
    """Return the plans of all groups, joined; what the options change must concern one of them at least."""
    file = found.file
    made: dict[str, Plan] = {}
    selected = [part.strip() for item in request.select for part in item.split(",")]
    chains = {}
    for name in file.groups:
        profile, where = found.profile_of(name)
        chain = profiles.load_chain(profile, request.roots, cwd=found.directory, asked_by=where)
        chains[name] = [*chain, *found.overlay(name, chain[-1].file)]
    whole = {name: plans.make_plan(chain, catalog) for name, chain in chains.items()}
    for name, chain in chains.items():
        params = [item for item in request.params if _concerns(item, whole[name])]
        mine = [text for text in selected if plans.selects(text, whole[name])]
        if mine or not selected:
            made[name] = plans.make_plan(chain, catalog, params=params, select=mine)
    for text in selected:
        if not any(plans.selects(text, plan) for plan in whole.values()):
            plans.make_plan(next(iter(chains.values())), catalog, select=[text])
    for item in request.params:
        if not any(_concerns(item, plan) for plan in whole.values()):
            plans.make_plan(next(iter(chains.values())), catalog, params=[item])
    if found.policy is None and request.gate is None:
        fleet.check_gates(made, str(found.document.path))
    return fleet.join(file.name, file.title, file.version, made)


def _concerns(param: str, plan: Plan) -> bool:
    """Tell whether `--aisec-param` names a parameter that a control of the plan has."""
    selector, dot, name = param.partition("=")[0].strip().rpartition(".")
    return any(
        name in item.control.parameters and (not dot or plans.matches(item.id, selector))
        for item in plan.controls
    )


def with_hosts(
    plan: Plan, targets: Sequence[Target], members: Mapping[str, Sequence[str]]
) -> tuple[Plan, list[Target]]:
    """Return the plan with the hosts of its groups, and those of `targets` for which it has anything.

    Raises:
        UsageProblem: when a host is in two groups.

    """
    if not plan.groups:
        return plan, [*targets]
    groups = [group.name for group in plan.groups]
    plan = fleet.with_members(plan, {name: members.get(name, ()) for name in groups})
    kept = [target for target in targets if target.name in plan.members]
    found = set(plan.members.values())
    used = [group for group in plan.groups if group.name in found]
    return replace(
        plan,
        groups=tuple(used),
        controls=tuple(item for item in plan.controls if item.group in found),
        excluded=tuple(item for item in plan.excluded if item.group in found),
    ), kept


def recorded(plan: Plan, groups: Mapping[str, str]) -> Mapping[str, Sequence[str]]:
    """Return the groups of recorded hosts as they were recorded: group → names of its hosts.

    Args:
        plan: with groups.
        groups: host → group; empty for none.

    Raises:
        UsageProblem: when the settings do not have such groups.

    """
    known = [group.name for group in plan.groups]
    members: dict[str, list[str]] = {}
    for host, group in groups.items():
        if group not in known:
            if not group:
                raise UsageProblem(f"recorded host {host} is in no group of the settings: name a profile")
            raise UsageProblem(
                f"recorded host {host} is in group {group!r}, which the settings do not have. "
                f"{nearest(group, known)}".rstrip()
            )
        members.setdefault(group, []).append(host)
    return members
