"""The profiles that the command line or a file of settings asks for, resolved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pytest_aisec.catalog import groups, selectors
from pytest_aisec.catalog import profile as profiles
from pytest_aisec.catalog.groups import Plans
from pytest_aisec.catalog.load import Catalog
from pytest_aisec.catalog.plan import Plan
from pytest_aisec.catalog.resolve import make_plan
from pytest_aisec.session.request import AuditRequest

if TYPE_CHECKING:
    # Loaded where a file of settings is asked for.
    from pytest_aisec.catalog.settings import Settings


def resolve(request: AuditRequest, catalog: Catalog) -> Plans:
    """Return what the profiles select, before it is known which hosts there are.

    Raises:
        UsageProblem: for anything that does not resolve.
        EmptyPlan: when no control is left.

    """
    settings = request.settings
    by_group: Mapping[str, Plan]
    if settings is None or not settings.file.groups:
        only = _of_all(request, catalog, settings)
        by_group, (name, title, version) = {"": only}, (only.profile, only.title, only.version)
    else:
        by_group = _of_groups(request, catalog, settings)
        name, title, version = settings.file.name, settings.file.title, settings.file.version
    first = next(iter(by_group.values()))
    gate, gate_at = first.gate, first.gate_at
    if settings is not None and settings.policy is not None:
        at = settings.document.at
        gate, gate_at = settings.policy, lambda loc: at(("gate", *loc))
    return Plans(name=name, title=title, version=version, by_group=by_group, gate=gate, gate_at=gate_at)


def _of_all(request: AuditRequest, catalog: Catalog, settings: Settings | None) -> Plan:
    where = settings.where("aisec_profile", request.profile) if settings is not None else None
    chain = profiles.load_chain(
        request.profile, request.roots, cwd=request.here, asked_by=where or "--aisec-profile"
    )
    overlay = settings.overlay("", chain[-1].file) if settings is not None else []
    return make_plan([*chain, *overlay], catalog, params=request.params, select=request.select)


def _of_groups(request: AuditRequest, catalog: Catalog, settings: Settings) -> Mapping[str, Plan]:
    """Return the plans of all groups; what the options change must concern one of them at least."""
    made: dict[str, Plan] = {}
    selected = [part.strip() for item in request.select for part in item.split(",")]
    chains = {}
    for name in settings.file.groups:
        profile, where = settings.profile_of(name)
        chain = profiles.load_chain(profile, request.roots, cwd=settings.directory, asked_by=where)
        chains[name] = [*chain, *settings.overlay(name, chain[-1].file)]
    whole = {name: make_plan(chain, catalog) for name, chain in chains.items()}
    for name, chain in chains.items():
        params = [item for item in request.params if _concerns(item, whole[name])]
        mine = [text for text in selected if selectors.selects(text, whole[name])]
        if mine or not selected:
            changes = bool(params or mine)
            made[name] = make_plan(chain, catalog, params=params, select=mine) if changes else whole[name]
    for text in selected:
        if not any(selectors.selects(text, plan) for plan in whole.values()):
            make_plan(next(iter(chains.values())), catalog, select=[text])
    for item in request.params:
        if not any(_concerns(item, plan) for plan in whole.values()):
            make_plan(next(iter(chains.values())), catalog, params=[item])
    if settings.policy is None and request.gate is None:
        groups.check_gates(made, str(settings.document.path))
    return made


def _concerns(param: str, plan: Plan) -> bool:
    """Tell whether `--aisec-param` names a parameter that a control of the plan has."""
    selector, dot, name = param.partition("=")[0].strip().rpartition(".")
    return any(
        name in item.control.parameters and (not dot or selectors.matches(item.id, selector))
        for item in plan.controls
    )
