"""The rules of `aisec lint`: what is wrong with each kind of file, and what has no effect."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from datetime import date
from itertools import combinations
from pathlib import Path
from typing import Any

from pytest_aisec.catalog import gate_policy, resolve, unused_settings, yamlfile
from pytest_aisec.catalog import profile as profiles
from pytest_aisec.catalog.control import CONTROL_ID, SEVERITIES
from pytest_aisec.catalog.load import Catalog, control_files, read_controls
from pytest_aisec.catalog.policy import GatePolicy
from pytest_aisec.catalog.profile import Profile
from pytest_aisec.catalog.selectors import matching, not_there
from pytest_aisec.catalog.settings import Settings
from pytest_aisec.cli.authoring.lint.files import Files
from pytest_aisec.cli.authoring.lint.finding import Finding
from pytest_aisec.errors import UsageProblem
from pytest_aisec.judge.waivers import host_patterns, statement
from pytest_aisec.judge.waivers.attestation import Attestation
from pytest_aisec.judge.waivers.statement import Dated, Given
from pytest_aisec.judge.waivers.waiver import Waiver
from pytest_aisec.observe.redaction import user_patterns

_MOST_EFFORT = 10_000_000
"""For finding waivers that overlap: some seconds."""


def findings(files: Files, today: date) -> Iterator[Finding]:
    """Yield what is wrong with files, or has no effect.

    Args:
        files: all that there are.
        today: the day that counts, UTC.

    """
    yield from files.findings
    catalog, unsure = yield from _controls(files)
    known = {*catalog, *unsure}
    for settings in filter(None, files.settings.values()):
        yield from _settings(settings, catalog, unsure, files)
    chains = []
    for path in files.of("profile"):
        chain = yield from _profile(path, catalog, unsure, files)
        chains.append(chain)
    for path in files.of("gate"):
        yield from _gate(path, known, files)
    for path in files.of("patterns"):
        try:
            user_patterns.read(path)
        except UsageProblem as problem:
            yield from files.teller.refuse(str(problem), path, "invalid-patterns")
    yield from _statements(files, known, today)
    if all(chains):
        yield from _unused(chains, catalog, files)


def _statements(files: Files, known: Collection[str], today: date) -> Iterator[Finding]:
    """Lint waivers and attestations."""
    waivers, problems = statement.read(files.of("waivers"), Waiver, known)
    yield from files.teller.refuse("\n".join(problems), files.teller.cwd, "invalid-waiver")
    attestations, problems = statement.read(files.of("attestations"), Attestation, known)
    yield from files.teller.refuse("\n".join(problems), files.teller.cwd, "invalid-attestation")
    yield from _dates(waivers, "expires", "waiver", today, files)
    yield from _dates(attestations, "valid_until", "attestation", today, files)
    yield from _overlaps(waivers, today, files)


def _settings(read: Settings, catalog: Catalog, unsure: Collection[str], files: Files) -> Iterator[Finding]:
    """Lint what settings make of profiles; what is wrong with a profile file of its own is said there."""
    for name in read.file.groups or ("",):
        profile, where = read.profile_of(name)
        chain, problems = profiles.read_chain(
            profile, files.roots.values(), cwd=read.directory, asked_by=where
        )
        if chain and not problems and not unsure:
            over = [*chain, *read.overlay(name, chain[-1].file)]
            problems = resolve.mistakes(over, catalog, is_whole=True)
        yield from files.teller.refuse("\n".join(problems), read.document.path, "invalid-settings")


def _controls(files: Files) -> Generator[Finding, None, tuple[Catalog, set[str]]]:
    """Return all controls, and the ids that stand in files that cannot be read."""
    paths = [*control_files(files.roots.values()), *sorted(files.controls)]
    found, problems = read_controls(dict.fromkeys(paths))
    catalog = Catalog(found)
    for path, text in problems.items():
        yield from files.teller.refuse(text, path, "invalid-control")
    for path in sorted(files.controls - {control.path for control in catalog.values()} - set(problems)):
        yield from files.teller.say(f"{path}:1:1", "warning", "no-control", "it defines no control")
    texts = (path.read_text(encoding="utf-8", errors="replace") for path in problems)
    return catalog, {match[0] for text in texts for match in CONTROL_ID.finditer(text)} - set(catalog)


def _profile(
    path: Path, catalog: Catalog, unsure: Collection[str], files: Files
) -> Generator[Finding, None, list[Profile]]:
    """Lint a profile with all that it extends; return them, or nothing where it cannot be read."""
    chain, problems = profiles.read_chain(str(path), files.roots.values(), cwd=files.teller.cwd)
    yield from files.teller.refuse("\n".join(problems), path, "invalid-profile")
    if not chain or chain[-1].document.path != path:
        yield from _selectors(path, catalog, unsure, files)
        return []
    own = chain[-1]
    is_whole = not problems and not unsure
    mistakes = resolve.mistakes(
        [_without(item, catalog, unsure) for item in chain], catalog, is_whole=is_whole
    )
    yield from files.teller.refuse("\n".join(mistakes), path, "invalid-profile")
    if mistakes or not is_whole:
        return chain
    plan = resolve.make_plan(chain, catalog)
    required = gate_policy.check_required(plan.gate, plan.gate_at, catalog, plan)
    yield from files.teller.refuse("\n".join(required), path, "invalid-gate")
    if own.file.gate is not None:
        limits = [limit for outcomes in plan.gate.max.values() for limit in outcomes.values()]
        enough = [str(number) for number in range(max(limits, default=0) + 1)]
        reasons = gate_policy.why_never(plan.gate, plan, enough, has_waivers=True)
        if reasons:
            planned = Counter(item.severity for item in plan.controls)
            there = ", ".join(
                f"{planned[severity]} {severity}" for severity in SEVERITIES if planned[severity]
            )
            yield from files.teller.say(
                plan.gate_at(("fail_on",)),
                "warning",
                "never-fails",
                f"this gate can never fail for {plan.profile}, which has no control of a severity that "
                f"counts or is limited (planned: {there})",
            )
    for shadow in unused_settings.find(own, catalog, [item.id for item in plan.controls]):
        yield from files.teller.say(own.document.at(shadow.loc), "warning", shadow.code, shadow.message)
    return chain


def _selectors(path: Path, catalog: Catalog, unsure: Collection[str], files: Files) -> Iterator[Finding]:
    """Say which selectors mean no control, of a profile that is wrong in other ways."""
    try:
        document = yamlfile.read(path)
    except UsageProblem:
        return
    for key in ("exclude", "controls"):
        selectors = document.data.get(key) if isinstance(document.data, dict) else None
        for selector in selectors if isinstance(selectors, dict) else ():
            if isinstance(selector, str) and not matching(selector, {*catalog, *unsure}):
                text = not_there(selector, catalog, document.at((key, selector)))
                yield from files.teller.refuse(text, path, "invalid-profile")


def _without(profile: Profile, catalog: Catalog, unsure: Collection[str]) -> Profile:
    """Leave out what may select a control whose file cannot be read."""

    def known(selectors: Mapping[str, Any]) -> dict[str, Any]:
        return {
            selector: value
            for selector, value in selectors.items()
            if matching(selector, catalog) or not matching(selector, unsure)
        }

    file = profile.file
    changes = {"controls": known(file.controls), "exclude": known(file.exclude)}
    return Profile(file=file.model_copy(update=changes), document=profile.document)


def _gate(path: Path, known: Collection[str], files: Files) -> Iterator[Finding]:
    try:
        document = yamlfile.read(path)
        policy = yamlfile.parse(document, GatePolicy)
    except UsageProblem as problem:
        yield from files.teller.refuse(str(problem), path, "invalid-gate")
        return
    yield from files.teller.refuse(
        "\n".join(gate_policy.check_required(policy, document.at, known, None)), path, "invalid-gate"
    )


def _dates(given: Given[Any], key: str, what: str, today: date, files: Files) -> Iterator[Finding]:
    """Warn of what is over, or will be soon."""
    for item, at in zip(given.items, given.at, strict=True):
        end: date = getattr(item, key)
        left = statement.days_left(end, today)
        if left < 0:
            yield from files.teller.say(
                at(key), "warning", "expired", f"{what} {item.id} is over: {end} was its last day"
            )
        elif left <= statement.EXPIRING_DAYS:
            when = "today" if left == 0 else f"in {left} day{'s' if left > 1 else ''}"
            yield from files.teller.say(
                at(key), "warning", "expiring", f"{what} {item.id} ends {when}: {end} is its last day"
            )


def _overlaps(given: Given[Waiver], today: date, files: Files) -> Iterator[Finding]:
    """Warn of two waivers that excuse one control on the same hosts at the same time."""
    by_control: dict[str, list[tuple[Waiver, Callable[[str], str]]]] = {}
    for item, at in zip(given.items, given.at, strict=True):
        if item.expires >= today:
            by_control.setdefault(item.control, []).append((item, at))
    effort = 0
    for entries in by_control.values():
        for (one, one_at), (other, other_at) in combinations(entries, 2):
            effort += sum(host_patterns.effort(mine, theirs) for mine in one.hosts for theirs in other.hosts)
            if effort > _MOST_EFFORT:
                message = "too many hosts in too many waivers of one control: the rest is not compared"
                yield from files.teller.say(other_at("hosts"), "warning", "overlapping", message)
                return
            if max(one.approved_on, other.approved_on) <= min(one.expires, other.expires) and _share_hosts(
                one, other
            ):
                yield from files.teller.say(
                    other_at("hosts"),
                    "warning",
                    "overlapping",
                    f"waiver {other.id} is for hosts of {one.id}, at {one_at('')}, too; on them the one for "
                    "fewer hosts counts",
                )


def _share_hosts(one: Dated, other: Dated) -> bool:
    """Tell whether a host of one is one of the other, as far as their names tell."""
    return any(host_patterns.overlap(mine, theirs) for mine in one.hosts for theirs in other.hosts)


def _unused(chains: Sequence[Sequence[Profile]], catalog: Catalog, files: Files) -> Iterator[Finding]:
    """Warn of controls of the linted directories that no profile names; an exclusion names them, too."""
    seen = [item for chain in chains for item in chain]
    linted = {item.document.path for item in seen}
    for path in profiles.profile_files(files.roots.values()).values():
        if path.resolve() not in linted:
            chain, problems = profiles.read_chain(str(path), files.roots.values(), cwd=files.teller.cwd)
            if problems:
                return
            seen += chain
    selectors = {selector for item in seen for selector in (*item.file.controls, *item.file.exclude)}
    named = {control for selector in selectors for control in matching(selector, catalog)}
    for control in catalog.values():
        is_linted = any(control.path.is_relative_to(root / "controls") for root in files.whole)
        if is_linted and control.id not in named:
            where = f"{control.path}:{control.line}:1"
            yield from files.teller.say(
                where, "warning", "in-no-profile", f"control {control.id} is in no profile"
            )
