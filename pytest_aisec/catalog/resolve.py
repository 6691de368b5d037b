"""Resolve profiles and what the command line changes of them into a plan."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from pytest_aisec.catalog import frameworks, selectors, yamlfile
from pytest_aisec.catalog.control import Control, Parameter, Severity
from pytest_aisec.catalog.load import Catalog
from pytest_aisec.catalog.plan import Exclusion, Plan, PlannedControl
from pytest_aisec.catalog.policy import GatePolicy
from pytest_aisec.catalog.profile import Profile
from pytest_aisec.errors import EmptyPlan, UsageProblem, nearest


@dataclass(kw_only=True)
class _Draft:
    """A control while the profiles are laid over one another."""

    control: Control
    severity: Severity
    values: dict[str, Any] = field(default_factory=dict)
    references: dict[str, list[str]] = field(default_factory=dict)


def make_plan(
    chain: Sequence[Profile], catalog: Catalog, *, params: Sequence[str] = (), select: Sequence[str] = ()
) -> Plan:
    """Resolve a chain of profiles, the base first, and the command line into a plan.

    Args:
        chain: what `profile.load_chain` returned.
        catalog: all known controls.
        params: `NAME=VALUE` or `CONTROL.NAME=VALUE`, as given with `--aisec-param`.
        select: ids, wildcards, families, severities or `framework:id`, as given with `--aisec-select`;
            a control is kept when any of them matches.

    Raises:
        UsageProblem: anything in a profile or option that does not resolve; it names file, line and value.
        EmptyPlan: when no control is left.

    """
    drafts, excluded, problems = _resolve(chain, catalog)
    if problems:
        raise UsageProblem("\n".join(problems))
    for option in params:
        _apply_option(option, drafts)
    planned = [_finish(draft) for _, draft in sorted(drafts.items())]
    planned = selectors.selected(planned, select, catalog)
    last = chain[-1].file
    if not planned:
        raise EmptyPlan(f"profile {last.id!r} selects no control")
    gates = [profile for profile in chain if profile.file.gate is not None] or chain[-1:]
    gated = gates[-1]
    return Plan(
        profile=last.id,
        title=last.title,
        version=last.version,
        controls=tuple(planned),
        excluded=tuple(Exclusion(control=key, reason=why) for key, why in sorted(excluded.items())),
        gate=gated.file.gate or GatePolicy.model_construct(),
        gate_at=lambda loc: gated.document.at(("gate", *loc)),
        sources=tuple((profile.document.path.name, profile.document.text) for profile in chain),
    )


def mistakes(chain: Sequence[Profile], catalog: Catalog, *, is_whole: bool = True) -> list[str]:
    """Return one line for everything in a chain of profiles that `make_plan` would refuse.

    Without `is_whole` the chain lacks profiles, and nothing is said of what may be in these.
    """
    drafts, _, problems = _resolve(chain, catalog, is_whole=is_whole)
    if not drafts and not problems and is_whole:
        problems = [f"{chain[-1].document.at(())}: profile {chain[-1].file.id!r} selects no control"]
    return problems


def _resolve(
    chain: Sequence[Profile], catalog: Catalog, *, is_whole: bool = True
) -> tuple[dict[str, _Draft], dict[str, str], list[str]]:
    """Return what a chain selects, what it excludes and why, and what is wrong with it."""
    drafts: dict[str, _Draft] = {}
    excluded: dict[str, str] = {}
    problems: list[str] = []
    for profile in chain:
        is_whole = is_whole and not problems
        problems += _apply_profile(profile, catalog, drafts, excluded, is_whole=is_whole)
    return drafts, excluded, problems


def _apply_profile(
    profile: Profile,
    catalog: Catalog,
    drafts: dict[str, _Draft],
    excluded: dict[str, str],
    *,
    is_whole: bool,
) -> Iterator[str]:
    file, at = profile.file, profile.document.at
    for key in ("exclude", "controls"):
        for selector in getattr(file, key):
            if not selectors.matching(selector, catalog):
                is_whole = False
                yield selectors.not_there(selector, catalog, at((key, selector)))
    excludes = {
        control: (selector, reason)
        for selector, reason in file.exclude.items()
        for control in selectors.matching(selector, catalog)
    }
    entries = [
        (selector, entry, selectors.matching(selector, catalog))
        for selector, entry in selectors.in_order(file.controls)
    ]
    for selector, _, found in entries:
        if selector in excludes and found == [selector]:
            yield f"{at(('exclude', excludes[selector][0]))}: {selector} is both selected and excluded"
        for key in found:
            drafts.setdefault(key, _Draft(control=catalog[key], severity=catalog[key].severity))
            excluded.pop(key, None)
    for key, (_, reason) in excludes.items():
        drafts.pop(key, None)
        excluded[key] = reason
    missing = "no selected control has the parameter" if is_whole else ""
    yield from _apply_params(file.params, at, ("params",), drafts.values(), missing)
    for selector, entry, found in entries:
        matched = [drafts[key] for key in found if key in drafts]
        missing = f"{selector} has no parameter" if matched or (found and selector not in excludes) else ""
        yield from _apply_params(entry.params, at, ("controls", selector, "params"), matched, missing)
        yield from _add_references(matched, entry.references, at(("controls", selector, "references")))
        for draft in matched:
            draft.severity = entry.severity or draft.severity
    yield from _add_references(drafts.values(), file.references, at(("references",)))


def _apply_params(
    values: Mapping[str, Any], at: Any, loc: tuple[str, ...], drafts: Iterable[_Draft], missing: str
) -> Iterator[str]:
    """Set parameters; where no draft has one, say that it is `missing`, unless that is empty."""
    targets = list(drafts)
    for name, value in values.items():
        where = at((*loc, name))
        having = [draft for draft in targets if name in draft.control.parameters]
        if not having and missing:
            known = {key for draft in targets for key in draft.control.parameters}
            yield f"{where}: {missing} {name!r}. {nearest(name, known)}".rstrip()
        try:
            for draft in having:
                draft.values[name] = _valid(draft.control, draft.control.parameters[name], value, where)
        except UsageProblem as problem:
            yield str(problem)


def _valid(control: Control, parameter: Parameter, value: object, where: str) -> Any:
    try:
        return parameter.validate(value)
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        inner = ".".join(str(part) for part in detail["loc"])
        message = str(detail["msg"]).removeprefix("Value error, ")
        raise UsageProblem(
            f"{where}: parameter {parameter.name!r} of {control.id} is {parameter.type_name}: "
            f"{f'at {inner}: ' if inner else ''}{message} (got {value!r})"
        ) from None


def _add_references(
    drafts: Iterable[_Draft], references: Mapping[str, Sequence[str]], where: str
) -> Iterator[str]:
    for key, ids in references.items():
        try:
            if frameworks.is_known(key):
                frameworks.check(key, ids)
        except UsageProblem as error:
            yield f"{where}: {error}"
        for draft in drafts:
            known = draft.references.setdefault(key, list(draft.control.frameworks.get(key, ())))
            known.extend(item for item in ids if item not in known)


def _apply_option(option: str, drafts: Mapping[str, _Draft]) -> None:
    where = f"--aisec-param {option}"
    target, equals, text = option.partition("=")
    if not equals or not target.strip():
        raise UsageProblem(f"{where}: write NAME=VALUE or CONTROL.NAME=VALUE")
    selector, dot, name = target.strip().rpartition(".")
    having = [draft for key, draft in sorted(drafts.items()) if not dot or selectors.matches(key, selector)]
    if dot and not having:
        raise UsageProblem(
            f"{where}: no control of the profile matches {selector!r}. {nearest(selector, drafts)}"
        )
    matched = [draft for draft in having if name in draft.control.parameters]
    if not matched:
        known = {key for draft in having for key in draft.control.parameters}
        raise UsageProblem(f"{where}: unknown parameter {name!r}. {nearest(name, known)}".rstrip())
    for draft in matched:
        draft.values[name] = _from_text(draft.control, draft.control.parameters[name], text, where)


def _from_text(control: Control, parameter: Parameter, text: str, where: str) -> Any:
    """Read a value from the command line: as it stands where a string fits, otherwise as YAML."""
    try:
        return parameter.validate(text)
    except ValidationError:
        pass
    try:
        value = yamlfile.value_of(text)
    except ValueError:
        value = text
    if isinstance(value, (str, int, float)) and not _fits(parameter, value):
        try:
            return parameter.validate([part.strip() for part in text.split(",")])
        except ValidationError:
            pass
    return _valid(control, parameter, value, where)


def _fits(parameter: Parameter, value: object) -> bool:
    try:
        parameter.validate(value)
    except ValidationError:
        return False
    return True


def _finish(draft: _Draft) -> PlannedControl:
    control = draft.control
    defaults = {name: copy.deepcopy(parameter.value) for name, parameter in control.parameters.items()}
    references = {**control.frameworks, **{key: tuple(ids) for key, ids in draft.references.items()}}
    return PlannedControl(
        control=control,
        severity=draft.severity,
        params=MappingProxyType({**defaults, **draft.values}),
        declared=frozenset(draft.values),
        references=MappingProxyType(dict(sorted(references.items()))),
    )


def single(control: Control, params: Mapping[str, Any]) -> PlannedControl:
    """Return one control planned with `params` declared, as a profile that sets just these would."""
    draft = _Draft(control=control, severity=control.severity)
    problems = list(
        _apply_params(params, lambda loc: f"{control.id}: {'.'.join(loc)}", (), [draft], "no parameter")
    )
    if problems:
        raise UsageProblem("\n".join(problems))
    return _finish(draft)
